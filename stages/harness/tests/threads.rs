//! Real threads on real files: writers, readers, scans, compaction and a worker beside each other, and a close in the
//! middle.
//!
//! No thread waits by the clock and every loop is bounded. The schedule is the machine's, so a failure here may not
//! come again; what a seed can decide is in the model test and the crash tests.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Batch, Engine, Error, KeyRange, Options, Scan, Stage, Worker};
use harness::crash::run::tiny_options;
use harness::invariant::Invariant;
use harness::registry::{judged, persistent};
use harness::settings;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::thread;
use tempfile::TempDir;
use vfs::{MemFs, OsFs, Vfs};

type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

fn open(stage: &Stage, vfs: Arc<dyn Vfs>, options: &Options) -> Arc<dyn Engine> {
    (stage.open)(vfs, options).unwrap_or_else(|e| panic!("{} does not open: {e}", stage.name)).0
}

fn real(dir: &TempDir) -> Arc<dyn Vfs> {
    Arc::new(OsFs::create(dir.path().join("store")).unwrap())
}

/// A fresh store on real files for each engine and each of its options, with a worker beside whatever the test does.
fn for_every_engine(test: impl Fn(&Stage, Arc<dyn Engine>)) {
    for stage in judged() {
        for options in settings::variants(stage) {
            let dir = TempDir::new().unwrap();
            let engine = open(stage, real(&dir), &options);
            let worker = Worker::start(&engine);
            test(stage, Arc::clone(&engine));
            engine.close().unwrap();
            drop(worker);
        }
    }
}

/// Options from seeds, every size small, once with every write synced and once without.
fn small_options(stage: &Stage, seeds: u64) -> impl Iterator<Item = Options> {
    (0..seeds).flat_map(move |seed| {
        ["on-request", "every-write"]
            .map(|sync| tiny_options(stage, seed).with("sync", sync).unwrap_or_else(|e| panic!("{e}")))
    })
}

fn pairs(scan: Scan) -> Pairs {
    let mut last: Option<Vec<u8>> = None;
    scan.map(|pair| {
        let (key, value) = pair.unwrap();
        assert!(last.as_ref() < Some(&key), "{}: {last:?} before {key:?}", Invariant::ExactScan);
        last = Some(key.clone());
        (key, value)
    })
    .collect()
}

fn number(value: &[u8]) -> u64 {
    std::str::from_utf8(value).unwrap().parse().unwrap()
}

/// Runs `work` until `done` says that the others have finished, and at least once.
fn until(done: &AtomicBool, mut work: impl FnMut()) {
    for _ in 0..1_000_000 {
        work();
        if done.load(Ordering::Acquire) {
            return;
        }
    }
}

#[test]
fn values_only_grow_for_readers_beside_writers_and_compaction() {
    const WRITERS: u64 = 2;
    const WRITES: u64 = 300;
    for_every_engine(|stage, engine| {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|w| {
                    let engine = &engine;
                    scope.spawn(move || {
                        for i in 0..WRITES {
                            engine
                                .put(format!("{w}/{}", i % 3).as_bytes(), i.to_string().as_bytes())
                                .unwrap();
                        }
                    })
                })
                .collect();
            scope.spawn(|| {
                let mut seen: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
                until(&done, || {
                    for (key, value) in pairs(engine.scan(KeyRange::all()).unwrap()) {
                        let last = seen.insert(key.clone(), number(&value)).unwrap_or(0);
                        assert!(last <= number(&value), "{}: {} {key:?}", Invariant::NewestWins, stage.name);
                        let got = engine.get(&key).unwrap().map(|value| number(&value));
                        assert!(got >= Some(number(&value)), "{}: get after scan", Invariant::NewestWins);
                    }
                });
            });
            scope.spawn(|| {
                until(&done, || {
                    engine.step().unwrap();
                    engine.compact().unwrap();
                });
            });
            let ended: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
            done.store(true, Ordering::Release);
            for ended in ended {
                ended.unwrap();
            }
        });
        let expected: Pairs = (0..WRITERS)
            .flat_map(|w| (WRITES - 3..WRITES).map(move |i| (format!("{w}/{}", i % 3), i.to_string())))
            .map(|(key, value)| (key.into_bytes(), value.into_bytes()))
            .collect();
        assert_eq!(pairs(engine.scan(KeyRange::all()).unwrap()), expected, "{}", Invariant::SameContent);
    });
}

