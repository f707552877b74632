//! One target for a while: inputs one after the other on a thread of their own, and this one watches it.

use crate::{MEMORY, draw};
use harness::failure::Failure;
use harness::fuzz::{Ready, Verdict};
use harness::invariant::Invariant;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An input on which a target works longer than this hangs.
const MAX_TIME: Duration = Duration::from_secs(20);
/// How often the progress is shown and the time looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// An input, its files and all that is made of them are small; this much memory is not.
const MAX_BYTES: usize = 64 << 20;
/// What is said of an input that hangs.
pub(crate) const HANGS: &str = "it works and works on this input and does not come to an end";

/// How long a target is run.
pub(crate) enum Budget {
    /// Until so much time has passed.
    Time(Duration),
    /// So many inputs.
    Runs(u64),
}

/// How a run ended.
pub(crate) enum Ended {
    /// Nothing was found.
    Kept,
    /// This input broke a promise.
    Broke(Vec<u8>, Failure),
    /// This input is still worked on; nobody can stop it but the end of the process.
    Hangs(Vec<u8>, Failure),
}

/// Gives an input to a target, and sees what it takes of memory.
pub(crate) fn check(ready: &Ready, input: &[u8]) -> Result<Verdict, Failure> {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let verdict = ready.check(input)?;
    let taken = MEMORY.peak_usage().saturating_sub(before);
    Failure::unless(taken <= MAX_BYTES, Invariant::NeverPanics, || {
        format!("this input of {} bytes takes {taken} bytes of memory", input.len())
    })?;
    Ok(verdict)
}

#[derive(Default)]
struct Shared {
    number: AtomicU64,
    stop: AtomicBool,
    tally: Mutex<BTreeMap<Verdict, u64>>,
}

/// Runs one target, and says what became of its inputs.
pub(crate) fn run(ready: &Arc<Ready>, seed: u64, budget: &Budget, quiet: bool) -> Ended {
    let shared = Arc::new(Shared::default());
    let limit = match budget {
        Budget::Runs(runs) => *runs,
        Budget::Time(_) => u64::MAX,
    };
    let start = Instant::now();
    // Nothing is sent: the channel closes when the worker ends, however it does, and that wakes who watches.
    let (at_work, ended) = mpsc::channel::<()>();
    let worker = {
        let (ready, shared) = (Arc::clone(ready), Arc::clone(&shared));
        std::thread::spawn(move || {
            let _at_work = at_work;
            work(&ready, seed, limit, &shared)
        })
    };
    let progress = progress(ready.target.name, quiet);
    let mut last = (u64::MAX, Instant::now());
    while ended.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
        let number = shared.number.load(Ordering::Relaxed);
        progress.set_position(number);
        if number != last.0 {
            last = (number, Instant::now());
        } else if last.1.elapsed() > MAX_TIME {
            let input = draw::input(seed, number, ready.donors());
            return Ended::Hangs(input, Failure::new(Invariant::NeverPanics, HANGS));
        }
        if matches!(budget, Budget::Time(time) if start.elapsed() > *time) {
            shared.stop.store(true, Ordering::Relaxed);
        }
    }
    progress.finish_and_clear();
    let found = worker.join().unwrap_or_default();
    // Of a run that is the same everywhere, nothing is said that is not.
    let took = matches!(budget, Budget::Time(_)).then(|| start.elapsed());
    tell(ready, &shared, took);
    found.map_or(Ended::Kept, |(input, failure)| Ended::Broke(input, failure))
}

fn work(ready: &Ready, seed: u64, limit: u64, shared: &Shared) -> Option<(Vec<u8>, Failure)> {
    for number in 0..limit {
        if shared.stop.load(Ordering::Relaxed) {
            break;
        }
        shared.number.store(number, Ordering::Relaxed);
        let input = draw::input(seed, number, ready.donors());
        match check(ready, &input) {
            Ok(verdict) => {
                *shared.tally.lock().unwrap_or_else(PoisonError::into_inner).entry(verdict).or_default() += 1;
            }
            Err(failure) => return Some((input, failure)),
        }
    }
    None
}

fn progress(name: &'static str, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{prefix:<10} {human_pos} inputs, {per_sec}");
    let bar = ProgressBar::no_length().with_prefix(name);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

#[expect(clippy::cast_precision_loss, reason = "a share of a count")]
fn tell(ready: &Ready, shared: &Shared, took: Option<Duration>) {
    let tally = shared.tally.lock().unwrap_or_else(PoisonError::into_inner);
    let all: u64 = tally.values().sum();
    let part = |verdict| tally.get(&verdict).copied().unwrap_or(0) as f64 / (all.max(1) as f64) * 100.0;
    let parts: Vec<_> =
        Verdict::ALL.iter().map(|verdict| format!("{} {:>5.1} %", verdict.name(), part(*verdict))).collect();
    let rate = took.map_or(String::new(), |took| {
        let each_second = u128::from(all) * 1000 / took.as_millis().max(1);
        format!("  {:>9}/s", HumanCount(u64::try_from(each_second).unwrap_or(u64::MAX)).to_string())
    });
    let all = HumanCount(all).to_string();
    say!("{:<10} {all:>10} inputs   {}{rate}", ready.target.name, parts.join("  "));
}
