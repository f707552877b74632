//! Deciding what to compact: from the shape of the tree, and from nothing else.
//!
//! **Invariants**
//! 1. A decision is a pure function of a [`Shape`] and of [`Rules`]. It is never written down: what is written down is
//!    what came of it.
//! 2. A job takes from runs that are neighbours. Of each older run it takes every table that overlaps what it takes
//!    from the newer ones, so that no version of a key is moved behind an older one.
//! 3. The output belongs to the oldest run that the job takes from, and overlaps nothing that stays there.
//!
//! **Source** Cassandra's size-tiered strategy and RocksDB's «universal» for `tiered`; LevelDB for `leveled`; Dayan and
//! Idreos, *Dostoevsky*, 2018, for what lies between.

pub mod leveled;
pub mod simulate;
pub mod tiered;

#[cfg(test)]
mod tests;

pub use crate::options::Strategy;

/// What a strategy sees of a tree: its runs, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The runs.
    pub runs: Vec<RunShape>,
}

/// A run: its number and its tables, ascending by their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunShape {
    /// The run's number.
    pub number: u64,
    /// Its tables.
    pub tables: Vec<TableShape>,
}

/// A table: its number, its size and its keys' range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableShape {
    /// The table's number.
    pub number: u64,
    /// Its file's length in bytes.
    pub bytes: u64,
    /// Its smallest key.
    pub smallest: Vec<u8>,
    /// Its largest key.
    pub largest: Vec<u8>,
}

/// What can be chosen about a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Which runs are merged.
    pub strategy: Strategy,
    /// How many runs of a similar size are merged at a time.
    pub fan_out: usize,
    /// How many times larger than the level above it a level may be.
    pub level_ratio: u64,
    /// About how large a flush is, in bytes.
    pub flush_bytes: u64,
}

/// What to merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The numbers of the tables to take, of each run that is taken from, the newest run first.
    pub inputs: Vec<(u64, Vec<u64>)>,
}

impl Job {
    /// The run that the output belongs to.
    pub fn output_run(&self) -> u64 {
        self.inputs.last().map_or(0, |(run, _)| *run)
    }

    /// The numbers of all tables that it takes.
    pub fn tables(&self) -> impl Iterator<Item = u64> {
        self.inputs.iter().flat_map(|(_, tables)| tables.iter().copied())
    }
}

impl RunShape {
    /// Bytes of its tables.
    pub fn bytes(&self) -> u64 {
        self.tables.iter().map(|table| table.bytes).sum()
    }

    fn all(&self) -> (u64, Vec<u64>) {
        (self.number, self.tables.iter().map(|table| table.number).collect())
    }
}

impl Shape {
    /// The job that merges whole runs.
    pub fn whole_runs(&self, runs: std::ops::Range<usize>) -> Job {
        Job { inputs: self.runs[runs].iter().map(RunShape::all).collect() }
    }
}

// ANCHOR: pick
/// What to compact next, if anything.
pub fn pick(shape: &Shape, rules: &Rules) -> Option<Job> {
    match rules.strategy {
        Strategy::Tiered => tiered::pick(shape, rules),
        Strategy::Leveled => leveled::pick(shape, rules),
        Strategy::Off => None,
    }
}
// ANCHOR_END: pick

// ANCHOR: everything
/// Everything into one run, unless it is one already.
pub fn everything(shape: &Shape) -> Option<Job> {
    (shape.runs.len() > 1).then(|| shape.whole_runs(0..shape.runs.len()))
}
// ANCHOR_END: everything
