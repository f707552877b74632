//! Writing a hint file.
//!
//! **Invariants** The file has its name only once all of it is on the device, as every file of every stage.
//!
//! **Cost** All of it is in memory until it is written: 29 bytes for a key of 16, less than the keydir takes for it.

use super::checksum;
use super::header::{HEADER_BYTES, Header};
use crate::keydir::{Location, record};
use crate::names::SegmentId;
use contract::{Error, IoContext, Result};
use stage1::install;
use vfs::Vfs;

/// How much is written at a time, in bytes.
const PIECE_BYTES: usize = 1 << 20;

/// A hint that is being made: it is told about a segment's frames in the order of the log.
pub struct Builder {
    segment: SegmentId,
    /// Room for the header, then records.
    bytes: Vec<u8>,
    count: u64,
    last_offset: u64,
    last_checksum: u32,
}

impl Builder {
    /// A hint for a segment, without a record yet.
    pub fn new(segment: SegmentId) -> Self {
        Self { segment, bytes: vec![0; HEADER_BYTES], count: 0, last_offset: 0, last_checksum: 0 }
    }

    /// Adds the record of an entry. Of entries with the same key, a later one counts.
    pub fn push(&mut self, key: &[u8], at: Location) {
        record::append(key, Location { segment: 0, ..at }, &mut self.bytes);
        self.count += 1;
    }

    /// Remembers a frame, of whatever kind: the last one is what ties the hint to its segment.
    pub fn pass(&mut self, offset: u64, checksum: u32) {
        (self.last_offset, self.last_checksum) = (offset, checksum);
    }

    // ANCHOR: install
    /// Writes the file, which speaks for the first `covered_bytes` of the segment: up to the end of the last frame that
    /// it was told about. Returns the file's size in bytes.
    pub fn install(mut self, vfs: &dyn Vfs, covered_bytes: u64) -> Result<u64> {
        let header = self.header(covered_bytes)?;
        self.bytes[..HEADER_BYTES].copy_from_slice(&header.encode());
        let sum = checksum(&self.bytes[HEADER_BYTES..], &header);
        self.bytes.extend_from_slice(&sum.to_le_bytes());
        let name = self.segment.hint_name();
        let file = install::begin(vfs, &name)?;
        for piece in self.bytes.chunks(PIECE_BYTES) {
            file.append(piece).during("append to", &name)?;
        }
        install::commit(vfs, &*file, &name)?;
        Ok(self.bytes.len() as u64)
    }
    // ANCHOR_END: install

    fn header(&self, covered_bytes: u64) -> Result<Header> {
        let too_many = Error::Unsupported { what: "a hint of 2^32 keys or more" };
        Ok(Header {
            segment: self.segment.number(),
            covered_bytes,
            last_bytes: u32::try_from(covered_bytes - self.last_offset).unwrap_or(u32::MAX),
            last_checksum: self.last_checksum,
            count: u32::try_from(self.count).map_err(|_| too_many)?,
            record_bytes: (self.bytes.len() - HEADER_BYTES) as u64,
        })
    }
}
