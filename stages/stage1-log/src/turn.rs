//! The writer's turn: how frames get into the log, how they are acknowledged, and everything else that only one may
//! do at a time.
//!
//! **Invariants**
//! 1. One writer at a time has the turn. In it he appends; what needs no order (checking, framing, checksums) is done
//!    before it, and waiting for the device after it.
//! 2. After a failed append, sync or commit the store is *poisoned*: reads go on, writes are refused, and a close
//!    leaves no mark of a clean close. Opening again finds out what is on the device.
//! 3. Lock order: turn, then the lead of a sync. A compaction has the turn from its first read to its commit.
//!
//! **Cost** A write is one write call, and where every write is synced, one sync for all who wait at the same time.

use crate::clean::{self, Listed};
use crate::log::{Frames, Log, Writer};
use crate::recover::install_log;
use crate::store::Store;
use crate::{ENGINE, compact, install};
use contract::{Error, IoContext, Result};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use vfs::DirLock;

/// What only the writer whose turn it is may touch.
pub(crate) struct Turn {
    pub(crate) writer: Writer,
    /// Whether the mark of the last clean close still lies in the directory.
    pub(crate) clean: bool,
    pub(crate) next_number: u64,
    /// Entries in the log, tombstones included.
    pub(crate) entries: u64,
    /// Bytes of keys and values written since opening.
    pub(crate) user_bytes: u64,
    /// Bytes appended to files since opening.
    pub(crate) written_bytes: u64,
    /// Replaced logs that could not be removed yet, the oldest first.
    pub(crate) leftovers: Vec<String>,
    /// Held until the store is closed.
    pub(crate) lock: Option<DirLock>,
}

impl Store {
    /// Waits for the turn to write, and refuses it where nobody may write any more.
    pub(crate) fn turn(&self) -> Result<MutexGuard<'_, Turn>> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.refuse_if_closed()?;
        self.refuse_if_poisoned()?;
        Ok(turn)
    }

    // ANCHOR: append
    /// Appends `frames` in the writer's turn, and returns when they are acknowledged.
    pub(crate) fn submit(&self, frames: &mut Frames) -> Result<()> {
        let mut turn = self.turn()?;
        self.append_in(&mut turn, frames)?;
        self.acknowledge(turn)
    }

    pub(crate) fn append_in(&self, turn: &mut Turn, frames: &mut Frames) -> Result<()> {
        self.begin_change(turn)?;
        turn.writer.reserve_by(self.settings.reserve_bytes());
        turn.writer.make_room(frames)?;
        let appended = turn.writer.append(frames).map_err(|e| self.poisoned_by(e))?;
        turn.entries += frames.entries();
        turn.user_bytes += frames.user_bytes();
        turn.written_bytes += appended.bytes;
        Ok(())
    }

    /// Ends the turn: readers see what was appended at once, or, where every write is synced, after the sync.
    pub(crate) fn acknowledge(&self, turn: MutexGuard<'_, Turn>) -> Result<()> {
        if !self.settings.every_write() {
            turn.writer.log.publish_appended();
            return Ok(());
        }
        let end = turn.writer.log.appended();
        let log = Arc::clone(&turn.writer.log);
        drop(turn);
        self.make_durable(&log, end)
    }

    /// Returns once everything before `end` is on the device. Of all who wait for that, one syncs.
    pub(crate) fn make_durable(&self, log: &Log, end: u64) -> Result<()> {
        self.syncs.wait(
            || log.synced() >= end,
            || {
                self.refuse_if_poisoned()?;
                log.sync().map_err(|e| self.poisoned_by(e))?;
                self.sync_count.fetch_add(1, Ordering::Relaxed);
                Ok(())
            },
        )?;
        log.publish(end);
        Ok(())
    }
    // ANCHOR_END: append

    // ANCHOR: begin_change
    /// Before the first change after an opening: the mark of the clean close goes, durably.
    pub(crate) fn begin_change(&self, turn: &mut Turn) -> Result<()> {
        if turn.clean {
            clean::remove(&*self.vfs).map_err(|e| self.poisoned_by(e))?;
            turn.clean = false;
        }
        Ok(())
    }
    // ANCHOR_END: begin_change

    // ANCHOR: compact_in
    /// Compacts in the writer's turn: writers wait, readers go on in the old log.
    pub(crate) fn compact_in(&self, turn: &mut Turn) -> Result<()> {
        let old = Arc::clone(&turn.writer.log);
        let number = turn.next_number;
        turn.next_number += 1;
        let Some(new) = compact::build(&*self.vfs, &old, turn.writer.tail(), number)? else { return Ok(()) };
        self.begin_change(turn)?;
        let written = new.built.bytes;
        turn.writer = install_log(&*self.vfs, new.built, &new.header).map_err(|e| self.poisoned_by(e))?;
        *self.log.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&turn.writer.log);
        self.read_bytes.fetch_add(new.bytes_read, Ordering::Relaxed);
        turn.written_bytes += written;
        turn.entries = new.entries;
        turn.leftovers.push(old.name.clone());
        self.remove_leftovers(turn)
    }

    fn remove_leftovers(&self, turn: &mut Turn) -> Result<()> {
        install::remove_chain(&*self.vfs, turn.leftovers.iter().map(String::as_str))?;
        turn.leftovers.clear();
        Ok(())
    }
    // ANCHOR_END: compact_in

    // ANCHOR: close_cleanly
    /// Makes everything durable and leaves the mark of a clean close.
    pub(crate) fn close_cleanly(&self, turn: &mut Turn) -> Result<()> {
        self.refuse_if_poisoned()?;
        if turn.clean {
            return Ok(());
        }
        turn.writer.give_room_back().map_err(|e| self.poisoned_by(e))?;
        let log = Arc::clone(&turn.writer.log);
        self.syncs.wait(|| false, || log.sync()).map_err(|e| self.poisoned_by(e))?;
        // The mark says what is there; what was removed must not come back beside it.
        self.remove_leftovers(turn)?;
        self.vfs.sync_dir().during("sync", &self.vfs.location())?;
        let tail = turn.writer.tail();
        let listed = Listed { name: log.name.clone(), bytes: tail.bytes, last_checksum: tail.last_checksum };
        clean::write(&*self.vfs, ENGINE, &[listed])
    }
    // ANCHOR_END: close_cleanly

    pub(crate) fn refuse_if_closed(&self) -> Result<()> {
        self.closed.get().map_or(Ok(()), |()| Err(Error::Closed))
    }

    pub(crate) fn refuse_if_poisoned(&self) -> Result<()> {
        self.poison.get().map_or(Ok(()), |cause| Err(Error::Poisoned { cause: cause.clone() }))
    }

    // ANCHOR: poisoned_by
    /// Remembers the first failure after which nobody knows what is on the device.
    pub(crate) fn poisoned_by(&self, error: Error) -> Error {
        self.poison.get_or_init(|| error.to_string());
        error
    }
    // ANCHOR_END: poisoned_by
}
