//! Which keys are written: the same ones for the same seed, on every machine.
//!
//! **Source** The numbers are Steele, Lea and Flood's `SplitMix64`, *Fast Splittable Pseudorandom Number Generators*, 2014.
//! The skew of [`Workload::Hot`] is the self-similar law of Gray et al., *Quickly Generating Billion-Record Synthetic
//! Databases*, 1994, which needs no logarithm and so comes out the same everywhere.

/// Which keys are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Every key once, in a random order.
    Fill,
    /// Any key, each as likely as another.
    Overwrite,
    /// Four in five writes go to a fifth of the keys, of these again four in five to a fifth of that, and so on.
    Hot,
    /// Every key once, in order.
    Ascending,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Fill, Self::Overwrite, Self::Hot, Self::Ascending];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fill => "fill",
            Self::Overwrite => "overwrite",
            Self::Hot => "hot",
            Self::Ascending => "ascending",
        }
    }

    /// Whether it writes every key once before it writes one again.
    pub fn writes_each_once(self) -> bool {
        matches!(self, Self::Fill | Self::Ascending)
    }
}

/// The keys of a workload, one after the other, without end.
#[derive(Debug)]
pub struct Keys {
    workload: Workload,
    /// How many different ones there are.
    count: u32,
    /// For `fill` the order of the keys, for `hot` which ones are hot.
    shuffled: Vec<u32>,
    at: u32,
    random: Random,
}

impl Keys {
    /// The keys of a workload on `keys` different ones, at least 1.
    pub fn new(workload: Workload, keys: u32, seed: u64) -> Self {
        let mut random = Random(seed);
        let shuffled = match workload {
            Workload::Fill | Workload::Hot => random.shuffled(keys),
            Workload::Overwrite | Workload::Ascending => Vec::new(),
        };
        Self { workload, count: keys, shuffled, at: 0, random }
    }

    /// The key to write next. What writes each key once begins again after the last.
    pub fn next_key(&mut self) -> u32 {
        let at = self.at;
        self.at = (at + 1) % self.count;
        match self.workload {
            Workload::Ascending => at,
            Workload::Fill => self.shuffled[at as usize],
            Workload::Overwrite => self.random.below(self.count),
            Workload::Hot => {
                let rank = self.rank();
                self.shuffled[rank as usize]
            }
        }
    }

    /// A number below `keys`, small ones far more often.
    fn rank(&mut self) -> u32 {
        let mut keys = self.count;
        while keys >= 5 {
            let fifth = keys / 5;
            if self.random.below(5) == 0 {
                return fifth + self.random.below(keys - fifth);
            }
            keys = fifth;
        }
        self.random.below(keys)
    }
}

/// Random numbers from a seed.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    fn below(&mut self, end: u32) -> u32 {
        // The upper half of 32 random bits times `end` is below `end`, so it fits.
        u32::try_from(((self.next() >> 32) * u64::from(end)) >> 32).unwrap_or(0)
    }

    /// The numbers below `end` in a random order.
    fn shuffled(&mut self, end: u32) -> Vec<u32> {
        let mut numbers: Vec<u32> = (0..end).collect();
        for at in (1..end).rev() {
            numbers.swap(at as usize, self.below(at + 1) as usize);
        }
        numbers
    }
}
