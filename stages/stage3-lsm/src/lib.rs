//! Stage 3: an LSM tree, sorted runs under a memtable.
//!
//! **What it is** What is written goes into stage 1's log and into a sorted *memtable*. A full memtable becomes a
//! *table*: a file that is sorted, has an index of its blocks and a filter of its keys, and never changes again.
//! Tables form *runs*, and runs are merged into larger ones in the background.
//!
//! **Source** O'Neil, Cheng, Gawlick, O'Neil, *The Log-Structured Merge-Tree*, 1996; Chang et al., *Bigtable*, 2006.
#![forbid(unsafe_code)]

pub mod bloom;
pub mod cache;
pub mod memtable;
pub mod source;
pub mod table;
