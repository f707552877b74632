//! Small stores, each with a past: what was asked for, what their files were at every moment, and what they are now.

use crate::crash::ledger::{Ledger, writes};
use crate::crash::run::tiny_options;
use crate::crash::verdict;
use crate::failure::Failure;
use crate::invariant::Invariant;
use crate::ops::{self, Op};
use contract::{Engine, Options, Stage};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use vfs::Vfs;
use vfs::sim::{Crash, CrashKind, Errno, Fault, SimFs};

/// A store at rest.
pub struct Fixture {
    /// What it is, in words.
    pub name: String,
    /// Its engine.
    pub stage: &'static Stage,
    /// How it was opened, and is opened again.
    pub options: Options,
    /// Its files.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Every content that every name ever had.
    pub past: BTreeMap<String, BTreeSet<Vec<u8>>>,
    /// The files of a store with the same past but for its values, which are as long and other.
    pub twin: BTreeMap<String, Vec<u8>>,
    /// Whether it was closed.
    pub clean: bool,
    /// The states that it had, in order, and what was ever written.
    pub ledger: Ledger,
    /// The newest point that a later write proves to be durable.
    pub proven: usize,
    /// The most bytes that one entry may take in a file: how near is near.
    pub frame_bytes: u64,
    /// Files without which every answer is the same: marks and saved indexes. Each is one record under one checksum.
    derived: BTreeSet<String>,
}

/// The most bytes of a record without key and value: a header, or the footer of a table. It is one piece under one
/// checksum, and any place in it is as near as another.
fn record_bytes(stage: &Stage) -> u64 {
    if crate::settings::has_blocks(stage) { 80 } else { 64 }
}

/// The stores, as operations. Those that end in `close` are clean.
const STORES: [(&str, &str); 9] = [
    ("empty", "close\n"),
    (
        "closed",
        "put a 1\nput b 22\nsync\ndelete a\nbatch put c 3 ; put b 4 ; delete x\nput d \"\"\nsync\nput \"\" e\nclose\n",
    ),
    (
        "not closed",
        "put a 1\nput b 22\nsync\ndelete a\nbatch put c 3 ; put b 4 ; delete a\nsync\nput d 5\nput a 6\n",
    ),
    (
        "compacted and closed",
        "put a 1\nput b 2\nput a 3\nbatch put c 4 ; put d 5\ndelete b\ncompact\nput e 6\nsync\nput f 7\nclose\n",
    ),
    (
        "compacted and not closed",
        "put a 1\nput b 2\nput c 9\nput a 3\ndelete b\ncompact\nput e 6\nsync\nput f 7\n",
    ),
    (
        "recovered and closed",
        "put a 1\nsync\nput b 2\nkill\nput c 3\nsync\nbatch delete a ; put d 4\nclose\n",
    ),
    (
        "kept up and closed",
        "put a 1\nput b 2\nput a 3\nput c 4\nstep\nstep\nstep\ndelete b\nput d 5\nstep\nstep\nstep\nclose\n\
         put c 6\nput e 7\nput a 8\nstep\nstep\nclose\n",
    ),
    (
        "kept up and not closed",
        "put a 1\nput b 2\nput c 3\nput d 4\nput e 5\nput f 6\nstep\nstep\nstep\nstep\nstep\nstep\nput g 7\nput h 8\n",
    ),
    (
        "closed, with values over a sector",
        "put a \".\"*700\nput b \"-\"*300\nsync\nput c \"~\"*600\nput d 1\nclose\n",
    ),
];

impl Fixture {
    /// Every small store of an engine, with options from each of `seeds`.
    pub fn all(stage: &'static Stage, seeds: std::ops::Range<u64>) -> Result<Vec<Self>, Failure> {
        let each = STORES.iter().flat_map(|store| seeds.clone().map(move |seed| (store, seed)));
        each.map(|((name, text), seed)| Self::new(stage, name, text, seed)).collect()
    }

    fn new(stage: &'static Stage, name: &str, text: &str, seed: u64) -> Result<Self, Failure> {
        let options = tiny_options(stage, seed);
        let ops = ops::text::parse(text).unwrap_or_default();
        let (build, clean) = Build::of(stage, &options, &ops)
            .map_err(|e| Failure::new(Invariant::SameAnswers, format!("«{name}» cannot be made: {e}")))?;
        let others: Vec<_> = ops.iter().map(other_values).collect();
        let twin =
            Build::of(stage, &options, &others).map_or(BTreeMap::new(), |(twin, _)| twin.fs.contents());
        let Build { fs, ledger, past, .. } = build;
        let name = format!("{} «{name}» with {}", stage.name, crate::settings::show(&options));
        let frame_bytes = ops.iter().flat_map(writes).map(|(key, value)| {
            record_bytes(stage) + key.len() as u64 + value.map_or(0, |value| value.len() as u64)
        });
        let frame_bytes = frame_bytes.max().unwrap_or(record_bytes(stage));
        let proven = proven(&ledger);
        let files = fs.contents();
        let derived = BTreeSet::new();
        let mut fixture =
            Self { name, stage, options, files, past, twin, clean, ledger, proven, frame_bytes, derived };
        fixture.derived = fixture.files.keys().filter(|file| fixture.goes_without(file)).cloned().collect();
        Ok(fixture)
    }

