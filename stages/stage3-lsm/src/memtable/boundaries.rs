//! The boundaries between leaves: which leaf a key belongs to. Never changed, only replaced.
//!
//! **Layout**
//! ```text
//!   shared    what all boundaries begin with
//!   numbers   [ u128 … ]           16 bytes of each boundary behind that; sorted
//!   leaves    [ u32 ][ u32 … ]     the leaf before the first boundary, then the leaf behind each
//! ```
//! **Invariants** Boundary number `i` is the lower bound of leaf `leaves[i + 1]`. Boundaries are strictly ascending.
//!
//! **Cost** 20 bytes for each leaf; a copy of all of them for each split: 60 KB for 3,000 leaves, which is 64 MiB of small
//! entries.

use super::leaf::Leaves;
use super::number::{self, shared_bytes};

/// Which leaf a key belongs to.
pub(super) struct Boundaries {
    shared: Box<[u8]>,
    numbers: Vec<u128>,
    leaves: Vec<u32>,
}

impl Default for Boundaries {
    /// A single leaf without any boundary.
    fn default() -> Self {
        Self { shared: Box::default(), numbers: Vec::new(), leaves: vec![0] }
    }
}

impl Boundaries {
    // ANCHOR: find
    /// The leaf that `key` belongs to, and its right neighbour.
    #[inline]
    pub(super) fn find(&self, key: &[u8], leaves: &Leaves) -> (u32, Option<u32>) {
        let at = self.position(key, leaves);
        (self.leaves[at], self.leaves.get(at + 1).copied())
    }

    /// How many boundaries are not behind `key`.
    #[inline]
    fn position(&self, key: &[u8], leaves: &Leaves) -> usize {
        let shared = &*self.shared;
        let Some(rest) = key.strip_prefix(shared) else {
            return if key < shared { 0 } else { self.numbers.len() };
        };
        let number = number::wide(rest);
        let at = self.numbers.partition_point(|&n| n < number);
        if self.numbers.get(at) != Some(&number) {
            return at;
        }
        // Where numbers are equal, the boundaries themselves decide.
        let equal = self.numbers[at..].partition_point(|&n| n == number);
        at + self.leaves[at + 1..][..equal].partition_point(|&leaf| *leaves.get(leaf).lower <= *key)
    }
    // ANCHOR_END: find

    /// How many leaves there are.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.leaves.len()).expect("leaves have numbers of 32 bits")
    }

    /// The same with one leaf more, whose lower bound is `lower`.
    pub(super) fn with(&self, lower: &[u8], leaf: u32, leaves: &Leaves) -> Self {
        let at = self.position(lower, leaves);
        let shared = match self.numbers.len() {
            0 => lower,
            _ => &lower[..shared_bytes(&self.shared, lower)],
        };
        let mut new = Self {
            shared: shared.into(),
            numbers: Vec::with_capacity(self.numbers.len() + 1),
            leaves: Vec::with_capacity(self.leaves.len() + 1),
        };
        if shared.len() == self.shared.len() {
            new.numbers.extend_from_slice(&self.numbers);
        } else {
            let lowers = self.leaves[1..].iter().map(|&leaf| &leaves.get(leaf).lower[shared.len()..]);
            new.numbers.extend(lowers.map(number::wide));
        }
        new.numbers.insert(at, number::wide(&lower[shared.len()..]));
        new.leaves.extend_from_slice(&self.leaves);
        new.leaves.insert(at + 1, leaf);
        new
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        // An `Arc` counts who holds it, in two numbers.
        let counts = 2 * size_of::<usize>();
        let numbers = self.numbers.capacity() * size_of::<u128>();
        counts + size_of::<Self>() + self.shared.len() + numbers + self.leaves.capacity() * size_of::<u32>()
    }
}
