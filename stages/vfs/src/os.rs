//! A real directory: positioned reads and writes, `fdatasync`, directory `fsync`, advisory lock.
//!
//! **Invariants**
//! 1. Opening makes the directory's own entry durable in its parent, and each new ancestor's in its own.
//! 2. The lock is on the directory itself, not on a file inside it: nobody can delete it and own the store twice, a
//!    store on read-only media can be locked, and the kernel drops it when its owner dies.
//! 3. A mapping is made of a sealed file only; this process never writes to, truncates or extends such a file.
//!
//! **Cost** One system call for each call of the traits, none besides.
//!
//! **Source** Pillai et al., *All File Systems Are Not Created Equal*, OSDI 2014, on what a directory `fsync` is for.
#![expect(clippy::disallowed_methods, reason = "this file owns the real filesystem")]

use crate::{DirLock, File, Vfs, View};
use std::fs::{self, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A directory of the operating system.
#[derive(Debug)]
pub struct OsFs {
    path: PathBuf,
    /// Open for as long as we live: what `sync_dir` syncs.
    dir: fs::File,
}

struct OsFile {
    file: fs::File,
    end: AtomicU64,
}

impl OsFs {
    /// Opens a directory, made durably if it is not there.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        create_dir_durably(path.as_ref())?;
        Self::existing(path)
    }

    /// Opens a directory that must exist; changes nothing.
    pub fn existing(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        if !fs::metadata(path)?.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        Ok(Self { path: path.to_owned(), dir: fs::File::open(path)? })
    }
}

/// `mkdir -p`, and a sync of the parent of everything made. A parent is synced also where the directory was there
/// already: an earlier attempt may have died between the two calls.
fn create_dir_durably(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(p) if p.as_os_str().is_empty() => Path::new("."),
        Some(p) => p,
        None => return Ok(()),
    };
    if !path.is_dir() {
        if !parent.is_dir() {
            create_dir_durably(parent)?;
        }
        match fs::create_dir(path) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            other => other?,
        }
    }
    match fs::File::open(parent).and_then(|dir| dir.sync_all()) {
        // A store in a folder whose parent we may not read was not made by us; its entry is not ours to sync.
        Err(e) if matches!(e.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => Ok(()),
        other => other,
    }
}

impl Vfs for OsFs {
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let file =
            fs::OpenOptions::new().read(true).write(true).create_new(true).open(self.path.join(name))?;
        Ok(Arc::new(OsFile { file, end: AtomicU64::new(0) }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let path = self.path.join(name);
        let file = match fs::OpenOptions::new().read(true).write(true).open(&path) {
            Err(e) if matches!(e.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
                fs::File::open(&path)?
            }
            other => other?,
        };
        let end = AtomicU64::new(file.metadata()?.len());
        Ok(Arc::new(OsFile { file, end }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.dir.sync_all()
    }

    fn lock(&self) -> io::Result<DirLock> {
        // A descriptor of its own: a lock belongs to the open file, and must die with the lock, not with `self`.
        let dir = fs::File::open(&self.path)?;
        match dir.try_lock() {
            Ok(()) => Ok(DirLock::new(Held(dir))),
            Err(TryLockError::WouldBlock) => Err(ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    fn location(&self) -> String {
        self.path.display().to_string()
    }
}

/// A locked descriptor, unlocked when dropped. Closing it would not do: a child that is just being spawned holds a
/// copy of the descriptor until it execs, and the kernel keeps the lock until the last copy is closed.
struct Held(fs::File);

impl Drop for Held {
    fn drop(&mut self) {
        // What could fail here leaves the lock to the close that follows.
        let _ = self.0.unlock();
    }
}

impl File for OsFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }

    fn append(&self, data: &[u8]) -> io::Result<()> {
        let end = self.end.load(Ordering::Relaxed);
        self.file.write_all_at(data, end)?;
        self.end.store(end + data.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)?;
        self.end.store(len, Ordering::Relaxed);
        Ok(())
    }

    fn reserve(&self, bytes: u64) -> io::Result<()> {
        reserve(&self.file, self.end.load(Ordering::Relaxed), bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn view(&self) -> io::Result<View> {
        // SAFETY: by invariant 3 this process never changes the file again, and the store's lock keeps other Strata
        // processes out. A program that truncates it all the same makes a read of the mapping a SIGBUS: the price
        // of `--reads mapped`, said in its help, and the reason why it is off by default.
        #[expect(unsafe_code, reason = "the project's only unsafe line: mapping a sealed file")]
        let map = unsafe { memmap2::Mmap::map(&self.file)? };
        Ok(View::new(map))
    }
}

/// Extends the file by whole zero blocks. A filesystem that cannot do it serves as well, only slower.
#[cfg(target_os = "linux")]
fn reserve(file: &fs::File, end: u64, bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    match fallocate(file, FallocateFlags::empty(), end, bytes) {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as where it can fail")]
fn reserve(_: &fs::File, _: u64, _: u64) -> io::Result<()> {
    Ok(())
}
