//! A block: some entries that stand beside each other in key order, and two ways to find one of them.
//!
//! **Layout** All numbers are little-endian.
//! ```text
//!   ┌───────┬───────┬───┬──────────┬───────────────┬─────────┐
//!   │ entry │ entry │ … │ starts   │ fingerprints  │ count   │
//!   │       │       │   │ n × u16  │ n × u8 or none│ u16     │
//!   └───────┴───────┴───┴──────────┴───────────────┴─────────┘
//!   entry:
//!   ┌──────────┬──────────────────────┬─────┬───────┐
//!   │ key len  │ 0: a tombstone, or   │ key │ value │
//!   │ varint   │ 1 + value len, varint│     │       │
//!   └──────────┴──────────────────────┴─────┴───────┘
//! ```
//! The count's high bit says whether there are fingerprints. A fingerprint is eight bits of the key's hash.
//!
//! **Invariants**
//! 1. Keys ascend strictly, and each stands here whole: nothing is put together again in order to compare or to give
//!    it out.
//! 2. An entry starts in the first 64 KiB, for a block that holds one already takes no more than fits its size. Only
//!    its last entry may be longer than that.
//! 3. Lengths and starts are checked against the bytes that are there before they are used, though the checksum
//!    matched.
//!
//! **Cost** Two bytes an entry for `starts`, one for its fingerprint. A get looks at all fingerprints at once and
//! compares the keys behind the few that match: 1.07 keys for one that is there, 0.14 for one that is not, with 35
//! entries. A seek halves `starts`.
//!
//! **Off switch** `--fingerprints off`: a get halves `starts` as well.
//!
//! **Source** The fingerprints are those of the leaves of Oukid et al., *`FPTree`*, SIGMOD 2016. They do what RocksDB's
//! hash index of a block does, in fewer bytes, and without a bucket for two.

mod build;

pub(super) use build::BlockBuilder;

use super::varint;
use contract::{MAX_KEY_BYTES, MAX_VALUE_BYTES};
use memchr::memchr_iter;
use std::cmp::Ordering;

/// Bytes of the count.
const COUNT_BYTES: usize = 2;
/// The count's bit that says that there are fingerprints.
const FINGERPRINTED: u16 = 0x8000;
/// The bytes of a block in which an entry may start.
pub(super) const MAX_BLOCK_BYTES: usize = 64 << 10;

/// Eight bits of a key's hash: others than those that choose a line of the filter.
#[expect(clippy::cast_possible_truncation, reason = "takes eight bits")]
#[inline]
pub(super) fn fingerprint(hash: u64) -> u8 {
    (hash >> 24) as u8
}

/// The value of an entry; `None` for a tombstone.
pub(super) type Value<'a> = Option<&'a [u8]>;

/// The parts of a block's payload.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    entries: &'a [u8],
    starts: &'a [[u8; 2]],
    fingerprints: Option<&'a [u8]>,
}

/// Where an entry lies in a payload, in bytes from its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    /// Where its key starts.
    pub(super) key_at: usize,
    /// Where its key ends and its value starts.
    pub(super) value_at: usize,
    /// Where its value ends.
    pub(super) end: usize,
    /// It has no value.
    pub(super) tombstone: bool,
}

impl<'a> Block<'a> {
    // ANCHOR: parse
    /// The parts of a payload, or why it is none.
    #[inline]
    pub(super) fn parse(payload: &'a [u8]) -> Result<Self, &'static str> {
        const SHORT: &str = "a block that is shorter than its count says";
        let (rest, count) = payload.split_last_chunk::<COUNT_BYTES>().ok_or(SHORT)?;
        let count = u16::from_le_bytes(*count);
        let entries = usize::from(count & !FINGERPRINTED);
        if entries == 0 {
            return Err("a block of nothing");
        }
        let (rest, fingerprints) = if count & FINGERPRINTED == 0 {
            (rest, None)
        } else {
            let (rest, fingerprints) =
                rest.split_at_checked(rest.len().wrapping_sub(entries)).ok_or(SHORT)?;
            (rest, Some(fingerprints))
        };
        let (rest, starts) = rest.split_at_checked(rest.len().wrapping_sub(2 * entries)).ok_or(SHORT)?;
        Ok(Self { entries: rest, starts: starts.as_chunks().0, fingerprints })
    }
    // ANCHOR_END: parse

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Bytes of all entries: where the first stands that is not there.
    pub(super) fn entry_bytes(&self) -> usize {
        self.entries.len()
    }

    /// Where entry number `i` starts.
    #[inline]
    fn start(&self, i: usize) -> Result<usize, &'static str> {
        self.starts.get(i).map(|start| usize::from(u16::from_le_bytes(*start))).ok_or("no such entry")
    }

