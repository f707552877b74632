//! One record of the keydir, as it lies in memory and, the same byte for byte, in a hint file.
//!
//! **Layout** All numbers are little-endian.
//! ```text
//!   0                           8               12           12+n       12+n+k
//!   ┌───────────────────────────┬───────────────┬────────────┬──────────┐
//!   │ offset u40, slot u24      │ frame bytes   │ key length │ key      │
//!   │ 8 bytes                   │ u31, tombstone│ varint     │ k bytes  │
//!   └───────────────────────────┴───────────────┴────────────┴──────────┘
//! ```
//! The top bit of the frame bytes says that the entry is a tombstone. A varint has seven bits in a byte, the lowest
//! first, and the high bit in every byte but its last; a key's length takes 1 to 3 bytes.
//!
//! **Invariants** No frame has 0 bytes, so a record whose frame bytes are 0 is dead: its key has left the keydir.
//!
//! **Cost** 13 bytes and the key, for a key shorter than 128 bytes.

/// Bytes of the location, in front of the key's length.
pub(crate) const LOCATION_BYTES: usize = 12;
const SLOT_SHIFT: u32 = 40;
const TOMBSTONE: u32 = 1 << 31;

/// Where a key's newest entry lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// The slot of its segment, less than 2^24. A slot means nothing in another process, so in a hint file it is 0.
    pub segment: u32,
    /// Where its frame starts in the segment, in bytes; less than 2^40.
    pub offset: u64,
    /// Bytes of its whole frame; more than 0 and less than 2^31.
    pub bytes: u32,
    /// Whether the entry says that the key was deleted.
    pub tombstone: bool,
}

// ANCHOR: location
impl Location {
    #[inline]
    fn encode(self) -> [u8; LOCATION_BYTES] {
        debug_assert!(self.segment < 1 << 24 && self.offset < 1 << SLOT_SHIFT, "{self:?} is over a limit");
        debug_assert!((1..TOMBSTONE).contains(&self.bytes), "{self:?} is over a limit");
        let place = u64::from(self.segment) << SLOT_SHIFT | self.offset;
        let frame = self.bytes | if self.tombstone { TOMBSTONE } else { 0 };
        let mut bytes = [0; LOCATION_BYTES];
        bytes[..8].copy_from_slice(&place.to_le_bytes());
        bytes[8..].copy_from_slice(&frame.to_le_bytes());
        bytes
    }

    #[inline]
    fn decode([o0, o1, o2, o3, o4, s0, s1, s2, f0, f1, f2, f3]: [u8; LOCATION_BYTES]) -> Self {
        let frame = u32::from_le_bytes([f0, f1, f2, f3]);
        Self {
            segment: u32::from_le_bytes([s0, s1, s2, 0]),
            offset: u64::from_le_bytes([o0, o1, o2, o3, o4, 0, 0, 0]),
            bytes: frame & !TOMBSTONE,
            tombstone: frame & TOMBSTONE != 0,
        }
    }
}
// ANCHOR_END: location

/// A record that is whole.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    /// All its bytes.
    pub(crate) bytes: &'a [u8],
    /// The key.
    pub(crate) key: &'a [u8],
    location: &'a [u8; LOCATION_BYTES],
}

impl<'a> Record<'a> {
    // ANCHOR: first
    /// The record that `bytes` starts with; `None` if it is not whole.
    #[inline]
    pub(crate) fn first(bytes: &'a [u8]) -> Option<Self> {
        let (location, rest) = bytes.split_first_chunk()?;
        let (key_bytes, rest) = read_varint(rest)?;
        let (key, rest) = rest.split_at_checked(key_bytes)?;
        Some(Self { bytes: &bytes[..bytes.len() - rest.len()], key, location })
    }
    // ANCHOR_END: first

    /// Where the key's newest entry lies; of a dead record nothing true.
    #[inline]
    pub(crate) fn location(&self) -> Location {
        Location::decode(*self.location)
    }

    /// Whether its key has left the keydir.
    #[inline]
    pub(crate) fn is_dead(&self) -> bool {
        self.location[8..] == [0; 4]
    }
}

