//! The memtable: what was written last, sorted, in memory. One writes at a time; any number read beside it.
//!
//! **Layout** Leaves, each a sorted page under a lock of its own and linked to its right neighbour. Boundaries, which
//! readers load without a lock, say which leaf a key belongs to.
//! ```text
//!   boundaries   │    "b3"      "d"      "k7"  │      an array: loaded, never locked; each split puts a new one in its place
//!                ▼      ▼        ▼        ▼
//!   leaves     [0] ─> [3] ───> [1] ───> [2]           a lock over { a page, the leaf to the right }
//!               │      │        │        │
//!   pages      …      …        …        …             up to 256 entries, sorted, in one piece of memory each
//! ```
//! **Invariants**
//! 1. A leaf holds the keys from its lower bound up to the lower bound of its right neighbour. A lower bound never changes,
//!    and leaves never go; so whoever comes by boundaries of old arrives at the right leaf, or to the left of it.
//! 2. A reader holds the lock of one leaf at a time; the writer holds those of all leaves that a batch concerns. Nobody sees
//!    a part of a batch.
//! 3. A put takes the place of the version before it, unless a pin is as new as that one: then both stay. Whoever walks
//!    never steps over versions that nobody can ask for.
//! 4. A walk holds a page, not its lock. A writer that meets a page which somebody holds writes into a copy of it.
//!
//! **Cost** A lookup: a search in the boundaries, a search among 256 numbers, one comparison of whole keys. A split, once in
//! 128 puts of new keys: a copy of one page and of the boundaries. Memory: 20 bytes beside each key and value, 12 for each
//! place in a page, a tenth or so of room; [`Memtable::bytes`] has all of it.
//!
//! **Source** Lehman and Yao, *Efficient Locking for Concurrent Operations on B-Trees*, ACM TODS 6(4), 1981, for the links to
//! the right; Bayer and Unterauer, *Prefix B-Trees*, ACM TODS 2(1), 1977, for short boundaries and shared beginnings.

mod arena;
mod boundaries;
mod leaf;
mod number;
mod page;
#[cfg(test)]
mod tests;
mod walk;

pub use walk::Walk;

use arc_swap::ArcSwap;
use boundaries::Boundaries;
use contract::Entry;
use leaf::{Leaf, Leaves, Node};
use number::shared_bytes;
use page::Page;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLockReadGuard, RwLockWriteGuard};

/// What was written last, sorted.
pub struct Memtable {
    boundaries: ArcSwap<Boundaries>,
    leaves: Leaves,
    /// Held by the one who writes, with room for the leaf of each entry of a batch.
    writing: Mutex<Vec<u32>>,
    /// Bytes of memory that it took when it was empty.
    empty_bytes: u64,
    bytes: AtomicU64,
    entries: AtomicU64,
}

impl Default for Memtable {
    fn default() -> Self {
        Self::new()
    }
}

impl Memtable {
    /// A memtable of nothing.
    pub fn new() -> Self {
        let mut new = Self {
            boundaries: ArcSwap::from_pointee(Boundaries::default()),
            leaves: Leaves::default(),
            writing: Mutex::default(),
            empty_bytes: size_of::<Self>() as u64,
            bytes: AtomicU64::default(),
            entries: AtomicU64::new(0),
        };
        let page = Arc::new(Page::new());
        let mut bytes = page.bytes() + Boundaries::default().bytes();
        bytes += new.leaves.add(0, Leaf::new(Box::default(), Node { page, right: None })).1;
        new.empty_bytes += bytes as u64;
        new.bytes = AtomicU64::new(new.empty_bytes);
        new
    }

