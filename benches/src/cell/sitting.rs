//! Workloads of one subject, one after the other, in a store that they share: set up, time, check.
//!
//! **Invariants** What the store holds is known at any time, also where time ended a phase early: it is compared with
//! that after every phase that wrote, and after the last of YCSB's.

use super::{Answer, Heap, Spec};
use crate::engines::Subject;
use crate::entries::{Entries, Order};
use crate::report::Sample;
use crate::store::{self, Store};
use crate::workload::{Action, Before, Workload};
use crate::ycsb::{Mix, Model};
use crate::{beside, check, io, measure, reopen, resident, space, wrong};
use anyhow::{Context, Result};
use contract::{Durability, KeyRange};
use std::ops::Bound;
use std::sync::Arc;
use vfs::OsFs;

/// A subject, and the store that its workloads share once one of them opened it.
pub(super) struct Sitting<'a> {
    subject: &'a Subject,
    spec: &'a Spec,
    heap: Option<Heap>,
    store: Option<Store>,
    /// How many keys of a loaded store were overwritten so far.
    rewritten: u64,
    /// What YCSB's workloads have written so far.
    model: Option<Model>,
}

impl<'a> Sitting<'a> {
    pub(super) fn new(subject: &'a Subject, spec: &'a Spec, heap: Option<Heap>) -> Self {
        Self { subject, spec, heap, store: None, rewritten: 0, model: None }
    }

    pub(super) fn measure(&mut self, workload: &Workload) -> Result<Answer> {
        let (subject, spec) = (self.subject, self.spec);
        if !subject.stage.persistent && needs_disk(workload) {
            return Ok(Answer::NotApplicable("it keeps nothing on disk".into()));
        }
        let samples = match (workload.timed, self.heap) {
            (Action::Open { .. }, _) => match reopen::opening(subject, workload, spec)? {
                Some(samples) => samples,
                None => return Ok(Answer::NotApplicable("it lost what it had acknowledged".into())),
            },
            (Action::Lost, _) => reopen::lost(subject, workload, spec)?,
            (Action::Memory, Some(heap)) => reopen::memory(subject, workload, spec, heap)?,
            (Action::Memory, None) => anyhow::bail!("this program does not count its heap"),
            (Action::Resident, _) => match resident::run(subject, spec)? {
                Some(samples) => samples,
                None => return Ok(Answer::NotApplicable("the system does not tell".into())),
            },
            (Action::Space, _) => space::run(subject, spec)?,
            (Action::Wrong, _) => wrong::run(subject, spec)?,
            (Action::Io, _) => match io::run(subject, spec)? {
                Some(samples) => samples,
                None => return Ok(Answer::NotApplicable("the system does not tell".into())),
            },
            (Action::GetBatched, _) => self.get_batched(workload)?,
            (Action::Ycsb(mix), _) => vec![self.ycsb(workload, mix)?],
            _ if workload.writes() => self.write(workload)?,
            _ => self.read(workload)?,
        };
        Ok(Answer::Measured(samples))
    }

    /// The store, opened and loaded for the first workload that asks.
    fn store(&mut self, workload: &Workload) -> Result<&Store> {
        if self.store.is_none() {
            let vfs = Arc::new(OsFs::create(&self.spec.dir)?);
            let subject = self.subject.for_workload(workload);
            let store = Store::open(&subject, vfs, workload.durability)?;
            match workload.before {
                Before::Nothing => {}
                Before::Loaded => store.load(&store::all(self.spec.effort.sizes), 0)?,
                Before::Cities => store.load(&Entries::cities()?, 0)?,
            }
            self.store = Some(store);
        }
        self.store.as_ref().context("a store was just opened")
    }

    /// What only reads.
    fn read(&mut self, workload: &Workload) -> Result<Vec<Sample>> {
        let effort = &self.spec.effort;
        let store = self.store(workload)?;
        let engine = &**store;
        let entries = || workload.entries(effort.sizes);
        Ok(match workload.timed {
            Action::Get(Order::Absent) => vec![measure::get_absent(engine, &entries()?, effort)?],
            Action::Get(_) | Action::GetCities => vec![measure::get_present(engine, &entries()?, effort)?],
            Action::GetByTwo => beside::two_readers(engine, effort)?,
            Action::Scan => vec![measure::scan(engine, effort)?],
            Action::Seek => vec![measure::seek(engine, &entries()?, effort)?],
            Action::ScanCountry => vec![measure::scan_countries(engine, &entries()?, effort)?],
            Action::Growth => measure::growth(store, effort)?,
            _ => anyhow::bail!("{} does not read", workload.name),
        })
    }

