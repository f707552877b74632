//! How footer, filter, index and blocks get from a file into memory.
//!
//! **Invariants**
//! 1. Every length is checked against the file's before there is room made for it.
//! 2. A block that is handed out was verified: just now, or before it went into the cache, or, in a mapping, before its
//!    bit was set.
//!
//! **Off switch** `--reads pread` (the default) maps nothing.

use super::footer::{FOOTER_BYTES, Footer};
use super::index::{BlockAt, Index};
use super::{Table, damage, stored};
use crate::bloom::Filter;
use bytes::Bytes;
use contract::{IoContext, Result};
use stage1::frame::{Place, checksum};
use std::sync::atomic::{AtomicU64, Ordering};
use vfs::{File, read_full};

/// A mapped file, and which of its blocks were verified: a bit each.
pub(super) struct View {
    bytes: Bytes,
    verified: Vec<AtomicU64>,
}

/// Owns the mapping for as long as a slice of it is held.
struct Mapping(vfs::View);

impl AsRef<[u8]> for Mapping {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl View {
    /// Maps a file of so many blocks, none of them verified.
    pub(super) fn new(file: &dyn File, name: &str, blocks: usize) -> Result<Self> {
        let bytes = Bytes::from_owner(Mapping(file.view().during("map", name)?));
        let words = blocks.div_ceil(64);
        Ok(Self { bytes, verified: (0..words).map(|_| AtomicU64::new(0)).collect() })
    }

    /// The bytes of a block.
    #[inline]
    fn block(&self, at: BlockAt) -> &[u8] {
        let range = usize::try_from(at.offset).ok().zip(usize::try_from(at.end()).ok());
        range.and_then(|(start, end)| self.bytes.get(start..end)).unwrap_or_default()
    }

    #[inline]
    fn is_verified(&self, number: usize) -> bool {
        let word = self.verified.get(number / 64).map_or(0, |word| word.load(Ordering::Relaxed));
        word >> (number % 64) & 1 == 1
    }

    fn set_verified(&self, number: usize) {
        if let Some(word) = self.verified.get(number / 64) {
            word.fetch_or(1 << (number % 64), Ordering::Relaxed);
        }
    }
}

/// The footer of table `number`; errors as in [`Table::open`].
pub(super) fn footer(file: &dyn File, name: &str, number: u64) -> Result<Footer> {
    let size = file.size().during("stat", name)?;
    let Some(offset) = size.checked_sub(FOOTER_BYTES as u64) else {
        return Err(damage(name, size, "shorter than a table's footer"));
    };
    let mut bytes = [0; FOOTER_BYTES];
    read_exact(file, name, &mut bytes, offset)?;
    Footer::parse(&bytes, offset, number, name)
}

/// Filter and index, each by itself: one may be good where the other is not. The error outside is that of reading.
pub(super) fn parts(file: &dyn File, name: &str, footer: &Footer) -> Result<(Result<Filter>, Result<Index>)> {
    let filter = section(file, name, footer.filter_at(), footer.filter_bytes)?;
    let index = section(file, name, footer.index_at(), footer.index_bytes)?;
    let fail = |offset, what| damage(name, offset, what);
    let sum = |offset, bytes: &[u8]| Place { file: footer.number, offset }.mix(checksum(bytes));
    let filter = if sum(footer.filter_at(), &filter) == footer.filter_checksum {
        Filter::decode(&filter, footer.probes).map_err(|what| fail(footer.filter_at(), what))
    } else {
        Err(fail(footer.filter_at(), "filter checksum mismatch"))
    };
    let index = if sum(footer.index_at(), &index) == footer.index_checksum {
        Index::parse(index, footer.blocks, footer.data_bytes, name, footer.index_at())
    } else {
        Err(fail(footer.index_at(), "index checksum mismatch"))
    };
    Ok((filter, index))
}

/// So many bytes at an offset: a part that the footer, or the index, knows to lie within the file.
pub(super) fn section(file: &dyn File, name: &str, offset: u64, bytes: u64) -> Result<Vec<u8>> {
    let mut buffer = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX)];
    read_exact(file, name, &mut buffer, offset)?;
    Ok(buffer)
}

