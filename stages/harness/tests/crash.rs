//! Every engine that keeps anything, crashed before every call with every kind of crash, and again during recovery.
//!
//! Fixed seeds, half a minute. `cargo xtask crash` does the same for as long as you like.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{KeyRange, oracle};
use harness::crash::exhaustive::Exhaustive;
use harness::crash::lab::{Progress, Search};
use harness::crash::run::{Run, tiny_options};
use harness::crash::{Plan, Script, story};
use harness::faults::hooked::{Hooked, Hooks};
use harness::invariant::Invariant;
use harness::registry::persistent;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use vfs::File;
use vfs::sim::{Crash, CrashKind, SimFs};

#[test]
fn every_crash_at_every_call() {
    for stage in persistent("every_crash_at_every_call") {
        let plan = Plan::default();
        let search = Search { stage, seed: 1, plan: &plan, images: Some(150_000), threads: 2 };
        let outcome = search.run(&Progress::default());
        if let Some(violation) = &outcome.violation {
            panic!("{}", story::tell(stage, violation, &mut |_, _| {}));
        }
        eprintln!("{}: {:?}", stage.name, outcome.tally);
        let tally = outcome.tally;
        assert!(tally.by_kind.iter().all(|images| *images > 0));
        assert!(tally.in_recovery > 10_000 && tally.in_merge > 4_000, "{tally:?}");
    }
}

/// What the lab is for happens in the lab: in so many workloads of a hundred a figure of an engine is more than that. Many
/// begin new files, merge them and open from what was saved. Without this, a change of a default could take it all away
/// unseen.
const OFTEN: [(&str, &str, u64, u64); 7] = [
    ("stage2", "segments", 2, 30),
    ("stage2", "merges", 0, 40),
    ("stage2", "opening-hints", 0, 10),
    ("stage3", "flushes", 0, 50),
    ("stage3", "compactions", 0, 20),
    ("stage3", "tables", 1, 30),
    ("stage3", "frozen-memtables", 0, 20),
];

#[test]
fn the_workloads_roll_merge_and_save() {
    const WORKLOADS: u64 = 90;
    for stage in persistent("the_workloads_roll_merge_and_save") {
        let mut reached = BTreeMap::new();
        for seed in 0..WORKLOADS {
            let script = Script::generate(seed, &Plan::default());
            let mut run = Run::first(stage, seed).unwrap();
            run.perform(script.part(0)).unwrap();
            for (_, figure, more_than, _) in OFTEN.iter().filter(|(engine, ..)| *engine == stage.name) {
                let more = run.figures.get(figure).is_some_and(|value| value > more_than);
                *reached.entry(*figure).or_insert(0) += u64::from(more);
            }
        }
        eprintln!("{}: {reached:?} of {WORKLOADS} workloads", stage.name);
        for (engine, figure, more_than, percent) in OFTEN.iter().filter(|(engine, ..)| *engine == stage.name)
        {
            let reached = reached[figure];
            assert!(
                reached * 100 >= WORKLOADS * percent,
                "{engine}: {figure} > {more_than} in {reached} only"
            );
        }
    }
}

/// Whatever three operations do to two keys, in every order, crashed before every call, with every state that a crash
/// can leave. Most bugs of crash consistency need no more.
#[test]
fn every_short_workload() {
    for stage in persistent("every_short_workload") {
        let all = Exhaustive { stage, seed: 1, longest: 3, threads: 2 };
        let outcome = all.run(&Progress::default());
        if let Some(violation) = &outcome.violation {
            panic!("{}", story::tell(stage, violation, &mut |_, _| {}));
        }
        eprintln!("{}: {} images, {} equal", stage.name, outcome.tally.images(), outcome.tally.equal);
        assert_eq!(outcome.workloads, all.words());
        assert!(outcome.tally.images() > 20_000, "{:?}", outcome.tally);
    }
}

/// What breaks by a crash alone breaks within three operations, and the first workload found is a shortest.
#[test]
fn every_short_workload_is_enough_for_what_a_crash_shows() {
    for (name, most) in [
        ("sync-does-nothing", 1),
        ("sync-dir-does-nothing", 3),
        ("the-old-goes-before-the-new-is-safe", 1),
        ("batches-are-split", 2),
        ("writes-wait-in-memory", 1),
        ("close-does-not-sync", 1),
        ("compact-brings-back", 3),
    ] {
        let stage = harness::broken::find(name).unwrap().stage;
        let all = Exhaustive { stage, seed: 1, longest: 3, threads: 1 };
        let violation =
            all.run(&Progress::default()).violation.unwrap_or_else(|| panic!("{name}: not found"));
        let length = violation.script.part(0).len();
        assert!(length <= most, "{name}: {length} operations");
        assert!(!violation.broken.path.is_empty(), "{name}: a crash shows it");
    }
}

