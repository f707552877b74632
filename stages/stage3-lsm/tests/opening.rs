//! What opening takes for what it is, and what it refuses: files of another kind, of another life, of another store.
#![expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the store writes its names in lower case"
)]
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Batch, Engine, Options};
use stage1::clean::{self, Listed};
use stage1::files::CLEAN;
use stage3::{ENGINE, STAGE};
use std::collections::BTreeMap;
use std::sync::Arc;
use vfs::Vfs;
use vfs::sim::{Crash, CrashKind, SimFs};

type Files = BTreeMap<String, Vec<u8>>;

/// So small that a few writes freeze a memtable.
fn tiny() -> Options {
    let small = [("memtable-bytes", "8KiB"), ("table-bytes", "4KiB"), ("block-bytes", "64")];
    small.iter().fold(STAGE.default_options(), |options, (name, value)| options.with(name, value).unwrap())
}

fn open(fs: &SimFs) -> contract::Result<Arc<dyn Engine>> {
    (STAGE.open)(Arc::new(fs.clone()), &tiny()).map(|(engine, _)| engine)
}

/// What the next process finds if this one dies now.
fn killed(fs: &SimFs) -> SimFs {
    fs.image(fs.calls(), &Crash::new(CrashKind::ProcessKill, 0))
}

#[test]
fn a_number_after_which_none_comes_is_damage() {
    for name in ["9223372036854775807.sst.tmp", "18446744073709551615.log"] {
        let fs = SimFs::new();
        drop(open(&fs).unwrap());
        fs.plant(name, Vec::new());
        let files = fs.contents();
        let error = open(&fs).err().unwrap().to_string();
        assert!(error.contains(name) && error.contains("no number comes after"), "{error}");
        let damage = (STAGE.verify)(&fs).unwrap().damage;
        assert!(damage.iter().any(|damage| damage.file == name), "{damage:?}");
        assert_eq!(fs.contents(), files);
    }
}

/// A file of another engine may have a name that is none of ours.
#[test]
fn a_file_of_another_engine_is_told_of_under_any_number() {
    let log = SimFs::new();
    drop((stage1::STAGE.open)(Arc::new(log.clone()), &stage1::STAGE.default_options()).unwrap());
    let header = log.contents()["000001.log"].clone();
    let fs = SimFs::new();
    fs.plant("000001-000002.log", header);
    let error = open(&fs).err().unwrap();
    assert!(matches!(error, contract::Error::WrongStore { .. }), "{error}");
}

/// Opens a store that consists of `files` and whose mark lists `listed`: it must be refused, and nothing be touched.
fn refused(files: &Files, listed: &[Listed]) -> String {
    let mut files = files.clone();
    files.remove(CLEAN);
    let fs = SimFs::holding(files);
    clean::write(&fs, ENGINE, listed).unwrap();
    refused_as_it_is(&fs)
}

fn refused_as_it_is(fs: &SimFs) -> String {
    let files = fs.contents();
    let error = open(fs).err().expect("it opens");
    assert!(error.is_corrupt(), "{error}");
    assert_eq!(fs.contents(), files);
    error.to_string()
}

/// A store as it was closed twice, with the mark of each time. In between, log and manifest were replaced.
fn two_lives() -> [(Files, Vec<Listed>); 2] {
    let fs = SimFs::new();
    let closed = |fs: &SimFs| (fs.contents(), clean::read(fs, ENGINE).unwrap());
    open(&fs).unwrap().close().unwrap();
    let first = closed(&fs);
    let options = tiny().with("manifest-bytes", "64").unwrap();
    let (engine, _) = (STAGE.open)(Arc::new(fs.clone()), &options).unwrap();
    engine.put(b"key", b"value").unwrap();
    engine.compact().unwrap();
    engine.close().unwrap();
    let second = closed(&fs);
    assert!(first.0.keys().all(|name| name == CLEAN || !second.0.contains_key(name)), "{:?}", second.1);
    [first, second]
}

#[test]
fn a_mark_that_lists_another_log_or_manifest_as_well_is_damage() {
    let [(old, listed_then), (new, listed_now)] = two_lives();
    for file in &listed_then {
        let mut files = new.clone();
        files.insert(file.name.clone(), old[&file.name].clone());
        let error = refused(&files, &[&listed_now[..], std::slice::from_ref(file)].concat());
        assert!(error.contains("more than one manifest or log"), "{error}");
    }
}

