//! Sharing a sync: of all who wait for the device at the same time, one syncs for everybody.
//!
//! **Invariants**
//! 1. One at a time leads. Who comes meanwhile sleeps, and asks again when the leader is done: usually the leader's
//!    sync began too early to cover what the newcomer has appended, and then one of them leads the next.
//! 2. A leader that fails, or panics, lets the others go on, and each of them finds out for itself.
//!
//! 3. A leader waits for company only where there was some the last time, and never for longer than [`GATHER`].
//!
//! **Cost** One sync for all who write at the same time. Where one of those has gone away, `GATHER` once.
//!
//! **Source** The group commit of transaction systems; LevelDB's and RocksDB's writers form such groups. To wait a moment
//! for the others is `PostgreSQL`'s `commit_delay` with its `commit_siblings`.

use contract::Result;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a leader waits for those who were there the last time: less than half of what a sync takes.
const GATHER: Duration = Duration::from_micros(100);

/// Those who wait for the device.
#[derive(Debug, Default)]
pub struct SyncGroup {
    members: Mutex<Members>,
    /// Somebody has come.
    came: Condvar,
    /// A sync is over.
    done: Condvar,
}

#[derive(Debug, Default)]
struct Members {
    /// Whether somebody leads.
    led: bool,
    /// How many have come since the last sync was over, besides the leader.
    waiting: usize,
    /// How many there were, the leader among them, when the last sync was over.
    last: usize,
    /// How many syncs are over.
    syncs: u64,
}

impl SyncGroup {
    // ANCHOR: wait
    /// Returns once `durable` holds. Where nobody leads and it does not hold yet, the caller leads and runs `sync`,
    /// after which it must hold.
    pub fn wait(&self, durable: impl Fn() -> bool, sync: impl FnOnce() -> Result<()>) -> Result<()> {
        let mut members = self.members();
        while !durable() && members.led {
            members.waiting += 1;
            self.came.notify_one();
            let syncs = members.syncs;
            let over = self.done.wait_while(members, |members| members.syncs == syncs);
            members = over.unwrap_or_else(PoisonError::into_inner);
        }
        if durable() {
            return Ok(());
        }
        members.led = true;
        let leading = Leading(self);
        // Those whom the last sync served are about to write again. Without this moment half of them would come too late
        // for this sync, and half for the next one.
        let alone = |members: &mut Members| members.waiting + 1 < members.last;
        drop(self.came.wait_timeout_while(members, GATHER, alone).unwrap_or_else(PoisonError::into_inner));
        let result = sync();
        drop(leading);
        result
    }
    // ANCHOR_END: wait

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the lead back when it goes, whatever happened.
struct Leading<'a>(&'a SyncGroup);

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        let mut members = self.0.members();
        members.led = false;
        members.last = std::mem::take(&mut members.waiting) + 1;
        members.syncs += 1;
        drop(members);
        self.0.done.notify_all();
    }
}
