//! A walk over the memtable as it was at one moment.
//!
//! **Invariants**
//! 1. A page and the leaf to its right are taken together, under one lock. Where a leaf begins never changes, so that what
//!    comes next begins exactly where the page ends, however often leaves are divided meanwhile.
//! 2. No lock is held between two calls.
//!
//! **Cost** Nothing is copied. A writer that changes the very page that a walk stands in copies it, once for each walk.

use super::Memtable;
use super::page::Page;
use crate::source::Source;
use contract::Result;
use std::ops::Bound;
use std::sync::Arc;

/// Stands on an entry, or past the end.
pub struct Walk {
    memtable: Arc<Memtable>,
    page: Arc<Page>,
    right: Option<u32>,
    /// The entry in the page; past its last one only at the end of everything.
    at: usize,
    /// Where the version starts that is the one to see.
    version: u32,
    seq: u64,
}

impl Walk {
    pub(super) fn new(memtable: Arc<Memtable>, start: Bound<&[u8]>, seq: u64) -> Self {
        let (Bound::Included(key) | Bound::Excluded(key)) = start else {
            return Self::new(memtable, Bound::Included(b""), seq);
        };
        let node = memtable.find(key);
        let at = match node.page.search(key) {
            Ok(at) => at + usize::from(start == Bound::Excluded(key)),
            Err(at) => at,
        };
        let (page, right) = (Arc::clone(&node.page), node.right);
        drop(node);
        let mut walk = Self { memtable, page, right, at, version: 0, seq };
        walk.settle();
        walk
    }

    // ANCHOR: settle
    /// Moves on, if need be, to an entry that was there at `seq`, or past the end.
    #[inline]
    fn settle(&mut self) {
        loop {
            while self.at < self.page.len() {
                if let Some(version) = self.page.version(self.at, self.seq) {
                    self.version = version;
                    return;
                }
                self.at += 1;
            }
            let Some(right) = self.right else { return };
            let node = self.memtable.leaves.get(right).read();
            (self.page, self.right, self.at) = (Arc::clone(&node.page), node.right, 0);
        }
    }
    // ANCHOR_END: settle

    #[inline]
    fn is_at_end(&self) -> bool {
        self.at >= self.page.len()
    }
}

impl Source for Walk {
    #[inline]
    fn key(&self) -> Option<&[u8]> {
        (!self.is_at_end()).then(|| self.page.record(self.version).key)
    }

    #[inline]
    fn value(&self) -> Option<&[u8]> {
        if self.is_at_end() { None } else { self.page.record(self.version).value }
    }

    #[inline]
    fn advance(&mut self) -> Result<()> {
        if !self.is_at_end() {
            self.at += 1;
            self.settle();
        }
        Ok(())
    }
}
