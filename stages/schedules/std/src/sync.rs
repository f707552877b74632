//! Locks, conditions and atomics of the schedule.
//!
//! **Layout** Most are Shuttle's. It has no [`OnceLock`], and its waits with a time limit never run out; both are ours.
//!
//! **Invariants** There is no clock. A wait with a time limit looks a few times whether it has what it waits for, and gives
//! the others a chance in between; how many times, the scheduler's dice say. So it may run out early, late, or not at all.

pub use ::std::sync::{Arc, LockResult, PoisonError, TryLockError, TryLockResult, Weak};
pub use shuttle::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, atomic, mpsc};

use crate::point;
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync as real;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// How often who waits with a time limit looks, at most.
const LOOKS: u32 = 3;

/// A lock; its guard knows it, so that a wait can let go and take it again.
#[derive(Debug, Default)]
pub struct Mutex<T>(real::Mutex<T>);

/// The lock is held until this goes.
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    /// There is one, but for the moment in which a wait has it.
    held: Option<real::MutexGuard<'a, T>>,
}

impl<T> Mutex<T> {
    /// A lock around this.
    #[track_caller]
    pub const fn new(value: T) -> Self {
        Self(real::Mutex::new(value))
    }

    /// Waits for the lock.
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        self.guard(self.0.lock())
    }

    /// The lock, if nobody holds it.
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(held) => Ok(MutexGuard { mutex: self, held: Some(held) }),
            Err(TryLockError::WouldBlock) => Err(TryLockError::WouldBlock),
            Err(TryLockError::Poisoned(held)) => {
                let guard = MutexGuard { mutex: self, held: Some(held.into_inner()) };
                Err(TryLockError::Poisoned(PoisonError::new(guard)))
            }
        }
    }

    fn guard<'a>(&'a self, held: LockResult<real::MutexGuard<'a, T>>) -> LockResult<MutexGuard<'a, T>> {
        let guard = |held| MutexGuard { mutex: self, held: Some(held) };
        held.map(guard).map_err(|held| PoisonError::new(guard(held.into_inner())))
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.held.as_ref().unwrap_or_else(|| unreachable!("no wait has it"))
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.as_mut().unwrap_or_else(|| unreachable!("no wait has it"))
    }
}

/// Where threads wait until they are told that something has changed.
#[derive(Debug, Default)]
pub struct Condvar(real::Condvar);

/// Whether a wait ran out.
#[derive(Clone, Copy, Debug)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether it did.
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    /// One where nobody waits.
    #[track_caller]
    pub const fn new() -> Self {
        Self(real::Condvar::new())
    }

    /// Lets go of the lock and waits to be told.
    pub fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let mutex = guard.mutex;
        let held = guard.held.take().unwrap_or_else(|| unreachable!("no wait has it"));
        mutex.guard(self.0.wait(held))
    }

    /// Waits as long as `condition` holds.
    pub fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<MutexGuard<'a, T>> {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    // ANCHOR: wait
    /// Waits as long as `condition` holds, and not for ever.
    pub fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        _: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        for _ in 0..thread_rng().gen_range(0..=LOOKS) {
            if !condition(&mut guard) {
                return Ok((guard, WaitTimeoutResult(false)));
            }
            let mutex = guard.mutex;
            drop(guard);
            shuttle::thread::yield_now();
            guard = match mutex.lock() {
                Ok(guard) => guard,
                Err(guard) => {
                    return Err(PoisonError::new((guard.into_inner(), WaitTimeoutResult(false))));
                }
            };
        }
        let ran_out = condition(&mut guard);
        Ok((guard, WaitTimeoutResult(ran_out)))
    }
    // ANCHOR_END: wait

    /// Tells one of those who wait.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Tells all who wait.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A value that is set once.
///
/// What sets it must not give way while it makes the value.
#[derive(Debug)]
pub struct OnceLock<T>(::std::sync::OnceLock<T>);

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> OnceLock<T> {
    /// One that is not set.
    pub const fn new() -> Self {
        Self(::std::sync::OnceLock::new())
    }

    /// The value, if it is set.
    pub fn get(&self) -> Option<&T> {
        point();
        self.0.get()
    }

    /// Sets it, or gives the value back where it is set.
    pub fn set(&self, value: T) -> Result<(), T> {
        point();
        self.0.set(value)
    }

    /// The value, which `make` makes where it is not set.
    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        point();
        self.0.get_or_init(make)
    }
}
