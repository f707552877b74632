//! What went wrong where somebody read what was of one moment while others wrote on.

use crate::meddler::Meddler;
use crate::merging::{FIVE_SEGMENTS, give_room, merging};
use crate::runs::with_runs;
use crate::store::{Pairs, Store};
use contract::{KeyRange, Scan, Stage};
use harness::faults::hooked::Hooked;
use harness::registry::persistent;
use harness::settings;
use std::ops::Bound;
use std::sync::Arc;
use std::thread;

fn rest(scan: Scan) -> Pairs {
    scan.map(Result::unwrap).collect()
}

/// LevelDB, issues 320, 339 and 887: of the versions of a key that snapshots held, some went into one table and some into
/// the next, and later the older ones were found first.
#[test]
fn no_older_version_that_a_scan_holds_takes_the_place_of_the_newest() {
    const ROUNDS: u32 = 4;
    for (stage, options) in with_runs("held versions") {
        for number in 0..4_usize.pow(ROUNDS) {
            let (mut store, mut held) = (Store::with(stage, options.clone()), Vec::new());
            for round in 0..ROUNDS {
                store.run(&format!("put a \"{round}\"*9\nput b {round}\nput c \"{round}\"*40\n"));
                held.push((store.pairs().unwrap(), store.engine().scan(KeyRange::all()).unwrap()));
                store.run(&format!("put a \"{round}\"*40\nput d {round}\n"));
                store.run(if round % 2 == 1 { "delete b\n" } else { "delete d\n" });
                store.run(["", "flush\n", "upkeep\n", "compact\n"][number / 4_usize.pow(round) % 4]);
            }
            store.check(format_args!("workload {number}"));
            store.run("compact\n");
            for (then, scan) in held {
                assert_eq!(rest(scan), then, "{}, workload {number}", stage.name);
            }
            store.check_for_good(&format!("workload {number}, compacted"));
            assert_eq!(store.figure("table-entries"), store.model.len() as u64, "{}", stage.name);
        }
    }
}

/// LevelDB's test `issue200`: an iterator that was turned around showed a key that was newer than itself. Here a walk has
/// one direction: who wants to go back has begun another one, which ends where this one stands.
#[test]
fn a_walk_shows_nothing_that_was_written_before_behind_or_where_it_stands() {
    for stage in persistent("walks beside writes") {
        // So few that a flush comes between any two; so many that no memory for one moment holds them all.
        for (options, count) in [(settings::smallest(stage), 12), (stage.default_options(), 700)] {
            for (between, at) in ["", "step\nstep\nstep\n", "compact\n"]
                .into_iter()
                .flat_map(|between| (0..count).step_by(count / 6).map(move |at| (between, at)))
            {
                let mut store = Store::with(stage, options.clone());
                (0..count).for_each(|i| store.run(&format!("put k{i:03} old{i}\n")));
                let then = store.pairs().unwrap();
                let mut walk = store.engine().scan(KeyRange::all()).unwrap().into_cursor();
                let mut seen: Pairs = Vec::new();
                for _ in 0..at {
                    seen.push((walk.key().unwrap().to_vec(), walk.value().unwrap().to_vec()));
                    walk.advance().unwrap();
                }
                let here = walk.key().unwrap().to_vec();
                let to_here = KeyRange::new(Bound::Unbounded, Bound::Included(&here));
                let back = store.engine().scan(to_here).unwrap();
                for i in 0..count {
                    store.run(&format!("put k{i:03} new\nput k{i:03}/{i} new\n"));
                    store.run(&if i % 3 == at % 3 { format!("delete k{i:03}\n") } else { String::new() });
                }
                store.run(between);
                while let Some(key) = walk.key() {
                    let key = key.to_vec();
                    seen.push((key, walk.value().unwrap().to_vec()));
                    walk.advance().unwrap();
                }
                assert_eq!(seen, then, "{}, from {at} on, after «{between}»", stage.name);
                assert_eq!(rest(back), then[..=at], "{}, back from {at}, after «{between}»", stage.name);
                let now = store.engine().scan(to_here).unwrap();
                let expected: Pairs =
                    store.model.range(to_here).into_iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
                assert_eq!(rest(now), expected, "{}, begun anew at {at}", stage.name);
            }
        }
    }
}

/// Takes scans before every call of upkeep, one after the other: before and after a key is deleted. They are read when
/// upkeep is over.
fn scan_before_every_call(stage: &'static Stage, deleted: &str) -> u64 {
    for number in 0.. {
        let mut store = Store::new(stage);
        let (meddler, wanted, done) = Meddler::new();
        let world = Arc::new(Hooked::new(Arc::new(store.fs.clone()), meddler));
        store.open_in(world.clone()).unwrap();
        store.run(FIVE_SEGMENTS);
        let engine = store.handle();
        give_room(&*engine);
        let (scans, result) = thread::scope(|scope| {
            let acting = scope.spawn(move || {
                wanted.recv().ok()?;
                let before = engine.scan(KeyRange::all()).unwrap();
                engine.delete(deleted.as_bytes()).unwrap();
                let after = engine.scan(KeyRange::all()).unwrap();
                engine.put(b"z", b"9").unwrap();
                assert_eq!(engine.get(deleted.as_bytes()).unwrap(), None, "call {number} of upkeep");
                done.send(()).unwrap();
                Some([before, after])
            });
            world.hooks().arm(number);
            let result = store.line("upkeep");
            world.hooks().disarm();
            (acting.join().unwrap(), result)
        });
        result.unwrap();
        let Some([before, after]) = scans else { return number };
        let what = format!("{deleted} deleted before call {number} of upkeep");
        for (scan, write) in [(before, format!("delete {deleted}\n")), (after, "put z 9\n".into())] {
            let then: Pairs =
                store.model.pairs().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
            assert_eq!(rest(scan), then, "{}, {what}", stage.name);
            harness::ops::text::parse(&write).unwrap().iter().for_each(|op| store.note(op));
        }
        store.check_for_good(&what);
    }
    unreachable!("the loop ends where upkeep does")
}

/// RocksDB before 7.1.0: a snapshot that was taken while a memtable was being flushed showed what had been deleted.
#[test]
fn a_scan_that_begins_in_the_middle_of_upkeep_shows_nothing_deleted() {
    for stage in merging("scans in upkeep") {
        for deleted in ["a", "b", "d"] {
            let calls = scan_before_every_call(stage, deleted);
            assert!(calls > 15, "{}: only {calls} calls", stage.name);
        }
    }
}