#[test]
fn a_batch_is_seen_whole() {
    for_every_engine(|stage, engine| {
        let done = AtomicBool::new(false);
        // Nobody writes before both readers are there: on a busy machine the writer may have ended by then.
        let start = Barrier::new(3);
        thread::scope(|scope| {
            let writer = scope.spawn(|| {
                start.wait();
                // ANCHOR: batch
                for i in 1..=100_u64 {
                    let value = i.to_string();
                    let mut batch = Batch::new();
                    batch.put(b"first", value.as_bytes());
                    // So many that a reader who could come between two of them would.
                    for other in 0..100_u8 {
                        batch.put(&[b'm', other], value.as_bytes());
                    }
                    // Every other batch deletes a key: both ends still tell the same number.
                    if i % 2 == 0 {
                        batch.delete(b"middle")
                    } else {
                        batch.put(b"middle", value.as_bytes())
                    };
                    batch.put(b"last", value.as_bytes());
                    engine.write(&batch).unwrap();
                }
                // ANCHOR_END: batch
            });
            scope.spawn(|| {
                start.wait();
                until(&done, || {
                    let seen = pairs(engine.scan(KeyRange::all()).unwrap());
                    let (first, last) = (seen.get(&b"first"[..]), seen.get(&b"last"[..]));
                    assert_eq!(first, last, "{}: {}", Invariant::AtomicBatch, stage.name);
                    let odd = first.is_some_and(|value| number(value) % 2 == 1);
                    assert_eq!(seen.contains_key(&b"middle"[..]), odd, "{}", Invariant::AtomicBatch);
                });
            });
            // Point by point time goes on, never back. Who scanned, too, would hardly ever be in the middle of a batch.
            scope.spawn(|| {
                start.wait();
                until(&done, || {
                    let first = engine.get(b"first").unwrap().map(|value| number(&value));
                    let last = engine.get(b"last").unwrap().map(|value| number(&value));
                    assert!(first <= last, "{}: {first:?} then {last:?}", Invariant::AtomicBatch);
                });
            });
            let ended = writer.join();
            done.store(true, Ordering::Release);
            ended.unwrap();
        });
    });
}

/// Writers that put, overwrite and delete, each its own keys; readers and scans that never see a part of a batch or go
/// back; a worker that rolls, merges and saves as fast as it can. In the end everything is as it was written last, also
/// after an opening.
#[test]
fn what_is_put_and_deleted_beside_merges_stays_put_and_deleted() {
    for stage in persistent("puts and deletes beside merges") {
        for options in small_options(stage, 3) {
            let dir = TempDir::new().unwrap();
            let engine = open(stage, real(&dir), &options);
            let worker = Worker::start(&engine);
            let expected = churn(stage, &engine);
            assert_eq!(pairs(engine.scan(KeyRange::all()).unwrap()), expected, "{}", Invariant::NewestWins);
            engine.compact().unwrap();
            assert_eq!(pairs(engine.scan(KeyRange::all()).unwrap()), expected, "{}", Invariant::SameContent);
            engine.close().unwrap();
            drop((worker, engine));
            let engine = open(stage, real(&dir), &options);
            assert_eq!(
                pairs(engine.scan(KeyRange::all()).unwrap()),
                expected,
                "{}",
                Invariant::NoResurrection
            );
            assert_eq!(engine.verify().unwrap().damage, [], "{}", stage.name);
        }
    }
}

