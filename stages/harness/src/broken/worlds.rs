//! A sound engine in a world that lies: what it looks like if one call of the engine were missing or ignored.

use super::bent;
use crate::faults::hooked::{Hooked, Hooks};
use contract::{Opened, Options, Result, Stage};
use std::io;
use std::sync::Arc;
use vfs::{File, Vfs};

/// `sync` returns success and syncs nothing.
pub static SYNC_DOES_NOTHING: Stage =
    bent("sync-does-nothing", "acknowledges a sync that it never asks for", open_in::<SyncDoesNothing>);

/// `sync_dir` returns success and syncs nothing.
pub static SYNC_DIR_DOES_NOTHING: Stage =
    bent("sync-dir-does-nothing", "never syncs its directory", open_in::<SyncDirDoesNothing>);

/// An append that fails is taken for done.
pub static APPEND_ERRORS_ARE_SWALLOWED: Stage =
    bent("append-errors-are-swallowed", "does not look at what an append returns", open_in::<AppendSwallows>);

/// A sync that failed is asked for again, and the second answer believed.
pub static A_FAILED_SYNC_IS_RETRIED: Stage = bent(
    "a-failed-sync-is-retried",
    "asks again after a failed sync, and believes it",
    open_in::<SyncRetries>,
);

/// A read that fails looks like the end of the file.
pub static A_FAILED_READ_IS_AN_END: Stage =
    bent("a-failed-read-is-an-end", "takes a failed read for the end of the file", open_in::<ReadEnds>);

/// A new file gets its name, and the old one goes, before the new one is on the device.
pub static THE_OLD_GOES_BEFORE_THE_NEW_IS_SAFE: Stage = bent(
    "the-old-goes-before-the-new-is-safe",
    "renames a new file into its place without syncing it first",
    open_in::<UnfinishedIsNotSynced>,
);

fn open_in<H: Hooks + Default>(vfs: Arc<dyn Vfs>, options: &Options) -> Result<Opened> {
    (stage1::STAGE.open)(Arc::new(Hooked::new(vfs, H::default())), options)
}

#[derive(Default)]
struct SyncDoesNothing;

impl Hooks for SyncDoesNothing {
    fn sync(&self, _: &dyn File) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Default)]
struct SyncDirDoesNothing;

impl Hooks for SyncDirDoesNothing {
    fn sync_dir(&self, _: &dyn Vfs) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Default)]
struct AppendSwallows;

impl Hooks for AppendSwallows {
    fn append(&self, file: &dyn File, data: &[u8]) -> io::Result<()> {
        let _ = file.append(data);
        Ok(())
    }
}

#[derive(Default)]
struct SyncRetries;

impl Hooks for SyncRetries {
    fn sync(&self, file: &dyn File) -> io::Result<()> {
        file.sync().or_else(|_| file.sync())
    }
}

#[derive(Default)]
struct ReadEnds;

impl Hooks for ReadEnds {
    fn read_at(&self, file: &dyn File, _: &str, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        Ok(file.read_at(buf, offset).unwrap_or(0))
    }
}

#[derive(Default)]
struct UnfinishedIsNotSynced;

/// A file that was created and not opened: in this engine all of these are renamed once they are whole.
struct Unfinished {
    inner: Arc<dyn File>,
    first_sync: std::sync::Once,
}

impl Hooks for UnfinishedIsNotSynced {
    fn create(&self, vfs: &dyn Vfs, name: &str) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(Unfinished { inner: vfs.create(name)?, first_sync: std::sync::Once::new() }))
    }
}

impl File for Unfinished {
    fn size(&self) -> io::Result<u64> {
        self.inner.size()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buf, offset)
    }

    fn append(&self, data: &[u8]) -> io::Result<()> {
        self.inner.append(data)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.inner.truncate(len)
    }

    fn reserve(&self, bytes: u64) -> io::Result<()> {
        self.inner.reserve(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        let mut skipped = false;
        self.first_sync.call_once(|| skipped = true);
        if skipped { Ok(()) } else { self.inner.sync() }
    }

    fn view(&self) -> io::Result<vfs::View> {
        self.inner.view()
    }
}
