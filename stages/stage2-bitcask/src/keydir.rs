//! The keydir: for every key, where its newest entry lies. All of it is in memory; that is the price of stage 2.
//!
//! **Layout** A hash of the key chooses one of 128 *shards*, each a lock over a table of `u32` over an *arena* of records.
//! ```text
//!   hash ─┬─ 7 bits ──> shard: RwLock { table, arena }
//!         └─ the rest ─> place in its table ──> start of a record in its arena: location, key length, key
//! ```
//! **Invariants**
//! 1. A tombstone is an entry like any other and stays until it is removed, so «the keydir points at it» is what makes
//!    an entry live, be it a put or a tombstone.
//! 2. A shard's lock is held for memory alone, never over input or output, and readers share it.
//! 3. Who takes several locks takes them in the order of the shards.
//!
//! **Cost** 29 bytes for a record of a 16-byte key, 7 to 10 bytes of table, at most a quarter of a record in room. A get
//! hashes once, then misses the processor's caches twice, seldom oftener: a line of the table, the record.
//!
//! **Source** Sheehy and Smith, *Bitcask: A Log-Structured Hash Table for Fast Key/Value Data*, 2010, for the keydir;
//! memcached and many others for shards.

mod arena;
mod keys;
mod load;
pub(crate) mod record;
mod seed;
mod shard;
mod table;
#[cfg(test)]
mod tests;

pub use keys::Keys;
pub(crate) use load::Gathered;
pub use record::Location;

use contract::KeyRange;
use record::record_bytes;
use seed::Seed;
use shard::Shard;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// How many shards. One reader costs nearly the same with 64 and with 256; fewer make writers meet, and a shard that grows
/// keeps its readers waiting longer.
const SHARDS: usize = 128;

/// A shard with its lock. Two do not share a line of the processor's cache, nor a pair of lines that it fetches together.
#[derive(Default)]
#[repr(align(128))]
struct Locked(RwLock<Shard>);

impl Locked {
    // After a panic in between, a shard is as good as its last whole step: what it holds is checked where it is used.
    #[inline]
    fn read(&self) -> RwLockReadGuard<'_, Shard> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn write(&self) -> RwLockWriteGuard<'_, Shard> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The index of all keys. Every call may run beside every other, from any number of threads.
pub struct Keydir {
    seed: Seed,
    shards: Box<[Locked]>,
}

impl Default for Keydir {
    fn default() -> Self {
        Self::new()
    }
}

impl Keydir {
    /// An empty keydir with a seed of its own.
    pub fn new() -> Self {
        Self::with_seed(Seed::random())
    }

    /// An empty keydir with the seed of this one, so that it can [take over](Self::take_over).
    #[must_use]
    pub fn like(&self) -> Self {
        Self::with_seed(self.seed.clone())
    }

    fn with_seed(seed: Seed) -> Self {
        Self { seed, shards: (0..SHARDS).map(|_| Locked::default()).collect() }
    }

    // ANCHOR: get
    /// Where the newest entry of `key` lies, be it a put or a tombstone.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<Location> {
        let hash = self.seed.hash(key);
        self.shard(hash).read().get(hash, key)
    }

    /// The shard of a hash. The table takes its line from the lower half and its tag from the highest byte.
    #[inline]
    fn shard(&self, hash: u64) -> &Locked {
        &self.shards[shard_of(hash)]
    }
    // ANCHOR_END: get

    /// Sets where the newest entry of `key` lies, and returns where the one before it lay.
    #[inline]
    pub fn set(&self, key: &[u8], at: Location) -> Option<Location> {
        let hash = self.seed.hash(key);
        self.shard(hash).write().set(&self.seed, hash, key, at)
    }

