//! The hint file: the keys of a segment and where their entries lie in it, so that opening need not read the segment.
//!
//! **Layout** All numbers are little-endian.
//! ```text
//!   0        64                                   64+n      64+n+4
//!   ┌────────┬────────┬────────┬───┬──────────────┬─────────┐
//!   │ header │ record │ record │ … │              │ crc32c  │   n record bytes, their checksum
//!   └────────┴────────┴────────┴───┴──────────────┴─────────┘
//! ```
//! The header is described in `header`, a record in [`keydir`](crate::keydir)'s `record`; its slot is 0.
//!
//! **Invariants**
//! 1. A hint speaks for the beginning of one segment, up to the end of a frame that it names with its checksum. It holds
//!    the newest entry there of every key, be it a put or a tombstone, in the order of the log.
//! 2. It is believed whole or not at all: no record is given out before all of them are found to be as they were
//!    written, and to lie where a frame of that segment can lie.
//! 3. It says nothing that its segment does not say. Whatever is wrong with it is [`Error::Corrupt`], and the segment is
//!    read instead.
//!
//! **Cost** 29 bytes for a key of 16. Reading it is one read and two passes in memory, one for the checksum and one over
//! the records.
//!
//! **Off switch** `--hints off`: none is written and none is read.
//!
//! **Source** Sheehy and Smith, *Bitcask*, 2010; the checksum and the tie to the segment answer basho/bitcask's pull
//! request 35 and issue 171, where torn and foreign hints were believed.

mod builder;
mod describe;
mod header;

pub use builder::Builder;
pub use describe::describe;

use crate::keydir::Location;
use crate::keydir::record::{self, Record};
use contract::{Error, IoContext, MAX_KEY_BYTES, Result};
use header::{HEADER_BYTES, Header};
use stage1::frame::{self, HEAD_BYTES, Place};
use stage1::log::header::HEADER_BYTES as SEGMENT_HEADER_BYTES;
use vfs::{File, read_full};

/// Bytes of the checksum at the end.
const CHECKSUM_BYTES: usize = 4;

/// A hint that has been read and can be believed.
pub struct Hint {
    header: Header,
    records: Vec<u8>,
}

impl Hint {
    /// How much of the segment it speaks for, in bytes from the segment's start.
    pub fn covered_bytes(&self) -> u64 {
        self.header.covered_bytes
    }

    /// Where in the segment the last frame starts for which it speaks.
    pub fn last_offset(&self) -> u64 {
        self.header.last_offset()
    }

    /// That frame's checksum.
    pub fn last_checksum(&self) -> u32 {
        self.header.last_checksum
    }

    /// How many records it has.
    pub fn count(&self) -> u64 {
        u64::from(self.header.count)
    }

    /// Bytes of its file.
    pub fn file_bytes(&self) -> u64 {
        self.header.file_bytes().unwrap_or(u64::MAX)
    }

    /// Its records, in the order of the log.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        record::records(&self.records)
    }
}

/// How many keys the hint in `file` holds, and how many bytes they have in all, as its header says: what to
/// [reserve](crate::keydir::Keydir::reserve) before it is loaded. Errors as in [`read`].
pub fn size(file: &dyn File, name: &str, segment: u64) -> Result<(u64, u64)> {
    let header = read_header(file, name, segment)?;
    let keys = u64::from(header.count);
    Ok((keys, header.record_bytes.saturating_sub(keys * record::record_bytes(0) as u64)))
}

// ANCHOR: read
/// Reads the hint in `file`, called `name`, of the segment with the number `segment`.
///
/// [`Error::Corrupt`] where anything in it is not as it was written, or where it belongs to another segment or engine.
pub fn read(file: &dyn File, name: &str, segment: u64) -> Result<Hint> {
    let header = read_header(file, name, segment)?;
    let (records, stored) = read_body(file, name, &header)?;
    if checksum(&records, &header) != stored {
        let offset = HEADER_BYTES as u64 + header.record_bytes;
        return Err(Error::corrupt(name, offset, "checksum mismatch"));
    }
    check(&records, name, &header)?;
    Ok(Hint { header, records })
}
// ANCHOR_END: read

