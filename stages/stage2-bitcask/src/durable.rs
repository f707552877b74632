//! Waiting until what was written is on the device.
//!
//! **Invariants**
//! 1. A log that is full is synced in the background, or by whoever next needs what lies behind it. A writer who fills
//!    one syncs only the oldest, and only where so many wait already that no more files may be open: a log stays open
//!    until it is synced.
//! 2. Once a sync has failed, nobody syncs again: what the device refused may be gone from the page cache too.
//!
//! **Cost** See [`Chain`](crate::chain::Chain).

use crate::chain::Position;
use crate::store::Store;
use contract::Result;
use std::sync::atomic::Ordering;

impl Store {
    /// Returns once everything before `position` is on the device. Of all who wait for that, one syncs.
    pub(crate) fn make_durable(&self, position: Position) -> Result<()> {
        self.chain.wait_for(position, || self.lead(position))
    }

    /// Puts everything on the device, the sizes of files included.
    pub(crate) fn sync_everything(&self) -> Result<()> {
        self.chain.wait_for_everything(|| self.lead(Position::END))
    }

    fn lead(&self, position: Position) -> Result<()> {
        self.refuse_if_poisoned()?;
        let synced = self.chain.sync_logs(position).map_err(|e| self.poisoned_by(e))?;
        self.counts.syncs.fetch_add(synced.syncs, Ordering::Relaxed);
        let segments = self.segments.load();
        for segment in synced.full.iter().filter_map(|slot| segments.get(*slot)) {
            segment.release();
        }
        Ok(())
    }
}
