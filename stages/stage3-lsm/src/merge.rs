//! Merging sorted parts into one: for scans, for flushes, for compactions.
//!
//! **Invariants**
//! 1. Parts come newest first. Of entries with the same key only the newest part's comes out.
//! 2. Tombstones come out as well: who merges decides what to do with them.
//!
//! **Cost** One comparison an entry for as long as the next key comes from the same part: a stretch of neighbours
//! costs little more than walking their part alone. Where the part changes, one more for each part that is passed.
//!
//! **Source** LevelDB's `MergingIterator` has the same task and looks at every part each time; here the parts are kept
//! in order, as a handful of runs allows.

use crate::source::Source;
use contract::Result;
use std::cmp::Ordering;

/// One sorted walk over many.
pub struct Merge<S> {
    /// The newest first.
    parts: Vec<S>,
    /// The parts that are not at their end, ascending by their keys; among equals the newest first.
    order: Vec<usize>,
    /// Whether the second in order stands on the same key as the first.
    shadowing: bool,
}

impl<S: Source> Merge<S> {
    /// Merges `parts`, the newest first.
    pub fn new(parts: Vec<S>) -> Self {
        let mut merge = Self { order: Vec::with_capacity(parts.len()), parts, shadowing: false };
        for part in (0..merge.parts.len()).rev() {
            merge.order.insert(0, part);
            merge.settle(0);
        }
        merge
    }

    // ANCHOR: settle
    /// Brings the part at place `at` of the order, which has moved on, to the place where it belongs now.
    fn settle(&mut self, mut at: usize) {
        let part = self.order[at];
        if self.parts[part].key().is_none() {
            self.order.remove(at);
        } else {
            while let Some(&next) = self.order.get(at + 1) {
                let keys = self.parts[part].key().cmp(&self.parts[next].key());
                if at == 0 && keys == Ordering::Less {
                    self.shadowing = false;
                    return; // The usual case: the front stays in front.
                }
                if keys.then(part.cmp(&next)) == Ordering::Less {
                    break;
                }
                self.order.swap(at, at + 1);
                at += 1;
            }
        }
        let key = |place: usize| self.order.get(place).and_then(|&part| self.parts[part].key());
        self.shadowing = key(1).is_some() && key(0) == key(1);
    }
    // ANCHOR_END: settle
}

impl<S: Source> Source for Merge<S> {
    fn key(&self) -> Option<&[u8]> {
        self.parts[*self.order.first()?].key()
    }

    fn value(&self) -> Option<&[u8]> {
        self.parts[*self.order.first()?].value()
    }

    // ANCHOR: advance
    /// Steps over the entry here, and over everything older that has the same key.
    fn advance(&mut self) -> Result<()> {
        while self.shadowing {
            self.parts[self.order[1]].advance()?;
            self.settle(1);
        }
        let Some(&front) = self.order.first() else { return Ok(()) };
        self.parts[front].advance()?;
        self.settle(0);
        Ok(())
    }
    // ANCHOR_END: advance
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Error;
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Part = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

    /// Walks over a map, and may fail where it would come to the end.
    struct Walk(Vec<(Vec<u8>, Option<Vec<u8>>)>, usize, bool);

    impl Source for Walk {
        fn key(&self) -> Option<&[u8]> {
            Some(&self.0.get(self.1)?.0)
        }

        fn value(&self) -> Option<&[u8]> {
            self.0.get(self.1)?.1.as_deref()
        }

        fn advance(&mut self) -> Result<()> {
            self.1 += 1;
            if self.2 && self.1 == self.0.len() { Err(Error::Closed) } else { Ok(()) }
        }
    }

    fn part() -> impl Strategy<Value = Part> {
        btree_map(vec(0..4u8, 0..3), proptest::option::of(vec(any::<u8>(), 0..2)), 0..8)
    }

    proptest! {
        #[test]
        fn the_newest_of_every_key_comes_out_in_order(parts in vec(part(), 0..6)) {
            let mut expected = Part::new();
            for part in parts.iter().rev() {
                expected.extend(part.clone());
            }
            let walks = parts.into_iter().map(|part| Walk(part.into_iter().collect(), 0, false)).collect();
            let (mut merge, mut found) = (Merge::new(walks), Vec::new());
            while let Some(key) = merge.key() {
                found.push((key.to_vec(), merge.value().map(<[u8]>::to_vec)));
                merge.advance().unwrap();
            }
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_part_that_fails_is_no_part_that_ends() {
        for failing in [0, 1] {
            let part = |number| Walk(["a", "b"].map(|key| (key.into(), None)).into(), 0, number == failing);
            let mut merge = Merge::new(vec![part(0), part(1)]);
            merge.advance().unwrap();
            assert_eq!(merge.key(), Some(&b"b"[..]));
            assert!(merge.advance().is_err(), "part {failing}");
        }
    }
}
