//! The keys and values that are written and asked for: made before the watch starts, the same for everybody.
//!
//! Keys are 16 decimal digits, as in LevelDB's `db_bench`. Key number i is written as 2i, so that an absent key, an
//! odd number, lies between present ones and has their length: nothing can tell it by its looks. Entries that a
//! workload inserts have odd numbers too, so that they come between the others. Values are slices of a pool in which
//! every piece of 100 bytes is 50 random bytes and the same again: half compressible. Which slice follows from the
//! key and from how often it was written, so a stale value is not taken for the newest.
//!
//! **Invariants**
//! 1. The same [`Sizes`] and [`Order`] give the same bytes on every machine.
//! 2. Entries are read front to back, so that the processor fetches them ahead and the loop that is timed does no
//!    work of its own.
//!
//! **Cost** 16 bytes of place and 16 bytes of key for each entry, and a quarter MiB of values.

mod random;
#[cfg(test)]
mod tests;

pub(crate) use random::{Random, Zipf, mix};

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

impl Sizes {
    /// Bytes of all keys and values.
    pub fn bytes(self) -> u64 {
        self.n * (KEY_BYTES + self.value_bytes) as u64
    }
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
    /// The same keys as drawn, with the values that an overwrite gives them.
    Redrawn,
    /// A present key at random, by Zipf's law: few keys make up most of them, spread over all.
    Hot,
    /// The same with another constant, in hundredths: from 0, all keys equally often, to 99, which is `Hot`.
    Skewed(u32),
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
        let n = sizes.n;
        let mut made = Self::none(sizes);
        let mut random = Random::new(sizes.seed ^ order.salt());
        match order {
            Order::Ascending => (0..count.min(n)).for_each(|i| made.add(sizes, i, 0)),
            Order::Shuffled(generation) => {
                let turn = random.shuffled(n);
                turn.into_iter().take(small(count)).for_each(|i| made.add(sizes, i, generation));
            }
            Order::Drawn => (0..count).for_each(|_| made.add(sizes, random.below(n), 0)),
            Order::Redrawn => (0..count).for_each(|_| made.add(sizes, random.below(n), 1)),
            Order::Hot => {
                let zipf = Zipf::spread();
                (0..count).for_each(|_| made.add(sizes, mix(zipf.rank(&mut random)) % n, 0));
            }
            Order::Skewed(hundredths) => {
                let zipf = Zipf::below(n, f64::from(hundredths) / 100.0);
                (0..count).for_each(|_| made.add(sizes, mix(zipf.rank(&mut random)) % n, 0));
            }
            Order::Absent => (0..count).for_each(|_| made.push(&decimal(2 * random.below(n) + 1), 0, 0)),
        }
        made
    }

    /// No entries yet: for who adds them one by one.
    pub fn none(sizes: Sizes) -> Self {
        Self { keys: Vec::new(), values: pool(sizes.seed, sizes.value_bytes), places: Vec::new() }
    }

    /// Adds entry number `i` with the value that it has after `generation` overwrites. The first n lie in a loaded
    /// store, the next n are there to be inserted.
    pub fn add(&mut self, sizes: Sizes, i: u64, generation: u64) {
        let starts = (self.values.len() - sizes.value_bytes) as u64;
        let value_at = mix(sizes.seed ^ mix(i ^ (generation << 48))) % starts;
        self.push(&decimal(number(sizes.n, i)), value_at, sizes.value_bytes);
    }

    /// Everything that a loaded store holds after `rewritten` keys were overwritten, in the order in which they are.
    pub fn partly_rewritten(sizes: Sizes, rewritten: u64) -> Self {
        let mut made = Self::none(sizes);
        let order = Order::Shuffled(1);
        let turn = Random::new(sizes.seed ^ order.salt()).shuffled(sizes.n);
        for (at, i) in (0..).zip(turn) {
            made.add(sizes, i, u64::from(at < rewritten));
        }
        made
    }

    /// These from number `from` on, up to number `to`.
    #[must_use]
    pub fn part(mut self, from: u64, to: u64) -> Self {
        self.places.truncate(small(to));
        self.places.drain(..small(from.min(to)));
        self
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
            Self::Drawn | Self::Redrawn => 3,
            Self::Absent => 4,
            Self::Hot | Self::Skewed(_) => 5,
        }
    }
}

/// How many loaded keys are smaller than that of entry `i`, in a store of `n`, give or take itself.
pub(crate) fn position(n: u64, i: u64) -> u64 {
    number(n, i) / 2
}

/// The number that entry `i` of a store of `n` is known by: even for those that are loaded, and odd for those that are
/// inserted later, in an order that jumps about.
fn number(n: u64, i: u64) -> u64 {
    /// A prime that is larger than every n, so that its multiples meet every remainder once.
    const STEP: u64 = 2_654_435_761;
    if i < n { 2 * i } else { 2 * ((i - n) * STEP % n) + 1 }
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
pub(crate) fn small(n: u64) -> usize {
    usize::try_from(n).expect("fits the address space")
}
