//! Operations from a seed, weighted towards trouble: few keys, many deletes, compactions and closes.
//!
//! Each seed draws its own weights first, and leaves whole kinds of operations out: a run without any compaction, or
//! without any get, reaches states that an even mixture hardly ever does.
//!
//! **Invariants** The same seed and shape give the same list, on every platform and for good: a failure is its seed.
//!
//! **Source** Groce et al., *Swarm Testing*, ISSTA 2012.

use super::{Op, Range};
use contract::Batch;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, RngExt, SeedableRng};
use std::ops::Bound;

/// How long a list is to be, and what may be in it.
#[derive(Clone, Debug)]
pub struct Shape {
    /// How many operations.
    pub ops: usize,
    /// No value is longer, in bytes; a longer key is allowed now and then where this is 64 KiB or more.
    pub largest_bytes: usize,
    /// Whether the store may be closed, dropped, killed and opened again.
    pub reopens: bool,
    /// Whether there are reads. A test that looks at everything itself needs none.
    pub reads: bool,
}

impl Default for Shape {
    /// Forty operations of every kind, with a large value now and then.
    fn default() -> Self {
        Self { ops: 40, largest_bytes: 70_000, reopens: true, reads: true }
    }
}

impl Shape {
    /// Few operations, all small, no reads: for tests that look at the store after each call to the world.
    pub fn small() -> Self {
        Self { ops: 12, largest_bytes: 64, reopens: true, reads: false }
    }

    /// A long life without reads, for a process that is killed and started again on the same directory.
    pub fn long_life() -> Self {
        Self { ops: 300, largest_bytes: 70_000, reopens: false, reads: false }
    }
}

/// The generator of all the harness's chance.
pub fn rng(seed: u64) -> impl Rng {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// The list of operations that is `seed`.
pub fn generate(seed: u64, shape: &Shape) -> Vec<Op> {
    let mut maker = Maker::new(seed, shape);
    (0..shape.ops).map(|i| maker.op(i)).collect()
}

#[derive(Clone, Copy)]
enum What {
    Put,
    Delete,
    Batch,
    PutIfAbsent,
    Get,
    Contains,
    Explain,
    Scan,
    ScanPrefix,
    Hold,
    Release,
    Sync,
    Compact,
    Step,
    Verify,
    Close,
    Drop,
    Kill,
}

/// Each kind with its weight when it is on.
const WEIGHTS: [(What, u32); 18] = [
    (What::Put, 30),
    (What::Delete, 15),
    (What::Batch, 10),
    (What::PutIfAbsent, 5),
    (What::Get, 4),
    (What::Contains, 2),
    (What::Explain, 2),
    (What::Scan, 4),
    (What::ScanPrefix, 3),
    (What::Hold, 3),
    (What::Release, 2),
    (What::Sync, 5),
    (What::Compact, 4),
    (What::Step, 6),
    (What::Verify, 1),
    (What::Close, 4),
    (What::Drop, 3),
    (What::Kill, 4),
];

impl What {
    fn reads(self) -> bool {
        use What::{Contains, Explain, Get, Hold, Release, Scan, ScanPrefix, Verify};
        matches!(self, Get | Contains | Explain | Scan | ScanPrefix | Hold | Release | Verify)
    }

    fn reopens(self) -> bool {
        matches!(self, Self::Close | Self::Drop | Self::Kill)
    }
}

/// Keys that are prefixes of each other, sort next to each other, or sit at an end of the order.
const KEYS: [&[u8]; 16] = [
    b"",
    b"\0",
    b"\0\0",
    b"a",
    b"a\0",
    b"a\0\0",
    b"aa",
    b"ab",
    b"a\xfe",
    b"a\xff",
    b"a\xff\xff",
    b"b",
    b"k",
    b"\xfe",
    b"\xff",
    b"\xff\xff",
];

/// Values that a careless format takes for something else.
const VALUES: [&[u8]; 8] = [
    b"",
    b"\0",
    b"\0\0\0\0\0\0\0\0\0\0\0\0",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"tombstone",
    b"bitcask_tombstone",
    b"\n",
    b"CLEAN",
];

/// Sizes around which buffers, pages and length fields change.
const EDGES: [usize; 6] = [128, 512, 4096, 16_384, 32_768, 65_536];

struct Maker<'a> {
    rng: Xoshiro256PlusPlus,
    shape: &'a Shape,
    keys: Vec<Vec<u8>>,
    kinds: Vec<(What, u32)>,
    total: u32,
    large: bool,
}

impl<'a> Maker<'a> {
    fn new(seed: u64, shape: &'a Shape) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let allowed = |what: What| (shape.reads || !what.reads()) && (shape.reopens || !what.reopens());
        // ANCHOR: swarm
        let mut kinds = Vec::new();
        for (what, weight) in WEIGHTS.into_iter().filter(|(what, _)| allowed(*what)) {
            // Puts stay on: a store of nothing teaches little.
            if matches!(what, What::Put) || rng.random_ratio(2, 3) {
                kinds.push((what, weight * rng.random_range(1..=4)));
            }
        }
        // ANCHOR_END: swarm
        let count = rng.random_range(1..=8);
        let keys = (0..count).map(|_| KEYS[rng.random_range(0..KEYS.len())].to_vec()).collect();
        let total = kinds.iter().map(|(_, weight)| weight).sum();
        let large = rng.random_ratio(1, 3);
        Self { rng, shape, keys, kinds, total, large }
    }

