//! A promise that was broken, and what a person needs to see it broken again.

use crate::invariant::Invariant;
use crate::ops::{Op, text};
use std::fmt;

/// Which promise was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The promise.
    pub invariant: Invariant,
    /// What was expected and what was seen.
    pub what: String,
}

impl Failure {
    /// `invariant` does not hold, as `what` shows.
    pub fn new(invariant: Invariant, what: impl Into<String>) -> Self {
        Self { invariant, what: what.into() }
    }

    /// A failure unless `holds`.
    pub fn unless(holds: bool, invariant: Invariant, what: impl FnOnce() -> String) -> Result<(), Self> {
        if holds { Ok(()) } else { Err(Self::new(invariant, what())) }
    }

    /// The failure with the place where it was noticed.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.what = format!("{place}: {}", self.what);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  {}", self.invariant, self.what)
    }
}

impl std::error::Error for Failure {}

/// A failure with the shortest script that shows it.
#[derive(Debug)]
pub struct Counterexample {
    /// The engine.
    pub stage: &'static str,
    /// What the operations came from.
    pub seed: u64,
    /// The shortest list of operations that still fails.
    pub ops: Vec<Op>,
    /// How it fails.
    pub failure: Failure,
    /// A command that shows it again.
    pub replay: String,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} breaks {}", self.stage, self.failure)?;
        let operations = if self.ops.len() == 1 { "operation" } else { "operations" };
        writeln!(f, "  seed {}; the shortest script, {} {operations}:", self.seed, self.ops.len())?;
        for line in text::to_text(&self.ops).lines() {
            writeln!(f, "    {line}")?;
        }
        write!(f, "  replay: {}", self.replay)
    }
}