#[test]
fn a_log_that_the_manifest_does_not_name_is_damage() {
    let [(old, listed_then), (mut files, mut listed)] = two_lives();
    let is_log = |file: &&Listed| file.name.ends_with(".log");
    let (then, now) = (listed_then.iter().find(is_log).unwrap(), listed.iter().find(is_log).unwrap().clone());
    files.remove(&now.name);
    files.insert(then.name.clone(), old[&then.name].clone());
    listed.retain(|file| *file != now);
    listed.push(then.clone());
    let error = refused(&files, &listed);
    assert!(error.contains(&then.name) && error.contains("the manifest says"), "{error}");
}

#[test]
fn a_mark_that_knows_another_table_than_the_manifest_is_damage() {
    let [_, (files, listed)] = two_lives();
    let changes: [fn(&mut Listed); 2] = [|file| file.bytes += 1, |file| file.last_checksum ^= 1];
    for change in changes {
        let mut listed = listed.clone();
        change(listed.iter_mut().find(|file| file.name.ends_with(".sst")).unwrap());
        let error = refused(&files, &listed);
        assert!(error.contains("the mark of the clean close and the manifest differ"), "{error}");
    }
}

#[test]
fn a_log_that_is_missing_between_two_others_is_damage() {
    let fs = SimFs::new();
    let engine = open(&fs).unwrap();
    let logs = || fs.contents().into_iter().filter(|(name, _)| name.ends_with(".log")).collect::<Vec<_>>();
    let mut keys = 0..;
    while logs().len() < 2 {
        engine.put(&u32::to_le_bytes(keys.next().unwrap()), &[7; 100]).unwrap();
    }
    let left = killed(&fs);
    let (second, _) = logs().pop().unwrap();
    engine.compact().unwrap();
    let (third, bytes) = logs().pop().unwrap();
    left.remove(&second).unwrap();
    left.plant(&third, bytes);
    let error = refused_as_it_is(&left);
    assert!(error.contains(&second) && error.contains("missing"), "{error}");
}

/// Entries of a store that read like edits of its manifest: that log number `log` counts, and no table.
fn edits(log: u64) -> Batch {
    let mut batch = Batch::new();
    batch.put(b"log", &log.to_le_bytes()).put(b"next", &99_u64.to_le_bytes());
    batch
}

#[test]
fn a_log_is_no_manifest_and_a_manifest_is_no_log_after_a_crash() {
    let fs = SimFs::new();
    let engine = open(&fs).unwrap();
    let left = killed(&fs);
    left.plant("000002.log", fs.contents()["000002.manifest"].clone());
    let error = refused_as_it_is(&left);
    assert!(error.contains("000002.log") && error.contains("a manifest, no write-ahead log"), "{error}");
    engine.put(b"key", b"value").unwrap();
    engine.compact().unwrap();
    engine.write(&edits(3)).unwrap();
    let left = killed(&fs);
    left.plant("000003.manifest", fs.contents()["000003.log"].clone());
    let error = refused_as_it_is(&left);
    assert!(error.contains("000003.manifest") && error.contains("a write-ahead log, no manifest"), "{error}");
}

#[test]
fn a_log_is_no_manifest_and_a_manifest_is_no_log_where_a_mark_lists_them() {
    let closed = |leftover: Option<&str>| {
        let fs = SimFs::new();
        if let Some(name) = leftover {
            fs.plant(name, Vec::new());
        }
        let engine = open(&fs).unwrap();
        engine.write(&edits(1)).unwrap();
        engine.close().unwrap();
        (fs.contents(), clean::read(&fs, ENGINE).unwrap())
    };
    // Number 2 is a manifest in one store, and a log in the other.
    let (one, other) = (closed(None), closed(Some("000001.sst.tmp")));
    let cases = [
        (&one, "000002.manifest", &other, "000002.log", "a write-ahead log, no manifest"),
        (&other, "000002.log", &one, "000002.manifest", "a manifest, no write-ahead log"),
    ];
    for (store, name, from, stranger, what) in cases {
        let (mut files, mut listed) = store.clone();
        files.insert(name.into(), from.0[stranger].clone());
        listed.retain(|file| file.name != name);
        let said = from.1.iter().find(|file| file.name == stranger).unwrap();
        listed.push(Listed { name: name.into(), ..said.clone() });
        let error = refused(&files, &listed);
        assert!(error.contains(name) && error.contains(what), "{error}");
    }
}

