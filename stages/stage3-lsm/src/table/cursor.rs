//! A walk over a table from some key on.
//!
//! **Invariants** It owns the table and the block that it stands in, lends keys and values out of that block, and copies
//! nothing. What could not be read is never taken for the end: after an error every further move fails with it.
//!
//! **Cost** An entry's lengths, nothing else; a block when the last entry of one was passed.

use super::ahead::Ahead;
use super::block::{Block, Spot};
use super::index::BlockAt;
use super::{Table, damage};
use crate::source::Source;
use bytes::Bytes;
use contract::{Error, Result};
use std::io;
use std::ops::Bound;
use std::sync::Arc;

/// How many blocks a walk takes through the cache before it reads ahead.
const CACHED_BLOCKS: u32 = 3;

/// A table's entries in order. It stands on one, or past the end.
pub struct TableSource {
    table: Arc<Table>,
    /// How many more blocks it takes from the cache, or puts there.
    cached_blocks: u32,
    ahead: Ahead,
    /// The number of the block that it stands in.
    block: usize,
    payload: Bytes,
    /// Where in the payload the entries end.
    entry_bytes: usize,
    at: Spot,
    state: State,
}

#[derive(Debug)]
enum State {
    OnEntry,
    Ended,
    Failed(Error),
}

impl TableSource {
    /// Goes to the first entry that is within `start`.
    pub(super) fn new(table: Arc<Table>, start: Bound<&[u8]>, fill_cache: bool) -> Result<Self> {
        let block = match start {
            Bound::Included(key) | Bound::Excluded(key) => table.index.find(key),
            Bound::Unbounded => 0,
        };
        let mut source = Self {
            table,
            cached_blocks: if fill_cache { CACHED_BLOCKS } else { 0 },
            ahead: Ahead::new(),
            block,
            payload: Bytes::new(),
            entry_bytes: 0,
            at: Spot::default(),
            state: State::Ended,
        };
        source.enter(start)?;
        Ok(source)
    }

    // ANCHOR: enter
    /// Reads the block whose number it has, and goes to the first entry in it that is within `start`.
    fn enter(&mut self, start: Bound<&[u8]>) -> Result<()> {
        let Some(at) = self.table.index.block(self.block) else {
            self.state = State::Ended;
            return Ok(());
        };
        self.payload = self.load(at)?;
        let fail = |what| damage(&self.table.name, at.offset, what);
        let block = Block::parse(&self.payload).map_err(fail)?;
        let first = match start {
            Bound::Included(key) => block.seek(key).map_err(fail)?.0,
            Bound::Excluded(key) => block.seek(key).map(|(i, found)| i + usize::from(found)).map_err(fail)?,
            Bound::Unbounded => 0,
        };
        self.entry_bytes = block.entry_bytes();
        if first < block.len() {
            self.at = block.spot(first).map_err(fail)?;
            self.state = State::OnEntry;
            return Ok(());
        }
        // All keys of this block are before the start: those of the next are within it.
        self.at.end = self.entry_bytes;
        self.next_block()
    }
    // ANCHOR_END: enter

    // ANCHOR: load
    /// The first blocks go through the cache, where the next walk from about here finds them. One that goes on reads
    /// ahead.
    fn load(&mut self, at: BlockAt) -> Result<Bytes> {
        // What it held is free to be read into.
        self.payload = Bytes::new();
        if self.cached_blocks > 0 {
            self.cached_blocks -= 1;
            return self.table.load(self.block, at);
        }
        match self.table.mapped_slice(self.block, at)? {
            Some(payload) => Ok(payload),
            None => self.ahead.block(&self.table, self.block, at),
        }
    }
    // ANCHOR_END: load

    fn next_block(&mut self) -> Result<()> {
        self.block += 1;
        self.enter(Bound::Unbounded)
    }

    // ANCHOR: step
    fn step(&mut self) -> Result<()> {
        if self.at.end >= self.entry_bytes {
            return self.next_block();
        }
        let entries = self.payload.get(..self.entry_bytes).unwrap_or_default();
        match Spot::parse(entries, self.at.end) {
            Ok(spot) => self.at = spot,
            Err(what) => return Err(self.fail(what)),
        }
        Ok(())
    }
    // ANCHOR_END: step

    #[cold]
    fn fail(&self, what: &str) -> Error {
        let offset = self.table.index.block(self.block).map_or(0, |at| at.offset);
        damage(&self.table.name, offset, what)
    }
}

impl Source for TableSource {
    #[inline]
    fn key(&self) -> Option<&[u8]> {
        match self.state {
            State::OnEntry => self.payload.get(self.at.key_at..self.at.value_at),
            _ => None,
        }
    }

    #[inline]
    fn value(&self) -> Option<&[u8]> {
        match self.state {
            State::OnEntry if !self.at.tombstone => self.payload.get(self.at.value_at..self.at.end),
            _ => None,
        }
    }

    #[inline]
    fn advance(&mut self) -> Result<()> {
        match &self.state {
            State::OnEntry => {}
            State::Ended => return Ok(()),
            State::Failed(error) => return Err(again(error)),
        }
        let step = self.step();
        if let Err(error) = &step {
            self.state = State::Failed(again(error));
        }
        step
    }
}

/// The same error once more.
fn again(error: &Error) -> Error {
    match error {
        Error::Corrupt { file, offset, what } => Error::corrupt(file, *offset, what.clone()),
        Error::Io { file, action, source } => {
            let source = io::Error::new(source.kind(), source.to_string());
            Error::Io { file: file.clone(), action, source }
        }
        other => Error::Poisoned { cause: other.to_string() },
    }
}
