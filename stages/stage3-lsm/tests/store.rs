//! The whole store through the contract: any options, any end.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Batch, Engine, KeyRange, Options, Worker};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use vfs::MemFs;
use vfs::sim::{Crash, CrashKind, SimFs};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// Sizes so small that a few writes freeze, flush and compact.
fn tiny(set: &[(&str, &str)]) -> Options {
    let small = [
        ("memtable-bytes", "8KiB"),
        ("table-bytes", "256"),
        ("block-bytes", "64"),
        ("manifest-bytes", "500"),
    ];
    let options = stage3::STAGE.default_options();
    small.iter().chain(set).fold(options, |options, (name, value)| options.with(name, value).unwrap())
}

fn open(fs: &SimFs, options: &Options) -> Arc<dyn Engine> {
    (stage3::STAGE.open)(Arc::new(fs.clone()), options).unwrap().0
}

fn content(engine: &dyn Engine) -> Model {
    engine.scan(KeyRange::all()).unwrap().map(Result::unwrap).collect()
}

#[derive(Clone, Debug)]
enum Op {
    Put(u8, u8),
    Delete(u8),
    Batch(Vec<(u8, Option<u8>)>),
    Step,
    Sync,
    Compact,
    Close,
}

fn key(k: u8) -> Vec<u8> {
    format!("key{}", k % 24).into_bytes()
}

fn value(v: u8) -> Vec<u8> {
    vec![v; usize::from(v) % 90]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (any::<u8>(), any::<u8>()).prop_map(|(k, v)| Op::Put(k, v)),
        3 => any::<u8>().prop_map(Op::Delete),
        2 => vec((any::<u8>(), any::<Option<u8>>()), 1..5).prop_map(Op::Batch),
        4 => Just(Op::Step),
        1 => Just(Op::Sync),
        1 => Just(Op::Compact),
        1 => Just(Op::Close),
    ]
}

fn options() -> impl Strategy<Value = Options> {
    let one = |name: &'static str, values: &'static [&'static str]| {
        (0..values.len()).prop_map(move |i| (name, values[i]))
    };
    (
        one("sync", &["on-request", "every-write"]),
        one("strategy", &["tiered", "leveled", "off"]),
        one("compression", &["none", "lz4"]),
        one("filter-bits", &["0", "10"]),
        one("cache-bytes", &["0", "1KiB", "1MiB"]),
        one("reads", &["pread", "mapped"]),
        one("fan-out", &["2", "4"]),
        one("max-runs", &["1", "40"]),
    )
        .prop_map(|(a, b, c, d, e, f, g, h)| tiny(&[a, b, c, d, e, f, g, h]))
}

/// A store on a simulated disk, and what it must hold after every operation so far.
struct Run {
    fs: SimFs,
    options: Options,
    engine: Arc<dyn Engine>,
    /// For each operation: the calls before and after it, what is there after it, and whether that is durable.
    past: Vec<(u64, u64, Model, bool)>,
}

impl Run {
    fn new(options: Options) -> Self {
        let fs = SimFs::new();
        let engine = open(&fs, &options);
        let past = vec![(0, fs.calls(), Model::new(), true)];
        Self { fs, options, engine, past }
    }

    fn perform(&mut self, op: &Op) {
        let (before, mut model) = (self.fs.calls(), self.past.last().unwrap().2.clone());
        let mut durable = self.options.text("sync").unwrap() == "every-write";
        match op {
            Op::Put(k, v) => {
                self.engine.put(&key(*k), &value(*v)).unwrap();
                model.insert(key(*k), value(*v));
            }
            Op::Delete(k) => {
                self.engine.delete(&key(*k)).unwrap();
                model.remove(&key(*k));
            }
            Op::Batch(entries) => {
                let mut batch = Batch::new();
                for (k, v) in entries {
                    match v {
                        Some(v) => batch.put(&key(*k), &value(*v)),
                        None => batch.delete(&key(*k)),
                    };
                    model.remove(&key(*k));
                    model.extend(v.map(|v| (key(*k), value(v))));
                }
                self.engine.write(&batch).unwrap();
            }
            Op::Step => drop(self.engine.step().unwrap()),
            Op::Sync => {
                self.engine.sync().unwrap();
                durable = true;
            }
            Op::Compact => self.engine.compact().unwrap(),
            Op::Close => {
                self.engine.close().unwrap();
                self.engine = open(&self.fs, &self.options);
                durable = true;
            }
        }
        self.past.push((before, self.fs.calls(), model, durable));
    }

