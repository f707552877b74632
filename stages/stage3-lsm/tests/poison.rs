//! What a store does once nobody knows what is on the device, and what is left of what could not be made.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Call, Engine, Error, KeyRange, Options, Run};
use stage3::STAGE;
use std::sync::Arc;
use vfs::Vfs;
use vfs::sim::{Crash, CrashKind, Effect, Errno, Fault, Op, SimFs};

fn options(set: &[(&str, &str)]) -> Options {
    let small = [("strategy", "off"), ("table-bytes", "128"), ("manifest-bytes", "64")];
    let all = small.iter().chain(set);
    all.fold(STAGE.default_options(), |options, (name, value)| options.with(name, value).unwrap())
}

fn open(fs: &SimFs, set: &[(&str, &str)]) -> Arc<dyn Engine> {
    (STAGE.open)(Arc::new(fs.clone()), &options(set)).unwrap().0
}

fn flush(engine: &dyn Engine) -> contract::Result<()> {
    let command = STAGE.commands.iter().find(|command| command.name == "flush").unwrap();
    let Run::Engine(flush) = command.run else { panic!("a command of the engine") };
    flush(engine, &Call::default()).map(drop)
}

fn entries(engine: &dyn Engine) -> usize {
    engine.scan(KeyRange::all()).unwrap().map(Result::unwrap).count()
}

fn names(fs: &SimFs, end: &str) -> Vec<String> {
    fs.contents().into_keys().filter(|name| name.ends_with(end)).collect()
}

fn put(engine: &dyn Engine) -> contract::Result<()> {
    engine.put(b"key", b"value")
}

/// Options, by name and value.
type Set<'a> = &'a [(&'a str, &'a str)];
/// What is done to a store.
type Action = fn(&dyn Engine) -> contract::Result<()>;

