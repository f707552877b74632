//! What is timed of one engine by several callers at once: two readers, a reader beside a writer, and both beside a
//! compaction.
//!
//! **Invariants**
//! 1. The reader's lone rate is taken right before and right after, in the same process, so that a share of it says
//!    what its company costs and not what the machine did meanwhile.
//! 2. What a get answers is a value that its key had: the loaded one, or the one that the writer gives it.

use crate::entries::{Entries, Order};
use crate::report::{Sample, Unit};
use crate::timing::{self, Timed, Work};
use crate::workload::{Effort, Workload};
use crate::{check, store};
use anyhow::Result;
use contract::Engine;

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

/// A reader beside a writer, and beside one who compacts.
pub fn reader_beside(
    engine: &dyn Engine,
    workload: &Workload,
    compacting: bool,
    effort: &Effort,
) -> Result<Vec<Sample>> {
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
    let compact = |_| Ok(engine.compact()?);
    let works: [Work<'_>; 3] = [&read, &write, &compact];
    if compacting {
        // Who cannot does not have to begin.
        engine.compact()?;
    }
    let before = only(timing::beside(effort.limit() / 4, &works[..1])?)?;
    let together = timing::beside(effort.limit() / 2, &works[..if compacting { 3 } else { 2 }])?;
    let alone = only(timing::beside(effort.limit() / 4, &works[..1])?)?.and(&before)?;
    // What is not yet overwritten is, and then everything is known.
    store::load(engine, &written, together[1].ops.min(written.len()))?;
    check::holds_exactly(engine, &written, sizes.seed)?;
    let part = |timed: &Timed, name| Sample::rate(timed, timed.ops, 1).part(name);
    let mut samples = vec![
        part(&together[0], "reads"),
        part(&together[1], "writes"),
        part(&alone, "reads alone"),
        Sample::new("reads ÷ alone", together[0].rate() / alone.rate(), Unit::Times),
    ];
    if let Some(compactions) = together.get(2) {
        let mut sample = Sample::new("a compaction", compactions.mean_micros() / 1e3, Unit::Millis);
        (sample.ops, sample.of) = (compactions.ops, compactions.ops);
        samples.push(sample);
    }
    Ok(samples)
}

fn keys_of(effort: &Effort) -> u64 {
    MOST_KEYS.min(10 * effort.sizes.n)
}

/// The one kind of work that was done.
fn only(timed: Vec<Timed>) -> Result<Timed> {
    timed.into_iter().next().ok_or_else(|| anyhow::anyhow!("nothing was done"))
}
