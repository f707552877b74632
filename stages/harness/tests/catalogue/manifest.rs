//! What went wrong between the tables and what a store knows of them: its manifest, its logs, its numbers.

use crate::runs::{SIX_RUNS, with_runs};
use crate::store::{Files, Store};
use contract::KeyRange;
use harness::crash::verdict::same;
use harness::ops::text;
use harness::registry::persistent;
use harness::settings;
use vfs::sim::{Crash, CrashKind, Effect, Errno, Fault, Op as Call};

/// namidb, issue 40; LevelDB's test `SequenceNumberRecovery`: what counted the writes began anew below what was stored, and
/// what was written after an opening lost against what had been there.
#[test]
fn what_is_written_after_an_opening_is_newer_than_what_was_there() {
    const ROUNDS: u32 = 3;
    for stage in persistent("writes after openings") {
        for (options, number) in [settings::smallest(stage), stage.default_options()]
            .into_iter()
            .flat_map(|options| (0..9_usize.pow(ROUNDS)).map(move |number| (options.clone(), number)))
        {
            let mut store = Store::with(stage, options);
            for round in 0..ROUNDS {
                let word = number / 9_usize.pow(round) % 9;
                store.run(&format!("put a {round}\nput b{round} {round}\ndelete c\n"));
                store.run(["", "step\nstep\nstep\n", "compact\n"][word % 3]);
                store.run(["close\n", "drop\n", "kill\n"][word / 3]);
                store.check(format_args!("workload {number}, opening {round}"));
                let (then, scan) = (store.pairs().unwrap(), store.engine().scan(KeyRange::all()).unwrap());
                store.run(&format!("put a new{round}\ndelete b{round}\nput c {round}\n"));
                assert_eq!(scan.map(Result::unwrap).collect::<Vec<_>>(), then, "{}, {number}", stage.name);
                store.check(format_args!("workload {number}, after opening {round}"));
            }
            store.check_for_good(&format!("workload {number}"));
        }
    }
}

/// LevelDB's `recovery_test`: a log whose entries were in tables long ago was there again, and was replayed over what had
/// come since.
#[test]
fn a_log_that_is_in_tables_is_not_replayed_when_it_is_there_again() {
    let is_log = |name: &str| name.strip_suffix(".log").is_some();
    for (stage, options) in with_runs("old logs") {
        let (mut store, mut logs) = (Store::with(stage, options), Files::new());
        for line in SIX_RUNS.lines().chain(["flush", "delete a", "put c now", "flush", "put d now"]) {
            store.run(line);
            logs.extend(store.files().into_iter().filter(|(name, _)| is_log(name)));
        }
        let killed = store.files();
        let mut closed = store.killed();
        closed.open().unwrap();
        closed.run("close\n");
        let closed = closed.files();
        for (now, is_closed) in [(killed, false), (closed, true)] {
            let old: Files = logs.clone().into_iter().filter(|(name, _)| !now.contains_key(name)).collect();
            assert!(old.len() > 5, "{}: {:?}", stage.name, old.keys());
            let one_by_one = old.iter().map(|(name, bytes)| Files::from([(name.clone(), bytes.clone())]));
            for back in one_by_one.chain([old.clone()]) {
                let names: Vec<_> = back.keys().cloned().collect();
                let mut again = store.on(now.clone().into_iter().chain(back).collect());
                let opened = again.open();
                if is_closed {
                    // Nobody leaves a log there who closes.
                    assert!(opened.is_err_and(|e| e.is_corrupt()), "{}, closed, {names:?}", stage.name);
                    continue;
                }
                // That is what a crash leaves which comes before the log is removed.
                opened.unwrap_or_else(|e| panic!("{}, {names:?} are there again: {e}", stage.name));
                again.check(format_args!("{names:?} are there again"));
                assert!(names.iter().all(|name| !again.files().contains_key(name)), "{names:?} stay");
                again.check_for_good("and are gone");
            }
        }
    }
}

