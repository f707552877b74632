//! The memtable of stage 3.

use super::{Candidate, Show};
use contract::Entry;
use stage3::memtable::Memtable;
use stage3::source::Source;
use std::ops::Bound;
use std::sync::Arc;

/// Sorted pages behind boundaries that readers load without a lock.
#[derive(Default)]
pub(crate) struct Pages(Arc<Memtable>);

impl Candidate for Pages {
    const NAME: &'static str = "pages";

    fn apply(&self, batch: &[Entry<'_>], seq: u64, newest_pin: Option<u64>) {
        self.0.apply(batch.iter().copied(), seq, newest_pin);
    }

    fn get(&self, key: &[u8]) -> Option<Option<Vec<u8>>> {
        self.0.get(key)
    }

    fn walk(&self, start: &[u8], seq: u64, show: &mut Show<'_>) {
        let mut walk = self.0.source(Bound::Included(start), seq);
        while let Some(key) = walk.key() {
            if !show(key, walk.value()) {
                break;
            }
            walk.advance().expect("a walk in memory does not fail");
        }
    }
}
