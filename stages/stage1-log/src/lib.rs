//! Stage 1: the append-only log.
//!
//! **What it is** One file that entries are appended to, and a scan that finds them again. It keeps every promise of
//! the contract: batches are atomic, a crash loses nothing that was promised, damage is told from a torn tail.
//!
//! **What it deliberately is not** Fast at finding. A get reads the log, O(n); that wall is why stage 2 exists. It
//! does not compact by itself either: the log grows until somebody says `compact`.
//!
//! **Layout** of a store's directory
//! ```text
//!   000004.log        the log: header, then frames (see `frame`)
//!   CLEAN             after a clean close: the log's length and last checksum (see `clean`)
//!   000003.log.aside  rarely: what recovery cut off and could still be read
//!   *.tmp             a file whose writer died before it was whole; goes at the next opening
//! ```
//!
//! **The path of a put** [`store`]: `put` → `turn`: `submit` → [`log::Writer::append`]; **of a get** [`store`]: `get` →
//! `newest::find` → [`log::Reader::next_frame`].
//!
//! The later stages import from here and copy nothing: frames and logs are stage 2's segments and stage 3's
//! write-ahead log and manifest; [`install`] is the only way in which any file gets its name; [`clean`] is the same
//! promise everywhere.
#![forbid(unsafe_code)]

pub mod clean;
mod compact;
pub mod files;
pub mod frame;
pub mod inspect;
pub mod install;
pub mod log;
mod newest;
mod options;
pub mod recover;
pub mod replay;
mod report;
pub mod salvage;
mod scan;
pub mod store;
pub mod survey;
mod tour;
mod turn;
pub mod verify;

use contract::{Engine, Stage};
use std::sync::Arc;

/// The name in every file of this stage.
pub const ENGINE: [u8; log::header::ENGINE_BYTES] = log::header::engine_id("stage1");

/// How stage 1 joins the registry.
pub static STAGE: Stage = Stage {
    name: "stage1",
    title: "an append-only log",
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
    commands: &[],
    tour: &tour::STEPS,
};
