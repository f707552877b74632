//! Threads of the schedule, and what each of them has for itself.

pub use ::std::thread::*;
pub use shuttle::thread::{JoinHandle, Scope, ScopedJoinHandle, current, scope, spawn, yield_now};

use std::cell::{Cell, RefCell};

/// A value that each thread has for itself.
#[derive(Debug)]
pub struct Local<T: 'static>(&'static shuttle::thread::LocalKey<T>);

impl<T> Local<T> {
    /// The one that this key leads to.
    pub const fn new(key: &'static shuttle::thread::LocalKey<T>) -> Self {
        Self(key)
    }

    /// Shows this thread's value.
    pub fn with<R>(&'static self, look: impl FnOnce(&T) -> R) -> R {
        self.0.with(look)
    }
}

impl<T> Local<RefCell<T>> {
    /// Lends this thread's value.
    pub fn with_borrow_mut<R>(&'static self, change: impl FnOnce(&mut T) -> R) -> R {
        self.with(|value| change(&mut value.borrow_mut()))
    }
}

impl<T> Local<Cell<T>> {
    /// Takes this thread's value, and leaves the default.
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }

    /// Puts another value there.
    pub fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }

    /// A copy of this thread's value.
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }
}
