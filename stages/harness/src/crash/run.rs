//! One life of a store on a simulated disk: opened, used, and at the end stopped as a dying process stops.

use super::ledger::{Ledger, Window};
use super::verdict;
use crate::failure::Failure;
use crate::invariant::Invariant;
use crate::ops::{self, Op};
use contract::{Durability, Engine, Kind, Options, RecoveryReport, Stage};
use std::collections::BTreeMap;
use std::sync::Arc;
use vfs::Vfs;
use vfs::sim::{Errno, Fault, SimFs};

/// A store in use.
pub struct Run<'a> {
    stage: &'a Stage,
    seed: u64,
    /// The disk: its history has every mutating call since this life began.
    pub fs: SimFs,
    /// What was asked for and what was acknowledged.
    pub ledger: Ledger,
    /// The largest value that each figure of the engine had, by its name.
    pub figures: Figures,
    engine: Option<Arc<dyn Engine>>,
    options: Options,
    openings: u64,
}

/// Figures by name.
pub type Figures = BTreeMap<&'static str, u64>;

/// What the first opening of a life found.
pub struct Found {
    /// The point that the store holds now.
    pub point: usize,
    /// What the engine reported.
    pub report: RecoveryReport,
}

impl<'a> Run<'a> {
    /// The first life of a store.
    pub fn first(stage: &'a Stage, seed: u64) -> Result<Self, Failure> {
        let mut run = Self {
            stage,
            seed,
            fs: SimFs::new(),
            ledger: Ledger::new(),
            figures: Figures::new(),
            engine: None,
            options: stage.default_options(),
            openings: 0,
        };
        run.open()?;
        Ok(run)
    }

    /// The life after a crash: opens what the crash left and judges what is in it. `earlier` may leave the points of
    /// `window`, and if only the process died the files may still change by a later crash.
    pub fn after(
        stage: &'a Stage,
        seed: u64,
        image: SimFs,
        earlier: &Ledger,
        window: Window,
        process_kill: bool,
    ) -> Result<(Self, Found), Failure> {
        let options = tiny_options(stage, seed);
        let (engine, report) = open(stage, &image, &options).map_err(|e| {
            Failure::new(Invariant::TornTail, format!("what the crash left does not open: {e}"))
        })?;
        let judged = verdict::judge(&*engine, earlier, window, process_kill);
        let mut run = Self {
            stage,
            seed,
            fs: image,
            ledger: Ledger::new(),
            figures: Figures::new(),
            engine: Some(engine),
            options,
            openings: 1,
        };
        let point = judged?;
        run.ledger = earlier.next_life(point, if process_kill { window.synced } else { point });
        run.ledger.begin(None, 0);
        run.ledger.acknowledge(run.fs.calls(), false);
        Ok((run, Found { point, report }))
    }

    /// Does operations one by one; each must succeed.
    pub fn perform(&mut self, ops: &[Op]) -> Result<(), Failure> {
        for op in ops {
            self.step(op).map_err(|failure| failure.at(format_args!("«{op}»")))?;
        }
        Ok(())
    }

    fn step(&mut self, op: &Op) -> Result<(), Failure> {
        let Some(engine) = self.engine.clone() else { return Ok(()) };
        let must = |e| Failure::new(Invariant::SameAnswers, format!("must succeed, but: {e}"));
        self.ledger.begin(Some(op), self.fs.calls());
        match op {
            Op::Close | Op::Drop | Op::Kill => {
                if *op == Op::Close {
                    engine.close().map_err(must)?;
                }
                drop(engine);
                self.engine = None;
                self.ledger.acknowledge(self.fs.calls(), true);
                return self.open();
            }
            Op::PutIfAbsent { key, value } => {
                let did = engine.put_if_absent(key, value).map_err(must)?;
                let absent =
                    self.ledger.points().iter().rev().nth(1).is_some_and(|p| p[0].get(key).is_none());
                Failure::unless(did == absent, Invariant::SameAnswers, || {
                    format!("returned {did}, expected {absent}")
                })?;
            }
            Op::Compact | Op::Step => {
                let (before, calls) = (self.merges(&*engine), self.fs.calls());
                ops::apply(&*engine, op).map_err(must)?;
                let merged = match before {
                    Some(before) => self.merges(&*engine) > Some(before),
                    // It does not count merges, so a compaction that did anything was one.
                    None => *op == Op::Compact && self.fs.calls() > calls,
                };
                if merged {
                    self.ledger.merged();
                }
            }
            _ => ops::apply(&*engine, op).map_err(must)?,
        }
        let every_write = self.options.durability().ok() == Some(Durability::EveryWrite);
        let durable = op.makes_durable() || (every_write && op.writes() && op.bytes() > 0);
        self.ledger.acknowledge(self.fs.calls(), durable);
        Ok(())
    }

    /// How many merges the engine has counted, if it counts them. Its other figures are noted on the way.
    fn merges(&mut self, engine: &dyn Engine) -> Option<u64> {
        note(&mut self.figures, engine);
        let figures = engine.stats().figures;
        figures.into_iter().find(|figure| MERGES.contains(&figure.name)).map(|figure| figure.value)
    }

    fn open(&mut self) -> Result<(), Failure> {
        self.options = tiny_options(self.stage, self.seed.wrapping_add(self.openings.wrapping_mul(0x9e37)));
        self.openings += 1;
        self.ledger.begin(None, self.fs.calls());
        let (engine, _) = open(self.stage, &self.fs, &self.options)
            .map_err(|e| Failure::new(Invariant::SameContent, format!("a sound store does not open: {e}")))?;
        note(&mut self.figures, &*engine);
        self.engine = Some(engine);
        self.ledger.acknowledge(self.fs.calls(), false);
        Ok(())
    }
}

/// The names under which engines count their merges.
const MERGES: [&str; 2] = ["merges", "compactions"];

/// Keeps the largest value of each figure.
pub fn note(figures: &mut Figures, engine: &dyn Engine) {
    for figure in engine.stats().figures {
        let largest = figures.entry(figure.name).or_default();
        *largest = figure.value.max(*largest);
    }
}

impl Drop for Run<'_> {
    /// The process dies: whatever the engine still tries to do when it is dropped does not reach the disk.
    fn drop(&mut self) {
        if self.engine.is_some() {
            self.fs.inject(Fault::new(Errno::Eio).for_ever());
        }
    }
}

fn open(stage: &Stage, fs: &SimFs, options: &Options) -> contract::Result<contract::Opened> {
    let world: Arc<dyn Vfs> = Arc::new(fs.clone());
    (stage.open)(world, options)
}

/// Options from a seed, every size as small as it may be or a little larger: ten operations are to rotate, flush and
/// reserve whatever an engine rotates, flushes and reserves.
///
/// # Panics
/// If an option refuses a value of its own table.
pub fn tiny_options(stage: &Stage, seed: u64) -> Options {
    let mut options = stage.default_options();
    for (i, spec) in stage.options.iter().enumerate() {
        let draw = super::mix(&[seed, i as u64, 0x0b7]);
        let value = match &spec.kind {
            Kind::Choice(choices) => {
                let index = usize::try_from(draw % choices.len() as u64).unwrap_or(0);
                choices[index].to_owned()
            }
            Kind::Bytes { min, max } | Kind::Count { min, max } => {
                let sizes = [*min, min.saturating_mul(2).max(64), min.saturating_mul(4).max(700)];
                sizes[usize::try_from(draw % 3).unwrap_or(0)].min(*max).to_string()
            }
        };
        options
            .set(spec.name, &value)
            .unwrap_or_else(|e| panic!("{}: its own value is refused: {e}", stage.name));
    }
    options
}
