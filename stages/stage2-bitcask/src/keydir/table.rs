//! The hash table of a shard: from a hash to the starts of the records that may have it.
//!
//! **Layout** *Lines* of 64 bytes, as large as a line of the processor's cache and aligned to it.
//! ```text
//!   0                     12       15       16                          64
//!   ┌─────────────────────┬────────┬────────┬────────────────────────────┐
//!   │ tags, 12 × u8       │ 0      │ passed │ starts, 12 × u32           │
//!   └─────────────────────┴────────┴────────┴────────────────────────────┘
//! ```
//! **Invariants**
//! 1. A tag of 0 marks a free place; otherwise it is the top byte of the hash, or 1.
//! 2. An entry lies in its home line, or behind it where that was full. Each line that it passed on its way counts that,
//!    so a search ends at the first line that nobody passed. A count that has reached 255 stays there.
//! 3. At most 4/5 of the places are taken.
//!
//! **Cost** 5.3 bytes for each place, of which 8/15 to 4/5 are taken. Looking up touches one line of memory, seldom two,
//! where a table with its tags apart from its entries touches two at least.
//!
//! **Source** Bronson and Shi, *Open-sourcing F14 for faster, more memory-efficient hash tables*, 2019: its `F14VectorMap`
//! lays out its chunks like this.

/// Places in a line.
const PLACES: usize = 12;
/// Which of the tag bytes counts the entries that passed.
const PASSED: usize = 15;

/// A byte of one in each of sixteen.
const ONES: u128 = u128::MAX / 0xff;
/// All bits but the high one of each byte.
const LOW_BITS: u128 = ONES * 0x7f;
/// The high bit of each byte that is the tag of a place.
const HIGH_BITS: u128 = (ONES << 7) & ((1 << (8 * PLACES)) - 1);

#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Line {
    tags: [u8; 16],
    starts: [u32; PLACES],
}

/// Starts of records, found by the hashes of their keys.
#[derive(Default)]
pub(super) struct Table {
    lines: Vec<Line>,
    len: usize,
}

impl Table {
    /// An empty table that has room for so many entries.
    pub(super) fn with_room(entries: usize) -> Self {
        Self { lines: vec![Line::default(); (entries * 5).div_ceil(PLACES * 4)], len: 0 }
    }

    /// How many entries it has room for in all.
    pub(super) fn room(&self) -> usize {
        self.lines.len() * PLACES * 4 / 5
    }

    /// How many entries it has.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.lines.capacity() * size_of::<Line>()
    }

    // ANCHOR: find
    /// The start that `is_it` knows as the right one, among those with this hash.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let (at, place) = self.place_of(hash, is_it)?;
        Some(self.lines[at].starts[place])
    }

    #[inline]
    fn place_of(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<(usize, usize)> {
        let mut at = self.home(hash);
        for _ in 0..self.lines.len() {
            let line = &self.lines[at];
            if let Some(place) = line.places_with(tag(hash)).find(|&place| is_it(line.starts[place])) {
                return Some((at, place));
            }
            if line.tags[PASSED] == 0 {
                return None;
            }
            at = self.behind(at);
        }
        None
    }
    // ANCHOR_END: find

    // ANCHOR: insert
    /// Adds an entry. There must be [room](Self::room) for it.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64, start: u32) {
        assert!(self.len < self.room(), "a full table was added to");
        let mut at = self.home(hash);
        while !self.lines[at].take(hash, start) {
            let passed = &mut self.lines[at].tags[PASSED];
            *passed = passed.saturating_add(1);
            at = self.behind(at);
        }
        self.len += 1;
    }
    // ANCHOR_END: insert

    /// Removes the entry with this hash and start, if there is one.
    pub(super) fn remove(&mut self, hash: u64, start: u32) {
        let Some((found_at, place)) = self.place_of(hash, |other| other == start) else { return };
        let mut at = self.home(hash);
        while at != found_at {
            let passed = &mut self.lines[at].tags[PASSED];
            if *passed < u8::MAX {
                *passed -= 1;
            }
            at = self.behind(at);
        }
        self.lines[found_at].tags[place] = 0;
        self.len -= 1;
    }

    /// The line where an entry with this hash is at home: as many lines as hashes, without a division.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        (((hash & 0xffff_ffff) * self.lines.len() as u64) >> 32) as usize
    }

    #[inline]
    fn behind(&self, at: usize) -> usize {
        if at + 1 < self.lines.len() { at + 1 } else { 0 }
    }
}

impl Line {
    // ANCHOR: places_with
    /// The places that have this tag.
    #[inline]
    fn places_with(&self, tag: u8) -> impl Iterator<Item = usize> + use<> {
        // Bytes that are equal become zero. Every other one reaches its high bit, by itself or when 0x7f is added.
        let differences = u128::from_le_bytes(self.tags) ^ (ONES * u128::from(tag));
        let others = ((differences & LOW_BITS) + LOW_BITS) | differences;
        let mut matches = !others & HIGH_BITS;
        std::iter::from_fn(move || {
            let place = (matches != 0).then_some(matches.trailing_zeros() as usize / 8)?;
            matches &= matches - 1;
            Some(place)
        })
    }
    // ANCHOR_END: places_with

    /// Takes an entry in, if there is a free place.
    #[inline]
    fn take(&mut self, hash: u64, start: u32) -> bool {
        let Some(place) = self.places_with(0).next() else { return false };
        self.tags[place] = tag(hash);
        self.starts[place] = start;
        true
    }
}

/// What a place remembers of a hash: bits that neither choose the shard nor the line.
#[inline]
fn tag(hash: u64) -> u8 {
    ((hash >> 56) as u8).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_line_fills_a_line_of_the_cache() {
        assert_eq!((size_of::<Line>(), align_of::<Line>()), (64, 64));
    }

    #[test]
    fn entries_of_one_hash_lie_behind_each_other_and_go_one_by_one() {
        for hash in [0, 7 << 56, u64::MAX] {
            let mut table = Table::with_room(400);
            (0..400).for_each(|start| table.insert(hash, start));
            for gone in 0..400 {
                assert!((0..400).all(|start| table.find(hash, |s| s == start).is_some() == (start >= gone)));
                table.remove(hash, gone);
            }
            // No line is passed any more, but those whose count was full.
            assert_eq!(table.len(), 0);
            assert!(table.lines.iter().all(|line| line.tags[PASSED] == 0 || line.tags[PASSED] == u8::MAX));
        }
    }

    #[test]
    fn an_empty_table_has_nothing_and_no_room() {
        let mut table = Table::default();
        table.remove(5, 5);
        assert_eq!((table.find(5, |_| true), table.room(), table.bytes()), (None, 0, 0));
    }

    /// Few lines and few tags, so that lines overflow and tags agree.
    fn hash_of(key: u64) -> u64 {
        ((key % 3) << 56) | ((key % 5) << 30)
    }

    proptest! {
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((any::<bool>(), 0..40_u64), 0..300)) {
            let mut table = Table::with_room(48);
            let mut model = BTreeMap::new();
            for (i, (adds, key)) in (0..).zip(steps) {
                let hash = hash_of(key);
                match model.get(&key).copied() {
                    None if adds => {
                        model.insert(key, i);
                        table.insert(hash, i);
                    }
                    Some(start) if !adds => {
                        model.remove(&key);
                        table.remove(hash, start);
                    }
                    _ => {}
                }
                prop_assert_eq!(table.len(), model.len());
                for key in 0..40 {
                    let start = model.get(&key).copied();
                    prop_assert_eq!(table.find(hash_of(key), |s| Some(s) == start), start);
                }
            }
        }
    }
}
