//! Flushing: the oldest frozen memtable becomes a run of its own. Compacting: tables of neighbouring runs become one.
//!
//! **Invariants**
//! 1. Memtables are flushed oldest first, so what is in tables is always a prefix of what was written.
//! 2. A tombstone is left out only where no older run could hold its key.
//! 3. As many entries go into the output as came out of the inputs and are not superseded: a read that fails ends the
//!    work, and is never taken for the end of an input.
//!
//! **Cost** A flush writes each entry once; a compaction reads its inputs and writes its output once. Both read past the
//! block cache.

use crate::compaction::Job;
use crate::merge::Merge;
use crate::names::{log_name, table_name};
use crate::scan::RunSource;
use crate::state::{Run, State, Tree};
use crate::store::Store;
use crate::upkeep::{By, Paced};
use contract::{Error, Result};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Store {
    // ANCHOR: flush
    /// Flushes the oldest frozen memtable; false if there is none. Only who holds the claim may.
    pub(crate) fn flush(&self) -> Result<bool> {
        let Some(log) = self.flush_oldest()? else { return Ok(false) };
        self.leftovers().push(log_name(log));
        self.renew_manifest()?;
        self.remove_leftovers()?;
        Ok(true)
    }

    /// Flushes what the logs of an earlier process held, and leaves these to whoever opens the store.
    pub(crate) fn flush_recovered(&self) -> Result<()> {
        while self.flush_oldest()?.is_some() {}
        self.renew_manifest()?;
        self.remove_leftovers()
    }

    /// Flushes the oldest frozen memtable, and returns the number of its log, which is not needed any more.
    fn flush_oldest(&self) -> Result<Option<u64>> {
        let state = self.state.load_full();
        let Some(oldest) = state.frozen.last() else { return Ok(None) };
        let tree = Arc::clone(&state.tree);
        let output =
            self.build(oldest.memtable.source(Bound::Unbounded, u64::MAX), |key| covers(&tree.runs, key))?;
        let next = state.frozen.iter().rev().nth(1);
        let next_log = next.map_or(state.log, |frozen| frozen.log);
        let flushed = oldest.log;
        self.commit(None, output, Vec::new(), Some(next_log), |state, tree| State {
            frozen: state.frozen.iter().filter(|frozen| frozen.log != flushed).cloned().collect(),
            tree: Arc::new(tree),
            ..state.clone()
        })?;
        self.chain.pass(oldest.order);
        self.counts.flushes.fetch_add(1, Ordering::Relaxed);
        self.upkeep.ring();
        Ok(Some(flushed))
    }
    // ANCHOR_END: flush

    // ANCHOR: compact
    /// Does a compaction. Only who holds the claim may.
    pub(crate) fn compact_job(&self, job: &Job, by: By) -> Result<()> {
        // The tables alone: a compaction may take long, and must not keep memtables that are flushed meanwhile.
        let tree = Arc::clone(&self.state.load().tree);
        let (parts, older) = inputs(&tree, job).inspect_err(|_| self.count_failure())?;
        let removed: Vec<u64> = job.tables().collect();
        let read_bytes: u64 =
            tree.tables().filter(|t| removed.contains(&t.number())).map(|t| t.bytes()).sum();
        let merged = Paced::new(Merge::new(parts), self, by);
        let output = self.build(merged, |key| covers(older, key))?;
        self.counts.compacted_bytes.fetch_add(read_bytes + output.bytes(), Ordering::Relaxed);
        self.commit(Some(job.output_run()), output, removed.clone(), None, |state, tree| State {
            tree: Arc::new(tree),
            ..state.clone()
        })?;
        self.counts.compactions.fetch_add(1, Ordering::Relaxed);
        self.upkeep.ring();
        self.leftovers().extend(removed.into_iter().map(table_name));
        self.renew_manifest()?;
        self.remove_leftovers()
    }
    // ANCHOR_END: compact
}

/// A walk over the inputs of a job, run by run, and the runs that are older than its output.
fn inputs<'t>(tree: &'t Tree, job: &Job) -> Result<(Vec<RunSource>, &'t [Arc<Run>])> {
    let missing = |run: u64| Error::corrupt("the tree", 0, format!("run {run} is gone"));
    let mut parts = Vec::new();
    let mut older = tree.runs.as_slice();
    for (number, tables) in &job.inputs {
        let at = tree.runs.iter().position(|run| run.number == *number).ok_or_else(|| missing(*number))?;
        older = &tree.runs[at + 1..];
        let taken = tree.runs[at].tables.iter().filter(|table| tables.contains(&table.number()));
        let run = Run { number: *number, tables: taken.cloned().collect() };
        parts.push(RunSource::new(Arc::new(run), Bound::Unbounded, false)?);
    }
    Ok((parts, older))
}

/// Whether a table of these runs could hold `key`.
fn covers(runs: &[Arc<Run>], key: &[u8]) -> bool {
    runs.iter().any(|run| run.covers(key))
}
