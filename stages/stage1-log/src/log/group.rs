//! Sharing a sync: of all who wait for the device at the same time, one syncs for everybody.
//!
//! **Invariants**
//! 1. One at a time leads. Who comes meanwhile sleeps, and asks again when the leader is done: usually the leader's
//!    sync began too early to cover what the newcomer has appended, and then one of them leads the next.
//! 2. A leader that fails, or panics, lets the others go on, and each of them finds out for itself.
//!
//! **Cost** One sync for all who came while the last one was on its way.
//!
//! **Source** The group commit of transaction systems; LevelDB's and RocksDB's writers form such groups.

use contract::Result;
use std::sync::{Condvar, Mutex, PoisonError};

/// Those who wait for the device.
#[derive(Debug, Default)]
pub struct SyncGroup {
    /// Whether somebody leads.
    led: Mutex<bool>,
    done: Condvar,
}

impl SyncGroup {
    // ANCHOR: wait
    /// Returns once `durable` holds. Where nobody leads and it does not hold yet, the caller leads and runs `sync`,
    /// after which it must hold.
    pub fn wait(&self, durable: impl Fn() -> bool, sync: impl FnOnce() -> Result<()>) -> Result<()> {
        let mut led = self.led.lock().unwrap_or_else(PoisonError::into_inner);
        while *led && !durable() {
            led = self.done.wait(led).unwrap_or_else(PoisonError::into_inner);
        }
        if durable() {
            return Ok(());
        }
        *led = true;
        drop(led);
        let _leading = Leading(self);
        sync()
    }
    // ANCHOR_END: wait
}

/// Gives the lead back when it goes, whatever happened.
struct Leading<'a>(&'a SyncGroup);

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        *self.0.led.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.done.notify_all();
    }
}
