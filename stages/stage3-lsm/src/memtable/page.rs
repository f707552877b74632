//! One page: up to 256 entries, sorted, with their keys and values in an arena of its own.
//!
//! **Layout**
//! ```text
//!   numbers   [ u64 … 256 ]     8 bytes of each key, those behind what all keys of the page share; sorted
//!   starts    [ u32 … 256 ]     where the newest version of each starts
//!                  │
//!   arena     [ record ][ record ▼ ][ garbage ][ record ] … room
//! ```
//! **Invariants**
//! 1. Keys are strictly ascending; all share their first `skip` bytes. Between two bounds these are what the bounds share,
//!    and whoever comes here shares them too. At either end of the order, where a page is *open*, they are what its keys
//!    share, and who comes is looked at.
//! 2. At most a quarter of the arena is garbage, and at most a fifth is room.
//!
//! **Cost** 12 bytes for each of 256 places, full or not. A search reads 18 lines of numbers, one start, one record;
//! an insert moves 1.5 KiB on average.

use super::arena::{Arena, Record};
use super::number::{self, shared_bytes};
use contract::Entry;
use std::cmp::Ordering;
use std::ops::Range;

/// The most entries in a page. Tests have small ones, so that they meet what lies between two.
pub(super) const MOST_ENTRIES: usize = if cfg!(test) { 8 } else { 256 };
/// A page with more than this in its arena, in bytes, is divided before it has so many.
const MOST_BYTES: usize = if cfg!(test) { 1 << 10 } else { 64 << 10 };
/// So many numbers are looked at together.
const BLOCK: usize = if cfg!(test) { 4 } else { 16 };
/// So much garbage is never worth a new arena, in bytes.
const LITTLE_GARBAGE_BYTES: usize = 512;

/// A run of entries.
#[derive(Clone)]
pub(super) struct Page {
    numbers: [u64; MOST_ENTRIES],
    starts: [u32; MOST_ENTRIES],
    len: usize,
    skip: usize,
    open: bool,
    arena: Arena,
}

// ANCHOR: count_less
/// How many of these sorted numbers are less. The numbers that begin each 16 are looked at first, then the 16 of one block: the
/// processor fetches all it needs of either from memory at the same time, where a binary search waits for one after the other.
#[inline]
fn count_less(numbers: &[u64], number: u64) -> usize {
    let less = |numbers: &[u64], step| numbers.iter().step_by(step).filter(|&&n| n < number).count();
    let block = less(numbers, BLOCK).saturating_sub(1) * BLOCK;
    block + less(&numbers[block..numbers.len().min(block + BLOCK)], 1)
}
// ANCHOR_END: count_less

impl Page {
    /// An empty page for any keys.
    pub(super) fn new() -> Self {
        Self::between(None)
    }

    /// An empty page for keys that share so many bytes, or for any.
    fn between(shared: Option<usize>) -> Self {
        let (numbers, starts) = ([0; MOST_ENTRIES], [0; MOST_ENTRIES]);
        let (skip, open) = (shared.unwrap_or(0), shared.is_none());
        Self { numbers, starts, len: 0, skip, open, arena: Arena::default() }
    }

    /// How many entries there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    // ANCHOR: search
    /// Where `key` is, or where it would be.
    #[inline]
    pub(super) fn search(&self, key: &[u8]) -> Result<usize, usize> {
        if self.open && self.skip > 0 {
            let shared = &self.key(0)[..self.skip];
            match key[..key.len().min(self.skip)].cmp(shared) {
                Ordering::Less => return Err(0),
                Ordering::Equal => {}
                Ordering::Greater => return Err(self.len),
            }
        }
        let number = number::narrow(&key[self.skip..]);
        let numbers = &self.numbers[..self.len];
        let from = count_less(numbers, number);
        let equal = numbers[from..].iter().take_while(|&&n| n == number).count();
        // Where numbers are equal, the keys decide.
        let found =
            self.starts[from..from + equal].binary_search_by(|&start| self.record(start).key.cmp(key));
        found.map(|at| from + at).map_err(|at| from + at)
    }
    // ANCHOR_END: search

    #[inline]
    fn key(&self, at: usize) -> &[u8] {
        self.record(self.starts[at]).key
    }