    /// What a crash may leave that comes while this call is on its way.
    fn allowed(&self, at_call: u64, kind: CrashKind) -> &[(u64, u64, Model, bool)] {
        let kept = |(_, after, _, durable): &(u64, u64, Model, bool)| {
            *after <= at_call && (*durable || kind == CrashKind::ProcessKill)
        };
        let from = self.past.iter().rposition(kept).unwrap_or(0);
        let to = self.past.iter().rposition(|(before, ..)| *before <= at_call).unwrap_or(0);
        &self.past[from..=to.max(from)]
    }
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn it_is_a_map_under_any_options_also_after_any_crash(ops in vec(op(), 1..120), options in options()) {
        let mut run = Run::new(options);
        for op in &ops {
            run.perform(op);
            let expected = &run.past.last().unwrap().2;
            prop_assert_eq!(&content(&*run.engine), expected);
            for k in 0..24 {
                let (got, key) = (run.engine.get(&key(k)).unwrap(), key(k));
                prop_assert_eq!(got.as_ref(), expected.get(&key));
            }
        }
        prop_assert_eq!(run.engine.verify().unwrap().damage, vec![]);
        // ANCHOR: any_crash
        let calls = run.fs.calls();
        for at_call in (0..=calls).step_by(usize::try_from(calls / 40 + 1).unwrap()) {
            for kind in CrashKind::ALL {
                let image = run.fs.image(at_call, &Crash::new(kind, at_call));
                let left = content(&*open(&image, &run.options));
                let allowed = run.allowed(at_call, kind);
                let found = allowed.iter().any(|(_, _, model, _)| *model == left);
                prop_assert!(found, "{kind:?} at call {at_call}: {left:?}");
                // What the first recovery has made is as good as what was there.
                let again = content(&*open(&image, &run.options));
                prop_assert_eq!(again, left, "opened a second time");
            }
        }
        // ANCHOR_END: any_crash
    }
}

// ANCHOR: view
#[test]
fn a_scan_stays_at_its_moment_through_flushes_and_compactions() {
    let engine = (stage3::STAGE.open)(Arc::new(MemFs::new()), &tiny(&[])).unwrap().0;
    let mut expected = Model::new();
    for k in 0..24 {
        engine.put(&key(k), &value(k)).unwrap();
        expected.insert(key(k), value(k));
    }
    let mut scan = engine.scan(KeyRange::all()).unwrap();
    let first = scan.next().unwrap().unwrap();
    for round in 0..20 {
        for k in 0..24 {
            if (k + round) % 3 == 0 { engine.delete(&key(k)) } else { engine.put(&key(k), &value(200)) }
                .unwrap();
        }
        engine.compact().unwrap();
    }
    let seen: Model = std::iter::once(first).chain(scan.map(Result::unwrap)).collect();
    assert_eq!(seen, expected);
}
// ANCHOR_END: view

