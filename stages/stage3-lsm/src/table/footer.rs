//! The last 80 bytes of a table: whose it is, where its parts lie, and what their checksums are.
//!
//! **Layout** All numbers are little-endian.
//! ```text
//!   0           8         12        20         28          36       40
//!   ┌───────────┬─────────┬─────────┬──────────┬───────────┬────────┬────────────┐
//!   │"strataT\n"│ version │ number  │ entries  │tombstones │ blocks │ data bytes │
//!   │           │ u32     │ u64     │ u64      │ u64       │ u32    │ u64        │
//!   └───────────┴─────────┴─────────┴──────────┴───────────┴────────┴────────────┘
//!   48             56            64        68        72       73      76       80
//!   ┌──────────────┬─────────────┬─────────┬─────────┬────────┬───────┬────────┐
//!   │ filter bytes │ index bytes │ filter  │ index   │ probes │ zeros │ crc32c │
//!   │ u64          │ u64         │ crc32c  │ crc32c  │ u8     │       │ u32    │
//!   └──────────────┴─────────────┴─────────┴─────────┴────────┴───────┴────────┘
//! ```
//! All three checksums are mixed with the place of what they speak for.
//!
//! **Invariants** Blocks, filter, index and footer fill the file, one behind the other, without a gap. So each of the
//! lengths is known to be possible before it is used.

use super::damage;
use contract::{Error, Result};
use stage1::frame::{Place, checksum};

/// Bytes of a footer.
pub(super) const FOOTER_BYTES: usize = 80;
/// The format that this code writes, and the newest that it reads.
pub(super) const VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"strataT\n";
const CHECKSUM_AT: usize = 76;

/// A table's footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    /// The number of the table.
    pub(super) number: u64,
    /// How many entries it holds, tombstones included.
    pub(super) entries: u64,
    /// How many of them are tombstones.
    pub(super) tombstones: u64,
    /// How many blocks there are.
    pub(super) blocks: u32,
    /// Bytes of all blocks.
    pub(super) data_bytes: u64,
    /// Bytes of the filter.
    pub(super) filter_bytes: u64,
    /// Bytes of the index.
    pub(super) index_bytes: u64,
    /// The filter's checksum, in its place.
    pub(super) filter_checksum: u32,
    /// The index's checksum, in its place.
    pub(super) index_checksum: u32,
    /// How many bits of the filter a key sets.
    pub(super) probes: u8,
}

impl Footer {
    /// Where the filter starts.
    pub(super) fn filter_at(&self) -> u64 {
        self.data_bytes
    }

    /// Where the index starts.
    pub(super) fn index_at(&self) -> u64 {
        self.data_bytes + self.filter_bytes
    }

    /// Where the footer starts.
    pub(super) fn footer_at(&self) -> u64 {
        self.index_at() + self.index_bytes
    }

    /// The footer's bytes.
    pub(super) fn encode(&self) -> [u8; FOOTER_BYTES] {
        let mut bytes = [0; FOOTER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.number.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.entries.to_le_bytes());
        bytes[28..36].copy_from_slice(&self.tombstones.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.blocks.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.data_bytes.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.filter_bytes.to_le_bytes());
        bytes[56..64].copy_from_slice(&self.index_bytes.to_le_bytes());
        bytes[64..68].copy_from_slice(&self.filter_checksum.to_le_bytes());
        bytes[68..72].copy_from_slice(&self.index_checksum.to_le_bytes());
        bytes[72] = self.probes;
        let place = Place { file: self.number, offset: self.footer_at() };
        let sum = place.mix(checksum(&bytes[..CHECKSUM_AT]));
        bytes[CHECKSUM_AT..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    // ANCHOR: parse
    /// The footer of table `number` in `bytes`, which lie at `offset` of the file `name`, up to its end.
    ///
    /// [`Error::Corrupt`] if they are not what was written; [`Error::WrongStore`] if a newer version wrote them.
    pub(super) fn parse(bytes: &[u8; FOOTER_BYTES], offset: u64, number: u64, name: &str) -> Result<Self> {
        if bytes[..8] != MAGIC {
            return Err(damage(name, offset, "no footer of a table here: wrong magic"));
        }
        let own = u64_at(bytes, 12);
        let place = Place { file: own, offset };
        if place.mix(u32_at(bytes, CHECKSUM_AT)) != checksum(&bytes[..CHECKSUM_AT]) {
            return Err(damage(name, offset + CHECKSUM_AT as u64, "footer checksum mismatch"));
        }
        let version = u32_at(bytes, 8);
        if version != VERSION {
            let what = format!("written in format {version}; this one reads format {VERSION}");
            return Err(Error::WrongStore { file: name.to_owned(), what });
        }
        if own != number {
            let what = format!("its footer says that it is table {own}, its name says {number}");
            return Err(damage(name, offset + 12, what));
        }
        let footer = Self {
            number,
            entries: u64_at(bytes, 20),
            tombstones: u64_at(bytes, 28),
            blocks: u32_at(bytes, 36),
            data_bytes: u64_at(bytes, 40),
            filter_bytes: u64_at(bytes, 48),
            index_bytes: u64_at(bytes, 56),
            filter_checksum: u32_at(bytes, 64),
            index_checksum: u32_at(bytes, 68),
            probes: bytes[72],
        };
        let parts = footer.data_bytes.checked_add(footer.filter_bytes);
        if parts.and_then(|parts| parts.checked_add(footer.index_bytes)) != Some(offset) {
            return Err(damage(name, offset + 40, "parts that do not fill the file"));
        }
        Ok(footer)
    }
    // ANCHOR_END: parse

    /// The checksum at its end: the last one of the table.
    pub(super) fn checksum(&self) -> u32 {
        u32_at(&self.encode(), CHECKSUM_AT)
    }
}

fn u32_at(bytes: &[u8; FOOTER_BYTES], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}

fn u64_at(bytes: &[u8; FOOTER_BYTES], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}