    /// The fingerprint of entry number `i`.
    pub(super) fn fingerprint(&self, i: usize) -> Option<u8> {
        self.fingerprints?.get(i).copied()
    }

    /// Entry number `i`.
    #[inline]
    pub(super) fn spot(&self, i: usize) -> Result<Spot, &'static str> {
        Spot::parse(self.entries, self.start(i)?)
    }

    /// The key at a spot.
    #[inline]
    pub(super) fn key(&self, spot: Spot) -> &'a [u8] {
        self.entries.get(spot.key_at..spot.value_at).unwrap_or_default()
    }

    /// The value at a spot; `None` for a tombstone.
    #[inline]
    pub(super) fn value(&self, spot: Spot) -> Value<'a> {
        (!spot.tombstone).then(|| self.entries.get(spot.value_at..spot.end).unwrap_or_default())
    }

    // ANCHOR: get
    /// The entry of `key`, whose hash is `hash`: `None` if there is none, `Some(None)` for a tombstone.
    #[inline]
    pub(super) fn get(&self, key: &[u8], hash: u64) -> Result<Option<Value<'a>>, &'static str> {
        let Some(fingerprints) = self.fingerprints else {
            let (i, found) = self.seek(key)?;
            return if found { self.spot(i).map(|spot| Some(self.value(spot))) } else { Ok(None) };
        };
        for i in memchr_iter(fingerprint(hash), fingerprints) {
            let spot = self.spot(i)?;
            if self.key(spot) == key {
                return Ok(Some(self.value(spot)));
            }
        }
        Ok(None)
    }
    // ANCHOR_END: get

    // ANCHOR: seek
    /// The number of the first entry whose key is not less than `key`, and whether it is that very key.
    pub(super) fn seek(&self, key: &[u8]) -> Result<(usize, bool), &'static str> {
        let (mut from, mut to, mut found) = (0, self.len(), false);
        while from < to {
            let middle = from.midpoint(to);
            match self.key(self.spot(middle)?).cmp(key) {
                Ordering::Less => from = middle + 1,
                order => (to, found) = (middle, found || order == Ordering::Equal),
            }
        }
        Ok((from, found))
    }
    // ANCHOR_END: seek
}

impl Spot {
    /// The entry of a block that starts at `start`.
    pub(super) fn parse_at(block: &Block<'_>, start: usize) -> Result<Self, &'static str> {
        Self::parse(block.entries, start)
    }

    // ANCHOR: spot
    /// The entry that starts at `start`, among entries that end with `entries`.
    #[inline]
    pub(super) fn parse(entries: &[u8], start: usize) -> Result<Self, &'static str> {
        // Most lengths take one byte each.
        let head = entries.get(start..).unwrap_or_default();
        let (key_bytes, value_code, head_bytes) = match *head {
            [key, value, ..] if key | value < 0x80 => (u64::from(key), u64::from(value), 2),
            _ => long_head(head)?,
        };
        if key_bytes > MAX_KEY_BYTES || value_code > 1 + MAX_VALUE_BYTES {
            return Err("an entry whose lengths are over their limits");
        }
        let key_at = start + head_bytes;
        let value_at = key_at + small(key_bytes);
        let end = value_at + small(value_code.saturating_sub(1));
        if end > entries.len() {
            return Err("an entry that goes beyond its block");
        }
        Ok(Self { key_at, value_at, end, tombstone: value_code == 0 })
    }
    // ANCHOR_END: spot
}

#[cold]
fn long_head(head: &[u8]) -> Result<(u64, u64, usize), &'static str> {
    let (key, key_head) = varint::take(head).ok_or("an entry that ends within its lengths")?;
    let (value, value_head) =
        varint::take(&head[key_head..]).ok_or("an entry that ends within its lengths")?;
    Ok((key, value, key_head + value_head))
}

/// A length that was checked against its limit.
#[expect(clippy::cast_possible_truncation, reason = "checked lengths are far below 2^32")]
fn small(bytes: u64) -> usize {
    bytes as usize
}
