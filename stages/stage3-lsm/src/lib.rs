//! Stage 3: an LSM tree, sorted runs under a memtable.
//!
//! **What it is** What is written goes into stage 1's log and into a sorted *memtable*. A full memtable becomes a
//! *table*: a file that is sorted, has an index of its blocks and a filter of its keys, and never changes again.
//! Tables form *runs*, and neighbouring runs are merged in the background, so that there are never many.
//!
//! **What it deliberately is not** As simple as stage 2: what is written is written again when runs are merged. It needs
//! no memory for every key, and it is in order.
//!
//! **Layout** of a store's directory (see `names`)
//! ```text
//!   000002.manifest   which tables belong to which run (see `manifest`)
//!   000007.log        the write-ahead log of the active memtable
//!   000005.sst        a table (see `table`)
//!   CLEAN             after a clean close: every file's length and last checksum
//! ```
//!
//! **The path of a put** [`store`]: `put` → `write`: `submit` → stage 1's `log::Writer::append` →
//! [`memtable::Memtable::apply`]; **of a get** [`store`]: `get` → [`memtable::Memtable::get`] → `state`: `tables_for` →
//! [`table::Table::get`].
//!
//! **Source** O'Neil, Cheng, Gawlick, O'Neil, *The Log-Structured Merge-Tree*, 1996; Chang et al., *Bigtable*, 2006.
#![forbid(unsafe_code)]

pub mod bloom;
mod build;
pub mod cache;
mod close;
mod commands;
pub mod compaction;
mod flush;
mod found;
mod inspect;
mod manifest;
pub mod memtable;
pub mod merge;
mod names;
mod options;
mod pins;
mod recover;
mod report;
mod salvage;
mod scan;
pub mod source;
mod state;
pub mod store;
mod survey;
pub mod table;
mod tour;
mod upkeep;
mod verify;
mod write;

use contract::{Engine, Stage};
use stage1::log::header;
use std::sync::Arc;

/// The name in every file of this stage.
pub const ENGINE: [u8; header::ENGINE_BYTES] = header::engine_id("stage3");

/// How stage 3 joins the registry.
pub static STAGE: Stage = Stage {
    name: "stage3",
    title: "an LSM tree: sorted runs under a memtable",
    persistent: true,
    options: &options::SPECS,
    open: |vfs, options| {
        let (store, report) = recover::open(vfs, options::Settings::new(options)?)?;
        let engine: Arc<dyn Engine> = Arc::new(store);
        Ok((engine, report))
    },
    inspect: inspect::inspect,
    verify: verify::store,
    salvage: salvage::store,
    commands: &commands::COMMANDS,
    tour: &tour::STEPS,
};
