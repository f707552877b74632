//! Logs that follow each other: which of them are on the device, and those who wait for that.
//!
//! **Invariants**
//! 1. Logs are synced oldest first, so what is durable is always a prefix of what was written.
//! 2. The first bytes of a log count as durable only once all logs before it are: then a floor in it speaks for them
//!    too.
//!
//! **Cost** One sync for all who wait at the same time; one more for each log that has filled up since the last.

use contract::Result;
use stage1::log::header::HEADER_BYTES;
use stage1::log::{Log, SyncGroup};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bits of a position that are an offset.
const OFFSET_BITS: u32 = 40;

/// A moment in the life of a store: how far it has been written. Later is larger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(pub(crate) u64);

impl Position {
    /// After everything, the sizes of files included.
    pub const END: Self = Self(u64::MAX);

    /// Offset `offset` of the log that is the `order`th of its store in this process.
    pub fn new(order: u32, offset: u64) -> Self {
        Self(u64::from(order) << OFFSET_BITS | offset)
    }
}

/// A log and its place among the others.
#[derive(Clone)]
struct Link {
    order: u32,
    log: Arc<Log>,
}

impl Link {
    fn end(&self) -> Position {
        Position::new(self.order, self.log.appended())
    }
}

/// What [`Chain::sync_logs`] did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Synced {
    /// How many syncs it took.
    pub syncs: u64,
    /// The orders of the full logs that are on the device now.
    pub full: Vec<u32>,
}

/// The logs that are not known to be on the device.
pub struct Chain {
    /// Oldest first; the last one is the one that is written.
    links: Mutex<VecDeque<Link>>,
    waiting: SyncGroup,
    synced: AtomicU64,
}

impl Chain {
    /// Everything before this log is durable, and all that it holds.
    pub fn new(order: u32, log: Arc<Log>) -> Self {
        let link = Link { order, log };
        let synced = AtomicU64::new(link.end().0);
        Self { links: Mutex::new(VecDeque::from([link])), waiting: SyncGroup::default(), synced }
    }

    // ANCHOR: push
    /// Another log is written from now on. Where all that was written before is on the device, the first append to it says
    /// so: a sync that nothing speaks of could not be told from one that never was.
    pub fn push(&self, order: u32, log: Arc<Log>) {
        let mut links = self.links();
        if links.back().is_none_or(|last| self.reached(last.end())) {
            log.note_synced(HEADER_BYTES as u64);
        }
        links.push_back(Link { order, log });
    }
    // ANCHOR_END: push

    /// How far has been written.
    pub fn end(&self) -> Position {
        self.links().back().map_or(Position::default(), Link::end)
    }

    /// Where the log that is written begins, if there are full ones before it that are not synced.
    pub fn behind(&self) -> Option<Position> {
        let links = self.links();
        let last = links.back().filter(|_| links.len() > 1)?;
        Some(Position::new(last.order, HEADER_BYTES as u64))
    }

    /// Where the log after the oldest begins, if more than `limit` are not synced, the one that is written among them.
    pub fn crowded(&self, limit: usize) -> Option<Position> {
        let links = self.links();
        let next = links.get(1).filter(|_| links.len() > limit)?;
        Some(Position::new(next.order, HEADER_BYTES as u64))
    }

    /// Bytes that power loss could take.
    pub fn unsynced_bytes(&self) -> u64 {
        let unsynced = |log: &Log| log.appended() - log.synced().min(log.appended());
        self.links().iter().map(|link| unsynced(&link.log)).sum()
    }

    /// Whether everything before `position` is on the device.
    pub fn reached(&self, position: Position) -> bool {
        self.synced.load(Ordering::Acquire) >= position.0
    }

    /// Returns once everything before `position` is on the device. Of all who wait for that, one runs `lead`, which must
    /// [sync](Self::sync_logs) that far, or fail.
    pub fn wait_for(&self, position: Position, lead: impl FnOnce() -> Result<()>) -> Result<()> {
        self.waiting.wait(|| self.reached(position), lead)
    }

    /// Runs `lead` while nobody else syncs.
    pub fn wait_for_everything(&self, lead: impl FnOnce() -> Result<()>) -> Result<()> {
        self.waiting.wait(|| false, lead)
    }

    // ANCHOR: sync
    /// Syncs logs, the oldest first, as far as `position`. Only who leads the group calls it.
    pub fn sync_logs(&self, position: Position) -> Result<Synced> {
        let links: Vec<_> = self.links().iter().cloned().collect();
        let mut done = Synced::default();
        for (i, link) in links.iter().enumerate() {
            let end = link.end();
            if link.log.needs_sync() {
                link.log.sync()?;
                done.syncs += 1;
            }
            self.synced.fetch_max(end.0, Ordering::AcqRel);
            if i + 1 < links.len() {
                // Full and on the device: nobody needs to look at this one again.
                self.pass(link.order);
                done.full.push(link.order);
            }
            if self.reached(position) {
                break;
            }
        }
        Ok(done)
    }
    // ANCHOR_END: sync

    // ANCHOR: pass
    /// All that the logs up to the `order`th hold is on the device, in them or elsewhere: nobody needs to sync them any
    /// more. The last log stays.
    pub fn pass(&self, order: u32) {
        let mut links = self.links();
        while links.len() > 1 && links.front().is_some_and(|first| first.order <= order) {
            links.pop_front();
            if let Some(next) = links.front() {
                next.log.note_synced(HEADER_BYTES as u64);
                self.synced.fetch_max(Position::new(next.order, HEADER_BYTES as u64).0, Ordering::AcqRel);
            }
        }
    }
    // ANCHOR_END: pass

    fn links(&self) -> MutexGuard<'_, VecDeque<Link>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
