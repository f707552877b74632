//! One workload under one trouble: what was answered while it lasted, and what is there when it is over.

use super::{Counterexample, Tally, Trouble};
use crate::crash::guard;
use crate::crash::ledger::{Ledger, Window};
use crate::crash::verdict;
use crate::failure::Failure;
use crate::invariant::Invariant;
use crate::ops::{self, Op};
use contract::{Durability, Engine, Error, Options, Stage};
use std::sync::Arc;
use vfs::Vfs;
use vfs::sim::{Crash, CrashKind, Op as Call, SimFs};

/// Runs `ops` from an empty directory under `trouble`, and judges.
pub fn run(
    stage: &'static Stage,
    options: &Options,
    ops: &[Op],
    trouble: &Trouble,
    tally: &mut Tally,
) -> Result<(), Box<Counterexample>> {
    let mut trial = Trial {
        stage,
        options: options.clone(),
        trouble,
        fs: SimFs::new(),
        engine: None,
        ledger: Ledger::new(),
        poisoned: false,
        lost: false,
        images: 0,
    };
    trouble.begin(&trial.fs);
    let judged = guard(|| trial.all(ops));
    tally.trials += 1;
    tally.images += trial.images;
    tally.struck += trial.fs.faults_struck();
    judged.map_err(|failure| {
        let story = trial.fs.story();
        Box::new(Counterexample {
            stage: stage.name,
            trouble: trouble.clone(),
            ops: ops.to_vec(),
            failure,
            story,
        })
    })
}

struct Trial<'a> {
    stage: &'static Stage,
    options: Options,
    trouble: &'a Trouble,
    fs: SimFs,
    engine: Option<Arc<dyn Engine>>,
    ledger: Ledger,
    /// The store has said that it refuses writes.
    poisoned: bool,
    /// A sync failed in an earlier life, so the death of that life's process may have shown what it lost.
    lost: bool,
    images: u64,
}

/// Whether a sync of a file has failed in this life.
fn a_sync_failed(fs: &SimFs) -> bool {
    fs.history().iter().any(|call| call.op() == Call::Sync && call.error().is_some())
}

