//! The frame: how one entry lies in a log, and how a reader knows that it is whole, unchanged and in its place.
//!
//! **Layout** All numbers are little-endian.
//! ```text
//!   0        4     5         8            12          12+k        12+k+v
//!   ┌────────┬─────┬─────────┬────────────┬───────────┬───────────┐
//!   │checksum│ tag │ key len │ value len  │ key       │ value     │   an entry
//!   │  u32   │ u8  │   u24   │    u32     │ k bytes   │ v bytes   │
//!   └────────┴─────┴─────────┴────────────┴───────────┴───────────┘
//!   ┌────────┬─────┬──────────────────────┬───────────┐
//!   │checksum│  3  │ "strataF"            │ floor u64 │               a floor, 20 bytes
//!   └────────┴─────┴──────────────────────┴───────────┘
//! ```
//! The tag's low bits are the kind: 1 a put, 2 a tombstone, 3 a floor. Its high bit is `MORE`: the batch goes on in
//! the next frame. Kind 0 does not exist, so zeros are never a frame.
//!
//! **Invariants**
//! 1. The checksum covers every byte after itself, so no length, tag, key or value is believed before it matches.
//! 2. It is mixed with the frame's place, the number of its file and its offset, so a good frame in the wrong place
//!    is not a frame: not one from another file, not one left by an older file in the same blocks, not one that a
//!    caller stored as a value.
//! 3. Lengths are checked against their limits and against the bytes that are there before they are used.
//!
//! **Cost** 12 bytes an entry. Moving a verified entry re-mixes its checksum and reads nothing again.
//!
//! **Source** LevelDB's log format, for a checksum over everything; the place in the checksum answers a RocksDB bug
//! of 2023 (blocks well-formed but misplaced passed), mended there with its table format 6.

use contract::{Entry, MAX_KEY_BYTES, MAX_VALUE_BYTES};

/// Bytes of a frame before its key.
pub const HEAD_BYTES: usize = 12;
/// Bytes of a floor.
pub const FLOOR_BYTES: usize = 20;

const PUT: u8 = 1;
const TOMBSTONE: u8 = 2;
const FLOOR: u8 = 3;
const MORE: u8 = 0x80;
/// What stands in a floor after its checksum: its tag, and seven bytes in place of the lengths.
pub(crate) const FLOOR_MARK: [u8; 8] = *b"\x03strataF";

/// Where a frame lies: what its checksum is mixed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of its file.
    pub file: u64,
    /// Its offset in that file, in bytes.
    pub offset: u64,
}

impl Place {
    // ANCHOR: mix
    /// Mixes a checksum with this place; a second time takes the place out again.
    #[inline]
    pub fn mix(self, checksum: u32) -> u32 {
        // Two odd constants spread both numbers over the upper half of the product.
        let spread = self
            .offset
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add(self.file.wrapping_mul(0xd1b5_4a32_d192_ed03));
        checksum ^ (spread >> 32) as u32
    }
    // ANCHOR_END: mix
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A key and its value.
    Put,
    /// A deleted key.
    Tombstone,
    /// Everything before an offset is on the device.
    Floor,
}

/// The first twelve bytes of a frame. Plausible, not yet verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// What it is.
    pub kind: Kind,
    /// The batch goes on in the next frame.
    pub more: bool,
    /// Bytes of the key.
    pub key_bytes: u32,
    /// Bytes of the value; of a floor, of its number.
    pub value_bytes: u32,
}

impl Head {
    // ANCHOR: parse
    /// Reads a head, or says why these bytes are none.
    #[inline]
    pub fn parse(bytes: &[u8; HEAD_BYTES]) -> Result<Self, &'static str> {
        let [_, _, _, _, tag, k0, k1, k2, v0, v1, v2, v3] = *bytes;
        let kind = match tag & !MORE {
            PUT => Kind::Put,
            TOMBSTONE => Kind::Tombstone,
            FLOOR if bytes[4..] == FLOOR_MARK => {
                return Ok(Self { kind: Kind::Floor, more: false, key_bytes: 0, value_bytes: 8 });
            }
            0 => return Err("no frame: kind 0"),
            _ => return Err("no frame: unknown kind"),
        };
        let key_bytes = u32::from_le_bytes([k0, k1, k2, 0]);
        let value_bytes = u32::from_le_bytes([v0, v1, v2, v3]);
        if u64::from(key_bytes) > MAX_KEY_BYTES {
            return Err("no frame: key length over its limit");
        }
        if u64::from(value_bytes) > MAX_VALUE_BYTES || (kind == Kind::Tombstone && value_bytes > 0) {
            return Err("no frame: value length over its limit");
        }
        Ok(Self { kind, more: tag & MORE != 0, key_bytes, value_bytes })
    }
    // ANCHOR_END: parse

    /// Bytes of the whole frame.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "no frame is empty")]
    pub fn len(&self) -> usize {
        self.key_end() + self.value_bytes as usize
    }

    /// Where the key ends and the value begins, in bytes from the frame's start.
    #[inline]
    pub fn key_end(&self) -> usize {
        HEAD_BYTES + self.key_bytes as usize
    }
}

