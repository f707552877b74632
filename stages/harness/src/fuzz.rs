//! Fuzzing: bytes that nobody would write, given to everything that reads bytes, and what is asked of it then.
//!
//! **Layout** [`input`]: an input, and the changes it makes to a good file. [`donor`]: the good files, made by the stages
//! themselves. `seal`: checksums that fit what was changed. `part`, `table`: one piece of a format, by itself. `directory`:
//! a store, judged. [`kept`]: the inputs that are kept and tried again by the tests. This file: the targets.
//!
//! **Invariants**
//! 1. No input makes a target panic, and none is refused by the target itself: every string of bytes is an input.
//! 2. What is read as good is written again and read as the same.
//! 3. A store whose checksums nobody has mended after a change answers only with what was once put.
//! 4. A store in which `verify` finds nothing wrong gives by a get what it gives by a scan, and gives it again after a
//!    kill, a compaction and a close. This holds for forged ones too.
//! 5. What is refused names its file, and is left as it was.
//!
//! **Cost** A part takes microseconds. A store is verified, inspected, opened, read, salvaged or used, and opened again
//! twice: a millisecond or less.
//!
//! **Source** Miller, Fredriksen, So, *An Empirical Study of the Reliability of UNIX Utilities*, CACM 1990, for the idea;
//! that checksums must be mended for a fuzzer to get behind them: Wang, Wei, Gu, Zou, *`TaintScope`*, S&P 2010.

mod directory;
pub mod donor;
pub mod input;
pub mod kept;
mod part;
mod seal;
mod table;

use crate::crash::guard;
use crate::failure::Failure;
pub use donor::{Donor, Files};
pub use input::Input;
use seal::Seal;

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It was refused.
    Refused,
    /// It was taken, and some of what was asked afterwards was refused.
    Doubted,
    /// It was taken as good.
    Taken,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Refused, Self::Doubted, Self::Taken];

    /// It in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Doubted => "doubted",
            Self::Taken => "taken",
        }
    }
}

/// Something that reads bytes.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// What reads the bytes.
    pub what: &'static str,
    /// The good files that are changed.
    donors: fn() -> Vec<Donor>,
    /// What must hold.
    judge: fn(&Case<'_>) -> Result<Verdict, Failure>,
}

/// A good file or store, and what an input has made of it.
struct Case<'a> {
    /// What it was.
    donor: &'a Donor,
    /// What it is.
    files: Files,
    /// What was mended after the change.
    seal: Seal,
}

impl Case<'_> {
    /// The one file of a part, and its name.
    fn file(&self) -> (&str, &[u8]) {
        self.files.iter().next().map_or(("", &[]), |(name, bytes)| (name, bytes))
    }
}

// ANCHOR: targets
/// Everything that reads bytes.
pub const TARGETS: [Target; 12] = [
    target("frame", "one entry or floor of a log", donor::frames, part::frame),
    target("header", "the first 64 bytes of a log", donor::headers, part::header),
    target("log", "a log or a segment: entries, batches, floors", donor::logs, part::log),
    target("mark", "the mark of a clean close", donor::marks, part::mark),
    target("hint", "the saved index of a segment", donor::hints, part::hint),
    target("filter", "the filter of a table", donor::filters, part::filter),
    target("block", "the entries of one block, in a table around it", donor::blocks, table::block),
    target("table", "a table: blocks, filter, index, footer", donor::tables, table::table),
    target(
        "manifest",
        "a whole store of stage 3 of which the manifest is changed",
        donor::manifests,
        directory::judge,
    ),
    target("stage1", "a whole store of stage 1", donor::stage1, directory::judge),
    target("stage2", "a whole store of stage 2", donor::stage2, directory::judge),
    target("stage3", "a whole store of stage 3", donor::stage3, directory::judge),
];
// ANCHOR_END: targets

const fn target(
    name: &'static str,
    what: &'static str,
    donors: fn() -> Vec<Donor>,
    judge: fn(&Case<'_>) -> Result<Verdict, Failure>,
) -> Target {
    Target { name, what, donors, judge }
}

/// The target of this name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// A target with its donors made: what inputs are given to.
pub struct Ready {
    /// The target.
    pub target: &'static Target,
    donors: Vec<Donor>,
}

impl Target {
    /// Makes its donors.
    pub fn ready(&'static self) -> Ready {
        Ready { target: self, donors: (self.donors)() }
    }
}

impl Ready {
    // ANCHOR: check
    /// Changes a donor as the input says, and judges. A panic is a failure like any other.
    pub fn check(&self, input: &[u8]) -> Result<Verdict, Failure> {
        let input = Input::parse(input);
        let Some(donor) = self.donors.get(input.donor % self.donors.len().max(1)) else {
            return Ok(Verdict::Refused);
        };
        let mut files = input.apply(donor);
        seal::mend(&mut files, input.seal);
        let case = Case { donor, files, seal: input.seal };
        guard(|| (self.target.judge)(&case))
            .map_err(|failure| failure.at(format_args!("{}, {}", self.target.name, donor.name)))
    }
    // ANCHOR_END: check

    /// The files that an input makes, for somebody to look at.
    pub fn files(&self, input: &[u8]) -> Files {
        let input = Input::parse(input);
        let donor = self.donors.get(input.donor % self.donors.len().max(1));
        let mut files = donor.map(|donor| input.apply(donor)).unwrap_or_default();
        seal::mend(&mut files, input.seal);
        files
    }

    /// How many donors there are.
    pub fn donors(&self) -> usize {
        self.donors.len()
    }
}
