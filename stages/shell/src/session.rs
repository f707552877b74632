//! A shell at work: a store that is opened when it is first needed, perhaps an open batch, and the two streams.
//!
//! **Invariants**
//! 1. A batch that meets the end of the input, `abort` or an error is discarded, and that is said.
//! 2. After an error in a batch of a script that keeps going, its other lines are skipped up to `commit` or `abort`:
//!    half a batch is never written as single puts.
//! 3. The store is closed on every way out but the death of the process; the thread that does its background work
//!    ends after that and before the process does.

use crate::command::{Command, Run, find};
use crate::failure::{Answer, Failure, Outcome};
use crate::grammar;
use crate::output::{Output, Tone};
use crate::place::{Held, Place};
use crate::report;
use crate::special;
use contract::{Batch, Call, Engine, Options, RecoveryReport, Stage, Worker};
use std::fmt::Display;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;
use vfs::Vfs;

/// More than any line can need: a key and a value at their limits, every byte escaped.
pub(crate) const MAX_LINE_BYTES: u64 = 4 * (contract::MAX_KEY_BYTES + contract::MAX_VALUE_BYTES) + 1024;

/// Lines of commands, or the data of `import -`.
pub(crate) type Input<'a> = BufReader<Box<dyn Read + 'a>>;

/// A shell at work.
pub(crate) struct Session<'a> {
    pub(crate) stage: &'static Stage,
    pub(crate) place: Place,
    pub(crate) options: Options,
    /// Whether everything that reports does so as JSON.
    pub(crate) json: bool,
    /// Whether a person sits at the prompt.
    pub(crate) interactive: bool,
    pub(crate) upkeep: Upkeep,
    /// Whether commands say how long they took.
    pub(crate) timed: bool,
    pub(crate) input: Input<'a>,
    pub(crate) output: Output<'a>,
    pub(crate) pending: Pending,
    store: Option<Store>,
}

struct Store {
    fs: Arc<dyn Vfs>,
    engine: Arc<dyn Engine>,
    recovery: RecoveryReport,
    worker: Option<Worker>,
}

/// Who does the store's background work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upkeep {
    /// A thread of its own.
    Beside,
    /// The commands `step` and `compact`, and nobody else.
    ByHand,
}

/// The batch between `batch` and `commit`.
#[derive(Debug, Default)]
pub(crate) enum Pending {
    /// There is none.
    #[default]
    None,
    /// It collects.
    Open(Batch),
    /// It met an error and was discarded; the lines up to its end are skipped.
    Broken,
}

impl<'a> Session<'a> {
    /// A shell that has not touched anything yet.
    pub(crate) fn new(stage: &'static Stage, place: Place, input: Input<'a>, output: Output<'a>) -> Self {
        Self {
            stage,
            place,
            options: stage.default_options(),
            json: false,
            interactive: false,
            upkeep: Upkeep::Beside,
            timed: true,
            input,
            output,
            pending: Pending::None,
            store: None,
        }
    }

    /// The store; opened, and what recovery did told, when it is first needed.
    pub(crate) fn store(&mut self) -> Result<Arc<dyn Engine>, Failure> {
        if let Some(store) = &self.store {
            return Ok(Arc::clone(&store.engine));
        }
        let fs = self.place.create()?;
        let (engine, recovery) = (self.stage.open)(Arc::clone(&fs), &self.options)?;
        for line in report::recovery(&self.place.name, &recovery) {
            self.output.labelled("note", Tone::Strong, line);
        }
        let worker = (self.upkeep == Upkeep::Beside).then(|| Worker::start(&engine));
        self.store = Some(Store { fs, engine: Arc::clone(&engine), recovery, worker });
        Ok(engine)
    }

    /// The running engine, if the store is open.
    pub(crate) fn running(&self) -> Option<Arc<dyn Engine>> {
        self.store.as_ref().map(|store| Arc::clone(&store.engine))
    }

    /// What the opening of the store found and did, if it is open.
    pub(crate) fn recovery(&self) -> Option<&RecoveryReport> {
        self.store.as_ref().map(|store| &store.recovery)
    }

    /// The store's files for looking at: nothing is opened, made or changed.
    pub(crate) fn files(&self) -> Result<Arc<dyn Vfs>, Failure> {
        match &self.store {
            Some(store) => Ok(Arc::new(Held(Arc::clone(&store.fs)))),
            None => self.place.existing(),
        }
    }

    /// Whether this report is to be JSON.
    pub(crate) fn wants_json(&self, call: &Call) -> bool {
        self.json || call.has("json")
    }

    /// Tells a person at the prompt that it worked; scripts hear nothing.
    pub(crate) fn acknowledge(&mut self, text: impl Display) {
        if self.interactive {
            self.output.remark(text);
        }
    }

