//! What went wrong at the ends of logs: torn, full of what was there before, or followed by another.

use crate::store::{Files, Store};
use contract::Batch;
use harness::crash::verdict::same;
use harness::invariant::Invariant;
use harness::model::Model;
use harness::ops::{Op, text};
use harness::registry::persistent;
use harness::settings;
use harness::settings::has_blocks;
use vfs::sim::{Crash, CrashKind, Effect, Errno, Fault, Op as Call};

/// The states after each of the operations, the empty one first.
fn prefixes(script: &str) -> Vec<Model> {
    Model::history(&text::parse(script).unwrap())
}

/// The newest state that the store holds; a failure if it holds none of them.
fn point(store: &Store, states: &[Model], what: impl std::fmt::Display) -> usize {
    let pairs = store.pairs().unwrap_or_else(|e| panic!("{}, {what}: {e}", store.stage.name));
    let found = states.iter().rposition(|state| same(state, &pairs));
    found.unwrap_or_else(|| panic!("{}: {}, {what}: {pairs:?}", Invariant::Prefix, store.stage.name))
}

/// The file that was written to last, and how much of it is written.
fn newest(store: &Store) -> (String, usize) {
    let history = store.fs.history();
    let last = history.iter().rfind(|call| call.op() == Call::Append);
    let name = last.and_then(|call| call.file()).expect("something was appended").to_owned();
    let written = store.files()[&name].iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    (name, written)
}

fn cut(store: &Store, name: &str, len: usize) -> Files {
    let mut files = store.files();
    files.get_mut(name).unwrap().truncate(len);
    files
}

/// cqlite, issue 1390; duckdb, issue 14785; neo4j, issue 8726: after a torn tail entries were appended behind the torn
/// bytes, where the next opening never came.
#[test]
fn what_is_written_after_a_torn_tail_is_found_again() {
    let script = "put a \"1\"*40\nput b \"2\"*40\nput c \"3\"*40\n";
    for stage in persistent("writes after a torn tail") {
        let mut store = Store::new(stage);
        store.run(script);
        let (name, end) = newest(&store);
        for len in (0..40).map(|less| end - less) {
            let mut torn = store.on(cut(&store, &name, len));
            torn.open().unwrap_or_else(|e| panic!("{}, cut to {len}: {e}", stage.name));
            let reached = point(&torn, &prefixes(script), format_args!("cut to {len}"));
            torn.model = prefixes(script)[reached].clone();
            torn.run("put d \"4\"*40\nsync\nput e 5\n");
            let (name, end) = newest(&torn);
            let mut again = torn.on(cut(&torn, &name, end - 3));
            again.open().unwrap();
            let without_e = again.engine().get(b"e").unwrap().is_none();
            assert!(without_e, "{}: a torn write is there", stage.name);
            again.note(&Op::Delete { key: b"e".to_vec() });
            again.check_for_good(&format!("torn to {len}, written to, torn again"));
        }
    }
}

/// cockroachdb/pebble, issue 453; fjall, issue 311; dolthub/doltlite, issue 1352; toydb, which cut 99 of 100 records off:
/// damage in the middle of a log passed for its torn end, and everything behind it was destroyed.
#[test]
fn damage_before_a_synced_write_is_no_torn_tail() {
    for stage in persistent("damage before a synced write") {
        let mut store = Store::new(stage);
        for key in ["a", "b", "c", "d", "e"] {
            store.run(&format!("put {key} {key}{key}{key}\nsync\n"));
        }
        store.run("put f fff\n");
        for (name, bytes) in store.files() {
            let places = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(&bytes[*at..=*at].repeat(3)));
            for at in places.filter(|at| b"abcd".contains(&bytes[*at])) {
                let mut files = store.files();
                files.get_mut(&name).unwrap()[at] ^= 1;
                let mut damaged = store.on(files.clone());
                if let Err(e) = damaged.open() {
                    assert!(e.is_corrupt(), "{}: {name} at {at}: {e}", stage.name);
                    assert_eq!(damaged.files(), files, "{}: {name} at {at}", stage.name);
                    continue;
                }
                // It was not read, and is damage to whoever reads it.
                let refused = damaged.right_or_refused(at);
                assert!(!refused.is_empty(), "{}: {name} at {at}", stage.name);
            }
        }
    }
}

