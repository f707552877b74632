//! The arena of a page: records one behind the other in one piece of memory.
//!
//! **Layout**
//! ```text
//! ┌─ 8 ──┬── 4 ──┬───── 4 ─────┬────── 4 ──────┬──────┬───────┐
//! │ seq  │ older │ bytes of key │ bytes of value │ key  │ value │
//! └──────┴───────┴─────────────┴───────────────┴──────┴───────┘
//! ```
//! `older` is where the record of the version before it starts, if a pin needed that one; a tombstone says [`NONE`] in place
//! of the bytes of its value.
//!
//! **Invariants**
//! 1. A record stays where it is until the arena is built anew, so its start, a `u32`, is its name.
//! 2. What nobody points at is garbage, counted, and stays until then too.
//!
//! **Cost** 20 bytes for each record. The arena grows by a quarter of itself, so at most a fifth of it is room.

use contract::Entry;

/// Bytes of a record before its key.
pub(super) const HEADER_BYTES: usize = 20;
/// No older version; a tombstone's value.
const NONE: u32 = u32::MAX;
/// The least by which an arena grows, in bytes.
const LEAST_ROOM_BYTES: usize = 128;

/// One version of one entry.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    /// The number of the batch that wrote it.
    pub(super) seq: u64,
    /// Where the version before it starts, if that is kept.
    pub(super) older: Option<u32>,
    /// The key.
    pub(super) key: &'a [u8],
    /// The value; `None` is a tombstone.
    pub(super) value: Option<&'a [u8]>,
    /// All its bytes.
    bytes: &'a [u8],
}

/// Records one behind the other.
#[derive(Clone, Default)]
pub(super) struct Arena {
    bytes: Vec<u8>,
    garbage_bytes: usize,
}

impl Arena {
    /// An empty arena with room for so many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), garbage_bytes: 0 }
    }

    // ANCHOR: record
    /// The record that starts at `start`.
    #[inline]
    pub(super) fn record(&self, start: u32) -> Record<'_> {
        let bytes = &self.bytes[start as usize..];
        let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>().expect("records in memory are whole");
        let [s0, s1, s2, s3, s4, s5, s6, s7, o0, o1, o2, o3, k0, k1, k2, k3, v0, v1, v2, v3] = *header;
        let older = u32::from_le_bytes([o0, o1, o2, o3]);
        let key_bytes = u32::from_le_bytes([k0, k1, k2, k3]) as usize;
        let value_bytes = u32::from_le_bytes([v0, v1, v2, v3]);
        let len = key_bytes + if value_bytes == NONE { 0 } else { value_bytes as usize };
        let (key, value) = rest[..len].split_at(key_bytes);
        Record {
            seq: u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]),
            older: (older != NONE).then_some(older),
            key,
            value: (value_bytes != NONE).then_some(value),
            bytes: &bytes[..HEADER_BYTES + len],
        }
    }
    // ANCHOR_END: record

    /// Appends a record and returns where it starts.
    #[inline]
    pub(super) fn push(&mut self, entry: Entry<'_>, seq: u64, older: Option<u32>) -> u32 {
        let value = entry.value.unwrap_or_default();
        let start = self.grow(HEADER_BYTES + entry.key.len() + value.len());
        self.bytes.extend_from_slice(&header(seq, older, entry));
        self.bytes.extend_from_slice(entry.key);
        self.bytes.extend_from_slice(value);
        start
    }

    /// Makes sure that there is room for so many bytes, and returns where they will start.
    #[inline]
    fn grow(&mut self, needed: usize) -> u32 {
        if self.bytes.capacity() - self.bytes.len() < needed {
            self.bytes.reserve_exact(needed.max(self.bytes.len() / 4).max(LEAST_ROOM_BYTES));
        }
        u32::try_from(self.bytes.len()).expect("a page stays below 4 GiB")
    }

    // ANCHOR: replace
    /// Writes a newer version over the record at `start`, or behind all others if it is longer, and returns where it starts.
    #[inline]
    pub(super) fn replace(&mut self, start: u32, entry: Entry<'_>, seq: u64, older: Option<u32>) -> u32 {
        let room = self.record(start).bytes.len();
        let value = entry.value.unwrap_or_default();
        let needed = HEADER_BYTES + entry.key.len() + value.len();
        if needed > room {
            self.garbage_bytes += room;
            return self.push(entry, seq, older);
        }
        self.garbage_bytes += room - needed;
        let record = &mut self.bytes[start as usize..][..needed];
        record[..HEADER_BYTES].copy_from_slice(&header(seq, older, entry));
        record[needed - value.len()..].copy_from_slice(value);
        start
    }
    // ANCHOR_END: replace

    /// Gives up a version and those before it.
    pub(super) fn give_up(&mut self, mut version: Option<u32>) {
        while let Some(start) = version {
            let record = self.record(start);
            version = record.older;
            self.garbage_bytes += record.bytes.len();
        }
    }

    /// Appends a copy of a version that lies in another arena, and of those before it if they are wanted.
    pub(super) fn push_copy(&mut self, from: &Self, start: u32, wants_older: bool) -> u32 {
        let first = self.push_bytes(from.record(start).bytes);
        let (mut last, mut older) = (first, from.record(start).older);
        while let Some(start) = older.filter(|_| wants_older) {
            let copy = self.push_bytes(from.record(start).bytes);
            self.set_older(last, copy);
            (last, older) = (copy, from.record(start).older);
        }
        self.set_older(last, NONE);
        first
    }

    fn push_bytes(&mut self, record: &[u8]) -> u32 {
        let start = self.grow(record.len());
        self.bytes.extend_from_slice(record);
        start
    }

    fn set_older(&mut self, start: u32, older: u32) {
        self.bytes[start as usize + 8..][..4].copy_from_slice(&older.to_le_bytes());
    }

    /// Bytes of a version and, if they are wanted, of those before it.
    pub(super) fn version_bytes(&self, start: u32, wants_older: bool) -> usize {
        let record = self.record(start);
        let mut bytes = record.bytes.len();
        let mut older = record.older;
        while let Some(start) = older.filter(|_| wants_older) {
            let record = self.record(start);
            bytes += record.bytes.len();
            older = record.older;
        }
        bytes
    }

    /// Bytes of what is not garbage.
    #[inline]
    pub(super) fn live_bytes(&self) -> usize {
        self.bytes.len() - self.garbage_bytes
    }

    /// Bytes of garbage.
    #[inline]
    pub(super) fn garbage_bytes(&self) -> usize {
        self.garbage_bytes
    }

    /// Bytes of memory.
    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

#[inline]
fn header(seq: u64, older: Option<u32>, entry: Entry<'_>) -> [u8; HEADER_BYTES] {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("keys and values are within their limits");
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&seq.to_le_bytes());
    header[8..12].copy_from_slice(&older.unwrap_or(NONE).to_le_bytes());
    header[12..16].copy_from_slice(&length(entry.key).to_le_bytes());
    header[16..].copy_from_slice(&entry.value.map_or(NONE, length).to_le_bytes());
    header
}