/// apache/horaedb, issue 394; LevelDB, issue 333: the manifest named a table whose bytes were not on the device, and the
/// log that had them was gone.
#[test]
fn a_table_is_on_the_device_before_the_manifest_names_it() {
    let script =
        SIX_RUNS.replace("flush\ndelete e", "flush\nstep\ndelete e") + "upkeep\nput a 8\ncompact\nput b 9";
    for (stage, options) in with_runs("named tables") {
        let mut store = Store::with(stage, options.with("sync", "every-write").unwrap());
        let mut states = vec![(store.fs.calls(), store.model.clone())];
        for line in script.lines() {
            store.run(line);
            states.push((store.fs.calls(), store.model.clone()));
        }
        for call in states[0].0..=store.fs.calls() {
            let done = states.iter().rposition(|(calls, _)| *calls <= call).unwrap();
            let allowed = &states[done..(done + 2).min(states.len())];
            for (kind, seed) in [CrashKind::FilePrefix, CrashKind::Pages, CrashKind::Names]
                .into_iter()
                .flat_map(|kind| (0..4).map(move |seed| (kind, seed)))
            {
                // No name lands that was not synced.
                let crash = Crash::new(kind, seed).names(0);
                let mut again = store.on(store.fs.image(call, &crash).contents());
                again.open().unwrap_or_else(|e| panic!("{}, {kind:?} at {call}: {e}", stage.name));
                let held = again.pairs().unwrap();
                let right = allowed.iter().any(|(_, model)| same(model, &held));
                assert!(right, "{}, {kind:?} {seed} at {call}: {held:?}", stage.name);
            }
        }
    }
}

/// RocksDB before 7.6.0: what the store remembered of its logs was not true any more, and a sync passed one over.
#[test]
fn a_sync_passes_over_no_log_that_needs_it() {
    const LENGTH: u32 = 4;
    let words = ["put a small", "put b \"large\"*30", "step", "sync", "compact"];
    for stage in persistent("syncs of logs") {
        for number in 0..6_usize.pow(LENGTH) {
            let mut store = Store::new(stage);
            for place in 0..2 * LENGTH {
                if let Some(word) = words.get(number / 6_usize.pow(place % LENGTH) % 6) {
                    store.run(&format!("{word}\n").replace("small", &place.to_string()));
                    continue;
                }
                // A file that cannot be begun, and perhaps a write that is refused for it.
                store.fs.inject(Fault::new(Errno::Enospc).on(Call::Create));
                let _ = store.line(&format!("put c \"{place}\"*150"));
                store.fs.clear_faults();
            }
            store.run("sync\n");
            for kind in [CrashKind::FilePrefix, CrashKind::Names] {
                let mut again = store.crashed(&Crash::new(kind, number as u64).names(0));
                again.open().unwrap_or_else(|e| panic!("{}, workload {number}, {kind:?}: {e}", stage.name));
                again.check(format_args!("workload {number}, {kind:?}"));
            }
        }
    }
}

/// Flushes and compactions, each with its edit of the manifest, and now and then a new manifest.
const MANY_EDITS: &str = "put a 1\nput b 2\nflush\nput a 3\nflush\nstep\ndelete b\nput c 4\nflush\nput d 5\ncompact\nput a 6\nflush\n";

