//! Threads that have every write synced: who waits for whom, who sees what, and what a power failure may take.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Call, Engine, KeyRange, Options, Run, Scan, Stage};
use harness::faults::hooked::{Hooked, Hooks};
use harness::gate::{Event, Gate};
use harness::invariant::Invariant;
use harness::registry::persistent;
use harness::settings;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use vfs::sim::{Crash, CrashKind, Errno, Fault, Op, SimFs};
use vfs::{Counting, File, MemFs, OsFs, Vfs};

fn open(stage: &Stage, vfs: Arc<dyn Vfs>, options: &Options) -> Arc<dyn Engine> {
    (stage.open)(vfs, options).unwrap_or_else(|e| panic!("{} does not open: {e}", stage.name)).0
}

fn real(dir: &TempDir) -> Arc<dyn Vfs> {
    Arc::new(OsFs::create(dir.path().join("store")).unwrap())
}

fn pairs(scan: Scan) -> BTreeMap<Vec<u8>, Vec<u8>> {
    scan.map(Result::unwrap).collect()
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
            let written = || engine.stats().user_bytes_written;
            let before = written();
            let others: Vec<_> = (0..OTHERS)
                .map(|i| {
                    let engine = &engine;
                    scope.spawn(move || engine.put(format!("other{i}").as_bytes(), b"v").unwrap())
                })
                .collect();
            // Not so many appends: who comes while another one appends is appended with the next.
            while written() < before + (OTHERS * "otherN".len() + OTHERS) as u64 {
                thread::yield_now();
            }
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

/// Keeps the first sync after it was armed waiting, and counts appends.
struct HeldSync {
    appends: AtomicU64,
    armed: AtomicBool,
    came: Mutex<Sender<()>>,
    go_on: Mutex<Receiver<()>>,
}

impl Hooks for HeldSync {
    fn append(&self, file: &dyn File, data: &[u8]) -> io::Result<()> {
        file.append(data)?;
        self.appends.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn sync(&self, file: &dyn File) -> io::Result<()> {
        if self.armed.swap(false, Ordering::AcqRel) {
            self.came.lock().unwrap().send(()).unwrap();
            self.go_on.lock().unwrap().recv().unwrap();
        }
        file.sync()
    }
}

/// A store in a world that holds a sync once it is armed.
struct Held {
    fs: SimFs,
    world: Arc<Hooked<HeldSync>>,
    engine: Arc<dyn Engine>,
    /// Tells that a sync is held.
    has_come: Receiver<()>,
    let_go: Sender<()>,
}

impl Held {
    fn new(stage: &Stage) -> Self {
        Self::with(stage, settings::smallest(stage))
    }

    fn with(stage: &Stage, options: Options) -> Self {
        let fs = SimFs::new();
        let ((came, has_come), (let_go, go_on)) = (channel(), channel());
        let (came, go_on) = (Mutex::new(came), Mutex::new(go_on));
        let hooks = HeldSync { appends: AtomicU64::new(0), armed: AtomicBool::new(false), came, go_on };
        let world = Arc::new(Hooked::new(Arc::new(fs.clone()), hooks));
        let options = options.with("sync", "every-write").unwrap();
        let engine = open(stage, world.clone(), &options);
        Self { fs, world, engine, has_come, let_go }
    }

    /// Holds the next sync.
    fn arm(&self) {
        self.world.hooks().armed.store(true, Ordering::Release);
    }

    fn appends(&self) -> u64 {
        self.world.hooks().appends.load(Ordering::Acquire)
    }

    /// Waits for an append after the first `appends`.
    fn wait_for_append(&self, appends: u64) {
        while self.appends() == appends {
            thread::yield_now();
        }
    }
}

/// A put of `k` is in the log and waits for its sync; something else is done meanwhile, which may have to wait too. In
/// the end `k` must be `expected`, also for who opens the store after the death of the process.
fn while_a_put_waits(stage: &Stage, expected: &[u8], meanwhile: impl Fn(&dyn Engine) + Sync) {
    // With the smallest settings files are full at once; with the others nothing else is in the way.
    for options in [settings::smallest(stage), stage.default_options()] {
        while_a_put_waits_with(stage, options, expected, &meanwhile);
    }
}

fn while_a_put_waits_with(
    stage: &Stage,
    options: Options,
    expected: &[u8],
    meanwhile: &(impl Fn(&dyn Engine) + Sync),
) {
    let held = Held::with(stage, options);
    let engine = Arc::clone(&held.engine);
    engine.put(b"k", b"first").unwrap();
    engine.put(b"k", b"second").unwrap();
    // The put would do it before it is appended, and it would be that sync which is held.
    while engine.step().unwrap() {}
    held.arm();
    thread::scope(|scope| {
        scope.spawn(|| engine.put(b"k", b"waits").unwrap());
        held.has_come.recv().unwrap();
        scope.spawn(|| meanwhile(&*engine));
        // Who does not wait, and should, gets the chance to show it.
        give_way(50_000);
        held.let_go.send(()).unwrap();
    });
    let left = held.fs.image(held.fs.calls(), &Crash::new(CrashKind::ProcessKill, 0));
    let left = open(stage, Arc::new(left), &stage.default_options());
    for engine in [left, engine] {
        assert_eq!(engine.get(b"k").unwrap().as_deref(), Some(expected), "{}", stage.name);
    }
}

/// Lets other threads run. On a busy machine each time takes milliseconds, so there is an end to it.
#[expect(clippy::disallowed_methods, reason = "nothing is decided by it but how long others have a chance")]
fn give_way(times: u32) {
    let start = Instant::now();
    for _ in (0..times).take_while(|_| start.elapsed() < ENOUGH) {
        thread::yield_now();
    }
}

/// Who has not come to it until then does not.
const ENOUGH: Duration = Duration::from_millis(200);

#[test]
fn a_put_that_waits_for_its_sync_is_not_lost_in_a_compaction() {
    for stage in persistent("compactions beside waiting writers") {
        while_a_put_waits(stage, b"waits", |engine| engine.compact().unwrap());
    }
}

#[test]
fn a_put_that_waits_for_its_sync_is_not_lost_in_upkeep() {
    for stage in persistent("upkeep beside waiting writers") {
        while_a_put_waits(stage, b"waits", |engine| {
            thread::scope(|scope| {
                // So large that the file with the one that waits is full.
                scope.spawn(|| engine.put(b"other", &[b'.'; 200]).unwrap());
                give_way(10_000);
                while engine.step().unwrap() {}
            });
        });
    }
}

#[test]
fn a_put_that_waits_for_its_sync_is_older_than_one_that_need_not_wait_any_more() {
    for stage in persistent("changed options beside waiting writers") {
        while_a_put_waits(stage, b"newer", |engine| {
            engine.set_option("sync", "on-request").unwrap();
            engine.put(b"k", b"newer").unwrap();
        });
    }
}

#[test]
fn a_sync_shows_what_it_has_synced_and_nothing_that_came_meanwhile() {
    for stage in persistent("two waiting writers") {
        let held = Held::new(stage);
        let engine = Arc::clone(&held.engine);
        held.arm();
        thread::scope(|scope| {
            let first = scope.spawn(|| engine.put(b"first", b"v").unwrap());
            held.has_come.recv().unwrap();
            // It is appended beside the sync, which does not cover it, and needs one of its own.
            let appends = held.appends();
            scope.spawn(|| engine.put(b"second", b"v").unwrap());
            held.wait_for_append(appends);
            held.arm();
            held.let_go.send(()).unwrap();
            first.join().unwrap();
            held.has_come.recv().unwrap();
            let seen = (engine.contains(b"first").unwrap(), engine.contains(b"second").unwrap());
            held.let_go.send(()).unwrap();
            assert_eq!(seen, (true, false), "{}: {}", Invariant::Durability, stage.name);
        });
    }
}

/// Who waits while a sync fails must not ask for another one: that could succeed, though the device has dropped the bytes.
#[test]
fn a_sync_that_failed_has_failed_for_all_who_wait() {
    for stage in persistent("waiting for a sync that fails") {
        let held = Held::new(stage);
        let engine = Arc::clone(&held.engine);
        held.arm();
        thread::scope(|scope| {
            let first = scope.spawn(|| engine.put(b"first", b"v"));
            held.has_come.recv().unwrap();
            let appends = held.appends();
            let second = scope.spawn(|| engine.put(b"second", b"v"));
            held.wait_for_append(appends);
            // From there to where it waits it has nothing to do but to go.
            give_way(10_000);
            held.fs.inject(Fault::new(Errno::Eio).on(Op::Sync));
            held.let_go.send(()).unwrap();
            let told = [first, second].map(|writer| writer.join().unwrap().is_err());
            assert_eq!(told, [true, true], "{}: {}", Invariant::ErrorsSurface, stage.name);
        });
    }
}

/// Puts, once armed, before the next read of a file.
#[derive(Default)]
struct PutBeforeRead(Mutex<Option<Arc<dyn Engine>>>);

impl Hooks for PutBeforeRead {
    fn read_at(&self, file: &dyn File, _: &str, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let engine = self.0.lock().unwrap().take();
        if let Some(engine) = engine {
            engine.put(b"k", b"newest").unwrap();
        }
        file.read_at(buf, offset)
    }
}

/// A hint speaks for what is on the device. What replaces an entry of it may not be there yet: the entry still counts.
#[test]
fn a_hint_tells_of_an_entry_whose_successor_it_does_not_speak_for() {
    let with_hints = |stage: &&Stage| stage.commands.iter().any(|command| command.name == "hint");
    for stage in persistent("hints beside writes").filter(with_hints) {
        let world = Arc::new(Hooked::new(Arc::new(MemFs::new()), PutBeforeRead::default()));
        let engine = open(stage, world.clone(), &stage.default_options());
        for i in 0..10_u8 {
            engine.put(b"k", &[i]).unwrap();
        }
        *world.hooks().0.lock().unwrap() = Some(Arc::clone(&engine));
        let command = stage.commands.iter().find(|command| command.name == "hint").unwrap();
        let Run::Engine(hint) = command.run else { panic!("a command of the engine") };
        hint(&*engine, &Call::default()).unwrap();
        assert_eq!(engine.get(b"k").unwrap().unwrap(), b"newest", "the put came in between");
        assert_eq!(engine.verify().unwrap().damage, [], "{}", stage.name);
    }
}
