//! Real threads on real files: writers, readers, scans and compaction beside each other, and a close in the middle.
//!
//! No thread waits by the clock and every loop is bounded. The schedule is the machine's, so a failure here may not
//! come again; what a seed can decide is in the model test and the crash tests.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Batch, Engine, Error, KeyRange, Options, Scan, Stage};
use harness::gate::{Event, Gate};
use harness::invariant::Invariant;
use harness::registry::{persistent, registry};
use harness::settings;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use tempfile::TempDir;
use vfs::sim::{Crash, CrashKind, SimFs};
use vfs::{Counting, MemFs, OsFs, Vfs};

type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

fn open(stage: &Stage, vfs: Arc<dyn Vfs>, options: &Options) -> Arc<dyn Engine> {
    (stage.open)(vfs, options).unwrap_or_else(|e| panic!("{} does not open: {e}", stage.name)).0
}

fn real(dir: &TempDir) -> Arc<dyn Vfs> {
    Arc::new(OsFs::create(dir.path().join("store")).unwrap())
}

/// A fresh store on real files for each engine and each of its options.
fn for_every_engine(test: impl Fn(&Stage, Arc<dyn Engine>)) {
    for stage in registry() {
        for options in settings::variants(stage) {
            let dir = TempDir::new().unwrap();
            let engine = open(stage, real(&dir), &options);
            test(stage, Arc::clone(&engine));
            engine.close().unwrap();
        }
    }
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
        thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for i in 1..=300_u64 {
                    let value = i.to_string();
                    let mut batch = Batch::new();
                    // Every other batch deletes a key in its middle: both ends still tell the same number.
                    batch.put(b"first", value.as_bytes()).put(b"last", value.as_bytes());
                    if i % 2 == 0 {
                        batch.delete(b"middle")
                    } else {
                        batch.put(b"middle", value.as_bytes())
                    };
                    engine.write(&batch).unwrap();
                }
            });
            for _ in 0..2 {
                scope.spawn(|| {
                    until(&done, || {
                        let seen = pairs(engine.scan(KeyRange::all()).unwrap());
                        let (first, last) = (seen.get(&b"first"[..]), seen.get(&b"last"[..]));
                        assert_eq!(first, last, "{}: {}", Invariant::AtomicBatch, stage.name);
                        let odd = first.is_some_and(|value| number(value) % 2 == 1);
                        assert_eq!(seen.contains_key(&b"middle"[..]), odd, "{}", Invariant::AtomicBatch);
                        // Point by point time goes on, but never back.
                        let first = engine.get(b"first").unwrap().map(|value| number(&value));
                        let last = engine.get(b"last").unwrap().map(|value| number(&value));
                        assert!(first <= last, "{}: {first:?} then {last:?}", Invariant::AtomicBatch);
                    });
                });
            }
            let ended = writer.join();
            done.store(true, Ordering::Release);
            ended.unwrap();
        });
    });
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
fn nobody_sees_a_write_before_it_is_synced_and_waiting_writers_share_the_next_sync() {
    const OTHERS: usize = 7;
    for stage in persistent("held syncs") {
        let (gate, events) = Gate::new(MemFs::new());
        let options = stage.default_options().with("sync", "every-write").unwrap();
        let engine = open(stage, Arc::new(gate.clone()), &options);
        engine.put(b"before", b"v").unwrap();
        thread::scope(|scope| {
            let wait_for = |wanted: Event, times: usize| {
                let heard = events.iter().filter(|event| *event == wanted).take(times).count();
                assert_eq!(heard, times);
            };
            while events.try_recv().is_ok() {}
            let shut = gate.shut();
            let first = scope.spawn(|| engine.put(b"first", b"v").unwrap());
            wait_for(Event::SyncWaits, 1);
            // It is in the file and in nobody's eyes.
            assert_eq!(engine.get(b"first").unwrap(), None, "{}: {}", Invariant::Durability, stage.name);
            assert!(!engine.contains(b"first").unwrap() && engine.explain(b"first").unwrap().value.is_none());
            let seen: Vec<_> = pairs(engine.scan(KeyRange::all()).unwrap()).into_keys().collect();
            assert_eq!(seen, [b"before"]);
            let others: Vec<_> = (0..OTHERS)
                .map(|i| {
                    let engine = &engine;
                    scope.spawn(move || engine.put(format!("other{i}").as_bytes(), b"v").unwrap())
                })
                .collect();
            wait_for(Event::Appended, OTHERS);
            drop(shut);
            first.join().unwrap();
            for other in others {
                other.join().unwrap();
            }
            // One for the first, one or two for all who came while it waited.
            let syncs = events.try_iter().filter(|event| *event == Event::Synced).count();
            assert!(
                (2..=3).contains(&syncs),
                "{} used {syncs} syncs for {OTHERS} waiting writers",
                stage.name
            );
            assert_eq!(pairs(engine.scan(KeyRange::all()).unwrap()).len(), OTHERS + 2);
        });
    }
}

