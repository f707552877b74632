//! Tables: sorted files that never change again.
//!
//! **Layout**
//! ```text
//!   ┌─────────┬─────────┬───┬─────────┬──────────┬─────────┬────────────┐
//!   │ block 0 │ block 1 │ … │ block n │ filter   │ index   │ footer     │
//!   │         │         │   │         │          │         │ 80 bytes   │
//!   └─────────┴─────────┴───┴─────────┴──────────┴─────────┴────────────┘
//! ```
//! A block is described in `stored` and `block`, the filter in [`bloom`](crate::bloom), the others in `index` and
//! `footer`.
//!
//! **Invariants**
//! 1. Keys ascend strictly through the whole table, and each is there once: with a value or as a tombstone.
//! 2. No byte is believed before a checksum vouches for it: those of footer, filter and index are compared when the
//!    table is opened, a block's when it is read. Every checksum is mixed with the number of the table and the offset, so
//!    that what is good elsewhere is not good here.
//! 3. Whatever is wrong with a file is [`Error::Corrupt`], never an answer, and no length makes room for more bytes than
//!    the file has, and 16 MiB for a block that is decompressed.
//! 4. A reader holds the filter and the index in memory, so a get reads at most one block, and none where the filter
//!    says no.
//!
//! **Cost** In memory, three bytes an entry with the default options, keys of 16 and values of 100 bytes. In the file,
//! seven besides key and value.
//!
//! **Source** Chang et al., *Bigtable*, 2006.

mod ahead;
mod block;
mod builder;
mod cursor;
mod describe;
mod explain;
mod footer;
mod index;
mod options;
mod read;
mod salvage;
mod stored;
#[cfg(test)]
mod tests;
mod varint;
mod verify;
mod walk;

pub use crate::bloom::hash;
pub use builder::{BuiltTable, TableBuilder};
pub use cursor::TableSource;
pub use describe::describe;
pub use explain::Explained;
pub use options::{Counts, TableOptions, TableReading};
pub use salvage::salvage;
pub use verify::verify;

use crate::bloom::Filter;
use block::Block;
use contract::{Error, Result, VerifyReport};
use footer::{FOOTER_BYTES, Footer};
use index::{BlockAt, Index};
use read::View;
use std::cell::RefCell;
use std::ops::Bound;
use std::sync::Arc;
use vfs::File;

