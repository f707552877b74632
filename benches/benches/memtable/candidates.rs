//! What a memtable could be: stage 3's own, and two others that were not taken, with the same to do.
//!
//! **Source** `LevelDB`'s documentation for the skip list, which it and many others took.

#[path = "map.rs"]
pub(crate) mod map;
#[path = "pages.rs"]
pub(crate) mod pages;
#[path = "skiplist.rs"]
pub(crate) mod skiplist;

use contract::Entry;
use std::cmp::Ordering;

/// A memtable, as far as it is measured and tested: one writes at a time, any number read beside it.
pub(crate) trait Candidate: Default + Send + Sync + 'static {
    /// What it is.
    const NAME: &'static str;

    /// Applies a batch, which nobody sees a part of. Its number is larger than all before it, and than all pins.
    fn apply(&self, batch: &[Entry<'_>], seq: u64, newest_pin: Option<u64>);

    /// The newest version of `key`: `Some(None)` is a tombstone, `None` that nothing is known of it.
    #[expect(clippy::option_option, reason = "as the memtable of stage 3 says it")]
    fn get(&self, key: &[u8]) -> Option<Option<Vec<u8>>>;

    /// Shows in order what there was at `seq` from `start` on, until `show` has seen enough.
    fn walk(&self, start: &[u8], seq: u64, show: &mut Show<'_>);
}

/// Sees an entry, and says whether it wants to see the next.
pub(crate) type Show<'s> = dyn FnMut(&[u8], Option<&[u8]>) -> bool + 's;

// ANCHOR: key
/// A key with its first 16 bytes as a number, so that few comparisons leave the node; a key of that length has no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    first: u128,
    len: u32,
    rest: Box<[u8]>,
}

impl Key {
    /// The key of these bytes. Longer ones than 16 allocate.
    #[expect(clippy::big_endian_bytes, reason = "the first byte counts most; the number reaches no file")]
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let (head, rest) = bytes.split_at(bytes.len().min(16));
        let mut first = [0; 16];
        first[..head.len()].copy_from_slice(head);
        let len = u32::try_from(bytes.len()).expect("keys are within their limits");
        Self { first: u128::from_be_bytes(first), len, rest: rest.into() }
    }

    /// Appends its bytes to `out`.
    #[expect(clippy::big_endian_bytes, reason = "the first byte counts most; the number reaches no file")]
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.first.to_be_bytes()[..self.len.min(16) as usize]);
        out.extend_from_slice(&self.rest);
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let tie = || self.rest.cmp(&other.rest).then(self.len.cmp(&other.len));
        self.first.cmp(&other.first).then_with(tie)
    }
}
// ANCHOR_END: key

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
