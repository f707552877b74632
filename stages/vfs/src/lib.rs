//! The world the engines live in: one flat directory of append-only files behind two small traits.
//!
//! An engine never names a path, a clock or a thread; it is handed an [`Arc<dyn Vfs>`](Vfs) and does all of its
//! input and output through it. So the world can be swapped under an unchanged engine: [`OsFs`] is a real
//! directory, [`MemFs`] a map, [`Counting`] counts what passes through it, and [`SimFs`] is a disk that loses,
//! tears and reorders whatever POSIX lets it.
//!
//! **Invariants**
//! 1. A file has a *written end*, and [`File::append`] writes there. There is no way to overwrite a byte.
//! 2. An operation is durable only after the call that makes it so returned success: [`File::sync`] for a file's
//!    bytes and size, [`Vfs::sync_dir`] for names. A file's sync never makes its name durable.
//! 3. A file that is open stays readable after its name is removed or replaced.
//! 4. Dropping a handle syncs nothing.
//!
//! **Cost** A 4 KiB cached read costs the same through `Arc<dyn File>` as without it, so `dyn` here is free.
#![cfg_attr(not(unix), forbid(unsafe_code))]

mod counting;
mod mem;
#[cfg(unix)]
mod os;
pub mod sim;

use std::any::Any;
use std::io;
use std::ops::Deref;
use std::sync::Arc;

pub use counting::{Counting, Counts};
pub use mem::MemFs;
#[cfg(unix)]
pub use os::OsFs;
pub use sim::SimFs;

/// A flat directory. Names are plain file names; there are no folders inside.
pub trait Vfs: Send + Sync {
    /// Creates an empty file for reading and appending. Fails with `AlreadyExists` if the name is taken.
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Opens an existing file; its written end is its present size. On a read-only filesystem the handle reads
    /// and its appends fail.
    fn open(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Gives `from` the name `to`, atomically; a file that had the name `to` loses it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a name. Handles that are open go on reading.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Every name in the directory, sorted by bytes; also names that no engine made.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes every earlier create, rename and remove durable.
    fn sync_dir(&self) -> io::Result<()>;

    /// Takes the directory for this owner alone until the lock is dropped or its process dies.
    /// Fails with `WouldBlock` while another owner, in this process or another, holds it.
    fn lock(&self) -> io::Result<DirLock>;

    /// Where this directory is, for messages only.
    fn location(&self) -> String;
}

/// An append-only file. One caller appends at a time; any number read.
pub trait File: Send + Sync {
    /// The file's size in bytes, reserved bytes included.
    fn size(&self) -> io::Result<u64>;

    /// Reads at `offset` into `buf` and returns how many bytes came: fewer than asked for at the end of the
    /// file, and anywhere else if the world so pleases; 0 only at or beyond the end. See [`read_full`].
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `data` at the written end and advances it. After an error any part of `data` may be in the
    /// file beyond the written end, which has not moved.
    fn append(&self, data: &[u8]) -> io::Result<()>;

    /// Cuts the file to `len` bytes, which becomes its written end.
    fn truncate(&self, len: u64) -> io::Result<()>;

    /// Asks for `bytes` of room beyond the written end, so that later syncs need not commit a new size.
    /// The room reads as zeros and is not data. A world may ignore it.
    fn reserve(&self, bytes: u64) -> io::Result<()>;

    /// Returns once the file's bytes and size are on the device; not its name.
    /// After an error nothing is known about the bytes since the last success, and asking again proves nothing.
    fn sync(&self) -> io::Result<()>;

    /// The whole file as one slice, for a file that will never change again. The real filesystem maps it; the
    /// others copy it.
    fn view(&self) -> io::Result<View>;
}

/// Ownership of a directory; dropping it gives the directory free.
pub struct DirLock(#[expect(dead_code, reason = "held for its drop")] Box<dyn Any + Send + Sync>);

impl DirLock {
    /// Wraps whatever must be dropped to give the directory free.
    pub fn new(held: impl Any + Send + Sync) -> Self {
        Self(Box::new(held))
    }
}

/// An immutable file's bytes, mapped or copied.
pub struct View(Box<dyn AsRef<[u8]> + Send + Sync>);

impl View {
    /// Wraps the owner of the bytes.
    pub fn new(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self(Box::new(bytes))
    }
}

impl Deref for View {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

/// Reads until `buf` is full or the file ends, and returns how many bytes came. Interrupted reads are repeated.
pub fn read_full(file: &dyn File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(&mut buf[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}
