//! One subject, one process: set up, time, check, answer.
//!
//! A cell measures one workload, or a sitting of several that share a store.

use crate::bounds;
use crate::engines::Subject;
use crate::entries::{Entries, Order};
use crate::report::{self, Sample};
use crate::store::{self, Store};
use crate::workload::{Action, Before, Effort, Workload};
use crate::ycsb::{Mix, Model};
use crate::{beside, check, measure, reopen, space};
use anyhow::{Context, Result};
use contract::{Durability, KeyRange};
use serde::{Deserialize, Serialize};
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::Arc;
use vfs::OsFs;

/// What a process is asked to measure. It travels as JSON in an argument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The subject's name, or [`report::BOUND`].
    pub subject: String,
    /// The workloads' names, in order, or the bound's.
    pub workloads: Vec<String>,
    /// How much.
    pub effort: Effort,
    /// A directory for this cell alone; it is empty.
    pub dir: PathBuf,
}

/// What a process answers for each workload, as JSON on standard output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// The figures.
    Measured(Vec<Sample>),
    /// This subject has no such thing to measure, and why.
    NotApplicable(String),
}

/// Tells how many heap bytes are alive, in a program that counts them.
pub type Heap = fn() -> usize;

/// Measures what was asked for.
pub fn run(spec: &Spec, heap: Option<Heap>) -> Result<Vec<Answer>> {
    if spec.subject == report::BOUND {
        let measure =
            |name: &String| Ok(Answer::Measured((bounds::named(name)?.run)(&spec.effort, &spec.dir)?));
        return spec.workloads.iter().map(measure).collect();
    }
    let subject = Subject::named(&spec.subject)?;
    let mut sitting = Sitting { subject: &subject, spec, heap, store: None, model: None };
    let answers = spec.workloads.iter().map(|name| {
        let workload = Workload::named(name)?;
        match sitting.measure(workload) {
            Ok(answer) => Ok(answer),
            Err(e) => match check::is_unsupported(&e) {
                Some(what) => Ok(Answer::NotApplicable(format!("it does not do {what}"))),
                None => Err(e).with_context(|| format!("{} on {}", workload.name, subject.name)),
            },
        }
    });
    let answers = answers.collect::<Result<_>>()?;
    sitting.end()?;
    Ok(answers)
}

/// Workloads of one subject, one after the other, and the store that they share.
struct Sitting<'a> {
    subject: &'a Subject,
    spec: &'a Spec,
    heap: Option<Heap>,
    store: Option<Store>,
    /// What YCSB's workloads have written so far.
    model: Option<Model>,
}

impl Sitting<'_> {
    fn measure(&mut self, workload: &Workload) -> Result<Answer> {
        let (subject, spec, effort) = (self.subject, self.spec, &self.spec.effort);
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
            (Action::Space, _) => space::run(subject, spec)?,
            (Action::GetBatched, _) => self.get_batched(workload)?,
            (Action::Ycsb(mix), _) => vec![self.ycsb(workload, mix)?],
            _ => in_store(self.store(workload)?, workload, effort)?,
        };
        Ok(Answer::Measured(samples))
    }

    /// The store, opened and loaded for the first workload that asks.
    fn store(&mut self, workload: &Workload) -> Result<&Store> {
        if self.store.is_none() {
            let vfs = Arc::new(OsFs::create(&self.spec.dir)?);
            let store = Store::open(self.subject, vfs, workload.durability)?;
            match workload.before {
                Before::Nothing => {}
                Before::Loaded => store::load(&*store, &store::all(self.spec.effort.sizes), 0)?,
                Before::Cities => store::load(&*store, &Entries::cities()?, 0)?,
            }
            self.store = Some(store);
        }
        self.store.as_ref().context("a store was just opened")
    }

    fn get_batched(&self, workload: &Workload) -> Result<Vec<Sample>> {
        let open = |name| {
            let vfs = Arc::new(OsFs::create(self.spec.dir.join(name))?);
            Ok::<_, anyhow::Error>(Store::open(self.subject, vfs, workload.durability)?)
        };
        let (batched, single) = (open("batched")?, open("single")?);
        let all = store::all(self.spec.effort.sizes);
        store::load(&*batched, &all, 0)?;
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
        if mix.walks()
            && let Err(e) = engine.scan(KeyRange::new(Bound::Unbounded, Bound::Excluded(b"")))
        {
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

    /// Compares what the store holds with what was written, and closes it.
    fn end(self) -> Result<()> {
        let Some(store) = self.store else { return Ok(()) };
        if let Some(model) = self.model {
            let sizes = self.spec.effort.sizes;
            check::holds_exactly(&*store, &model.entries(), sizes.seed)
                .with_context(|| format!("after all of YCSB on {}", self.subject.name))?;
        }
        Ok(store.close()?)
    }
}

fn needs_disk(workload: &Workload) -> bool {
    let reopens =
        matches!(workload.timed, Action::Open { .. } | Action::Lost | Action::Space | Action::Memory);
    let compacts = workload.timed == (Action::Beside { compacting: true });
    reopens || compacts || workload.durability == Durability::EveryWrite
}

/// What is timed in a store that is open.
fn in_store(store: &Store, workload: &Workload, effort: &Effort) -> Result<Vec<Sample>> {
    let engine = &**store;
    let entries = || workload.entries(effort.sizes);
    Ok(match workload.timed {
        Action::Put { batch, threads, .. } => {
            vec![measure::put(engine, &entries()?, batch, threads, effort)?]
        }
        Action::PutCities => vec![measure::put(engine, &entries()?, 1, 1, effort)?],
        Action::Delete => vec![measure::delete(engine, &entries()?, effort)?],
        Action::Get(Order::Absent) => vec![measure::get_absent(engine, &entries()?, effort)?],
        Action::Get(_) | Action::GetCities => vec![measure::get_present(engine, &entries()?, effort)?],
        Action::GetByTwo => beside::two_readers(engine, effort)?,
        Action::Scan => vec![measure::scan(engine, effort)?],
        Action::Seek => vec![measure::seek(engine, &entries()?, effort)?],
        Action::ScanCountry => vec![measure::scan_countries(engine, &entries()?, effort)?],
        Action::Beside { compacting } => beside::reader_beside(engine, workload, compacting, effort)?,
        Action::Growth => measure::growth(engine, effort)?,
        _ => anyhow::bail!("{} has a store of its own", workload.name),
    })
}