    /// What writes: puts into an empty store, and puts and deletes in a loaded one.
    fn write(&mut self, workload: &Workload) -> Result<Vec<Sample>> {
        let (effort, rewritten) = (&self.spec.effort, self.rewritten);
        let entries = workload.entries(effort.sizes)?;
        let store = self.store(workload)?;
        let (samples, done) = match workload.timed {
            Action::Put { threads, .. } if threads > 1 => {
                alone(measure::put_by_threads(store, &entries, threads, effort)?)
            }
            Action::Put { batch, .. } => alone(measure::put(&**store, &entries, batch, effort)?),
            Action::PutCities => alone(measure::put(&**store, &entries, 1, effort)?),
            Action::Steady => measure::put_steadily(&**store, &entries, effort)?,
            Action::Delete => alone(measure::delete(&**store, &entries, effort)?),
            Action::Beside { compacting } => beside::reader_beside(&**store, workload, compacting, effort)?,
            _ => anyhow::bail!("{} does not write", workload.name),
        };
        let deletes = workload.timed == Action::Delete;
        let rewritten = if deletes { rewritten } else { rewritten.max(done) };
        let expected = match workload.before {
            Before::Loaded => Entries::partly_rewritten(effort.sizes, rewritten),
            Before::Nothing | Before::Cities => entries.part(0, done),
        };
        let expected = if deletes { expected.part(done, effort.sizes.n) } else { expected };
        check::holds_exactly(&**store, &expected, effort.sizes.seed)?;
        self.rewritten = rewritten;
        Ok(samples)
    }

    fn get_batched(&self, workload: &Workload) -> Result<Vec<Sample>> {
        let open = |name| {
            let vfs = Arc::new(OsFs::create(self.spec.dir.join(name))?);
            Ok::<_, anyhow::Error>(Store::open(self.subject, vfs, workload.durability)?)
        };
        let (batched, single) = (open("batched")?, open("single")?);
        let all = store::all(self.spec.effort.sizes);
        batched.load(&all, 0)?;
        (0..all.len()).try_for_each(|i| single.put(all.key(i), all.value(i)))?;
        let keys = workload.entries(self.spec.effort.sizes)?;
        let samples = measure::get_batched(&*batched, &*single, &keys, &self.spec.effort)?;
        batched.close()?;
        single.close()?;
        Ok(samples)
    }

    fn ycsb(&mut self, workload: &Workload, mix: &Mix) -> Result<Sample> {
        let effort = self.spec.effort;
        let mut model = self.model.take().unwrap_or_else(|| Model::loaded(effort.sizes));
        let engine = &**self.store(workload)?;
        let nothing = KeyRange::new(Bound::Unbounded, Bound::Excluded(b""));
        let walk = if mix.walks() { engine.scan(nothing).map(drop) } else { Ok(()) };
        if let Err(e) = walk {
            // Who cannot walk does not begin, and the others go on from where they were.
            self.model = Some(model);
            return Err(e.into());
        }
        let plan = model.plan(mix, workload.ops(effort.sizes));
        let timed = plan.run(engine, effort.sizes.n, effort.limit())?;
        model.done(&plan, timed.ops);
        self.model = Some(model);
        Ok(Sample::rate(&timed, plan.len(), 1))
    }

    /// Compares what the store holds with what YCSB wrote, and closes it.
    pub(super) fn end(self) -> Result<()> {
        let Some(store) = self.store else { return Ok(()) };
        if let Some(model) = self.model {
            let sizes = self.spec.effort.sizes;
            check::holds_exactly(&*store, &model.entries(), sizes.seed)
                .with_context(|| format!("after all of YCSB on {}", self.subject.name))?;
        }
        Ok(store.close()?)
    }
}

/// One sample, and how many keys it is about.
fn alone((sample, done): (Sample, u64)) -> (Vec<Sample>, u64) {
    (vec![sample], done)
}

fn needs_disk(workload: &Workload) -> bool {
    let reopens = matches!(
        workload.timed,
        Action::Open { .. }
            | Action::Lost
            | Action::Space
            | Action::Io
            | Action::Wrong
            | Action::Memory
            | Action::Resident
    );
    let compacts = workload.timed == (Action::Beside { compacting: true });
    reopens || compacts || workload.durability == Durability::EveryWrite
}
