//! What is saved of a store, and that nothing old comes back by it.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Call, Engine, KeyRange, Options, Run, SalvageReport};
use stage3::STAGE;
use std::collections::BTreeMap;
use std::sync::Arc;
use vfs::Vfs;
use vfs::sim::{Crash, CrashKind, SimFs};

type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

fn by_hand() -> Options {
    let set = [("strategy", "off"), ("fan-out", "2")];
    set.iter().fold(STAGE.default_options(), |options, (name, value)| options.with(name, value).unwrap())
}

fn open(fs: &SimFs) -> Arc<dyn Engine> {
    (STAGE.open)(Arc::new(fs.clone()), &by_hand()).unwrap().0
}

fn flush(engine: &dyn Engine) {
    let command = STAGE.commands.iter().find(|command| command.name == "flush").unwrap();
    let Run::Engine(flush) = command.run else { panic!("a command of the engine") };
    flush(engine, &Call::default()).unwrap();
}

fn killed(fs: &SimFs) -> SimFs {
    fs.image(fs.calls(), &Crash::new(CrashKind::ProcessKill, 0))
}

/// What is saved, and what is said to be lost; nothing of the damaged store is touched.
fn salvaged(fs: &SimFs) -> (Pairs, SalvageReport) {
    let (files, into) = (fs.contents(), open(&SimFs::new()));
    let report = (STAGE.salvage)(fs, &*into).unwrap();
    assert_eq!(fs.contents(), files);
    (into.scan(KeyRange::all()).unwrap().map(Result::unwrap).collect(), report)
}

fn pairs(pairs: &[(&str, &str)]) -> Pairs {
    pairs.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

#[test]
fn a_log_that_is_in_tables_does_not_bring_old_values_back() {
    let fs = SimFs::new();
    let engine = open(&fs);
    engine.put(b"key", b"old").unwrap();
    engine.put(b"deleted", b"old").unwrap();
    let log = fs.contents()["000001.log"].clone();
    engine.compact().unwrap();
    engine.put(b"key", b"new").unwrap();
    engine.delete(b"deleted").unwrap();
    engine.compact().unwrap();
    let left = killed(&fs);
    left.plant("000001.log", log);
    let (saved, report) = salvaged(&left);
    assert_eq!((saved, report.lost), (pairs(&[("key", "new")]), vec![]));
}

/// The output of a compaction comes into the manifest last, though what it holds is not the newest.
#[test]
fn newer_runs_win_whenever_older_ones_were_merged() {
    let fs = SimFs::new();
    let engine = open(&fs);
    for (value, others) in [(b"1", 60), (b"2", 50)] {
        for i in 0..others {
            engine.put(&u32::to_le_bytes(i), &[7; 900]).unwrap();
        }
        engine.put(b"key", value).unwrap();
        flush(&*engine);
    }
    engine.put(b"key", b"3").unwrap();
    flush(&*engine);
    // The two large runs are of a similar size, and the small one is not.
    engine.set_option("memtable-bytes", "8KiB").unwrap();
    engine.set_option("strategy", "tiered").unwrap();
    assert!(engine.step().unwrap());
    let runs = engine.stats().figures.iter().find(|figure| figure.name == "runs").unwrap().value;
    assert_eq!(runs, 2);
    let (saved, report) = salvaged(&killed(&fs));
    assert_eq!((saved[&b"key"[..]].as_slice(), report.lost), (&b"3"[..], vec![]));
}

#[test]
fn what_is_no_log_is_told_of_and_not_read_as_one() {
    let fs = SimFs::new();
    let engine = open(&fs);
    engine.put(b"key", b"value").unwrap();
    let left = killed(&fs);
    left.plant("000002.log", fs.contents()["000002.manifest"].clone());
    let (saved, report) = salvaged(&left);
    assert_eq!(saved, pairs(&[("key", "value")]));
    assert!(report.lost.iter().any(|lost| lost.file == "000002.log"), "{:?}", report.lost);
}

#[test]
fn what_a_clean_store_lacks_is_told_of() {
    let fs = SimFs::new();
    let engine = open(&fs);
    engine.put(b"key", b"value").unwrap();
    engine.close().unwrap();
    assert_eq!(salvaged(&fs).1.lost, []);
    fs.remove("000001.log").unwrap();
    let (saved, report) = salvaged(&fs);
    assert_eq!(saved, Pairs::new());
    assert!(report.lost.iter().any(|lost| lost.file == "000001.log"), "{:?}", report.lost);
}
