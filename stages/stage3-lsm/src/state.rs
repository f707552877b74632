//! The shape of the store at one moment: which memtables there are, and which tables in which runs.
//!
//! **Layout** From the newest to the oldest, as a get asks them:
//! ```text
//!   active memtable → frozen memtables → run → run → … → oldest run
//!                                         └ tables with keys that do not overlap, ascending
//! ```
//! **Invariants**
//! 1. A state never changes; a new one takes its place. Who holds one, a get for a moment or a scan for as long as it
//!    likes, keeps every memtable and every file of it.
//! 2. Runs are ordered by their number, the newest first: what an older run says of a key, no newer one has said
//!    since. A flush makes a new run, whose number is that of its first table; a merge's output belongs to the run of
//!    its oldest input.
//! 3. Tables of one run do not overlap.

use crate::memtable::Memtable;
use crate::store::Recovered;
use crate::table::{self, Table};
use contract::{Error, Result};
use std::sync::Arc;

/// What a reader pins.
#[derive(Clone)]
pub(crate) struct State {
    /// Where writes go.
    pub(crate) active: Arc<Memtable>,
    /// The number of the log that goes with it.
    pub(crate) log: u64,
    /// Full, and waiting for their flush; the newest first.
    pub(crate) frozen: Vec<Arc<Frozen>>,
    /// The tables.
    pub(crate) tree: Arc<Tree>,
}

impl State {
    /// The memtables, the newest first.
    pub(crate) fn memtables(&self) -> impl Iterator<Item = &Arc<Memtable>> {
        std::iter::once(&self.active).chain(self.frozen.iter().map(|frozen| &frozen.memtable))
    }

    /// Whether `key` has a value.
    pub(crate) fn contains(&self, key: &[u8]) -> Result<bool> {
        if let Some(live) = self.memtables().find_map(|memtable| memtable.contains(key)) {
            return Ok(live);
        }
        let hash = table::hash(key);
        for table in self.tree.tables_for(key) {
            if let Some(live) = table.contains(key, hash)? {
                return Ok(live);
            }
        }
        Ok(false)
    }
}

/// A memtable that nobody writes to any more, and the log that it came from.
pub(crate) struct Frozen {
    pub(crate) memtable: Arc<Memtable>,
    /// Its log's number.
    pub(crate) log: u64,
    /// Its log's length in bytes.
    pub(crate) log_bytes: u64,
    /// Its log's place among the logs of this process.
    pub(crate) order: u32,
}

impl Frozen {
    /// The active memtable of a state, whose log is the `order`th of this process.
    pub(crate) fn new(state: &State, order: u32, log_bytes: u64) -> Arc<Self> {
        Arc::new(Self { memtable: Arc::clone(&state.active), log: state.log, log_bytes, order })
    }

    /// What a log held that an earlier process has left.
    pub(crate) fn recovered(Recovered { memtable, log }: Recovered) -> Arc<Self> {
        Arc::new(Self { memtable, log, log_bytes: 0, order: 0 })
    }
}

/// The runs, the newest first.
#[derive(Clone, Default)]
pub(crate) struct Tree {
    pub(crate) runs: Vec<Arc<Run>>,
}

/// Tables whose keys do not overlap, in ascending order.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) number: u64,
    pub(crate) tables: Vec<Arc<Table>>,
}

impl Run {
    // ANCHOR: table_for
    /// The only table that can hold `key`.
    pub(crate) fn table_for(&self, key: &[u8]) -> Option<&Arc<Table>> {
        let after = self.tables.partition_point(|table| table.smallest() <= key);
        self.tables[..after].last().filter(|table| key <= table.largest())
    }
    // ANCHOR_END: table_for

    pub(crate) fn bytes(&self) -> u64 {
        self.tables.iter().map(|table| table.bytes()).sum()
    }

    /// Whether a table of it could hold `key`.
    pub(crate) fn covers(&self, key: &[u8]) -> bool {
        self.table_for(key).is_some()
    }
}

impl Tree {
    /// The tables that can hold `key`, the newest first: at most one of each run.
    pub(crate) fn tables_for<'t>(&'t self, key: &'t [u8]) -> impl Iterator<Item = &'t Arc<Table>> {
        self.runs.iter().filter_map(move |run| run.table_for(key))
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.runs.iter().flat_map(|run| &run.tables)
    }

    // ANCHOR: with
    /// The same tree after some tables went and others came, each with the number of its run. Opening replays the
    /// manifest by this, and a commit publishes by it, so that both mean the same.
    pub(crate) fn with(&self, removed: &[u64], added: Vec<(u64, Arc<Table>)>) -> Result<Self> {
        let mut runs: Vec<Run> = self.runs.iter().map(|run| Run::clone(run)).collect();
        for run in &mut runs {
            run.tables.retain(|table| !removed.contains(&table.number()));
        }
        for (number, table) in added {
            let at = runs.partition_point(|run| run.number > number);
            if runs.get(at).is_none_or(|run| run.number != number) {
                runs.insert(at, Run { number, tables: Vec::new() });
            }
            runs[at].tables.push(table);
        }
        runs.retain(|run| !run.tables.is_empty());
        for run in &mut runs {
            run.tables.sort_by(|a, b| a.smallest().cmp(b.smallest()));
            if let Some(pair) = run.tables.windows(2).find(|pair| pair[0].largest() >= pair[1].smallest()) {
                let what = format!("its keys overlap those of {} in run {}", pair[0].name(), run.number);
                return Err(Error::corrupt(pair[1].name(), 0, what));
            }
        }
        Ok(Self { runs: runs.into_iter().map(Arc::new).collect() })
    }
    // ANCHOR_END: with
}
