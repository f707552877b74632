//! What every sorted part of the tree looks like to a merge: a memtable, a table, a run of tables.

use contract::Result;

// ANCHOR: source
/// Entries in ascending order of their keys, each key once, tombstones included. It stands on an entry, or past the
/// end; it owns what it reads, and lends it.
pub trait Source: Send {
    /// The key here, or `None` past the end.
    fn key(&self) -> Option<&[u8]>;

    /// The value here; `None` for a tombstone, and past the end.
    fn value(&self) -> Option<&[u8]>;

    /// Moves to the next entry. What could not be read is never taken for the end: after an error every further
    /// call fails too.
    fn advance(&mut self) -> Result<()>;
}
// ANCHOR_END: source
