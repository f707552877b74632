//! The only way in which a file gets its name, written whole, synced, renamed, and the directory synced; and the only
//! way in which a chain of files goes.
//!
//! **Invariants**
//! 1. Under its final name a file is complete and on the device, whatever happens at whatever moment.
//! 2. Until the last step nothing in the store has changed; an unfinished file is removed by the next opening.
//!
//! **Cost** Two syncs.
//!
//! **Source** Pillai et al., *All File Systems Are Not Created Equal*, OSDI 2014: a rename says nothing about the
//! bytes behind the name, and nothing about its own durability.

use contract::{IoContext, Result};
use std::sync::Arc;
use vfs::{File, Vfs};

/// The name that a file bears until it is whole.
pub fn unfinished_name(name: &str) -> String {
    format!("{name}.tmp")
}

// ANCHOR: begin
/// Makes the unfinished file that will become `name`, in place of one that an earlier failure may have left.
pub fn begin(vfs: &dyn Vfs, name: &str) -> Result<Arc<dyn File>> {
    let unfinished = unfinished_name(name);
    match vfs.create(&unfinished) {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            vfs.remove(&unfinished).during("remove", &unfinished)?;
            vfs.create(&unfinished)
        }
        other => other,
    }
    .during("create", &unfinished)
}
// ANCHOR_END: begin

// ANCHOR: commit
/// Gives an unfinished file its name. After an error nobody knows whether it has it.
pub fn commit(vfs: &dyn Vfs, file: &dyn File, name: &str) -> Result<()> {
    let unfinished = unfinished_name(name);
    file.sync().during("sync", &unfinished)?;
    vfs.rename(&unfinished, name).during("rename", &unfinished)?;
    vfs.sync_dir().during("sync", &vfs.location())
}
// ANCHOR_END: commit

// ANCHOR: remove_chain
/// Removes files each of which explains the one before it, the oldest first. Removals reach the device in any order
/// unless a sync lies between them, and a file that outlives the one that explains it would be a stranger.
pub fn remove_chain<'n>(vfs: &dyn Vfs, oldest_first: impl IntoIterator<Item = &'n str>) -> Result<()> {
    for (i, name) in oldest_first.into_iter().enumerate() {
        if i > 0 {
            vfs.sync_dir().during("sync", &vfs.location())?;
        }
        match vfs.remove(name) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            other => other.during("remove", name)?,
        }
    }
    Ok(())
}
// ANCHOR_END: remove_chain
