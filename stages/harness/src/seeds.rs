//! How a test runs: with a few seeds that are always the same, more on request, or the one that failed; side by side
//! on all cores; and what it says about itself on stderr, where the test runner keeps it for failures.
#![expect(clippy::print_stderr, reason = "the harness speaks to the person who runs the tests")]

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

/// The seeds of a test that runs `default_count` cases when nothing is said. `STRATA_SEED=n` runs that one alone;
/// `STRATA_CASES=n` runs so many. They are printed on stderr with the test's name, so that a failure shows them.
///
/// # Panics
/// If one of them is set to something that is not a number.
pub fn seeds(test: &str, default_count: u64) -> std::ops::Range<u64> {
    let seeds = match number("STRATA_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("STRATA_CASES").unwrap_or(default_count),
    };
    eprintln!("{test}: seeds {seeds:?}");
    seeds
}

/// Makes a check of each of `items`, as many at a time as there are cores. The first that panics ends the test.
pub fn side_by_side<T>(items: impl IntoIterator<Item = T, IntoIter: Send>, check: impl Fn(T) + Sync) {
    let items = Mutex::new(items.into_iter());
    let next = || items.lock().unwrap_or_else(PoisonError::into_inner).next();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(item) = next() {
                    check(item);
                }
            });
        }
    });
}

/// Says of checks that they could not be made: «not applicable» is not «passed».
pub fn not_applicable(test: &str, reasons: impl IntoIterator<Item = impl Display>) {
    for reason in reasons {
        eprintln!("{test}: not applicable: {reason}");
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number")))
}
