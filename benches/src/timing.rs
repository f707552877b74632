//! The loop that holds the watch: as many operations as asked for, or as time allows.
//!
//! **Invariants**
//! 1. Engines and bounds are timed by this same loop, so what it costs is in both and falls out of their ratio.
//! 2. Which operations have their latency taken is decided once, from the first few, and never by how long the one
//!    before took: slow ones are not counted more often than they happen.
//!
//! **Cost** Two readings of the clock for each operation whose latency is taken: every seventh where operations take
//! less than 10 µs, and otherwise each.
#![expect(clippy::disallowed_methods, reason = "this file owns the clock")]

use anyhow::Result;
use hdrhistogram::Histogram;
use std::time::{Duration, Instant};

/// The longest latency that is told from longer ones: one minute.
const LONGEST_NANOS: u64 = 60_000_000_000;
const FIRST_OPS: u64 = 16;
const SLOW: Duration = Duration::from_micros(10);
/// A prime: with 128 bytes a frame every 32nd write begins a page, and a stride of 8 would meet each of those.
const STRIDE: u64 = 7;

/// What the loop did.
pub struct Timed {
    /// Operations that were done: all, or those that time allowed.
    pub ops: u64,
    /// From the first one's start to the last one's end.
    pub took: Duration,
    /// Latencies in nanoseconds.
    latencies: Histogram<u64>,
}

impl Timed {
    /// Nothing done yet.
    fn new() -> Result<Self> {
        Ok(Self { ops: 0, took: Duration::ZERO, latencies: Histogram::new_with_max(LONGEST_NANOS, 3)? })
    }

    /// Both together, one after the other.
    pub fn and(mut self, other: &Self) -> Result<Self> {
        self.ops += other.ops;
        self.took += other.took;
        self.latencies.add(&other.latencies)?;
        Ok(self)
    }

    /// The latency that this share of operations stays below, in microseconds.
    #[expect(clippy::cast_precision_loss, reason = "a latency needs no 53 bits")]
    pub fn quantile_micros(&self, share: f64) -> f64 {
        self.latencies.value_at_quantile(share) as f64 / 1e3
    }

    /// Operations a second.
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no 53 bits")]
    pub fn rate(&self) -> f64 {
        self.ops as f64 / self.took.as_secs_f64().max(1e-9)
    }

    /// Mean time of an operation, in microseconds.
    pub fn mean_micros(&self) -> f64 {
        1e6 / self.rate()
    }
}

// ANCHOR: repeat
/// Calls `op` with 0, 1, 2 … until it was called `ops` times or `limit` is over.
pub fn repeat(limit: Duration, ops: u64, mut op: impl FnMut(u64) -> Result<()>) -> Result<Timed> {
    let mut timed = Timed::new()?;
    let mut stride = 1;
    let start = Instant::now();
    while timed.ops < ops && timed.took < limit {
        let before = Instant::now();
        op(timed.ops)?;
        let after = Instant::now();
        timed.latencies.saturating_record(nanos(after - before));
        timed.took = after - start;
        timed.ops += 1;
        if timed.ops == FIRST_OPS && timed.took < SLOW * 16 {
            stride = STRIDE;
        }
        let group_end = (timed.ops + stride - 1).min(ops);
        for i in timed.ops..group_end {
            op(i)?;
        }
        timed.ops = group_end;
    }
    timed.took = start.elapsed();
    Ok(timed)
}
// ANCHOR_END: repeat

/// Calls `op` with 0, 1, 2 … at a pace: `group` calls are due at once, and as many after every stretch of `every`. A latency is
/// counted from when its call was due, so that who is held up pays for all that comes late behind him.
pub fn at_pace(
    limit: Duration,
    ops: u64,
    group: u64,
    every: Duration,
    mut op: impl FnMut(u64) -> Result<()>,
) -> Result<Timed> {
    let mut timed = Timed::new()?;
    let start = Instant::now();
    let mut due = start;
    while timed.ops < ops && due - start < limit {
        rest_until(due);
        for i in timed.ops..ops.min(timed.ops + group) {
            op(i)?;
            timed.latencies.saturating_record(nanos(due.elapsed()));
            timed.ops = i + 1;
        }
        due += every;
    }
    timed.took = start.elapsed();
    Ok(timed)
}

/// The same as [`repeat`] by several threads, which start together; thread t of T is called with t, t + T, t + 2T …
pub fn repeat_threads(
    threads: u64,
    limit: Duration,
    ops: u64,
    op: impl Fn(u64) -> Result<()> + Sync,
) -> Result<Timed> {
    let gate = std::sync::Barrier::new(usize::try_from(threads)? + 1);
    let (op, gate) = (&op, &gate);
    let (took, parts) = std::thread::scope(|scope| {
        let start_one = |t| {
            scope.spawn(move || {
                let share = (ops + threads - 1 - t) / threads;
                gate.wait();
                repeat(limit, share, |i| op(i * threads + t))
            })
        };
        let workers: Vec<_> = (0..threads).map(start_one).collect();
        gate.wait();
        let start = Instant::now();
        let parts: Vec<_> = workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        (start.elapsed(), parts)
    });
    let mut whole = Timed::new()?;
    for part in parts {
        let part = part.map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        whole.ops += part.ops;
        whole.latencies.add(&part.latencies)?;
    }
    whole.took = took;
    Ok(whole)
}