    /// The version that starts at `start`.
    #[inline]
    pub(super) fn record(&self, start: u32) -> Record<'_> {
        self.arena.record(start)
    }

    /// The newest version of `key`.
    #[inline]
    pub(super) fn get(&self, key: &[u8]) -> Option<Record<'_>> {
        let at = self.search(key).ok()?;
        Some(self.record(self.starts[at]))
    }

    // ANCHOR: version
    /// Where the version of entry number `at` starts that was the newest at `seq`.
    #[inline]
    pub(super) fn version(&self, at: usize, seq: u64) -> Option<u32> {
        let mut start = Some(self.starts[at]);
        while let Some(this) = start {
            let record = self.record(this);
            if record.seq <= seq {
                break;
            }
            start = record.older;
        }
        start
    }
    // ANCHOR_END: version

    // ANCHOR: put
    /// Puts an entry, and says whether its key is new here.
    #[inline]
    pub(super) fn put(&mut self, entry: Entry<'_>, seq: u64, newest_pin: Option<u64>) -> bool {
        match self.search(entry.key) {
            Ok(at) => self.replace(at, entry, seq, newest_pin),
            Err(at) => {
                if self.open {
                    self.share(entry.key);
                }
                let start = self.arena.push(entry, seq, None);
                self.numbers.copy_within(at..self.len, at + 1);
                self.starts.copy_within(at..self.len, at + 1);
                self.numbers[at] = number::narrow(&entry.key[self.skip..]);
                self.starts[at] = start;
                self.len += 1;
                return true;
            }
        }
        false
    }

    /// Skips no more than this key shares with the others.
    fn share(&mut self, key: &[u8]) {
        let shared = if self.len == 0 { key.len() } else { shared_bytes(self.key(0), key).min(self.skip) };
        if shared != self.skip {
            self.skip = shared;
            for at in 0..self.len {
                self.numbers[at] = number::narrow(&self.key(at)[shared..]);
            }
        }
    }

    #[inline]
    fn replace(&mut self, at: usize, entry: Entry<'_>, seq: u64, newest_pin: Option<u64>) {
        let start = self.starts[at];
        let old = self.record(start);
        self.starts[at] = if newest_pin >= Some(old.seq) {
            self.arena.push(entry, seq, Some(start))
        } else {
            // Without any pin nobody asks for older versions either.
            let (kept, unwanted) = if newest_pin.is_some() { (old.older, None) } else { (None, old.older) };
            self.arena.give_up(unwanted);
            self.arena.replace(start, entry, seq, kept)
        };
        if self.arena.garbage_bytes() > LITTLE_GARBAGE_BYTES.max(self.arena.live_bytes() / 3) {
            let shared = (!self.open).then_some(self.skip);
            *self = self.part(0..self.len, shared, newest_pin.is_some());
        }
    }
    // ANCHOR_END: put

    /// Whether the page is to be divided before anything is put into it.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.len == MOST_ENTRIES || (self.len > 1 && self.arena.live_bytes() > MOST_BYTES)
    }

    /// Whether `key` would come behind all others.
    pub(super) fn is_behind(&self, key: &[u8]) -> bool {
        self.search(key) == Err(self.len)
    }

    /// The shortest key that lies behind the first `count` keys and not behind `next`, the key that follows them.
    pub(super) fn boundary(&self, count: usize, key: &[u8]) -> Box<[u8]> {
        let next = if count < self.len { self.key(count) } else { key };
        next[..=shared_bytes(self.key(count - 1), next)].into()
    }

    /// A page of some of these entries, in a new arena that lies in their order and has no room. Its bounds share so many
    /// bytes, or it is open.
    pub(super) fn part(&self, range: Range<usize>, shared: Option<usize>, wants_older: bool) -> Self {
        let starts = &self.starts[range];
        let bytes = starts.iter().map(|&start| self.arena.version_bytes(start, wants_older)).sum();
        let mut new = Self { arena: Arena::with_capacity(bytes), ..Self::between(shared) };
        if new.open
            && let (Some(&first), Some(&last)) = (starts.first(), starts.last())
        {
            new.skip = shared_bytes(self.record(first).key, self.record(last).key);
        }
        for &start in starts {
            let copy = new.arena.push_copy(&self.arena, start, wants_older);
            new.starts[new.len] = copy;
            new.numbers[new.len] = number::narrow(&new.record(copy).key[new.skip..]);
            new.len += 1;
        }
        new
    }

    /// Bytes of memory.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        // An `Arc` counts who holds it, in two numbers.
        2 * size_of::<usize>() + size_of::<Self>() + self.arena.capacity()
    }

    /// Checks what holds of a page whose keys lie from `lower` up to `upper`.
    #[cfg(test)]
    pub(super) fn check(&self, lower: &[u8], upper: Option<&[u8]>) {
        let keys: Vec<_> = (0..self.len).map(|at| self.key(at)).collect();
        assert!(keys.windows(2).all(|two| two[0] < two[1]), "keys are strictly ascending");
        assert!(keys.iter().all(|&key| lower <= key && upper.is_none_or(|upper| key < upper)));
        assert_eq!(self.open, lower.is_empty() || upper.is_none());
        match upper.filter(|_| !self.open) {
            Some(upper) => assert_eq!(self.skip, shared_bytes(lower, upper)),
            None => assert!(keys.iter().all(|key| key.starts_with(&keys[0][..self.skip]))),
        }
        assert!(keys.iter().zip(self.numbers).all(|(key, n)| n == number::narrow(&key[self.skip..])));
        let live: usize =
            self.starts[..self.len].iter().map(|&start| self.arena.version_bytes(start, true)).sum();
        assert_eq!(self.arena.live_bytes(), live, "all that nobody points at is counted as garbage");
    }
}
