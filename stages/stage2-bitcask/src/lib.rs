//! Stage 2: Bitcask, a hash index over many logs.
//!
//! **What it is** Stage 1's log, cut into *segments*, and a *keydir* in memory that says for every key where its newest
//! entry lies: a get is one probe and one read, however much was written. What is dead in old segments goes when
//! neighbours are *merged* into one, while reads and writes go on. *Hint files* save the keydir, so that opening need
//! not read the data.
//!
//! **What it deliberately is not** Ordered, or free: every key lies in memory, and a scan sorts. That wall is why
//! stage 3 exists.
//!
//! **Layout** of a store's directory (see `names`)
//! ```text
//!   000001-000004.log     segments 1 to 4, merged
//!   000001-000004.hint    its keys and where they lie
//!   000005.log            a full segment
//!   000006.log            the active segment: what is written goes here
//!   CLEAN                 after a clean close: every segment's length and last checksum
//! ```
//!
//! **The path of a put** [`store`]: `put` → `turn`: `submit` → stage 1's `log::Writer::append` → `apply` →
//! [`keydir::Keydir::set`]; **of a get** [`store`]: `get` → `read`: `find` → [`keydir::Keydir::get`] →
//! [`segment::Segment::read`].
//!
//! **Source** Sheehy and Smith, *Bitcask: A Log-Structured Hash Table for Fast Key/Value Data*, 2010.
#![forbid(unsafe_code)]

mod apply;
pub mod chain;
mod clock;
mod close;
mod commands;
pub mod counter;
mod durable;
pub mod handles;
pub mod hint;
mod hints;
mod index;
mod inspect;
pub mod judge;
pub mod keydir;
mod merge;
pub mod names;
mod options;
pub mod pick;
mod read;
mod recover;
mod report;
mod salvage;
mod scan;
pub mod segment;
pub mod store;
mod survey;
mod tour;
mod turn;
mod upkeep;
mod verify;

use contract::{Engine, Stage};
use stage1::log::header;
use std::sync::Arc;

/// The name in every file of this stage.
pub const ENGINE: [u8; header::ENGINE_BYTES] = header::engine_id("stage2");

/// How stage 2 joins the registry.
pub static STAGE: Stage = Stage {
    name: "stage2",
    title: "a Bitcask: a hash index over segments",
    persistent: true,
    options: &options::SPECS,
    open: |vfs, options| {
        let (parts, report) = recover::open(vfs, options::Settings::new(options)?)?;
        let engine: Arc<dyn Engine> = Arc::new(store::Store::new(parts));
        Ok((engine, report))
    },
    inspect: inspect::inspect,
    verify: verify::store,
    salvage: salvage::store,
    commands: &commands::COMMANDS,
    tour: &tour::STEPS,
};