impl Trial<'_> {
    fn all(&mut self, ops: &[Op]) -> Result<(), Failure> {
        self.open()?;
        for op in ops {
            self.step(op).map_err(|failure| failure.at(format_args!("«{op}»")))?;
        }
        self.power_fails().map_err(|failure| failure.at("if power fails at the end"))?;
        self.fault_gone().map_err(|failure| failure.at("after the trouble"))
    }

    fn step(&mut self, op: &Op) -> Result<(), Failure> {
        if op.reopens() {
            return self.reopen(op);
        }
        let Some(engine) = self.engine.clone() else { return Ok(()) };
        let struck = self.fs.faults_struck();
        self.ledger.begin(Some(op), self.fs.calls());
        let result = self.perform(&*engine, op)?;
        let struck = self.fs.faults_struck() > struck;
        match result {
            Ok(()) => self.succeeded(op, struck),
            Err(error) => self.refused(op, struck, &error),
        }
    }

    /// Does it, and holds what it answers against what is possible now.
    fn perform(&self, engine: &dyn Engine, op: &Op) -> Result<contract::Result<()>, Failure> {
        let now = self.ledger.now();
        let possible = |any: bool, what: String| {
            Failure::unless(any, Invariant::SameAnswers, || format!("answered {what}, possible is {now:?}"))
        };
        match op {
            Op::Get { key } | Op::Explain { key } | Op::Contains { key } => {
                let got = match engine.get(key) {
                    Ok(got) => got,
                    Err(error) => return Ok(Err(error)),
                };
                possible(now.iter().any(|state| state.get(key) == got.as_deref()), format!("{got:?}"))?;
                Ok(ops::apply(engine, op))
            }
            Op::Scan(range) => {
                let scan = match engine.scan(range.as_keys()) {
                    Ok(scan) => scan,
                    Err(error) => return Ok(Err(error)),
                };
                let pairs: verdict::Pairs = match scan.collect() {
                    Ok(pairs) => pairs,
                    Err(error) => return Ok(Err(error)),
                };
                let any = now.iter().any(|state| verdict::same(state, &pairs));
                possible(any, format!("{pairs:?}"))?;
                Ok(Ok(()))
            }
            _ => Ok(ops::apply(engine, op)),
        }
    }

    fn succeeded(&mut self, op: &Op, struck: bool) -> Result<(), Failure> {
        Failure::unless(!struck || self.trouble.may_be_silent(), Invariant::ErrorsSurface, || {
            "returned success over a call that failed".to_owned()
        })?;
        let changes = (op.writes() && op.bytes() > 0) || op.makes_durable();
        Failure::unless(!self.poisoned || !changes, Invariant::FailedWrite, || {
            "succeeded in a store that had said that it refuses writes".to_owned()
        })?;
        let every_write = self.options.durability().ok() == Some(Durability::EveryWrite);
        let durable = op.makes_durable() || (every_write && op.writes() && op.bytes() > 0);
        if op.writes() && op.bytes() > 0 {
            self.ledger.the_doubtful_was_undone();
        }
        self.ledger.acknowledge(self.fs.calls(), durable);
        Ok(())
    }

    fn refused(&mut self, op: &Op, struck: bool, error: &Error) -> Result<(), Failure> {
        // A full disk and missing handles are not counted as strikes; they may fail any call.
        let scarce = !matches!(self.trouble, Trouble::Fails(_));
        let reverted = self.bytes_are_lost();
        Failure::unless(!error.is_corrupt() || reverted, Invariant::ErrorsSurface, || {
            format!("calls a failed call damage: {error}")
        })?;
        let writes = op.writes() || op.makes_durable() || matches!(op, Op::Compact | Op::Step);
        if matches!(error, Error::Poisoned { .. }) {
            Failure::unless(writes, Invariant::SameAnswers, || "a poisoned store refuses a read".to_owned())?;
            Failure::unless(struck || scarce || self.fs.faults_struck() > 0, Invariant::SameAnswers, || {
                format!("poisoned by nothing: {error}")
            })?;
            // Refused before any effect, so there is no doubt about it.
            self.ledger.refused();
            self.poisoned = true;
        } else {
            Failure::unless(
                struck || reverted || !matches!(self.trouble, Trouble::Fails(_)),
                Invariant::SameAnswers,
                || format!("a poisoned store says something else: {error}"),
            )?;
            self.ledger.failed();
        }
        Ok(())
    }

    /// Ends the engine and opens the store again, under the same trouble.
    fn reopen(&mut self, op: &Op) -> Result<(), Failure> {
        let struck = self.fs.faults_struck();
        self.ledger.begin(Some(op), self.fs.calls());
        if let Some(engine) = self.engine.take() {
            let closed = if *op == Op::Close { engine.close() } else { Ok(()) };
            let struck = self.fs.faults_struck() > struck;
            if *op == Op::Kill {
                let again = self.fs.image(self.fs.calls(), &Crash::new(CrashKind::ProcessKill, 0));
                return self.next_life(again);
            }
            drop(engine);
            match closed {
                Ok(()) => {
                    Failure::unless(
                        !struck || *op == Op::Drop || self.trouble.may_be_silent(),
                        Invariant::ErrorsSurface,
                        || "closed with success over a call that failed".to_owned(),
                    )?;
                    // A handle that is only dropped cannot say what failed, and a full disk keeps no count.
                    let quiet = self.fs.faults_struck() == 0 && !matches!(self.trouble, Trouble::Full { .. });
                    let durable = *op == Op::Close || (quiet && !self.poisoned);
                    self.ledger.acknowledge(self.fs.calls(), durable);
                }
                Err(error) => self.refused(op, struck, &error)?,
            }
        }
        self.open()
    }

    /// The process dies and the machine lives: the files as they are, and no lock. The trouble lives on too, but begins
    /// to count anew.
    fn next_life(&mut self, image: SimFs) -> Result<(), Failure> {
        self.ledger.acknowledge(self.fs.calls(), false);
        self.lost = self.lost || a_sync_failed(&self.fs);
        // What the dying handle still does, it does to the old world.
        self.fs = image;
        self.trouble.begin(&self.fs);
        self.open()
    }

    fn open(&mut self) -> Result<(), Failure> {
        let struck = self.fs.faults_struck();
        let world: Arc<dyn Vfs> = Arc::new(self.fs.clone());
        match (self.stage.open)(world, &self.options) {
            Ok((engine, _)) => {
                let failed = self.fs.faults_struck() > struck && !self.trouble.may_be_silent();
                Failure::unless(!failed, Invariant::ErrorsSurface, || {
                    "opened over a call that failed".to_owned()
                })?;
                // The judge waits for the end: its own reads would be struck, and be the ones that were aimed at.
                self.engine = Some(engine);
                self.poisoned = false;
                self.ledger.opened(self.bytes_are_lost());
            }
            Err(error) => {
                let struck = self.fs.faults_struck() > struck || !matches!(self.trouble, Trouble::Fails(_));
                Failure::unless(struck && !error.is_corrupt(), Invariant::ErrorsSurface, || {
                    format!("opening failed without a reason: {error}")
                })?;
            }
        }
        Ok(())
    }

    /// Whether bytes that no sync has covered may be gone, although the machine never failed.
    fn bytes_are_lost(&self) -> bool {
        self.lost || (self.trouble.takes_bytes_back() && a_sync_failed(&self.fs))
    }

    fn window(&self) -> Window {
        self.ledger.window(u64::MAX)
    }

    /// Crashes the machine now, in a few ways.
    fn power_fails(&mut self) -> Result<(), Failure> {
        for kind in CrashKind::ALL {
            for seed in 0..2 {
                let image = self.fs.image(self.fs.calls(), &Crash::new(kind, seed));
                self.images += 1;
                // After a failed sync a kill may show that pages were lost.
                let kill = kind == CrashKind::ProcessKill && !self.lost && !a_sync_failed(&self.fs);
                self.judge(&image, kill).map_err(|failure| failure.at(format_args!("K{}", kind as u8)))?;
            }
        }
        Ok(())
    }

    /// Opens an untroubled world and judges what is there.
    fn judge(&self, fs: &SimFs, everything: bool) -> Result<(), Failure> {
        let world: Arc<dyn Vfs> = Arc::new(fs.clone());
        let (engine, _) = (self.stage.open)(world, &self.options)
            .map_err(|e| Failure::new(Invariant::FailedWrite, format!("the store does not open: {e}")))?;
        verdict::judge(&*engine, &self.ledger, self.window(), everything).map(drop)
    }

    /// The trouble goes: the store opens, holds what was promised, and can be used again.
    fn fault_gone(&mut self) -> Result<(), Failure> {
        let struck = self.fs.faults_struck() > 0;
        Trouble::end(&self.fs);
        if let Some(engine) = self.engine.take() {
            let closed = engine.close();
            let fine = closed.is_ok() || struck || !matches!(self.trouble, Trouble::Fails(_));
            Failure::unless(fine, Invariant::SameAnswers, || format!("close fails: {closed:?}"))?;
        }
        self.judge(&self.fs.clone(), !self.bytes_are_lost())?;
        // The judge's handle was dropped, which closed the store. It must be whole, and take what comes.
        let world: Arc<dyn Vfs> = Arc::new(self.fs.clone());
        let (engine, _) = (self.stage.open)(world, &self.options).map_err(|e| {
            Failure::new(Invariant::FailedWrite, format!("the store does not open a second time: {e}"))
        })?;
        let usable = engine.put(b"after", b"all").and_then(|()| engine.close());
        usable.map_err(|e| {
            Failure::new(Invariant::FailedWrite, format!("the store cannot be used again: {e}"))
        })?;
        drop(engine);
        let report = (self.stage.verify)(&self.fs)
            .map_err(|e| Failure::new(Invariant::DamageReported, format!("verify fails: {e}")))?;
        Failure::unless(report.damage.is_empty(), Invariant::DamageReported, || {
            format!("verify sees damage: {:?}", report.damage)
        })
    }
}