/// LevelDB's test `ManifestWriteError`; facebook/rocksdb, issues 4990, 5379 and 12865: a write of the manifest was said to
/// have failed, the tables that it named were removed, and it had happened.
#[test]
fn a_manifest_that_failed_may_have_been_written_and_keeps_its_tables() {
    let calls = [Call::Create, Call::Append, Call::Sync, Call::Rename];
    let effects = [Effect::Nothing, Effect::Done, Effect::Partial(30)];
    for (stage, options) in with_runs("failed manifests") {
        let mut struck = 0;
        for (suffix, call, effect) in [".manifest", ".manifest.tmp"]
            .into_iter()
            .flat_map(|suffix| calls.into_iter().map(move |call| (suffix, call)))
            .flat_map(|(suffix, call)| effects.into_iter().map(move |effect| (suffix, call, effect)))
        {
            for nth in 0.. {
                let mut store = Store::with(stage, options.clone());
                store.fs.inject(Fault::new(Errno::Eio).on(call).suffix(suffix).effect(effect).nth(nth));
                let what = format!("{call:?} {nth} of {suffix}, {effect:?}");
                let failed = MANY_EDITS.lines().filter(|line| store.line(line).is_err()).count();
                if store.fs.faults_struck() == 0 {
                    break;
                }
                struck += 1;
                assert!(failed > 0, "{}, {what}: nobody was told", stage.name);
                store.check(&what);
                // Whatever is still tidied up is tidied up now.
                store.fs.clear_faults();
                let _ = store.engine().close();
                store.open().unwrap_or_else(|e| panic!("{}, {what}: {e}", stage.name));
                store.run("put z 1\nflush\ncompact\n");
                store.check_for_good(&what);
            }
        }
        assert!(struck > 60, "{}: {struck}", stage.name);
    }
}

/// facebook/rocksdb, issues 6316 and 6331: the disk was full in the middle of a record of the manifest, the next record was
/// appended to the half, and the store did not open any more. Here a failed append moves no end, and nothing follows it.
#[test]
fn nothing_is_appended_to_half_a_record_of_the_manifest() {
    for (stage, options) in with_runs("full disks") {
        for (nth, bytes) in (0..4).flat_map(|nth| (0..260).map(move |bytes| (nth, bytes))) {
            // One manifest for all of it.
            let mut store = Store::with(stage, options.clone().with("manifest-bytes", "1MiB").unwrap());
            let full = Fault::new(Errno::Enospc).on(Call::Append).suffix(".manifest");
            store.fs.inject(full.nth(nth).effect(Effect::Partial(bytes)));
            let failed = MANY_EDITS.lines().filter(|line| store.line(line).is_err()).count();
            assert!(failed > 0 && store.fs.faults_struck() == 1, "{}: append {nth}", stage.name);
            // There is room again: what goes on now is kept, and what is refused is refused.
            for op in text::parse("put e 7\nstep\nput a 8\ncompact\nput f 9\n").unwrap() {
                let _ = store.op(&op);
            }
            let mut again = store.killed();
            let what = format!("{bytes} bytes of append {nth}");
            again.open().unwrap_or_else(|e| panic!("{}, {what}: {e}", stage.name));
            again.check(&what);
            again.run("put z 1\nflush\ncompact\n");
            again.check_for_good(&what);
        }
    }
}

/// mini-lsm, issue 63: what an opening replayed of the manifest it sorted in another way than who had written it.
#[test]
fn an_opening_finds_the_tree_that_was_left() {
    let tree = |store: &Store| -> Vec<String> {
        let lines = store.command("tree").unwrap();
        lines.into_iter().filter(|line| !line.starts_with("memtable")).collect()
    };
    for (stage, options) in with_runs("trees") {
        for manifest_bytes in ["64", "1MiB"] {
            let options = options.clone().with("manifest-bytes", manifest_bytes).unwrap();
            let (mut store, mut most_lines) = (Store::with(stage, options), 0);
            for round in 0..60 {
                for i in 0..5 {
                    store.run(&format!("put k{:02} \"{round}\"*15\n", (round * 5 + i * 7) % 61));
                }
                store.run(&format!(
                    "delete k{:02}\nflush\n{}",
                    round % 50,
                    ["", "step\n", "step\nstep\n"][round % 3]
                ));
                let left = tree(&store);
                most_lines = most_lines.max(left.len());
                store.run(["close\n", "kill\n", ""][round % 3]);
                let found = tree(&store);
                assert_eq!(found, left, "{}, round {round}", stage.name);
            }
            assert!(most_lines > 12, "{}: {most_lines}", stage.name);
            store.check_for_good("sixty rounds");
        }
    }
}
