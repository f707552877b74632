//! The keys and values that are written and asked for: made before the watch starts, the same for everybody.
//!
//! Keys are 16 decimal digits, as in LevelDB's `db_bench`. Key number i is written as 2i, so that an absent key, an
//! odd number, lies between present ones and has their length: nothing can tell it by its looks. Values are slices
//! of a pool in which every piece of 100 bytes is 50 random bytes and the same again: half compressible. Which slice
//! follows from the key and from how often it was written, so a stale value is not taken for the newest.
//!
//! **Invariants**
//! 1. The same [`Sizes`] and [`Order`] give the same bytes on every machine.
//! 2. Entries are read front to back, so that the processor fetches them ahead and the loop that is timed does no
//!    work of its own.
//!
//! **Cost** 16 bytes of place and 16 bytes of key for each entry, and a quarter MiB of values.
//!
//! **Source** Steele, Lea, Flood, *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014 (the generator).

use serde::{Deserialize, Serialize};

/// Length of a generated key, in bytes.
pub const KEY_BYTES: usize = 16;
const POOL_BYTES: usize = 256 << 10;

/// How much is written, and from which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// How many entries.
    pub n: u64,
    /// Length of a value, in bytes.
    pub value_bytes: usize,
    /// Where all randomness comes from.
    pub seed: u64,
}

/// In which order keys come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Ascending.
    Ascending,
    /// Every key once, shuffled. The number is the generation: how often each key was written before.
    Shuffled(u64),
    /// A present key at random, some of them often.
    Drawn,
    /// An absent key at random, between present ones.
    Absent,
}

/// A sequence of keys, each with its value.
pub struct Entries {
    keys: Vec<u8>,
    values: Vec<u8>,
    places: Vec<Place>,
}

#[derive(Clone, Copy)]
struct Place {
    key_at: u32,
    value_at: u32,
    value_bytes: u32,
    key_bytes: u32,
}

impl Entries {
    /// `count` entries out of `sizes.n`, in this order. Where every key comes once, `count` is at most `sizes.n`.
    pub fn new(sizes: Sizes, order: Order, count: u64) -> Self {
        let Sizes { n, value_bytes, seed } = sizes;
        let values = pool(seed, value_bytes);
        let mut made = Self { keys: Vec::new(), values, places: Vec::new() };
        let starts = (made.values.len() - value_bytes) as u64;
        let mut random = Random::new(seed ^ order.salt());
        let mut push = |i: u64, generation: u64, number: u64| {
            let value_at = mix(seed ^ mix(i ^ (generation << 48))) % starts;
            made.push(&decimal(number), value_at, value_bytes);
        };
        match order {
            Order::Ascending => (0..count.min(n)).for_each(|i| push(i, 0, 2 * i)),
            Order::Shuffled(generation) => {
                let turn = random.shuffled(n);
                turn.into_iter().take(small(count)).for_each(|i| push(i, generation, 2 * i));
            }
            Order::Drawn => (0..count).for_each(|_| {
                let i = random.below(n);
                push(i, 0, 2 * i);
            }),
            Order::Absent => (0..count).for_each(|_| {
                let i = random.below(n);
                push(i, 0, 2 * i + 1);
            }),
        }
        made
    }

    /// The cities of the world, in the order of the file.
    ///
    /// Fails only if the file that was compiled in is not lines of a key, a tab and a value.
    pub fn cities() -> anyhow::Result<Self> {
        let mut made = Self { keys: Vec::new(), values: Vec::new(), places: Vec::new() };
        for line in include_str!("../data/cities.tsv").lines() {
            let (key, value) = line.split_once('\t').ok_or_else(|| anyhow::anyhow!("no tab in «{line}»"))?;
            let value_at = made.values.len() as u64;
            made.values.extend_from_slice(value.as_bytes());
            made.push(key.as_bytes(), value_at, value.len());
        }
        Ok(made)
    }

    /// `count` of these entries, drawn at random.
    #[must_use]
    pub fn drawn(&self, seed: u64, count: u64) -> Self {
        let mut random = Random::new(seed ^ Order::Drawn.salt());
        let n = self.len();
        let mut made = Self { keys: Vec::new(), values: self.values.clone(), places: Vec::new() };
        for _ in 0..count {
            let i = random.below(n);
            let value = self.places[small(i)];
            made.push(self.key(i), u64::from(value.value_at), value.value_bytes as usize);
        }
        made
    }

    /// How many entries.
    pub fn len(&self) -> u64 {
        self.places.len() as u64
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Key number `i`. Panics if there is none.
    pub fn key(&self, i: u64) -> &[u8] {
        let place = self.places[small(i)];
        &self.keys[place.key_at as usize..][..place.key_bytes as usize]
    }

    /// Value number `i`. Panics if there is none.
    pub fn value(&self, i: u64) -> &[u8] {
        let place = self.places[small(i)];
        &self.values[place.value_at as usize..][..place.value_bytes as usize]
    }

    /// Bytes of all keys and values.
    pub fn bytes(&self) -> u64 {
        self.places.iter().map(|place| u64::from(place.key_bytes) + u64::from(place.value_bytes)).sum()
    }

    fn push(&mut self, key: &[u8], value_at: u64, value_bytes: usize) {
        let place = |n: u64| u32::try_from(n).expect("less than 4 GiB of keys and of values");
        self.places.push(Place {
            key_at: place(self.keys.len() as u64),
            key_bytes: place(key.len() as u64),
            value_at: place(value_at),
            value_bytes: place(value_bytes as u64),
        });
        self.keys.extend_from_slice(key);
    }
}

impl Order {
    /// Different orders of the same seed are unrelated.
    fn salt(self) -> u64 {
        match self {
            Self::Ascending => 1,
            Self::Shuffled(generation) => 2 + (generation << 8),
            Self::Drawn => 3,
            Self::Absent => 4,
        }
    }
}

/// A number as 16 decimal digits, so that the order of bytes is the order of numbers.
fn decimal(mut number: u64) -> [u8; KEY_BYTES] {
    let mut digits = [b'0'; KEY_BYTES];
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(number % 10).expect("a digit");
        number /= 10;
    }
    digits
}

