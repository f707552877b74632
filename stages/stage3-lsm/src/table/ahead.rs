//! Reading ahead of a walk that goes on: many blocks with one read.
//!
//! **Invariants**
//! 1. Bytes that were read ahead are believed block by block, each when the walk comes to it.
//! 2. They never go into the cache: a walk over everything leaves there what others ask for.
//!
//! **Cost** At most 64 KiB a walk, in a buffer that is used again and again; the first read takes 16 KiB.
//!
//! **Off switch** Mapped blocks are read where they lie.

use super::Table;
use super::index::BlockAt;
use bytes::Bytes;
use contract::Result;

/// How much is read ahead the first time.
const FIRST_BYTES: u64 = 16 << 10;
/// How much at most.
const MOST_BYTES: u64 = 64 << 10;

/// A stretch of a table's blocks, as they lie in the file.
pub(super) struct Ahead {
    bytes: Bytes,
    /// Where it starts.
    offset: u64,
    /// How much to read the next time.
    next_bytes: u64,
}

impl Ahead {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self { bytes: Bytes::new(), offset: 0, next_bytes: FIRST_BYTES }
    }

    // ANCHOR: block
    /// The payload of a block, which is in the stretch already or begins the next one.
    pub(super) fn block(&mut self, table: &Table, number: usize, at: BlockAt) -> Result<Bytes> {
        if u64::from(at.bytes) > self.next_bytes {
            return table.read_block(at);
        }
        if at.offset < self.offset || at.end() > self.end() {
            self.read(table, number, at)?;
        }
        let range =
            usize::try_from(at.offset - self.offset).ok().zip(usize::try_from(at.end() - self.offset).ok());
        let block = range.map_or_else(Bytes::new, |(start, end)| self.bytes.slice(start..end));
        table.open_block(&block, at)
    }
    // ANCHOR_END: block

    fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    /// Reads the stretch of whole blocks that begins with this one.
    fn read(&mut self, table: &Table, number: usize, first: BlockAt) -> Result<()> {
        let most = first.offset + self.next_bytes;
        let blocks = (number..).map_while(|number| table.index.block(number));
        let end =
            blocks.map(|block| block.end()).take_while(|end| *end <= most).last().unwrap_or(first.end());
        // Nobody holds a slice of the last stretch any more, so its room can be used again.
        let mut buffer = std::mem::take(&mut self.bytes).try_into_mut().unwrap_or_default();
        buffer.resize(usize::try_from(end - first.offset).unwrap_or(usize::MAX), 0);
        table.read_exact(&mut buffer, first.offset)?;
        (self.bytes, self.offset) = (buffer.freeze(), first.offset);
        self.next_bytes = (2 * self.next_bytes).min(MOST_BYTES);
        Ok(())
    }
}