/// A verified frame: its head and all its bytes. Outside this crate only [`verify`](Self::verify) makes one, so having
/// one is the proof.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    pub(crate) head: Head,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    // ANCHOR: verify
    /// The frame at the start of `bytes`, if it is whole and its checksum says that it belongs in `place`.
    #[inline]
    pub fn verify(bytes: &'a [u8], place: Place) -> Result<Self, &'static str> {
        let head = bytes.first_chunk().ok_or("no frame: the file ends within its head")?;
        Self::verify_body(Head::parse(head)?, bytes, place)
    }

    /// The same where the head has been read already.
    #[inline]
    pub(crate) fn verify_body(head: Head, bytes: &'a [u8], place: Place) -> Result<Self, &'static str> {
        let bytes = bytes.get(..head.len()).ok_or("no frame: the file ends within it")?;
        if place.mix(stored_checksum(bytes)) != checksum(&bytes[4..]) {
            return Err("checksum mismatch");
        }
        Ok(Self { head, bytes })
    }
    // ANCHOR_END: verify

    /// Its head.
    pub fn head(&self) -> Head {
        self.head
    }

    /// All its bytes, checksum included.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The key.
    #[inline]
    pub fn key(&self) -> &'a [u8] {
        &self.bytes[HEAD_BYTES..self.head.key_end()]
    }

    /// The value; `None` for a tombstone.
    #[inline]
    pub fn value(&self) -> Option<&'a [u8]> {
        (self.head.kind == Kind::Put).then(|| &self.bytes[self.head.key_end()..])
    }

    /// The entry in it; `None` for a floor.
    pub fn entry(&self) -> Option<Entry<'a>> {
        (self.head.kind != Kind::Floor).then(|| Entry { key: self.key(), value: self.value() })
    }

    /// The offset that a floor states; `None` for an entry.
    pub fn floor(&self) -> Option<u64> {
        let number = self.bytes.get(HEAD_BYTES..FLOOR_BYTES)?.try_into().ok()?;
        (self.head.kind == Kind::Floor).then(|| u64::from_le_bytes(number))
    }

    /// Its checksum as it lies in the file.
    pub fn checksum(&self) -> u32 {
        stored_checksum(self.bytes)
    }
}

