//! A world in which a test decides when a sync returns: what happens meanwhile is no matter of luck.
//!
//! **Invariants** While the gate is shut, a sync of any file tells that it has come and waits; everything else goes
//! through. Every append tells that it is done.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use vfs::{DirLock, File, Vfs, View};

/// What has happened behind the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An append is done.
    Appended,
    /// A sync has come, and waits because the gate is shut.
    SyncWaits,
    /// A sync is done.
    Synced,
}

/// A world with a gate before each sync; clones share it.
#[derive(Clone)]
pub struct Gate {
    inner: Arc<dyn Vfs>,
    control: Arc<Control>,
}

struct Control {
    events: Mutex<Sender<Event>>,
    shut: Mutex<bool>,
    opened: Condvar,
}

struct GatedFile {
    inner: Arc<dyn File>,
    control: Arc<Control>,
}

impl Gate {
    /// An open gate around `inner`, and what tells of the events behind it.
    pub fn new(inner: impl Vfs + 'static) -> (Self, Receiver<Event>) {
        let (events, happened) = channel();
        let control = Control { events: Mutex::new(events), shut: Mutex::new(false), opened: Condvar::new() };
        (Self { inner: Arc::new(inner), control: Arc::new(control) }, happened)
    }

    /// Lets no sync through until what is returned is dropped: also by a test that fails.
    #[must_use]
    pub fn shut(&self) -> Shut {
        self.control.set(true);
        Shut(Arc::clone(&self.control))
    }

    fn gated(&self, inner: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(GatedFile { inner, control: Arc::clone(&self.control) })
    }
}

/// A gate that is shut; dropping it opens the gate again.
pub struct Shut(Arc<Control>);

impl Drop for Shut {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl Control {
    fn set(&self, shut: bool) {
        *self.shut.lock().unwrap_or_else(PoisonError::into_inner) = shut;
        self.opened.notify_all();
    }

    fn tell(&self, event: Event) {
        // Nobody may be listening any more; then there is nobody to tell.
        let _ = self.events.lock().unwrap_or_else(PoisonError::into_inner).send(event);
    }

    fn pass(&self) {
        let mut shut = self.shut.lock().unwrap_or_else(PoisonError::into_inner);
        if *shut {
            self.tell(Event::SyncWaits);
        }
        while *shut {
            shut = self.opened.wait(shut).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Vfs for Gate {
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        Ok(self.gated(self.inner.create(name)?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        Ok(self.gated(self.inner.open(name)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.inner.sync_dir()
    }

    fn lock(&self) -> io::Result<DirLock> {
        self.inner.lock()
    }

    fn location(&self) -> String {
        self.inner.location()
    }
}

impl File for GatedFile {
    fn size(&self) -> io::Result<u64> {
        self.inner.size()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buf, offset)
    }

    fn append(&self, data: &[u8]) -> io::Result<()> {
        let done = self.inner.append(data);
        self.control.tell(Event::Appended);
        done
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.inner.truncate(len)
    }

    fn reserve(&self, bytes: u64) -> io::Result<()> {
        self.inner.reserve(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.control.pass();
        let done = self.inner.sync();
        self.control.tell(Event::Synced);
        done
    }

    fn view(&self) -> io::Result<View> {
        self.inner.view()
    }
}
