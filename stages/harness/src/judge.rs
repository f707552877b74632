//! Runs operations on an engine and a model side by side, and compares after each one.
//!
//! **Invariants**
//! 1. The model is told the same operations and nothing else; it lies outside the world that the engine writes to.
//! 2. After every operation what it touched is compared; after each reopening and compaction, every eighth operation
//!    and at the end, everything is: scan, get and contains for every key, verify, and the figures.
//! 3. Each opening draws its options from the seed: any setting opens any store.
//!
//! **Layout** [`compare`] has the comparisons, this file the order of events.

pub mod compare;

use crate::failure::{Counterexample, Failure};
use crate::invariant::Invariant;
use crate::model::Model;
use crate::ops::{Op, Range, Shape, generate};
use crate::world::World;
use crate::{settings, shrink};
use contract::{Engine, Error, RecoveryReport, Scan, Stage, Stats};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Checks that could not be made, each with the reason: «not applicable», never «passed».
pub type NotApplicable = BTreeSet<String>;

/// Runs the operations of `seed` on a world made by `world`; a failure comes with its shortest script.
pub fn search(
    stage: &'static Stage,
    seed: u64,
    shape: &Shape,
    world: impl Fn(u64) -> World,
    replay: &str,
) -> Result<NotApplicable, Box<Counterexample>> {
    let ops = generate(seed, shape);
    let first = match run(stage, seed, world(seed), &ops) {
        Ok(not_applicable) => return Ok(not_applicable),
        Err(first) => first,
    };
    let shortest = shrink::shrink(&ops, |ops| {
        run(stage, seed, world(seed), ops).is_err_and(|failure| failure.invariant == first.invariant)
    });
    let failure = run(stage, seed, world(seed), &shortest).err().unwrap_or(first);
    let replay = format!("STRATA_SEED={seed} {replay}");
    Err(Box::new(Counterexample { stage: stage.name, seed, ops: shortest, failure, replay }))
}

/// Runs `ops` from an empty store. A panic of the engine is a failure like any other.
pub fn run(stage: &'static Stage, seed: u64, world: World, ops: &[Op]) -> Result<NotApplicable, Failure> {
    let judged = catch_unwind(AssertUnwindSafe(|| {
        let mut judge = Judge::open(stage, seed, world)?;
        for (i, op) in ops.iter().enumerate() {
            judge.step(i, op).map_err(|failure| failure.at(format_args!("operation {i}, «{op}»")))?;
        }
        judge.everything().map_err(|failure| failure.at("at the end"))?;
        judge.reopen(&Op::Close).map_err(|failure| failure.at("at the last close"))?;
        Ok(judge.not_applicable)
    }));
    judged.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word");
        Err(Failure::new(Invariant::NeverPanics, format!("a panic: {text}")))
    })
}

/// One store, its model, and what is known of both.
pub struct Judge {
    stage: &'static Stage,
    seed: u64,
    world: World,
    engine: Arc<dyn Engine>,
    model: Model,
    /// Every value that a key ever had.
    written: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>>,
    held: Vec<Held>,
    /// What happened last that might have changed content and must not.
    last: Last,
    openings: u64,
    since_opening: SinceOpening,
    not_applicable: NotApplicable,
}

/// A scan that was begun, and what it must show.
struct Held {
    scan: Scan,
    range: Range,
    moment: Model,
    /// The store was closed in between: an honest «closed» is an answer too.
    may_be_closed: bool,
}

#[derive(Default)]
struct SinceOpening {
    user_bytes: u64,
    wrote: bool,
    stats: Stats,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Write,
    Background,
    Reopening,
    Kill,
}

impl Judge {
    /// Opens an empty store in `world`.
    pub fn open(stage: &'static Stage, seed: u64, world: World) -> Result<Self, Failure> {
        let (engine, report) = open(stage, seed, &world)?;
        let expected =
            RecoveryReport { created: true, bytes_read: report.bytes_read, ..RecoveryReport::default() };
        Failure::unless(report == expected, Invariant::SameAnswers, || {
            format!("the first opening reported {report:?}")
        })?;
        Ok(Self {
            stage,
            seed,
            world,
            engine,
            model: Model::new(),
            written: BTreeMap::new(),
            held: Vec::new(),
            last: Last::Write,
            openings: 1,
            since_opening: SinceOpening::default(),
            not_applicable: BTreeSet::new(),
        })
    }

    fn step(&mut self, i: usize, op: &Op) -> Result<(), Failure> {
        match op {
            Op::Put { .. } | Op::Delete { .. } | Op::Batch(_) | Op::PutIfAbsent { .. } => self.write(op)?,
            Op::Get { key } | Op::Contains { key } | Op::Explain { key } => self.point(op, key)?,
            Op::Scan(range) => self.scan(range)?,
            Op::ScanPrefix { prefix } => self.scan_prefix(prefix)?,
            Op::Hold(range) => self.hold(range)?,
            Op::Release => self.release()?,
            Op::Sync => self.must(op, self.engine.sync())?,
            Op::Compact | Op::Step => {
                let done =
                    if *op == Op::Compact { self.engine.compact() } else { self.engine.step().map(drop) };
                self.must(op, done)?;
                self.last = Last::Background;
            }
            Op::Verify => self.verify()?,
            Op::Close | Op::Drop | Op::Kill => self.reopen(op)?,
        }
        if i % 8 == 7 || op.reopens() || *op == Op::Compact { self.everything() } else { Ok(()) }
    }

