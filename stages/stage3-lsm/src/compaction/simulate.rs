//! A tree without a disk: what a strategy makes of a workload, counted instead of written.
//!
//! **Layout** A table is the sorted numbers of its keys. [`workload`] says which keys are written, [`figures`] what it came
//! to and what the textbook expects, [`draw`] how the tree looks.
//!
//! **Invariants**
//! 1. What to merge is asked of the [`pick`] that the store asks, and asked again until nothing is due.
//! 2. Numbers are given in the order in which the store gives them, and outputs are cut where the store cuts them. So
//!    where sizes are the same, decisions are.
//! 3. Of the entries that a job takes, one of each key comes out. There are no deletes.
//!
//! **Cost** Four bytes an entry, and a merge of sorted numbers for each job: a few million entries a second.

pub mod draw;
pub mod figures;
pub mod workload;

#[cfg(test)]
mod beside;
#[cfg(test)]
mod tests;

use super::{Job, Rules, RunShape, Shape, TableShape, pick};
use figures::{Figures, ratio};
use workload::{Keys, Workload};

/// What is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// What decides.
    pub rules: Rules,
    /// What is written.
    pub workload: Workload,
    /// How many different keys there are, at least 1.
    pub keys: u32,
    /// How many writes fill a memtable.
    pub flush_entries: u32,
    /// How many entries fill a table, at least 1.
    pub table_entries: usize,
    /// Bytes of an entry in a table.
    pub entry_bytes: u64,
    /// Bytes of a table beside its entries. A few decide between four small tables and the one that they became, which
    /// are of the same size otherwise.
    pub table_bytes: u64,
    /// What the keys are drawn from.
    pub seed: u64,
}

/// A tree, and all that happened to it.
#[derive(Debug)]
pub struct Simulation {
    setup: Setup,
    keys: Keys,
    runs: Vec<Run>,
    next_number: u64,
    /// Which keys have been written, and how many.
    written: Vec<bool>,
    live: u64,
    counts: Counts,
}

/// A run: its number and its tables, ascending by their keys.
#[derive(Debug)]
struct Run {
    number: u64,
    tables: Vec<Table>,
}

/// A table: its number and its keys, ascending.
#[derive(Debug)]
struct Table {
    number: u64,
    keys: Vec<u32>,
}

/// What was counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    steps: u64,
    user_bytes: u64,
    flushed_bytes: u64,
    compactions: u64,
    compacted_from_bytes: u64,
    compacted_into_bytes: u64,
    /// Sums over the steps, for averages.
    asked: f64,
    space: f64,
}

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Entries in the run that the flush made.
    pub flushed: u64,
    /// How many jobs were due after it.
    pub compactions: u64,
    /// Entries that they read.
    pub read: u64,
    /// Entries that they wrote.
    pub written: u64,
}

/// A strategy has more to do after each job, without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restless {
    /// How many jobs it was given.
    pub jobs: u64,
}

impl std::fmt::Display for Restless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the strategy does not come to rest: after {} compactions in one step another is due",
            self.jobs
        )
    }
}

impl std::error::Error for Restless {}

impl Run {
    fn entries(&self) -> u64 {
        self.tables.iter().map(|table| table.keys.len() as u64).sum()
    }
}

impl Simulation {
    /// An empty tree.
    pub fn new(setup: Setup) -> Self {
        Self {
            setup,
            keys: Keys::new(setup.workload, setup.keys, setup.seed),
            runs: Vec::new(),
            next_number: 1,
            written: vec![false; setup.keys as usize],
            live: 0,
            counts: Counts::default(),
        }
    }

    // ANCHOR: step
    /// Fills a memtable, flushes it, and compacts until nothing is due.
    ///
    /// [`Restless`] if that has no end.
    pub fn step(&mut self) -> Result<Step, Restless> {
        let mut step = Step { flushed: self.flush(), ..Step::default() };
        while let Some(job) = pick(&self.shape(), &self.setup.rules) {
            let tables: usize = self.runs.iter().map(|run| run.tables.len()).sum();
            if step.compactions > 1000 + 10 * tables as u64 {
                return Err(Restless { jobs: step.compactions });
            }
            let (read, written) = self.compact(&job);
            step.compactions += 1;
            step.read += read;
            step.written += written;
        }
        self.counts.steps += 1;
        self.counts.asked += self.asked();
        self.counts.space += self.space();
        Ok(step)
    }
    // ANCHOR_END: step

    /// Makes a run of the next writes, and says how many entries are in it.
    fn flush(&mut self) -> u64 {
        let mut keys: Vec<u32> = (0..self.setup.flush_entries).map(|_| self.keys.next_key()).collect();
        self.counts.user_bytes += keys.len() as u64 * self.setup.entry_bytes;
        for &key in &keys {
            let written = &mut self.written[key as usize];
            self.live += u64::from(!*written);
            *written = true;
        }
        keys.sort_unstable();
        keys.dedup();
        // A flush makes a new run, which has the number of its first table.
        let number = self.next_number;
        let entries = keys.len() as u64;
        let tables = self.cut(&keys);
        self.counts.flushed_bytes += self.bytes_of(&tables);
        self.runs.insert(0, Run { number, tables });
        entries
    }

