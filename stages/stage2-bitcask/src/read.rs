//! Finding an entry: one probe, one read.
//!
//! **Invariants**
//! 1. No lock is held while a file is read.
//! 2. The list of segments is taken before the keydir is asked. A location may then name a segment that is newer than
//!    the list, and the list is taken again; it never names one that has gone, for the list keeps those alive.
//!
//! **Cost** A hash, one shard's read lock, one read of the frame.

use crate::keydir::Location;
use crate::segment::Segments;
use crate::store::Store;
use crate::turn::Turn;
use arc_swap::Guard;
use contract::Result;
use std::sync::Arc;

/// Where the newest entry of a key lies, and the segments among which its own is.
pub(crate) struct Found {
    pub(crate) at: Location,
    pub(crate) segments: Guard<Arc<Segments>>,
}

impl Store {
    // ANCHOR: find
    /// The newest entry of `key`, if that is not a tombstone.
    pub(crate) fn find(&self, key: &[u8]) -> Result<Option<Found>> {
        self.refuse_if_closed()?;
        loop {
            let segments = self.segments.load();
            match self.keydir.get(key) {
                Some(at) if at.tombstone => return Ok(None),
                Some(at) if segments.get(at.segment).is_some() => return Ok(Some(Found { at, segments })),
                Some(_) => {} // In a segment that was begun or merged since the list was taken.
                None => return Ok(None),
            }
        }
    }

    /// The value that was found.
    pub(crate) fn load(&self, key: &[u8], found: &Found) -> Result<Vec<u8>> {
        let value = found.segments.segment_of(found.at)?.read(key, found.at, self.settings.mapped)?;
        self.counts.read_bytes.add(u64::from(found.at.bytes));
        Ok(value)
    }
    // ANCHOR_END: find

    // ANCHOR: is_present
    /// Whether `key` has a value for a writer in his turn: he also counts what is appended and waits for its sync.
    pub(crate) fn is_present(&self, turn: &Turn, key: &[u8]) -> bool {
        let waiting = turn.pending.iter().rev().find_map(|pending| pending.find(key));
        waiting.or_else(|| self.keydir.get(key)).is_some_and(|at| !at.tombstone)
    }
    // ANCHOR_END: is_present
}