/// The records that lie in `bytes` one behind the other, up to the first that is not whole.
pub(crate) fn records(mut bytes: &[u8]) -> impl Iterator<Item = Record<'_>> {
    std::iter::from_fn(move || {
        let record = Record::first(bytes)?;
        bytes = &bytes[record.bytes.len()..];
        Some(record)
    })
}

/// Bytes of the record of a key that has `key_bytes`.
#[inline]
pub(crate) fn record_bytes(key_bytes: usize) -> usize {
    let varint_bytes = match key_bytes {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        _ => 3,
    };
    LOCATION_BYTES + varint_bytes + key_bytes
}

/// Appends the record of `key` to `out`.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "takes the length apart, seven bits at a time")]
pub(crate) fn append(key: &[u8], at: Location, out: &mut Vec<u8>) {
    out.extend_from_slice(&at.encode());
    let mut length = key.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(key);
}

/// Changes the location in the record that `bytes` starts with.
#[inline]
pub(crate) fn set_location(bytes: &mut [u8], at: Location) {
    bytes[..LOCATION_BYTES].copy_from_slice(&at.encode());
}

/// Makes the record that `bytes` starts with a dead one.
pub(crate) fn kill(bytes: &mut [u8]) {
    bytes[8..LOCATION_BYTES].fill(0);
}

/// The number that `bytes` starts with, and what comes behind it.
#[inline]
fn read_varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let low = |byte: u8| usize::from(byte & 0x7f);
    match *bytes {
        [a, ref rest @ ..] if a < 0x80 => Some((low(a), rest)),
        [a, b, ref rest @ ..] if b < 0x80 => Some((low(a) | low(b) << 7, rest)),
        [a, b, c, ref rest @ ..] if c < 0x80 => Some((low(a) | low(b) << 7 | low(c) << 14, rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_at_every_edge_of_every_number() {
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for key_bytes in [0, 1, 127, 128, 16_383, 16_384, 65_535, 65_536] {
            for (segment, offset, frame) in
                [(0, 0, 1), (1, 1 << 39, 1 << 30), ((1 << 24) - 1, (1 << 40) - 1, (1 << 31) - 1)]
            {
                for tombstone in [false, true] {
                    let at = Location { segment, offset, bytes: frame, tombstone };
                    let key = vec![b'k'; key_bytes];
                    let start = bytes.len();
                    append(&key, at, &mut bytes);
                    assert_eq!(bytes.len() - start, record_bytes(key_bytes));
                    expected.push((key, at));
                }
            }
        }
        let found: Vec<_> = records(&bytes).map(|record| (record.key.to_vec(), record.location())).collect();
        assert!(found == expected);
        assert_eq!(records(&bytes).map(|record| record.bytes.len()).sum::<usize>(), bytes.len());
    }

    #[test]
    fn a_record_that_is_not_whole_is_none() {
        let at = Location { segment: 1, offset: 2, bytes: 3, tombstone: false };
        for key_bytes in [0, 5, 200, 20_000] {
            let mut bytes = Vec::new();
            append(&vec![7; key_bytes], at, &mut bytes);
            for len in (0..bytes.len()).take(40).chain([bytes.len() - 1]) {
                assert!(Record::first(&bytes[..len]).is_none(), "{len} of {}", bytes.len());
            }
        }
        assert!(Record::first(&[0xff; 64]).is_none(), "a length of more than three bytes");
    }

    #[test]
    fn a_record_changes_its_location_and_dies_in_place() {
        let at = |offset| Location { segment: 9, offset, bytes: 40, tombstone: true };
        let mut bytes = Vec::new();
        append(b"key", at(1), &mut bytes);
        set_location(&mut bytes, at(2));
        let record = Record::first(&bytes).unwrap();
        assert_eq!((record.key, record.location(), record.is_dead()), (&b"key"[..], at(2), false));
        kill(&mut bytes);
        let record = Record::first(&bytes).unwrap();
        assert_eq!((record.key, record.is_dead()), (&b"key"[..], true));
    }
}
