//! How an engine joins the registry: one value that says how to open it and how to look at its files.

use crate::{
    Command, Engine, Field, OptionSpec, Options, RecoveryReport, Result, SalvageReport, VerifyReport,
};
use std::sync::Arc;
use vfs::Vfs;

/// A store that is open, and what opening it found and did.
pub type Opened = (Arc<dyn Engine>, RecoveryReport);

/// Receives the fields of a file one by one; false stops the walk.
pub type FieldSink<'a> = dyn FnMut(&Field) -> bool + 'a;

// ANCHOR: stage
/// An engine as the shell, the harness, the crash lab and the benchmark know it. Nothing outside the engine's own
/// crate ever asks which one it is.
pub struct Stage {
    /// Its name, as in `cargo run -p stage1`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// Whether what it is told outlives the process.
    pub persistent: bool,
    /// Its options, with defaults and help.
    pub options: &'static [OptionSpec],
    /// Opens the store in a directory, or makes one.
    pub open: fn(Arc<dyn Vfs>, &Options) -> Result<Opened>,
    /// Shows one file of a store, or all of them, field by field, until the receiver returns false. Needs no open
    /// store, takes the lock and changes no byte.
    pub inspect: fn(&dyn Vfs, Option<&str>, &mut FieldSink<'_>) -> Result<()>,
    /// Reads and checks every byte of a closed store, and changes none.
    pub verify: fn(&dyn Vfs) -> Result<VerifyReport>,
    /// Writes every entry that can be read into another store, oldest first, and says what was lost.
    pub salvage: fn(&dyn Vfs, &dyn Engine) -> Result<SalvageReport>,
    /// What its shell can do besides what every stage's can.
    pub commands: &'static [Command],
    /// A narrated walk over what it does to the bytes on disk.
    pub tour: &'static [TourStep],
}
// ANCHOR_END: stage

impl Stage {
    /// The options at their defaults.
    pub fn default_options(&self) -> Options {
        Options::new(self.options)
    }
}

/// A paragraph of the tour and the shell commands that show what it says.
pub struct TourStep {
    /// What is about to be seen.
    pub say: &'static str,
    /// Command lines as a person would type them. Two exist only here: `crash N` goes on with a copy of the files
    /// as the death of the process would leave them, with the last N bytes of the log torn off; `files` lists them.
    pub run: &'static [&'static str],
}
