//! The block cache: blocks that were read and verified, kept until their room is needed.
//!
//! **Invariants**
//! 1. What is in the cache was verified when it came in, is decompressed, and never changes: tables never do, and the
//!    number of a table is never given to another.
//! 2. The blocks in it and their keeping take no more than the bytes it was made with. A block that is larger than its
//!    shard's share is not kept.
//! 3. The same questions in the same order leave the same blocks in it, in every process and on every machine.
//!
//! **Cost** A hit is a hash, one shard's read lock and a shared owner more. A new block goes in front of a queue, and
//! must be asked for again to outlive those that come after it: a long scan does not empty the cache.
//!
//! **Off switch** `--cache-bytes 0`.
//!
//! **Source** Yang et al., *FIFO Queues are All You Need for Cache Eviction*, SOSP 2023: S3-FIFO, as the library
//! `quick_cache` has it.

use bytes::Bytes;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What keeping a block costs besides its bytes, about: its owner, its place in the table and in a queue.
const KEEPING_BYTES: u64 = 120;
/// More than this many shards none needs; a small cache has fewer.
const SHARDS: usize = 16;
/// A shard smaller than this would have no room for a block.
const MIN_SHARD_BYTES: u64 = 256 << 10;

/// Where a block lies: the number of its table, and its offset in it.
type Place = (u64, u64);

/// Once a cache is full it takes one of so many blocks that gets have missed.
const TAKES_ONE_OF: u64 = 4;
/// How many misses lie between two looks at how full it is.
const LOOK_EVERY: u64 = 64;

/// Blocks by their place.
pub struct BlockCache {
    blocks: Cache<Place, Bytes, Weight, Mix>,
    /// Misses that [`takes`](Self::takes) was asked about.
    misses: AtomicU64,
    full: AtomicBool,
}

impl BlockCache {
    // ANCHOR: new
    /// A cache of at most so many bytes.
    pub fn new(bytes: u64) -> Self {
        let shards = usize::try_from(bytes / MIN_SHARD_BYTES).unwrap_or(SHARDS).clamp(1, SHARDS);
        // A power of two, as the library would else round up, and shares would become too small.
        let shards = 1 << shards.ilog2();
        let items = usize::try_from(bytes / 4096).unwrap_or(usize::MAX).max(32 * shards);
        let options = OptionsBuilder::new()
            .shards(shards)
            .estimated_items_capacity(items)
            .weight_capacity(bytes)
            .build()
            .unwrap_or_else(|_| unreachable!("both capacities are given"));
        let blocks = Cache::with_options(options, Weight, Mix(0), DefaultLifecycle::default());
        Self { blocks, misses: AtomicU64::new(0), full: AtomicBool::new(false) }
    }
    // ANCHOR_END: new

    /// The block of `table` at `offset`, if it is here.
    #[inline]
    pub fn get(&self, table: u64, offset: u64) -> Option<Bytes> {
        self.blocks.get(&(table, offset))
    }

    // ANCHOR: takes
    /// Whether to keep a block that a get has missed. A cache that is full takes one of a few: to keep a block means to
    /// make room for it, to free another one, and to write to a shard that others read. What is asked for often comes
    /// in all the same, a few misses later.
    pub fn takes(&self) -> bool {
        let misses = self.misses.fetch_add(1, Ordering::Relaxed);
        if misses.is_multiple_of(LOOK_EVERY) {
            self.full.store(self.bytes() > self.blocks.capacity() / 8 * 7, Ordering::Relaxed);
        }
        misses.is_multiple_of(TAKES_ONE_OF) || !self.full.load(Ordering::Relaxed)
    }
    // ANCHOR_END: takes

    /// Keeps a block that was verified.
    pub fn insert(&self, table: u64, offset: u64, block: Bytes) {
        self.blocks.insert((table, offset), block);
    }

    /// Bytes that it takes now.
    pub fn bytes(&self) -> u64 {
        self.blocks.weight()
    }

    /// How many blocks are in it.
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }
}

// ANCHOR: weight
#[derive(Clone)]
struct Weight;

impl Weighter<Place, Bytes> for Weight {
    fn weight(&self, _: &Place, block: &Bytes) -> u64 {
        block.len() as u64 + KEEPING_BYTES
    }
}
// ANCHOR_END: weight

// ANCHOR: mix
/// A hash of two numbers that is the same in every process: what is evicted follows from the questions alone.
#[derive(Clone)]
struct Mix(u64);

impl BuildHasher for Mix {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl Hasher for Mix {
    #[expect(clippy::cast_possible_truncation, reason = "takes the halves of the product")]
    #[inline]
    fn write_u64(&mut self, number: u64) {
        let product = u128::from(self.0 ^ number ^ 0x2d35_8dcc_aa6c_78a5) * 0x8bb8_4b93_962e_acc9;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
// ANCHOR_END: mix

#[cfg(test)]
mod tests {
    use super::*;

    fn block(bytes: usize) -> Bytes {
        Bytes::from(vec![7; bytes])
    }

    // ANCHOR: holds_no_more
    #[test]
    fn it_holds_no_more_than_it_was_made_with() {
        for limit in [0, 1_000, 10_000, 100_000, 5 << 20] {
            let cache = BlockCache::new(limit);
            for i in 0..3_000 {
                cache.insert(i % 7, i * 4096, block(1 + usize::try_from(i).unwrap() * 37 % 5_000));
                assert!(cache.bytes() <= limit, "{} of {limit} bytes", cache.bytes());
            }
            assert_eq!(cache.blocks() > 0, limit > 0, "of {limit} bytes");
        }
    }
    // ANCHOR_END: holds_no_more

    #[test]
    fn the_same_questions_leave_the_same_blocks() {
        let left = || {
            let cache = BlockCache::new(1 << 20);
            for i in 0..2_000_u64 {
                let offset = (i * i) % 701 * 4096;
                if cache.get(1, offset).is_none() {
                    cache.insert(1, offset, block(4096));
                }
            }
            (0..701).filter(|i| cache.get(1, i * 4096).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(left(), left());
    }

    // ANCHOR: long_scan
    #[test]
    fn a_long_scan_does_not_drive_out_what_is_asked_for_again() {
        let cache = BlockCache::new(1 << 20);
        for _ in 0..3 {
            for i in 0..50 {
                if cache.get(1, i).is_none() {
                    cache.insert(1, i, block(4096));
                }
            }
        }
        for i in 0..10_000 {
            cache.insert(2, i, block(4096));
        }
        let kept = (0..50).filter(|i| cache.get(1, *i).is_some()).count();
        assert!(kept >= 45, "{kept} of 50");
    }
    // ANCHOR_END: long_scan

    #[test]
    fn one_that_is_full_takes_one_of_four_and_another_one_all() {
        let cache = BlockCache::new(64 << 10);
        assert!((0..1_000).all(|_| cache.takes()), "there is room");
        for i in 0..100 {
            cache.insert(1, i, block(4096));
        }
        // Until the next look nobody knows that it is full.
        (0..LOOK_EVERY).for_each(|_| _ = cache.takes());
        assert_eq!((0..1_000).filter(|_| cache.takes()).count(), 250);
    }
}
