//! Strategies on trees that are made of numbers only.

use super::*;
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, proptest};

/// Entries of a table, ten bytes each.
const TABLE_ENTRIES: usize = 40;

/// A tree in which an entry has a version, so that an older one over a newer one is noticed.
#[derive(Default)]
struct Tree {
    /// The newest first: number, and tables with their entries, key and version.
    runs: Vec<(u64, Vec<(u64, Entries)>)>,
    next: u64,
    written: u64,
}

/// Keys and the number of the write that each is from.
type Entries = Vec<(u8, u64)>;

impl Tree {
    fn shape(&self) -> Shape {
        let table = |(number, entries): &(u64, Entries)| TableShape {
            number: *number,
            bytes: entries.len() as u64 * 10,
            smallest: vec![entries[0].0],
            largest: vec![entries[entries.len() - 1].0],
        };
        let run = |(number, tables): &(u64, Vec<_>)| RunShape {
            number: *number,
            tables: tables.iter().map(table).collect(),
        };
        Shape { runs: self.runs.iter().map(run).collect() }
    }

    fn flush(&mut self, keys: &[u8]) {
        self.written += 1;
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys.dedup();
        let entries = keys.into_iter().map(|key| (key, self.written)).collect();
        let number = self.number();
        self.runs.insert(0, (number, vec![(number, entries)]));
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Does what a compaction does, and checks what it relies on.
    fn compact(&mut self, job: &Job) {
        let places: Vec<usize> =
            job.inputs.iter().map(|(run, _)| self.runs.iter().position(|r| r.0 == *run).unwrap()).collect();
        assert!(places.windows(2).all(|pair| pair[1] == pair[0] + 1), "not neighbours: {places:?}");
        let mut merged = std::collections::BTreeMap::new();
        for (place, (_, numbers)) in places.iter().zip(&job.inputs) {
            let tables = &mut self.runs[*place].1;
            for (_, entries) in tables.extract_if(.., |(number, _)| numbers.contains(number)) {
                for (key, version) in entries {
                    merged.entry(key).or_insert(version);
                }
            }
        }
        let entries: Entries = merged.into_iter().collect();
        let output: Vec<Entries> = entries.chunks(TABLE_ENTRIES).map(<[_]>::to_vec).collect();
        for entries in output {
            let number = self.number();
            let run = self.runs.iter_mut().find(|run| run.0 == job.output_run()).unwrap();
            run.1.push((number, entries));
        }
        for run in &mut self.runs {
            run.1.sort_by_key(|(_, entries)| entries[0].0);
            let apart = |pair: &[(u64, Entries)]| pair[0].1.last().unwrap().0 < pair[1].1[0].0;
            assert!(run.1.windows(2).all(apart), "tables of run {} overlap", run.0);
        }
        self.runs.retain(|run| !run.1.is_empty());
    }

    /// Of every key the newest version is the first that a get would find.
    fn check(&self) {
        for key in 0..=u8::MAX {
            let versions: Vec<u64> = self
                .runs
                .iter()
                .flat_map(|(_, tables)| tables.iter().flat_map(|(_, entries)| entries))
                .filter(|(k, _)| *k == key)
                .map(|(_, version)| *version)
                .collect();
            assert!(versions.is_sorted_by(|a, b| a > b), "key {key}: {versions:?}");
        }
    }
}

fn rules(strategy: Strategy) -> Rules {
    Rules { strategy, fan_out: 4, level_ratio: 4, flush_bytes: 200 }
}

fn runs(sizes: &[u64]) -> Shape {
    let run = |(i, bytes): (usize, &u64)| RunShape {
        number: 100 - i as u64,
        tables: vec![TableShape { number: 100 - i as u64, bytes: *bytes, ..TableShape::default() }],
    };
    Shape { runs: sizes.iter().enumerate().map(run).collect() }
}

// ANCHOR: no_strategy
proptest! {
    #[test]
    fn no_strategy_moves_a_version_behind_an_older_one_and_each_comes_to_rest(
        flushes in vec(vec(any::<u8>(), 1..30), 1..40),
        leveled in any::<bool>(),
    ) {
        // A flush so small that 256 keys fill more than one level, and of which a level may be an exact multiple.
        let rules = Rules { flush_bytes: 50, ..rules(if leveled { Strategy::Leveled } else { Strategy::Tiered }) };
        let mut tree = Tree::default();
        for keys in &flushes {
            tree.flush(keys);
            let mut jobs = 0;
            while let Some(job) = pick(&tree.shape(), &rules) {
                tree.compact(&job);
                tree.check();
                jobs += 1;
                prop_assert!(jobs < 100, "it never comes to rest");
            }
            // Four of each size that four of the one before become.
            let flushes = tree.shape().runs.iter().map(RunShape::bytes).sum::<u64>() / rules.flush_bytes;
            let most = 4 * (1 + flushes.max(1).ilog(4) as usize);
            prop_assert!(tree.runs.len() <= most, "{} runs of {flushes} flushes", tree.runs.len());
        }
    }
}
// ANCHOR_END: no_strategy

#[test]
fn tiered_merges_neighbours_of_a_size_and_everything_once_half_may_be_dead() {
    let picked = |sizes: &[u64]| pick(&runs(sizes), &rules(Strategy::Tiered)).map(|job| job.inputs.len());
    assert_eq!(picked(&[200, 200, 200, 900]), None);
    assert_eq!(picked(&[200, 200, 200, 200, 9000]), Some(4));
    // Four tiers of one run each are at rest.
    assert_eq!(picked(&[200, 800, 3200, 12800]), None);
    // What lies above the oldest run is larger than it.
    assert_eq!(picked(&[200, 700, 2000, 2500]), Some(4));
    assert_eq!(picked(&[]), None);
    // Where sizes take turns none are similar. Five tiers may be twenty runs; of more, those that are cheapest.
    let turns =
        |runs: usize| [[400, 10]; 20].concat().into_iter().take(runs).chain([60_000]).collect::<Vec<u64>>();
    assert_eq!(picked(&turns(19)), None);
    assert_eq!(picked(&turns(20)), Some(4));
}

#[test]
fn leveled_sinks_young_runs_together_and_then_little_at_a_time() {
    let rules = rules(Strategy::Leveled);
    let picked = |sizes: &[u64]| pick(&runs(sizes), &rules).map(|job| job.inputs.len());
    assert_eq!(picked(&[200, 200, 200]), None);
    assert_eq!(picked(&[200, 200, 200, 200]), Some(4));
    // With the level below them; or by themselves, where that is a deep one.
    assert_eq!(picked(&[200, 200, 200, 200, 900]), Some(5));
    assert_eq!(picked(&[200, 200, 200, 200, 90_000]), Some(4));
    // A level that is too large for the one below it gives a table.
    assert_eq!(picked(&[1000, 3000]), Some(2));
    assert_eq!(picked(&[8000, 30_000]), Some(2));
    assert_eq!(picked(&[800, 30_000]), None);
    // One of exactly four flushes is not young any more, so it is too large where there is room for four flushes.
    assert_eq!(picked(&[800, 3000]), Some(2));
    assert_eq!(picked(&[700, 3000]), None);
}
