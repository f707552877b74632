//! What this machine allows: the least that an engine of each kind must do, done without an engine.
//!
//! **Layout** Every bound writes and reads the frame of stage 1, so that the bytes for each entry are the same:
//!
//! ```text
//! ┌──────────┬─────────┬────────────┬───────────────┬─────┬───────┐
//! │ crc 4 B  │ tag 1 B │ key_len 3 B│ value_len 4 B │ key │ value │   little-endian; crc: CRC-32C of all after it
//! └──────────┴─────────┴────────────┴───────────────┴─────┴───────┘
//! ```
//!
//! **Invariants** A bound touches the same entries, in the same order, through the same [`timing`] loop as the engine
//! that it bounds, and runs beside it in every round. It calls the operating system directly, not through `vfs`.
//!
//! [`timing`]: crate::timing

pub mod hash_log;
mod hash_map;
mod memory;
mod writing;

use crate::entries::Entries;
use crate::report::Sample;
use crate::workload::Effort;
use anyhow::Result;
use contract::Durability;
use std::path::Path;

/// Something that an engine cannot be faster than.
pub struct Bound {
    /// Its name.
    pub name: &'static str,
    /// What is timed.
    pub help: &'static str,
    /// When a write counts as done; `None` for what only reads.
    pub durability: Option<Durability>,
    /// The workloads beside which it is measured.
    pub beside: &'static [&'static str],
    /// Measures it in an empty directory.
    pub run: fn(&Effort, &Path) -> Result<Vec<Sample>>,
}

const fn writes(
    name: &'static str,
    durability: Durability,
    beside: &'static [&'static str],
    run: fn(&Effort, &Path) -> Result<Vec<Sample>>,
    help: &'static str,
) -> Bound {
    Bound { name, help, durability: Some(durability), beside, run }
}

const fn reads(
    name: &'static str,
    beside: &'static [&'static str],
    run: fn(&Effort, &Path) -> Result<Vec<Sample>>,
    help: &'static str,
) -> Bound {
    Bound { name, help, durability: None, beside, run }
}

/// Every bound, in the order of the tables.
pub static ALL: &[Bound] = {
    use Durability::{EveryWrite, OnRequest};
    use hash_map::{inserts, probes};
    use memory::{
        pread_record, read_chunks, read_stream, walk, walk_checked, walk_chunks, walk_chunks_checked,
    };
    use writing::{log_batches, log_write, sync_each, sync_groups, sync_reserved};
    &[
        writes("log-write", OnRequest, &["fillseq", "fillrandom"], log_write, "one write(2) for each frame"),
        writes(
            "log-write-batch100",
            OnRequest,
            &["fillbatch100"],
            log_batches,
            "one write(2) for 100 frames; counted in entries",
        ),
        writes(
            "fdatasync-growing",
            EveryWrite,
            &["fillsync"],
            sync_each,
            "a frame and an fdatasync, file growing",
        ),
        writes(
            "fdatasync-reserved",
            EveryWrite,
            &["fillsync"],
            sync_reserved,
            "the same in a file extended by fallocate beforehand",
        ),
        writes(
            "fdatasync-reserved-8",
            EveryWrite,
            &["fillsync8t"],
            sync_groups,
            "8 frames share a write and an fdatasync; counted in entries",
        ),
        reads("read-1MiB", &["readmissing"], read_stream, "read(2) of the cached log, 1 MiB at a time"),
        reads("pread-256KiB", &["readmissing"], read_chunks, "pread of the cached log, 256 KiB at a time"),
        reads(
            "walk",
            &["readmissing"],
            walk,
            "walk of all frames in memory, keys compared; for a million entries",
        ),
        reads("walk-crc", &["readmissing"], walk_checked, "the same, and every checksum computed"),
        reads(
            "walk-pread",
            &["readmissing"],
            walk_chunks,
            "walk of the cached log by pread of 256 KiB, keys compared; for a million entries",
        ),
        reads(
            "walk-pread-crc",
            &["readmissing"],
            walk_chunks_checked,
            "the same, and every checksum computed",
        ),
        reads(
            "pread-record",
            &["readrandom"],
            pread_record,
            "pread of one frame at a random place in the cached log",
        ),
        reads(
            "hash-insert",
            &["fillbatch100"],
            inserts,
            "insert of a key into std's hash map, nothing written",
        ),
        reads("hash-probe", &["readmissing"], probes, "look for an absent key in std's hash map"),
    ]
};

impl Bound {
    /// How the row is told from others of this bound: one that bounds several workloads is measured beside each.
    pub fn part_beside(&self, workload: &str) -> String {
        if self.beside.len() == 1 { String::new() } else { format!("beside {workload}") }
    }
}

/// The bound of this name.
pub fn named(name: &str) -> Result<&'static Bound> {
    ALL.iter().find(|bound| bound.name == name).ok_or_else(|| anyhow::anyhow!("there is no bound «{name}»"))
}

/// Bytes before the key.
const HEADER_BYTES: usize = 12;

/// Appends the frame of entry `i` to `buffer`.
fn frame(buffer: &mut Vec<u8>, entries: &Entries, i: u64) {
    push_frame(buffer, entries.key(i), entries.value(i));
}

/// Appends the frame of a key and its value to `buffer`.
fn push_frame(buffer: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    const PUT: u32 = 1;
    let start = buffer.len();
    let len = |bytes: &[u8]| u32::try_from(bytes.len()).expect("entries are short");
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&(PUT | (len(key) << 8)).to_le_bytes());
    buffer.extend_from_slice(&len(value).to_le_bytes());
    buffer.extend_from_slice(key);
    buffer.extend_from_slice(value);
    let crc = crc_fast::crc32_iscsi(&buffer[start + 4..]);
    buffer[start..start + 4].copy_from_slice(&crc.to_le_bytes());
}

/// The frame that `bytes` begin with: its key and its length. `None` if not all of it is there.
fn first_frame(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let header = bytes.first_chunk::<HEADER_BYTES>()?;
    let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (key_bytes, value_bytes) = ((word(4) >> 8) as usize, word(8) as usize);
    let len = HEADER_BYTES + key_bytes + value_bytes;
    (bytes.len() >= len).then(|| (&bytes[HEADER_BYTES..HEADER_BYTES + key_bytes], len))
}

/// Key and value of the frame that `bytes` are, if its checksum is right.
fn frame_of(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (key, len) = first_frame(bytes)?;
    let (stored, body) = bytes[..len].split_first_chunk()?;
    let good = crc_fast::crc32_iscsi(body) == u32::from_le_bytes(*stored);
    good.then(|| (key, &bytes[HEADER_BYTES + key.len()..len]))
}