/// How much of a file no crash takes.
fn durable_bytes(store: &Store, name: &str) -> usize {
    let left =
        |seed| store.crashed(&Crash::new(CrashKind::FilePrefix, seed)).files().get(name).map_or(0, Vec::len);
    (0..200).map(left).min().unwrap_or(0)
}

/// facebook/rocksdb, issues 7701, 10560 and 13169: an older log lost its end, a newer one did not, and the newer one was
/// applied all the same.
#[test]
fn no_newer_file_counts_after_one_that_has_lost_its_end() {
    let script =
        "put a \"1\"*40\nput b \"2\"*40\nput a \"3\"*40\ndelete b\nput c \"4\"*40\nput d 5\nput a 6\n";
    for stage in persistent("holes") {
        let mut store = Store::new(stage);
        store.run(script);
        let (last, mut holes) = (newest(&store).0, 0);
        for (name, bytes) in store.files() {
            let durable = durable_bytes(&store, &name);
            for len in 64..bytes.len() {
                let mut again = store.on(cut(&store, &name, len));
                if has_blocks(stage) && len < durable && name.rsplit('.').next() != Some("log") {
                    // No crash does that, and it is no log whose successor tells.
                    let opened = again.open();
                    assert!(
                        opened.is_ok() || opened.is_err_and(|e| e.is_corrupt()),
                        "{}, {name}",
                        stage.name
                    );
                    continue;
                }
                again.open().unwrap_or_else(|e| panic!("{}, {name} cut to {len}: {e}", stage.name));
                let reached = point(&again, &prefixes(script), format_args!("{name} cut to {len}"));
                // Only of the newest nobody knows how long it was.
                let told = again.report.cut.is_some() || name == last;
                assert!(reached < 7 && told, "{}, {name} cut to {len}", stage.name);
                holes += 1;
            }
        }
        let enough = if has_blocks(stage) { 20 } else { 200 };
        assert!(holes > enough, "{}: {holes}", stage.name);
        for (kind, seed) in CrashKind::ALL.into_iter().flat_map(|kind| (0..100).map(move |seed| (kind, seed)))
        {
            let mut again = store.crashed(&Crash::new(kind, seed));
            again.open().unwrap_or_else(|e| panic!("{}, {kind:?} {seed}: {e}", stage.name));
            point(&again, &prefixes(script), format_args!("{kind:?} {seed}"));
        }
    }
}

/// sled, commit e9b2cfba; cockroachdb/pebble, issue 580; facebook/rocksdb, issue 12918: bytes behind the end of a log were
/// whole records of an earlier time, and were replayed.
#[test]
fn old_records_behind_the_end_are_not_replayed() {
    for stage in persistent("old records") {
        for before in ["", "sync\n", "kill\n"] {
            let mut store = Store::with(stage, stage.default_options());
            store.run("put a 1\nput b 2\n");
            store.run(before);
            store.run("put a 3\ndelete b\nput c 4\n");
            let (name, end) = newest(&store);
            let old = store.files();
            let bytes = &old[&name];
            for (start, stop) in (64..end).flat_map(|start| (start + 12..=end).map(move |stop| (start, stop)))
            {
                let mut files = old.clone();
                files.insert(name.clone(), [&bytes[..end], &bytes[start..stop]].concat());
                let mut again = store.on(files);
                again.open().unwrap_or_else(|e| panic!("{}, {start}..{stop} again: {e}", stage.name));
                again.check(format_args!("with the bytes {start}..{stop} once more behind its end"));
            }
        }
    }
}

/// LevelDB 1.23, as measured; fjall, issue 308: an append failed half way, later ones succeeded behind the half, and at
/// the next opening they were gone.
#[test]
fn a_write_behind_the_half_of_a_failed_one_is_kept_or_refused() {
    // With all of them the entry is whole.
    const FRAME_BYTES: u64 = 12 + 1 + 10;
    for stage in persistent("failed appends") {
        for (synced, bytes) in
            [false, true].into_iter().flat_map(|synced| (0..34).map(move |bytes| (synced, bytes)))
        {
            let mut store = if synced { Store::synced(stage) } else { Store::new(stage) };
            store.run("put a 1\n");
            store.fs.inject(Fault::new(Errno::Enospc).on(Call::Append).effect(Effect::Partial(bytes)));
            let failed = store.engine().put(b"b", b"0123456789");
            assert!(failed.is_err(), "{}", stage.name);
            let later = text::parse("put c 3\nput d 4\n").unwrap();
            for op in &later {
                // Refused is as good as kept, if it is refused at once.
                let _ = store.op(op);
            }
            let mut again = store.killed();
            again.open().unwrap_or_else(|e| panic!("{}, {bytes} bytes landed: {e}", stage.name));
            let landed = again.engine().get(b"b").unwrap().is_some();
            assert!(!landed || bytes >= FRAME_BYTES, "{}, {bytes} bytes landed", stage.name);
            if landed {
                again.note(&Op::Put { key: b"b".to_vec(), value: b"0123456789".to_vec() });
            }
            again.check(format_args!("{bytes} bytes of a failed append landed"));
        }
    }
}