    fn write(&mut self, op: &Op) -> Result<(), Failure> {
        let mut bytes = op.bytes();
        if let Op::PutIfAbsent { key, value } = op {
            let did = self.must_give(op, self.engine.put_if_absent(key, value))?;
            let absent = self.model.get(key).is_none();
            Failure::unless(did == absent, Invariant::SameAnswers, || {
                format!("returned {did}, expected {absent}")
            })?;
            bytes = if did { bytes } else { 0 };
        } else {
            self.must(op, crate::ops::apply(&*self.engine, op))?;
        }
        self.since_opening.user_bytes += bytes;
        self.since_opening.wrote |= bytes > 0;
        self.last = Last::Write;
        self.model.apply(op);
        for (key, value) in entries(op) {
            let values = self.written.entry(key.clone()).or_default();
            values.extend(value);
            self.point(&Op::Get { key: key.clone() }, &key)?;
        }
        Ok(())
    }

    /// Ends the engine as `op` says, opens the store again and looks at the report.
    fn reopen(&mut self, op: &Op) -> Result<(), Failure> {
        if !self.stage.persistent {
            self.not_applicable.insert(format!("{op}, since {} keeps nothing", self.stage.name));
            return Ok(());
        }
        let wrote = std::mem::take(&mut self.since_opening).wrote;
        let salt = self.seed.wrapping_add(self.openings);
        match op {
            Op::Close => {
                self.must(op, self.engine.close())?;
                self.must_be_closed()?;
            }
            Op::Kill => {
                self.release()?;
                self.world = self.world.after_kill(salt);
            }
            _ => {}
        }
        self.held.iter_mut().for_each(|held| held.may_be_closed = true);
        // The engine goes before its successor comes, and stays where a scan is all that is left of it.
        self.engine = Arc::new(contract::oracle::Oracle::default());
        self.closed_store_verifies(op)?;
        self.openings += 1;
        let (engine, report) = open(self.stage, salt, &self.world)?;
        self.engine = engine;
        self.last = if *op == Op::Kill { Last::Kill } else { Last::Reopening };
        compare::report(op, wrote, &report)?;
        self.everything()
    }

    /// Every call on a closed engine says so, and closing again is no error.
    fn must_be_closed(&self) -> Result<(), Failure> {
        let engine = &self.engine;
        let calls: [(&str, contract::Result<()>); 13] = [
            ("get", engine.get(b"k").map(drop)),
            ("contains", engine.contains(b"k").map(drop)),
            ("explain", engine.explain(b"k").map(drop)),
            ("put", engine.put(b"k", b"v")),
            ("delete", engine.delete(b"k")),
            ("put-if-absent", engine.put_if_absent(b"k", b"v").map(drop)),
            ("scan", engine.scan(contract::KeyRange::all()).map(drop)),
            ("scan-prefix", engine.scan_prefix(b"k").map(drop)),
            ("sync", engine.sync()),
            ("step", engine.step().map(drop)),
            ("set-option", self.set_any_option()),
            ("compact", engine.compact()),
            ("verify", engine.verify().map(drop)),
        ];
        for (name, result) in calls {
            Failure::unless(matches!(result, Err(Error::Closed)), Invariant::ErrorsSurface, || {
                format!("{name} after close gave {result:?}, expected «closed»")
            })?;
        }
        self.must(&Op::Close, engine.close())
    }

    /// Sets an option to what it is; one that cannot be set in a running store is refused as closed all the same.
    fn set_any_option(&self) -> contract::Result<()> {
        let spec = self.stage.options.first();
        spec.map_or(Err(Error::Closed), |spec| self.engine.set_option(spec.name, spec.default))
    }

    /// A store that is not open verifies without damage, and not a byte of it changes.
    fn closed_store_verifies(&mut self, op: &Op) -> Result<(), Failure> {
        let before = self.world.contents();
        match (self.stage.verify)(&*self.world.vfs()) {
            Err(Error::Unsupported { what }) => drop(self.not_applicable.insert(what.into())),
            Err(e) => return Err(Failure::new(Invariant::SameAnswers, format!("verify after «{op}»: {e}"))),
            Ok(report) => Failure::unless(report.damage.is_empty(), Invariant::DamageReported, || {
                format!("verify after «{op}» sees damage where there is none: {:?}", report.damage)
            })?,
        }
        Failure::unless(self.world.contents() == before, Invariant::KeepsUnexplained, || {
            format!("verify after «{op}» changed the files")
        })
    }

    fn must(&self, op: &Op, result: contract::Result<()>) -> Result<(), Failure> {
        self.must_give(op, result)
    }

    fn must_give<T>(&self, op: &Op, result: contract::Result<T>) -> Result<T, Failure> {
        result.map_err(|e| {
            Failure::new(
                Invariant::SameAnswers,
                format!("«{op}» on {} must succeed, but: {e}", self.stage.name),
            )
        })
    }
}

fn open(stage: &Stage, seed: u64, world: &World) -> Result<(Arc<dyn Engine>, RecoveryReport), Failure> {
    let options = settings::draw(stage, seed);
    (stage.open)(world.vfs(), &options).map_err(|e| {
        let shown = settings::show(&options);
        Failure::new(Invariant::SameContent, format!("a sound store does not open with {shown}: {e}"))
    })
}

/// The keys that a write touches, each with the value that it gives, if any.
fn entries(op: &Op) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    match op {
        Op::Put { key, value } | Op::PutIfAbsent { key, value } => vec![(key.clone(), Some(value.clone()))],
        Op::Delete { key } => vec![(key.clone(), None)],
        Op::Batch(batch) => {
            batch.iter().map(|entry| (entry.key.to_vec(), entry.value.map(<[u8]>::to_vec))).collect()
        }
        _ => Vec::new(),
    }
}
