//! The sparse index: one key for each block, which says where a key must be if it is in the table at all.
//!
//! **Layout** Lengths are varints.
//! ```text
//!   ┌─────────────┬──────────────┐   ┌─────────────┬─────────────┬───────────┐
//!   │ key length  │ smallest key │   │ block bytes │ key length  │ separator │   for each block, in order
//!   └─────────────┴──────────────┘   └─────────────┴─────────────┴───────────┘
//! ```
//! A separator is not less than any key of its block and less than every key of the next, and short. The last one is the
//! table's largest key.
//!
//! In memory, the 16 bytes of each separator behind what all of them begin with are one number; the separators themselves
//! stay as they were read.
//!
//! **Invariants**
//! 1. Separators ascend strictly. Where numbers differ they order separators as the bytes do; where they are equal the
//!    bytes decide.
//! 2. Blocks lie one behind the other from offset 0, and fill what the footer says they fill: an offset is a sum of
//!    lengths, and no block can lie outside the file or over another.
//!
//! **Cost** 40 bytes a block, and its part of the index as it was read: 1.7 bytes an entry with 34 entries a block. Finding a block
//! halves an array of numbers.
//!
//! **Source** Chang et al., *Bigtable*, 2006; the short separators are LevelDB's.

use super::{damage, stored, varint};
use contract::{MAX_KEY_BYTES, Result};
use std::cmp::Ordering;
use std::ops::Range;

/// Bytes of a separator that are compared as one number.
const NUMBER_BYTES: usize = 16;
/// The smallest block: a head and the count of entries.
const MIN_BLOCK_BYTES: u64 = stored::HEAD_BYTES as u64 + 2;

/// Where a block lies, and its separator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockAt {
    /// Where it starts.
    pub(super) offset: u64,
    /// How long it is.
    pub(super) bytes: u32,
    /// How long its separator is.
    key_bytes: u32,
    /// Where in the index its separator stands.
    key_at: usize,
}

impl BlockAt {
    /// Where it ends.
    pub(super) fn end(&self) -> u64 {
        self.offset + u64::from(self.bytes)
    }

    fn key(&self) -> Range<usize> {
        self.key_at..self.key_at + self.key_bytes as usize
    }
}

/// The index of a table.
pub(super) struct Index {
    /// As they were read: all keys stand in here.
    bytes: Vec<u8>,
    smallest: Range<usize>,
    /// What all separators begin with.
    common: Range<usize>,
    /// The next bytes of each separator, as a number.
    numbers: Vec<u128>,
    blocks: Vec<BlockAt>,
}

impl Index {
    // ANCHOR: parse
    /// The index in `bytes`, whose checksum was compared, of `blocks` blocks that have `data_bytes` bytes in all. For
    /// damage, it lies at `offset` of the file `name`.
    pub(super) fn parse(
        bytes: Vec<u8>,
        blocks: u32,
        data_bytes: u64,
        name: &str,
        offset: u64,
    ) -> Result<Self> {
        let fail = |at: usize, what: &str| Err(damage(name, offset + at as u64, what));
        let mut rest = Rest { bytes: &bytes, at: 0 };
        let Some(smallest) = rest.key() else { return fail(0, "an index without a smallest key") };
        // An index with room for fewer blocks than are claimed is not worth a vector of that size.
        if u64::from(blocks) > (bytes.len() as u64 / 2).min(data_bytes / MIN_BLOCK_BYTES) {
            return fail(0, "an index of more blocks than there is room for");
        }
        let mut found: Vec<BlockAt> = Vec::with_capacity(blocks as usize);
        for _ in 0..blocks {
            let at = rest.at;
            let end = found.last().map_or(0, BlockAt::end);
            let Some(block) = rest.block(end) else { return fail(at, "an index entry that is not whole") };
            let before = found.last().map_or(smallest.clone(), BlockAt::key);
            // The smallest key may be the only one of the first block.
            let order = bytes[before].cmp(&bytes[block.key()]);
            if order == Ordering::Greater || (order == Ordering::Equal && !found.is_empty()) {
                return fail(at, "separators that do not ascend");
            }
            found.push(block);
        }
        if rest.at != bytes.len() || found.last().map_or(0, BlockAt::end) != data_bytes {
            return fail(rest.at, "an index that is not of these blocks");
        }
        Ok(Self::new(bytes, smallest, found))
    }
    // ANCHOR_END: parse

    fn new(bytes: Vec<u8>, smallest: Range<usize>, blocks: Vec<BlockAt>) -> Self {
        let key = |block: &BlockAt| &bytes[block.key()];
        let common = match (blocks.first(), blocks.last()) {
            // They ascend, so what the first and the last begin with, all do.
            (Some(first), Some(last)) => first.key_at..first.key_at + common_bytes(key(first), key(last)),
            _ => 0..0,
        };
        let numbers = blocks.iter().map(|block| number(key(block).get(common.len()..).unwrap_or_default()));
        Self { numbers: numbers.collect(), smallest, common, blocks, bytes }
    }

