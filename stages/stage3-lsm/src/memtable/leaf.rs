//! Leaves, and the list of them: it only grows, and a leaf stays where it is, so a number leads to it without any lock.
//!
//! **Layout** Chunks of 32, 64, 128 … leaves, each made when its first leaf is.
//!
//! **Invariants** A leaf is whole before anyone can know its number. Two leaves share no line of the processor's cache.

use super::page::Page;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Leaves in the first chunk.
const FIRST_CHUNK: u32 = 32;
/// Chunks for all numbers that there are.
const CHUNKS: usize = (u32::BITS - FIRST_CHUNK.ilog2()) as usize;

/// A piece of the memtable.
pub(super) struct Leaf {
    /// No key in it is less than this.
    pub(super) lower: Box<[u8]>,
    node: RwLock<Node>,
}

/// What a leaf's lock guards.
pub(super) struct Node {
    /// The entries.
    pub(super) page: Arc<Page>,
    /// The leaf to the right.
    pub(super) right: Option<u32>,
}

impl Leaf {
    /// A leaf of the keys from `lower` on.
    pub(super) fn new(lower: Box<[u8]>, node: Node) -> Self {
        Self { lower, node: RwLock::new(node) }
    }

    // After a panic in between, a leaf is as good as its last whole step.
    #[inline]
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Node> {
        self.node.read().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Node> {
        self.node.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
#[repr(align(64))]
struct Slot(OnceLock<Leaf>);

/// All leaves of a memtable by their numbers.
#[derive(Default)]
pub(super) struct Leaves {
    chunks: [OnceLock<Box<[Slot]>>; CHUNKS],
}

impl Leaves {
    /// Leaf number `number`.
    #[inline]
    pub(super) fn get(&self, number: u32) -> &Leaf {
        let (chunk, at) = place(number);
        let slots = self.chunks[chunk].get().expect("a leaf that was added");
        slots[at].0.get().expect("a leaf that was added")
    }

    /// Adds the leaf of the next number, and returns it and the bytes of memory that this took.
    pub(super) fn add(&self, number: u32, leaf: Leaf) -> (&Leaf, usize) {
        let (chunk, at) = place(number);
        let mut bytes = leaf.lower.len();
        let slots = self.chunks[chunk].get_or_init(|| {
            let chunk: Box<[Slot]> = (0..FIRST_CHUNK << chunk).map(|_| Slot::default()).collect();
            bytes += size_of_val(&*chunk);
            chunk
        });
        (slots[at].0.get_or_init(|| leaf), bytes)
    }
}

/// The chunk of a leaf, and its place in there.
#[inline]
fn place(number: u32) -> (usize, usize) {
    // With the first chunk's size added, the highest bit says the chunk and the rest the place.
    let number = number + FIRST_CHUNK;
    let chunk = number.ilog2() - FIRST_CHUNK.ilog2();
    (chunk as usize, (number - (FIRST_CHUNK << chunk)) as usize)
}
