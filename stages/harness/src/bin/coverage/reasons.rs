//! Why some of the code never runs in a test, or always goes the same way: a table of text for each area.
//!
//! A reason is for the text of a line. It fits as long as the line says that and never does otherwise; then it is of no use
//! any more, and the tool fails until somebody has taken it out.

mod compaction;
mod log;
mod manifest;
mod recovery;

use crate::account::Missed;
use serde::{Deserialize, Serialize};

/// All reasons.
pub(crate) static TABLES: [&[Reason]; 4] =
    [log::REASONS, recovery::REASONS, manifest::REASONS, compaction::REASONS];

/// What never happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Never {
    /// A condition held never.
    True,
    /// A condition held always.
    False,
    /// A piece of code did not run: an arm of a `match`, or the way out of a `?`.
    Run,
    /// A function was not called.
    Called,
}

impl Never {
    /// In words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::True => "never true",
            Self::False => "always true",
            Self::Run => "never run",
            Self::Called => "never called",
        }
    }
}

/// Why something never happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// The file's name ends so.
    pub(crate) file: &'static str,
    /// A part of the line.
    pub(crate) find: &'static str,
    /// What never happens there.
    pub(crate) never: Never,
    /// Whether it does happen now and then: it depends on who comes first.
    pub(crate) by_chance: bool,
    /// Why.
    pub(crate) why: &'static str,
}

impl Reason {
    /// Whether it is the reason of this.
    pub(crate) fn fits(&self, file: &str, missed: &Missed) -> bool {
        file.ends_with(self.file) && missed.never == self.never && missed.text.contains(self.find)
    }
}

const fn never_true(file: &'static str, find: &'static str, why: &'static str) -> Reason {
    Reason { file, find, never: Never::True, by_chance: false, why }
}

const fn never_false(file: &'static str, find: &'static str, why: &'static str) -> Reason {
    Reason { file, find, never: Never::False, by_chance: false, why }
}

const fn never_run(file: &'static str, find: &'static str, why: &'static str) -> Reason {
    Reason { file, find, never: Never::Run, by_chance: false, why }
}

const fn never_called(file: &'static str, find: &'static str, why: &'static str) -> Reason {
    Reason { file, find, never: Never::Called, by_chance: false, why }
}

const fn by_chance(reason: Reason) -> Reason {
    Reason { by_chance: true, ..reason }
}
