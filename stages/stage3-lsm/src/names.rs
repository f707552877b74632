//! What a file's name says about it.
//!
//! **Invariants**
//! 1. One counter numbers all files, and no number is used twice in a store's life.
//! 2. A name is ours only if writing it again gives the same name.

use stage1::files::CLEAN;
pub(crate) use stage1::files::log_name;

/// What a name in a store's directory stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// A write-ahead log: `000001.log`.
    Log(u64),
    /// A manifest: `000002.manifest`.
    Manifest(u64),
    /// A table: `000003.sst`.
    Table(u64),
    /// What recovery set aside because it may be of use to somebody: `000001.log.aside`.
    Aside(u64),
    /// A file that had not got its name when its writer died: `000003.sst.tmp`.
    Unfinished(Option<u64>),
    /// The mark of a clean close.
    Clean,
    /// Not ours.
    Foreign,
}

impl Name {
    /// Reads a name.
    pub(crate) fn parse(name: &str) -> Self {
        if name == CLEAN {
            return Self::Clean;
        }
        if name.strip_suffix(".tmp") == Some(CLEAN) {
            return Self::Unfinished(None);
        }
        let digits = name.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = name.split_at(digits);
        match (number.parse(), rest) {
            (Ok(n), _) if n == 0 || format!("{n:06}") != number => Self::Foreign,
            (Ok(n), ".log") => Self::Log(n),
            (Ok(n), ".manifest") => Self::Manifest(n),
            (Ok(n), ".sst") => Self::Table(n),
            (Ok(n), ".log.aside" | ".manifest.aside" | ".sst.aside") => Self::Aside(n),
            (Ok(n), ".log.tmp" | ".manifest.tmp" | ".sst.tmp") => Self::Unfinished(Some(n)),
            _ => Self::Foreign,
        }
    }

    /// The number in it.
    pub(crate) fn number(self) -> Option<u64> {
        match self {
            Self::Log(n) | Self::Manifest(n) | Self::Table(n) | Self::Aside(n) => Some(n),
            Self::Unfinished(n) => n,
            Self::Clean | Self::Foreign => None,
        }
    }
}

/// The name of a manifest.
pub(crate) fn manifest_name(number: u64) -> String {
    format!("{number:06}.manifest")
}

/// The name of a table.
pub(crate) fn table_name(number: u64) -> String {
    format!("{number:06}.sst")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_we_would_write_are_ours() {
        for n in [1, 12_345_678] {
            assert_eq!(Name::parse(&log_name(n)), Name::Log(n));
            assert_eq!(Name::parse(&manifest_name(n)), Name::Manifest(n));
            assert_eq!(Name::parse(&table_name(n)), Name::Table(n));
            assert_eq!(Name::parse(&stage1::files::aside_name(&manifest_name(n))), Name::Aside(n));
            assert_eq!(Name::parse(&format!("{n:06}.sst.tmp")), Name::Unfinished(Some(n)));
        }
        for foreign in ["1.sst", "000000.sst", "0000001.manifest", "000001.SST", "000001.sst.bak", "é", ""] {
            assert_eq!(Name::parse(foreign), Name::Foreign, "{foreign}");
        }
    }
}
