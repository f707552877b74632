//! The path of a write: into the log, then into the memtable.
//!
//! **Invariants**
//! 1. One writer at a time has the *turn*. In it he appends, for himself and for all who queued meanwhile, and applies;
//!    checking, framing and checksums come before it, waiting for the device after it.
//! 2. The memtable is changed in the order of the log. Where every write is synced, that is after the sync: nobody
//!    sees what a power failure could still take back.
//! 3. A batch becomes visible at once, also for scans: they take the turn for a moment to see where they are.
//! 4. After a failed append, sync or commit the store is *poisoned*: reads go on, writes are refused, and a close leaves
//!    no mark of a clean close. Opening again finds out what is on the device.
//! 5. Lock order: the manifest, then the turn, then the lead of a sync; who waits for upkeep holds none of them.
//!
//! **Cost** One write call for all who come at the same time, and one sync where they wait for it; an insertion into the
//! memtable for each entry.

use crate::names::log_name;
use crate::state::{Frozen, State};
use crate::store::Store;
use crate::{ENGINE, memtable::Memtable};
use contract::{Entry, Error, Result};
use stage1::frame::{HEAD_BYTES, Head, Kind};
use stage1::log::header::{HEADER_BYTES, Header, Previous};
use stage1::log::{Builder, Built, Frames, Log, Marks, Writer};
use stage1::{clean, install};
use stage2::chain::Position;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, OnceLock, PoisonError};
use vfs::{DirLock, Vfs};

/// Writes of more than this do not queue, in bytes.
const QUEUED_BYTES: usize = 64 << 10;
/// How many times larger than its memtable a log may grow.
const LOG_TIMES: u64 = 4;

/// What only the writer whose turn it is may touch.
pub(crate) struct Turn {
    pub(crate) writer: Writer,
    /// The log's place among the logs of this process.
    pub(crate) order: u32,
    /// Whether the mark of the last clean close still lies in the directory.
    pub(crate) clean: bool,
    /// The number of the last write that was applied.
    pub(crate) seq: u64,
    /// Appended, and waiting for their sync before anybody sees them; the oldest first.
    pub(crate) pending: VecDeque<Pending>,
    /// Bytes of keys and values written since opening.
    pub(crate) user_bytes: u64,
    /// Held until the store is closed.
    pub(crate) lock: Option<DirLock>,
}

impl Turn {
    /// Whether the newest entry of `key` that waits for its sync is a put; `None` if none waits.
    pub(crate) fn is_pending(&self, key: &[u8]) -> Option<bool> {
        let newest = |pending: &Pending| {
            entries(&pending.frames)
                .filter(|entry| entry.key == key)
                .last()
                .map(|entry| entry.value.is_some())
        };
        self.pending.iter().rev().find_map(newest)
    }
}

/// What is appended, and waits for its sync.
pub(crate) struct Pending {
    /// It may be seen once everything before this is on the device.
    until: Position,
    frames: Vec<u8>,
}

/// Writers that came while another one had the turn. Whoever gets it next appends for all of them.
#[derive(Default)]
pub(crate) struct Queue {
    frames: Frames,
    outcome: Arc<Outcome>,
}