/// mini-lsm, pull request 84; sled, issue 851: a batch was several records, and a crash left some of them.
#[test]
fn a_batch_that_is_torn_at_any_byte_is_not_there() {
    let script = "put a 1\nput b 2\nbatch put a 3 ; delete b ; put c \"4\"*30 ; put \"\" \"\" ; put a 5\n";
    for stage in persistent("torn batches") {
        for before in ["", "sync\n"] {
            let mut store = Store::new(stage);
            store.run("put a 1\nput b 2\n");
            store.run(before);
            let call = store.fs.calls();
            store.run(script.lines().last().unwrap());
            for at in call..store.fs.calls() {
                for tear in 0..store.fs.tears(at) {
                    let crash = Crash::new(CrashKind::GlobalPrefix, 0).tear(tear);
                    let mut torn = store.on(store.fs.image(at, &crash).contents());
                    torn.open().unwrap_or_else(|e| panic!("{}, torn after {tear} bytes: {e}", stage.name));
                    let reached =
                        point(&torn, &prefixes(script)[2..], format_args!("torn after {tear} bytes"));
                    let whole = tear + 1 == store.fs.tears(at) && tear > 0;
                    assert!(reached == 0 || whole, "{}: torn after {tear} bytes", Invariant::AtomicBatch);
                }
            }
        }
    }
}

/// mini-lsm, pull request 219; redb, commit 6c07fd17; `PowerDNS`, issue 17447: a length went into a field that was too
/// small for it, and came out as another.
#[test]
fn lengths_at_the_edge_of_every_width_come_back() {
    let edge = |bits: u32| [(1usize << bits) - 1, 1 << bits, (1 << bits) + 1];
    let keys = [0, 1].into_iter().chain([7, 8, 14].into_iter().flat_map(edge)).chain([65_535, 65_536]);
    let values = [0, 1].into_iter().chain([7, 8, 14, 16, 24].into_iter().flat_map(edge));
    let sizes: Vec<_> = keys.map(|key| (key, 3)).chain(values.map(|value| (3, value))).collect();
    for stage in persistent("lengths") {
        let mut store = Store::new(stage);
        for (i, (key, value)) in sizes.iter().enumerate() {
            let mut key = vec![b'k'; *key];
            if let Some(first) = key.first_mut() {
                *first = u8::try_from(i).unwrap();
            }
            store.op(&Op::Put { key, value: vec![u8::try_from(i).unwrap(); *value] }).unwrap();
        }
        store.check("written");
        store.run("compact\nclose\n");
        store.check_for_good("compacted and closed");
    }
}

/// basho/bitcask, commit e3ae214; RocksDB before 6.25.0: a record that ended exactly where a read or a buffer did was
/// passed over, and a read that came short was taken for the end.
#[test]
fn a_record_that_ends_where_a_buffer_does_is_read() {
    for stage in persistent("ends of buffers") {
        for (buffer, less) in [512, 4096, 32_768].into_iter().flat_map(|b| (0..3).map(move |less| (b, less)))
        {
            for options in [stage.default_options(), settings::smallest(stage)] {
                let mut store = Store::with(stage, options);
                // The first ends at the edge, counted from the start of the file or from that of the entries.
                for (key, header) in [("a", 64), ("b", 0)] {
                    let value = vec![b'v'; buffer - header - 13 - less];
                    store.op(&Op::Put { key: key.into(), value }).unwrap();
                    store.run("put c 1\nput d \"2\"*40\n");
                }
                let mut again = store.killed();
                again.fs.short_reads(Some(u64::try_from(buffer + less).unwrap()));
                again.open().unwrap();
                again.check(format_args!("an entry that ends {less} before {buffer}"));
                again.run("compact\nclose\n");
                again.check(format_args!("an entry that ends {less} before {buffer}, compacted"));
            }
        }
    }
}

