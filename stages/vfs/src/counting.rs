//! A decorator that counts what passes through it: amplification is measured from outside the engine.

use crate::{DirLock, File, Vfs, View};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A world that counts the calls and bytes that reach the world inside it.
pub struct Counting {
    inner: Arc<dyn Vfs>,
    counters: Arc<Counters>,
}

/// What has passed through a [`Counting`] world since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls of [`File::append`].
    pub appends: u64,
    /// Bytes handed to [`File::append`].
    pub appended_bytes: u64,
    /// Calls of [`File::read_at`].
    pub reads: u64,
    /// Bytes that [`File::read_at`] returned.
    pub read_bytes: u64,
    /// Calls of [`File::sync`].
    pub syncs: u64,
    /// Calls of [`Vfs::sync_dir`].
    pub dir_syncs: u64,
    /// Calls of [`Vfs::create`], [`Vfs::rename`] and [`Vfs::remove`].
    pub name_changes: u64,
}

#[derive(Default)]
struct Counters {
    appends: AtomicU64,
    appended_bytes: AtomicU64,
    reads: AtomicU64,
    read_bytes: AtomicU64,
    syncs: AtomicU64,
    dir_syncs: AtomicU64,
    name_changes: AtomicU64,
}

struct CountingFile {
    inner: Arc<dyn File>,
    counters: Arc<Counters>,
}

impl Counting {
    /// Counts what reaches `inner`.
    pub fn new(inner: Arc<dyn Vfs>) -> Self {
        Self { inner, counters: Arc::default() }
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        let c = &self.counters;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            appends: get(&c.appends),
            appended_bytes: get(&c.appended_bytes),
            reads: get(&c.reads),
            read_bytes: get(&c.read_bytes),
            syncs: get(&c.syncs),
            dir_syncs: get(&c.dir_syncs),
            name_changes: get(&c.name_changes),
        }
    }

    fn file(&self, inner: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(CountingFile { inner, counters: Arc::clone(&self.counters) })
    }
}

fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

impl Vfs for Counting {
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        add(&self.counters.name_changes, 1);
        Ok(self.file(self.inner.create(name)?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        Ok(self.file(self.inner.open(name)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        add(&self.counters.name_changes, 1);
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        add(&self.counters.name_changes, 1);
        self.inner.remove(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn sync_dir(&self) -> io::Result<()> {
        add(&self.counters.dir_syncs, 1);
        self.inner.sync_dir()
    }

    fn lock(&self) -> io::Result<DirLock> {
        self.inner.lock()
    }

    fn location(&self) -> String {
        self.inner.location()
    }
}

impl File for CountingFile {
    fn size(&self) -> io::Result<u64> {
        self.inner.size()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let n = self.inner.read_at(buf, offset)?;
        add(&self.counters.reads, 1);
        add(&self.counters.read_bytes, n as u64);
        Ok(n)
    }

    fn append(&self, data: &[u8]) -> io::Result<()> {
        add(&self.counters.appends, 1);
        add(&self.counters.appended_bytes, data.len() as u64);
        self.inner.append(data)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.inner.truncate(len)
    }

    fn reserve(&self, bytes: u64) -> io::Result<()> {
        self.inner.reserve(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        add(&self.counters.syncs, 1);
        self.inner.sync()
    }

    fn view(&self) -> io::Result<View> {
        self.inner.view()
    }
}