#[test]
fn eight_threads_that_sync_every_write_share_syncs_and_lose_nothing() {
    const THREADS: u64 = 8;
    const WRITES: u64 = 40;
    for stage in persistent("shared syncs") {
        let dir = TempDir::new().unwrap();
        let options = stage.default_options().with("sync", "every-write").unwrap();
        let counting = Arc::new(Counting::new(real(&dir)));
        let engine = open(stage, Arc::clone(&counting) as Arc<dyn Vfs>, &options);
        let before = counting.counts().syncs;
        thread::scope(|scope| {
            for t in 0..THREADS {
                let engine = &engine;
                scope.spawn(move || {
                    for i in 0..WRITES {
                        engine.put(format!("{t}/{i}").as_bytes(), b"v").unwrap();
                    }
                });
            }
        });
        let syncs = counting.counts().syncs - before;
        // Never more than one for each write; fewer, as far as the machine let them meet.
        assert!((1..=THREADS * WRITES).contains(&syncs), "{syncs} syncs for {} writes", THREADS * WRITES);
        assert_eq!(pairs(engine.scan(KeyRange::all()).unwrap()).len() as u64, THREADS * WRITES);
        engine.close().unwrap();
        drop(engine);
        let engine = open(stage, real(&dir), &options);
        let left = pairs(engine.scan(KeyRange::all()).unwrap()).len() as u64;
        assert_eq!(left, THREADS * WRITES, "{}", Invariant::Durability);
    }
}

#[test]
fn what_a_thread_is_told_is_synced_survives_power_loss_beside_other_threads() {
    const WRITES: u64 = 40;
    for stage in persistent("power loss beside threads") {
        let fs = SimFs::new();
        let options = stage.default_options().with("sync", "every-write").unwrap();
        let engine = open(stage, Arc::new(fs.clone()), &options);
        let acknowledged: [AtomicU64; 4] = Default::default();
        thread::scope(|scope| {
            for (t, acknowledged) in acknowledged.iter().enumerate() {
                let engine = &engine;
                scope.spawn(move || {
                    for i in 0..WRITES {
                        engine.put(format!("{t}/{i}").as_bytes(), b"v").unwrap();
                        acknowledged.store(i + 1, Ordering::Release);
                        if t == 0 && i % 10 == 9 {
                            engine.compact().unwrap();
                        }
                    }
                });
            }
            // Power fails again and again, in a copy, while they write. What was acknowledged before, and what a
            // reader saw before, is there after it.
            for (seed, kind) in (0..60).zip(CrashKind::ALL.into_iter().skip(1).cycle()) {
                let told: Vec<u64> = acknowledged.iter().map(|count| count.load(Ordering::Acquire)).collect();
                let seen = pairs(engine.scan(KeyRange::all()).unwrap());
                let image = fs.image(fs.calls(), &Crash::new(kind, seed));
                let left = pairs(open(stage, Arc::new(image), &options).scan(KeyRange::all()).unwrap());
                let what = format!("{} of {}, {kind:?}, seed {seed}", Invariant::Durability, stage.name);
                for (t, count) in told.into_iter().enumerate() {
                    let lost = (0..count).find(|i| !left.contains_key(format!("{t}/{i}").as_bytes()));
                    assert_eq!(lost, None, "{what}: acknowledged to thread {t}");
                }
                let unseen = seen.keys().find(|key| !left.contains_key(*key));
                assert_eq!(unseen, None, "{what}: seen by a reader");
            }
        });
    }
}

#[test]
fn close_in_the_middle_gives_closed_and_keeps_what_was_acknowledged() {
    for stage in persistent("close in the middle") {
        for options in settings::variants(stage) {
            let dir = TempDir::new().unwrap();
            let engine = open(stage, real(&dir), &options);
            let acknowledged = close_in_the_middle(&engine);
            drop(engine);
            let (engine, report) = (stage.open)(real(&dir), &options).unwrap();
            assert!(report.clean, "{}: {} {report:?}", Invariant::TornTail, stage.name);
            let left = pairs(engine.scan(KeyRange::all()).unwrap());
            for (t, count) in acknowledged.into_iter().enumerate() {
                let lost = (0..count).find(|i| !left.contains_key(format!("{t}/{i}").as_bytes()));
                assert_eq!(lost, None, "{}: writer {t} of {}", Invariant::Durability, stage.name);
            }
        }
    }
}

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
                        if let Err(e) = engine.put(format!("{t}/{i}").as_bytes(), b"v") {
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