/// CRC-32C: what every file of every stage is checked with.
#[inline]
pub fn checksum(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// The first four bytes of a frame.
#[inline]
pub(crate) fn stored_checksum(frame: &[u8]) -> u32 {
    frame.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

// ANCHOR: move_to
/// Changes a whole frame's checksum from the place it was verified in to the place it moves to. `from` is `None`
/// for a frame that has had no place yet.
#[inline]
pub fn move_to(frame: &mut [u8], from: Option<Place>, to: Place) {
    let stored = stored_checksum(frame);
    let bare = from.map_or(stored, |place| place.mix(stored));
    frame[..4].copy_from_slice(&to.mix(bare).to_le_bytes());
}
// ANCHOR_END: move_to

// ANCHOR: encode
/// Appends the frame of an entry to `out`, with its checksum not yet mixed with a place: this is the part of the
/// work that needs no lock.
#[expect(clippy::cast_possible_truncation, reason = "callers have checked the entry against the limits")]
pub fn encode(entry: Entry<'_>, more: bool, out: &mut Vec<u8>) {
    let (kind, value) = match entry.value {
        Some(value) => (PUT, value),
        None => (TOMBSTONE, &[][..]),
    };
    let tag = if more { kind | MORE } else { kind };
    let mut head = [0; HEAD_BYTES];
    head[4..8].copy_from_slice(&(u32::from(tag) | (entry.key.len() as u32) << 8).to_le_bytes());
    head[8..].copy_from_slice(&(value.len() as u32).to_le_bytes());
    let start = out.len();
    out.reserve(HEAD_BYTES + entry.key.len() + value.len());
    out.extend_from_slice(&head);
    out.extend_from_slice(entry.key);
    out.extend_from_slice(value);
    let sum = checksum(&out[start + 4..]);
    out[start..start + 4].copy_from_slice(&sum.to_le_bytes());
}
// ANCHOR_END: encode

/// The floor that says at `place`: everything before offset `durable` is on the device.
pub fn floor(durable: u64, place: Place) -> [u8; FLOOR_BYTES] {
    let mut bytes = [0; FLOOR_BYTES];
    bytes[4..12].copy_from_slice(&FLOOR_MARK);
    bytes[12..].copy_from_slice(&durable.to_le_bytes());
    let sum = checksum(&bytes[4..]);
    bytes[..4].copy_from_slice(&place.mix(sum).to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place = Place { file: 7, offset: 64 };

    fn framed(key: &[u8], value: Option<&[u8]>, more: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(Entry { key, value }, more, &mut bytes);
        move_to(&mut bytes, None, HERE);
        bytes
    }

    #[test]
    fn a_frame_is_laid_out_as_drawn() {
        let mut bytes = b"before".to_vec();
        encode(Entry { key: b"key", value: Some(b"value") }, false, &mut bytes);
        encode(Entry { key: b"k", value: None }, true, &mut bytes);
        let drawn = [&b"\x01\x03\0\0\x05\0\0\0keyvalue"[..], b"\x82\x01\0\0\0\0\0\0k"];
        let mut rest = bytes.strip_prefix(b"before").expect("what was there stays");
        for drawn in drawn {
            let (sum, behind) = rest.split_at_checked(4).expect("the checksum takes four bytes");
            assert!(behind.starts_with(drawn), "behind the checksum stand {drawn:02x?}, not {behind:02x?}");
            assert_eq!(sum, checksum(drawn).to_le_bytes(), "the checksum of all that stands behind it");
            rest = &behind[drawn.len()..];
        }
        assert!(rest.is_empty(), "and nothing more: {rest:02x?}");
    }

    #[test]
    fn an_entry_comes_back_as_it_was() {
        for (key, value) in [(&b"k"[..], Some(&b"v"[..])), (b"", Some(b"")), (b"gone", None), (b"", None)] {
            for more in [false, true] {
                let bytes = framed(key, value, more);
                let frame = Frame::verify(&bytes, HERE).unwrap();
                assert_eq!(frame.entry(), Some(Entry { key, value }));
                assert_eq!((frame.head.more, frame.floor()), (more, None));
                assert_eq!(bytes.len(), HEAD_BYTES + key.len() + value.unwrap_or_default().len());
            }
        }
    }

    // ANCHOR: flips
    #[test]
    fn no_flipped_bit_and_no_missing_byte_is_believed() {
        for good in [framed(b"key", Some(b"value"), true), floor(64, HERE).to_vec()] {
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                assert!(Frame::verify(&bad, HERE).is_err(), "bit {bit}");
            }
            for len in 0..good.len() {
                assert!(Frame::verify(&good[..len], HERE).is_err(), "length {len}");
            }
        }
    }
    // ANCHOR_END: flips

    #[test]
    fn a_frame_is_good_only_in_its_place() {
        let mut bytes = framed(b"key", Some(b"value"), false);
        for (file, offset) in [(7, 65), (7, 64 + (1 << 32)), (8, 64), (64, 7), (0, 0)] {
            assert!(Frame::verify(&bytes, Place { file, offset }).is_err());
        }
        let there = Place { file: 8, offset: 4096 };
        move_to(&mut bytes, Some(HERE), there);
        assert!(Frame::verify(&bytes, there).is_ok());
    }

    #[test]
    fn zeros_and_forged_lengths_are_no_frame() {
        assert!(Frame::verify(&[0; 64], HERE).is_err());
        let mut forged = framed(b"key", Some(b"value"), false);
        forged[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(Frame::verify(&forged, HERE).is_err());
    }
}