const WRITERS: u64 = 2;
const ROUNDS: u64 = 150;
/// Keys of each writer.
const KEYS: u64 = 4;

/// What one writer does to one of its keys in one round: half of the time it deletes. The keys of a round go in one
/// batch, or one by one.
fn value(writer: u64, round: u64, key: u64) -> Option<Vec<u8>> {
    let gone = (round + key + writer).is_multiple_of(2);
    (!gone)
        .then(|| format!("{round:06}{}", ".".repeat(usize::try_from(round % 40).unwrap_or(0))).into_bytes())
}

fn churn(stage: &Stage, engine: &Arc<dyn Engine>) -> Pairs {
    let done = AtomicBool::new(false);
    let name = |writer: u64, key: u64| format!("{writer}/{key}").into_bytes();
    let round_of = |value: &[u8]| number(&value[..6]);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn(move || {
                    for round in 1..=ROUNDS {
                        let mut batch = Batch::new();
                        for key in 0..KEYS {
                            let (key_name, value) = (name(writer, key), value(writer, round, key));
                            batch.push(contract::Entry { key: &key_name, value: value.as_deref() });
                        }
                        if round % 3 != 0 {
                            engine.write(&batch).unwrap();
                            continue;
                        }
                        for entry in batch.iter() {
                            entry
                                .value
                                .map_or_else(|| engine.delete(entry.key), |v| engine.put(entry.key, v))
                                .unwrap();
                        }
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            let mut seen: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
            until(&done, || {
                for (key, value) in pairs(engine.scan(KeyRange::all()).unwrap()) {
                    let last = seen.insert(key.clone(), round_of(&value)).unwrap_or(0);
                    assert!(last <= round_of(&value), "{}: {} {key:?}", Invariant::NewestWins, stage.name);
                }
            });
        });
        scope.spawn(|| {
            until(&done, || {
                for (writer, key) in (0..WRITERS).flat_map(|writer| [(writer, 0), (writer, 1)]) {
                    // Written in the same batch, or this one later: who sees it here sees at least as much there.
                    let later = engine.get(&name(writer, key + 2)).unwrap().map(|value| round_of(&value));
                    let earlier = engine.get(&name(writer, key)).unwrap().map(|value| round_of(&value));
                    let back = earlier.is_some_and(|earlier| Some(earlier) < later);
                    assert!(!back, "{}: {later:?}, then {earlier:?}", Invariant::AtomicBatch);
                    // And the other way round, where that one was written in a batch.
                    let first = engine.get(&name(writer, key)).unwrap().map(|value| round_of(&value));
                    let second = engine.get(&name(writer, key + 2)).unwrap().map(|value| round_of(&value));
                    let half = first.filter(|round| !round.is_multiple_of(3)) > second && second.is_some();
                    assert!(!half, "{}: {first:?}, then {second:?}", Invariant::AtomicBatch);
                }
            });
        });
        let ended: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Release);
        for ended in ended {
            ended.unwrap();
        }
    });
    let all = (0..WRITERS).flat_map(|writer| (0..KEYS).map(move |key| (writer, key)));
    all.filter_map(|(writer, key)| Some((name(writer, key), value(writer, ROUNDS, key)?))).collect()
}

#[test]
fn put_if_absent_has_one_winner() {
    const KEYS: usize = 100;
    const THREADS: u64 = 4;
    for_every_engine(|stage, engine| {
        let wins: Vec<AtomicU64> = (0..KEYS).map(|_| AtomicU64::new(0)).collect();
        thread::scope(|scope| {
            for t in 1..=THREADS {
                let (engine, wins) = (&engine, &wins);
                scope.spawn(move || {
                    for (i, winner) in wins.iter().enumerate() {
                        let key = format!("key{i:04}");
                        if engine.put_if_absent(key.as_bytes(), t.to_string().as_bytes()).unwrap() {
                            let before = winner.fetch_add(t, Ordering::Relaxed);
                            assert_eq!(before, 0, "{}: {key} was won twice", Invariant::SameAnswers);
                        }
                        assert!(engine.get(key.as_bytes()).unwrap().is_some(), "{}", stage.name);
                    }
                });
            }
        });
        for (i, winner) in wins.iter().enumerate() {
            let value = engine.get(format!("key{i:04}").as_bytes()).unwrap().map(|value| number(&value));
            let winner = winner.load(Ordering::Relaxed);
            assert_eq!(value, Some(winner), "{}: of {}", Invariant::SameAnswers, stage.name);
        }
    });
}

