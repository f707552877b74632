//! Writing a table: entries in, blocks out, and at the end what finds them.
//!
//! **Invariants**
//! 1. Keys ascend strictly; one that does not is refused, for what merges tables may have read a damaged one.
//! 2. Nothing is written twice and nothing is moved: blocks are appended as they fill, then filter, index and footer.
//!    The file becomes part of a store only when it is synced and gets its name, which is the caller's to do.
//!
//! **Cost** A buffer of 256 KiB, eight bytes a key for the filter, and the index: about 10 bytes an entry of 16 + 100,
//! until the table is finished.

use super::block::BlockBuilder;
use super::footer::{FOOTER_BYTES, Footer};
use super::index::{IndexBuilder, separator};
use super::options::TableOptions;
use super::stored::{HEAD_BYTES, Sealer};
use super::{damage, hash};
use crate::bloom::{Filter, filter_bytes};
use contract::{Entry, IoContext, Result, check_entry};
use stage1::frame::{Place, checksum};
use std::sync::Arc;
use vfs::File;

/// How much is gathered before it is appended to the file.
const BUFFER_BYTES: usize = 256 << 10;

/// A table that is being written.
pub struct TableBuilder {
    file: Arc<dyn File>,
    name: String,
    number: u64,
    filter_bits: u32,
    /// What was not appended yet: whole blocks, and from `block_at` on the block that is being filled.
    out: Vec<u8>,
    block_at: usize,
    block: BlockBuilder,
    sealer: Sealer,
    index: IndexBuilder,
    hashes: Vec<u64>,
    last_key: Vec<u8>,
    appended_bytes: u64,
    entries: u64,
    tombstones: u64,
}

/// A table that was written.
pub struct BuiltTable {
    /// Its file, neither synced nor named.
    pub file: Arc<dyn File>,
    /// How long it is.
    pub bytes: u64,
    /// The last checksum in it.
    pub last_checksum: u32,
    /// How many entries it holds, tombstones included.
    pub entries: u64,
    /// How many of them are tombstones.
    pub tombstones: u64,
}

impl TableBuilder {
    /// A builder of table `number` in `file`, which is empty and is called `name` in messages.
    pub fn new(file: Arc<dyn File>, name: String, number: u64, options: &TableOptions) -> Self {
        Self {
            file,
            name,
            number,
            filter_bits: options.filter_bits,
            out: Vec::with_capacity(BUFFER_BYTES + BUFFER_BYTES / 8),
            block_at: 0,
            block: BlockBuilder::new(options.block_bytes, options.fingerprints),
            sealer: Sealer::new(options.compress),
            index: IndexBuilder::default(),
            hashes: Vec::new(),
            last_key: Vec::new(),
            appended_bytes: 0,
            entries: 0,
            tombstones: 0,
        }
    }

    // ANCHOR: push
    /// Adds an entry; `None` is a tombstone.
    ///
    /// [`Error::TooLarge`](contract::Error) over a limit; [`Error::Corrupt`](contract::Error) if the key is not greater
    /// than the one before it; what appending says.
    pub fn push(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        let entry = Entry { key, value };
        check_entry(entry)?;
        if self.entries == 0 {
            self.index.begin(key);
        } else if key <= &*self.last_key {
            return Err(damage(
                &self.name,
                self.bytes_appended(),
                "entries that do not ascend were to be written",
            ));
        }
        if !self.block.has_room(entry) {
            self.finish_block(Some(key))?;
        }
        if self.block.is_empty() {
            self.out.resize(self.block_at + HEAD_BYTES, 0);
        }
        let hash = hash(key);
        self.block.push(entry, hash, &mut self.out);
        if self.filter_bits > 0 {
            self.hashes.push(hash);
        }
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
        self.entries += 1;
        self.tombstones += u64::from(value.is_none());
        Ok(())
    }
    // ANCHOR_END: push

    /// How long the file would be if it ended here, in bytes: nearly, for the last block is not yet compressed.
    pub fn bytes(&self) -> u64 {
        let filter = filter_bytes(self.hashes.len() as u64, self.filter_bits);
        self.bytes_appended() + filter + (self.index.bytes().len() + FOOTER_BYTES) as u64
    }

    /// How many entries it holds so far.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    // ANCHOR: finish
    /// Writes what is left: the last block, the filter, the index and the footer.
    pub fn finish(mut self) -> Result<BuiltTable> {
        if self.entries == 0 {
            self.index.begin(&[]);
        } else {
            self.finish_block(None)?;
        }
        let data_bytes = self.bytes_appended();
        let filter = self.filter();
        let filter_lines = filter.encode();
        let (filter_bytes, index_bytes) = (filter_lines.len() as u64, self.index.bytes().len() as u64);
        let at = |offset| Place { file: self.number, offset };
        let footer = Footer {
            number: self.number,
            entries: self.entries,
            tombstones: self.tombstones,
            blocks: self.index.blocks(),
            data_bytes,
            filter_bytes,
            index_bytes,
            filter_checksum: at(data_bytes).mix(checksum(&filter_lines)),
            index_checksum: at(data_bytes + filter_bytes).mix(checksum(self.index.bytes())),
            probes: filter.probes(),
        };
        self.out.extend_from_slice(&filter_lines);
        self.out.extend_from_slice(self.index.bytes());
        self.out.extend_from_slice(&footer.encode());
        self.append()?;
        Ok(BuiltTable {
            file: self.file,
            bytes: self.appended_bytes,
            last_checksum: footer.checksum(),
            entries: self.entries,
            tombstones: self.tombstones,
        })
    }
    // ANCHOR_END: finish

    /// Seals the block that is being filled; `next` is the key that comes after it.
    fn finish_block(&mut self, next: Option<&[u8]>) -> Result<()> {
        self.block.finish(&mut self.out);
        let offset = self.appended_bytes + self.block_at as u64;
        self.sealer.seal(&mut self.out, self.block_at, Place { file: self.number, offset });
        let key = next.map_or(&*self.last_key, |next| separator(&self.last_key, next));
        self.index.push((self.out.len() - self.block_at) as u64, key);
        self.block_at = self.out.len();
        if self.out.len() >= BUFFER_BYTES { self.append() } else { Ok(()) }
    }

    /// Appends what was gathered.
    fn append(&mut self) -> Result<()> {
        self.file.append(&self.out).during("append to", &self.name)?;
        self.appended_bytes += self.out.len() as u64;
        self.block_at = 0;
        self.out.clear();
        // A value of a gigabyte does not keep its room.
        self.out.shrink_to(2 * BUFFER_BYTES);
        Ok(())
    }

    fn bytes_appended(&self) -> u64 {
        self.appended_bytes + self.out.len() as u64
    }

    fn filter(&mut self) -> Filter {
        let mut filter = Filter::new(self.hashes.len() as u64, self.filter_bits);
        self.hashes.iter().for_each(|hash| filter.insert(*hash));
        // What they take goes before the filter is copied.
        self.hashes = Vec::new();
        filter
    }
}
