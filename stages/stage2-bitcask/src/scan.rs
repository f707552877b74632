//! A scan: the live keys of a range as they were when it began, each value read when it is asked for.
//!
//! **Invariants**
//! 1. The keys and where they lie are copied while nobody applies a write, so they are one moment of the store.
//! 2. The cursor owns the segments of that moment. They never change; one that is merged away meanwhile stays readable.
//! 3. After the store is closed a scan goes on in the files that are open, and ends in [`Error::Closed`] at the first
//!    that is not.
//!
//! **Cost** The whole keydir is walked, whatever the range; what is in range is copied and sorted. Writers wait for
//! the copying, readers do not. Then one read for a value, and nothing for a key: no value is held but the current.

use crate::counter::Counter;
use crate::handles::Handles;
use crate::keydir::Keys;
use crate::segment::Segments;
use crate::store::Store;
use contract::{Cursor, Error, KeyRange, Result};
use stage1::frame::HEAD_BYTES;
use std::sync::Arc;

/// A position among live keys.
pub(crate) struct SegmentCursor {
    segments: Arc<Segments>,
    keys: Keys,
    at: usize,
    /// The frame of the entry at `at`, once its value was asked for.
    buffer: Vec<u8>,
    loaded: bool,
    handles: Arc<Handles>,
    read_bytes: Arc<Counter>,
}

impl SegmentCursor {
    // ANCHOR: collect
    pub(crate) fn new(store: &Store, range: KeyRange<'_>) -> Result<Self> {
        store.refuse_if_closed()?;
        let (segments, mut keys) = {
            let _turn = store.any_turn();
            // The list of segments changes only in the turn, so it fits the keys.
            (store.segments.load_full(), store.keydir.collect(range))
        };
        keys.sort();
        let (handles, read_bytes) = (Arc::clone(&store.handles), Arc::clone(&store.counts.read_bytes));
        Ok(Self { segments, keys, at: 0, buffer: Vec::new(), loaded: false, handles, read_bytes })
    }
    // ANCHOR_END: collect
}

// ANCHOR: cursor
impl Cursor for SegmentCursor {
    fn key(&self) -> Option<&[u8]> {
        self.keys.get(self.at).map(|(key, _)| key)
    }

    fn value(&mut self) -> Result<&[u8]> {
        let Some((key, at)) = self.keys.get(self.at) else { return Ok(&[]) };
        if !self.loaded {
            let read = self.segments.segment_of(at)?.read_frame(key, at, &mut self.buffer);
            read.map_err(|error| match error {
                Error::Io { .. } if self.handles.is_closed() => Error::Closed,
                other => other,
            })?;
            self.read_bytes.add(u64::from(at.bytes));
            self.loaded = true;
        }
        Ok(&self.buffer[HEAD_BYTES + key.len()..])
    }

    fn advance(&mut self) -> Result<()> {
        self.at += 1;
        self.loaded = false;
        Ok(())
    }
}
// ANCHOR_END: cursor
