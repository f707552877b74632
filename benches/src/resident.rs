//! How much memory a store takes while it works, seen from outside: the process's anonymous pages, as Linux counts
//! them. Pages of files, mapped or cached, are not among them.
//!
//! **Invariants** What the benchmark itself needs, keys and values, is there before the store is opened, and falls out
//! of the difference.

use crate::cell::Spec;
use crate::check;
use crate::engines::Subject;
use crate::entries::{Entries, Order};
use crate::report::{Sample, Unit};
use crate::store::{self, Store};
use crate::timing;
use anyhow::{Context, Result};
use contract::{Durability, Engine};
use std::sync::Arc;
use vfs::OsFs;

/// How many gets there are at most, after the writes.
const MOST_GETS: u64 = 1_000_000;
/// How many operations lie between two looks at the memory.
const STRIDE: u64 = 10_000;

/// Fills a store, overwrites everything, reads at random for as long as time allows; looks all the while.
pub fn run(subject: &Subject, spec: &Spec) -> Result<Option<Vec<Sample>>> {
    let sizes = spec.effort.sizes;
    let (first, second) = (store::all(sizes), Entries::new(sizes, Order::Shuffled(1), sizes.n));
    let keys = Entries::new(sizes, Order::Redrawn, MOST_GETS.min(10 * sizes.n));
    let Some(before) = anonymous_bytes() else { return Ok(None) };
    let store = Store::open(subject, Arc::new(OsFs::create(&spec.dir)?), Durability::OnRequest)?;
    let (mut most, mut most_known) = (0, 0);
    let mut look = |i: u64| {
        if i.is_multiple_of(STRIDE) {
            most = most.max(anonymous_bytes().unwrap_or(0).saturating_sub(before));
            most_known = most_known.max(known_bytes(&*store));
        }
    };
    for entries in [&first, &second] {
        for i in 0..entries.len() {
            store.put(entries.key(i), entries.value(i))?;
            look(i);
        }
    }
    timing::repeat(spec.effort.limit(), keys.len(), |i| {
        check::got(&keys, i, store.get(keys.key(i))?.as_deref())?;
        look(i);
        Ok(())
    })?;
    let after = anonymous_bytes().context("it was there before")?.saturating_sub(before);
    store.close()?;
    #[expect(clippy::cast_precision_loss, reason = "a count of megabytes needs no 53 bits")]
    let mebibytes = |part, bytes: u64| Sample::new(part, bytes as f64 / f64::from(1 << 20), Unit::Mebibytes);
    let mut samples = vec![mebibytes("", after), mebibytes("at most", most.max(after))];
    // A rival does not tell us.
    if most_known > 0 {
        samples.push(mebibytes("at most, by its own account", most_known));
    }
    Ok(Some(samples))
}

/// What the engine itself says it holds: index, filters, memtables, blocks in a cache.
fn known_bytes(engine: &dyn Engine) -> u64 {
    let stats = engine.stats();
    let cached = stats.figures.iter().find(|figure| figure.name == "block-cache");
    stats.index_bytes + cached.map_or(0, |figure| figure.value)
}

/// Anonymous memory of this process; none where the system does not tell.
fn anonymous_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    kib.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib << 10)
}