fn read_exact(file: &dyn File, name: &str, buffer: &mut [u8], offset: u64) -> Result<()> {
    let n = read_full(file, buffer, offset).during("read", name)?;
    if n < buffer.len() {
        return Err(damage(name, offset + n as u64, "the file ends before this part does"));
    }
    Ok(())
}

impl Table {
    // ANCHOR: mapped
    /// The payload of a block, if it can be read where it lies: in a mapping, and not compressed.
    #[inline]
    pub(super) fn mapped(&self, number: usize, at: BlockAt) -> Result<Option<&[u8]>> {
        let Some(view) = &self.view else { return Ok(None) };
        let bytes = view.block(at);
        if view.is_verified(number) || self.verify_mapped(view, number, at)? {
            return Ok(bytes.get(stored::HEAD_BYTES..));
        }
        Ok(None)
    }

    /// Verifies a block of the mapping, and says whether it can be read where it lies.
    #[cold]
    fn verify_mapped(&self, view: &View, number: usize, at: BlockAt) -> Result<bool> {
        let bytes = view.block(at);
        let compressed = bytes
            .first_chunk()
            .is_some_and(|head| stored::Head::parse(head).is_ok_and(|head| head.compressed));
        if compressed {
            return Ok(false);
        }
        stored::verify(bytes, self.place(at)).map_err(|what| damage(&self.name, at.offset, what))?;
        self.reading.counts.blocks_read.add(1);
        self.reading.counts.bytes_read.add(u64::from(at.bytes));
        view.set_verified(number);
        Ok(true)
    }
    // ANCHOR_END: mapped

    /// The same as a slice that keeps the mapping.
    pub(super) fn mapped_slice(&self, number: usize, at: BlockAt) -> Result<Option<Bytes>> {
        let payload = self.mapped(number, at)?;
        Ok(payload.zip(self.view.as_ref()).map(|(payload, view)| view.bytes.slice_ref(payload)))
    }

    // ANCHOR: load
    /// The payload of a block, to keep: out of the mapping, the cache or the file.
    pub(super) fn load(&self, number: usize, at: BlockAt) -> Result<Bytes> {
        if let Some(payload) = self.mapped_slice(number, at)? {
            return Ok(payload);
        }
        let Some(cache) = &self.reading.cache else {
            return self.read_block(at);
        };
        if let Some(payload) = cache.get(self.number(), at.offset) {
            self.reading.counts.cache_hits.add(1);
            return Ok(payload);
        }
        self.reading.counts.cache_misses.add(1);
        let payload = self.read_block(at)?;
        cache.insert(self.number(), at.offset, payload.clone());
        Ok(payload)
    }
    // ANCHOR_END: load

    /// Reads a block from the file, verifies it and decompresses it.
    pub(super) fn read_block(&self, at: BlockAt) -> Result<Bytes> {
        let mut bytes = vec![0; usize::try_from(at.bytes).unwrap_or(usize::MAX)];
        self.read_exact(&mut bytes, at.offset)?;
        self.open_block(&Bytes::from(bytes), at)
    }

    /// Reads bytes of the file.
    pub(super) fn read_exact(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        self.reading.counts.bytes_read.add(buffer.len() as u64);
        read_exact(&*self.file, &self.name, buffer, offset)
    }

    /// The payload of a block that was read, verified and decompressed.
    pub(super) fn open_block(&self, bytes: &Bytes, at: BlockAt) -> Result<Bytes> {
        self.reading.counts.blocks_read.add(1);
        stored::open(bytes, self.place(at)).map_err(|what| damage(&self.name, at.offset, what))
    }

    /// Whether a block can be read from the mapping without another look at its checksum.
    pub(super) fn is_verified_in_mapping(&self, number: usize) -> bool {
        self.view.as_ref().is_some_and(|view| view.is_verified(number))
    }

    pub(super) fn place(&self, at: BlockAt) -> Place {
        Place { file: self.number(), offset: at.offset }
    }
}
