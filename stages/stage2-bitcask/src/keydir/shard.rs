//! One shard of the keydir: records one behind the other, and a hash table that says where each starts.
//!
//! **Layout**
//! ```text
//!   table   [ tags, starts ][ tags, starts ] …     the hash finds a start, the start finds the record
//!                       │
//!   arena   [ record ][ ▼ record ][ dead ][ record ] … room
//! ```
//! **Invariants**
//! 1. The table holds the start of every record that is not dead, once, and of no other.
//! 2. No two records that are not dead have the same key. A key's newer entry changes the location in its record.
//! 3. At most half of the arena is dead; at most a quarter of what is used is room, unless it was reserved.
//!
//! **Cost** A lookup touches one line of the table and one record.

use super::arena::Arena;
use super::record::{Location, Record};
use super::seed::Seed;
use super::table::Table;

/// For how many keys there is room in the smallest table.
const LEAST_ROOM: usize = 9;

/// The records of the keys whose hash leads here.
#[derive(Default)]
pub(super) struct Shard {
    table: Table,
    arena: Arena,
    /// Records that are not tombstones.
    live: usize,
}

impl Shard {
    // ANCHOR: get
    /// Where the newest entry of `key` lies.
    #[inline]
    pub(super) fn get(&self, hash: u64, key: &[u8]) -> Option<Location> {
        let start = self.table.find(hash, |start| self.arena.key(start) == key)?;
        Some(self.arena.record(start).location())
    }
    // ANCHOR_END: get

    // ANCHOR: set
    /// Sets where the newest entry of `key` lies, and returns where the one before it lay.
    #[inline]
    pub(super) fn set(&mut self, seed: &Seed, hash: u64, key: &[u8], at: Location) -> Option<Location> {
        let found = self.table.find(hash, |start| self.arena.key(start) == key);
        let old = found.map(|start| self.arena.set(start, at));
        if old.is_none() {
            self.make_room(seed, 1, self.arena.end());
            self.table.insert(hash, self.arena.push(key, at));
        }
        recount(&mut self.live, at, old);
        old
    }
    // ANCHOR_END: set

    /// The same where the key is known and its entry is still the one at `from`; or says that it is not.
    pub(super) fn replace(&mut self, hash: u64, key: &[u8], from: Location, to: Location) -> bool {
        let Self { table, arena, live } = self;
        let Some(start) = table.find(hash, |start| arena.key(start) == key) else { return false };
        let still = arena.record(start).location() == from;
        if still {
            arena.set(start, to);
            recount(live, to, Some(from));
        }
        still
    }

    /// Forgets a key whose entry is still the one at `at`, or says that it is not.
    pub(super) fn remove(&mut self, seed: &Seed, hash: u64, key: &[u8], at: Location) -> bool {
        let Self { table, arena, .. } = self;
        let Some(start) = table.find(hash, |start| arena.key(start) == key) else { return false };
        if arena.record(start).location() != at {
            return false;
        }
        table.remove(hash, start);
        if arena.kill(start) {
            *arena = arena.rebuilt();
            self.rebuild_table(seed, self.table.len(), self.arena.end());
        }
        self.live -= usize::from(!at.tombstone);
        true
    }

    /// Appends a copy of a record of a hint without asking the table whether its key is known. The caller remembers where
    /// the first one starts, and calls [`index`](Self::index) before anybody else looks.
    #[inline]
    pub(super) fn append(&mut self, record: &Record<'_>, slot: u32) {
        self.arena.push_copy(record, slot);
    }

    // ANCHOR: index
    /// Takes in what was appended from `first` on; these are the hashes of its keys. A record whose key is known gives
    /// its location to the older record and goes. `room_bytes` is what the arena may keep.
    #[expect(clippy::cast_possible_truncation, reason = "a record is shorter than its arena")]
    pub(super) fn index(
        &mut self,
        seed: &Seed,
        (first, room_bytes): (u32, usize),
        hashes: &[u64],
        replaced: &mut impl FnMut(Location, Option<Location>),
    ) {
        self.make_room(seed, hashes.len(), first);
        let Self { table, arena, live } = self;
        let (mut from, mut to) = (first, first);
        for &hash in hashes {
            let record = arena.record(from);
            let (at, len) = (record.location(), record.bytes.len() as u32);
            let found = table.find(hash, |start| arena.key(start) == record.key);
            let old = found.map(|start| arena.set(start, at));
            if old.is_none() {
                table.insert(hash, to);
                arena.move_down(from, to);
                to += len;
            }
            from += len;
            recount(live, at, old);
            replaced(at, old);
        }
        arena.cut(to, room_bytes);
    }
    // ANCHOR_END: index

    /// All records, in no order.
    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.arena.records()
    }

    /// Where the next record will start, and the arena's bytes of memory.
    pub(super) fn end(&self) -> (u32, usize) {
        (self.arena.end(), self.arena.capacity())
    }

    /// How many keys lead to an entry that is not a tombstone.
    pub(super) fn keys(&self) -> usize {
        self.live
    }

    /// How many keys lead elsewhere in `other`, or are in only one of the two.
    pub(super) fn differences(&self, other: &Self, seed: &Seed) -> usize {
        let (mut common, mut elsewhere) = (0, 0);
        for record in other.records() {
            let here = self.get(seed.hash(record.key), record.key);
            common += usize::from(here.is_some());
            elsewhere += usize::from(here != Some(record.location()));
        }
        elsewhere + self.table.len() - common
    }

    /// Makes room for so many more keys and their records.
    pub(super) fn reserve(&mut self, seed: &Seed, keys: usize, record_bytes: usize) {
        if self.table.len() + keys > self.table.room() {
            self.rebuild_table(seed, self.table.len() + keys, self.arena.end());
        }
        self.arena.reserve(record_bytes);
    }

    /// Gives back what was reserved in vain.
    pub(super) fn trim(&mut self, seed: &Seed) {
        if self.table.room() > grown(self.table.len()) {
            self.rebuild_table(seed, self.table.len(), self.arena.end());
        }
        self.arena.cut(self.arena.end(), 0);
    }

    // ANCHOR: make_room
    /// Makes room in the table for so many more keys; the arena's records before `end` are in it. A table that is full
    /// grows by half, and every key in it is hashed again, in the order of the arena.
    #[inline]
    fn make_room(&mut self, seed: &Seed, keys: usize, end: u32) {
        let needed = self.table.len() + keys;
        if needed > self.table.room() {
            self.rebuild_table(seed, needed.max(grown(self.table.len())), end);
        }
    }
    // ANCHOR_END: make_room

    #[cold]
    fn rebuild_table(&mut self, seed: &Seed, room: usize, end: u32) {
        let mut table = Table::with_room(room.max(self.table.len()));
        for (start, record) in self.arena.starts(end) {
            table.insert(seed.hash(record.key), start);
        }
        self.table = table;
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.table.bytes() + self.arena.capacity()
    }
}

/// For how many entries a table of so many has room at most.
fn grown(entries: usize) -> usize {
    (entries + entries / 2).max(LEAST_ROOM)
}

/// Counts what is not a tombstone.
#[inline]
fn recount(live: &mut usize, new: Location, old: Option<Location>) {
    *live += usize::from(!new.tombstone);
    *live -= usize::from(old.is_some_and(|old| !old.tombstone));
}
