//! Many scripts from seeds, on all cores, until there is enough or something breaks.
//!
//! **Invariants** Workloads are numbered, and count in the order of their numbers: bounded by images, a run gives the
//! same tally and the same first failure on one core and on sixteen.

use super::explore::{Broken, Tally, explore};
use super::{Plan, Script, mix, shortest};
use contract::Stage;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What is to be tried.
pub struct Search<'a> {
    /// The engine.
    pub stage: &'a Stage,
    /// What everything is drawn from.
    pub seed: u64,
    /// Which crashes.
    pub plan: &'a Plan,
    /// Ends after the workload with which this many images are reached.
    pub images: Option<u64>,
    /// How many threads.
    pub threads: usize,
}

/// What is known while a search runs.
#[derive(Debug, Default)]
pub struct Progress {
    /// Images judged so far, those of unfinished workloads included.
    pub images: AtomicU64,
    /// Workloads finished.
    pub workloads: AtomicU64,
    /// Set from outside: end now. What is unfinished does not count.
    pub stop: AtomicBool,
}

/// What a search came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was tried.
    pub tally: Tally,
    /// How many workloads that was.
    pub workloads: u64,
    /// The first violation.
    pub violation: Option<Box<Violation>>,
}

/// A broken promise with everything that shows it again.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The seed of the workload.
    pub seed: u64,
    /// The operations of each life, shrunk.
    pub script: Script,
    /// The crashes and what is broken.
    pub broken: Broken,
}

struct Results {
    /// Finished workloads whose turn to count has not come.
    waiting: BTreeMap<u64, (Tally, Option<Box<Broken>>)>,
    outcome: Outcome,
    /// The seed of the workload that broke.
    broken: Option<(u64, Box<Broken>)>,
}

impl Search<'_> {
    /// Runs workloads until the bound is reached, `progress` says stop, or something breaks.
    pub fn run(&self, progress: &Progress) -> Outcome {
        let next = AtomicU64::new(0);
        let results =
            Mutex::new(Results { waiting: BTreeMap::new(), outcome: Outcome::default(), broken: None });
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| self.work(&next, &results, progress));
            }
        });
        let Results { mut outcome, broken, .. } =
            results.into_inner().unwrap_or_else(PoisonError::into_inner);
        outcome.violation = broken.map(|(seed, broken)| {
            let script = Script::generate(seed, self.plan);
            let (script, broken) = shortest::shortest(self.stage, script, seed, self.plan, *broken);
            Box::new(Violation { seed, script, broken })
        });
        outcome
    }

    /// The seed of a workload: the first one's is the search's own, so that a failure is found again at once.
    pub fn workload_seed(&self, number: u64) -> u64 {
        if number == 0 { self.seed } else { mix(&[self.seed, number]) }
    }

    fn work(&self, next: &AtomicU64, results: &Mutex<Results>, progress: &Progress) {
        while !progress.stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let seed = self.workload_seed(number);
            let script = Script::generate(seed, self.plan);
            let mut tally = Tally::default();
            let mut see = |images| {
                progress.images.fetch_add(images, Ordering::Relaxed);
                !progress.stop.load(Ordering::Relaxed)
            };
            let Some(result) = explore(self.stage, &script, seed, self.plan, &mut tally, &mut see) else {
                return;
            };
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            results.waiting.insert(number, (tally, result.err()));
            if self.count(&mut results) {
                progress.stop.store(true, Ordering::Relaxed);
            }
            progress.workloads.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts the workloads whose turn has come. True if that is enough.
    fn count(&self, results: &mut Results) -> bool {
        let enough = |results: &Results| {
            let images = results.outcome.tally.images();
            results.broken.is_some() || self.images.is_some_and(|bound| images >= bound)
        };
        while !enough(results) {
            let number = results.outcome.workloads;
            let Some((tally, broken)) = results.waiting.remove(&number) else { return false };
            results.outcome.tally.add(&tally);
            results.outcome.workloads += 1;
            results.broken = broken.map(|broken| (self.workload_seed(number), broken));
        }
        true
    }
}
