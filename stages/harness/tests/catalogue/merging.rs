//! What went wrong where garbage was collected while somebody wrote, read, or died.

use crate::meddler::Meddler;
use crate::store::{Files, Store};
use contract::{Engine, Error, KeyRange, Kind, Stage};
use harness::faults::hooked::Hooked;
use harness::ops::{self, Op, text};
use harness::registry::persistent;
use harness::seeds::not_applicable;
use harness::settings;
use harness::settings::has_blocks;
use std::sync::Arc;
use std::thread;
use vfs::sim::{Crash, CrashKind, Effect, Errno, Fault, Op as Call};

/// Every entry in a segment of its own, if there are segments: an overwritten key, a deleted one, two that are alive.
pub(crate) const FIVE_SEGMENTS: &str =
    "put a \"1\"*50\nput b \"2\"*50\nput a \"3\"*50\ndelete b\nput c \"4\"*50\nput d \"5\"*50\n";

/// The engines that do something in upkeep; the others are named on stderr.
pub(crate) fn merging(test: &str) -> impl Iterator<Item = &'static Stage> {
    persistent(test).filter(move |stage| {
        let mut store = Store::new(stage);
        store.run(FIVE_SEGMENTS);
        let works = store.engine().step().unwrap();
        if !works {
            not_applicable(test, [format!("{} has no upkeep", stage.name)]);
        }
        works
    })
}

