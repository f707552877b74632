//! Open files, no more than a limit: a segment's file is opened when it is read, and closed when others need its place.
//!
//! **Invariants**
//! 1. A *pinned* file stays open: the active segment's, which is appended to, a full one's until it is synced, and one
//!    that has lost its name but is still read by somebody.
//! 2. Of the others at most the limit are open, a few more while reads in flight still hold what was just closed.
//! 3. Once the store is closed nothing is opened any more: the names may belong to its next owner. What is open stays
//!    open for those who still read it.
//! 4. Nobody waits for another's read: only opening and closing take the lock.
//!
//! **Cost** A read of an open file takes no lock. Closing picks the file that was not read since the last round:
//! the second-chance clock of page caches.

use arc_swap::ArcSwapOption;
use contract::{IoContext, Result};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use vfs::{File, Vfs, View};

/// The open files of a store.
pub struct Handles {
    vfs: Arc<dyn Vfs>,
    limit: usize,
    closed: AtomicBool,
    /// Unpinned files that are open, in the order in which the clock's hand meets them.
    open: Mutex<VecDeque<Weak<Pooled>>>,
}

/// A file that is open only while it has to be.
pub struct Pooled {
    handles: Arc<Handles>,
    name: String,
    held: ArcSwapOption<Opened>,
    pinned: AtomicBool,
    /// Read since the hand last came by.
    used: AtomicBool,
    /// Itself, for the clock.
    this: Weak<Self>,
}

/// A handle: what an `ArcSwapOption` can hold.
struct Opened(Arc<dyn File>);

impl Handles {
    /// At most `limit` files of `vfs`.
    pub fn new(vfs: Arc<dyn Vfs>, limit: usize) -> Arc<Self> {
        Arc::new(Self { vfs, limit: limit.max(1), closed: AtomicBool::new(false), open: Mutex::default() })
    }

    /// A file that is open already, pinned.
    pub fn pinned(self: &Arc<Self>, name: &str, file: Arc<dyn File>) -> Arc<Pooled> {
        Arc::new_cyclic(|this| Pooled {
            handles: Arc::clone(self),
            name: name.to_owned(),
            held: ArcSwapOption::new(Some(Arc::new(Opened(file)))),
            pinned: AtomicBool::new(true),
            used: AtomicBool::new(false),
            this: this.clone(),
        })
    }

    /// Opens nothing any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether the store is closed.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// How many unpinned files are open.
    pub fn open_count(&self) -> usize {
        self.clock().len()
    }

    fn clock(&self) -> std::sync::MutexGuard<'_, VecDeque<Weak<Pooled>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ANCHOR: evict
    /// Closes files until no more than the limit are open: whichever was not read since the hand last met it.
    fn evict(&self, clock: &mut VecDeque<Weak<Pooled>>) {
        while clock.len() > self.limit
            && let Some(next) = clock.pop_front()
        {
            let Some(file) = next.upgrade() else { continue };
            if file.pinned.load(Ordering::Acquire) {
                continue;
            }
            if file.used.swap(false, Ordering::Relaxed) {
                clock.push_back(next);
            } else {
                file.held.store(None);
            }
        }
    }
    // ANCHOR_END: evict
}

impl Pooled {
    /// Keeps the file open from now on, also without a name.
    pub fn pin(&self) -> Result<()> {
        self.pinned.store(true, Ordering::Release);
        // Opened only after it cannot be closed any more.
        self.file().map(drop).during("open", &self.name)
    }

    /// Lets the file be closed when others need its place.
    pub fn unpin(&self) {
        let mut clock = self.handles.clock();
        if self.pinned.swap(false, Ordering::AcqRel) && self.held.load().is_some() {
            clock.push_back(self.this.clone());
            self.handles.evict(&mut clock);
        }
    }

    fn file(&self) -> io::Result<Arc<Opened>> {
        if let Some(held) = self.held.load_full() {
            return Ok(held);
        }
        self.reopen()
    }

