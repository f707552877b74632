//! Contract scripts: commands as a person would type them, and the transcript of what an engine answered.
//!
//! **Layout** A script is lines of [`crate::ops::text`], and these besides:
//!
//! ```text
//! open [NAME VALUE …]  close  drop  kill      one store from its birth on; a script begins with an open one
//! set NAME VALUE                             an option of the open store
//! second                                     tries to open the store once more
//! tear N                                     the process dies, and the last N bytes of the newest write are gone
//! plant FILE WORD                            puts a file of these bytes into the directory
//! files  inspect [FILE]  stats  check        look at the bytes: every file, its fields, the figures, `verify` when closed
//! salvage                                    what can be read of a closed store, written into a new one
//! ```
//!
//! **Invariants**
//! 1. Answers are in words that every engine must use alike: they are compared between engines (I22).
//! 2. What differs between engines (fields, sizes, offsets, messages) goes to a second transcript, which has the
//!    commands too, and so documents the format.

mod show;

use crate::ops::text::{self, Word};
use crate::ops::{Op, Range};
use crate::world::World;
use contract::{Engine, Error, Options, Result, Scan, Stage};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an engine answered to a script.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// The same for every engine.
    pub answers: String,
    /// This engine's own: its bytes and figures.
    pub bytes: String,
}

/// Runs a script on an empty store in `world`. A line that makes no sense is an error of the script's writer.
pub fn run(
    stage: &'static Stage,
    options: &Options,
    world: World,
    script: &str,
) -> std::result::Result<Transcript, String> {
    let mut runner = Runner {
        stage,
        options: options.clone(),
        world,
        handle: None,
        held: Vec::new(),
        grown: None,
        table: show::Table::default(),
        transcript: Transcript::default(),
    };
    runner.open();
    for (i, line) in script.lines().enumerate() {
        runner.line(line).map_err(|what| format!("line {}, «{line}»: {what}", i + 1))?;
    }
    Ok(runner.transcript)
}

struct Runner {
    stage: &'static Stage,
    options: Options,
    world: World,
    handle: Option<Arc<dyn Engine>>,
    held: Vec<(Range, Scan)>,
    /// The file that the last write made longer: the one whose end a crash tears.
    grown: Option<String>,
    table: show::Table,
    transcript: Transcript,
}

impl Runner {
    fn line(&mut self, line: &str) -> std::result::Result<(), String> {
        let words = text::words(line)?;
        let Some((name, args)) = words.split_first() else {
            self.copy(line);
            return Ok(());
        };
        self.copy(line);
        let words = |args: &[Word]| args.iter().map(Word::text).collect::<Vec<_>>();
        match (name.plain(), args) {
            ("open", args) => self.open_with(&words(args))?,
            ("close", []) => self.close()?,
            ("drop", []) => drop(self.handle.take()),
            ("kill", []) => self.kill(0)?,
            ("tear", [bytes]) => self.kill(bytes.text().parse().map_err(|_| "how many bytes?")?)?,
            ("set", [name, value]) => {
                let done = self.engine()?.set_option(&name.text(), &value.text());
                self.answer(&show::done(&done));
                self.message(&done);
            }
            ("second", []) => {
                let second = (self.stage.open)(self.world.vfs(), &self.options).map(drop);
                self.answer(&show::done(&second));
            }
            ("plant", [file, bytes]) => self.world.plant(&file.text(), bytes.bytes.clone()),
            ("files" | "inspect" | "stats" | "check" | "salvage", args) => {
                self.look(name.plain(), args.first().map(Word::text).as_deref())?;
            }
            _ => self.op(&text::op(&text::words(line)?)?)?,
        }
        Ok(())
    }

    fn op(&mut self, op: &Op) -> std::result::Result<(), String> {
        let before = self.sizes();
        let engine = self.engine()?;
        let answer = match op {
            Op::Get { key } => show::value(&engine.get(key)),
            Op::Contains { key } => show::yes_or_no(&engine.contains(key)),
            Op::PutIfAbsent { key, value } => show::yes_or_no(&engine.put_if_absent(key, value)),
            Op::Explain { key } => {
                let explained = engine.explain(key);
                self.note(&show::looks(&explained));
                show::value(&explained.map(|explanation| explanation.value))
            }
            Op::Scan(range) => show::scan(engine.scan(range.as_keys())),
            Op::ScanPrefix { prefix } => show::scan(engine.scan_prefix(prefix)),
            Op::Hold(range) => match engine.scan(range.as_keys()) {
                Ok(scan) => {
                    self.held.push((range.clone(), scan));
                    "ok".into()
                }
                Err(e) => show::error(&e),
            },
            Op::Release => {
                let held = std::mem::take(&mut self.held);
                let shown =
                    held.into_iter().map(|(range, scan)| format!("scan{range}\n{}", show::scan(Ok(scan))));
                shown.collect::<Vec<_>>().join("\n")
            }
            Op::Verify => show::verified(&engine.verify()),
            Op::Step => show::done(&engine.step().map(drop)),
            op => show::done(&crate::ops::apply(&*engine, op)),
        };
        self.answer(&answer);
        // Of several files the one with the largest number: a write comes last into the newest log.
        let mut after = self.sizes().into_iter().rev();
        let grown = after.find(|(name, len)| before.get(name).is_none_or(|before| before < len));
        self.grown = grown.map(|(name, _)| name).or(self.grown.take());
        Ok(())
    }

