//! Every state that a crash can leave, numbered: which name operations landed, and at which boundary between its
//! pending operations each file's bytes stood, and its size.
//!
//! **Invariants**
//! 1. Different numbers may leave equal states, where a name's operations depend on one another; no state at these
//!    boundaries is left out.
//! 2. What lies between two boundaries, a write that is torn inside, is not among them: the other kinds of crash draw
//!    that, and `GlobalPrefix` tears the last write at every byte.
//!
//! **Source** Mohan et al., *Finding Crash-Consistency Bugs with Bounded Black-Box Crash Testing*, OSDI 2018, for trying
//! all of them instead of some.

use super::disk::{Disk, Inode};

/// One of the states: what landed.
pub(super) struct Outcome {
    /// Which name operations landed, a bit for each.
    pub(super) names: u64,
    /// For each file, how many of its pending operations its bytes show, and how many its size.
    landed: Vec<(usize, usize)>,
}

// ANCHOR: outcomes
/// How many there are. As many as fit the type where there are more.
pub(super) fn count(disk: &Disk) -> u64 {
    let moments = disk.inodes.iter().map(moments);
    moments.fold(names(disk), |count, moments| count.saturating_mul(moments).saturating_mul(moments))
}

/// Number `n` of them.
pub(super) fn decode(disk: &Disk, mut n: u64) -> Outcome {
    let mut digit = |base: u64| {
        let digit = n % base;
        n /= base;
        digit
    };
    let names = digit(names(disk));
    // A number below the number of a file's operations, which fits memory.
    let mut moment = |inode| usize::try_from(digit(moments(inode))).unwrap_or(0);
    let landed = disk.inodes.iter().map(|inode| (moment(inode), moment(inode))).collect();
    Outcome { names, landed }
}
// ANCHOR_END: outcomes

impl Outcome {
    /// How many pending operations of the file with this number its bytes show, and how many its size.
    pub(super) fn of(&self, id: usize) -> (usize, usize) {
        self.landed[id]
    }
}

/// How many boundaries a file's pending operations have.
fn moments(inode: &Inode) -> u64 {
    inode.pending.len() as u64 + 1
}

/// How many subsets the pending name operations have. Beyond what is ever pending: as many as the type holds.
fn names(disk: &Disk) -> u64 {
    1_u64.checked_shl(u32::try_from(disk.pending_names.len()).unwrap_or(u32::MAX)).unwrap_or(u64::MAX)
}
