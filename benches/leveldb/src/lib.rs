//! LevelDB behind safe calls, for the benchmark alone. No engine of this project uses it.
//!
//! The bindings that are published offer no filter, and copy what they walk over. A rival deserves better, so these
//! few calls stand here by themselves, behind a feature that is off: every other crate but `vfs` forbids such code.
//!
//! **Invariants**
//! 1. What was created is destroyed once, after everything that uses it: a walk holds its store.
//! 2. What LevelDB lends is lent on for no longer than it says: an entry until the walk moves.
//!
//! **Source** The conditions are those of LevelDB's header, `c.h`: a store may be used by many threads at a time, an
//! iterator by one.

#[cfg(feature = "leveldb")]
#[expect(unsafe_code, reason = "calls of a rival in C++; no engine is built on it")]
mod calls;

#[cfg(feature = "leveldb")]
pub use calls::{Batch, Db, Failed, Settings, Walk};