#[test]
fn what_leaves_the_device_in_doubt_poisons() {
    let sync: Action = |engine| engine.sync();
    let every_write: &[_] = &[("sync", "every-write"), ("reserve-bytes", "4096")];
    let cases: [(Op, &str, Set<'_>, Action); 9] = [
        (Op::Append, ".log", &[], put),
        (Op::Sync, ".log", &[], sync),
        (Op::Sync, ".log", every_write, put),
        (Op::Truncate, ".log", every_write, flush),
        (Op::Rename, ".log", &[], flush),
        (Op::Append, ".manifest", &[], flush),
        (Op::Sync, ".manifest", &[], flush),
        (Op::Rename, ".manifest", &[], flush),
        (Op::Remove, "CLEAN", &[], put),
    ];
    for (op, file, set, call) in cases {
        let fs = SimFs::new();
        let engine = open(&fs, set);
        engine.put(b"a", b"1").unwrap();
        if file == "CLEAN" {
            engine.close().unwrap();
        }
        let engine = if file == "CLEAN" { open(&fs, set) } else { engine };
        fs.inject(Fault::new(Errno::Eio).on(op).suffix(file));
        assert!(call(&*engine).is_err(), "{op:?} {file}");
        assert_eq!(fs.faults_struck(), 1, "{op:?} {file}");
        for refused in [put(&*engine), engine.sync(), engine.compact()] {
            assert!(matches!(refused, Err(Error::Poisoned { .. })), "{op:?} {file}");
        }
        assert_eq!(engine.get(b"a").unwrap().as_deref(), Some(&b"1"[..]));
        let calls = fs.calls();
        assert!(engine.step().is_err() && engine.close().is_err());
        assert!(!fs.contents().contains_key("CLEAN") || file == "CLEAN", "{op:?} {file}");
        assert_eq!(fs.calls(), calls, "nothing is changed any more");
    }
}

#[test]
fn what_could_not_be_made_leaves_no_file() {
    for (op, end, nth) in [
        (Op::Append, ".log.tmp", 0),
        (Op::Append, ".manifest.tmp", 0),
        (Op::Append, ".sst.tmp", 0),
        // A table is there, and the next one fails.
        (Op::Append, ".sst.tmp", 1),
        (Op::Sync, ".sst.tmp", 1),
    ] {
        let fs = SimFs::new();
        let engine = open(&fs, &[]);
        for key in 0..50 {
            engine.put(&[key], &[7; 100]).unwrap();
        }
        fs.inject(Fault::new(Errno::Enospc).on(op).suffix(end).nth(nth).effect(Effect::Nothing));
        assert!(engine.compact().is_err(), "{op:?} {end}");
        assert_eq!((fs.faults_struck(), names(&fs, ".tmp")), (1, vec![]), "{op:?} {end}");
        assert!(!end.starts_with(".sst") || names(&fs, ".sst").is_empty(), "{op:?} {end}");
        engine.compact().unwrap();
        assert_eq!(entries(&*engine), 50);
    }
}

/// A compaction may be the first change after a clean close, and may leave nothing behind: no log and no table.
#[test]
fn a_compaction_takes_the_mark_away_before_anything_else() {
    for deletes in [false, true] {
        let fs = SimFs::new();
        let engine = open(&fs, &[]);
        engine.put(b"a", b"1").unwrap();
        flush(&*engine).unwrap();
        engine.delete(b"a").unwrap();
        if !deletes {
            engine.put(b"b", b"2").unwrap();
        }
        flush(&*engine).unwrap();
        engine.close().unwrap();
        let engine = open(&fs, &[]);
        let opened = fs.calls();
        engine.compact().unwrap();
        assert_eq!(names(&fs, ".sst").len(), usize::from(!deletes));
        for at_call in opened..=fs.calls() {
            for kind in CrashKind::ALL {
                let image = fs.image(at_call, &Crash::new(kind, at_call));
                assert_eq!(entries(&*open(&image, &[])), usize::from(!deletes), "{kind:?} at call {at_call}");
            }
        }
    }
}

/// What was closed lies in the log, and the first change is that another log is begun.
#[test]
fn a_flush_takes_the_mark_away_before_it_begins_a_log() {
    let fs = SimFs::new();
    let engine = open(&fs, &[]);
    engine.put(b"a", b"1").unwrap();
    engine.close().unwrap();
    let engine = open(&fs, &[]);
    let opened = fs.calls();
    flush(&*engine).unwrap();
    for at_call in opened..=fs.calls() {
        for kind in CrashKind::ALL {
            let image = fs.image(at_call, &Crash::new(kind, at_call));
            assert_eq!(entries(&*open(&image, &[])), 1, "{kind:?} at call {at_call}");
        }
    }
}

#[test]
fn what_opening_has_set_aside_stays_aside_after_power_loss() {
    let fs = SimFs::new();
    let engine = open(&fs, &[]);
    engine.put(b"a", b"1").unwrap();
    let left = fs.image(fs.calls(), &Crash::new(CrashKind::ProcessKill, 0));
    left.plant("000009.sst", b"no table".to_vec());
    let (engine, report) = (STAGE.open)(Arc::new(left.clone()), &options(&[])).unwrap();
    assert_eq!(report.set_aside, ["000009.sst.aside"]);
    let image = left.image(left.calls(), &Crash::new(CrashKind::Names, 0).names(0));
    assert!(image.contents().contains_key("000009.sst.aside"), "{:?}", image.contents().keys());
    assert_eq!(entries(&*engine), 1);
}

/// The mark of the last close is what goes first, whatever is done first: a memtable that is frozen, or tables that are merged.
#[test]
fn a_mark_that_cannot_be_removed_ends_a_compaction_before_it_changes_anything() {
    for flushed in [false, true] {
        let fs = SimFs::new();
        let engine = open(&fs, &[]);
        for key in [b"a", b"b"] {
            engine.put(key, b"value").unwrap();
            if flushed {
                flush(&*engine).unwrap();
            }
        }
        engine.close().unwrap();
        let files = fs.contents();
        let engine = open(&fs, &[]);
        fs.inject(Fault::new(Errno::Eio).on(Op::Remove).file("CLEAN"));
        assert!(matches!(engine.compact(), Err(Error::Io { .. })));
        assert!(matches!(engine.compact(), Err(Error::Poisoned { .. })));
        drop(engine);
        assert!(fs.contents().keys().filter(|name| files.contains_key(*name)).eq(files.keys()));
        assert_eq!(entries(&*open(&fs, &[])), 2);
    }
}

/// What is left to the log is little. More is brought into tables first, and a close that cannot do that says so.
#[test]
fn a_close_that_cannot_bring_much_into_tables_fails_and_loses_nothing() {
    for (op, file) in [(Op::Create, ".log.tmp"), (Op::Append, ".sst.tmp")] {
        let fs = SimFs::new();
        let settings = [("table-bytes", "8MiB"), ("memtable-bytes", "16MiB")];
        let engine = open(&fs, &settings);
        for key in 0..40 {
            engine.put(&[key], &vec![7; 64 << 10]).unwrap();
        }
        fs.inject(Fault::new(Errno::Enospc).on(op).suffix(file));
        assert!(matches!(engine.close(), Err(Error::Io { .. })), "{file}");
        drop(engine);
        assert_eq!(entries(&*open(&fs, &settings)), 40, "{file}");
    }
}

#[test]
fn a_stranger_that_cannot_be_looked_at_or_set_aside_ends_the_opening_and_not_the_next() {
    for op in [Op::Open, Op::Rename] {
        let fs = SimFs::new();
        put(&*open(&fs, &[])).unwrap();
        fs.remove("CLEAN").unwrap();
        fs.plant("000009.sst", b"no table of ours".to_vec());
        fs.inject(Fault::new(Errno::Eio).on(op).file("000009.sst"));
        let failed = (STAGE.open)(Arc::new(fs.clone()), &options(&[])).map(drop);
        assert!(matches!(failed, Err(Error::Io { .. })), "{failed:?}");
        assert_eq!(entries(&*open(&fs, &[])), 1);
        assert_eq!(names(&fs, ".sst.aside"), ["000009.sst.aside"]);
    }
}

#[test]
fn a_leftover_that_cannot_be_removed_ends_the_opening_and_not_the_next() {
    let fs = SimFs::new();
    put(&*open(&fs, &[])).unwrap();
    fs.plant("000009.sst.tmp", Vec::new());
    fs.inject(Fault::new(Errno::Eio).on(Op::Remove).file("000009.sst.tmp"));
    assert!(matches!((STAGE.open)(Arc::new(fs.clone()), &options(&[])).map(drop), Err(Error::Io { .. })));
    assert_eq!(entries(&*open(&fs, &[])), 1);
    assert!(names(&fs, ".tmp").is_empty());
}