    // ANCHOR: find
    /// The number of the block in which `key` is, if it is in the table and not greater than every key: the first one
    /// whose separator is not less.
    #[inline]
    pub(super) fn find(&self, key: &[u8]) -> usize {
        let common = &self.bytes[self.common.clone()];
        let Some(rest) = key.strip_prefix(common) else {
            return if key < common { 0 } else { self.blocks.len() };
        };
        let number = number(rest);
        let first = self.numbers.partition_point(|&other| other < number);
        if self.numbers.get(first) != Some(&number) {
            return first;
        }
        self.find_among_equals(key, number, first)
    }
    // ANCHOR_END: find

    /// The same among the separators whose number is that of `key`; the first of them is number `first`.
    fn find_among_equals(&self, key: &[u8], number: u128, first: usize) -> usize {
        let equal = self.numbers[first..].partition_point(|&other| other == number);
        let less = |block: &BlockAt| &self.bytes[block.key()] < key;
        first + self.blocks[first..first + equal].partition_point(less)
    }

    /// The block with this number, if there is one.
    #[inline]
    pub(super) fn block(&self, number: usize) -> Option<BlockAt> {
        self.blocks.get(number).copied()
    }

    /// How many blocks there are.
    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// The separator of the block with this number.
    pub(super) fn separator(&self, number: usize) -> &[u8] {
        self.blocks.get(number).map_or(&[], |block| &self.bytes[block.key()])
    }

    /// The smallest key of the table; empty if it has none.
    pub(super) fn smallest(&self) -> &[u8] {
        &self.bytes[self.smallest.clone()]
    }

    /// The largest key of the table; empty if it has none.
    pub(super) fn largest(&self) -> &[u8] {
        self.separator(self.len().wrapping_sub(1))
    }

    /// Bytes of memory that it takes.
    pub(super) fn memory_bytes(&self) -> u64 {
        let blocks = self.blocks.capacity() * size_of::<BlockAt>();
        (self.bytes.capacity() + self.numbers.capacity() * NUMBER_BYTES + blocks) as u64
    }
}

/// What is left to parse.
struct Rest<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Rest<'_> {
    fn number(&mut self) -> Option<u64> {
        let (number, n) = varint::take(self.bytes.get(self.at..)?)?;
        self.at += n;
        Some(number)
    }

    fn key(&mut self) -> Option<Range<usize>> {
        let bytes = self.number().filter(|bytes| *bytes <= MAX_KEY_BYTES)?;
        let start = self.at;
        let end = start.checked_add(usize::try_from(bytes).ok()?)?;
        self.at = end;
        (end <= self.bytes.len()).then_some(start..end)
    }

    fn block(&mut self, offset: u64) -> Option<BlockAt> {
        let bytes = self.number().filter(|bytes| *bytes >= MIN_BLOCK_BYTES)?;
        let bytes = u32::try_from(bytes).ok()?;
        let key = self.key()?;
        let key_bytes = u32::try_from(key.len()).ok()?;
        Some(BlockAt { offset, bytes, key_bytes, key_at: key.start })
    }
}

/// The first 16 bytes of a key as a number that is ordered as they are; a shorter key is filled with zeros.
#[expect(
    clippy::big_endian_bytes,
    reason = "bytes compare as big-endian numbers do; it never reaches a file"
)]
#[inline]
fn number(key: &[u8]) -> u128 {
    if let Some(bytes) = key.first_chunk() {
        return u128::from_be_bytes(*bytes);
    }
    let mut bytes = [0; NUMBER_BYTES];
    bytes[..key.len()].copy_from_slice(key);
    u128::from_be_bytes(bytes)
}

/// How many bytes two keys begin with in common.
fn common_bytes(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// An index that is being built.
#[derive(Default)]
pub(super) struct IndexBuilder {
    bytes: Vec<u8>,
    blocks: u32,
}

impl IndexBuilder {
    /// Begins with the smallest key.
    pub(super) fn begin(&mut self, smallest: &[u8]) {
        varint::put(smallest.len() as u64, &mut self.bytes);
        self.bytes.extend_from_slice(smallest);
    }

    /// Adds a block of so many bytes.
    pub(super) fn push(&mut self, block_bytes: u64, separator: &[u8]) {
        varint::put(block_bytes, &mut self.bytes);
        varint::put(separator.len() as u64, &mut self.bytes);
        self.bytes.extend_from_slice(separator);
        self.blocks += 1;
    }

    /// Its bytes so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many blocks were added.
    pub(super) fn blocks(&self) -> u32 {
        self.blocks
    }
}

// ANCHOR: separator
/// The shortest beginning of `next` that is greater than `last`, if it is less than `next`; else `last` itself.
pub(super) fn separator<'a>(last: &'a [u8], next: &'a [u8]) -> &'a [u8] {
    let bytes = common_bytes(last, next) + 1;
    if bytes < next.len() { &next[..bytes] } else { last }
}
// ANCHOR_END: separator
