//! Who waits for upkeep, for how much of it, and what he hears.
#![expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the store writes its names in lower case"
)]
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Batch, Call, Engine, Error, KeyRange, MAX_KEY_BYTES, Options, Run, Worker};
use stage3::STAGE;
use std::sync::Arc;
use std::thread;
use vfs::sim::{Crash, CrashKind, Errno, Fault, Lasts, Op, SimFs};

/// So small that a few dozen writes freeze a memtable.
fn tiny(set: &[(&str, &str)]) -> Options {
    let small =
        [("memtable-bytes", "16KiB"), ("table-bytes", "1MiB"), ("fan-out", "2"), ("sync", "on-request")];
    let options = STAGE.default_options();
    small.iter().chain(set).fold(options, |options, (name, value)| options.with(name, value).unwrap())
}

fn open(fs: &SimFs, options: &Options) -> Arc<dyn Engine> {
    (STAGE.open)(Arc::new(fs.clone()), options).unwrap().0
}

fn figure(engine: &dyn Engine, name: &str) -> u64 {
    engine.stats().figures.iter().find(|figure| figure.name == name).unwrap().value
}

fn flush(engine: &dyn Engine) {
    let command = STAGE.commands.iter().find(|command| command.name == "flush").unwrap();
    let Run::Engine(flush) = command.run else { panic!("a command of the engine") };
    flush(engine, &Call::default()).unwrap();
}

fn key(i: u32) -> [u8; 4] {
    i.to_le_bytes()
}

fn entries(engine: &dyn Engine) -> usize {
    engine.scan(KeyRange::all()).unwrap().map(Result::unwrap).count()
}

#[test]
fn a_writer_whom_nobody_helps_keeps_memory_and_runs_within_their_limits() {
    for absent_only in [false, true] {
        let engine = open(&SimFs::new(), &tiny(&[("max-runs", "3")]));
        for i in 0..2_000 {
            if absent_only {
                assert!(engine.put_if_absent(&key(i), &[7; 100]).unwrap());
            } else {
                engine.put(&key(i), &[7; 100]).unwrap();
            }
            let (memory, runs) = (figure(&*engine, "memtables"), figure(&*engine, "runs"));
            assert!(memory < 3 * (16 << 10) && runs <= 4, "{memory} bytes, {runs} runs");
        }
        assert!(figure(&*engine, "stalls") > 0 && figure(&*engine, "compactions") > 0);
        assert_eq!(entries(&*engine), 2_000);
    }
}

/// Where nothing would make the runs fewer, waiting for that would have no end.
#[test]
fn nobody_waits_for_a_compaction_that_no_strategy_wants() {
    for attended in [false, true] {
        let engine = open(&SimFs::new(), &tiny(&[("max-runs", "1"), ("strategy", "off")]));
        let _worker = attended.then(|| Worker::start(&engine));
        for i in 0..1_000 {
            engine.put(&key(i), &[7; 100]).unwrap();
        }
        assert!(figure(&*engine, "runs") > 3);
    }
}

#[test]
fn a_frozen_memtable_is_flushed_though_nobody_waits_for_room() {
    let engine = open(&SimFs::new(), &tiny(&[]));
    let _worker = Worker::start(&engine);
    let mut i = 0;
    while figure(&*engine, "frozen-memtables") == 0 && figure(&*engine, "flushes") == 0 {
        engine.put(&key(i), &[7; 100]).unwrap();
        i += 1;
    }
    while figure(&*engine, "flushes") == 0 {
        thread::yield_now();
    }
}

#[test]
fn who_waits_for_a_flush_that_fails_hears_why() {
    for attended in [false, true] {
        let fs = SimFs::new();
        let engine = open(&fs, &tiny(&[]));
        let worker = attended.then(|| Worker::start(&engine));
        fs.inject(Fault {
            lasts: Lasts::ForEver,
            ..Fault::new(Errno::Enospc).on(Op::Create).suffix(".sst.tmp")
        });
        let error = (0..).find_map(|i| engine.put(&key(i), &[7; 100]).err()).unwrap();
        assert!(error.to_string().contains(".sst"), "{error}");
        assert!(figure(&*engine, "upkeep-failures") > 0);
        fs.clear_faults();
        engine.put(b"again", b"").unwrap();
        engine.close().unwrap();
        drop(worker);
    }
}

