//! Owners that are swapped in one step: what the stages use of the crate `arc_swap`.
//!
//! **Invariants** A load and a store are one step each, as in the real one, with a place before it at which others may go
//! on. How the real one brings that about is not explored.

use crate::point;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An owner that can be swapped.
#[derive(Debug, Default)]
pub struct Swapped<T>(Mutex<T>);

/// An [`Arc`] that can be swapped.
pub type ArcSwap<T> = Swapped<Arc<T>>;
/// An [`Arc`], or none, that can be swapped.
pub type ArcSwapOption<T> = Swapped<Option<Arc<T>>>;

/// What was loaded.
#[derive(Clone, Debug)]
pub struct Guard<T>(T);

impl<T> Deref for Guard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> Swapped<T> {
    /// One that begins as this.
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    // A real lock, held for a moment in which nobody gives way.
    fn held(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is there.
    pub fn load(&self) -> Guard<T> {
        Guard(self.load_full())
    }

    /// What is there.
    pub fn load_full(&self) -> T {
        point();
        self.held().clone()
    }

    /// Puts this there. What was there goes after the step: it may end the life of what gives way itself.
    pub fn store(&self, value: T) {
        point();
        let old = std::mem::replace(&mut *self.held(), value);
        drop(old);
    }
}

impl<T> Swapped<Arc<T>> {
    /// One that begins as an owner of this.
    pub fn from_pointee(value: T) -> Self {
        Self::new(Arc::new(value))
    }

    /// Puts there what `change` makes of it, and begins again where another one was faster.
    pub fn rcu<R: Into<Arc<T>>>(&self, mut change: impl FnMut(&Arc<T>) -> R) -> Arc<T> {
        loop {
            let old = self.load_full();
            let new = change(&old).into();
            point();
            let mut held = self.held();
            if Arc::ptr_eq(&held, &old) {
                let was = std::mem::replace(&mut *held, new);
                drop(held);
                return was;
            }
        }
    }
}
