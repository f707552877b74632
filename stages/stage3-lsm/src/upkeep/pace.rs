//! Pace: how fast a compaction goes beside a foreground that needs the machine as well.
//!
//! **Invariants**
//! 1. Nothing but time comes of the clock: what is merged, and into what, is the same at any pace.
//! 2. Only a thread that attends to the store rests. Who calls `step` or `compact` gets it done at full speed, and so
//!    does who waits for upkeep: a close, a `compact`, a writer over his limit.
//! 3. Nobody rests while more than half of the allowed runs are there: who holds compactions back until writers have to
//!    wait for them has helped nobody.
//!
//! **Cost** Two additions an entry, and a look at the clock for each 64 KiB.
//!
//! **Off switch** `compaction-rate` 0.
//!
//! **Source** The rate limiter of RocksDB, which holds flushes back as well. Ours never does: a flush makes room.
#![expect(clippy::disallowed_methods, reason = "this file owns the clock, and only rests by it")]

use crate::source::Source;
use crate::store::Store;
use contract::Result;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How much is merged between two looks at the clock, in bytes.
const STRETCH_BYTES: u64 = 64 << 10;

/// Who has a unit of upkeep done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// A thread that has nothing else to do, and may take its time.
    Attendant,
    /// Somebody who waits for it.
    Caller,
}

// ANCHOR: paced
/// A source that gives so many bytes a second, and no more.
pub(crate) struct Paced<'s, S> {
    source: S,
    store: &'s Store,
    by: By,
    /// What was given since the last look at the clock.
    moved: u64,
    /// When that much may have been given.
    due: Option<Instant>,
}

impl<'s, S> Paced<'s, S> {
    pub(crate) fn new(source: S, store: &'s Store, by: By) -> Self {
        Self { source, store, by, moved: 0, due: None }
    }
}

impl<S: Source> Source for Paced<'_, S> {
    fn key(&self) -> Option<&[u8]> {
        self.source.key()
    }

    fn value(&self) -> Option<&[u8]> {
        self.source.value()
    }

    fn advance(&mut self) -> Result<()> {
        let bytes = |part: Option<&[u8]>| part.map_or(0, |part| part.len() as u64);
        self.moved += bytes(self.source.key()) + bytes(self.source.value());
        if self.moved >= STRETCH_BYTES {
            let moved = std::mem::take(&mut self.moved);
            self.due = self.store.rest_after(moved, self.by, self.due);
        }
        self.source.advance()
    }
}

impl Store {
    /// Rests until the last `moved` bytes, which might begin at `due`, are due themselves; and says when that is.
    fn rest_after(&self, moved: u64, by: By, due: Option<Instant>) -> Option<Instant> {
        let runs = self.state.load().tree.runs.len();
        let rate = self.settings.compaction_rate();
        let takes = takes(moved, rate, 2 * runs > self.settings.max_runs() || by == By::Caller)?;
        let now = Instant::now();
        let due = due.unwrap_or(now) + takes;
        let Some(rest) = due.checked_duration_since(now) else { return Some(now) };
        self.counts.rests.fetch_add(1, Ordering::Relaxed);
        self.upkeep.rest(rest);
        Some(due)
    }
}

/// How long so many bytes take at so many a second; none where nobody is to rest.
fn takes(moved: u64, rate: u64, hurry: bool) -> Option<Duration> {
    let time = |rate| Duration::from_nanos(moved.saturating_mul(1_000_000_000) / rate);
    (rate > 0 && !hurry).then(|| time(rate))
}
// ANCHOR_END: paced

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_their_time_but_not_where_somebody_is_in_a_hurry_or_no_rate_is_set() {
        assert_eq!(takes(1000, 500, false), Some(Duration::from_secs(2)));
        assert_eq!(takes(64 << 10, 64 << 20, false), Some(Duration::from_nanos(976_562)));
        assert_eq!(takes(1000, 500, true), None);
        assert_eq!(takes(1000, 0, false), None);
    }
}
