//! Leveled: one run a level, each a given factor larger than the one above it, and little moves at a time.
//!
//! **Layout** The list of runs, read as levels:
//! ```text
//!   young   young   young  │  level 1  │  level 2  │  …  │  last level
//!   └── flushes, smaller ──┘  each less than 1/ratio of the level below it, but room for some flushes
//!       than level 1 may be
//! ```
//! **Cost** Each entry is rewritten up to [`level_ratio`](Rules::level_ratio) times for every level that it sinks
//! through. A get asks one table of each level, and about a tenth of the space is dead.
//!
//! **Source** LevelDB's compaction; that the sizes of the levels follow from the last one is RocksDB's «dynamic level
//! bytes».

use super::{Job, Rules, RunShape, Shape, TableShape};

// ANCHOR: pick
/// What to merge next.
pub(super) fn pick(shape: &Shape, rules: &Rules) -> Option<Job> {
    let base = rules.flush_bytes.saturating_mul(rules.fan_out as u64);
    let young = shape.runs.iter().take_while(|run| run.bytes() < base).count();
    if young >= rules.fan_out {
        return Some(sink_young(shape, young, base, rules));
    }
    // The deepest level that is too large goes first: what comes from above finds room then.
    (young..shape.runs.len().saturating_sub(1)).rev().find_map(|level| {
        let room = base.max(shape.runs[level + 1].bytes() / rules.level_ratio);
        (shape.runs[level].bytes() >= room).then(|| sink_one(shape, level))
    })
}
// ANCHOR_END: pick

// ANCHOR: sink
/// All young runs into level 1, or into a new level 1 where that has grown so large that it is a deeper level.
fn sink_young(shape: &Shape, young: usize, base: u64, rules: &Rules) -> Job {
    let mut job = shape.whole_runs(0..young);
    let is_level_1 = |run: &&RunShape| run.bytes() <= base.saturating_mul(rules.level_ratio);
    if let Some(level) = shape.runs.get(young).filter(is_level_1) {
        let taken: Vec<_> = shape.runs[..young].iter().flat_map(|run| &run.tables).collect();
        push_overlapping(&mut job, level, &taken);
    }
    job
}

/// The table of a level that overlaps least of the next one, for its size, and what it overlaps there.
fn sink_one(shape: &Shape, level: usize) -> Job {
    let (from, into) = (&shape.runs[level], &shape.runs[level + 1]);
    let price = |table: &&TableShape| {
        let below: u64 = overlapping(into, &[table]).map(|table| table.bytes).sum();
        // Bytes to rewrite for every thousand that sink.
        (below.saturating_mul(1000) / table.bytes.max(1), table.number)
    };
    let cheapest: Vec<&TableShape> = from.tables.iter().min_by_key(price).into_iter().collect();
    let mut job = Job { inputs: vec![(from.number, cheapest.iter().map(|table| table.number).collect())] };
    push_overlapping(&mut job, into, &cheapest);
    job
}

/// Adds a run with those of its tables that the output could overlap.
fn push_overlapping(job: &mut Job, run: &RunShape, taken: &[&TableShape]) {
    job.inputs.push((run.number, overlapping(run, taken).map(|table| table.number).collect()));
}

/// The tables of a run within the range of keys that others span together.
fn overlapping<'r>(run: &'r RunShape, others: &[&TableShape]) -> impl Iterator<Item = &'r TableShape> {
    let smallest = others.iter().map(|table| &table.smallest).min().cloned().unwrap_or_default();
    let largest = others.iter().map(|table| &table.largest).max().cloned().unwrap_or_default();
    run.tables.iter().filter(move |table| table.smallest <= largest && smallest <= table.largest)
}
// ANCHOR_END: sink
