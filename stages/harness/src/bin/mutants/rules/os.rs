//! The real filesystem.

use super::{Area, Rule, rule};

pub(crate) static AREA: Area = Area {
    sources: &["stages/vfs/src/os.rs"],
    watched: &[],
    rules: &[&RULES],
    exempt: &[],
    engine: None,
    suites: &[("vfs", "os"), ("harness", "faults"), ("harness", "owners")],
};

static RULES: [Rule; 4] = [
    rule("fdatasync is called", "os.rs", "self.file.sync_data()", "Ok(())"),
    rule("a directory's fsync is called", "os.rs", "self.dir.sync_all()", "Ok(())"),
    rule("a new store's entry in its parent is synced", "os.rs", "dir.sync_all()", "Ok(())"),
    rule("a second owner is refused", "os.rs", "dir.try_lock()", "Ok::<(), TryLockError>(())"),
];