#[test]
fn a_seed_is_its_run_on_any_number_of_threads() {
    for stage in persistent("a_seed_is_its_run_on_any_number_of_threads") {
        let plan = Plan::default();
        let run = |seed, threads| {
            let search = Search { stage, seed, plan: &plan, images: Some(20_000), threads };
            let outcome = search.run(&Progress::default());
            (outcome.tally, outcome.workloads)
        };
        assert_eq!(run(5, 1), run(5, 3));
        assert_ne!(run(5, 1), run(6, 1));
    }
}

/// An engine that keeps nothing is not judged by the other tests; asked for by name, it is shown what it loses.
#[test]
fn the_engine_in_memory_is_shown_what_it_loses() {
    let plan = Plan::default();
    let search = Search { stage: &oracle::STAGE, seed: 1, plan: &plan, images: Some(1), threads: 1 };
    let violation = search.run(&Progress::default()).violation.unwrap();
    assert_eq!(violation.broken.failure.invariant, Invariant::Durability);
    assert_eq!(violation.script.lives.concat().len(), 1, "one operation is enough");
    let told = story::tell(&oracle::STAGE, &violation, &mut |_, _| {});
    for words in ["oracle breaks I1 durability", "the store holds nothing at all", "the process is killed"] {
        assert!(told.contains(words), "{told}");
    }
}

/// Lets the first sync after it was armed reach the device, and keeps its caller waiting for the answer.
struct LateAnswer {
    armed: AtomicBool,
    synced: Mutex<Sender<()>>,
    go_on: Mutex<Receiver<()>>,
}

impl Hooks for LateAnswer {
    fn sync(&self, file: &dyn File) -> io::Result<()> {
        file.sync()?;
        if self.armed.swap(false, Ordering::AcqRel) {
            self.synced.lock().unwrap().send(()).unwrap();
            self.go_on.lock().unwrap().recv_timeout(Duration::from_secs(20)).unwrap();
        }
        Ok(())
    }
}

/// What one thread appends while another's sync is under way is not on the device, though the sync ends after it. An
/// engine that believes otherwise takes a torn tail for damage.
#[test]
fn what_is_appended_beside_a_sync_is_not_taken_for_synced() {
    for stage in persistent("what_is_appended_beside_a_sync_is_not_taken_for_synced") {
        let fs = SimFs::new();
        let (synced, has_synced) = channel();
        let (let_go, go_on) = channel();
        let hooks = LateAnswer {
            armed: AtomicBool::new(false),
            synced: Mutex::new(synced),
            go_on: Mutex::new(go_on),
        };
        let world = Arc::new(Hooked::new(Arc::new(fs.clone()), hooks));
        let options = tiny_options(stage, 1).with("sync", "on-request").unwrap();
        let (engine, _) = (stage.open)(world.clone(), &options).unwrap();
        // Only what lies in several sectors can have a hole.
        let several_sectors = [b'.'; 1500];
        engine.put(b"a", b"synced").unwrap();
        world.hooks().armed.store(true, Ordering::Release);
        std::thread::scope(|scope| {
            let sync = scope.spawn(|| engine.sync());
            has_synced.recv_timeout(Duration::from_secs(20)).expect("the store does not sync");
            engine.put(b"b", &several_sectors).unwrap();
            let_go.send(()).unwrap();
            sync.join().unwrap().unwrap();
        });
        engine.put(b"c", &several_sectors).unwrap();
        for kind in CrashKind::ALL {
            for seed in 0..200 {
                let image = fs.image(fs.calls(), &Crash::new(kind, seed));
                let (left, _) = (stage.open)(Arc::new(image), &options).unwrap_or_else(|e| {
                    panic!("{}: {} {kind:?} {seed}: {e}", Invariant::TornTail, stage.name)
                });
                let keys: Vec<_> = left.scan(KeyRange::all()).unwrap().map(|pair| pair.unwrap().0).collect();
                let prefixes: [&[&[u8]]; 3] = [&[b"a"], &[b"a", b"b"], &[b"a", b"b", b"c"]];
                assert!(prefixes.iter().any(|prefix| keys == *prefix), "{}: {keys:?}", Invariant::Prefix);
            }
        }
    }
}
