//! What went wrong where tables of several runs became tables of one.

use crate::meddler::{Meddler, PATIENCE};
use crate::store::Store;
use contract::{Error, KeyRange, Options, Stage, Worker};
use harness::faults::hooked::Hooked;
use harness::ops::{self, Op};
use harness::registry::persistent;
use harness::seeds::not_applicable;
use harness::settings::{self, has_blocks};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use vfs::sim::{Crash, CrashKind, Errno, Fault, Op as Call, Wound};

/// Runs of few entries, in one of which a key is deleted that an older one has; and a memtable that waits for its flush.
pub(crate) const SIX_RUNS: &str = "put a \"1\"*50\nput e \"1\"*50\nflush\nput b \"2\"*50\nput d \"2\"*50\nflush\nput a \"3\"*50\n\
     flush\ndelete b\nput c \"4\"*50\nflush\ndelete e\nflush\nput d \"5\"*50\nflush\n\
     put f \"6\"*400\nput f \"7\"*400\nput g \"7\"*400\n";

/// The engines that keep entries in tables and tables in runs, each with runs so small that a few entries fill one, merged
/// two by two: by their sizes, and level by level. The others are named on stderr.
pub(crate) fn with_runs(test: &str) -> impl Iterator<Item = (&'static Stage, Options)> {
    let stages = persistent(test).filter(move |stage| {
        if !has_blocks(stage) {
            not_applicable(test, [format!("{} has no runs", stage.name)]);
        }
        has_blocks(stage)
    });
    stages.flat_map(|stage| ["tiered", "leveled"].map(|strategy| (stage, tiny(stage, strategy))))
}

fn tiny(stage: &Stage, strategy: &str) -> Options {
    // A flush is begun by hand, and nobody waits for a compaction.
    let set = [
        ("memtable-bytes", "1KiB"),
        ("table-bytes", "256"),
        ("filter-bits", "10"),
        ("strategy", strategy),
        ("fan-out", "2"),
        ("level-ratio", "2"),
        ("max-runs", "1000"),
    ];
    set.into_iter()
        .fold(settings::smallest(stage), |options, (name, value)| options.with(name, value).unwrap())
}

/// fjall-rs/lsm-tree, commit 42fd6e5e: what came of a merge was put behind an older run that had some of its keys.
#[test]
fn what_comes_of_a_merge_lies_behind_nothing_older() {
    const LENGTH: u32 = 4;
    let flushes = [&["a", "c", "e", "g"][..], &["a", "b"], &["f", "g"]];
    for (stage, options) in with_runs("wide and narrow runs") {
        for number in 0..4_usize.pow(LENGTH) {
            let mut store = Store::with(stage, options.clone());
            // The same again and again, so that what was first lies deep.
            for place in 0..5 * LENGTH {
                let Some(keys) = flushes.get(number / 4_usize.pow(place % LENGTH) % 4) else {
                    store.run("step\n");
                    store.check(format_args!("workload {number}, after {place}"));
                    continue;
                };
                for key in *keys {
                    store.run(&format!("put {key} \"{place:02}\"*60\n"));
                }
                store.run("flush\n");
            }
            store.run("upkeep\n");
            store.check_for_good(&format!("workload {number}"));
        }
    }
}

/// LevelDB, issue 184: of two ranges whose keys were written by turns one was deleted, and a compaction by hand brought it
/// back.
#[test]
fn a_compaction_by_hand_brings_no_deleted_range_back() {
    for (stage, options) in with_runs("deleted ranges") {
        for (steps, flushed) in (0..8).flat_map(|steps| [(steps, false), (steps, true)]) {
            let mut store = Store::with(stage, options.clone());
            for i in 0..40 {
                store.run(&format!("put 1/{i:02} {i}\nput 2/{i:02} {i}\n"));
                store.run(if i % 5 == 4 { "flush\n" } else { "" });
            }
            store.run(&"step\n".repeat(steps));
            for i in 0..40 {
                store.run(&format!("delete 1/{i:02}\n"));
                store.run(if flushed && i % 9 == 8 { "flush\n" } else { "" });
            }
            store.run(&"step\n".repeat(steps / 2));
            for again in ["compact\n", "put 1/99 new\ncompact\n"] {
                store.run(again);
                let left = |prefix: &[u8]| store.engine().scan_prefix(prefix).unwrap().count();
                assert_eq!((left(b"1/0"), left(b"2/")), (0, 40), "{}, {steps} steps", stage.name);
                store.check_for_good(&format!("{steps} steps, then «{}»", again.trim()));
            }
        }
    }
}

