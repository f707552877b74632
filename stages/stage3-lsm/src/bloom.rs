//! The filter: says of most keys that are not in a table that they are not, without reading the table.
//!
//! **Layout** Lines of 64 bytes, each a set of 512 bits; bit i is bit i % 8 of byte i / 8. How many bits a key sets, the
//! *probes*, stands in the table's footer.
//! ```text
//!   ┌─────────────────┬─────────────────┬───┬─────────────────┐
//!   │ line 0, 64 bytes│ line 1          │ … │ line n-1        │
//!   └─────────────────┴─────────────────┴───┴─────────────────┘
//! ```
//! A key's hash h chooses line ⌊(h >> 32) · n / 2³²⌋. Its bits are the top nine bits of h·φ, h·φ², h·φ³, …, where φ is
//! the odd number nearest to 2⁶⁴ over the golden ratio.
//!
//! **Invariants**
//! 1. No key that was put in is ever denied. The checksum of all lines stands in the footer and is compared before the
//!    first question, for a bit that was lost would hide a key: damage is an error and never a «no».
//! 2. The hash never changes with a version of this code, a platform or a process: it stands in files.
//!
//! **Cost** One cache line for a question, whatever the answer. Of absent keys it lets pass about 1.0 % with 10 bits a
//! key, and about 0.4 % with 12: a little more than a filter that spreads over all lines, 0.8 % and 0.3 %, since some lines
//! are fuller than others.
//!
//! **Off switch** `--filter-bits 0`: no filter is written, and every question is answered with «perhaps».
//!
//! **Source** Bloom, *Space/Time Trade-offs in Hash Coding with Allowable Errors*, 1970; Putze, Sanders, Singler,
//! *Cache-, Hash- and Space-Efficient Bloom Filters*, 2007, for the one line.

/// Bytes of a line.
pub const LINE_BYTES: usize = 64;
/// The most bits a key that an option may ask for.
pub const MAX_BITS_PER_KEY: u32 = 64;

/// The most bits that one key sets.
const MAX_PROBES: u8 = 16;
/// 2⁶⁴ over the golden ratio.
const PHI: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of a key: computed once for a get, and asked of every filter.
#[inline]
pub fn hash(key: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(key)
}

/// A line, where the processor wants it.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line([u64; 8]);

/// A filter that is being filled or asked.
pub struct Filter {
    lines: Vec<Line>,
    probes: u8,
}

impl Filter {
    /// A filter of nothing that has room for `keys` keys. With 0 bits a key it is none.
    pub fn new(keys: u64, bits_per_key: u32) -> Self {
        let lines = usize::try_from(filter_bytes(keys, bits_per_key)).unwrap_or(usize::MAX) / LINE_BYTES;
        let probes = if lines == 0 { 0 } else { probes(bits_per_key) };
        Self { lines: vec![Line([0; 8]); lines], probes }
    }

    /// The filter in these bytes, whose checksum was compared; or what they cannot be.
    pub fn decode(bytes: &[u8], probes: u8) -> Result<Self, &'static str> {
        let (lines, rest) = bytes.as_chunks::<LINE_BYTES>();
        if !rest.is_empty() {
            return Err("a filter that is not whole lines");
        }
        if probes > MAX_PROBES || (probes == 0) != lines.is_empty() {
            return Err("a number of probes that no filter has");
        }
        Ok(Self { lines: lines.iter().map(Line::decode).collect(), probes })
    }

    // ANCHOR: insert
    /// Puts a key in, by its hash.
    pub fn insert(&mut self, hash: u64) {
        let line = self.line_of(hash);
        if let Some(Line(words)) = self.lines.get_mut(line) {
            for bit in bits(hash, self.probes) {
                words[bit / 64] |= 1 << (bit % 64);
            }
        }
    }
    // ANCHOR_END: insert

    // ANCHOR: may_contain
    /// Whether a key may be there: false is certain.
    #[inline]
    pub fn may_contain(&self, hash: u64) -> bool {
        let Some(Line(words)) = self.lines.get(self.line_of(hash)) else { return true };
        // Every bit is looked at, also after one that is missing: a branch that is guessed wrong costs more.
        bits(hash, self.probes).fold(1, |all, bit| all & (words[bit / 64] >> (bit % 64))) == 1
    }
    // ANCHOR_END: may_contain

    /// The bytes of all lines.
    pub fn encode(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|line| line.0).flat_map(u64::to_le_bytes).collect()
    }

    /// How many bits a key sets.
    pub fn probes(&self) -> u8 {
        self.probes
    }

    /// Bytes of memory that it takes.
    pub fn bytes(&self) -> u64 {
        (self.lines.capacity() * LINE_BYTES) as u64
    }

    // ANCHOR: line_of
    #[inline]
    fn line_of(&self, hash: u64) -> usize {
        (((hash >> 32) * self.lines.len() as u64) >> 32) as usize
    }
    // ANCHOR_END: line_of
}

impl Line {
    fn decode(bytes: &[u8; LINE_BYTES]) -> Self {
        let mut words = [0; 8];
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        Self(words)
    }
}

/// How large a filter of so many keys is, in bytes.
pub fn filter_bytes(keys: u64, bits_per_key: u32) -> u64 {
    let bits = keys.saturating_mul(u64::from(bits_per_key.min(MAX_BITS_PER_KEY)));
    // A line is found with 32 bits of the hash, so there are no more lines than that.
    bits.div_ceil(LINE_BYTES as u64 * 8).min(u64::from(u32::MAX)) * LINE_BYTES as u64
}

// ANCHOR: probes
/// How many bits a key sets: a little less than the ln 2 · bits of a filter that is not cut into lines, for in the full
/// lines, which let most pass, fewer are better.
#[expect(clippy::cast_possible_truncation, reason = "at most 16")]
fn probes(bits_per_key: u32) -> u8 {
    ((bits_per_key.min(MAX_BITS_PER_KEY) * 3 + 2) / 5).clamp(1, u32::from(MAX_PROBES)) as u8
}
// ANCHOR_END: probes

// ANCHOR: bits
/// The bits of a key in its line.
#[inline]
fn bits(hash: u64, probes: u8) -> impl Iterator<Item = usize> {
    let mut mixed = hash;
    (0..probes).map(move |_| {
        mixed = mixed.wrapping_mul(PHI);
        (mixed >> 55) as usize
    })
}
// ANCHOR_END: bits

#[cfg(test)]
mod tests;