#[test]
fn writers_beside_a_worker_share_the_log_and_lose_nothing() {
    const WRITERS: u32 = 4;
    const PUTS: u32 = 400;
    for sync in ["on-request", "every-write"] {
        let fs = MemFs::new();
        let options = tiny(&[("sync", sync)]);
        let engine = (stage3::STAGE.open)(Arc::new(fs.clone()), &options).unwrap().0;
        let worker = Worker::start(&engine);
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let engine = &engine;
                scope.spawn(move || {
                    for i in 0..PUTS {
                        let key = format!("{writer}/{i}").into_bytes();
                        engine.put(&key, &i.to_le_bytes()).unwrap();
                        assert_eq!(engine.get(&key).unwrap().as_deref(), Some(&i.to_le_bytes()[..]));
                    }
                });
            }
        });
        engine.close().unwrap();
        drop(worker);
        let engine = (stage3::STAGE.open)(Arc::new(fs.clone()), &options).unwrap().0;
        assert_eq!(content(&*engine).len(), (WRITERS * PUTS) as usize);
        assert_eq!(engine.verify().unwrap().damage, []);
    }
}

#[test]
fn nothing_is_left_of_what_was_deleted_once_everything_is_compacted() {
    let fs = MemFs::new();
    let engine = (stage3::STAGE.open)(Arc::new(fs.clone()), &tiny(&[])).unwrap().0;
    for k in 0..24 {
        engine.put(&key(k), &value(k)).unwrap();
    }
    engine.compact().unwrap();
    for k in 0..24 {
        engine.delete(&key(k)).unwrap();
    }
    engine.compact().unwrap();
    let figure = |name| engine.stats().figures.iter().find(|figure| figure.name == name).unwrap().value;
    assert_eq!((figure("tables"), figure("tombstones"), figure("runs")), (0, 0, 0));
    engine.close().unwrap();
    assert!(!fs.contents().keys().any(|name| name.contains(".sst")));
}

/// A put takes the place of the version before it, so a memtable of a few keys never fills. Its log does.
#[test]
fn keys_that_are_overwritten_for_ever_take_bounded_space() {
    const MEMTABLE_BYTES: usize = 16 << 10;
    for attended in [true, false] {
        let fs = MemFs::new();
        let options = tiny(&[("memtable-bytes", "16KiB"), ("table-bytes", "1MiB")]);
        let engine = (stage3::STAGE.open)(Arc::new(fs.clone()), &options).unwrap().0;
        let mut largest = 0;
        for round in 0..20_000_u32 {
            engine.put(&key((round % 10) as u8), &round.to_le_bytes()).unwrap();
            while attended && engine.step().unwrap() {}
            largest = largest.max(fs.contents().values().map(Vec::len).sum::<usize>());
        }
        assert!(largest < 6 * MEMTABLE_BYTES, "{largest} bytes for ten small values");
        assert_eq!(content(&*engine).len(), 10);
    }
}

#[test]
fn a_compaction_rests_beside_puts_and_hurries_for_who_waits() {
    let figure = |engine: &dyn Engine, name| {
        engine.stats().figures.iter().find(|figure| figure.name == name).unwrap().value
    };
    // A byte a second: it would take days.
    let options = tiny(&[("compaction-rate", "1"), ("fan-out", "2"), ("max-runs", "1000")]);
    for ends_by_close in [true, false] {
        let fs = MemFs::new();
        let engine = (stage3::STAGE.open)(Arc::new(fs.clone()), &options).unwrap().0;
        let worker = Worker::start(&engine);
        let mut expected = Model::new();
        for i in 0..4_000_u32 {
            let (key, value) = (format!("{i:08}").into_bytes(), vec![7; 100]);
            engine.put(&key, &value).unwrap();
            expected.insert(key, value);
        }
        while figure(&*engine, "rests") == 0 {
            thread::yield_now();
        }
        if !ends_by_close {
            engine.compact().unwrap();
            assert_eq!(figure(&*engine, "runs"), 1);
            assert_eq!(content(&*engine), expected);
        }
        engine.close().unwrap();
        drop(worker);
        let engine = (stage3::STAGE.open)(Arc::new(fs), &options).unwrap().0;
        assert_eq!(content(&*engine), expected);
    }
}