    // ANCHOR: set_all
    /// Sets several, in this order, so that nobody who sees one of them fails to see another. Calls `replaced` for each
    /// with its location and that of the entry before it.
    pub fn set_all(
        &self,
        entries: &[(&[u8], Location)],
        mut replaced: impl FnMut(Location, Option<Location>),
    ) {
        let hashes: Vec<u64> = entries.iter().map(|(key, _)| self.seed.hash(key)).collect();
        let mut concerned = [false; SHARDS];
        for &hash in &hashes {
            concerned[shard_of(hash)] = true;
        }
        let mut held: Vec<_> =
            self.shards.iter().zip(concerned).map(|(shard, held)| held.then(|| shard.write())).collect();
        for (&(key, at), &hash) in entries.iter().zip(&hashes) {
            if let Some(shard) = &mut held[shard_of(hash)] {
                replaced(at, shard.set(&self.seed, hash, key, at));
            }
        }
    }
    // ANCHOR_END: set_all

    /// Lets `key` lead to `to` if it still leads to `from`, and says whether it did.
    pub fn replace(&self, key: &[u8], from: Location, to: Location) -> bool {
        let hash = self.seed.hash(key);
        self.shard(hash).write().replace(hash, key, from, to)
    }

    /// Forgets `key` if it still leads to `at`, and says whether it did.
    pub fn remove(&self, key: &[u8], at: Location) -> bool {
        let hash = self.seed.hash(key);
        self.shard(hash).write().remove(&self.seed, hash, key, at)
    }

    /// How many keys lead to an entry that is not a tombstone.
    pub fn keys(&self) -> u64 {
        self.shards.iter().map(|shard| shard.read().keys() as u64).sum()
    }

    /// Bytes of memory that the keydir takes.
    pub fn bytes(&self) -> u64 {
        let shards: usize = self.shards.iter().map(|shard| shard.read().bytes()).sum();
        (shards + size_of_val(&*self.shards)) as u64
    }

    /// Makes room for this many more keys, which have `key_bytes` in all, so that setting them need not grow anything.
    pub fn reserve(&self, keys: u64, key_bytes: u64) {
        if keys == 0 {
            return;
        }
        let average = usize::try_from(key_bytes / keys).unwrap_or(usize::MAX);
        let most = most_of_a_shard(keys);
        for shard in &self.shards {
            shard.write().reserve(&self.seed, most, most.saturating_mul(record_bytes(average)));
        }
    }

    /// Gives back what was reserved and not used, but for the room that a keydir grows by.
    pub fn trim(&self) {
        self.shards.iter().for_each(|shard| shard.write().trim(&self.seed));
    }

    // ANCHOR: collect
    /// The keys in a range, in no order, and where their entries lie; no tombstones. It is one moment of the keydir only
    /// if nobody sets anything meanwhile.
    pub fn collect(&self, range: KeyRange<'_>) -> Keys {
        let mut keys = Keys::default();
        for shard in &self.shards {
            keys.extend(shard.read().records().filter(|record| range.contains(record.key)));
        }
        keys
    }
    // ANCHOR_END: collect

    /// The locations in the segments that `is_wanted` picks by their slots, in no order, tombstones included.
    pub fn locations_in(&self, is_wanted: impl Fn(u32) -> bool) -> Vec<Location> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let shard = shard.read();
            found.extend(shard.records().map(|record| record.location()).filter(|at| is_wanted(at.segment)));
        }
        found
    }

    /// Takes the content of a keydir that [`like`](Self::like) made in place of its own, shard by shard, and returns of
    /// how many keys the two said something else.
    ///
    /// # Panics
    ///
    /// If the other has another seed: its keys would be looked for where they do not lie.
    pub fn take_over(&self, other: Self) -> u64 {
        assert!(self.seed.hash(b"") == other.seed.hash(b""), "a keydir with another seed cannot take over");
        let mut differences = 0;
        for (ours, theirs) in self.shards.iter().zip(other.shards) {
            let new = theirs.0.into_inner().unwrap_or_else(PoisonError::into_inner);
            differences += ours.read().differences(&new, &self.seed) as u64;
            *ours.write() = new;
        }
        differences
    }
}

/// How many of so many keys a shard gets at most, nearly always: three standard deviations more than its share.
fn most_of_a_shard(keys: u64) -> usize {
    let share = usize::try_from(keys).unwrap_or(usize::MAX) / SHARDS;
    share + 3 * share.isqrt() + 1
}

/// Which shard a hash leads to.
#[inline]
fn shard_of(hash: u64) -> usize {
    (hash >> 32) as usize % SHARDS
}
