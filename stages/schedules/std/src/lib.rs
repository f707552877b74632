//! A standard library in which nobody runs beside another: threads, locks and atomics ask a scheduler who goes next.
//!
//! **Layout** [`sync`], [`thread`] and [`hash`]: what differs from the real one, under the same names; everything else is the real
//! one. [`swap`]: the same for the crate `arc_swap`. A crate is built on this one by a line in its root,
//! `extern crate scheduled as std`, and no other line of it changes.
//!
//! **Invariants**
//! 1. All threads of a schedule are coroutines of one thread. One gives way only where it calls something from here: so a
//!    real lock that is never held across such a call does no harm, and one that is would hang.
//! 2. What is decided by chance comes from the scheduler. The same seed makes the same schedule.
//!
//! **Cost** A look at the scheduler, some 100 ns, for each operation on a lock or an atomic.
//!
//! **Source** Shuttle, by Amazon Web Services, which tests the storage nodes of S3 with it: Bornholt et al., *Using
//! Lightweight Formal Methods to Validate a Key-Value Storage Node in Amazon S3*, SOSP 2021.
#![forbid(unsafe_code)]

pub mod hash;
pub mod swap;
pub mod sync;
pub mod thread;

pub use ::std::*;
pub use swap::{ArcSwap, ArcSwapOption, Guard};

#[doc(hidden)]
pub use shuttle as scheduler;

static POINTS: ::std::sync::atomic::AtomicU64 = ::std::sync::atomic::AtomicU64::new(0);

/// How many times somebody has come to a [`point`] so far: none, where what was played is built on the real library.
pub fn points() -> u64 {
    POINTS.load(::std::sync::atomic::Ordering::Relaxed)
}

/// A place at which another thread may go on.
pub fn point() {
    use shuttle::sync::atomic::{AtomicBool, Ordering};
    // To read an atomic is such a place, and it asks nobody to step back, as a yield would.
    static POINT: AtomicBool = AtomicBool::new(false);
    POINTS.fetch_add(1, ::std::sync::atomic::Ordering::Relaxed);
    POINT.load(Ordering::SeqCst);
}

/// Declares a value that each thread of the schedule has for itself.
#[macro_export]
macro_rules! thread_local {
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty = $init:expr $(;)?) => {
        $(#[$attribute])*
        $visibility static $name: $crate::thread::Local<$type> = $crate::thread::Local::new({
            $crate::scheduler::thread_local! { static KEY: $type = $init }
            &KEY
        });
    };
}