    fn reopen(&self) -> io::Result<Arc<Opened>> {
        let mut clock = self.handles.clock();
        if let Some(held) = self.held.load_full() {
            return Ok(held);
        }
        if self.handles.is_closed() {
            return Err(io::Error::other("the store is closed"));
        }
        let opened = Arc::new(Opened(self.handles.vfs.open(&self.name)?));
        self.held.store(Some(Arc::clone(&opened)));
        if !self.pinned.load(Ordering::Acquire) {
            clock.push_back(self.this.clone());
            self.handles.evict(&mut clock);
        }
        Ok(opened)
    }
}

impl File for Pooled {
    fn size(&self) -> io::Result<u64> {
        self.file()?.0.size()
    }

    // ANCHOR: read_at
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        // The way of every get: no shared counter is touched, and the mark is written only where it is missing.
        if let Some(held) = &*self.held.load() {
            if !self.used.load(Ordering::Relaxed) {
                self.used.store(true, Ordering::Relaxed);
            }
            return held.0.read_at(buf, offset);
        }
        self.reopen()?.0.read_at(buf, offset)
    }
    // ANCHOR_END: read_at

    fn append(&self, data: &[u8]) -> io::Result<()> {
        // The way of every put: the file is pinned, so it is open.
        match &*self.held.load() {
            Some(held) => held.0.append(data),
            None => self.reopen()?.0.append(data),
        }
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.file()?.0.truncate(len)
    }

    fn reserve(&self, bytes: u64) -> io::Result<()> {
        self.file()?.0.reserve(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.file()?.0.sync()
    }

    fn view(&self) -> io::Result<View> {
        self.file()?.0.view()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vfs::MemFs;

    fn read(file: &Pooled) -> u8 {
        let mut byte = [0];
        file.read_at(&mut byte, 0).unwrap();
        byte[0]
    }

    #[test]
    fn at_most_the_limit_stays_open_and_every_file_can_still_be_read() {
        let fs = MemFs::new();
        let handles = Handles::new(Arc::new(fs.clone()), 3);
        let files: Vec<_> = (0..10u8)
            .map(|i| {
                let name = format!("{i}");
                fs.plant(&name, vec![i]);
                handles.pinned(&name, fs.open(&name).unwrap())
            })
            .collect();
        assert_eq!(handles.open_count(), 0);
        for file in &files {
            file.unpin();
            assert!(handles.open_count() <= 3);
        }
        for round in 0..3 {
            for (i, file) in files.iter().enumerate() {
                assert_eq!(usize::from(read(file)), i, "round {round}");
                assert!(handles.open_count() <= 3);
            }
        }
    }

    #[test]
    fn a_pinned_file_outlives_its_name_and_any_number_of_others() {
        let fs = MemFs::new();
        let handles = Handles::new(Arc::new(fs.clone()), 1);
        let open = |name: &str, byte: u8| {
            fs.plant(name, vec![byte]);
            handles.pinned(name, fs.open(name).unwrap())
        };
        let (kept, other) = (open("kept", 7), open("other", 8));
        kept.unpin();
        other.unpin();
        kept.pin().unwrap();
        fs.remove("kept").unwrap();
        assert_eq!((read(&other), read(&kept)), (8, 7));
        other.unpin();
        assert_eq!((read(&other), read(&kept), handles.open_count()), (8, 7, 1));
    }

    #[test]
    fn a_file_that_is_pinned_again_is_not_closed_when_its_turn_comes() {
        let fs = MemFs::new();
        let handles = Handles::new(Arc::new(fs.clone()), 1);
        let files = ["kept", "a", "b"].map(|name| {
            fs.plant(name, vec![7]);
            handles.pinned(name, fs.open(name).unwrap())
        });
        files[0].unpin();
        files[0].pin().unwrap();
        fs.remove("kept").unwrap();
        for other in &files[1..] {
            other.unpin();
        }
        assert_eq!(read(&files[0]), 7);
    }

    #[test]
    fn nothing_is_opened_once_the_store_is_closed() {
        let fs = MemFs::new();
        let handles = Handles::new(Arc::new(fs.clone()), 1);
        let files = ["a", "b"].map(|name| {
            fs.plant(name, vec![7]);
            handles.pinned(name, fs.open(name).unwrap())
        });
        for file in &files {
            file.unpin();
        }
        handles.close();
        let open = files.iter().filter(|file| file.read_at(&mut [0], 0).is_ok()).count();
        assert_eq!(open, 1, "what is open stays so, and the other one is not opened");
    }
}