/// A table with other keys. Of one with the same keys, and values of the same lengths, nobody could tell.
#[test]
fn the_table_of_another_store_under_the_same_name_is_damage() {
    let store = |key: &[u8], value: &[u8]| {
        let fs = SimFs::new();
        let engine = open(&fs).unwrap();
        engine.put(key, value).unwrap();
        engine.compact().unwrap();
        killed(&fs)
    };
    let ours = store(b"key", b"value");
    let table = ours.contents().into_keys().find(|name| name.ends_with(".sst")).unwrap();
    let others = [
        (store(b"kez", b"value"), "its last checksum is not"),
        (store(b"key", b"another"), "bytes; the manifest says"),
    ];
    for (other, what) in others {
        let fs = killed(&ours);
        fs.remove(&table).unwrap();
        fs.plant(&table, other.contents()[&table].clone());
        let error = refused_as_it_is(&fs);
        assert!(error.contains(&table) && error.contains(what), "{error}");
        let damage = (STAGE.verify)(&fs).unwrap().damage;
        assert!(damage.iter().any(|found| found.file == table && found.what.contains(what)), "{damage:?}");
    }
}

#[test]
fn a_mark_that_knows_another_end_of_a_log_is_damage() {
    let [_, (files, listed)] = two_lives();
    let changes: [fn(&mut Listed); 2] = [|file| file.bytes += 1, |file| file.last_checksum ^= 1];
    for (change, end) in changes.into_iter().flat_map(|change| [(change, ".log"), (change, ".manifest")]) {
        let mut listed = listed.clone();
        let file = listed.iter_mut().find(|file| file.name.ends_with(end)).unwrap();
        change(file);
        let name = file.name.clone();
        let error = refused(&files, &listed);
        assert!(error.contains(&name), "{error}");
    }
}

#[test]
fn a_file_that_no_mark_lists_is_damage() {
    let [_, (mut files, listed)] = two_lives();
    let (_, table) = files.iter().find(|(name, _)| name.ends_with(".sst")).unwrap();
    files.insert("000099.sst".into(), table.clone());
    let error = refused(&files, &listed);
    assert!(error.contains("000099.sst") && error.contains("not there when the store was closed"), "{error}");
}

#[test]
fn what_is_left_of_a_store_that_has_lost_its_manifest_is_no_new_store() {
    let fs = SimFs::new();
    let engine = open(&fs).unwrap();
    engine.put(b"key", b"value").unwrap();
    engine.compact().unwrap();
    engine.put(b"key", b"value").unwrap();
    let left = killed(&fs);
    left.plant("000009.log.aside", Vec::new());
    for end in [".sst", ".aside", ".log"] {
        let files: Files = left.contents().into_iter().filter(|(name, _)| name.ends_with(end)).collect();
        assert_eq!(files.len(), 1, "{end}");
        let error = refused_as_it_is(&SimFs::holding(files));
        assert!(error.contains("missing") && error.contains("goes with one"), "{error}");
    }
}

#[test]
fn a_manifest_that_is_damaged_and_a_log_that_is_missing_are_refused() {
    let fs = SimFs::new();
    let engine = open(&fs).unwrap();
    for _ in 0..3 {
        engine.put(b"key", b"value").unwrap();
        engine.compact().unwrap();
    }
    let files = killed(&fs).contents();
    for end in [".manifest", ".log"] {
        let mut files = files.clone();
        let name = files.keys().find(|name| name.ends_with(end)).unwrap().clone();
        if end == ".log" {
            files.remove(&name);
        } else if let Some(bytes) = files.get_mut(&name) {
            // In an edit with others before it and behind it.
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }
        let error = refused_as_it_is(&SimFs::holding(files));
        // A manifest that is believed up to the damage needs a log that is gone by now: that would be the wrong reason.
        assert!(error.contains(&name) && error.contains("missing") == (end == ".log"), "{error}");
    }
}