    fn op(&mut self, i: usize) -> Op {
        match self.what() {
            What::Put => Op::Put { key: self.key(), value: self.value(i) },
            What::Delete => Op::Delete { key: self.key() },
            What::Batch => Op::Batch(self.batch(i)),
            What::PutIfAbsent => Op::PutIfAbsent { key: self.key(), value: self.value(i) },
            What::Get => Op::Get { key: self.key() },
            What::Contains => Op::Contains { key: self.key() },
            What::Explain => Op::Explain { key: self.key() },
            What::Scan => Op::Scan(self.range()),
            What::ScanPrefix => Op::ScanPrefix { prefix: self.near() },
            What::Hold => Op::Hold(self.range()),
            What::Release => Op::Release,
            What::Sync => Op::Sync,
            What::Compact => Op::Compact,
            What::Step => Op::Step,
            What::Verify => Op::Verify,
            What::Close => Op::Close,
            What::Drop => Op::Drop,
            What::Kill => Op::Kill,
        }
    }

    fn what(&mut self) -> What {
        let mut ticket = self.rng.random_range(0..self.total);
        for (what, weight) in &self.kinds {
            if ticket < *weight {
                return *what;
            }
            ticket -= weight;
        }
        What::Put
    }

    fn key(&mut self) -> Vec<u8> {
        if self.large && self.rng.random_ratio(1, 40) {
            let len = self.edge().min(self.shape.largest_bytes).min(65_536);
            return vec![b'K'; len];
        }
        self.keys[self.rng.random_range(0..self.keys.len())].clone()
    }

    /// A key, or one just beside it.
    fn near(&mut self) -> Vec<u8> {
        let mut key = self.key();
        match self.rng.random_range(0..4) {
            0 => key.push(0),
            1 => drop(key.pop()),
            _ => {}
        }
        key
    }

    /// Most values are their own: `i` tells which operation wrote it, so that a test can tell old from new.
    fn value(&mut self, i: usize) -> Vec<u8> {
        let own = format!("v{i}").into_bytes();
        match self.rng.random_range(0..10) {
            0 => VALUES[self.rng.random_range(0..VALUES.len())].to_vec(),
            1 => {
                let len = self.rng.random_range(0..=64).min(self.shape.largest_bytes);
                std::iter::repeat_with(|| self.rng.random()).take(len).collect()
            }
            2 if self.large => {
                let mut value = own;
                let len = self.edge().min(self.shape.largest_bytes);
                value.resize(len, b'.');
                value
            }
            _ => own,
        }
    }

    /// A few bytes below, at or above an edge.
    fn edge(&mut self) -> usize {
        EDGES[self.rng.random_range(0..EDGES.len())] - 40 + self.rng.random_range(0..60)
    }

    fn batch(&mut self, i: usize) -> Batch {
        let mut batch = Batch::new();
        for _ in 0..self.rng.random_range(0..6) {
            let key = self.key();
            if self.rng.random_ratio(1, 3) {
                batch.delete(&key);
            } else {
                batch.put(&key, &self.value(i));
            }
        }
        batch
    }

    fn range(&mut self) -> Range {
        Range { start: self.bound(), end: self.bound() }
    }

    fn bound(&mut self) -> Bound<Vec<u8>> {
        match self.rng.random_range(0..3) {
            0 => Bound::Unbounded,
            1 => Bound::Included(self.near()),
            _ => Bound::Excluded(self.near()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_is_its_list_and_another_seed_another() {
        let shape = Shape::default();
        assert_eq!(generate(7, &shape), generate(7, &shape));
        assert_ne!(generate(7, &shape), generate(8, &shape));
    }

    #[test]
    fn every_kind_appears_and_every_kind_is_sometimes_off() {
        let shape = Shape { ops: 400, ..Shape::default() };
        let first = |op: &Op| op.to_string().split(' ').next().unwrap_or_default().to_owned();
        let per_seed: Vec<BTreeSet<String>> =
            (0..20).map(|seed| generate(seed, &shape).iter().map(first).collect()).collect();
        let all: BTreeSet<_> = per_seed.iter().flatten().cloned().collect();
        assert_eq!(all.len(), WEIGHTS.len(), "{all:?}");
        for kind in all.iter().filter(|kind| *kind != "put") {
            assert!(per_seed.iter().any(|kinds| !kinds.contains(kind)), "{kind} is never off");
        }
    }

    #[test]
    fn a_small_shape_is_small_and_only_writes() {
        for seed in 0..200 {
            for op in generate(seed, &Shape::small()) {
                assert!(op.bytes() <= 5 * (64 + 64), "{op}");
                assert!(!matches!(op, Op::Get { .. } | Op::Scan(_) | Op::Hold(_) | Op::Release), "{op}");
            }
        }
    }
}
