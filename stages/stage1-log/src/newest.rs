//! Finding the newest entry: of one key for a get, of every key for a scan and for compaction.
//!
//! **Invariants** Later in the log is newer, whatever any clock says. A tombstone is an entry like any other until it
//! has hidden what is older than itself.
//!
//! **Cost** A get reads the log until it meets the key, all of it for a key that is not there. A scan reads all of
//! it, once, and sorts; in memory it takes the keys in range and 32 bytes for each of their versions.

use crate::frame::Kind;
use crate::log::{Location, Log, Reader, Stretch};
use contract::{KeyRange, Result};
use std::cell::Cell;
use std::cmp::Reverse;

thread_local! {
    /// A thread's read buffer: a get borrows it, so that it need not be allocated and cleared each time.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What a search for a key found, and what it cost.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lookup {
    /// The newest entry with that key.
    pub(crate) found: Option<Found>,
    /// Bytes read from the file.
    pub(crate) bytes_read: u64,
    /// Entries whose key was compared.
    pub(crate) entries_passed: u64,
    /// The stretches that were read, in order.
    pub(crate) stretches: Vec<Stretch>,
}

/// An entry's location and kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) at: Location,
    pub(crate) live: bool,
}

// ANCHOR: find
/// Searches everything before `end` for `key`: from the newest chunk backward until one holds it, or, to compare,
/// from the first entry to the last.
pub(crate) fn find(log: &Log, end: u64, key: &[u8], oldest_first: bool) -> Result<Lookup> {
    let mut lookup = Lookup::default();
    let mut buffer = BUFFER.take();
    let mut stretch = if oldest_first { log.stretch(end) } else { log.chunk_before(end) };
    let result = loop {
        match search(log, stretch, key, &mut buffer, &mut lookup) {
            Ok(()) if lookup.found.is_none() && stretch.start > log.stretch(end).start => {
                stretch = log.chunk_before(stretch.start);
            }
            other => break other,
        }
    };
    BUFFER.set(buffer);
    result.map(|()| lookup)
}

/// Walks a stretch forward; the last entry with the key is the newest.
fn search(log: &Log, stretch: Stretch, key: &[u8], buffer: &mut Vec<u8>, lookup: &mut Lookup) -> Result<()> {
    let mut reader = Reader::new(log, stretch, std::mem::take(buffer)).skipping_values();
    lookup.stretches.push(stretch);
    while let Some(passed) = reader.next_frame().map_err(|stop| stop.into_error(&log.name))? {
        if !passed.is_entry() {
            continue;
        }
        lookup.entries_passed += 1;
        if passed.key() == key {
            lookup.found = Some(Found { at: passed.at(), live: passed.head.kind == Kind::Put });
        }
    }
    lookup.bytes_read += reader.bytes_read();
    *buffer = reader.into_buffer();
    Ok(())
}
// ANCHOR_END: find

/// The live keys of a range, sorted, with the location of each one's newest entry.
#[derive(Default)]
pub(crate) struct Live {
    /// All keys, one after the other.
    keys: Vec<u8>,
    items: Vec<Item>,
    /// Bytes read from the file to find them.
    pub(crate) bytes_read: u64,
}

#[derive(Clone, Copy)]
struct Item {
    key_start: usize,
    key_bytes: u32,
    live: bool,
    at: Location,
}

impl Live {
    // ANCHOR: collect
    /// Reads everything before `end` and keeps the newest entry of every key in `range`, if it is not a tombstone.
    pub(crate) fn collect(log: &Log, end: u64, range: KeyRange<'_>) -> Result<Self> {
        let mut live = Self::default();
        let mut reader = Reader::new(log, log.stretch(end), BUFFER.take()).skipping_values();
        while let Some(passed) = reader.next_frame().map_err(|stop| stop.into_error(&log.name))? {
            if passed.is_entry() && range.contains(passed.key()) {
                live.push(passed.key(), passed.at(), passed.head.kind == Kind::Put);
            }
        }
        live.bytes_read = reader.bytes_read();
        BUFFER.set(reader.into_buffer());
        live.keep_newest();
        Ok(live)
    }

    fn keep_newest(&mut self) {
        let keys = &self.keys;
        let key = |item: &Item| &keys[item.key_start..item.key_start + item.key_bytes as usize];
        self.items.sort_unstable_by(|a, b| {
            key(a).cmp(key(b)).then_with(|| Reverse(a.at.offset).cmp(&Reverse(b.at.offset)))
        });
        self.items.dedup_by(|later, first| key(later) == key(first));
        self.items.retain(|item| item.live);
    }
    // ANCHOR_END: collect

    #[expect(clippy::cast_possible_truncation, reason = "a key has at most 64 KiB")]
    fn push(&mut self, key: &[u8], at: Location, live: bool) {
        self.items.push(Item { key_start: self.keys.len(), key_bytes: key.len() as u32, live, at });
        self.keys.extend_from_slice(key);
    }

    /// The key and the location at `index`, in the order of keys.
    pub(crate) fn get(&self, index: usize) -> Option<(&[u8], Location)> {
        let item = self.items.get(index)?;
        Some((&self.keys[item.key_start..item.key_start + item.key_bytes as usize], item.at))
    }

    /// Where the entries lie, in the order of the log.
    pub(crate) fn locations(&self) -> Vec<Location> {
        let mut locations: Vec<_> = self.items.iter().map(|item| item.at).collect();
        locations.sort_unstable_by_key(|at| at.offset);
        locations
    }
}
