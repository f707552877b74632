//! A directory that is a map: the fastest world, and the simplest to be right about.
//!
//! **Invariants** Everything is «durable» at once and nothing survives the process. Clones share one directory, so
//! a test closes a store and opens it again on a clone.

use crate::{DirLock, File, Vfs, View};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// An in-memory directory; clones share it.
#[derive(Clone, Default)]
pub struct MemFs {
    names: Arc<Mutex<BTreeMap<String, Arc<MemFile>>>>,
    lock: Arc<Mutex<bool>>,
}

#[derive(Default)]
struct MemFile {
    bytes: RwLock<Content>,
}

/// A file's bytes; those from `end` on are reserved.
#[derive(Default)]
struct Content {
    bytes: Vec<u8>,
    end: usize,
}

impl MemFs {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a file of these bytes under `name`, replacing any: how tests plant damage.
    pub fn plant(&self, name: &str, bytes: Vec<u8>) {
        let content = Content { end: bytes.len(), bytes };
        self.names().insert(name.to_owned(), Arc::new(MemFile { bytes: RwLock::new(content) }));
    }

    /// A copy of every file, by name.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let names = self.names();
        names.iter().map(|(name, file)| (name.clone(), file.read().bytes.clone())).collect()
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<String, Arc<MemFile>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemFile {
    fn read(&self) -> std::sync::RwLockReadGuard<'_, Content> {
        self.bytes.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Content> {
        self.bytes.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vfs for MemFs {
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let mut names = self.names();
        if names.contains_key(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let file = Arc::new(MemFile::default());
        names.insert(name.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let file = self.names().get(name).map(Arc::clone).ok_or(ErrorKind::NotFound)?;
        let mut content = file.write();
        content.end = content.bytes.len();
        drop(content);
        Ok(file)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut names = self.names();
        let file = names.remove(from).ok_or(ErrorKind::NotFound)?;
        names.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.names().remove(name).map(drop).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.names().keys().cloned().collect())
    }

    fn sync_dir(&self) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self) -> io::Result<DirLock> {
        let mut held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *held, true) {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(DirLock::new(Held(Arc::clone(&self.lock))))
    }

    fn location(&self) -> String {
        "memory".into()
    }
}

/// Clears the flag when dropped.
struct Held(Arc<Mutex<bool>>);

impl Drop for Held {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

impl File for MemFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.read().bytes.len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let content = self.read();
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(content.bytes.len());
        let n = buf.len().min(content.bytes.len() - start);
        buf[..n].copy_from_slice(&content.bytes[start..start + n]);
        Ok(n)
    }

    fn append(&self, data: &[u8]) -> io::Result<()> {
        let mut content = self.write();
        let end = content.end + data.len();
        if content.bytes.len() < end {
            content.bytes.resize(end, 0);
        }
        let start = content.end;
        content.bytes[start..end].copy_from_slice(data);
        content.end = end;
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let mut content = self.write();
        let len = usize::try_from(len).map_err(|_| ErrorKind::InvalidInput)?;
        content.bytes.resize(len, 0);
        content.end = len;
        Ok(())
    }

    fn reserve(&self, bytes: u64) -> io::Result<()> {
        let mut content = self.write();
        let room = usize::try_from(bytes).map_err(|_| ErrorKind::InvalidInput)?;
        let len = content.bytes.len().max(content.end + room);
        content.bytes.resize(len, 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn view(&self) -> io::Result<View> {
        Ok(View::new(self.read().bytes.clone()))
    }
}
