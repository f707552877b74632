//! Building the payload of a block, at the end of a buffer that others fill too.

use super::{FINGERPRINTED, MAX_BLOCK_BYTES, fingerprint};
use crate::table::varint;
use contract::Entry;

/// A block that is being built: what stands behind its entries.
pub(in crate::table) struct BlockBuilder {
    /// How many bytes entries may take, unless it is one alone.
    block_bytes: usize,
    starts: Vec<u8>,
    /// Of all entries, or none at all.
    fingerprints: Option<Vec<u8>>,
    entry_bytes: usize,
}

impl BlockBuilder {
    /// A builder of blocks of so many bytes.
    pub(in crate::table) fn new(block_bytes: usize, fingerprints: bool) -> Self {
        let block_bytes = block_bytes.clamp(1, MAX_BLOCK_BYTES);
        Self { block_bytes, starts: Vec::new(), fingerprints: fingerprints.then(Vec::new), entry_bytes: 0 }
    }

    /// Whether there is no entry in the block.
    pub(in crate::table) fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Whether the block has room for an entry.
    pub(in crate::table) fn has_room(&self, entry: Entry<'_>) -> bool {
        self.is_empty() || self.entry_bytes + entry_bytes(entry) <= self.block_bytes
    }

    /// Appends an entry for which there is room to `out`, where the block's other entries end.
    #[expect(clippy::cast_possible_truncation, reason = "starts below 64 KiB, as there was room")]
    pub(in crate::table) fn push(&mut self, entry: Entry<'_>, hash: u64, out: &mut Vec<u8>) {
        self.starts.extend_from_slice(&(self.entry_bytes as u16).to_le_bytes());
        if let Some(fingerprints) = &mut self.fingerprints {
            fingerprints.push(fingerprint(hash));
        }
        let before = out.len();
        varint::put(entry.key.len() as u64, out);
        varint::put(entry.value.map_or(0, |value| 1 + value.len() as u64), out);
        out.extend_from_slice(entry.key);
        out.extend_from_slice(entry.value.unwrap_or_default());
        self.entry_bytes += out.len() - before;
    }

    /// Appends what stands behind the entries, and is empty again.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "fewer than 2^15: two bytes and a key of its own each"
    )]
    pub(in crate::table) fn finish(&mut self, out: &mut Vec<u8>) {
        let mut count = (self.starts.len() / 2) as u16;
        out.extend_from_slice(&self.starts);
        if let Some(fingerprints) = &mut self.fingerprints {
            out.extend_from_slice(fingerprints);
            fingerprints.clear();
            count |= FINGERPRINTED;
        }
        out.extend_from_slice(&count.to_le_bytes());
        self.starts.clear();
        self.entry_bytes = 0;
    }
}

/// Bytes of an entry in a block.
fn entry_bytes(entry: Entry<'_>) -> usize {
    let (key, value) = (entry.key.len(), entry.value.map_or(0, |value| 1 + value.len()));
    varint::bytes(key as u64) + varint::bytes(value as u64) + key + entry.value.map_or(0, <[u8]>::len)
}
