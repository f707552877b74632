//! The manifest: a log of edits, which says what tables the store consists of.
//!
//! **Layout** A stage 1 log. An edit is a batch, so it counts whole or not at all; its entries say what has come about:
//! ```text
//!   key       value (numbers are u64, little-endian)
//!   added     run, table, bytes, last checksum      a table belongs to the store
//!   removed   table                                 it does so no longer
//!   log       number                                older write-ahead logs are in tables; this one must be there
//!   next      number                                no file had this number or a larger one
//! ```
//! **Invariants**
//! 1. An edit states effects, never decisions: replaying it needs no option and no strategy.
//! 2. A file is named here only once it is on the device; it is removed only once the edit that drops it is.
//! 3. The manifest with the largest number counts. A new one begins with an edit that says everything, is installed in
//!    one step, and then the old one goes.
//!
//! **Cost** One append and one sync for a flush or a merge; about 50 bytes a table.
//!
//! **Source** LevelDB's and RocksDB's manifests are logs of edits as well.

pub(crate) mod edit;

use crate::ENGINE;
use crate::names::manifest_name;
use contract::{Batch, Result};
use edit::{Added, Edit};
use stage1::install;
use stage1::log::header::{HEADER_BYTES, Header, Previous};
use stage1::log::{Builder, Frames, Log, Marks, Writer};
use std::sync::Arc;
use vfs::{File, Vfs};

/// How much of a manifest is read at a time, in bytes.
pub(crate) const CHUNK_BYTES: usize = 64 << 10;

/// The manifest that is written, and what it says.
pub(crate) struct Manifest {
    writer: Writer,
    /// What all edits so far add up to.
    pub(crate) whole: Whole,
    /// Bytes of edits since the one that says everything.
    growth_bytes: u64,
}

/// What a manifest adds up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Whole {
    /// The tables, in the order in which they were added.
    pub(crate) tables: Vec<Added>,
    /// The oldest write-ahead log that counts.
    pub(crate) log: u64,
    /// The number of the next file.
    pub(crate) next: u64,
}

impl Whole {
    /// Takes an edit in.
    pub(crate) fn apply(&mut self, edit: &Edit) {
        self.tables.retain(|table| !edit.removed.contains(&table.number));
        self.tables.extend(edit.added.iter().copied());
        self.log = edit.log.unwrap_or(self.log);
        self.next = self.next.max(edit.next);
    }

    /// As one edit.
    fn as_edit(&self) -> Edit {
        Edit { added: self.tables.clone(), removed: Vec::new(), log: Some(self.log), next: self.next }
    }
}

/// A manifest that is whole and has no name yet.
pub(crate) struct Unnamed {
    file: Arc<dyn File>,
    manifest: Manifest,
}

impl Unnamed {
    /// Gives it its name. After an error nobody knows whether it has it.
    pub(crate) fn named(self, vfs: &dyn Vfs) -> Result<Manifest> {
        install::commit(vfs, &*self.file, self.manifest.name())?;
        Ok(self.manifest)
    }
}

impl Manifest {
    /// A manifest that was closed cleanly, or has just been made, and is appended to from now on.
    pub(crate) fn new(writer: Writer, whole: Whole) -> Self {
        Self { writer, whole, growth_bytes: 0 }
    }

    // ANCHOR: install
    /// Installs a new manifest that says everything. Its number is the next one.
    pub(crate) fn install(vfs: &dyn Vfs, whole: Whole, previous: Previous) -> Result<Self> {
        Self::build(vfs, whole, previous)?.named(vfs)
    }

    /// Writes a new manifest that says everything, and has no name yet: whatever fails, nothing has changed.
    pub(crate) fn build(vfs: &dyn Vfs, whole: Whole, previous: Previous) -> Result<Unnamed> {
        let name = manifest_name(whole.next);
        let built = Self::write(vfs, &name, whole, previous);
        if built.is_err() {
            // Best effort: what cannot be removed now goes at the next opening, and the error that counts is the first.
            let _ = vfs.remove(&install::unfinished_name(&name));
        }
        built
    }

    fn write(vfs: &dyn Vfs, name: &str, mut whole: Whole, previous: Previous) -> Result<Unnamed> {
        let number = whole.next;
        whole.next += 1;
        let mut frames = Frames::default();
        frames.set_batch(&whole.as_edit().to_batch());
        let base_bytes = HEADER_BYTES as u64 + frames.bytes().len() as u64;
        let header = Header { engine: ENGINE, number, previous, base_bytes };
        let file = install::begin(vfs, name)?;
        let mut builder = Builder::new(Arc::clone(&file), name.to_owned(), &header, Marks::new(CHUNK_BYTES));
        builder.push_new(&frames);
        let built = builder.finish()?;
        let log = Arc::new(Log::new(built.file, name.to_owned(), number, built.bytes, built.marks));
        Ok(Unnamed { file, manifest: Self::new(Writer::new(log, built.last_checksum, base_bytes), whole) })
    }
    // ANCHOR_END: install

    // ANCHOR: commit
    /// Appends an edit and puts it on the device.
    pub(crate) fn commit(&mut self, edit: &Edit) -> Result<u64> {
        let mut frames = Frames::default();
        let batch: Batch = edit.to_batch();
        frames.set_batch(&batch);
        let appended = self.writer.append(&mut frames)?;
        self.writer.log.sync()?;
        self.growth_bytes += appended.bytes;
        self.whole.apply(edit);
        Ok(appended.bytes)
    }
    // ANCHOR_END: commit

    /// Bytes of edits since the one that says everything.
    pub(crate) fn growth_bytes(&self) -> u64 {
        self.growth_bytes
    }

    /// How it ends.
    pub(crate) fn tail(&self) -> Previous {
        self.writer.tail()
    }

    /// Its file's name.
    pub(crate) fn name(&self) -> &str {
        &self.writer.log.name
    }
}
