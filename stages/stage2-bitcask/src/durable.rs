//! What is on the device: the logs that are not synced yet, and those who wait for them.
//!
//! **Invariants**
//! 1. Logs are synced oldest first, so what is durable is always a prefix of what was written.
//! 2. A log that is full is synced in the background, or by whoever next needs what lies behind it. A writer who fills
//!    one syncs only the oldest, and only where so many wait already that no more files may be open: a log stays open
//!    until it is synced.
//! 3. The first bytes of a log count as durable only once all logs before it are: then a floor in it speaks for
//!    them too.
//!
//! **Cost** One sync for all who wait at the same time; one more for each log that has filled up since the last.

use crate::segment::Segment;
use crate::store::Store;
use contract::Result;
use stage1::log::SyncGroup;
use stage1::log::header::HEADER_BYTES;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bits of a position that are an offset.
const OFFSET_BITS: u32 = 40;

/// A moment in the life of a store: how far it has been written. Later is larger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position(pub(crate) u64);

impl Position {
    /// Offset `offset` of the segment in `slot`, which was active then.
    pub(crate) fn new(slot: u32, offset: u64) -> Self {
        Self(u64::from(slot) << OFFSET_BITS | offset)
    }
}

/// The logs that are not synced yet.
pub(crate) struct Durable {
    /// Oldest first; the last one is the active one.
    logs: Mutex<VecDeque<Arc<Segment>>>,
    waiting: SyncGroup,
    synced: AtomicU64,
}

impl Durable {
    /// Everything before the active segment is durable, and all that it holds.
    pub(crate) fn new(active: Arc<Segment>) -> Self {
        let synced = Position::new(active.slot, active.bytes());
        Self {
            logs: Mutex::new(VecDeque::from([active])),
            waiting: SyncGroup::default(),
            synced: AtomicU64::new(synced.0),
        }
    }

    /// Another segment has become the active one.
    pub(crate) fn push(&self, active: Arc<Segment>) {
        self.logs().push_back(active);
    }

    /// How far has been written.
    pub(crate) fn end(&self) -> Position {
        self.logs().back().map_or(Position::default(), |active| Position::new(active.slot, active.bytes()))
    }

    /// Where the active log begins, if there are full ones before it that are not synced.
    pub(crate) fn behind(&self) -> Option<Position> {
        let logs = self.logs();
        let active = logs.back().filter(|_| logs.len() > 1)?;
        Some(Position::new(active.slot, HEADER_BYTES as u64))
    }

    /// Where the log after the oldest begins, if more than `limit` are not synced, the active one among them.
    pub(crate) fn crowded(&self, limit: usize) -> Option<Position> {
        let logs = self.logs();
        let next = logs.get(1).filter(|_| logs.len() > limit)?;
        Some(Position::new(next.slot, HEADER_BYTES as u64))
    }

    /// Bytes that power loss could take.
    pub(crate) fn unsynced_bytes(&self) -> u64 {
        self.logs().iter().map(|segment| segment.bytes() - segment.log.synced().min(segment.bytes())).sum()
    }

    /// Whether everything before `position` is on the device.
    pub(crate) fn reached(&self, position: Position) -> bool {
        self.synced.load(Ordering::Acquire) >= position.0
    }

    fn logs(&self) -> MutexGuard<'_, VecDeque<Arc<Segment>>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ANCHOR: sync
    /// Syncs logs, the oldest first, as far as `position`, and returns how many syncs that took. Only who leads the
    /// group calls it.
    fn sync_logs(&self, position: Position) -> Result<u64> {
        let logs: Vec<_> = self.logs().iter().cloned().collect();
        let mut syncs = 0;
        for (i, segment) in logs.iter().enumerate() {
            let (log, end) = (&segment.log, segment.bytes());
            if log.needs_sync() {
                log.sync()?;
                syncs += 1;
            }
            self.synced.fetch_max(Position::new(segment.slot, end).0, Ordering::AcqRel);
            if let Some(next) = logs.get(i + 1) {
                // Full and on the device: nobody needs to look at this one again.
                next.log.note_synced(HEADER_BYTES as u64);
                self.synced.fetch_max(Position::new(next.slot, HEADER_BYTES as u64).0, Ordering::AcqRel);
                self.logs().pop_front();
                segment.release();
            }
            if self.reached(position) {
                break;
            }
        }
        Ok(syncs)
    }
    // ANCHOR_END: sync
}

impl Store {
    /// Returns once everything before `position` is on the device. Of all who wait for that, one syncs.
    pub(crate) fn make_durable(&self, position: Position) -> Result<()> {
        self.durable.waiting.wait(|| self.durable.reached(position), || self.lead(position))
    }

    /// Puts everything on the device, the sizes of files included.
    pub(crate) fn sync_everything(&self) -> Result<()> {
        self.durable.waiting.wait(|| false, || self.lead(Position(u64::MAX)))
    }

    fn lead(&self, position: Position) -> Result<()> {
        self.refuse_if_poisoned()?;
        let syncs = self.durable.sync_logs(position).map_err(|e| self.poisoned_by(e))?;
        self.counts.syncs.fetch_add(syncs, Ordering::Relaxed);
        Ok(())
    }
}