thread_local! {
    /// The block that a get of this thread looks into: memory that is used again by its next one.
    static BLOCK: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// An open table.
pub struct Table {
    file: Arc<dyn File>,
    name: String,
    footer: Footer,
    filter: Filter,
    index: Index,
    reading: Arc<TableReading>,
    /// The whole file, if it is read from a mapping.
    view: Option<View>,
}

impl Table {
    // ANCHOR: open
    /// Opens table `number` in `file`, called `name`, and holds its filter and its index in memory.
    ///
    /// [`Error::Corrupt`] where footer, filter or index are not what was written for this table;
    /// [`Error::WrongStore`] if a newer version wrote it; what reading says.
    pub fn open(file: Arc<dyn File>, name: String, number: u64, reading: &Arc<TableReading>) -> Result<Self> {
        let footer = read::footer(&*file, &name, number)?;
        let (filter, index) = read::parts(&*file, &name, &footer)?;
        let (filter, index) = (filter?, index?);
        reading.counts.bytes_read.add(FOOTER_BYTES as u64 + footer.filter_bytes + footer.index_bytes);
        let view = if reading.mapped { Some(View::new(&*file, &name, index.len())?) } else { None };
        Ok(Self { file, name, footer, filter, index, reading: Arc::clone(reading), view })
    }
    // ANCHOR_END: open

    // ANCHOR: get
    /// The entry of `key`, whose [`hash`] is `hash`: `None` if there is none here, `Some(None)` for a tombstone.
    pub fn get(&self, key: &[u8], hash: u64) -> Result<Option<Option<Vec<u8>>>> {
        self.find(key, hash, |value| value.map(<[u8]>::to_vec))
    }

    /// Whether `key` has a value here: `None` if it has no entry, `Some(false)` for a tombstone.
    pub fn contains(&self, key: &[u8], hash: u64) -> Result<Option<bool>> {
        self.find(key, hash, |value| value.is_some())
    }

    fn find<T>(&self, key: &[u8], hash: u64, take: impl FnOnce(Option<&[u8]>) -> T) -> Result<Option<T>> {
        let counts = &self.reading.counts;
        if !self.filter.may_contain(hash) {
            counts.filter_negatives.add(1);
            return Ok(None);
        }
        let number = self.index.find(key);
        let Some(at) = self.index.block(number).filter(|_| key >= self.smallest()) else { return Ok(None) };
        self.with_block(number, at, |payload| {
            let found = Block::parse(payload).and_then(|block| block.get(key, hash));
            let found = found.map_err(|what| damage(&self.name, at.offset, what))?;
            if found.is_none() && self.filter.probes() > 0 {
                counts.filter_false_positives.add(1);
            }
            Ok(found.map(take))
        })
    }
    // ANCHOR_END: get

    // ANCHOR: with_block
    /// Shows the payload of a block to `look`: where it lies in a mapping, in the cache, or in memory that this thread
    /// uses again for its next block.
    fn with_block<T>(&self, number: usize, at: BlockAt, look: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        if let Some(payload) = self.mapped(number, at)? {
            return look(payload);
        }
        if let Some(cache) = &self.reading.cache {
            if let Some(payload) = cache.get(self.number(), at.offset) {
                self.reading.counts.cache_hits.add(1);
                return look(&payload);
            }
            self.reading.counts.cache_misses.add(1);
            if cache.takes() {
                let payload = self.read_block(at)?;
                cache.insert(self.number(), at.offset, payload.clone());
                return look(&payload);
            }
        }
        BLOCK.with_borrow_mut(|bytes| {
            bytes.resize(usize::try_from(at.bytes).unwrap_or(usize::MAX), 0);
            self.read_exact(bytes, at.offset)?;
            self.reading.counts.blocks_read.add(1);
            let payload = stored::payload(bytes, self.place(at));
            look(&payload.map_err(|what| damage(&self.name, at.offset, what))?)
        })
    }
    // ANCHOR_END: with_block

    /// Its entries from `start` on. With `fill_cache` the first few blocks are taken from the cache and kept in it, as a scan
    /// wants it; without, the cache does not notice, as a compaction wants it. Errors as in [`get`](Self::get).
    pub fn source(self: &Arc<Self>, start: Bound<&[u8]>, fill_cache: bool) -> Result<TableSource> {
        TableSource::new(Arc::clone(self), start, fill_cache)
    }

    /// Reads and checks every byte of its file.
    pub fn verify(&self) -> Result<VerifyReport> {
        verify(&*self.file, &self.name, self.number())
    }

    /// Its number.
    pub fn number(&self) -> u64 {
        self.footer.number
    }

    /// What its file is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its smallest key; empty if it has no entries.
    pub fn smallest(&self) -> &[u8] {
        self.index.smallest()
    }

    /// Its largest key; empty if it has no entries.
    pub fn largest(&self) -> &[u8] {
        self.index.largest()
    }

    /// How many entries it holds, tombstones included.
    pub fn entries(&self) -> u64 {
        self.footer.entries
    }

    /// How many of them are tombstones.
    pub fn tombstones(&self) -> u64 {
        self.footer.tombstones
    }

    /// Bytes of its file.
    pub fn bytes(&self) -> u64 {
        self.footer.footer_at() + FOOTER_BYTES as u64
    }

    /// Bytes of memory that its filter and its index take.
    pub fn index_bytes(&self) -> u64 {
        self.filter.bytes() + self.index.memory_bytes()
    }

    /// The last checksum in its file.
    pub fn last_checksum(&self) -> u32 {
        self.footer.checksum()
    }
}

/// Damage in the table called `name`.
#[cold]
fn damage(name: &str, offset: u64, what: impl Into<String>) -> Error {
    Error::corrupt(name, offset, what)
}
