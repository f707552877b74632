//! Verifying an open store: every file of it, whatever else is done meanwhile.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Engine, Options, VerifyReport};
use stage3::STAGE;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, Weak};
use vfs::sim::{Crash, CrashKind, SimFs, Wound};
use vfs::{DirLock, File, Vfs};

/// Somebody waits for a flush all the time.
fn by_hand() -> Options {
    let small = [("memtable-bytes", "8KiB"), ("block-bytes", "64"), ("strategy", "off")];
    small.iter().fold(STAGE.default_options(), |options, (name, value)| options.with(name, value).unwrap())
}

/// Fills the store until it has tables, a log that waits for its flush, one that is written, and a manifest with an edit.
fn fill(engine: &dyn Engine, names: impl Fn() -> Vec<String>) {
    let mut keys = 0_u32..;
    let mut put = || engine.put(&keys.next().unwrap().to_le_bytes(), &[7; 100]).unwrap();
    put();
    engine.compact().unwrap();
    while names().iter().filter(|name| name.contains(".log")).count() < 2 {
        put();
    }
    put();
}

#[test]
fn an_open_store_finds_damage_in_each_of_its_files() {
    let fs = SimFs::new();
    let engine = (STAGE.open)(Arc::new(fs.clone()), &by_hand()).unwrap().0;
    fill(&*engine, || fs.contents().into_keys().collect());
    assert_eq!(engine.verify().unwrap().damage, []);
    let files = fs.contents();
    assert_eq!(files.len(), 4, "{:?}", files.keys());
    for (name, bytes) in files {
        // In the last entry of a log, in the last block's neighbours of a table, and in the header.
        for offset in [bytes.len() as u64 - 3, 20] {
            let flip = Wound::FlipBit { offset, bit: 3 };
            fs.damage(&name, &flip).unwrap();
            let damage = engine.verify().unwrap().damage;
            assert!(
                !damage.is_empty() && damage.iter().all(|damage| damage.file == name),
                "{name}: {damage:?}"
            );
            fs.damage(&name, &flip).unwrap();
        }
    }
    assert_eq!(engine.verify().unwrap().damage, []);
}

/// A world in which upkeep is done before every opening of a file, once somebody has been appointed.
struct Busy {
    fs: SimFs,
    engine: Mutex<Option<Weak<dyn Engine>>>,
}

impl Vfs for Busy {
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        self.fs.create(name)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        // Taken while it works: it opens files too.
        let engine = self.engine.lock().unwrap().take();
        if let Some(engine) = engine.as_ref().and_then(Weak::upgrade) {
            while engine.step().unwrap() {}
        }
        *self.engine.lock().unwrap() = engine;
        self.fs.open(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.fs.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.fs.remove(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.fs.list()
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.fs.sync_dir()
    }

    fn lock(&self) -> io::Result<DirLock> {
        self.fs.lock()
    }

    fn location(&self) -> String {
        self.fs.location()
    }
}

#[test]
fn no_file_is_taken_away_while_an_open_store_is_verified() {
    let world = Arc::new(Busy { fs: SimFs::new(), engine: Mutex::new(None) });
    let engine = (STAGE.open)(Arc::clone(&world) as Arc<dyn Vfs>, &by_hand()).unwrap().0;
    fill(&*engine, || world.fs.contents().into_keys().collect());
    *world.engine.lock().unwrap() = Some(Arc::downgrade(&engine));
    let VerifyReport { entries, damage, .. } = engine.verify().unwrap();
    assert!(entries > 2 && damage.is_empty(), "{damage:?}");
    world.engine.lock().unwrap().take();
    assert!(engine.step().unwrap(), "the flush was still to be done");
}

#[test]
fn the_manifest_that_counts_is_read_and_not_left_over() {
    let fs = SimFs::new();
    let engine = (STAGE.open)(Arc::new(fs.clone()), &by_hand()).unwrap().0;
    engine.put(b"key", b"value").unwrap();
    let killed = fs.image(fs.calls(), &Crash::new(CrashKind::ProcessKill, 0));
    let report = (STAGE.verify)(&killed).unwrap();
    assert_eq!((report.damage, report.notes), (vec![], vec![]));
    let read: usize = killed.contents().values().map(Vec::len).sum();
    assert!(report.bytes_read >= read as u64, "{} of {read} bytes", report.bytes_read);
}

/// A store that was closed, and the same one after the death of its process.
fn left_behind() -> [BTreeMap<String, Vec<u8>>; 2] {
    let fs = SimFs::new();
    let engine = (STAGE.open)(Arc::new(fs.clone()), &by_hand()).unwrap().0;
    for _ in 0..2 {
        engine.put(b"key", b"value").unwrap();
        engine.compact().unwrap();
    }
    (0..10).for_each(|key| engine.put(&[key], &[7; 50]).unwrap());
    let killed = fs.image(fs.calls(), &Crash::new(CrashKind::ProcessKill, 0)).contents();
    engine.close().unwrap();
    [fs.contents(), killed]
}

#[test]
fn a_file_that_is_missing_is_told_of() {
    for (files, name) in left_behind().iter().flat_map(|files| files.keys().map(move |name| (files, name))) {
        let mut files = files.clone();
        assert_eq!((STAGE.verify)(&SimFs::holding(files.clone())).unwrap().damage, []);
        let is_mark = files.remove(name).is_some() && name == "CLEAN";
        // Without its mark it is a store that was not closed.
        assert_eq!((STAGE.verify)(&SimFs::holding(files)).unwrap().damage.is_empty(), is_mark, "{name}");
    }
}

/// What stops an opening keeps nobody from reading on.
#[test]
fn damage_is_found_in_each_file_though_another_one_is_damaged_too() {
    let [closed, killed] = left_behind();
    for (files, is_closed) in [(closed, true), (killed, false)] {
        for name in files.keys().filter(|name| *name != "CLEAN") {
            let mut files = files.clone();
            if is_closed {
                files.insert("000099.sst".into(), b"no table".to_vec());
            }
            for (_, bytes) in files.iter_mut().filter(|(other, _)| !is_closed && other.ends_with(".manifest"))
            {
                bytes[20] ^= 1;
            }
            // In the first entry or block.
            let at = if name.contains(".sst") { 20 } else { 100 };
            files.get_mut(name).unwrap()[at] ^= 1;
            let damage = (STAGE.verify)(&SimFs::holding(files)).unwrap().damage;
            assert!(damage.iter().any(|damage| damage.file == *name), "{name}: {damage:?}");
        }
    }
}