#[test]
fn close_in_the_middle_gives_closed_and_keeps_what_was_acknowledged() {
    for stage in persistent("close in the middle") {
        for options in settings::variants(stage) {
            let dir = TempDir::new().unwrap();
            let engine = open(stage, real(&dir), &options);
            let worker = Worker::start(&engine);
            let acknowledged = close_in_the_middle(&engine);
            drop((worker, engine));
            let (engine, report) = (stage.open)(real(&dir), &options).unwrap();
            assert!(report.clean, "{}: {} {report:?}", Invariant::TornTail, stage.name);
            let left = pairs(engine.scan(KeyRange::all()).unwrap());
            for (t, count) in acknowledged.into_iter().enumerate() {
                let is_lost = |i: &u64| {
                    let value = left.get(format!("{t}/{}", i % OWN_KEYS).as_bytes());
                    value.is_none_or(|value| number(value) < *i)
                };
                let lost = (count.saturating_sub(OWN_KEYS)..count).find(is_lost);
                assert_eq!(lost, None, "{}: writer {t} of {}", Invariant::Durability, stage.name);
            }
        }
    }
}

/// Keys of each writer, who goes over them again and again: where a table holds one entry, each key has a file.
const OWN_KEYS: u64 = 500;

/// Closes while four kinds of threads are at work, and returns how many writes each writer saw acknowledged.
fn close_in_the_middle(engine: &Arc<dyn Engine>) -> Vec<u64> {
    // Far more than there is time for.
    const BOUND: u64 = 1 << 32;
    let (started, start) = mpsc::channel();
    let only_closed = |e: Error| assert!(matches!(e, Error::Closed), "expected «closed», got: {e}");
    thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|t| {
                let started = started.clone();
                scope.spawn(move || {
                    for i in 0..BOUND {
                        let key = format!("{t}/{}", i % OWN_KEYS);
                        if let Err(e) = engine.put(key.as_bytes(), i.to_string().as_bytes()) {
                            only_closed(e);
                            return i;
                        }
                        if i == 20 {
                            started.send(()).unwrap();
                        }
                    }
                    BOUND
                })
            })
            .collect();
        let calls: [fn(&dyn Engine) -> contract::Result<()>; 4] = [
            |engine| engine.get(b"0/0").map(drop),
            |engine| engine.scan(KeyRange::all())?.try_for_each(|pair| pair.map(drop)),
            |engine| engine.compact(),
            |engine| engine.sync(),
        ];
        let others = calls.map(|call| scope.spawn(move || (0..BOUND).find_map(|_| call(&**engine).err())));
        // Only the writers can still say that they have started: where one fails, nobody waits for it.
        drop(started);
        for _ in 0..writers.len() {
            start.recv().unwrap();
        }
        engine.close().unwrap();
        for other in others {
            only_closed(other.join().unwrap().unwrap());
        }
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    })
}

/// However many threads attend to a store, all of them end with it, asleep or not.
#[test]
fn who_attends_ends_with_the_store_however_many_there_are() {
    for stage in judged() {
        for yields in (0..100).step_by(10) {
            let engine = open(stage, Arc::new(MemFs::new()), &settings::smallest(stage));
            let workers: Vec<_> = (0..3).map(|_| Worker::start(&engine)).collect();
            (0..yields).for_each(|_| thread::yield_now());
            engine.close().unwrap();
            drop(workers);
        }
    }
}