    // ANCHOR: find
    /// The leaf that `key` belongs to, with its lock held for reading.
    #[inline]
    fn find(&self, key: &[u8]) -> RwLockReadGuard<'_, Node> {
        let (mut leaf, neighbour) = self.boundaries.load().find(key, &self.leaves);
        loop {
            let node = self.leaves.get(leaf).read();
            match node.right {
                // The leaf was divided after these boundaries were made, and the key may have moved.
                Some(right) if node.right != neighbour && *key >= *self.leaves.get(right).lower => {
                    leaf = right;
                }
                _ => return node,
            }
        }
    }
    // ANCHOR_END: find

    // ANCHOR: get
    /// The newest version of `key`: `Some(None)` is a tombstone, `None` that nothing is known of it here.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<Option<Vec<u8>>> {
        let node = self.find(key);
        Some(node.page.get(key)?.value.map(<[u8]>::to_vec))
    }
    // ANCHOR_END: get

    /// Whether `key` lives; `None` if nothing is known of it here.
    #[inline]
    pub fn contains(&self, key: &[u8]) -> Option<bool> {
        let node = self.find(key);
        Some(node.page.get(key)?.value.is_some())
    }

    // ANCHOR: apply
    /// Applies a batch, in its order; whoever reads sees all of it or nothing. Its number is larger than all before it, and
    /// than all pins. `newest_pin` is the newest number at which somebody may still [walk](Self::source), if there is one.
    pub fn apply<'a>(
        &self,
        batch: impl Iterator<Item = Entry<'a>> + Clone,
        seq: u64,
        newest_pin: Option<u64>,
    ) {
        let mut leaves = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut held = self.hold(batch.clone(), &mut leaves);
        let mut tally = Tally::default();
        for (entry, &leaf) in batch.zip(&*leaves) {
            let moved = tally.splits > 0;
            let mut at = if moved { self.held_for(&held, entry.key) } else { place(&held, leaf) };
            if held[at].1.page.is_full() {
                self.split(&mut held, at, entry.key, newest_pin, &mut tally);
                at = self.held_for(&held, entry.key);
            }
            let page = Arc::make_mut(&mut held[at].1.page);
            tally.less += page.bytes();
            tally.entries += u64::from(page.put(entry, seq, newest_pin));
            tally.more += page.bytes();
        }
        drop(held);
        self.count(&tally);
    }

    /// Finds the leaves of all entries of a batch, and takes their locks in the order of their numbers.
    fn hold<'a>(&self, batch: impl Iterator<Item = Entry<'a>>, leaves: &mut Vec<u32>) -> Held<'_> {
        leaves.clear();
        let boundaries = self.boundaries.load();
        leaves.extend(batch.map(|entry| boundaries.find(entry.key, &self.leaves).0));
        let lock = |leaf| (leaf, self.leaves.get(leaf).write());
        if let [leaf] = **leaves {
            return vec![lock(leaf)];
        }
        let mut sorted = leaves.clone();
        sorted.sort_unstable();
        sorted.dedup();
        sorted.into_iter().map(lock).collect()
    }

    /// Which of the leaves held `key` belongs to now.
    fn held_for(&self, held: &Held<'_>, key: &[u8]) -> usize {
        place(held, self.boundaries.load().find(key, &self.leaves).0)
    }
    // ANCHOR_END: apply

    // ANCHOR: split
    /// Divides a leaf that is full and has no place yet for `key`: its upper half becomes a new leaf to its right.
    fn split<'t>(&'t self, held: &mut Held<'t>, at: usize, key: &[u8], pin: Option<u64>, tally: &mut Tally) {
        let (number, node) = &mut held[at];
        let leaf = self.leaves.get(*number);
        let page = &node.page;
        // Keys that come in ascending order fill one page after the other.
        let count = if node.right.is_none() && page.is_behind(key) { page.len() } else { page.len() / 2 };
        let boundary = page.boundary(count, key);
        // Between two bounds, keys begin as both do.
        let shared = node.right.map(|right| shared_bytes(&boundary, &self.leaves.get(right).lower));
        let upper = page.part(count..page.len(), shared, pin.is_some());
        let shared = (!leaf.lower.is_empty()).then(|| shared_bytes(&leaf.lower, &boundary));
        let lower = page.part(0..count, shared, pin.is_some());
        tally.more += lower.bytes() + upper.bytes();
        tally.less += page.bytes();

        let boundaries = self.boundaries.load_full();
        let new = boundaries.count();
        let right = Leaf::new(boundary, Node { page: Arc::new(upper), right: node.right });
        let (right, bytes) = self.leaves.add(new, right);
        let boundaries_then = boundaries.with(&right.lower, new, &self.leaves);
        tally.more += bytes + boundaries_then.bytes();
        tally.less += boundaries.bytes();

        tally.splits += 1;
        node.page = Arc::new(lower);
        node.right = Some(new);
        // Numbers ascend, so the new leaf comes last; it is held before anyone can know of it.
        held.push((new, right.write()));
        self.boundaries.store(Arc::new(boundaries_then));
    }
    // ANCHOR_END: split

    /// Writes down what became of the memory. The writer alone does, so nothing is lost in between.
    fn count(&self, tally: &Tally) {
        let (more, less) = (tally.more as u64, tally.less as u64);
        self.bytes.store(self.bytes() + more - less, Ordering::Relaxed);
        self.entries.store(self.entries() + tally.entries, Ordering::Relaxed);
    }

    /// Walks from `start` over what was there at `seq`, the newest number applied or one that has been pinned since it was
    /// that. It sees no batch that comes later.
    pub fn source(self: &Arc<Self>, start: Bound<&[u8]>, seq: u64) -> Walk {
        Walk::new(Arc::clone(self), start, seq)
    }

    /// How many keys there are, tombstones included.
    pub fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    /// Bytes of memory that the memtable takes: room, garbage and all. A page that only a walk still holds is the walk's.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How many of them what was written has taken: an empty memtable takes some as well, and is not full.
    pub fn filled_bytes(&self) -> u64 {
        self.bytes() - self.empty_bytes
    }
}

/// Leaves with their locks held for writing, in the order of their numbers.
type Held<'t> = Vec<(u32, RwLockWriteGuard<'t, Node>)>;

/// Which of the leaves held is number `leaf`.
#[inline]
fn place(held: &Held<'_>, leaf: u32) -> usize {
    held.binary_search_by_key(&leaf, |(leaf, _)| *leaf).expect("a batch holds the leaves of its keys")
}

/// What a batch does to the counts.
#[derive(Default)]
struct Tally {
    splits: u32,
    entries: u64,
    /// Bytes of memory taken.
    more: usize,
    /// Bytes of memory given back.
    less: usize,
}
