//! The arena of a shard: records one behind the other in one piece of memory.
//!
//! **Invariants**
//! 1. A record stays where it is until the arena is rebuilt, so its start, a `u32`, is its name.
//! 2. A record that is no longer wanted is dead, and stays until then too.
//!
//! **Cost** The arena grows by a quarter of itself, so at most a fifth of it is room.

use super::record::{self, Location, Record};

/// The least by which an arena grows, in bytes.
const LEAST_ROOM_BYTES: usize = 64;

/// Records one behind the other.
#[derive(Default)]
pub(super) struct Arena {
    bytes: Vec<u8>,
    dead_bytes: usize,
}

impl Arena {
    /// The record that starts at `start`.
    #[inline]
    pub(super) fn record(&self, start: u32) -> Record<'_> {
        Record::first(&self.bytes[start as usize..]).expect("records in memory are whole")
    }

    /// The key of the record that starts at `start`.
    #[inline]
    pub(super) fn key(&self, start: u32) -> &[u8] {
        self.record(start).key
    }

    /// All records that are not dead, in the order of the arena.
    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        record::records(&self.bytes).filter(|record| !record.is_dead())
    }

    // ANCHOR: push
    /// Appends a record and returns where it starts.
    #[inline]
    pub(super) fn push(&mut self, key: &[u8], at: Location) -> u32 {
        let start = self.grow(record::record_bytes(key.len()));
        record::append(key, at, &mut self.bytes);
        start
    }

    /// Makes sure that there is room for a record of so many bytes, and returns where it will start.
    #[inline]
    fn grow(&mut self, needed: usize) -> u32 {
        if self.bytes.capacity() - self.bytes.len() < needed {
            self.bytes.reserve_exact(needed.max(self.bytes.len() / 4).max(LEAST_ROOM_BYTES));
        }
        self.end()
    }
    // ANCHOR_END: push

    /// Appends a copy of a record, but for the slot of its segment.
    #[inline]
    pub(super) fn push_copy(&mut self, record: &Record<'_>, slot: u32) {
        let start = self.grow(record.bytes.len());
        self.bytes.extend_from_slice(record.bytes);
        let at = Location { segment: slot, ..record.location() };
        record::set_location(&mut self.bytes[start as usize..], at);
    }

    /// Changes the location in a record and returns what it was.
    #[inline]
    pub(super) fn set(&mut self, start: u32, at: Location) -> Location {
        let old = self.record(start).location();
        record::set_location(&mut self.bytes[start as usize..], at);
        old
    }

    /// Makes a record a dead one, and says whether more than half of the arena is dead now.
    pub(super) fn kill(&mut self, start: u32) -> bool {
        self.dead_bytes += self.record(start).bytes.len();
        record::kill(&mut self.bytes[start as usize..]);
        self.dead_bytes > self.bytes.len() / 2
    }

    /// The records before `end` that are not dead, and where each starts.
    pub(super) fn starts(&self, end: u32) -> impl Iterator<Item = (u32, Record<'_>)> {
        let mut at = 0;
        let started = record::records(&self.bytes[..end as usize]).map(move |record| {
            let start = at;
            at += record.bytes.len();
            (u32::try_from(start).unwrap_or(u32::MAX), record)
        });
        started.filter(|(_, record)| !record.is_dead())
    }

    /// A new arena of the records that are not dead.
    pub(super) fn rebuilt(&self) -> Self {
        let mut new = Self::default();
        new.reserve(self.bytes.len() - self.dead_bytes);
        for record in self.records() {
            new.bytes.extend_from_slice(record.bytes);
        }
        new
    }

    /// Moves the record at `from` down to `to`, over records that nobody wants.
    #[inline]
    pub(super) fn move_down(&mut self, from: u32, to: u32) {
        if to < from {
            let len = self.record(from).bytes.len();
            self.bytes.copy_within(from as usize..from as usize + len, to as usize);
        }
    }

    /// Where the next record will start.
    #[inline]
    pub(super) fn end(&self) -> u32 {
        u32::try_from(self.bytes.len()).expect("a shard stays below 4 GiB, a keydir below 512 GiB")
    }

    /// Forgets everything from `end` on, and gives back what is over `room_bytes` and over a quarter.
    pub(super) fn cut(&mut self, end: u32, room_bytes: usize) {
        self.bytes.truncate(end as usize);
        self.bytes.shrink_to(room_bytes.max(self.bytes.len() + self.bytes.len() / 4));
    }

    /// Makes room for `bytes` more, and no more than that.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve_exact(bytes);
    }

    /// Bytes of memory.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}
