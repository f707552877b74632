//! Which seeds a test runs: a few that are always the same, more on request, or the one that failed; and what a test
//! says about itself on stderr, where the test runner keeps it for failures.
#![expect(clippy::print_stderr, reason = "the harness speaks to the person who runs the tests")]

use std::fmt::Display;

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