#[test]
fn who_waits_while_nothing_can_be_committed_hears_why() {
    for attended in [false, true] {
        let fs = SimFs::new();
        let engine = open(&fs, &tiny(&[]));
        let _worker = attended.then(|| Worker::start(&engine));
        fs.inject(Fault {
            lasts: Lasts::ForEver,
            ..Fault::new(Errno::Eio).on(Op::Append).suffix(".manifest")
        });
        let mut keys = 0..;
        while engine.put(&key(keys.next().unwrap()), &[7; 100]).is_ok() {}
        assert!(matches!(engine.put(b"again", b""), Err(Error::Poisoned { .. })));
        assert_eq!(engine.get(&key(0)).unwrap().as_deref(), Some(&[7; 100][..]));
    }
}

#[test]
fn a_manifest_that_cannot_be_renewed_is_counted_and_tried_again() {
    let fs = SimFs::new();
    let engine = open(&fs, &tiny(&[("manifest-bytes", "64")]));
    fs.inject(Fault::new(Errno::Enospc).on(Op::Create).suffix(".manifest.tmp"));
    engine.put(b"a", b"").unwrap();
    assert!(engine.compact().is_err());
    assert_eq!((figure(&*engine, "upkeep-failures"), figure(&*engine, "flushes")), (1, 1));
    engine.put(b"b", b"").unwrap();
    engine.compact().unwrap();
    let manifests: Vec<_> = fs.contents().into_keys().filter(|name| name.ends_with(".manifest")).collect();
    assert!(manifests.len() == 1 && manifests[0] != "000002.manifest", "{manifests:?}");
    assert_eq!(entries(&*open(&fs.image(fs.calls(), &Crash::new(CrashKind::ProcessKill, 0)), &tiny(&[]))), 2);
}

/// What cannot be read stays where it is. Reads of it say so, and so does a compaction that somebody asks for; writers go
/// on, though there are more runs than allowed.
#[test]
fn a_damaged_table_keeps_nobody_from_writing() {
    for attended in [false, true] {
        let fs = SimFs::new();
        let engine = open(&fs, &tiny(&[("max-runs", "2")]));
        engine.put(b"a", &[7; 100]).unwrap();
        engine.compact().unwrap();
        engine.close().unwrap();
        let mut files = fs.contents();
        let table = files.iter_mut().find(|(name, _)| name.ends_with(".sst")).unwrap().1;
        table[20] ^= 1;
        let engine = open(&SimFs::holding(files), &tiny(&[("max-runs", "2")]));
        let worker = attended.then(|| Worker::start(&engine));
        for i in 0..1_000 {
            engine.put(&key(i), &[7; 100]).unwrap();
        }
        assert!(engine.get(b"a").unwrap_err().is_corrupt() && engine.compact().unwrap_err().is_corrupt());
        // Who comes to compact it is told once, and once more by whom it was asked for.
        assert!(figure(&*engine, "upkeep-failures") <= 3, "{}", figure(&*engine, "upkeep-failures"));
        drop(worker);
    }
}

#[test]
fn a_log_that_is_in_tables_is_not_waited_for() {
    let engine = open(&SimFs::new(), &tiny(&[]));
    engine.put(b"a", &[7; 100]).unwrap();
    assert!(figure(&*engine, "unsynced") > 0);
    engine.compact().unwrap();
    let syncs = figure(&*engine, "syncs");
    assert_eq!(figure(&*engine, "unsynced"), 0);
    engine.sync().unwrap();
    assert_eq!(figure(&*engine, "syncs"), syncs);
}

/// More than a mebibyte in memory is flushed by close: one small log is left, whatever was in memory.
#[test]
fn close_leaves_one_small_log() {
    for frozen in [false, true] {
        let fs = SimFs::new();
        let engine = open(&fs, &tiny(&[("memtable-bytes", if frozen { "3MiB" } else { "16MiB" })]));
        for i in 0..200 {
            engine.put(&key(i), &[7; 10_000]).unwrap();
        }
        assert_eq!(figure(&*engine, "frozen-memtables"), u64::from(frozen));
        engine.close().unwrap();
        let logs: Vec<_> = fs.contents().into_iter().filter(|(name, _)| name.ends_with(".log")).collect();
        assert!(logs.len() == 1 && logs[0].1.len() <= 1 << 20, "{} logs", logs.len());
        assert_eq!(entries(&*open(&fs, &tiny(&[]))), 200);
    }
}

#[test]
fn close_gives_reserved_room_back() {
    let fs = SimFs::new();
    let set = [("sync", "every-write"), ("reserve-bytes", "1MiB")];
    let engine = open(&fs, &tiny(&set));
    engine.put(b"a", b"1").unwrap();
    let log = || fs.contents()["000001.log"].len();
    assert!(log() >= 1 << 20);
    engine.close().unwrap();
    assert!(log() < 200, "{} bytes", log());
    assert_eq!(entries(&*open(&fs, &tiny(&set))), 1);
}

