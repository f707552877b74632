//! A disk that loses, tears and reorders whatever POSIX lets it, and a history from which any crash can be made.
//!
//! [`SimFs`] is a [`Vfs`] like the others, but it records every call that changes something. From the record,
//! [`SimFs::image`] makes what a crash at any of these calls would leave: a fresh [`SimFs`], on which the store is
//! opened and judged while the live run goes on. An image can crash again.
//!
//! **Layout**
//!
//! ```text
//!             each file                                  the directory
//!   visible   bytes that reads see                       names that open and list see
//!   pending   append, truncate, reserve, in order        create, rename, remove, in order
//!   durable   bytes and size after the last good sync    names after the last sync_dir
//! ```
//!
//! **Invariants**
//! 1. An append, truncate or reserve is visible at once and durable only once a sync of that file returned success.
//! 2. A file's sync makes its bytes and size durable, never its name; `sync_dir` makes every name durable, no bytes.
//! 3. Until `sync_dir`, each create, rename and remove may or may not have happened. A rename is atomic and says
//!    nothing about content: the new name may show an empty or partial file.
//! 4. So removed files may come back, created ones may vanish with their synced data, renames may be undone.
//! 5. Locks die with the process. Dropping a handle syncs nothing.
//! 6. A failed sync is reported once. What it covered is never durable afterwards, though the next sync succeeds.
//! 7. The same seed and the same calls give the same image, on every platform.
//!
//! **Where this world is kinder than a disk may be**, on purpose: bytes outside the written range never change
//! ([`Profile::Hard`] lifts that); operations on one *name* land in order and a rename is atomic; a failed `sync_dir`
//! leaves the names pending, and a later one can still land them; nothing that was durable rots by itself
//! ([`SimFs::damage`] is for that); reads and lists return no wrong data; `create` takes no space; `list`, `lock` and
//! `sync_dir` take no descriptor; the directory's own entry in its parent is not modelled. **Where it is harsher**: after
//! a failed sync, a later append to the same page does not carry the lost bytes along.
//!
//! **Cost** A call copies its bytes once. An image costs one replay of the calls since the last image, and a
//! copy of each file with pending operations.
//!
//! **Source** The rules: Pillai et al., *All File Systems Are Not Created Equal*, OSDI 2014. Failed syncs: Rebello
//! et al., *Can Applications Recover from fsync Failures?*, ATC 2020. Recording, then crashing at every call:
//! Mohan et al., *Finding Crash-Consistency Bugs with Bounded Black-Box Crash Testing*, OSDI 2018.

mod call;
mod crash;
mod damage;
mod disk;
mod fault;
mod file;
mod names;
mod outcome;
mod rng;
mod tear;
mod world;

use crate::{DirLock, File, Vfs};
use call::Act;
use fault::{Armed, Failure};
use file::SimFile;
use rng::Rng;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use world::World;

pub use call::{Call, Op};
pub use crash::{Crash, CrashKind, Loss, Profile};
pub use damage::Wound;
pub use fault::{Aim, Effect, Errno, Fault, Lasts, On};

/// A simulated directory; clones share it.
///
/// ```
/// use vfs::sim::{Crash, CrashKind, SimFs};
/// use vfs::{File, Vfs};
///
/// let fs = SimFs::new();
/// let log = fs.create("log")?;
/// log.append(b"hello")?;
/// log.sync()?;
/// // The name was never made durable. At every call, with luck of every sort:
/// for at_call in 0..=fs.calls() {
///     let image = fs.image(at_call, &Crash::new(CrashKind::Names, 7));
///     println!("before call {at_call}: {:?} {:?}", image.contents(), image.losses());
/// }
/// let image = fs.image(fs.calls(), &Crash::new(CrashKind::Names, 0).names(0));
/// assert!(image.contents().is_empty());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct SimFs {
    world: Arc<Mutex<World>>,
}

impl SimFs {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many mutating calls have been recorded, failed ones too.
    pub fn calls(&self) -> u64 {
        self.world().calls.len() as u64
    }

    /// How many calls that can fail have been made, reads too. [`On::Any`] counts these.
    pub fn all_calls(&self) -> u64 {
        self.world().all_calls
    }

    /// The recorded calls.
    pub fn history(&self) -> Vec<Call> {
        self.world().calls.clone()
    }

    /// The recorded calls as lines: `#17 append 000001.log 128 bytes at 64`.
    pub fn story(&self) -> Vec<String> {
        self.world().calls.iter().enumerate().map(|(i, call)| format!("#{i} {call}")).collect()
    }

    /// Starts the history anew, so that a long run need not keep its bytes: what is pending stays pending, and the
    /// next call is number 0.
    pub fn forget(&self) {
        self.world().forget();
    }

    /// What a crash would leave that comes before the mutating call `at_call` takes effect: 0 is before the first,
    /// [`SimFs::calls`] after the last, and what is larger counts as that. Faults and modes are not inherited.
    #[must_use]
    pub fn image(&self, at_call: u64, crash: &Crash) -> Self {
        let mut world = self.world();
        let at = usize::try_from(at_call).unwrap_or(usize::MAX).min(world.calls.len());
        let in_flight = world.calls.get(at).cloned();
        let is_sync = |call: &Call| matches!(call.op(), Op::Sync | Op::SyncDir);
        let with_it = crash.kind.draws() && in_flight.as_ref().is_some_and(|call| !is_sync(call));
        let disk = world.disk_at(at + usize::from(with_it));
        let (disk, losses) = crash::image(disk, at as u64, in_flight.as_ref(), crash);
        Self { world: Arc::new(Mutex::new(World::new(disk, losses))) }
    }

