//! What is timed of one engine by one caller: writes, deletes, gets, walks.

#[cfg(test)]
mod tests;

use crate::entries::{Entries, Order, Random, Sizes};
use crate::report::{Sample, Unit};
use crate::store::{self, Store};
use crate::workload::Effort;
use crate::{check, timing};
use anyhow::{Result, ensure};
use contract::{Batch, Engine, KeyRange};
use std::time::Duration;

/// How many puts are due at once, and how often.
const STEADY_PUTS: u64 = 100;
const STEADY: Duration = Duration::from_millis(1);
/// Pairs of a seek.
const SEEK_PAIRS: u64 = 50;

/// Writes of entries, in batches or not. Answers also how many were written.
pub fn put(engine: &dyn Engine, entries: &Entries, batch: u64, effort: &Effort) -> Result<(Sample, u64)> {
    let mut buffer = Batch::new();
    let ops = entries.len().div_ceil(batch);
    let timed =
        timing::repeat(effort.limit(), ops, |i| store::put_op(engine, entries, &mut buffer, batch, i))?;
    let mut sample = Sample::rate(&timed, entries.len(), batch);
    sample.ops = sample.ops.min(entries.len());
    let written = sample.ops;
    Ok((sample, written))
}

/// Puts at a steady pace, of which the first eighth are not counted: what filled the store has left work behind.
/// Answers also how many there were.
pub fn put_steadily(engine: &dyn Engine, entries: &Entries, effort: &Effort) -> Result<(Vec<Sample>, u64)> {
    let put = |i: u64| Ok(engine.put(entries.key(i), entries.value(i))?);
    let pace = |limit, from: u64| {
        timing::at_pace(limit, entries.len() - from, STEADY_PUTS, STEADY, |i| put(from + i))
    };
    let before = pace(effort.limit() / 8, 0)?.ops;
    let timed = pace(effort.limit() / 8 * 7, before)?;
    let part = |name, share| Sample {
        ops: timed.ops,
        of: timed.ops,
        ..Sample::new(name, timed.quantile_micros(share), Unit::Micros)
    };
    let shares = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("longest", 1.0)];
    Ok((shares.map(|(name, share)| part(name, share)).into(), before + timed.ops))
}

/// Puts by so many threads, each with entries of its own.
pub fn put_by_threads(
    store: &Store,
    entries: &Entries,
    threads: u64,
    effort: &Effort,
) -> Result<(Sample, u64)> {
    let engine = &**store;
    let put = |i: u64| Ok(engine.put(entries.key(i), entries.value(i))?);
    let timed = timing::repeat_threads(threads, effort.limit(), entries.len(), put)?;
    if timed.ops < entries.len() {
        // They end at different places; what one of them wrote is written again with the same value.
        store.load(entries, 0)?;
    }
    Ok((Sample::rate(&timed, entries.len(), 1), entries.len()))
}

/// A delete for each of these keys. Answers also how many are gone.
pub fn delete(engine: &dyn Engine, entries: &Entries, effort: &Effort) -> Result<(Sample, u64)> {
    let timed = timing::repeat(effort.limit(), entries.len(), |i| Ok(engine.delete(entries.key(i))?))?;
    let mut random = Random::new(effort.sizes.seed);
    timing::repeat(effort.limit(), timed.ops.min(1000), |_| {
        check::absent(engine, entries.key(random.below(timed.ops)))
    })?;
    Ok((Sample::rate(&timed, entries.len(), 1), timed.ops))
}

/// Gets of keys that are there.
pub fn get_present(engine: &dyn Engine, entries: &Entries, effort: &Effort) -> Result<Sample> {
    get(entries, effort, |i| check::got(entries, i, engine.get(entries.key(i))?.as_deref()))
}

/// Gets of keys that are not.
pub fn get_absent(engine: &dyn Engine, entries: &Entries, effort: &Effort) -> Result<Sample> {
    get(entries, effort, |i| check::absent(engine, entries.key(i)))
}

/// Gets by one thread, or by as many as are asked for.
fn get(entries: &Entries, effort: &Effort, one: impl Fn(u64) -> Result<()> + Sync) -> Result<Sample> {
    let timed = match effort.asked.threads {
        None | Some(1) => timing::repeat(effort.limit(), entries.len(), one)?,
        Some(threads) => timing::repeat_threads(threads, effort.limit(), entries.len(), one)?,
    };
    Ok(Sample::rate(&timed, entries.len(), 1))
}

