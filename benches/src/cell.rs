//! One engine, one workload, one process: set up, time, check, answer.

use crate::entries::{Entries, Order, Random, Sizes};
use crate::report::{Sample, Unit};
use crate::workload::{Action, Before, Effort, Workload, durability_name};
use crate::{bounds, check, engines, reopen, report, space, timing};
use anyhow::{Context, Result, ensure};
use contract::{Batch, Durability, Engine, KeyRange, Stage};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vfs::{OsFs, Vfs};

/// Entries in a batch of a load that nobody times.
const LOAD_BATCH: u64 = 1000;

/// What a process is asked to measure. It travels as JSON in an argument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The engine's name, or [`report::BOUND`].
    pub subject: String,
    /// The workload's name, or the bound's.
    pub workload: String,
    /// How much.
    pub effort: Effort,
    /// A directory for this cell alone; it is empty.
    pub dir: PathBuf,
}

/// What a process answers, as JSON on standard output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// The figures.
    Measured(Vec<Sample>),
    /// This engine has no such thing to measure, and why.
    NotApplicable(String),
}

/// Measures what was asked for.
pub fn run(spec: &Spec) -> Result<Answer> {
    if spec.subject == report::BOUND {
        let bound = bounds::named(&spec.workload)?;
        return Ok(Answer::Measured((bound.run)(&spec.effort, &spec.dir)?));
    }
    let stage = engines::named(&spec.subject)?;
    let workload = Workload::named(&spec.workload)?;
    if !stage.persistent {
        let needs_disk = matches!(workload.timed, Action::Open { .. } | Action::Space)
            || workload.durability == Durability::EveryWrite;
        if needs_disk {
            return Ok(Answer::NotApplicable("it keeps nothing on disk".into()));
        }
    }
    let measured = measure(stage, workload, spec);
    measured.map(Answer::Measured).with_context(|| format!("{} on {}", workload.name, stage.name))
}

fn measure(stage: &Stage, workload: &Workload, spec: &Spec) -> Result<Vec<Sample>> {
    match workload.timed {
        Action::Open { killed } => return reopen::run(stage, killed, spec),
        Action::Space => return space::run(stage, spec),
        _ => {}
    }
    let effort = &spec.effort;
    let engine = open(stage, Arc::new(OsFs::create(&spec.dir)?), workload.durability)?;
    match workload.before {
        Before::Nothing => {}
        Before::Loaded => load(&*engine, &all(effort.sizes), 0)?,
        Before::Cities => load(&*engine, &Entries::cities()?, 0)?,
    }
    let entries = workload.entries(effort.sizes)?;
    let samples = match workload.timed {
        Action::Put { batch, threads, .. } => vec![put(&*engine, &entries, batch, threads, effort)?],
        Action::PutCities => vec![put(&*engine, &entries, 1, 1, effort)?],
        Action::Get(Order::Absent) => vec![get_absent(&*engine, &entries, effort)?],
        Action::Get(_) | Action::GetCities => vec![get_present(&*engine, &entries, effort)?],
        Action::Scan => vec![scan(&*engine, effort)?],
        Action::ScanCountry => vec![scan_countries(&*engine, &entries, effort)?],
        Action::Growth => growth(&*engine, effort)?,
        Action::Open { .. } | Action::Space => unreachable!("answered above"),
    };
    engine.close()?;
    Ok(samples)
}

/// Opens a store with this durability and otherwise the engine's defaults.
pub fn open(stage: &Stage, vfs: Arc<dyn Vfs>, durability: Durability) -> Result<Arc<dyn Engine>> {
    let options = stage.default_options().with(contract::SYNC.name, durability_name(durability))?;
    Ok((stage.open)(vfs, &options)?.0)
}

/// The entries that lie in a loaded store, in the order in which they were written.
pub fn all(sizes: Sizes) -> Entries {
    Entries::new(sizes, Order::Shuffled(0), sizes.n)
}