    /// How many values [`Crash::tear`] has at this call: *n* + 1 before an append of *n* bytes, else 1.
    pub fn tears(&self, at_call: u64) -> u64 {
        let world = self.world();
        crash::tears(usize::try_from(at_call).ok().and_then(|at| world.calls.get(at)))
    }

    /// How many name operations are pending in a crash at this call, the one in flight included: the bits that
    /// [`Crash::names`] has a say in.
    pub fn pending_names(&self, at_call: u64) -> u64 {
        let mut world = self.world();
        let at = usize::try_from(at_call).unwrap_or(usize::MAX).min(world.calls.len());
        let in_flight = world.calls.get(at).map_or(Op::SyncDir, Call::op);
        world.disk_at(at + usize::from(in_flight != Op::SyncDir)).pending_names.len() as u64
    }

    /// How many states a power loss at this call can leave, the call in flight done, undone or in between, as
    /// [`Crash::outcome`] numbers them: each subset of the pending names, and each file's bytes and size at each
    /// boundary between its pending operations. As many as fit the type where there are more.
    pub fn outcomes(&self, at_call: u64) -> u64 {
        let mut world = self.world();
        let at = usize::try_from(at_call).unwrap_or(usize::MAX).min(world.calls.len());
        let pends = world.calls.get(at).is_some_and(|call| !matches!(call.op(), Op::Sync | Op::SyncDir));
        outcome::count(world.disk_at(at + usize::from(pends)))
    }

    /// What the crash that left this image took away, for a failure's message. Empty for a world that is no image.
    pub fn losses(&self) -> Vec<Loss> {
        self.world().losses.clone()
    }

    /// Aims an error. It counts calls from now on; several faults count independently, and the first wins.
    pub fn inject(&self, fault: Fault) {
        self.world().faults.push(Armed::new(fault));
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        self.world().faults.clear();
    }

    /// How many calls have failed because of a fault: an error that was injected must have been reported.
    pub fn faults_struck(&self) -> u64 {
        self.world().struck
    }

    /// From now on a read returns any number of bytes from 1 to what it could. `None` ends it.
    pub fn short_reads(&self, seed: Option<u64>) {
        self.world().modes.short_reads = seed.map(|seed| Rng::new(seed, 1));
    }

    /// From now on a third of the reads fail with `Interrupted`. `None` ends it.
    pub fn interrupt_reads(&self, seed: Option<u64>) {
        self.world().modes.interrupts = seed.map(|seed| Rng::new(seed, 2));
    }

    /// From now on [`Vfs::list`] breaks its promise of order, each time differently. `None` ends it.
    pub fn shuffle_lists(&self, seed: Option<u64>) {
        self.world().modes.shuffle = seed.map(|seed| Rng::new(seed, 3));
    }

    /// Lets so many file handles be open at once; the next fails with [`Errno::Emfile`].
    pub fn max_open_files(&self, count: Option<u64>) {
        self.world().modes.max_handles = count;
    }

    /// How many file handles are open now.
    pub fn open_files(&self) -> u64 {
        self.world().open_handles()
    }

    /// Gives the disk room for so many bytes, those of removed files that are still open included. An append that
    /// finds too little writes what fits and fails with [`Errno::Enospc`].
    pub fn capacity(&self, bytes: Option<u64>) {
        self.world().modes.capacity = bytes;
    }

    /// Puts off allocation: appends over the capacity succeed, and the file's sync fails, with its pages lost.
    pub fn delayed_allocation(&self, on: bool) {
        self.world().modes.delayed = on;
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, id: usize, end: u64) -> Arc<dyn File> {
        Arc::new(SimFile::new(Arc::clone(&self.world), id, end))
    }
}

impl Vfs for SimFs {
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let mut world = self.world();
        let taken = world.disk.names.contains_key(name).then_some(Failure::plain(Errno::Eexist));
        let failure = world.gate(Op::Create, [name, ""]).or(taken).or_else(|| world.handle_room());
        world.run(Act::Create { name: name.into() }, failure)?;
        let (id, end) = world.acquire(name)?;
        drop(world);
        Ok(self.handle(id, end))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let mut world = self.world();
        let failure = world.gate(Op::Open, [name, ""]).or_else(|| world.handle_room());
        if let Some(failure) = failure {
            return Err(failure.error.into());
        }
        let (id, end) = world.acquire(name)?;
        drop(world);
        Ok(self.handle(id, end))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut world = self.world();
        let missing = (!world.disk.names.contains_key(from)).then_some(Failure::plain(Errno::Enoent));
        let failure = world.gate(Op::Rename, [from, to]).or(missing);
        world.run(Act::Rename { from: from.into(), to: to.into() }, failure)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut world = self.world();
        let missing = (!world.disk.names.contains_key(name)).then_some(Failure::plain(Errno::Enoent));
        let failure = world.gate(Op::Remove, [name, ""]).or(missing);
        world.run(Act::Remove { name: name.into() }, failure)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut world = self.world();
        world.look(Op::List, "")?;
        let mut names: Vec<String> = world.disk.names.keys().map(ToString::to_string).collect();
        if let Some(rng) = &mut world.modes.shuffle {
            for i in (1..names.len()).rev() {
                names.swap(i, rng.index(i + 1));
            }
        }
        Ok(names)
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut world = self.world();
        let failure = world.gate(Op::SyncDir, ["", ""]);
        world.run(Act::SyncDir, failure)
    }

    fn lock(&self) -> io::Result<DirLock> {
        let mut world = self.world();
        world.look(Op::Lock, "")?;
        if std::mem::replace(&mut world.locked, true) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(DirLock::new(Held(Arc::clone(&self.world))))
    }

    fn location(&self) -> String {
        "simulation".into()
    }
}

/// Gives the directory free when dropped.
struct Held(Arc<Mutex<World>>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).locked = false;
    }
}