/// Gets of what was written in batches against gets of what was written singly, in two stores that lie side by side.
/// They take turns, so that what else the machine does meets both.
pub fn get_batched(
    batched: &dyn Engine,
    single: &dyn Engine,
    keys: &Entries,
    effort: &Effort,
) -> Result<Vec<Sample>> {
    let turn = |engine: &dyn Engine| {
        timing::repeat(effort.limit() / 8, keys.len() / 4, |i| {
            check::got(keys, i, engine.get(keys.key(i))?.as_deref())
        })
    };
    let (mut of_batches, mut of_singles) = (turn(batched)?, turn(single)?);
    for _ in 1..4 {
        of_singles = of_singles.and(&turn(single)?)?;
        of_batches = of_batches.and(&turn(batched)?)?;
    }
    let share = of_batches.rate() / of_singles.rate();
    Ok(vec![
        Sample::rate(&of_batches, keys.len(), 1),
        Sample::rate(&of_singles, keys.len(), 1).part("singles"),
        Sample::new("÷ singles", share, Unit::Times),
    ])
}

/// Full scans.
pub fn scan(engine: &dyn Engine, effort: &Effort) -> Result<Sample> {
    check::holds_exactly(engine, &store::all(effort.sizes), effort.sizes.seed)?;
    let n = effort.sizes.n;
    let (took, scans) = timing::median_of_repeats(effort.limit(), || {
        let pairs = count(engine, KeyRange::all())?;
        ensure!(pairs == n, "a scan gave {pairs} of {n} pairs");
        Ok(())
    })?;
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no 53 bits")]
    let mut sample = Sample::new("", n as f64 / took.as_secs_f64() / 1e3, Unit::KiloPerSecond);
    (sample.ops, sample.of) = (n * scans, n * scans);
    Ok(sample)
}

/// Walks a range by the cursor, looks at every key and value, and counts the pairs.
pub fn count(engine: &dyn Engine, range: KeyRange<'_>) -> Result<u64> {
    let mut cursor = engine.scan(range)?.into_cursor();
    let mut pairs = 0;
    while let Some(key) = cursor.key() {
        std::hint::black_box(key);
        std::hint::black_box(cursor.value()?);
        cursor.advance()?;
        pairs += 1;
    }
    Ok(pairs)
}

/// Walks of 50 pairs, each from one of these keys.
pub fn seek(engine: &dyn Engine, entries: &Entries, effort: &Effort) -> Result<Sample> {
    let timed =
        timing::repeat(effort.limit(), entries.len(), |i| check::walked(engine, entries, i, SEEK_PAIRS, 1))?;
    Ok(Sample::rate(&timed, entries.len(), 1))
}

/// Scans of the cities of one country after another.
pub fn scan_countries(engine: &dyn Engine, cities: &Entries, effort: &Effort) -> Result<Sample> {
    let mut countries = std::collections::BTreeMap::<&[u8], u64>::new();
    for i in 0..cities.len() {
        *countries.entry(&cities.key(i)[..3]).or_default() += 1;
    }
    let countries: Vec<_> = countries.into_iter().collect();
    let mut random = Random::new(effort.sizes.seed);
    let timed = timing::repeat(effort.limit(), 10_000, |_| {
        let drawn = random.below(countries.len() as u64);
        let (prefix, expected) = countries[usize::try_from(drawn)?];
        let mut found = 0;
        let mut cursor = engine.scan_prefix(prefix)?.into_cursor();
        while cursor.key().is_some() {
            std::hint::black_box(cursor.value()?);
            cursor.advance()?;
            found += 1;
        }
        ensure!(found == expected, "{found} of {expected} cities of {}", String::from_utf8_lossy(prefix));
        Ok(())
    })?;
    Ok(Sample::rate(&timed, 10_000, 1))
}

/// How the cost of a get grows with the store: a quarter of the time for each size.
pub fn growth(store: &Store, effort: &Effort) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    let mut held = 0;
    for divisor in [1000, 100, 10, 1] {
        let sizes = Sizes { n: (effort.sizes.n / divisor).max(1), ..effort.sizes };
        // A smaller store is the beginning of a larger one: ascending keys are the same for every n.
        store.load(&Entries::new(sizes, Order::Ascending, sizes.n), held)?;
        held = sizes.n;
        let keys = Entries::new(sizes, Order::Absent, 100_000);
        let limit = effort.limit() / 4;
        let timed = timing::repeat(limit, keys.len(), |i| check::absent(&**store, keys.key(i)))?;
        let rate = Sample::rate(&timed, keys.len(), 1);
        samples.push(Sample {
            part: format!("n = {}", crate::table::grouped(sizes.n)),
            value: timed.mean_micros(),
            unit: Unit::Micros,
            ..rate
        });
    }
    Ok(samples)
}