/// dgraph-io/badger, issues 2143 and 2278: a compaction passed over a level that was not empty, and a tombstone was gone
/// while what it hid was still there.
#[test]
fn a_tombstone_goes_only_where_nothing_older_has_its_key() {
    for (stage, options) in with_runs("deep trees") {
        let (mut store, mut deepest) = (Store::with(stage, options), 0);
        for round in 0..60 {
            for i in 0..6 {
                store.run(&format!("put k{:02} \"{round}\"*15\n", (round * 5 + i * 7) % 97));
            }
            store.run("flush\nstep\n");
        }
        for i in 0..97 * 2 {
            deepest = deepest.max(store.figure("runs"));
            // Every third is deleted, and later every other one; what is between sinks meanwhile.
            store.run(&format!("{} k{:02}\n", if i < 97 { "delete" } else { "get" }, i * 3 % 97));
            store.run(if i % 3 == 0 { "flush\nstep\n" } else { "" });
            store.check(format_args!("after {i} deletes"));
        }
        assert!(deepest > 3, "{}: {deepest} runs", stage.name);
        store.run("upkeep\n");
        store.check_for_good("deleted");
    }
}

fn is_table(name: &str) -> bool {
    name.strip_suffix(".sst").is_some()
}

/// Reading inputs and writing tables: whoever does that holds no lock.
fn is_building(call: Call, name: &str) -> bool {
    call != Call::Remove && is_table(name.strip_suffix(".tmp").unwrap_or(name))
}

/// RocksDB before 6.11.0: two compactions that were asked for at once picked the same inputs, and what had been deleted
/// came back.
#[test]
fn compactions_that_are_asked_for_at_once_take_nothing_twice() {
    for (stage, options) in with_runs("compactions at once") {
        for number in 0.. {
            let mut store = Store::with(stage, options.clone());
            let (meddler, wanted, done) = Meddler::among(is_building);
            let world = Arc::new(Hooked::new(Arc::new(store.fs.clone()), meddler));
            store.open_in(world.clone()).unwrap();
            store.run(SIX_RUNS);
            let engine = store.handle();
            let (result, acted) = thread::scope(|scope| {
                scope.spawn(move || {
                    if wanted.recv().is_ok() {
                        engine.delete(b"f").unwrap();
                        while engine.step().unwrap() {}
                        done.send(()).unwrap();
                    }
                });
                world.hooks().arm(number);
                let result = store.line("upkeep").and_then(|()| store.engine().compact());
                (result, world.hooks().disarm())
            });
            result.unwrap_or_else(|e| panic!("{}: at once with call {number}: {e}", stage.name));
            if !acted {
                assert!(number > 20, "{}: {number} calls", stage.name);
                break;
            }
            store.note(&Op::Delete { key: b"f".to_vec() });
            store
                .check_for_good(&format!("somebody else deleted and stepped before call {number} of upkeep"));
        }
    }
}

/// A compaction has died. What was written since, and seen, counts when it is begun anew.
fn begin_anew(store: &mut Store, what: &str) {
    store.check(what);
    let (then, scan) = (store.pairs().unwrap(), store.engine().scan(KeyRange::all()).unwrap());
    store.run("put a new\ndelete c\nput h \"8\"*50\nflush\nput h \"9\"*50\ndelete d\ncompact\n");
    assert_eq!(scan.map(Result::unwrap).collect::<Vec<_>>(), then, "{}, {what}", store.stage.name);
    store.check_for_good(what);
    let entries = store.figure("table-entries");
    assert_eq!(entries, store.model.len() as u64, "{}, {what}", store.stage.name);
}

