//! The simulation beside the engine: the same writes into a real store in memory, flush by flush.
//!
//! Both must have the same runs after each step, and come to the same figures. Where a table of the store ends depends on
//! bytes, and how long an entry is in an index depends a little on its neighbours; so tables of the store have a few
//! entries more or less than those of the simulation, and figures agree within [`TOLERANCE`].

use super::*;
use crate::options::Settings;
use crate::store::Store;
use crate::{recover, upkeep};
use contract::{Engine, Options};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use vfs::MemFs;

/// How far figures may be apart, in hundredths.
const TOLERANCE: u64 = 3;
const FLUSH_ENTRIES: u32 = 1000;
const STEPS: usize = 100;
/// More entries than a small table holds.
const MANY: u32 = 1200;
/// Bytes of a table where runs are to have many.
const SMALL_TABLES: u64 = 60_000;
/// So large that a memtable is never full before it is flushed by hand.
const MEMTABLE_BYTES: &str = "512KiB";

fn open(strategy: &str, table_bytes: u64) -> Store {
    let table_bytes = table_bytes.to_string();
    let set = [
        ("memtable-bytes", MEMTABLE_BYTES),
        ("table-bytes", &table_bytes),
        ("strategy", strategy),
        ("level-ratio", "3"),
    ];
    let with = |options: Options, (name, value): (&'static str, &str)| options.with(name, value).unwrap();
    let options = set.into_iter().fold(crate::STAGE.default_options(), with);
    recover::open(Arc::new(MemFs::new()), Settings::new(&options).unwrap()).unwrap().0
}

fn put(store: &Store, key: u32) {
    store.put(format!("key{key:013}").as_bytes(), &[7; 100]).unwrap();
}

/// Bytes and entries of each table of a store that holds the first so many keys and flushed them at once.
fn tables_of(entries: u32, table_bytes: u64) -> Vec<(u64, u64)> {
    let store = open("off", table_bytes);
    (0..entries).for_each(|key| put(&store, key));
    store.flush_all().unwrap();
    let state = store.state.load();
    state.tree.tables().map(|table| (table.bytes(), table.entries())).collect()
}

/// A store, and what was counted beside it.
struct Real {
    store: Store,
    keys: workload::Keys,
    flushed_bytes: u64,
}

impl Real {
    fn tree_bytes(&self) -> u64 {
        upkeep::shape(&self.store.state.load().tree).runs.iter().map(RunShape::bytes).sum()
    }

    fn step(&mut self) {
        (0..FLUSH_ENTRIES).for_each(|_| put(&self.store, self.keys.next_key()));
        assert_eq!(self.store.state.load().frozen.len(), 0, "the memtable was full before");
        let before = self.tree_bytes();
        self.store.flush_all().unwrap();
        self.flushed_bytes += self.tree_bytes() - before;
        while self.store.upkeep_step(crate::upkeep::By::Caller).unwrap() {}
    }

    fn entries(&self) -> Vec<u64> {
        let state = self.store.state.load();
        state.tree.runs.iter().map(|run| run.tables.iter().map(|table| table.entries()).sum()).collect()
    }
}

fn assert_near(one: u64, other: u64, what: &str) {
    assert!(
        one.abs_diff(other) * 100 <= one.max(other) * TOLERANCE,
        "{what}: {one} in the store, simulated {other}"
    );
}

/// The same sizes for the simulation as the store has: what it makes of an entry is measured, by two flushes.
fn setup_of(store: &Store, workload: Workload, table_bytes: u64) -> Setup {
    let (small, large) = (tables_of(500, 1 << 30)[0], tables_of(MANY, 1 << 30)[0]);
    let entry_bytes = (large.0 - small.0) / (large.1 - small.1);
    let first = tables_of(MANY, table_bytes)[0].1;
    let settings = &store.settings;
    Setup {
        rules: Rules {
            strategy: settings.strategy(),
            fan_out: settings.fan_out(),
            level_ratio: settings.level_ratio(),
            flush_bytes: settings.active_bytes(),
        },
        workload,
        keys: if workload.writes_each_once() { 100_000 } else { 40_000 },
        flush_entries: FLUSH_ENTRIES,
        table_entries: if first < u64::from(MANY) { usize::try_from(first).unwrap() } else { usize::MAX },
        entry_bytes,
        table_bytes: small.0 - small.1 * entry_bytes,
        seed: 5,
    }
}

fn beside(strategy: &str, workload: Workload, table_bytes: u64) {
    let store = open(strategy, table_bytes);
    let setup = setup_of(&store, workload, table_bytes);
    let keys = workload::Keys::new(workload, setup.keys, setup.seed);
    let mut real = Real { store, keys, flushed_bytes: 0 };
    let mut simulation = Simulation::new(setup);
    for step in 1..=STEPS {
        real.step();
        simulation.step().unwrap();
        let (real, simulated) = (real.entries(), simulation.entries());
        assert_eq!(
            real.len(),
            simulated.len(),
            "{strategy}, {workload:?}, flush {step}: {real:?} {simulated:?}"
        );
    }
    let figures = simulation.figures();
    let counts = &real.store.counts;
    let (compacted, tree_bytes) = (counts.compacted_bytes.load(Ordering::Relaxed), real.tree_bytes());
    // What flushes and compactions wrote, less what compactions read, is what is there.
    let written = real.flushed_bytes + (compacted + tree_bytes - real.flushed_bytes) / 2;
    let entries = |of: Vec<u64>| of.iter().sum::<u64>();
    println!(
        "{strategy:<7} {workload:<9?} {:>2} runs, amplification written {:.3} {:.3}, in tables {:.3} {:.3}",
        figures.runs,
        ratio(written, figures.user_bytes),
        figures.write_amplification(),
        ratio(tree_bytes, figures.live_bytes),
        figures.space_amplification(),
    );
    assert_near(written, figures.flushed_bytes + figures.compacted_into_bytes, "written");
    assert_near(compacted, figures.compacted_from_bytes + figures.compacted_into_bytes, "compacted");
    assert_near(counts.compactions.load(Ordering::Relaxed), figures.compactions, "compactions");
    assert_near(tree_bytes, figures.tree_bytes, "bytes in tables");
    assert_near(entries(real.entries()), entries(simulation.entries()), "entries in tables");
}

#[test]
fn tiered_comes_to_what_the_store_comes_to() {
    for workload in Workload::ALL {
        beside("tiered", workload, SMALL_TABLES);
    }
}

#[test]
fn leveled_comes_to_what_the_store_comes_to() {
    for workload in Workload::ALL {
        beside("leveled", workload, SMALL_TABLES);
    }
}

#[test]
fn off_comes_to_what_the_store_comes_to() {
    for workload in Workload::ALL {
        beside("off", workload, SMALL_TABLES);
    }
}

#[test]
fn with_a_table_for_each_run_it_comes_to_the_same_as_well() {
    beside("tiered", Workload::Fill, 1 << 30);
    beside("tiered", Workload::Overwrite, 1 << 30);
}