/// How it went, for those who queued: a failed append is told to each of them.
type Outcome = OnceLock<std::result::Result<Position, String>>;

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
    /// Appends `frames`, alone or together with others, and returns when they are acknowledged.
    pub(crate) fn submit(&self, frames: &mut Frames) -> Result<()> {
        self.wait_for_room()?;
        let alone = match self.turn.try_lock() {
            Ok(turn) => Some(turn),
            // What is large gains nothing by company.
            Err(_) if frames.bytes().len() > QUEUED_BYTES => Some(self.any_turn()),
            Err(_) => None,
        };
        if let Some(mut turn) = alone {
            self.refuse_if_closed()?;
            self.refuse_if_poisoned()?;
            let end = self.append_in(&mut turn, frames)?;
            return self.acknowledge(turn, end);
        }
        let outcome = self.join_queue(frames);
        let mut turn = self.turn()?;
        if outcome.get().is_none() {
            self.append_queue(&mut turn);
        }
        match outcome.get() {
            Some(Ok(end)) => self.acknowledge(turn, *end),
            Some(Err(cause)) => Err(self.refused(cause)),
            None => unreachable!("the queue has just been appended"),
        }
    }

    /// Leaves a copy of `frames` to whoever gets the turn next.
    fn join_queue(&self, frames: &Frames) -> Arc<Outcome> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.frames.extend(frames);
        Arc::clone(&queue.outcome)
    }

    /// What somebody is told for whom another one could not append.
    fn refused(&self, cause: &str) -> Error {
        let source = std::io::Error::other(cause.to_owned());
        let io = || Error::Io { file: self.vfs.location(), action: "write to", source };
        self.refuse_if_poisoned().err().unwrap_or_else(io)
    }

    /// Appends for all who have queued.
    fn append_queue(&self, turn: &mut Turn) {
        let Queue { mut frames, outcome } =
            std::mem::take(&mut *self.queue.lock().unwrap_or_else(PoisonError::into_inner));
        let result = self.append_in(turn, &mut frames).map_err(|error| error.to_string());
        outcome.get_or_init(|| result);
    }
    // ANCHOR_END: submit

    // ANCHOR: append
    /// Appends in the turn, and returns how far everything must be durable before it is acknowledged.
    pub(crate) fn append_in(&self, turn: &mut Turn, frames: &mut Frames) -> Result<Position> {
        self.begin_change(turn)?;
        self.freeze_if_full(turn)?;
        turn.writer.reserve_by(self.settings.reserve_bytes());
        turn.writer.make_room(frames)?;
        let appended = turn.writer.append(frames).map_err(|e| self.poisoned_by(e))?;
        turn.user_bytes += frames.user_bytes();
        self.counts.written_bytes.fetch_add(appended.bytes, Ordering::Relaxed);
        let log_bytes = turn.writer.log.appended();
        self.log_bytes.store(log_bytes, Ordering::Relaxed);
        let until = Position::new(turn.order, log_bytes);
        if self.settings.every_write() {
            turn.pending.push_back(Pending { until, frames: frames.bytes().to_vec() });
        } else {
            self.apply(turn, frames.bytes());
        }
        Ok(until)
    }

    /// Puts entries into the memtable, all at once.
    fn apply(&self, turn: &mut Turn, frames: &[u8]) {
        turn.seq += 1;
        self.state.load().active.apply(entries(frames), turn.seq, self.pins.newest());
    }

    /// Ends the turn: readers see what was appended at once, or, where every write is synced, after the sync.
    pub(crate) fn acknowledge(&self, turn: MutexGuard<'_, Turn>, end: Position) -> Result<()> {
        if !self.settings.every_write() {
            return Ok(());
        }
        drop(turn);
        self.make_durable(end)?;
        self.apply_pending(&mut self.any_turn());
        Ok(())
    }

    /// Applies what has waited for its sync and has got it.
    pub(crate) fn apply_pending(&self, turn: &mut Turn) {
        while let Some(next) = turn.pending.pop_front_if(|next| self.chain.reached(next.until)) {
            self.apply(turn, &next.frames);
        }
    }

    /// Returns once everything before `position` is on the device. Of all who wait for that, one syncs.
    pub(crate) fn make_durable(&self, position: Position) -> Result<()> {
        self.chain.wait_for(position, || self.lead(position))
    }

    /// Puts everything on the device, the sizes of files included.
    pub(crate) fn sync_everything(&self) -> Result<()> {
        self.chain.wait_for_everything(|| self.lead(Position::END))
    }

    /// Syncs for all who wait. Once a sync has failed, nobody asks again: what is lost would count as clean.
    fn lead(&self, position: Position) -> Result<()> {
        self.refuse_if_poisoned()?;
        let synced = self.chain.sync_logs(position).map_err(|e| self.poisoned_by(e))?;
        self.counts.syncs.fetch_add(synced.syncs, Ordering::Relaxed);
        Ok(())
    }
    // ANCHOR_END: append

    /// Before the first change after an opening: the mark of the clean close goes, durably.
    pub(crate) fn begin_change(&self, turn: &mut Turn) -> Result<()> {
        if turn.clean {
            clean::remove(&*self.vfs).map_err(|e| self.poisoned_by(e))?;
            turn.clean = false;
        }
        Ok(())
    }

    // ANCHOR: freeze
    /// Whether the active memtable has taken its memory, or its log has grown far beyond that: keys that are written again
    /// and again take no more memory, but what they leave in the log is read when a store is opened after a crash.
    pub(crate) fn is_full(&self, state: &State) -> bool {
        let limit = self.settings.active_bytes();
        let log_bytes = self.log_bytes.load(Ordering::Relaxed);
        state.active.filled_bytes() >= limit || log_bytes / LOG_TIMES >= limit
    }

    /// Begins a new memtable where the active one is full and no other one waits for its flush.
    fn freeze_if_full(&self, turn: &mut Turn) -> Result<()> {
        let state = self.state.load();
        if state.frozen.is_empty() && self.is_full(&state) { self.freeze(turn) } else { Ok(()) }
    }

    /// Freezes the active memtable and begins another one, with a log of its own. Until that has its name a failure
    /// changes nothing.
    pub(crate) fn freeze(&self, turn: &mut Turn) -> Result<()> {
        self.begin_change(turn)?;
        if !turn.pending.is_empty() {
            // What was appended to this log belongs into this memtable.
            self.make_durable(self.chain.end())?;
            self.apply_pending(turn);
        }
        turn.writer.give_room_back().map_err(|e| self.poisoned_by(e))?;
        let number = self.next_number.fetch_add(1, Ordering::AcqRel);
        let built = build_log(&*self.vfs, number, turn.writer.tail(), self.settings.chunk_bytes)?;
        let writer = name_log(&*self.vfs, built, number).map_err(|e| self.poisoned_by(e))?;
        let log_bytes = std::mem::replace(&mut turn.writer, writer).log.appended();
        self.log_bytes.store(turn.writer.log.appended(), Ordering::Relaxed);
        self.chain.push(turn.order + 1, Arc::clone(&turn.writer.log));
        self.change_state(turn, |state| State {
            active: Arc::new(Memtable::new()),
            log: number,
            frozen: std::iter::once(Frozen::new(state, turn.order, log_bytes))
                .chain(state.frozen.iter().cloned())
                .collect(),
            tree: Arc::clone(&state.tree),
        });
        turn.order += 1;
        self.upkeep.ring();
        Ok(())
    }
    // ANCHOR_END: freeze

    /// Publishes a new state, in the turn.
    pub(crate) fn change_state(&self, _turn: &Turn, change: impl FnOnce(&State) -> State) {
        let new = change(&self.state.load());
        self.state.store(Arc::new(new));
    }

    pub(crate) fn refuse_if_closed(&self) -> Result<()> {
        self.closed.get().map_or(Ok(()), |()| Err(Error::Closed))
    }

    pub(crate) fn refuse_if_poisoned(&self) -> Result<()> {
        self.poison.get().map_or(Ok(()), |cause| Err(Error::Poisoned { cause: cause.clone() }))
    }

    /// Remembers the first failure after which nobody knows what is on the device.
    pub(crate) fn poisoned_by(&self, error: Error) -> Error {
        self.poison.get_or_init(|| error.to_string());
        self.upkeep.ring();
        error
    }
}

