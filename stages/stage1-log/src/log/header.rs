//! The first 64 bytes of a log: whose it is, which one it is, and which one it came from.
//!
//! **Layout** All numbers are little-endian.
//! ```text
//!   0       8       12      24      32      40      48      52      60     64
//!   ┌───────┬───────┬───────┬───────┬───────┬───────┬───────┬───────┬──────┐
//!   │"strataL\n"│version│engine │number │ prev  │ prev  │ prev  │ base  │crc32c│
//!   │       │  u32  │12 byte│  u64  │number │ bytes │ last  │ bytes │ u32  │
//!   └───────┴───────┴───────┴───────┴───────┴───────┴───────┴───────┴──────┘
//! ```
//! **Invariants**
//! 1. A log has its name only once its header is on the device, so a header that does not read is damage, never a
//!    crash.
//! 2. `base bytes` were on the device before the log got its name: a bad frame below it is damage, never a tear, and
//!    every entry below it is committed, whatever its `MORE` flag says about the batch that it once came from.
//! 3. `prev` names the log before this one, with its length and last checksum: a chain in which a gap shows.

use crate::frame;
use contract::{Error, IoContext, Result};
use vfs::{File, read_full};

/// Bytes of a header.
pub const HEADER_BYTES: usize = 64;
/// Bytes of an engine's name.
pub const ENGINE_BYTES: usize = 12;
/// The format that this code writes, and the newest that it reads.
pub const VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"strataL\n";

// ANCHOR: header
/// A log's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The engine that wrote it, padded with zeros.
    pub engine: [u8; ENGINE_BYTES],
    /// The log's own number.
    pub number: u64,
    /// The log that it follows or replaces.
    pub previous: Previous,
    /// Bytes that were on the device before the log got its name.
    pub base_bytes: u64,
}

/// Another log's end, as the next one remembers it. All zeros: there was none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Previous {
    /// Its number.
    pub number: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its last checksum.
    pub last_checksum: u32,
}
// ANCHOR_END: header

/// A name as it stands in a header.
pub const fn engine_id(name: &str) -> [u8; ENGINE_BYTES] {
    let mut id = [0; ENGINE_BYTES];
    let (bytes, mut at) = (name.as_bytes(), 0);
    while at < bytes.len() {
        id[at] = bytes[at];
        at += 1;
    }
    id
}

/// An engine's name as text.
pub fn engine_name(id: [u8; ENGINE_BYTES]) -> String {
    id.split(|&byte| byte == 0).next().unwrap_or_default().escape_ascii().to_string()
}

/// Refuses a file that another engine or a newer format wrote, and says what opens it.
pub fn check_engine(
    file: &str,
    found: [u8; ENGINE_BYTES],
    version: u32,
    expected: [u8; ENGINE_BYTES],
) -> Result<()> {
    let (name, ours) = (engine_name(found), engine_name(expected));
    let what = if found != expected {
        format!(
            "written by {name}, not by {ours}; open it with `cargo run -p {name}`, or carry its entries over with \
             `cargo run -p {name} -- export | cargo run -p {ours} -- import -`"
        )
    } else if version > VERSION {
        format!("written in format {version} by a newer {name}; this one reads formats up to {VERSION}")
    } else {
        return Ok(());
    };
    Err(Error::WrongStore { file: file.to_owned(), what })
}

impl Header {
    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..24].copy_from_slice(&self.engine);
        bytes[24..32].copy_from_slice(&self.number.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.previous.number.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.previous.bytes.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.previous.last_checksum.to_le_bytes());
        bytes[52..60].copy_from_slice(&self.base_bytes.to_le_bytes());
        let sum = frame::checksum(&bytes[..60]);
        bytes[60..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Reads the header of a file and checks that it is that of log `number` of `engine`.
    pub fn read(file: &dyn File, name: &str, number: u64, engine: [u8; ENGINE_BYTES]) -> Result<Self> {
        let mut bytes = [0; HEADER_BYTES];
        let n = read_full(file, &mut bytes, 0).during("read", name)?;
        let (header, version) = Self::parse(&bytes[..n], name)?;
        check_engine(name, header.engine, version, engine)?;
        if header.number != number {
            let what = format!("its header says that it is log {}", header.number);
            return Err(Error::corrupt(name, 24, what));
        }
        Ok(header)
    }

    /// Header and version in `bytes`, if the checksum matches.
    pub fn parse(bytes: &[u8], name: &str) -> Result<(Self, u32)> {
        let Ok(bytes) = <&[u8; HEADER_BYTES]>::try_from(bytes) else {
            return Err(Error::corrupt(name, bytes.len() as u64, "the file ends within its header"));
        };
        if bytes[..8] != MAGIC {
            return Err(Error::corrupt(name, 0, "not a log: wrong magic"));
        }
        if frame::checksum(&bytes[..60]) != u32_at(bytes, 60) {
            return Err(Error::corrupt(name, 60, "header checksum mismatch"));
        }
        let mut engine = [0; ENGINE_BYTES];
        engine.copy_from_slice(&bytes[12..24]);
        let previous = Previous {
            number: u64_at(bytes, 32),
            bytes: u64_at(bytes, 40),
            last_checksum: u32_at(bytes, 48),
        };
        let header = Self { engine, number: u64_at(bytes, 24), previous, base_bytes: u64_at(bytes, 52) };
        Ok((header, u32_at(bytes, 8)))
    }

    /// The checksum at its end: the last one of a log that holds no frame.
    pub fn checksum(&self) -> u32 {
        frame::stored_checksum(&self.encode()[60..])
    }
}

fn u32_at(bytes: &[u8; HEADER_BYTES], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}

fn u64_at(bytes: &[u8; HEADER_BYTES], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_and_no_flipped_bit_is_believed() {
        let previous = Previous { number: 4, bytes: 999, last_checksum: 77 };
        let header = Header { engine: engine_id("stage1"), number: 5, previous, base_bytes: 1234 };
        let good = header.encode();
        assert_eq!(Header::parse(&good, "x").unwrap(), (header, VERSION));
        for bit in 0..good.len() * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::parse(&bad, "x").unwrap_err().is_corrupt(), "bit {bit}");
        }
    }

    #[test]
    fn another_engine_and_a_newer_format_are_refused_by_name() {
        let says = |found, version| {
            check_engine("f", engine_id(found), version, engine_id("stage1")).unwrap_err().to_string()
        };
        assert!(says("stage2", VERSION).contains("cargo run -p stage2"));
        assert!(says("stage1", VERSION + 1).contains("newer stage1"));
    }
}
