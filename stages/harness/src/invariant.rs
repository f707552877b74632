//! What must hold for every engine, whatever is done to it. Every failure of the harness names one of these.
//!
//! The statements are the book's too: its appendix has them in the same words, and a test compares.

use std::fmt;

/// A promise with an id. [`Display`](fmt::Display) prints the id, its name and the promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// I1
    Durability,
    /// I2
    Prefix,
    /// I3
    AtomicBatch,
    /// I4
    NoResurrection,
    /// I5
    NoPhantom,
    /// I6
    NewestWins,
    /// I7
    ExactScan,
    /// I8
    OneMoment,
    /// I9
    SameContent,
    /// I10
    NeverPanics,
    /// I11
    DamageReported,
    /// I12
    KeepsUnexplained,
    /// I13
    TornTail,
    /// I14
    RecoveryRepeats,
    /// I15
    FailedWrite,
    /// I16
    ErrorsSurface,
    /// I17
    OneOwner,
    /// I18
    NumbersGrow,
    /// I19
    Bounded,
    /// I20
    FirstOpen,
    /// I21
    Limits,
    /// I22
    SameAnswers,
}

impl Invariant {
    /// All of them, in order.
    pub const ALL: [Self; 22] = [
        Self::Durability,
        Self::Prefix,
        Self::AtomicBatch,
        Self::NoResurrection,
        Self::NoPhantom,
        Self::NewestWins,
        Self::ExactScan,
        Self::OneMoment,
        Self::SameContent,
        Self::NeverPanics,
        Self::DamageReported,
        Self::KeepsUnexplained,
        Self::TornTail,
        Self::RecoveryRepeats,
        Self::FailedWrite,
        Self::ErrorsSurface,
        Self::OneOwner,
        Self::NumbersGrow,
        Self::Bounded,
        Self::FirstOpen,
        Self::Limits,
        Self::SameAnswers,
    ];

    /// Its id, such as `I2`.
    pub fn id(self) -> String {
        format!("I{}", self as usize + 1)
    }

    /// Its name in a word or two.
    pub fn name(self) -> &'static str {
        self.text().0
    }

    /// What it promises, in a sentence.
    pub fn statement(self) -> &'static str {
        self.text().1
    }

    fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::Durability => (
                "durability",
                "what a sync has acknowledged is there after any crash, and what a write has acknowledged after the \
                 death of the process",
            ),
            Self::Prefix => (
                "prefix",
                "a recovered store is what the first so many operations made of it: none that was synced is \
                 missing, and none is missing before one that is there",
            ),
            Self::AtomicBatch => {
                ("atomic batch", "of a batch all entries are there or none, to everybody, always")
            }
            Self::NoResurrection => {
                ("no resurrection", "a deleted key stays deleted through compaction, crash and stale files")
            }
            Self::NoPhantom => ("no phantom", "a key has only values that somebody gave to that very key"),
            Self::NewestWins => {
                ("newest wins", "the last write of a key is the one that counts, whatever a clock says")
            }
            Self::ExactScan => (
                "exact scan",
                "a scan gives its range's keys in strictly ascending order of bytes, none outside, and what a get gives",
            ),
            Self::OneMoment => {
                ("one moment", "a scan shows the store as it was when it began, whatever runs beside it")
            }
            Self::SameContent => {
                ("same content", "compaction, flush, reopening and options never change what the store holds")
            }
            Self::NeverPanics => (
                "never panics",
                "no bytes in the files make opening, reading or verifying panic, hang, or take more memory than the \
                 files and 64 MiB",
            ),
            Self::DamageReported => (
                "damage reported",
                "damage is reported with file, offset and kind, or changes no answer; no fresh checksum hides it",
            ),
            Self::KeepsUnexplained => (
                "keeps the unexplained",
                "a recovery that meets bytes it cannot explain refuses, or keeps a copy",
            ),
            Self::TornTail => (
                "torn tail",
                "a tail torn by a crash opens and is reported; after a clean close anything missing is an error",
            ),
            Self::RecoveryRepeats => (
                "recovery repeats",
                "recovering twice gives what recovering once gave, also when the first time crashed",
            ),
            Self::FailedWrite => (
                "failed write",
                "a write that failed is undone, or writes are refused until reopening; a later acknowledged one is kept",
            ),
            Self::ErrorsSurface => {
                ("errors surface", "a failed call never looks like an absent key, a short scan or a success")
            }
            Self::OneOwner => {
                ("one owner", "one handle owns the store; its close or the death of its process frees it")
            }
            Self::NumbersGrow => {
                ("numbers grow", "file and sequence numbers only grow, also past files left over")
            }
            Self::Bounded => {
                ("bounded", "space, files and descriptors are bounded; what a crash left goes at opening")
            }
            Self::FirstOpen => {
                ("first open", "a first opening that was interrupted leaves a directory that opens")
            }
            Self::Limits => ("limits", "what is too large is refused before it has any effect"),
            Self::SameAnswers => {
                ("same answers", "every stage gives the same answers to the same operations")
            }
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.id(), self.name(), self.statement())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_count_from_one_and_every_name_is_its_own() {
        let ids: Vec<_> = Invariant::ALL.iter().map(|i| i.id()).collect();
        assert_eq!(ids, (1..=22).map(|n| format!("I{n}")).collect::<Vec<_>>());
        let names: std::collections::BTreeSet<_> = Invariant::ALL.iter().map(|i| i.name()).collect();
        assert_eq!(names.len(), 22);
        assert!(Invariant::Prefix.to_string().starts_with("I2 prefix: a recovered"));
    }
}
