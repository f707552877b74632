//! Who does upkeep, and who waits for it.
//!
//! **Invariants**
//! 1. Of each kind one thread at a time holds the claim.
//! 2. A *ring* says that there may be something new to do; a *change* that who waits for a claim or for room should look
//!    again. Every ring is a change.

use super::By;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Who does what, and who waits.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    claims: Mutex<Claims>,
    /// Something has changed: there may be something to do, or room.
    changed: Condvar,
    /// What is being built is not wanted any more.
    pub(super) given_up: AtomicBool,
    /// Tables that compactions could not read.
    damaged: Mutex<BTreeSet<u64>>,
}

#[derive(Debug, Default)]
struct Claims {
    flushing: bool,
    compacting: bool,
    /// Threads that attend to the store.
    attending: usize,
    /// How often somebody has rung, so that nobody sleeps through it.
    rings: u64,
    /// Counts all changes: rings, and claims that were given back.
    changes: u64,
    /// How many wait for a claim or for room.
    waiting: usize,
}

/// One of the two kinds of upkeep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Flush,
    Compact,
}

impl Claims {
    fn of(&mut self, kind: Kind) -> &mut bool {
        match kind {
            Kind::Flush => &mut self.flushing,
            Kind::Compact => &mut self.compacting,
        }
    }
}

impl Upkeep {
    /// There may be something new to do.
    pub(crate) fn ring(&self) {
        let mut claims = self.claims();
        claims.rings += 1;
        claims.changes += 1;
        self.changed.notify_all();
    }

    fn claims(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn damaged(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn changes(&self) -> u64 {
        self.claims().changes
    }

    pub(super) fn is_attended(&self) -> bool {
        self.claims().attending > 0
    }

    /// Waits until something has changed since there were so many changes.
    pub(super) fn wait(&self, changes: u64) {
        self.claims().waiting += 1;
        // Who rests, hears that there is no time for that.
        self.changed.notify_all();
        self.wait_while(|claims| claims.changes == changes);
        self.claims().waiting -= 1;
    }

    /// Whether somebody waits for a claim or for room.
    #[cfg(test)]
    pub(super) fn is_waited_for(&self) -> bool {
        self.claims().waiting > 0
    }

    pub(super) fn rings(&self) -> u64 {
        self.claims().rings
    }

    /// Waits until somebody has rung since there were so many rings.
    pub(super) fn wait_for_ring(&self, rings: u64) {
        self.wait_while(|claims| claims.rings == rings);
    }

    fn wait_while(&self, condition: impl Fn(&Claims) -> bool) {
        let claims = self.changed.wait_while(self.claims(), |claims| condition(claims));
        drop(claims.unwrap_or_else(PoisonError::into_inner));
    }

    /// The claim, if nobody holds it.
    pub(super) fn try_claim(&self, kind: Kind, by: By) -> Option<Claim<'_>> {
        let mut claims = self.claims();
        let held = std::mem::replace(claims.of(kind), true);
        // Made only where it is held: one that is made is given back when it goes.
        (!held).then(|| Claim { upkeep: self, kind, by })
    }

    /// The claim, once it is free.
    pub(super) fn claim(&self, kind: Kind) -> Claim<'_> {
        loop {
            let changes = self.changes();
            if let Some(claim) = self.try_claim(kind, By::Caller) {
                return claim;
            }
            self.wait(changes);
        }
    }

    /// Rests for so long, or until somebody waits for a claim or for room.
    pub(super) fn rest(&self, time: Duration) {
        let rested = self.changed.wait_timeout_while(self.claims(), time, |claims| claims.waiting == 0);
        drop(rested.unwrap_or_else(PoisonError::into_inner));
    }
}

// ANCHOR: give_back
/// The right to do one kind of upkeep, until it is dropped.
pub(crate) struct Claim<'a> {
    upkeep: &'a Upkeep,
    kind: Kind,
    by: By,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut claims = self.upkeep.claims();
        *claims.of(self.kind) = false;
        // A change for who waits for the claim or for room. It is no ring where it was an attendant's: he looks again
        // himself once something is done, and what has failed would be tried again at once, for ever. Anybody else goes
        // away, and attendants who were refused meanwhile are asleep.
        claims.changes += 1;
        claims.rings += u64::from(self.by == By::Caller);
        self.upkeep.changed.notify_all();
    }
}
// ANCHOR_END: give_back

/// Counts a thread as attending until it is dropped.
pub(super) struct Attending<'a>(&'a Upkeep);

impl<'a> Attending<'a> {
    pub(super) fn to(upkeep: &'a Upkeep) -> Self {
        upkeep.claims().attending += 1;
        Self(upkeep)
    }
}

impl Drop for Attending<'_> {
    fn drop(&mut self) {
        self.0.claims().attending -= 1;
        self.0.ring();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn who_rests_is_woken_by_who_waits_for_the_claim() {
        let upkeep = Upkeep::default();
        let claim = upkeep.try_claim(Kind::Compact, By::Attendant).unwrap();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| drop(upkeep.claim(Kind::Compact)));
            // Rests for ever, but for the waiter.
            upkeep.rest(Duration::MAX);
            drop(claim);
            waiter.join().unwrap();
        });
        assert_eq!(upkeep.claims().waiting, 0);
    }

    #[test]
    fn a_claim_that_is_given_back_is_seen_by_who_waits_for_it_and_asks_nobody_to_try_again() {
        let upkeep = Upkeep::default();
        let (rings, changes) = (upkeep.rings(), upkeep.changes());
        let claim = upkeep.try_claim(Kind::Flush, By::Attendant).unwrap();
        assert!(upkeep.try_claim(Kind::Flush, By::Attendant).is_none());
        assert!(upkeep.try_claim(Kind::Compact, By::Attendant).is_some());
        drop(claim);
        assert_eq!(upkeep.rings(), rings);
        assert!(upkeep.changes() > changes && upkeep.try_claim(Kind::Flush, By::Attendant).is_some());
    }

    #[test]
    fn who_attends_no_more_says_so() {
        let upkeep = Upkeep::default();
        let attending = Attending::to(&upkeep);
        let (rings, changes) = (upkeep.rings(), upkeep.changes());
        assert!(upkeep.is_attended());
        drop(attending);
        assert!(!upkeep.is_attended() && upkeep.rings() > rings && upkeep.changes() > changes);
    }

    /// Those who attend have looked meanwhile, were refused, and sleep.
    #[test]
    fn who_does_not_attend_rings_once_he_has_given_back_his_claim() {
        let upkeep = Upkeep::default();
        let rung = |claim: Claim<'_>| {
            let rings = upkeep.rings();
            drop(claim);
            upkeep.rings() > rings
        };
        assert!(rung(upkeep.claim(Kind::Flush)));
        assert!(rung(upkeep.try_claim(Kind::Flush, By::Caller).unwrap()));
        assert!(!rung(upkeep.try_claim(Kind::Flush, By::Attendant).unwrap()));
    }

    /// Somebody sleeps through it sooner or later if nobody wakes him.
    #[test]
    fn a_claim_goes_from_hand_to_hand() {
        let (upkeep, held) = (Upkeep::default(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..2_000 {
                        let _claim = upkeep.claim(Kind::Compact);
                        assert!(!held.swap(true, Ordering::SeqCst));
                        std::thread::yield_now();
                        held.store(false, Ordering::SeqCst);
                    }
                });
            }
        });
    }
}
