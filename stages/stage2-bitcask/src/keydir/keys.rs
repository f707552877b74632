//! The keys of a scan: copied out of the keydir, then sorted.
//!
//! **Layout** The records as they lie in the keydir, one behind the other, and 16 bytes for each: eight bytes of its key
//! as a number, and where its record starts.
//!
//! **Cost** 45 bytes for a key of 16. Sorting compares the numbers, which needs no look at a key: the eight bytes are
//! those behind what all keys share. Keys whose numbers are equal are sorted again by their next eight bytes.
//!
//! **Source** Kärkkäinen and Rantala, *Engineering Radix Sort for Strings*, SPIRE 2008, for keeping a few bytes of each
//! string beside its place.

use super::record::{Location, Record};

/// So few keys are compared whole.
const FEW: usize = 16;
/// So deep are groups of equals divided by number; below they are compared whole.
const DEEPEST: u32 = 16;

/// A key's record and eight bytes of the key as a number.
#[derive(Clone, Copy)]
struct Item {
    number: u64,
    start: usize,
}

/// Keys, and where their newest entries lie.
#[derive(Default)]
pub struct Keys {
    records: Vec<u8>,
    items: Vec<Item>,
}

impl Keys {
    /// Copies the records that are not tombstones.
    pub(super) fn extend<'r>(&mut self, records: impl Iterator<Item = Record<'r>>) {
        for record in records.filter(|record| !record.location().tombstone) {
            self.items.push(Item { number: 0, start: self.records.len() });
            self.records.extend_from_slice(record.bytes);
        }
    }

    // ANCHOR: sort
    /// Sorts by key, as unsigned bytes.
    pub fn sort(&mut self) {
        sort(&self.records, &mut self.items, 0, DEEPEST);
    }
    // ANCHOR_END: sort

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Key number `i` and where its newest entry lies.
    #[inline]
    pub fn get(&self, i: usize) -> Option<(&[u8], Location)> {
        let record = record(&self.records, self.items.get(i)?);
        Some((record.key, record.location()))
    }
}

#[inline]
fn record<'r>(records: &'r [u8], item: &Item) -> Record<'r> {
    Record::first(&records[item.start..]).expect("copied records are whole")
}

// ANCHOR: sort_from
/// Sorts items whose keys share their first `shared` bytes.
fn sort(records: &[u8], items: &mut [Item], shared: usize, depth: u32) {
    if items.len() <= FEW || depth == 0 {
        return items.sort_unstable_by(|a, b| record(records, a).key.cmp(record(records, b).key));
    }
    let shared = shared_bytes(records, items, shared);
    for item in items.iter_mut() {
        item.number = number(&record(records, item).key[shared..]);
    }
    items.sort_unstable_by_key(|item| item.number);
    for equal in items.chunk_by_mut(|a, b| a.number == b.number).filter(|equal| equal.len() > 1) {
        sort(records, equal, shared, depth - 1);
    }
}
// ANCHOR_END: sort_from

/// How many bytes the keys share at their beginning; at least `known`.
fn shared_bytes(records: &[u8], items: &[Item], known: usize) -> usize {
    let Some((first, others)) = items.split_first() else { return known };
    let mut shared = record(records, first).key;
    for other in others {
        let key = record(records, other).key;
        if !key.starts_with(shared) {
            let same = shared[known..].iter().zip(&key[known..]).take_while(|(a, b)| a == b).count();
            shared = &shared[..known + same];
        }
    }
    shared.len()
}

/// The first eight bytes as a number that sorts as they do. A shorter text has zeros at its end: equal numbers still say
/// nothing about the order.
#[inline]
#[expect(clippy::big_endian_bytes, reason = "the first byte counts most; the number reaches no file")]
fn number(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    let len = bytes.len().min(8);
    first[..len].copy_from_slice(&bytes[..len]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keydir::record;
    use proptest::prelude::*;

    fn keys(all: &[Vec<u8>]) -> Keys {
        let mut bytes = Vec::new();
        for (i, key) in all.iter().enumerate() {
            let at = Location { segment: 0, offset: i as u64, bytes: 20, tombstone: false };
            record::append(key, at, &mut bytes);
        }
        let mut keys = Keys::default();
        keys.extend(record::records(&bytes));
        keys
    }

    fn check(mut all: Vec<Vec<u8>>) {
        all.sort();
        all.dedup();
        let mut shuffled = keys(&all);
        // Any other order than the sorted one will do.
        shuffled.items.sort_unstable_by_key(|item| (item.start as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        shuffled.sort();
        let sorted: Vec<_> = (0..shuffled.len()).map(|i| shuffled.get(i).unwrap()).collect();
        assert_eq!(sorted.len(), all.len());
        for (i, (key, at)) in sorted.into_iter().enumerate() {
            assert_eq!((key, at.offset), (all[i].as_slice(), i as u64));
        }
    }

    #[test]
    fn keys_that_are_each_other_and_more_are_sorted() {
        // Longer than all depths that are divided by number, of zeros, which a number cannot tell from nothing.
        check((0..400).map(|len| vec![0; len]).collect());
        check((0..400).map(|len| vec![0xff; len]).collect());
    }

    proptest! {
        #[test]
        fn sorted_is_what_std_calls_sorted(
            all in prop::collection::vec(prop::collection::vec(prop::sample::select(vec![0, 1, 255]), 0..20), 0..300),
            shared in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            check(all.into_iter().map(|key| [&shared[..], &key].concat()).collect());
        }
    }
}