/// A kind of work that is done over and over: called with 0, 1, 2 …
pub type Work<'a> = &'a (dyn Fn(u64) -> Result<()> + Sync);

/// Several kinds of work beside each other, each by a thread of its own, until `limit` is over. They start together.
pub fn beside(limit: Duration, works: &[Work<'_>]) -> Result<Vec<Timed>> {
    let gate = std::sync::Barrier::new(works.len());
    std::thread::scope(|scope| {
        let start_one = |&work| {
            let gate = &gate;
            scope.spawn(move || {
                gate.wait();
                repeat(limit, u64::MAX, work)
            })
        };
        let workers: Vec<_> = works.iter().map(start_one).collect();
        let joined = workers.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.map(|timed| timed.map_err(|_| anyhow::anyhow!("a thread panicked"))?).collect()
    })
}

/// Lets a millisecond pass, for who has nothing to do.
pub fn rest() {
    rest_for(Duration::from_millis(1));
}

fn rest_for(time: Duration) {
    rest_until(Instant::now() + time);
}

fn rest_until(end: Instant) {
    while let Some(rest) = end.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero()) {
        std::thread::park_timeout(rest);
    }
}

/// How long one call takes.
pub fn once<T>(op: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let start = Instant::now();
    let value = op()?;
    Ok((value, start.elapsed()))
}

/// Runs `op` until `limit` is over, at least three times, and returns the median of how long it took.
pub fn median_of_repeats(limit: Duration, mut op: impl FnMut() -> Result<()>) -> Result<(Duration, u64)> {
    let mut each = Vec::new();
    let start = Instant::now();
    while each.len() < 3 || (start.elapsed() < limit && each.len() < 1000) {
        each.push(once(&mut op)?.1);
    }
    each.sort_unstable();
    Ok((each[each.len() / 2], each.len() as u64))
}

fn nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(LONGEST_NANOS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn every_number_comes_once_and_in_order() -> Result<()> {
        for ops in [0, 1, 15, 16, 17, 1000] {
            let mut seen = Vec::new();
            let timed = repeat(Duration::MAX, ops, |i| {
                seen.push(i);
                Ok(())
            })?;
            assert_eq!(timed.ops, ops);
            assert!(seen.into_iter().eq(0..ops));
        }
        Ok(())
    }

    #[test]
    fn who_is_held_up_pays_for_what_comes_late_behind_him() -> Result<()> {
        let held_up = Duration::from_millis(20);
        let timed = at_pace(Duration::MAX, 100, 10, Duration::from_millis(1), |i| {
            if i == 10 {
                rest_for(held_up);
            }
            Ok(())
        })?;
        assert_eq!(timed.ops, 100);
        // It was due at 1 ms and over at 21; eight more groups were due until 9 ms, and had to wait.
        assert!(timed.quantile_micros(0.2) >= 10_000.0, "{}", timed.quantile_micros(0.2));
        assert_eq!(at_pace(Duration::from_millis(3), 100, 10, Duration::from_millis(1), |_| Ok(()))?.ops, 30);
        Ok(())
    }

    #[test]
    fn threads_share_the_numbers() -> Result<()> {
        let seen = Mutex::new(Vec::new());
        let timed = repeat_threads(8, Duration::MAX, 1003, |i| {
            seen.lock().unwrap().push(i);
            Ok(())
        })?;
        let mut seen = seen.into_inner()?;
        seen.sort_unstable();
        assert_eq!(timed.ops, 1003);
        assert!(seen.into_iter().eq(0..1003));
        Ok(())
    }

    #[test]
    fn each_kind_of_work_counts_for_itself() -> Result<()> {
        let (slow, fast) = (Mutex::new(0), Mutex::new(0));
        let count = |counter: &Mutex<u64>, i| {
            let mut counter = counter.lock().unwrap();
            assert_eq!(*counter, i);
            *counter += 1;
            Ok(())
        };
        let works: [Work<'_>; 2] = [&|i| count(&slow, i), &|i| count(&fast, i)];
        let timed = beside(Duration::from_millis(5), &works)?;
        assert_eq!((timed[0].ops, timed[1].ops), (slow.into_inner()?, fast.into_inner()?));
        let failing: Work<'_> = &|_| anyhow::bail!("at once");
        assert!(beside(Duration::MAX, &[failing]).is_err());
        Ok(())
    }

    #[test]
    fn no_time_is_time_for_nothing_and_an_error_ends_the_loop() {
        assert_eq!(repeat(Duration::ZERO, 10, |_| Ok(())).unwrap().ops, 0);
        let mut calls = 0;
        let failed = repeat(Duration::MAX, 10, |_| {
            calls += 1;
            anyhow::ensure!(calls < 3, "third");
            Ok(())
        });
        assert!(failed.is_err());
        assert_eq!(calls, 3);
    }
}
