//! How tables are written, and how they are read.

use super::block::MAX_BLOCK_BYTES;
use crate::bloom::MAX_BITS_PER_KEY;
use crate::cache::BlockCache;
use stage2::counter::Counter;
use std::sync::Arc;

/// How a table is written. Whatever it was written with, a table says so itself, and every reader reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableOptions {
    /// Bytes of entries in a block, at most 64 KiB; a block with a single entry is as large as that is.
    pub block_bytes: usize,
    /// Bits of the filter for each key; 0: no filter.
    pub filter_bits: u32,
    /// Whether blocks are compressed by LZ4.
    pub compress: bool,
    /// Whether blocks have fingerprints, by which a get finds its entry.
    pub fingerprints: bool,
}

impl TableOptions {
    /// The largest `block_bytes`.
    pub const MAX_BLOCK_BYTES: usize = MAX_BLOCK_BYTES;
    /// The largest `filter_bits`.
    pub const MAX_FILTER_BITS: u32 = MAX_BITS_PER_KEY;
}

impl Default for TableOptions {
    fn default() -> Self {
        Self { block_bytes: 4096, filter_bits: 10, compress: false, fingerprints: true }
    }
}

/// How all tables of a store are read, and what reading them came to.
#[derive(Default)]
pub struct TableReading {
    /// Where blocks are kept; `None`: nowhere.
    pub cache: Option<Arc<BlockCache>>,
    /// Blocks that are not compressed are read from a mapping of the file instead of by `pread`.
    pub mapped: bool,
    /// What was counted so far.
    pub counts: Counts,
}

/// What reading tables came to since opening.
#[derive(Default)]
pub struct Counts {
    /// Gets that a filter answered: the key is not in that table.
    pub filter_negatives: Counter,
    /// Gets that a filter let pass although the key was not there.
    pub filter_false_positives: Counter,
    /// Blocks that were in the cache.
    pub cache_hits: Counter,
    /// Blocks that were looked for in the cache and were not there.
    pub cache_misses: Counter,
    /// Blocks that were read from a file and verified; of a mapping, those that were touched for the first time.
    pub blocks_read: Counter,
    /// Their bytes, and those of footers, filters and indexes.
    pub bytes_read: Counter,
}