    /// How far from what is damaged in `file` a report may point, in bytes.
    pub fn slack(&self, file: &str) -> u64 {
        if self.is_derived(file) { u64::MAX } else { self.frame_bytes }
    }

    /// Whether every answer is the same without `file`.
    pub fn is_derived(&self, file: &str) -> bool {
        self.derived.contains(file)
    }

    fn goes_without(&self, file: &str) -> bool {
        let mut files = self.files.clone();
        files.remove(file);
        let opened = (self.stage.open)(Arc::new(SimFs::holding(files)), &self.options);
        let answers = opened.map(|(engine, _)| verdict::read(&*engine, &self.ledger));
        answers.is_ok_and(|pairs| pairs.is_ok_and(|pairs| verdict::same(&self.ledger.now()[0], &pairs)))
    }
}

/// The point of the last sync that was followed by a write.
fn proven(ledger: &Ledger) -> usize {
    let steps = ledger.steps();
    let last_write = steps.iter().rposition(|step| step.op.as_ref().is_some_and(Op::writes)).unwrap_or(0);
    let synced = steps[..last_write].iter().rposition(|step| step.durable);
    synced.map_or(0, |step| ledger.points().len() - steps.len() + step)
}

/// The same operation with another value of the same length.
fn other_values(op: &Op) -> Op {
    let other = |value: &[u8]| value.iter().map(|byte| byte ^ 0x15).collect::<Vec<u8>>();
    match op {
        Op::Put { key, value } => Op::Put { key: key.clone(), value: other(value) },
        Op::Batch(batch) => {
            let mut changed = contract::Batch::new();
            for entry in batch.iter() {
                let value = entry.value.map(other);
                changed.push(contract::Entry { key: entry.key, value: value.as_deref() });
            }
            Op::Batch(changed)
        }
        op => op.clone(),
    }
}

struct Build {
    stage: &'static Stage,
    options: Options,
    fs: SimFs,
    ledger: Ledger,
    past: BTreeMap<String, BTreeSet<Vec<u8>>>,
}

impl Build {
    /// A store, and whether it was closed in the end.
    fn of(stage: &'static Stage, options: &Options, ops: &[Op]) -> contract::Result<(Self, bool)> {
        let (fs, ledger) = (SimFs::new(), Ledger::new());
        let mut build = Self { stage, options: options.clone(), fs, ledger, past: BTreeMap::new() };
        let clean = build.all(ops)?;
        build.remember();
        Ok((build, clean))
    }

    /// Makes the store. True if it was closed in the end.
    fn all(&mut self, ops: &[Op]) -> contract::Result<bool> {
        let mut engine = Some(self.open()?);
        for op in ops {
            if engine.is_none() {
                engine = Some(self.open()?);
            }
            self.ledger.begin(Some(op), self.fs.calls());
            match (op, &engine) {
                (Op::Kill, _) => {
                    self.die(engine.take());
                }
                (_, Some(open)) => ops::apply(&**open, op)?,
                _ => {}
            }
            self.ledger.acknowledge(self.fs.calls(), op.makes_durable());
            if *op == Op::Close {
                engine = None;
            }
        }
        let clean = engine.is_none();
        self.die(engine);
        Ok(clean)
    }

    fn open(&mut self) -> contract::Result<Arc<dyn Engine>> {
        let world: Arc<dyn Vfs> = Arc::new(self.fs.clone());
        Ok((self.stage.open)(world, &self.options)?.0)
    }

    /// Goes on with a copy of the files as the death of the process leaves them.
    fn die(&mut self, engine: Option<Arc<dyn Engine>>) {
        self.remember();
        let image = self.fs.image(self.fs.calls(), &Crash::new(CrashKind::ProcessKill, 0));
        self.fs.inject(Fault::new(Errno::Eio).for_ever());
        drop(engine);
        self.fs = image;
    }

    /// Notes what every file was at every moment of this life.
    fn remember(&mut self) {
        for call in 0..=self.fs.calls() {
            let then = self.fs.image(call, &Crash::new(CrashKind::ProcessKill, 0));
            for (name, bytes) in then.contents() {
                self.past.entry(name).or_default().insert(bytes);
            }
        }
    }
}
