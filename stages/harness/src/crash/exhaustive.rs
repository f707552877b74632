//! Every workload up to a length, crashed at every call, with every state that a crash can leave.
//!
//! A workload is a word over an alphabet of nine operations on two keys: puts, deletes, a batch, a sync, a unit of
//! upkeep, a compaction, a close and reopening. Most bugs of crash consistency need no more than three operations.
//!
//! **Invariants**
//! 1. A word is crashed at the calls of its last operation only: what comes before is the end of a shorter word.
//! 2. Of states that are equal byte for byte, under the same obligations, one is judged.
//! 3. All words have the same options, so that the first of these is true. Another seed is another set of options.
//!
//! **Source** Mohan et al., *Finding Crash-Consistency Bugs with Bounded Black-Box Crash Testing*, OSDI 2018.

use super::explore::{Broken, Tally, explore};
use super::lab::{Outcome, Progress, Violation};
use super::{Plan, Script};
use crate::ops::{Op, text};
use contract::Stage;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// So many states of a crash are tried at a call where there are more.
pub const MOST_STATES: u64 = 1 << 10;

/// What is to be tried.
pub struct Exhaustive<'a> {
    /// The engine.
    pub stage: &'a Stage,
    /// What options are drawn from.
    pub seed: u64,
    /// How many operations the longest workload has.
    pub longest: u32,
    /// How many threads.
    pub threads: usize,
}

#[derive(Default)]
struct Results {
    outcome: Outcome,
    /// The first word that broke a promise: its number, itself, and how.
    broken: Option<(u64, Script, Box<Broken>)>,
}

/// The operations of a word's letters; `number` makes the values differ from place to place.
fn alphabet(number: usize) -> Vec<Op> {
    let lines = format!(
        "put a {number}a\nput b {number}b\ndelete a\ndelete b\nbatch put a {number}c ; delete b\nsync\nstep\ncompact\nclose\n"
    );
    text::parse(&lines).unwrap_or_default()
}

/// The word with this number among those of its length.
fn word(mut number: usize, length: u32) -> Vec<Op> {
    let letter = |place| {
        let letters = alphabet(place);
        let letter = letters[number % letters.len()].clone();
        number /= letters.len();
        letter
    };
    (0..length as usize).map(letter).collect()
}

impl Exhaustive<'_> {
    /// How crashes are tried.
    fn plan() -> Plan {
        Plan { depth: 1, outcomes: Some(MOST_STATES), last_only: true, ..Plan::default() }
    }

    /// How many words there are.
    pub fn words(&self) -> u64 {
        (1..=self.longest).map(|length| (alphabet(0).len() as u64).pow(length)).sum()
    }

    /// Tries all of them, the short ones first, until `progress` says stop or something breaks.
    pub fn run(&self, progress: &Progress) -> Outcome {
        let next = AtomicU64::new(0);
        let results = Mutex::new(Results::default());
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| self.work(&next, &results, progress));
            }
        });
        let Results { mut outcome, broken } = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        // It is as short as can be: words come in the order of their lengths.
        outcome.violation = broken
            .map(|(_, script, broken)| Box::new(Violation { seed: self.seed, script, broken: *broken }));
        outcome
    }

    fn work(&self, next: &AtomicU64, results: &Mutex<Results>, progress: &Progress) {
        let plan = Self::plan();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(script) = self.script(number) else { return };
            let results = || results.lock().unwrap_or_else(PoisonError::into_inner);
            // A word that comes before one that broke is still tried: the first is told, on any number of threads.
            let mut see = |images| {
                progress.images.fetch_add(images, Ordering::Relaxed);
                !progress.stop.load(Ordering::Relaxed)
                    && results().broken.as_ref().is_none_or(|(broken, ..)| number < *broken)
            };
            let mut tally = Tally::default();
            let Some(result) = explore(self.stage, &script, self.seed, &plan, &mut tally, &mut see) else {
                return;
            };
            progress.workloads.fetch_add(1, Ordering::Relaxed);
            let mut results = results();
            results.outcome.tally.add(&tally);
            results.outcome.workloads += 1;
            let first = results.broken.as_ref().is_none_or(|(known, ..)| number < *known);
            if let (Err(broken), true) = (result, first) {
                results.broken = Some((number, script, broken));
            }
        }
    }

    /// The word with this number among all, as a script of one life.
    fn script(&self, mut number: u64) -> Option<Script> {
        let letters = alphabet(0).len() as u64;
        for length in 1..=self.longest {
            if number < letters.pow(length) {
                return Some(Script { lives: vec![word(usize::try_from(number).ok()?, length)] });
            }
            number -= letters.pow(length);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_word_comes_once_and_short_ones_first() {
        let all = Exhaustive { stage: &contract::oracle::STAGE, seed: 1, longest: 3, threads: 1 };
        assert_eq!(all.words(), 9 + 81 + 729);
        let scripts: Vec<_> = (0..all.words()).map(|number| all.script(number).expect("a word")).collect();
        assert!(all.script(all.words()).is_none());
        let lengths: Vec<_> = scripts.iter().map(|script| script.part(0).len()).collect();
        assert!(lengths.is_sorted() && lengths[0] == 1 && lengths[818] == 3);
        let different: BTreeSet<_> = scripts.iter().map(|script| text::to_text(script.part(0))).collect();
        assert_eq!(different.len(), scripts.len());
    }
}