/// fjall, commit bfb3459; facebook/rocksdb, issue 12489: a log was full, another one was begun, and a sync covered only
/// that one.
#[test]
fn a_sync_covers_what_was_written_before_another_file_was_begun() {
    for stage in persistent("syncs over files") {
        let mut store = Store::new(stage);
        store.run("put a \"1\"*50\nput b \"2\"*50\ndelete a\nput c \"3\"*50\nput d 4\nsync\n");
        for (kind, seed) in CrashKind::ALL.into_iter().flat_map(|kind| (0..100).map(move |seed| (kind, seed)))
        {
            let mut again = store.crashed(&Crash::new(kind, seed));
            again.open().unwrap_or_else(|e| panic!("{}, {kind:?} {seed}: {e}", stage.name));
            again.check(format_args!("synced, {kind:?} {seed}"));
        }
    }
}

/// redb, commit fd82cedb: a header told of a length that the file had not got yet when power failed.
#[test]
fn a_size_without_its_bytes_is_no_entry() {
    let script = "put a \"1\"*50\nput b \"2\"*600\nput c \"3\"*50\nput a \"4\"*1500\nput d 5\n";
    for stage in persistent("sizes without bytes") {
        for options in [settings::smallest(stage), stage.default_options()] {
            for sync in ["on-request", "every-write"] {
                let mut store = Store::with(stage, options.clone().with("sync", sync).unwrap());
                let first = store.fs.calls();
                store.run(script);
                for (call, seed) in
                    (first..=store.fs.calls()).flat_map(|call| (0..20).map(move |seed| (call, seed)))
                {
                    let image = store.fs.image(call, &Crash::new(CrashKind::Sizes, seed));
                    let mut again = store.on(image.contents());
                    again
                        .open()
                        .unwrap_or_else(|e| panic!("{}, before call {call}, {seed}: {e}", stage.name));
                    point(&again, &prefixes(script), format_args!("before call {call}, {seed}"));
                }
            }
        }
    }
}

/// fjall, commit 5a6db12: a keyspace was emptied, the log knew nothing of it, and after a crash everything was back.
#[test]
fn what_was_deleted_all_at_once_stays_deleted_after_a_crash() {
    for stage in persistent("bulk deletes") {
        let mut store = Store::new(stage);
        let mut all = Batch::new();
        for i in 0..20_u8 {
            store.run(&format!("put key{i} \"{i}\"*30\n"));
            all.delete(format!("key{i}").as_bytes());
        }
        store.upkeep();
        store.op(&Op::Batch(all)).unwrap();
        store.run("sync\n");
        for compacted in [false, true] {
            for (kind, seed) in
                CrashKind::ALL.into_iter().flat_map(|kind| (0..20).map(move |seed| (kind, seed)))
            {
                let mut again = store.crashed(&Crash::new(kind, seed));
                again.open().unwrap_or_else(|e| panic!("{}, {kind:?} {seed}: {e}", stage.name));
                again.check(format_args!("everything deleted, {kind:?} {seed}"));
                again.run("close\n");
                again.check("everything deleted, closed");
            }
            if !compacted {
                store.upkeep();
                store.run("compact\n");
            }
        }
    }
}

/// A first opening, interrupted at any call: etcd, issue 16596; goleveldb, issue 351; LevelDB, issue 189; and four of the
/// engines that were measured. What it leaves must open, and be usable.
#[test]
fn a_first_opening_may_die_at_any_call() {
    for stage in persistent("first openings") {
        let store = Store::new(stage);
        for (kind, call) in
            CrashKind::ALL.into_iter().flat_map(|kind| (0..=store.fs.calls()).map(move |call| (kind, call)))
        {
            for seed in 0..30 {
                let image = store.fs.image(call, &Crash::new(kind, seed));
                let mut again = store.on(image.contents());
                again
                    .open()
                    .unwrap_or_else(|e| panic!("{}, {kind:?} before call {call}, {seed}: {e}", stage.name));
                again.run("put a 1\nsync\nput b 2\n");
                again.check_for_good("after an interrupted first opening");
            }
        }
    }
}
