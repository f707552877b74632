//! crossbeam's skip list, whose readers and writers take no lock at all.
//!
//! **Invariants** Every version is an entry of its own, the newest of a key first, and stays until all of the memtable goes:
//! a reader may be on its way to it with the number that was visible when it set out. So nothing is replaced, and a walk steps
//! over every version that it does not want. A batch becomes visible with its number, after its last entry.

use super::{Candidate, Key, Show};
use contract::Entry;
use crossbeam_skiplist::SkipMap;
use std::cmp::Reverse;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};

/// A key, the number of the version, and which entry of its batch it was; the newest first.
type Place = (Key, Reverse<(u64, usize)>);

/// crossbeam's skip list.
#[derive(Default)]
pub(crate) struct SkipList {
    list: SkipMap<Place, Option<Box<[u8]>>>,
    visible: AtomicU64,
}

/// Before every version of `key` that is not newer than `seq`.
fn newest(key: &[u8], seq: u64) -> Place {
    (Key::new(key), Reverse((seq, usize::MAX)))
}

impl Candidate for SkipList {
    const NAME: &'static str = "skip list";

    fn apply(&self, batch: &[Entry<'_>], seq: u64, _: Option<u64>) {
        for (i, entry) in batch.iter().enumerate() {
            self.list.insert((Key::new(entry.key), Reverse((seq, i))), entry.value.map(Box::from));
        }
        self.visible.store(seq, Ordering::Release);
    }

    fn get(&self, key: &[u8]) -> Option<Option<Vec<u8>>> {
        let start = newest(key, self.visible.load(Ordering::Acquire));
        let found = self.list.lower_bound(Bound::Included(&start))?;
        (found.key().0 == start.0).then(|| found.value().as_deref().map(<[u8]>::to_vec))
    }

    fn walk(&self, start: &[u8], seq: u64, show: &mut Show<'_>) {
        let mut shown: Option<Key> = None;
        let mut key = Vec::new();
        for entry in self.list.range(newest(start, u64::MAX)..) {
            let (this, Reverse((version, _))) = entry.key();
            if *version <= seq && shown.as_ref() != Some(this) {
                key.clear();
                this.append_to(&mut key);
                if !show(&key, entry.value().as_deref()) {
                    return;
                }
                shown = Some(this.clone());
            }
        }
    }
}
