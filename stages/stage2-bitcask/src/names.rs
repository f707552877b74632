//! What a file's name says about it: which segments it covers, and what of them it holds.
//!
//! **Invariants**
//! 1. Segments are numbered from 1 in the order in which they were begun. A file covers one of them, as it was
//!    written (`000003.log`), or a run of neighbours (`000003-000007.log`), as a merge or a recovery wrote it. A merge
//!    of one segment covers `000003-000003`.
//! 2. No two files of a store's whole life have the same name: a run only ever grows.
//! 3. A name is ours only if writing it again gives the same name.

use crate::judge::LogFile;
use stage1::files::CLEAN;
use std::fmt;

/// A segment's name as a number: in its header, and in the place of each of its frames.
///
/// The number of a segment as it was written, or the first and the last number of a run in the upper and the lower half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentId(u64);

impl SegmentId {
    /// The segment `number` as it was written.
    pub fn plain(number: u32) -> Self {
        Self(u64::from(number))
    }

    /// The run from `first` to `last`.
    pub fn run(first: u32, last: u32) -> Self {
        Self(u64::from(first) << 32 | u64::from(last))
    }

    /// As it stands in files.
    pub fn number(self) -> u64 {
        self.0
    }

    /// Whether a merge or a recovery wrote it.
    pub fn is_run(self) -> bool {
        self.0 >> 32 > 0
    }

    /// The first segment that it covers.
    #[expect(clippy::cast_possible_truncation, reason = "takes the halves apart")]
    pub fn first(self) -> u32 {
        if self.is_run() { (self.0 >> 32) as u32 } else { self.0 as u32 }
    }

    /// The last segment that it covers.
    #[expect(clippy::cast_possible_truncation, reason = "takes the halves apart")]
    pub fn last(self) -> u32 {
        self.0 as u32
    }

    /// Whether this one took the place of `other`: a run that covers all that `other` covers.
    pub fn replaces(self, other: Self) -> bool {
        self.is_run() && self != other && self.first() <= other.first() && other.last() <= self.last()
    }

    /// The name of its log.
    pub fn log_name(self) -> String {
        format!("{self}.log")
    }

    /// Its log, as one of those that follow each other.
    pub fn log_file(self) -> LogFile {
        LogFile { name: self.log_name(), number: self.number() }
    }

    /// The name of its hint file.
    pub fn hint_name(self) -> String {
        format!("{self}.hint")
    }

    fn parse(stem: &str) -> Option<Self> {
        let id = match stem.split_once('-') {
            Some((first, last)) => Self::run(first.parse().ok()?, last.parse().ok()?),
            None => Self::plain(stem.parse().ok()?),
        };
        let sensible = 0 < id.first() && id.first() <= id.last() && id.to_string() == stem;
        sensible.then_some(id)
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_run() {
            write!(f, "{:06}-{:06}", self.first(), self.last())
        } else {
            write!(f, "{:06}", self.0)
        }
    }
}

/// What a name in a store's directory stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// A segment.
    Log(SegmentId),
    /// A segment's hint file.
    Hint(SegmentId),
    /// A log, or what recovery cut off one, that was kept since it can be read.
    Aside(SegmentId),
    /// A log that had not got its name when its writer died.
    UnfinishedLog(SegmentId),
    /// Any other file that had not got its name.
    Unfinished,
    /// The mark of a clean close.
    Clean,
    /// Not ours.
    Foreign,
}

impl Name {
    /// Reads a name.
    pub fn parse(name: &str) -> Self {
        if name == CLEAN {
            return Self::Clean;
        }
        let (stem, kind) = name.split_once('.').unwrap_or((name, ""));
        match (SegmentId::parse(stem), kind) {
            (Some(id), "log") => Self::Log(id),
            (Some(id), "hint") => Self::Hint(id),
            (Some(id), "log.aside") => Self::Aside(id),
            (Some(id), "log.tmp") => Self::UnfinishedLog(id),
            (Some(_), "hint.tmp") => Self::Unfinished,
            (None, "tmp") if stem == CLEAN => Self::Unfinished,
            _ => Self::Foreign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_we_would_write_are_ours() {
        for id in
            [SegmentId::plain(1), SegmentId::plain(12_345_678), SegmentId::run(3, 7), SegmentId::run(5, 5)]
        {
            assert_eq!(Name::parse(&id.log_name()), Name::Log(id));
            assert_eq!(Name::parse(&id.hint_name()), Name::Hint(id));
            assert_eq!(Name::parse(&stage1::files::aside_name(&id.log_name())), Name::Aside(id));
            assert_eq!(Name::parse(&format!("{id}.log.tmp")), Name::UnfinishedLog(id));
            assert_eq!(Name::parse(&format!("{id}.hint.tmp")), Name::Unfinished);
        }
        assert_eq!(Name::parse("CLEAN.tmp"), Name::Unfinished);
        for foreign in [
            "1.log",
            "0000001.log",
            "000000.log",
            "000001.LOG",
            "000001",
            "000003-000002.log",
            "000000-000002.log",
            "3-7.log",
            "000001-000002-000003.log",
            "000001.log.old",
            "4294967296.log",
            "é.log",
            "",
            ".log",
            "CLEAN2",
        ] {
            assert_eq!(Name::parse(foreign), Name::Foreign, "{foreign}");
        }
    }

    #[test]
    fn a_run_replaces_what_it_covers_and_nothing_else() {
        let run = SegmentId::run(3, 5);
        for covered in [SegmentId::plain(3), SegmentId::plain(5), SegmentId::run(3, 4), SegmentId::run(4, 4)]
        {
            assert!(run.replaces(covered) && !covered.replaces(run), "{covered}");
        }
        for other in
            [run, SegmentId::plain(2), SegmentId::plain(6), SegmentId::run(2, 4), SegmentId::run(5, 6)]
        {
            assert!(!run.replaces(other), "{other}");
        }
        assert!(
            SegmentId::run(4, 4).replaces(SegmentId::plain(4))
                && !SegmentId::plain(4).replaces(SegmentId::run(4, 4))
        );
    }
}