    /// Refuses what cannot be part of a batch.
    pub(crate) fn refuse_in_batch(&self, what: &str) -> Result<(), Failure> {
        match self.pending {
            Pending::None => Ok(()),
            _ => Err(Failure::usage(format!(
                "«{what}» cannot be part of a batch; «commit» or «abort» it first"
            ))),
        }
    }

    /// Discards an open batch and says so; true if there was one.
    pub(crate) fn discard_batch(&mut self) -> bool {
        let Pending::Open(batch) = std::mem::take(&mut self.pending) else { return false };
        self.output.labelled(
            "note",
            Tone::Strong,
            format_args!(
                "the batch was discarded; {} not written",
                report::count(batch.len() as u64, "entry", "entries")
            ),
        );
        true
    }

    /// Runs one line.
    pub(crate) fn run_line(&mut self, line: &[u8]) -> Answer {
        if line.trim_ascii_start().starts_with(b"#") {
            return Ok(Outcome::Done);
        }
        let Some((name, rest)) = grammar::word(line).map_err(Failure::Usage)? else {
            return Ok(Outcome::Done);
        };
        let command = find(self.stage, &name.bytes).ok_or_else(|| {
            let name = grammar::lossy(&name.bytes);
            Failure::usage(format!("there is no command «{name}»; «help» lists them"))
        })?;
        if self.is_skipped(&command) {
            return Ok(Outcome::Done);
        }
        self.run(&command, &command.parse(rest)?)
    }

    /// Runs a command.
    pub(crate) fn run(&mut self, command: &Command, call: &Call) -> Answer {
        match command.run {
            Run::Session(run) => run(self, call),
            Run::Engine(run) => special::run(self, run, call),
        }
    }

    fn is_skipped(&self, command: &Command) -> bool {
        matches!(self.pending, Pending::Broken) && !["commit", "abort", "quit"].contains(&command.name)
    }

    /// Tells a failure, and what became of an open batch. Returns the exit status.
    pub(crate) fn fail(&mut self, failure: &Failure, line: Option<u64>) -> u8 {
        if let Some(message) = failure.message() {
            let at = line.map_or(String::new(), |line| format!("line {line}: "));
            self.output.labelled("error", Tone::Bad, format_args!("{at}{message}"));
        }
        if self.discard_batch() && !self.interactive {
            self.pending = Pending::Broken;
        }
        failure.status()
    }

    /// Runs the input line by line, up to the first error unless told to keep going. Returns the exit status: that
    /// of the last command, as in any shell, or the highest of the errors.
    pub(crate) fn run_script(&mut self, keep_going: bool) -> u8 {
        let (mut last, mut worst) = (0, 0);
        let mut line = Vec::new();
        for number in 1.. {
            let answer = match self.read_line(&mut line) {
                Ok(false) => break,
                Ok(true) => self.run_line(&line),
                Err(failure) => Err(failure),
            };
            match answer {
                Ok(Outcome::Done) => last = 0,
                Ok(Outcome::Absent) => last = 1,
                Ok(Outcome::Quit) => break,
                Err(failure) => {
                    worst = self.fail(&failure, Some(number)).max(worst);
                    if !keep_going || matches!(failure, Failure::PipeClosed | Failure::Interrupted(_)) {
                        break;
                    }
                }
            }
        }
        if worst > 0 { worst } else { last }
    }

    /// Reads a line without its end; false at the end of the input. Results go out before it waits.
    fn read_line(&mut self, line: &mut Vec<u8>) -> Result<bool, Failure> {
        if self.input.buffer().is_empty() {
            self.output.flush()?;
        }
        line.clear();
        let read = (&mut self.input).take(MAX_LINE_BYTES).read_until(b'\n', line);
        let bytes = read.map_err(|e| Failure::World("cannot read the commands".into(), e))?;
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        Ok(bytes > 0)
    }

    /// Ends it: discards an open batch, writes out the results, closes the store. Returns the exit status, which is
    /// `status` unless this fails.
    pub(crate) fn end(&mut self, mut status: u8) -> u8 {
        if self.discard_batch() && !self.interactive {
            status = status.max(2);
        }
        for result in [self.output.flush().map_err(Failure::from), self.close()] {
            if let Err(failure) = result {
                status = self.fail(&failure, None).max(status);
            }
        }
        status
    }

    fn close(&mut self) -> Result<(), Failure> {
        let Some(store) = self.store.take() else { return Ok(()) };
        let closed = store.engine.close();
        // The close has told its thread to end; this waits for it.
        drop(store.worker);
        Ok(closed?)
    }

    /// Drops the running engine as it is, without a close that could report: the tour's crash.
    pub(crate) fn abandon(&mut self, place: Place) {
        self.pending = Pending::None;
        self.store = None;
        self.place = place;
    }
}
