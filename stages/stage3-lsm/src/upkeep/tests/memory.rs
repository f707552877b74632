//! What upkeep keeps in memory while it works.

use super::*;
use std::sync::Mutex;
use vfs::{DirLock, File, Vfs};

/// A world that calls back, once, when a file is made.
#[derive(Default)]
struct CallsBack {
    inner: MemFs,
    then: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Vfs for CallsBack {
    fn create(&self, name: &str) -> std::io::Result<Arc<dyn File>> {
        let then = self.then.lock().unwrap().take();
        if let Some(then) = then {
            then();
        }
        self.inner.create(name)
    }

    fn open(&self, name: &str) -> std::io::Result<Arc<dyn File>> {
        self.inner.open(name)
    }

    fn rename(&self, from: &str, to: &str) -> std::io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> std::io::Result<()> {
        self.inner.remove(name)
    }

    fn list(&self) -> std::io::Result<Vec<String>> {
        self.inner.list()
    }

    fn sync_dir(&self) -> std::io::Result<()> {
        self.inner.sync_dir()
    }

    fn lock(&self) -> std::io::Result<DirLock> {
        self.inner.lock()
    }

    fn location(&self) -> String {
        self.inner.location()
    }
}

/// A compaction takes seconds, in which memtables come and go: it needs the tables, and must not keep the others.
#[test]
fn a_compaction_keeps_no_memtable() {
    let world = Arc::new(CallsBack::default());
    let options = Options::new(&SPECS).with("fan-out", "2").unwrap();
    let store = Arc::new(recover::open(world.clone(), Settings::new(&options).unwrap()).unwrap().0);
    while store.due().is_none() {
        store.put(b"key", b"value").unwrap();
        store.flush_all().unwrap();
    }
    store.put(b"key", b"newer").unwrap();
    let memtable = Arc::downgrade(&store.state.load().active);
    let other = Arc::clone(&store);
    let flushed = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&flushed);
    *world.then.lock().unwrap() = Some(Box::new(move || {
        other.flush_all().unwrap();
        *seen.lock().unwrap() = Some(memtable.upgrade().is_none());
    }));
    let job = store.due().unwrap();
    let claim = store.upkeep.try_claim(Kind::Compact, By::Attendant).unwrap();
    store.compact_job(&job, By::Caller).unwrap();
    drop(claim);
    assert_eq!(*flushed.lock().unwrap(), Some(true), "the compaction keeps a memtable that is in a table");
    assert_eq!(store.get(b"key").unwrap().as_deref(), Some(&b"newer"[..]));
}
