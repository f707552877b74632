//! A scan: the live keys of a range as they were when it began, each value read when it is asked for.
//!
//! **Invariants** The cursor owns its log, and a log never changes: what is written, deleted or compacted later cannot
//! show in it, and it goes on after the store was closed.
//!
//! **Cost** One read and no allocation for a value; nothing for a key.

use crate::log::Log;
use crate::newest::Live;
use contract::{Cursor, Result};
use std::sync::Arc;

/// A position among live keys.
pub(crate) struct LogCursor {
    log: Arc<Log>,
    live: Live,
    at: usize,
    /// The frame of the entry at `at`, once its value was asked for.
    buffer: Vec<u8>,
    loaded: bool,
}

impl LogCursor {
    pub(crate) fn new(log: Arc<Log>, live: Live) -> Self {
        Self { log, live, at: 0, buffer: Vec::new(), loaded: false }
    }
}

// ANCHOR: cursor
impl Cursor for LogCursor {
    fn key(&self) -> Option<&[u8]> {
        self.live.get(self.at).map(|(key, _)| key)
    }

    fn value(&mut self) -> Result<&[u8]> {
        let Some((key, location)) = self.live.get(self.at) else { return Ok(&[]) };
        let start = crate::frame::HEAD_BYTES + key.len();
        if !self.loaded {
            self.log.read_at(location, &mut self.buffer)?;
            self.loaded = true;
        }
        Ok(&self.buffer[start..])
    }

    fn advance(&mut self) -> Result<()> {
        self.at += 1;
        self.loaded = false;
        Ok(())
    }
}
// ANCHOR_END: cursor