/// slatedb, issue 1769: a compaction that was taken up again after a crash went by what had been needed before it, and lost
/// versions.
#[test]
fn a_compaction_that_died_is_begun_anew_by_what_is_needed_now() {
    for (stage, options) in with_runs("compactions that die") {
        let mut store = Store::with(stage, options.clone());
        store.run(SIX_RUNS);
        store.run("sync\n");
        let first = store.fs.calls();
        store.run("compact\n");
        for call in first..=store.fs.calls() {
            for kind in [CrashKind::ProcessKill, CrashKind::Pages, CrashKind::Names] {
                let mut again = store.on(store.fs.image(call, &Crash::new(kind, call)).contents());
                again.open().unwrap();
                begin_anew(&mut again, &format!("{kind:?} at call {call}"));
            }
        }
        for (files, nth) in
            [".sst", ".sst.tmp"].into_iter().flat_map(|files| (0..200).map(move |n| (files, n)))
        {
            let mut store = Store::with(stage, options.clone());
            store.run(SIX_RUNS);
            let (then, scan) = (store.pairs().unwrap(), store.engine().scan(KeyRange::all()).unwrap());
            store.fs.inject(Fault::new(Errno::Eio).suffix(files).nth(nth));
            let failed = store.engine().compact().is_err();
            if store.fs.faults_struck() == 0 {
                assert!(nth > 10, "{}: {nth} calls on {files}", stage.name);
                break;
            }
            store.fs.clear_faults();
            // What could not be removed is tried again, and is no reason to fail.
            assert!(failed || files == ".sst", "{}: call {nth} on {files}", stage.name);
            begin_anew(&mut store, &format!("call {nth} on {files} failed"));
            assert_eq!(scan.map(Result::unwrap).collect::<Vec<_>>(), then, "{}", stage.name);
        }
    }
}

/// A compaction that cannot read its inputs fails again and again. Who writes is neither refused for it nor kept waiting, and
/// what he writes is merged; who reads what is damaged, or asks for a compaction, is told.
#[test]
fn a_table_that_is_damaged_under_an_open_store_holds_up_no_writer() {
    // As many flushes as there are here without a merge would be sixty runs.
    const WRITES: usize = 400;
    const MOST_RUNS: u64 = 24;
    for (stage, options) in with_runs("damaged tables") {
        for (attended, damaged) in [false, true].into_iter().flat_map(|a| (0..3).map(move |d| (a, d))) {
            let mut store = Store::with(stage, options.clone().with("max-runs", "4").unwrap());
            store.run(SIX_RUNS);
            let name = store.files().into_keys().filter(|name| is_table(name)).nth(damaged).unwrap();
            store.fs.damage(&name, &Wound::FlipBit { offset: 3, bit: 0 }).unwrap();
            let engine = store.handle();
            let worker = attended.then(|| Worker::start(&engine));
            let puts: Vec<_> = (0..WRITES)
                .map(|i| Op::Put { key: format!("w{:02}", i * 7 % 90).into_bytes(), value: vec![b'0'; 50] })
                .collect();
            let ((done, is_done), mut most_runs) = (channel(), 0);
            thread::scope(|scope| {
                let (puts, engine) = (&puts, &engine);
                scope.spawn(move || {
                    for op in puts {
                        ops::apply(&**engine, op).unwrap();
                        done.send(()).unwrap();
                    }
                });
                for _ in puts {
                    if is_done.recv_timeout(PATIENCE).is_err() {
                        // Who waits is told that it is over, and ends.
                        let _ = engine.close();
                        panic!("{}, {name} is damaged: a writer waits, or was refused", stage.name);
                    }
                    most_runs = most_runs.max(store.figure("runs"));
                }
            });
            for op in &puts {
                store.note(op);
            }
            assert!(most_runs <= MOST_RUNS, "{}, {name} is damaged: {most_runs} runs", stage.name);
            let told = store.engine().compact().unwrap_err();
            assert!(matches!(&told, Error::Corrupt { file, .. } if *file == name), "{}: {told}", stage.name);
            let errors = store.right_or_refused(format_args!("{name} is damaged"));
            assert!(errors.iter().all(Error::is_corrupt), "{}: {errors:?}", stage.name);
            drop(worker);
        }
    }
}