/// Reads the header, and checks that the file is as long as it says, so that its lengths can be trusted.
fn read_header(file: &dyn File, name: &str, segment: u64) -> Result<Header> {
    let size = file.size().during("stat", name)?;
    let mut bytes = [0; HEADER_BYTES];
    let n = read_full(file, &mut bytes, 0).during("read", name)?;
    let header = Header::parse(&bytes[..n], name)?;
    if header.segment != segment {
        let what = format!("its header says that it is the hint of {}", header.segment_id());
        return Err(Error::corrupt(name, header::SEGMENT_AT, what));
    }
    if header.file_bytes() != Some(size) {
        let what = format!("has {size} bytes, which is not what its header says");
        return Err(Error::corrupt(name, size.min(header::RECORD_BYTES_AT), what));
    }
    Ok(header)
}

/// Reads the records and their checksum in one piece.
fn read_body(file: &dyn File, name: &str, header: &Header) -> Result<(Vec<u8>, u32)> {
    let len = usize::try_from(header.record_bytes).unwrap_or(usize::MAX).saturating_add(CHECKSUM_BYTES);
    let mut body = vec![0; len];
    let n = read_full(file, &mut body, HEADER_BYTES as u64).during("read", name)?;
    body.truncate(n);
    match body.split_last_chunk() {
        Some((_, stored)) if n == len => {
            let stored = u32::from_le_bytes(*stored);
            body.truncate(len - CHECKSUM_BYTES);
            Ok((body, stored))
        }
        _ => Err(Error::corrupt(name, (HEADER_BYTES + n) as u64, "the file ends within its records")),
    }
}

/// The checksum of records, tied to the segment and to how much of it they speak for.
fn checksum(records: &[u8], header: &Header) -> u32 {
    Place { file: header.segment, offset: header.covered_bytes }.mix(frame::checksum(records))
}

// ANCHOR: check
/// Checks that the records are whole and as many as the header says, and each of them by itself.
fn check(records: &[u8], name: &str, header: &Header) -> Result<()> {
    let corrupt = |at: usize, what: &str| Err(Error::corrupt(name, (HEADER_BYTES + at) as u64, what));
    let (mut at, mut count, mut order) = (0, 0, Order::default());
    for record in record::records(records) {
        if let Some(what) = order.fault(&record, header) {
            return corrupt(at, what);
        }
        (at, count) = (at + record.bytes.len(), count + 1);
    }
    if at < records.len() {
        return corrupt(at, "a record that is not whole");
    }
    if count != header.count {
        return corrupt(at, &format!("{count} records where the header says {}", header.count));
    }
    Ok(())
}

/// How far in the segment the records have come.
struct Order(u64);

impl Default for Order {
    fn default() -> Self {
        Self(SEGMENT_HEADER_BYTES as u64)
    }
}

impl Order {
    /// What is wrong with the next record: it must tell of a frame that can be, behind the one before it, and in the part
    /// that the hint speaks for.
    fn fault(&mut self, record: &Record<'_>, header: &Header) -> Option<&'static str> {
        let Location { segment, offset, bytes, tombstone } = record.location();
        let least = HEAD_BYTES + record.key.len();
        let fits = if tombstone { bytes as usize == least } else { bytes as usize >= least };
        if segment != 0 || record.key.len() as u64 > MAX_KEY_BYTES || !fits {
            return Some("a record of an entry that cannot be");
        }
        let (before, end) = (self.0, offset + u64::from(bytes));
        self.0 = end;
        (offset < before || end > header.covered_bytes)
            .then_some("a record of an entry that is not in its place")
    }
}
// ANCHOR_END: check

#[cfg(test)]
mod tests;
