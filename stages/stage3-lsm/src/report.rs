//! What stage 3 says about itself: its figures, and what a get looked at.

use crate::store::Store;
use crate::table;
use contract::{Explanation, Figure, Look, Result, Stats};
use std::sync::atomic::Ordering;

// ANCHOR: stats
/// Figures of a store, out of what it knows without reading.
pub(crate) fn stats(store: &Store) -> Stats {
    let turn = store.any_turn();
    let state = store.state.load();
    let tables = state.tree.tables().count() as u64;
    let table_bytes: u64 = state.tree.tables().map(|table| table.bytes()).sum();
    let index_bytes: u64 = state.tree.tables().map(|table| table.index_bytes()).sum();
    let memtable_bytes: u64 = state.memtables().map(|memtable| memtable.bytes()).sum();
    let log_bytes = turn.writer.size() + state.frozen.iter().map(|frozen| frozen.log_bytes).sum::<u64>();
    let logs = 1 + state.frozen.len() as u64;
    let mark_bytes = if turn.clean { store.mark_bytes } else { 0 };
    Stats {
        // Only a scan could tell: an entry in a table may be superseded.
        keys: None,
        live_bytes: None,
        disk_bytes: table_bytes
            + log_bytes
            + store.counts.manifest_bytes.load(Ordering::Relaxed)
            + mark_bytes,
        files: tables + logs + 1 + u64::from(turn.clean),
        index_bytes: index_bytes + memtable_bytes,
        user_bytes_written: turn.user_bytes,
        bytes_written: store.counts.written_bytes.load(Ordering::Relaxed),
        bytes_read: store.reading.counts.bytes_read.sum(),
        figures: figures(store, tables, index_bytes, memtable_bytes),
    }
}
// ANCHOR_END: stats

fn figures(store: &Store, tables: u64, index_bytes: u64, memtable_bytes: u64) -> Vec<Figure> {
    let count = |name, value| Figure { name, value, unit: "count" };
    let bytes = |name, value| Figure { name, value, unit: "bytes" };
    let (counts, reads, state) = (&store.counts, &store.reading.counts, store.state.load());
    let of = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let cached = store.reading.cache.as_ref().map_or(0, |cache| cache.bytes());
    let entries = state.tree.tables().map(|table| table.entries()).sum();
    let tombstones = state.tree.tables().map(|table| table.tombstones()).sum();
    vec![
        count("runs", state.tree.runs.len() as u64),
        count("tables", tables),
        count("table-entries", entries),
        count("tombstones", tombstones),
        bytes("memtables", memtable_bytes),
        count("frozen-memtables", state.frozen.len() as u64),
        bytes("indexes-and-filters", index_bytes),
        bytes("block-cache", cached),
        bytes("unsynced", store.chain.unsynced_bytes()),
        count("syncs", of(&counts.syncs)),
        count("flushes", of(&counts.flushes)),
        count("compactions", of(&counts.compactions)),
        bytes("compacted", of(&counts.compacted_bytes)),
        count("upkeep-failures", of(&counts.failures)),
        count("stalls", of(&counts.stalls)),
        count("rests", of(&counts.rests)),
        count("blocks-read", reads.blocks_read.sum()),
        count("cache-hits", reads.cache_hits.sum()),
        count("cache-misses", reads.cache_misses.sum()),
        count("filter-negatives", reads.filter_negatives.sum()),
        count("filter-false-positives", reads.filter_false_positives.sum()),
    ]
}

// ANCHOR: explain
/// A get, told.
pub(crate) fn explain(store: &Store, key: &[u8]) -> Result<Explanation> {
    let state = store.state.load_full();
    let mut told = Explanation::default();
    for (i, memtable) in state.memtables().enumerate() {
        let place = if i == 0 { "active memtable" } else { "frozen memtable" };
        let found = memtable.get(key);
        let what = match &found {
            None => format!("not among its {} keys", memtable.entries()),
            Some(None) => "a tombstone: the key was deleted".into(),
            Some(Some(_)) => "the value".into(),
        };
        told.looks.push(Look { place: place.into(), offset: 0, bytes: 0, what });
        if let Some(value) = found {
            return Ok(Explanation { value, ..told });
        }
    }
    let hash = table::hash(key);
    for run in &state.tree.runs {
        let Some(table) = run.table_for(key) else {
            let what = format!("none of its {} tables spans the key", run.tables.len());
            told.looks.push(Look { place: format!("run {}", run.number), offset: 0, bytes: 0, what });
            continue;
        };
        let explained = table.explain(key, hash)?;
        told.looks.extend(explained.looks);
        told.bytes_read += explained.bytes_read;
        if let Some(value) = explained.found {
            return Ok(Explanation { value, ..told });
        }
    }
    Ok(told)
}
// ANCHOR_END: explain