    // ANCHOR: compact
    /// Does a job, and says how many entries it read and wrote.
    fn compact(&mut self, job: &Job) -> (u64, u64) {
        let mut taken = Vec::new();
        for (number, tables) in &job.inputs {
            let run = self.runs.iter_mut().find(|run| run.number == *number);
            taken.extend(
                run.into_iter().flat_map(|run| run.tables.extract_if(.., |t| tables.contains(&t.number))),
            );
        }
        let read_bytes = self.bytes_of(&taken);
        let mut keys: Vec<u32> = taken.into_iter().flat_map(|table| table.keys).collect();
        let read = keys.len() as u64;
        #[expect(clippy::stable_sort_primitive, reason = "it finds the sorted parts, and merges them")]
        keys.sort();
        keys.dedup();
        let output = self.cut(&keys);
        self.counts.compactions += 1;
        self.counts.compacted_from_bytes += read_bytes;
        self.counts.compacted_into_bytes += self.bytes_of(&output);
        if let Some(run) = self.runs.iter_mut().find(|run| run.number == job.output_run()) {
            run.tables.extend(output);
            run.tables.sort_by_key(|table| table.keys.first().copied());
        }
        self.runs.retain(|run| !run.tables.is_empty());
        (read, keys.len() as u64)
    }
    // ANCHOR_END: compact

    /// Cuts sorted keys into tables.
    fn cut(&mut self, keys: &[u32]) -> Vec<Table> {
        let chunks = keys.chunks(self.setup.table_entries);
        let tables: Vec<Table> = (self.next_number..)
            .zip(chunks)
            .map(|(number, keys)| Table { number, keys: keys.to_vec() })
            .collect();
        self.next_number += tables.len() as u64;
        tables
    }

    fn bytes_of(&self, tables: &[Table]) -> u64 {
        tables.iter().map(|table| self.table_bytes(table)).sum()
    }

    fn table_bytes(&self, table: &Table) -> u64 {
        table.keys.len() as u64 * self.setup.entry_bytes + self.setup.table_bytes
    }

    /// What a strategy sees.
    pub fn shape(&self) -> Shape {
        // In hexadecimal, padded, keys stand in the order of their numbers.
        let name = |key: Option<&u32>| format!("{:08x}", key.copied().unwrap_or_default()).into_bytes();
        let table = |table: &Table| TableShape {
            number: table.number,
            bytes: self.table_bytes(table),
            smallest: name(table.keys.first()),
            largest: name(table.keys.last()),
        };
        let run = |run: &Run| RunShape { number: run.number, tables: run.tables.iter().map(table).collect() };
        Shape { runs: self.runs.iter().map(run).collect() }
    }

    /// How many entries each run holds, the newest run first.
    pub fn entries(&self) -> Vec<u64> {
        self.runs.iter().map(Run::entries).collect()
    }

    /// How many runs a get of an absent key would have to ask if there were no filters: of each run at most the one table
    /// whose range has the key. Averaged over all keys that would lie between two that may be written.
    fn asked(&self) -> f64 {
        let range = |table: &Table| match (table.keys.first(), table.keys.last()) {
            (Some(first), Some(last)) => u64::from(last - first),
            _ => 0,
        };
        let covered: u64 = self.runs.iter().flat_map(|run| &run.tables).map(range).sum();
        ratio(covered, u64::from(self.setup.keys).saturating_sub(1))
    }

    fn tree_bytes(&self) -> u64 {
        self.runs.iter().map(|run| self.bytes_of(&run.tables)).sum()
    }

    fn live_bytes(&self) -> u64 {
        self.live * self.setup.entry_bytes
    }

    fn space(&self) -> f64 {
        ratio(self.tree_bytes(), self.live_bytes())
    }

    /// What it came to so far.
    pub fn figures(&self) -> Figures {
        let steps = self.counts.steps;
        let average = |sum: f64| if steps == 0 { 0.0 } else { sum * ratio(1, steps) };
        let Counts {
            user_bytes, flushed_bytes, compactions, compacted_from_bytes, compacted_into_bytes, ..
        } = self.counts;
        Figures {
            steps,
            runs: self.runs.len() as u64,
            tables: self.runs.iter().map(|run| run.tables.len() as u64).sum(),
            user_bytes,
            flushed_bytes,
            compactions,
            compacted_from_bytes,
            compacted_into_bytes,
            tree_bytes: self.tree_bytes(),
            live_bytes: self.live_bytes(),
            asked: self.asked(),
            asked_average: average(self.counts.asked),
            space_average: average(self.counts.space),
        }
    }
}