#[test]
fn what_is_closed_says_so_and_a_store_that_was_only_read_is_left_as_it_is() {
    let fs = SimFs::new();
    let engine = open(&fs, &tiny(&[]));
    engine.put(b"a", b"1").unwrap();
    engine.close().unwrap();
    let calls: [fn(&dyn Engine) -> contract::Result<()>; 11] = [
        |engine| engine.get(b"a").map(drop),
        |engine| engine.contains(b"a").map(drop),
        |engine| engine.put(b"a", b"2"),
        |engine| engine.put_if_absent(b"a", b"2").map(drop),
        |engine| engine.scan(KeyRange::all()).map(drop),
        |engine| engine.sync(),
        |engine| engine.step().map(drop),
        |engine| engine.compact(),
        |engine| engine.explain(b"a").map(drop),
        |engine| engine.verify().map(drop),
        |engine| engine.set_option("fan-out", "3"),
    ];
    for call in calls {
        assert!(matches!(call(&*engine), Err(Error::Closed)));
    }
    let (files, before) = (fs.contents(), fs.calls());
    let engine = open(&fs, &tiny(&[]));
    assert_eq!(engine.get(b"a").unwrap().as_deref(), Some(&b"1"[..]));
    engine.close().unwrap();
    assert_eq!((fs.contents(), fs.calls()), (files, before));
}

/// The damage is not in the first block: the compaction has read and written some by then.
#[test]
fn a_compaction_that_cannot_read_on_fails_and_takes_nothing_away() {
    let set = [("block-bytes", "64"), ("cache-bytes", "0"), ("table-bytes", "1KiB")];
    let fs = SimFs::new();
    let engine = open(&fs, &tiny(&set));
    for round in 0..2 {
        (0..50).for_each(|i| engine.put(&key(2 * i + round), &[7; 100]).unwrap());
        engine.set_option("strategy", "off").unwrap();
        flush(&*engine);
    }
    engine.close().unwrap();
    let mut files = fs.contents();
    let tables = files.iter_mut().filter(|(name, _)| name.ends_with(".sst")).map(|(_, bytes)| bytes);
    tables.filter(|bytes| bytes.len() > 1000).for_each(|bytes| bytes[500] ^= 1);
    let before = files.keys().filter(|name| name.ends_with(".sst")).count();
    let fs = SimFs::holding(files);
    let engine = open(&fs, &tiny(&set));
    assert!(engine.compact().unwrap_err().is_corrupt());
    assert!(engine.scan(KeyRange::all()).unwrap().any(|pair| pair.is_err_and(|error| error.is_corrupt())));
    assert_eq!(fs.contents().keys().filter(|name| name.ends_with(".sst")).count(), before);
}

/// The mark lists what is there, so what could not be removed before goes now.
#[test]
fn close_removes_what_a_compaction_could_not() {
    let fs = SimFs::new();
    let engine = open(&fs, &tiny(&[]));
    for i in 0..2 {
        engine.put(&key(i), b"").unwrap();
        flush(&*engine);
    }
    fs.inject(Fault::new(Errno::Eio).on(Op::Remove).suffix(".sst"));
    assert!(engine.compact().is_err() && fs.faults_struck() == 1);
    engine.close().unwrap();
    assert_eq!(fs.contents().keys().filter(|name| name.ends_with(".sst")).count(), 1);
    assert_eq!(entries(&*open(&fs, &tiny(&[]))), 2);
}

#[test]
fn what_is_over_its_limit_or_no_option_is_refused_and_changes_nothing() {
    let fs = SimFs::new();
    let engine = open(&fs, &tiny(&[]));
    let files = fs.contents();
    let long = vec![7; usize::try_from(MAX_KEY_BYTES).unwrap() + 1];
    let mut batch = Batch::new();
    batch.put(b"key", b"").delete(&long);
    let refused = [
        engine.put(&long, b""),
        engine.delete(&long),
        engine.put_if_absent(&long, b"").map(drop),
        engine.write(&batch),
    ];
    assert!(refused.iter().all(|result| matches!(result, Err(Error::TooLarge { .. }))), "{refused:?}");
    for (name, value) in [("fan-out", "1"), ("fan-out", "none"), ("strategy", "none"), ("none", "1")] {
        assert!(matches!(engine.set_option(name, value), Err(Error::BadOption { .. })), "{name} {value}");
    }
    assert!(matches!(engine.set_option("block-bytes", "128"), Err(Error::Unsupported { .. })));
    assert_eq!(fs.contents(), files);
}