    fn open_with(&mut self, settings: &[String]) -> std::result::Result<(), String> {
        for setting in settings.chunks(2) {
            let [name, value] = setting else { return Err("an option without its value".into()) };
            self.options.set(name, value).map_err(|e| e.to_string())?;
        }
        self.open();
        Ok(())
    }

    fn open(&mut self) {
        match (self.stage.open)(self.world.vfs(), &self.options) {
            Ok((engine, report)) => {
                self.answer(show::opened(&report));
                if self.stage.persistent {
                    self.note(&show::report(&report));
                }
                self.handle = Some(engine);
            }
            Err(e) => {
                self.answer(&show::error(&e));
                self.note(&e.to_string());
            }
        }
    }

    /// The handle stays: what a closed engine answers is part of the contract.
    fn close(&mut self) -> std::result::Result<(), String> {
        let closed = self.engine()?.close();
        self.answer(&show::done(&closed));
        Ok(())
    }

    fn kill(&mut self, torn_bytes: usize) -> std::result::Result<(), String> {
        self.world = self.world.after_kill(0);
        self.handle = None;
        if torn_bytes > 0 {
            let name = self.grown.clone().ok_or("nothing was written")?;
            let mut bytes = self.world.contents().remove(&name).ok_or("the file is gone")?;
            // Room that was reserved behind the write is no part of it.
            let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            bytes.truncate(written.saturating_sub(torn_bytes));
            self.world.plant(&name, bytes);
        }
        Ok(())
    }

    fn look(&mut self, what: &str, file: Option<&str>) -> std::result::Result<(), String> {
        let vfs = self.world.vfs();
        match what {
            "files" => {
                let shown: Vec<_> =
                    self.sizes().into_iter().map(|(name, len)| format!("{name}  {len} bytes")).collect();
                self.note(&shown.join("\n"));
            }
            "inspect" => {
                // A copy, as another process would find it: the owner keeps the lock of the store itself.
                let copy = self.world.after_kill(0).vfs();
                let mut fields = Vec::new();
                let done = (self.stage.inspect)(&*copy, file, &mut |field| {
                    fields.push(field.clone());
                    true
                });
                let text = self.table.show(&fields);
                self.note(&text);
                self.message(&done);
            }
            "stats" => {
                let stats = self.engine()?.stats();
                self.note(&show::stats(&stats));
            }
            "check" => {
                let checked = (self.stage.verify)(&*vfs);
                self.answer(&show::verified(&checked));
                self.note(&show::checked(&checked));
            }
            _ => {
                let rescued = contract::oracle::Oracle::default();
                let report = (self.stage.salvage)(&*vfs, &rescued);
                self.answer(&show::scan(rescued.scan(contract::KeyRange::all())));
                self.note(&show::salvaged(&report));
            }
        }
        Ok(())
    }

    fn sizes(&self) -> BTreeMap<String, usize> {
        self.world.contents().into_iter().map(|(name, bytes)| (name, bytes.len())).collect()
    }

    fn engine(&self) -> std::result::Result<Arc<dyn Engine>, String> {
        self.handle.clone().ok_or_else(|| "the store is not open".to_owned())
    }

    /// The script's own line goes into both transcripts.
    fn copy(&mut self, line: &str) {
        for transcript in [&mut self.transcript.answers, &mut self.transcript.bytes] {
            transcript.push_str(line);
            transcript.push('\n');
        }
    }

    fn answer(&mut self, text: &str) {
        show::indent(&mut self.transcript.answers, text);
    }

    fn note(&mut self, text: &str) {
        show::indent(&mut self.transcript.bytes, text);
    }

    /// The engine's own words for an error, in its own transcript.
    fn message(&mut self, result: &Result<()>) {
        if let Err(e @ (Error::Corrupt { .. } | Error::BadOption { .. })) = result {
            self.note(&e.to_string());
        }
    }
}
