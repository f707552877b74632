//! The first 64 bytes of a hint file: which segment it speaks for, how much of it, and what that part ends with.
//!
//! **Layout** All numbers are little-endian.
//! ```text
//!   0           8        12       24       32       40      44        48      52       60      64
//!   ┌───────────┬────────┬────────┬────────┬────────┬───────┬─────────┬───────┬────────┬───────┐
//!   │"strataH\n"│ version│ engine │ segment│ covered│ last  │ last    │ count │ record │ crc32c│
//!   │           │  u32   │12 bytes│  u64   │ bytes  │ bytes │ checksum│  u32  │ bytes  │  u32  │
//!   └───────────┴────────┴────────┴────────┴────────┴───────┴─────────┴───────┴────────┴───────┘
//!                                            u64      u32     u32               u64
//! ```
//! **Invariants** The last frame for which the hint speaks ends where it ends: at `covered bytes`, so that its length
//! says where it starts.

use super::CHECKSUM_BYTES;
use crate::ENGINE;
use crate::keydir::record::record_bytes;
use crate::names::SegmentId;
use contract::{Error, Result};
use stage1::frame;
use stage1::log::header::{ENGINE_BYTES, VERSION, engine_name};

/// Bytes of a header.
pub(super) const HEADER_BYTES: usize = 64;
/// Where the segment's number stands.
pub(super) const SEGMENT_AT: u64 = 24;
/// Where the length of the records stands.
pub(super) const RECORD_BYTES_AT: u64 = 52;

const MAGIC: [u8; 8] = *b"strataH\n";

/// A hint's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The number of the segment.
    pub(super) segment: u64,
    /// How much of it the hint speaks for, in bytes.
    pub(super) covered_bytes: u64,
    /// Bytes of the last frame in that part.
    pub(super) last_bytes: u32,
    /// Its checksum.
    pub(super) last_checksum: u32,
    /// How many records there are.
    pub(super) count: u32,
    /// How long they are in all.
    pub(super) record_bytes: u64,
}

impl Header {
    /// The header's bytes.
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..24].copy_from_slice(&ENGINE);
        bytes[24..32].copy_from_slice(&self.segment.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.covered_bytes.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.last_bytes.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.last_checksum.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.count.to_le_bytes());
        bytes[52..60].copy_from_slice(&self.record_bytes.to_le_bytes());
        let sum = frame::checksum(&bytes[..60]);
        bytes[60..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Reads the header of the hint called `name`, if it is one that this code writes.
    pub(super) fn parse(bytes: &[u8], name: &str) -> Result<Self> {
        let corrupt = |offset: u64, what: String| Err(Error::corrupt(name, offset, what));
        let Ok(bytes) = <&[u8; HEADER_BYTES]>::try_from(bytes) else {
            return corrupt(bytes.len() as u64, "the file ends within its header".into());
        };
        if bytes[..8] != MAGIC {
            return corrupt(0, "not a hint: wrong magic".into());
        }
        if frame::checksum(&bytes[..60]) != u32_at(bytes, 60) {
            return corrupt(60, "header checksum mismatch".into());
        }
        let version = u32_at(bytes, 8);
        if version != VERSION {
            return corrupt(8, format!("written in format {version}; this one reads format {VERSION}"));
        }
        let engine: [u8; ENGINE_BYTES] = array_at(bytes, 12);
        if engine != ENGINE {
            return corrupt(12, format!("written by {}", engine_name(engine)));
        }
        let header = Self {
            segment: u64_at(bytes, 24),
            covered_bytes: u64_at(bytes, 32),
            last_bytes: u32_at(bytes, 40),
            last_checksum: u32_at(bytes, 44),
            count: u32_at(bytes, 48),
            record_bytes: u64_at(bytes, 52),
        };
        if u64::from(header.last_bytes) > header.covered_bytes {
            return corrupt(40, "a last frame that is longer than the segment".into());
        }
        if u64::from(header.count) * record_bytes(0) as u64 > header.record_bytes {
            return corrupt(48, "more records than there is room for".into());
        }
        Ok(header)
    }

    /// The segment.
    #[expect(clippy::cast_possible_truncation, reason = "takes the halves apart")]
    pub(super) fn segment_id(&self) -> SegmentId {
        // Of a segment as it was written the upper half is zero, and in a run it would be the first number.
        SegmentId::run((self.segment >> 32) as u32, self.segment as u32)
    }

    /// Where the last frame starts.
    pub(super) fn last_offset(&self) -> u64 {
        self.covered_bytes - u64::from(self.last_bytes)
    }

    /// How long the file is; `None` if no file can be that long.
    pub(super) fn file_bytes(&self) -> Option<u64> {
        self.record_bytes.checked_add((HEADER_BYTES + CHECKSUM_BYTES) as u64)
    }
}

fn array_at<const N: usize>(bytes: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

fn u32_at(bytes: &[u8; HEADER_BYTES], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn u64_at(bytes: &[u8; HEADER_BYTES], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}
