//! The writer's turn: how entries get into the active segment, how they are acknowledged, and how the next segment is
//! begun.
//!
//! **Invariants**
//! 1. One writer at a time has the turn. In it he appends and applies; what needs no order (checking, framing,
//!    checksums) is done before it, and waiting for the device after it.
//! 2. Readers never take it. A scan takes it for as long as it copies keys: nobody applies meanwhile, and the list of
//!    segments does not change.
//! 3. After a failed append, sync or commit the store is *poisoned*: reads go on, writes are refused, and a close
//!    leaves no mark of a clean close. Opening again finds out what is on the device.
//! 4. Lock order: upkeep, then turn, then the lead of a sync; a shard of the keydir is the last.
//!
//! **Cost** A write is one write call and one probe an entry; where every write is synced, one sync for all who wait
//! at the same time. A new segment costs two syncs of a file with 64 bytes.

use crate::ENGINE;
use crate::apply::Pending;
use crate::chain::Position;
use crate::names::SegmentId;
use crate::segment::Segment;
use crate::store::Store;
use contract::{Error, IoContext, Result};
use stage1::log::header::{HEADER_BYTES, Header, Previous};
use stage1::log::{Builder, Frames, Marks, Writer};
use stage1::{clean, install};
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use vfs::DirLock;

/// A location in the keydir has 24 bits for a segment's slot.
const MAX_SLOTS: u32 = 1 << 24;

/// What only the writer whose turn it is may touch.
pub(crate) struct Turn {
    pub(crate) writer: Writer,
    pub(crate) active: Arc<Segment>,
    /// Whether the mark of the last clean close still lies in the directory.
    pub(crate) clean: bool,
    /// The number of the next segment.
    pub(crate) next_number: u32,
    /// Appended, and waiting for their sync before anybody sees them; the oldest first.
    pub(crate) pending: VecDeque<Pending>,
    /// Bytes of keys and values written since opening.
    pub(crate) user_bytes: u64,
    /// Held until the store is closed.
    pub(crate) lock: Option<DirLock>,
}

impl Store {
    /// Waits for the turn, whatever the store's state.
    pub(crate) fn any_turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn to write, and refuses it where nobody may write any more.
    pub(crate) fn turn(&self) -> Result<MutexGuard<'_, Turn>> {
        let turn = self.any_turn();
        self.refuse_if_closed()?;
        self.refuse_if_poisoned()?;
        Ok(turn)
    }

    // ANCHOR: submit
    /// Appends `frames` in the writer's turn, and returns when they are acknowledged.
    pub(crate) fn submit(&self, frames: &mut Frames) -> Result<()> {
        let mut turn = self.turn()?;
        self.append_in(&mut turn, frames)?;
        self.acknowledge(turn)
    }

    pub(crate) fn append_in(&self, turn: &mut Turn, frames: &mut Frames) -> Result<()> {
        self.begin_change(turn)?;
        self.roll_if_full(turn, frames.bytes().len() as u64)?;
        turn.writer.reserve_by(self.settings.reserve_bytes());
        turn.writer.make_room(frames)?;
        let appended = turn.writer.append(frames).map_err(|e| self.poisoned_by(e))?;
        turn.user_bytes += frames.user_bytes();
        self.counts.written_bytes.fetch_add(appended.bytes, Ordering::Relaxed);
        if self.settings.every_write() {
            turn.pending.push_back(Pending::new(&turn.active, appended.first, frames.bytes()));
        } else {
            self.apply(&turn.active, appended.first, frames.bytes());
        }
        Ok(())
    }

    /// Ends the turn: readers see what was appended at once, or, where every write is synced, after the sync.
    pub(crate) fn acknowledge(&self, turn: MutexGuard<'_, Turn>) -> Result<()> {
        if !self.settings.every_write() {
            return Ok(());
        }
        let end = Position::new(turn.active.slot, turn.active.bytes());
        drop(turn);
        self.make_durable(end)?;
        if self.applied.load(Ordering::Acquire) < end.0 {
            self.apply_pending(&mut self.any_turn());
        }
        Ok(())
    }
    // ANCHOR_END: submit

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

    // ANCHOR: roll
    /// Begins the next segment where `more` bytes would make the active one too large.
    fn roll_if_full(&self, turn: &mut Turn, more: u64) -> Result<()> {
        let end = turn.active.bytes();
        let empty = end == HEADER_BYTES as u64;
        if empty || end + more <= self.settings.segment_bytes() { Ok(()) } else { self.roll(turn) }
    }

    /// Seals the active segment and begins the next one. Until that has its name a failure changes nothing.
    pub(crate) fn roll(&self, turn: &mut Turn) -> Result<()> {
        self.begin_change(turn)?;
        let number = turn.next_number;
        let next_number = number.checked_add(1).ok_or_else(|| self.full("number"))?;
        if let Some(oldest) = self.chain.crowded(self.settings.open_files) {
            self.make_durable(oldest)?;
        }
        turn.writer.give_room_back().map_err(|e| self.poisoned_by(e))?;
        let id = SegmentId::plain(number);
        let slot = self.segments.load().next_slot();
        if slot >= MAX_SLOTS {
            return Err(self.full("place in the keydir"));
        }
        let tail = turn.writer.tail();
        let (active, writer) = self.begin_segment(id, slot, tail)?;
        self.segments.rcu(|segments| segments.with(Arc::clone(&active)));
        self.chain.push(active.slot, Arc::clone(&active.log));
        std::mem::replace(&mut turn.active, active).seal(tail.last_checksum);
        turn.writer = writer;
        turn.next_number = next_number;
        self.bell.ring();
        Ok(())
    }
    // ANCHOR_END: roll

    // ANCHOR: begin_segment
    /// Installs an empty segment that comes after `previous`.
    fn begin_segment(&self, id: SegmentId, slot: u32, previous: Previous) -> Result<(Arc<Segment>, Writer)> {
        let name = id.log_name();
        let header =
            Header { engine: ENGINE, number: id.number(), previous, base_bytes: HEADER_BYTES as u64 };
        let file = install::begin(&*self.vfs, &name)?;
        let marks = Marks::new(self.settings.chunk_bytes);
        let built = Builder::new(file, name.clone(), &header, marks).finish();
        if built.is_err() {
            // Best effort: what cannot be removed now goes at the next opening, and the error that counts is the first.
            let _ = self.vfs.remove(&install::unfinished_name(&name));
        }
        let built = built?;
        install::commit(&*self.vfs, &*built.file, &name).map_err(|e| self.poisoned_by(e))?;
        self.counts.written_bytes.fetch_add(built.bytes, Ordering::Relaxed);
        let handle = self.handles.pinned(&name, built.file);
        let segment = Arc::new(Segment::begun(id, slot, handle, built.bytes, built.marks));
        // No floor yet: the first one says that everything before this segment is on the device.
        let writer = Writer::new(Arc::clone(&segment.log), built.last_checksum, 0);
        Ok((segment, writer))
    }
    // ANCHOR_END: begin_segment

    fn full(&self, what: &'static str) -> Error {
        Error::Io {
            file: self.vfs.location(),
            action: "begin a segment in",
            source: std::io::Error::other(format!("no {what} is left; export and import into a new store")),
        }
    }

    /// Makes the directory's names durable.
    pub(crate) fn sync_dir(&self) -> Result<()> {
        self.vfs.sync_dir().during("sync", &self.vfs.location())
    }

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
