//! How a block lies in its file: a head, and the payload as it is or compressed.
//!
//! **Layout** All numbers are little-endian.
//! ```text
//!   0          4            8       11      12            12+n
//!   ┌──────────┬────────────┬───────┬───────┬──────────────┐
//!   │ checksum │ n, payload │ "blk" │ codec │ payload      │
//!   │ u32      │ bytes u32  │       │ u8    │ n bytes      │
//!   └──────────┴────────────┴───────┴───────┴──────────────┘
//! ```
//! Codec 0: the payload as it is. Codec 1: a u32, how long it is, and the payload compressed by LZ4.
//!
//! **Invariants**
//! 1. The checksum covers all that follows it and is mixed with the block's place, as a frame's is: a good block at
//!    another offset or in another table is no block. It is compared when a block is read, before anything in it is
//!    believed, and not again while the block is in the cache, or in a mapping that does not change.
//! 2. A block is compressed only if that makes it smaller, and only up to 16 MiB, so that no length claims more memory
//!    than that before it is known to be true.
//! 3. Blocks lie one behind the other, each with its length in front, so that they can be read one after the other
//!    where the index is lost.
//!
//! **Off switch** `--compression off`.

use bytes::Bytes;
use stage1::frame::{Place, checksum};
use std::borrow::Cow;

/// Bytes of a block before its payload.
pub(super) const HEAD_BYTES: usize = 12;
/// What stands in every head: what is looked for where the index is lost.
pub(super) const MARK: [u8; 3] = *b"blk";
/// Where it stands.
pub(super) const MARK_AT: usize = 8;

/// The largest payload that is compressed.
const MAX_COMPRESSED_BYTES: usize = 16 << 20;
const RAW: u8 = 0;
const LZ4: u8 = 1;

/// A block's head, not yet verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    checksum: u32,
    /// Bytes of the payload as it lies in the file.
    pub(super) payload_bytes: u32,
    /// It is compressed.
    pub(super) compressed: bool,
}

impl Head {
    /// Reads a head, or says why these bytes are none.
    pub(super) fn parse(bytes: &[u8; HEAD_BYTES]) -> Result<Self, &'static str> {
        let [c0, c1, c2, c3, n0, n1, n2, n3, m0, m1, m2, codec] = *bytes;
        if [m0, m1, m2] != MARK || !matches!(codec, RAW | LZ4) {
            return Err("no block: neither mark nor codec");
        }
        Ok(Self {
            checksum: u32::from_le_bytes([c0, c1, c2, c3]),
            payload_bytes: u32::from_le_bytes([n0, n1, n2, n3]),
            compressed: codec == LZ4,
        })
    }

    /// Bytes of the whole block.
    pub(super) fn block_bytes(self) -> u64 {
        HEAD_BYTES as u64 + u64::from(self.payload_bytes)
    }
}

// ANCHOR: verify
/// The head of the block that fills `bytes`, if its checksum says that it belongs in `place`.
pub(super) fn verify(bytes: &[u8], place: Place) -> Result<Head, &'static str> {
    let head = Head::parse(bytes.first_chunk().ok_or("no block: the file ends within its head")?)?;
    if head.block_bytes() != bytes.len() as u64 {
        return Err("a block of another length");
    }
    if place.mix(head.checksum) != checksum(&bytes[4..]) {
        return Err("checksum mismatch");
    }
    Ok(head)
}
// ANCHOR_END: verify

/// The payload of the block that fills `bytes`, verified and decompressed.
pub(super) fn open(bytes: &Bytes, place: Place) -> Result<Bytes, &'static str> {
    Ok(match payload(bytes, place)? {
        Cow::Borrowed(payload) => bytes.slice_ref(payload),
        Cow::Owned(payload) => Bytes::from(payload),
    })
}

/// The same as a part of `bytes`, unless it is compressed.
pub(super) fn payload(bytes: &[u8], place: Place) -> Result<Cow<'_, [u8]>, &'static str> {
    if !verify(bytes, place)?.compressed {
        return Ok(Cow::Borrowed(&bytes[HEAD_BYTES..]));
    }
    let (raw_bytes, compressed) =
        bytes[HEAD_BYTES..].split_first_chunk().ok_or("a compressed block without a length")?;
    let raw_bytes = usize::try_from(u32::from_le_bytes(*raw_bytes)).unwrap_or(usize::MAX);
    if raw_bytes > MAX_COMPRESSED_BYTES {
        return Err("a compressed block that is too large");
    }
    let mut payload = vec![0; raw_bytes];
    match lz4_flex::block::decompress_into(compressed, &mut payload) {
        Ok(n) if n == raw_bytes => Ok(Cow::Owned(payload)),
        _ => Err("a compressed block that cannot be decompressed"),
    }
}

/// What turns payloads into blocks.
pub(super) struct Sealer {
    compress: bool,
    scratch: Vec<u8>,
}

impl Sealer {
    /// A sealer that compresses, or does not.
    pub(super) fn new(compress: bool) -> Self {
        Self { compress, scratch: Vec::new() }
    }

    // ANCHOR: seal
    /// Makes a block of the payload that stands in `out` behind the room for its head, at `start`.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a block holds one entry, or less than 64 KiB of them"
    )]
    pub(super) fn seal(&mut self, out: &mut Vec<u8>, start: usize, place: Place) {
        let codec = if self.compress && self.shrink(out, start + HEAD_BYTES) { LZ4 } else { RAW };
        let payload_bytes = (out.len() - start - HEAD_BYTES) as u32;
        let [m0, m1, m2] = MARK;
        out[start + 4..start + MARK_AT].copy_from_slice(&payload_bytes.to_le_bytes());
        out[start + MARK_AT..start + HEAD_BYTES].copy_from_slice(&[m0, m1, m2, codec]);
        let sum = place.mix(checksum(&out[start + 4..]));
        out[start..start + 4].copy_from_slice(&sum.to_le_bytes());
    }
    // ANCHOR_END: seal

    /// Compresses what stands in `out` from `at` on, if that makes it smaller.
    #[expect(clippy::cast_possible_truncation, reason = "at most 16 MiB")]
    fn shrink(&mut self, out: &mut Vec<u8>, at: usize) -> bool {
        let raw = &out[at..];
        if raw.len() > MAX_COMPRESSED_BYTES {
            return false;
        }
        let raw_bytes = raw.len() as u32;
        self.scratch.resize(lz4_flex::block::get_maximum_output_size(raw.len()), 0);
        match lz4_flex::block::compress_into(raw, &mut self.scratch) {
            Ok(n) if n + 4 < raw.len() => {
                out.truncate(at);
                out.extend_from_slice(&raw_bytes.to_le_bytes());
                out.extend_from_slice(&self.scratch[..n]);
                true
            }
            _ => false,
        }
    }
}
