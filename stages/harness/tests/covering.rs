//! One trace, every engine, many settings: the answers are the same.
//!
//! Stage 3 has more switches than all their combinations could be tried. But most bugs of combinations need two of them:
//! a table of ten settings has every value of every switch together with every value of every other.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Engine, Options, Stage, Worker};
use harness::crash::verdict::Pairs;
use harness::model::Model;
use harness::ops::{self, Op, Shape, generate};
use harness::registry::{find, persistent};
use harness::seeds::{seeds, side_by_side};
use harness::settings;
use std::collections::BTreeSet;
use std::sync::Arc;
use vfs::{MemFs, Vfs};

/// The switches and their values. The last is no option: whether upkeep has threads of its own, or is done by writers.
const SWITCHES: [(&str, &[&str]); 14] = [
    ("sync", &["on-request", "every-write"]),
    ("memtable-bytes", &["256", "4KiB"]),
    ("table-bytes", &["128", "1KiB"]),
    ("block-bytes", &["32", "256"]),
    ("compression", &["none", "lz4"]),
    ("filter-bits", &["0", "10"]),
    ("fingerprints", &["on", "off"]),
    ("reads", &["pread", "mapped"]),
    ("cache-bytes", &["0", "2KiB"]),
    ("strategy", &["tiered", "leveled", "off"]),
    ("fan-out", &["2", "4"]),
    ("max-runs", &["1", "40"]),
    ("manifest-bytes", &["64", "1MiB"]),
    ("upkeep", &["inline", "threads"]),
];

/// Settings: which value of each switch.
const ROWS: [&[u8; SWITCHES.len()]; 10] = [
    b"11111100121011",
    b"00010011111100",
    b"11100001000111",
    b"00001100100000",
    b"11000110021100",
    b"11101010010110",
    b"10011111000011",
    b"00111001020001",
    b"00000100111011",
    b"01110000001101",
];

/// The number of the value that a row has for a switch.
fn value(row: &[u8], switch: usize) -> usize {
    usize::from(row[switch] - b'0')
}

#[test]
fn the_table_has_every_pair_of_values() {
    for (i, (first, of_first)) in SWITCHES.iter().enumerate() {
        for (j, (second, of_second)) in SWITCHES.iter().enumerate().skip(i + 1) {
            let there: BTreeSet<_> = ROWS.iter().map(|row| (value(*row, i), value(*row, j))).collect();
            assert_eq!(there.len(), of_first.len() * of_second.len(), "{first} and {second}: {there:?}");
            let known = |(a, b): &(usize, usize)| *a < of_first.len() && *b < of_second.len();
            assert!(there.iter().all(known), "{first} and {second}: {there:?}");
        }
    }
}

/// A row as options, and whether upkeep has threads.
fn row_of(stage: &Stage, row: &[u8]) -> (Options, bool) {
    let mut options = stage.default_options();
    let (upkeep, switches) = SWITCHES.split_last().unwrap();
    for (i, (name, values)) in switches.iter().enumerate() {
        options.set(name, values[value(row, i)]).unwrap();
    }
    (options, upkeep.1[value(row, switches.len())] == "threads")
}

/// What the store holds after each operation, by a scan; and every key of it by a get.
fn history(stage: &Stage, options: &Options, threads: bool, ops: &[Op]) -> Vec<Pairs> {
    let fs: Arc<dyn Vfs> = Arc::new(MemFs::new());
    let open = || (stage.open)(Arc::clone(&fs), options).unwrap().0;
    let attend = |engine: &Arc<dyn Engine>| {
        (0..2 * usize::from(threads)).map(|_| Worker::start(engine)).collect::<Vec<_>>()
    };
    let mut engine = open();
    let mut workers = attend(&engine);
    let mut history = Vec::new();
    for op in ops {
        if op.reopens() {
            engine.close().unwrap();
            drop(workers);
            engine = open();
            workers = attend(&engine);
        } else {
            ops::apply(&*engine, op).unwrap();
        }
        let pairs: Pairs = engine.scan(contract::KeyRange::all()).unwrap().map(Result::unwrap).collect();
        for (key, value) in &pairs {
            assert_eq!(engine.get(key).unwrap().as_ref(), Some(value), "{key:?} after «{op}»");
        }
        history.push(pairs);
    }
    assert_eq!(engine.verify().unwrap().damage, []);
    history
}

#[test]
fn the_same_trace_gives_the_same_answers_under_all_settings_and_in_all_engines() {
    let shape = Shape { ops: 120, largest_bytes: 300, reads: false, ..Shape::default() };
    let stage3 = find("stage3").unwrap();
    side_by_side(seeds("covering", 40), |seed| {
        let ops = generate(seed, &shape);
        let expected: Vec<Pairs> = Model::history(&ops)[1..]
            .iter()
            .map(|state| state.pairs().map(|(key, value)| (key.to_vec(), value.to_vec())).collect())
            .collect();
        let holds = |stage: &Stage, options: &Options, threads| {
            let answers = history(stage, options, threads, &ops);
            let wrong = answers.iter().zip(&expected).position(|(got, expected)| got != expected);
            assert!(wrong.is_none(), "seed {seed}, {}, {}: {wrong:?}", stage.name, settings::show(options));
        };
        for stage in persistent("covering") {
            holds(stage, &settings::smallest(stage), false);
            if stage.name == stage3.name {
                for row in ROWS {
                    let (options, threads) = row_of(stage, row);
                    holds(stage, &options, threads);
                }
            }
        }
    });
}
