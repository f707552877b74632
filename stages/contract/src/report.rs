//! What an engine says about itself: figures, reports and explanations, as plain values.
//!
//! An engine never prints. The shell shows these to a person, or as JSON to a script.

use crate::{Result, Scan};

/// Figures that cost no input or output. What only a scan could know is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Live keys.
    pub keys: Option<u64>,
    /// Bytes of live keys and values.
    pub live_bytes: Option<u64>,
    /// Bytes of all the store's files.
    pub disk_bytes: u64,
    /// Files of the store.
    pub files: u64,
    /// Bytes of memory that finding a key takes.
    pub index_bytes: u64,
    /// Bytes of keys and values that callers wrote since opening.
    pub user_bytes_written: u64,
    /// Bytes that the engine wrote to files since opening.
    pub bytes_written: u64,
    /// Bytes that the engine read from files since opening.
    pub bytes_read: u64,
    /// What this engine has to say besides.
    pub figures: Vec<Figure>,
}

impl Stats {
    // ANCHOR: write_amplification
    /// Bytes written to files for each byte that a caller wrote, since opening.
    #[expect(clippy::cast_precision_loss, reason = "a ratio of byte counts needs no 53 bits")]
    pub fn write_amplification(&self) -> Option<f64> {
        (self.user_bytes_written > 0).then(|| self.bytes_written as f64 / self.user_bytes_written as f64)
    }
    // ANCHOR_END: write_amplification
}

/// A named figure with its unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is, in words joined by `-`.
    pub name: &'static str,
    /// How much.
    pub value: u64,
    /// Of what: `bytes`, `count`, …
    pub unit: &'static str,
}

/// What opening a store found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// The store was made by this opening.
    pub created: bool,
    /// The store had been closed cleanly, and everything matched.
    pub clean: bool,
    /// Files whose entries were replayed or checked.
    pub files: u64,
    /// Entries found in them, tombstones included.
    pub entries: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// What was cut off as never acknowledged, or lost by a power failure.
    pub cut: Option<Cut>,
    /// Where whole logs lie now that came behind the cut and hold entries that can be read.
    pub set_aside: Vec<String>,
    /// Files that a crash had left behind and that were removed.
    pub leftovers_removed: Vec<String>,
    /// Saved copies of what other files say, such as an index, that could not be used: their originals were read.
    pub replaced: Vec<Damage>,
    /// Names in the directory that are not ours; left alone.
    pub foreign: Vec<String>,
}

/// The end of a log that recovery did not accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The log.
    pub file: String,
    /// Where the accepted part ends.
    pub offset: u64,
    /// Bytes after it, zeros at the very end not counted.
    pub bytes: u64,
    /// Why the first entry after it was not accepted.
    pub why: String,
    /// Where the old file lies now, if its cut part held entries that can be read.
    pub set_aside: Option<String>,
}

/// Something in a store that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: String,
    /// Where in it, in bytes.
    pub offset: u64,
    /// What was expected and what was found.
    pub what: String,
}

/// What reading and checking every byte found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Entries that were read and are as they were written, tombstones included.
    pub entries: u64,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// What is not as it was written.
    pub damage: Vec<Damage>,
    /// What a person may want to know and that is no damage, such as a torn tail that opening will cut.
    pub notes: Vec<String>,
}

/// What could be saved from a store that refuses to open, and what could not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SalvageReport {
    /// Entries written into the new store, tombstones included.
    pub entries: u64,
    /// Bytes of keys and values in them.
    pub bytes: u64,
    /// The stretches that could not be read.
    pub lost: Vec<Damage>,
}

/// What a get looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// The answer.
    pub value: Option<Vec<u8>>,
    /// The places that were looked at, in order.
    pub looks: Vec<Look>,
    /// Bytes read from files.
    pub bytes_read: u64,
    /// Entries whose key was compared.
    pub entries_passed: u64,
}

/// One place that a get looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// A file or a structure in memory.
    pub place: String,
    /// Where in it, in bytes.
    pub offset: u64,
    /// How many bytes of it.
    pub bytes: u64,
    /// What was found there.
    pub what: String,
}

/// One field of a file, as `inspect` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The file.
    pub file: String,
    /// Where the field starts, in bytes.
    pub offset: u64,
    /// How long it is, in bytes.
    pub len: u64,
    /// Its first bytes, as they are on disk; a long key or value is not shown whole.
    pub bytes: Vec<u8>,
    /// The field's name.
    pub name: &'static str,
    /// What the bytes mean.
    pub meaning: String,
    /// Whether they are what was written, where the field can tell.
    pub verdict: Verdict,
}

/// What a checksum says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This field checks nothing.
    None,
    /// It matches.
    Good,
    /// It does not; the text says what was expected.
    Bad(String),
}

pub(crate) fn verify_by_scan(scan: Scan) -> Result<VerifyReport> {
    let mut report = VerifyReport::default();
    for pair in scan {
        let (key, value) = pair?;
        report.entries += 1;
        report.bytes_read += (key.len() + value.len()) as u64;
    }
    Ok(report)
}