/// An engine that makes writers wait until upkeep has caught up, and waits itself until there are many files to merge, is
/// asked to do neither. One without such options does as it always does.
pub(crate) fn give_room(engine: &dyn Engine) {
    for (name, value) in [("memtable-bytes", "1MiB"), ("max-runs", "1000"), ("fan-out", "2")] {
        match engine.set_option(name, value) {
            Ok(()) | Err(Error::BadOption { .. } | Error::Unsupported { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Writes before every call of upkeep, one after the other, and returns how many calls there were.
fn write_before_every_call(stage: &'static Stage, before: &str, write: &str) -> u64 {
    let writes = text::parse(write).unwrap();
    for number in 0.. {
        let mut store = Store::new(stage);
        let (meddler, wanted, done) = Meddler::new();
        let world = Arc::new(Hooked::new(Arc::new(store.fs.clone()), meddler));
        store.open_in(world.clone()).unwrap();
        store.run(before);
        let engine = store.handle();
        give_room(&*engine);
        let acted = thread::scope(|scope| {
            let writes = &writes;
            scope.spawn(move || {
                if wanted.recv().is_ok() {
                    for op in writes {
                        ops::apply(&*engine, op).unwrap();
                    }
                    done.send(()).unwrap();
                }
            });
            world.hooks().arm(number);
            store.upkeep();
            world.hooks().disarm()
        });
        if !acted {
            return number;
        }
        for op in &writes {
            store.note(op);
        }
        store.check_for_good(&format!(
            "«{}» before call {number} of upkeep",
            write.trim().replace('\n', ", ")
        ));
        store.engine().compact().unwrap();
        store.check_for_good("and compacted");
    }
    unreachable!("the loop ends where upkeep does")
}

/// basho/bitcask, issue 82 and what came after it: a merge of some files dropped a tombstone while an older file still
/// held what it hid, and the next opening brought the value back.
#[test]
fn a_partial_merge_drops_no_tombstone_that_hides_something() {
    const LENGTH: u32 = 6;
    let words = ["put a \"1\"*50\n", "delete a\n", "put b \"2\"*50\n", "step\nstep\nstep\n"];
    let words = words.map(|word| text::parse(word).unwrap());
    for stage in merging("partial merges") {
        let mut counts_at_default = settings::smallest(stage);
        for spec in stage.options.iter().filter(|spec| matches!(spec.kind, Kind::Count { .. })) {
            counts_at_default.set(spec.name, spec.default).unwrap();
        }
        for options in [settings::smallest(stage), counts_at_default] {
            for number in 0..4_usize.pow(LENGTH) {
                let mut store = Store::with(stage, options.clone());
                let chosen = (0..LENGTH).map(|digit| &words[number / 4_usize.pow(digit) % 4]);
                for op in chosen.flatten() {
                    store.op(op).unwrap();
                }
                let mut again = store.killed();
                again.open().unwrap();
                again.check(format_args!("workload {number}, opened again"));
            }
        }
    }
}

/// basho/bitcask, pull requests 34 and 148: what was put while a merge ran was overwritten by the copy of what it
/// replaced.
#[test]
fn what_is_written_in_the_middle_of_a_merge_stays_the_newest() {
    for stage in merging("writes in a merge") {
        for write in ["put a 9\n", "put b 9\n", "put c 9\nput c 10\n", "batch put a 8 ; delete c ; put z 9\n"]
        {
            let calls = write_before_every_call(stage, FIVE_SEGMENTS, write);
            let enough = if has_blocks(stage) { 15 } else { 30 };
            assert!(calls > enough, "{}: only {calls} calls", stage.name);
        }
    }
}

/// The same where the older files are worth keeping: nearly all of them is live, so that only what came later is merged,
/// the tombstone with it.
#[test]
fn a_merge_of_the_newer_drops_no_tombstone_that_hides_something_older() {
    const SIZED: [&str; 2] = ["segment-bytes", "memtable-bytes"];
    for stage in merging("merges of the newer files") {
        for (live, dead, bytes) in [6, 9, 12]
            .into_iter()
            .flat_map(|l| (2..7).flat_map(move |d| [256, 320, 384, 448].map(|b| (l, d, b))))
        {
            let mut options = settings::smallest(stage);
            for spec in stage.options {
                match spec.kind {
                    _ if SIZED.contains(&spec.name) => options.set(spec.name, &bytes.to_string()).unwrap(),
                    Kind::Count { .. } => options.set(spec.name, spec.default).unwrap(),
                    _ => {}
                }
            }
            let mut store = Store::with(stage, options);
            let kept: Vec<String> = (0..live).map(|i| format!("put x{i} \"3\"*50\n")).collect();
            let kept = kept.concat();
            let dead_lines = "put b \"2\"*50\n".repeat(dead);
            let script = format!("put a 1\n{kept}delete a\n{dead_lines}put y \"4\"*50\nput z \"4\"*50\n");
            for op in text::parse(&script).unwrap() {
                store.op(&op).unwrap();
            }
            store.upkeep();
            let mut again = store.killed();
            again.open().unwrap();
            again.check(format_args!("{live} live, {dead} dead, files of {bytes} bytes, opened again"));
        }
    }
}

/// dgraph-io/badger, issue 2310: the collector had looked a value up, the value was deleted, and the collector wrote it
/// back.
#[test]
fn what_is_deleted_while_it_is_collected_stays_deleted() {
    for stage in merging("deletes in a merge") {
        for write in ["delete a\n", "delete c\ndelete d\n", "put b 9\ndelete b\n"] {
            write_before_every_call(stage, FIVE_SEGMENTS, write);
        }
    }
}

/// basho/bitcask, issue 47: a merge took the file into which entries were still being written for one of its inputs, and
/// removed it.
#[test]
fn a_merge_leaves_the_file_that_is_written_to_alone() {
    let fills_segments = "put e \"6\"*50\nput f \"7\"*50\ndelete e\nput a \"8\"*50\nput g 9\n";
    for stage in merging("rolling in a merge") {
        write_before_every_call(stage, FIVE_SEGMENTS, fills_segments);
    }
}

/// What is done to a store when it is to be brought into its smallest shape.
fn compact(store: &Store) -> contract::Result<()> {
    while store.engine().step()? {}
    store.engine().compact()
}

/// Lets the `nth` call of a kind fail while a store is compacted; true if that call was there.
fn compact_over(store: &Store, fault: &Fault) -> bool {
    store.fs.inject(fault.clone());
    let before = store.fs.faults_struck();
    let done = compact(store);
    let struck = store.fs.faults_struck() > before;
    assert_eq!(done.is_err(), struck, "{}: {fault:?} gave {done:?}", store.stage.name);
    store.fs.clear_faults();
    struck
}

/// RocksDB before 8.7.0: a read that failed in a compaction looked like the end of its input, and the keys behind it
/// were gone.
#[test]
fn a_read_that_fails_in_a_merge_is_no_end_of_its_input() {
    for stage in persistent("failed reads in a merge") {
        for nth in 0.. {
            let mut store = Store::new(stage);
            store.run(FIVE_SEGMENTS);
            let struck = compact_over(&store, &Fault::new(Errno::Eio).on(Call::Read).nth(nth));
            store.check_for_good(&format!("read {nth} of a merge failed"));
            if !struck {
                assert!(nth > 0, "{} reads nothing", stage.name);
                break;
            }
        }
    }
}

/// basho/bitcask, commits 956cec0 and 97aab59: a merge that had failed removed its inputs all the same.
#[test]
fn a_merge_that_fails_takes_nothing_away() {
    for stage in persistent("failed merges") {
        let calls =
            [Call::Create, Call::Append, Call::Sync, Call::Rename, Call::SyncDir, Call::Remove, Call::Open];
        for (call, effect) in
            calls.into_iter().flat_map(|call| [(call, Effect::Nothing), (call, Effect::Done)])
        {
            for nth in 0.. {
                let mut store = Store::new(stage);
                store.run(FIVE_SEGMENTS);
                if !compact_over(&store, &Fault::new(Errno::Eio).on(call).effect(effect).nth(nth)) {
                    break;
                }
                store.check(format_args!("{call:?} {nth} of a merge failed"));
                // A sync that failed may have lost what was not synced before: then only a crash could show it.
                let mut again = store.killed();
                again.open().unwrap();
                if call != Call::Sync {
                    again.check(format_args!("{call:?} {nth} of a merge failed, killed"));
                }
                again.run("put e 6\ncompact\nclose\n");
                assert_eq!(again.engine().verify().unwrap().damage, []);
            }
        }
    }
}

fn is_unfinished(name: &str) -> bool {
    name.rsplit('.').next() == Some("tmp")
}

/// weaviate, issue 12452: the unfinished output of a compaction that was killed was taken for a segment.
#[test]
fn the_unfinished_output_of_a_merge_is_never_taken_for_a_segment() {
    for stage in persistent("unfinished merges") {
        let mut store = Store::new(stage);
        store.run(FIVE_SEGMENTS);
        let first = store.fs.calls();
        compact(&store).unwrap();
        let mut unfinished = 0;
        for call in first..=store.fs.calls() {
            for tear in [0, 1, 40, 64, 100] {
                let killed = Crash::new(CrashKind::ProcessKill, 0).tear(tear.min(store.fs.tears(call) - 1));
                let mut again = store.on(store.fs.image(call, &killed).contents());
                let names = again.files();
                unfinished += names.keys().filter(|name| is_unfinished(name)).count();
                for _ in 0..2 {
                    again.open().unwrap();
                    again.check(format_args!("killed before call {call} of a merge"));
                    let left: Vec<_> = again.files().into_keys().filter(|name| is_unfinished(name)).collect();
                    assert!(left.is_empty(), "{}: {left:?} is left", stage.name);
                    again.run("kill\n");
                }
            }
        }
        assert!(unfinished > 0, "{} leaves nothing unfinished", stage.name);
    }
}

/// scylladb, issues 74 and 802: inputs of a compaction that were still there, since their removal had failed, were read
/// again, and what had been deleted was back.
#[test]
fn files_that_a_merge_has_replaced_are_not_read_again() {
    for stage in persistent("replaced files") {
        let mut store = Store::new(stage);
        store.run(FIVE_SEGMENTS);
        store.run("sync\n");
        let before = store.files();
        compact(&store).unwrap();
        store.run("delete a\nput c 6\nsync\n");
        compact(&store).unwrap();
        let closed = store.killed();
        let mut closed = closed.on(closed.files());
        closed.open().unwrap();
        closed.run("close\n");
        let closed = closed.files();
        for (what, now) in [("killed", store.files()), ("closed", closed)] {
            let replaced: Files = before
                .iter()
                .filter(|(name, _)| !now.contains_key(*name))
                .map(|(n, b)| (n.clone(), b.clone()))
                .collect();
            assert!(!replaced.is_empty(), "{} has replaced nothing", stage.name);
            let one_by_one =
                replaced.iter().map(|(name, bytes)| Files::from([(name.clone(), bytes.clone())]));
            for back in one_by_one.chain([replaced.clone()]) {
                let mut again =
                    store.on(now.iter().chain(&back).map(|(n, b)| (n.clone(), b.clone())).collect());
                let names: Vec<_> = back.keys().collect();
                match again.open() {
                    Ok(()) => again.check(format_args!("{what}, {names:?} put back")),
                    Err(e) => assert!(e.is_corrupt(), "{}, {what}, {names:?} put back: {e}", stage.name),
                }
            }
        }
    }
}

/// basho/bitcask, issue 174: an iterator ended when the files that it had yet to read were merged away.
#[test]
fn a_scan_outlives_the_files_that_it_reads() {
    for stage in persistent("scans beside merges") {
        let mut store = Store::new(stage);
        store.run(FIVE_SEGMENTS);
        let expected = store.pairs().unwrap();
        let scans: Vec<_> = (0..3).map(|_| store.engine().scan(KeyRange::all()).unwrap()).collect();
        for (round, scan) in scans.into_iter().enumerate() {
            let mut scan = scan.into_iter();
            let first = scan.next().unwrap().unwrap();
            store.run("delete a\nput c 0\nput d \"1\"*60\nput e \"2\"*60\nsync\n");
            compact(&store).unwrap();
            let mut seen = vec![first];
            seen.extend(
                scan.map(|pair| pair.unwrap_or_else(|e| panic!("{}, round {round}: {e}", stage.name))),
            );
            assert_eq!(seen, expected, "{}, round {round}", stage.name);
        }
    }
}

/// basho/bitcask, commits c174af6 and 52bce9c; LevelDB, commit 8ae7998: descriptors and files stayed behind wherever an
/// error had interrupted something.
#[test]
fn no_handle_and_no_file_stays_behind_where_a_merge_fails() {
    for stage in persistent("handles of failed merges") {
        let mut store = Store::new(stage);
        store.run(FIVE_SEGMENTS);
        compact(&store).unwrap();
        let (handles, files) = (store.fs.open_files(), store.files().len());
        for round in 0..300_u64 {
            store.run("put a \"1\"*50\nput a \"2\"*50\ndelete a\n");
            let call =
                [Call::Create, Call::Append, Call::Read, Call::Open][usize::try_from(round % 4).unwrap()];
            compact_over(&store, &Fault::new(Errno::Eio).on(call).nth(round / 4 % 7));
            let compacted = compact(&store);
            if has_blocks(stage) && matches!(compacted, Err(Error::Poisoned { .. })) {
                // The manifest could not be written to, and nobody knows what it says now: the next opening finds out.
                store.run("kill\n");
                compact(&store).unwrap();
            } else {
                compacted.unwrap();
            }
        }
        store.check("after 300 merges that failed");
        let (handles_now, files_now) = (store.fs.open_files(), store.files().len());
        assert!(handles_now <= handles + 2, "{}: {handles} handles, then {handles_now}", stage.name);
        assert!(files_now <= files + 2, "{}: {files} files, then {files_now}", stage.name);
    }
}

/// Space is bounded where a few keys are overwritten for ever, which is what merging is for.
#[test]
fn ten_keys_that_are_overwritten_for_ever_take_bounded_space() {
    for stage in merging("bounded space") {
        let mut store = Store::new(stage);
        let mut largest = 0;
        for round in 0..600_usize {
            let value = round.to_string().repeat(8).into_bytes();
            store.op(&Op::Put { key: vec![b'0' + u8::try_from(round % 10).unwrap()], value }).unwrap();
            store.upkeep();
            largest = largest.max(store.files().values().map(Vec::len).sum::<usize>());
        }
        // Ten entries of 45 bytes, as many again in the file that is made of them, headers and hints; or a file of 200 bytes
        // for each entry, of which 32 are merged.
        let bound = if has_blocks(stage) { 8_000 } else { 6_000 };
        assert!(largest < bound, "{}: {largest} bytes for ten small values", stage.name);
        store.check_for_good("overwritten 600 times");
    }
}