/// Writes the entries from number `from` on, in batches.
pub fn load(engine: &dyn Engine, entries: &Entries, from: u64) -> Result<()> {
    let mut batch = Batch::new();
    for i in from..entries.len() {
        batch.put(entries.key(i), entries.value(i));
        if (i + 1) % LOAD_BATCH == 0 || i + 1 == entries.len() {
            engine.write(&batch)?;
            batch.clear();
        }
    }
    Ok(())
}

/// Writes one operation of a fill: `batch` entries from number `i * batch` on.
pub fn put_op(engine: &dyn Engine, entries: &Entries, buffer: &mut Batch, batch: u64, i: u64) -> Result<()> {
    if batch == 1 {
        return Ok(engine.put(entries.key(i), entries.value(i))?);
    }
    buffer.clear();
    for i in i * batch..((i + 1) * batch).min(entries.len()) {
        buffer.put(entries.key(i), entries.value(i));
    }
    Ok(engine.write(buffer)?)
}

fn put(engine: &dyn Engine, entries: &Entries, batch: u64, threads: u64, effort: &Effort) -> Result<Sample> {
    let ops = entries.len().div_ceil(batch);
    let limit = effort.limit();
    let timed = if threads == 1 {
        let mut buffer = Batch::new();
        timing::repeat(limit, ops, |i| put_op(engine, entries, &mut buffer, batch, i))?
    } else {
        timing::repeat_threads(threads, limit, ops, |i| Ok(engine.put(entries.key(i), entries.value(i))?))?
    };
    if timed.ops < ops {
        // Threads end at different places; what one of them wrote is written again with the same value.
        load(engine, entries, if threads == 1 { timed.ops * batch } else { 0 })?;
    }
    check::holds_exactly(engine, entries, effort.sizes.seed)?;
    let mut sample = Sample::rate(&timed, entries.len(), batch);

    sample.ops = sample.ops.min(entries.len());
    Ok(sample)
}

fn get_present(engine: &dyn Engine, entries: &Entries, effort: &Effort) -> Result<Sample> {
    let timed = timing::repeat(effort.limit(), entries.len(), |i| {
        check::got(entries, i, engine.get(entries.key(i))?.as_deref())
    })?;
    Ok(Sample::rate(&timed, entries.len(), 1))
}

fn get_absent(engine: &dyn Engine, entries: &Entries, effort: &Effort) -> Result<Sample> {
    let timed = timing::repeat(effort.limit(), entries.len(), |i| absent(engine, entries.key(i)))?;
    Ok(Sample::rate(&timed, entries.len(), 1))
}

fn absent(engine: &dyn Engine, key: &[u8]) -> Result<()> {
    ensure!(engine.get(key)?.is_none(), "«{}» was never written", String::from_utf8_lossy(key));
    Ok(())
}

fn scan(engine: &dyn Engine, effort: &Effort) -> Result<Sample> {
    check::holds_exactly(engine, &all(effort.sizes), effort.sizes.seed)?;
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

fn scan_countries(engine: &dyn Engine, cities: &Entries, effort: &Effort) -> Result<Sample> {
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
fn growth(engine: &dyn Engine, effort: &Effort) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    let mut held = 0;
    for divisor in [1000, 100, 10, 1] {
        let sizes = Sizes { n: (effort.sizes.n / divisor).max(1), ..effort.sizes };
        // A smaller store is the beginning of a larger one: ascending keys are the same for every n.
        load(engine, &Entries::new(sizes, Order::Ascending, sizes.n), held)?;
        held = sizes.n;
        let keys = Entries::new(sizes, Order::Absent, 100_000);
        let limit = effort.limit() / 4;
        let timed = timing::repeat(limit, keys.len(), |i| absent(engine, keys.key(i)))?;
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

/// Bytes that the files of a directory occupy on their device.
#[expect(clippy::disallowed_methods, reason = "looks at a store from outside")]
pub fn occupied_bytes(dir: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        bytes += entry?.metadata()?.blocks() * 512;
    }
    Ok(bytes)
}
