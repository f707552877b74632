//! What is timed of one engine by several callers at once: two readers, a reader beside a writer, and both beside a
//! compaction.
//!
//! **Invariants**
//! 1. The reader's lone rate is taken right before and right after, in the same process, so that a share of it says
//!    what its company costs and not what the machine did meanwhile.
//! 2. What a get answers is a value that its key had: the loaded one, or the one that the writer gives it.
//! 3. How much of the time a compaction really ran is a figure of its own: one that finds nothing to do waits, so that
//!    it neither takes a processor from the others nor counts as their company.

use crate::check;
use crate::entries::{Entries, Order};
use crate::report::{Sample, Unit};
use crate::timing::{self, Timed, Work};
use crate::workload::{Effort, Workload};
use anyhow::Result;
use contract::Engine;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A compaction that takes less found nothing to do.
const IDLE: Duration = Duration::from_millis(1);
/// How many keys a reader asks for at most, over and over.
const MOST_KEYS: u64 = 500_000;

/// Gets by one thread, and by two at the same time.
pub fn two_readers(engine: &dyn Engine, effort: &Effort) -> Result<Vec<Sample>> {
    let count = keys_of(effort);
    let keys = Entries::new(effort.sizes, Order::Drawn, count);
    let read = |i: u64| check::got(&keys, i, engine.get(keys.key(i))?.as_deref());
    let first = |i: u64| read(i % count);
    let second = |i: u64| read((i + count / 2) % count);
    let alone = || timing::beside(effort.limit() / 4, &[&first]);
    let before = only(alone()?)?;
    let both = timing::beside(effort.limit() / 2, &[&first, &second])?;
    let alone = only(alone()?)?.and(&before)?;
    let together: f64 = both.iter().map(Timed::rate).sum();
    let ops = both.iter().map(|timed| timed.ops).sum();
    Ok(vec![
        Sample { value: together / 1e3, ops, of: ops, ..Sample::rate(&both[0], ops, 1) },
        Sample::rate(&alone, alone.ops, 1).part("one thread"),
        Sample::new("÷ one thread", together / alone.rate(), Unit::Times),
    ])
}

/// A reader beside a writer, and beside one who compacts. Answers also how many keys were overwritten.
pub fn reader_beside(
    engine: &dyn Engine,
    workload: &Workload,
    compacting: bool,
    effort: &Effort,
) -> Result<(Vec<Sample>, u64)> {
    let sizes = effort.sizes;
    let count = keys_of(effort);
    let (keys, newer) =
        (Entries::new(sizes, Order::Drawn, count), Entries::new(sizes, Order::Redrawn, count));
    let written = workload.entries(sizes)?;
    let read = |i: u64| {
        let i = i % count;
        let value = engine.get(keys.key(i))?;
        if value.as_deref() == Some(newer.value(i)) { Ok(()) } else { check::got(&keys, i, value.as_deref()) }
    };
    let write = |i: u64| {
        let i = i % written.len();
        Ok(engine.put(written.key(i), written.value(i))?)
    };
    let compacted = AtomicU64::new(0);
    let compact = |_| {
        let ((), took) = timing::once(|| Ok(engine.compact()?))?;
        if took < IDLE {
            timing::rest();
        } else {
            compacted.fetch_add(u64::try_from(took.as_nanos())?, Ordering::Relaxed);
        }
        Ok(())
    };
    let works: [Work<'_>; 3] = [&read, &write, &compact];
    let company = if compacting { &works[..] } else { &works[..2] };
    let before = only(timing::beside(effort.limit() / 4, &works[..1])?)?;
    let together = timing::beside(effort.limit(), company)?;
    let alone = only(timing::beside(effort.limit() / 4, &works[..1])?)?.and(&before)?;
    let part = |timed: &Timed, name| Sample::rate(timed, timed.ops, 1).part(name);
    let mut samples = vec![
        part(&together[0], "reads"),
        part(&together[1], "writes"),
        part(&alone, "reads alone"),
        Sample::new("reads ÷ alone", together[0].rate() / alone.rate(), Unit::Times),
    ];
    if let Some(compactions) = together.get(2) {
        let busy = Duration::from_nanos(compacted.load(Ordering::Relaxed)).as_secs_f64();
        let share = busy / compactions.took.as_secs_f64();
        samples.push(Sample::new("compacting, of the time", share, Unit::Times));
    }
    Ok((samples, together[1].ops.min(written.len())))
}

fn keys_of(effort: &Effort) -> u64 {
    MOST_KEYS.min(10 * effort.sizes.n)
}

/// The one kind of work that was done.
fn only(timed: Vec<Timed>) -> Result<Timed> {
    timed.into_iter().next().ok_or_else(|| anyhow::anyhow!("nothing was done"))
}