// ANCHOR: begin_log
/// Builds an empty write-ahead log that comes after `previous`. It has no name yet.
pub(crate) fn build_log(vfs: &dyn Vfs, number: u64, previous: Previous, chunk_bytes: usize) -> Result<Built> {
    let name = log_name(number);
    let header = Header { engine: ENGINE, number, previous, base_bytes: HEADER_BYTES as u64 };
    let file = install::begin(vfs, &name)?;
    let built = Builder::new(file, name.clone(), &header, Marks::new(chunk_bytes)).finish();
    if built.is_err() {
        // Best effort: what cannot be removed now goes at the next opening, and the error that counts is the first.
        let _ = vfs.remove(&install::unfinished_name(&name));
    }
    built
}

/// Gives the log its name.
pub(crate) fn name_log(vfs: &dyn Vfs, built: Built, number: u64) -> Result<Writer> {
    let name = log_name(number);
    install::commit(vfs, &*built.file, &name)?;
    let log = Log::new(built.file, name, number, built.bytes, built.marks).after_unsynced();
    // No floor yet: the first one says that everything before this log is on the device.
    Ok(Writer::new(Arc::new(log), built.last_checksum, 0))
}
// ANCHOR_END: begin_log

// ANCHOR: entries
/// The entries in frames that lie one after the other.
pub(crate) fn entries(mut frames: &[u8]) -> impl Iterator<Item = Entry<'_>> + Clone {
    std::iter::from_fn(move || {
        let head = Head::parse(frames.first_chunk()?).ok()?;
        let (frame, rest) = frames.split_at_checked(head.len())?;
        frames = rest;
        let value = (head.kind == Kind::Put).then(|| &frame[head.key_end()..]);
        Some(Entry { key: &frame[HEAD_BYTES..head.key_end()], value })
    })
}
// ANCHOR_END: entries

#[cfg(test)]
mod tests;