/// Random bytes, each piece of 50 written twice. Longer than a value by what lets values start in many places.
fn pool(seed: u64, value_bytes: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut pool = Vec::with_capacity(POOL_BYTES + value_bytes + 100);
    while pool.len() < POOL_BYTES + value_bytes {
        let piece: [u8; 50] =
            std::array::from_fn(|_| b' ' + u8::try_from(random.below(95)).expect("below 95"));
        pool.extend_from_slice(&piece);
        pool.extend_from_slice(&piece);
    }
    pool
}

/// Counts here fit the memory that holds what they count.
fn small(n: u64) -> usize {
    usize::try_from(n).expect("fits the address space")
}

/// A seeded generator (SplitMix64): a counter, mixed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// A number below `n`, which is not 0. The bias is below one in 2^32 for the counts used here.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0) % n
    }

    /// The numbers below `n`, shuffled (Fisher and Yates).
    fn shuffled(&mut self, n: u64) -> Vec<u64> {
        let mut numbers: Vec<u64> = (0..n).collect();
        for last in (1..numbers.len()).rev() {
            numbers.swap(last, small(self.below(last as u64 + 1)));
        }
        numbers
    }
}

/// Spreads a number over 64 bits, so that neighbours have nothing in common.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const SIZES: Sizes = Sizes { n: 1000, value_bytes: 100, seed: 7 };

    fn pairs(entries: &Entries) -> Vec<(&[u8], &[u8])> {
        (0..entries.len()).map(|i| (entries.key(i), entries.value(i))).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_on_every_machine() {
        let entries = Entries::new(SIZES, Order::Shuffled(0), 1000);
        let sum = pairs(&entries).iter().fold(0, |sum, (key, value)| {
            mix(sum ^ u64::from(crc_fast::crc32_iscsi(&[*key, *value].concat())))
        });
        assert_eq!(sum, 10_747_260_639_558_679_276);
        let other = Entries::new(Sizes { seed: 8, ..SIZES }, Order::Shuffled(0), 1000);
        assert_ne!(pairs(&entries), pairs(&other));
    }

    #[test]
    fn keys_are_decimal_and_missing_ones_lie_between_them() {
        let ascending = Entries::new(SIZES, Order::Ascending, 1000);
        assert_eq!(ascending.key(0), b"0000000000000000");
        assert_eq!(ascending.key(999), b"0000000000001998");
        assert!((1..1000).all(|i| ascending.key(i - 1) < ascending.key(i)));
        let present: BTreeSet<_> = pairs(&ascending).into_iter().map(|(key, _)| key).collect();
        let absent = Entries::new(SIZES, Order::Absent, 5000);
        assert!(pairs(&absent).iter().all(|(key, _)| !present.contains(key) && key.len() == KEY_BYTES));
        let drawn = Entries::new(SIZES, Order::Drawn, 5000);
        assert!(pairs(&drawn).iter().all(|(key, _)| present.contains(key)));
    }

    #[test]
    fn every_key_comes_once_shuffled_and_values_follow_key_and_generation() {
        let of = |order| Entries::new(SIZES, order, 1000);
        let (ascending, first, second) =
            (of(Order::Ascending), of(Order::Shuffled(0)), of(Order::Shuffled(1)));
        let sorted = |entries| {
            let mut pairs = pairs(entries);
            pairs.sort_unstable();
            pairs.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect::<Vec<_>>()
        };
        assert_ne!(pairs(&first), pairs(&ascending));
        assert_eq!(sorted(&first), sorted(&ascending));
        let same = sorted(&first).iter().zip(sorted(&second)).filter(|(a, b)| a.1 == b.1).count();
        assert!(same < 10, "{same} of 1000 values did not change when they were overwritten");
    }

    #[test]
    fn values_are_half_compressible() {
        let pool = pool(7, 100);
        assert!(pool.chunks_exact(100).all(|piece| piece[..50] == piece[50..]));
        let distinct: BTreeSet<_> = pool.chunks_exact(100).collect();
        assert_eq!(distinct.len(), pool.len() / 100);
    }

    #[test]
    fn cities_are_whole() -> anyhow::Result<()> {
        let cities = Entries::cities()?;
        assert_eq!(cities.len(), 32_966);
        let tokyo = (0..cities.len()).find(|&i| cities.key(i) == b"JP/Tokyo");
        assert!(cities.value(tokyo.expect("JP/Tokyo")).ends_with(br#""tz":"Asia/Tokyo"}"#));
        let keys: BTreeSet<_> = pairs(&cities).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys.len(), 32_966);
        let drawn = cities.drawn(1, 100);
        assert!(
            pairs(&drawn).iter().all(|(key, value)| keys.contains(key) && value.starts_with(b"{\"id\":"))
        );
        Ok(())
    }
}
