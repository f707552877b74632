//! A counter that many readers add to without waiting for each other.
//!
//! **Cost** Threads add to different cache lines, as far as there are lines; reading it adds them up.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

const LINES: usize = 16;

/// A sum, spread over cache lines.
#[derive(Debug, Default)]
pub struct Counter {
    lines: [Line; LINES],
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Line(AtomicU64);

thread_local! {
    static MINE: Cell<usize> = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % LINES)
    };
}

impl Counter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.lines[MINE.get()].0.fetch_add(n, Ordering::Relaxed);
    }

    /// What was added so far.
    pub fn sum(&self) -> u64 {
        self.lines.iter().map(|line| line.0.load(Ordering::Relaxed)).sum()
    }
}
