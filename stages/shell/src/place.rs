//! Where a store lies: a directory, or memory for an engine that keeps nothing.

use crate::failure::Failure;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vfs::{DirLock, File, MemFs, OsFs, Vfs};

/// A store's place, which may not exist yet.
#[derive(Clone)]
pub(crate) struct Place {
    path: Option<PathBuf>,
    /// How messages call it.
    pub(crate) name: String,
}

impl Place {
    /// A directory.
    pub(crate) fn directory(path: &Path) -> Self {
        Self { name: path.display().to_string(), path: Some(path.to_owned()) }
    }

    /// Memory, which is gone with the process.
    pub(crate) fn memory() -> Self {
        Self { path: None, name: "memory".into() }
    }

    /// The same place by another name: the tour's output must not show where its temporary directory lies.
    pub(crate) fn called(self, name: &str) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The directory, made durably if it is not there.
    pub(crate) fn create(&self) -> Result<Arc<dyn Vfs>, Failure> {
        match &self.path {
            None => Ok(Arc::new(MemFs::new())),
            Some(path) => match OsFs::create(path) {
                Ok(fs) => Ok(Arc::new(fs)),
                Err(e) => Err(Failure::World(format!("cannot open the directory {}", self.name), e)),
            },
        }
    }

    /// The directory, which must be there; nothing is changed.
    pub(crate) fn existing(&self) -> Result<Arc<dyn Vfs>, Failure> {
        let Some(path) = &self.path else { return Ok(Arc::new(MemFs::new())) };
        match OsFs::existing(path) {
            Ok(fs) => Ok(Arc::new(fs)),
            Err(e) if e.kind() == ErrorKind::NotFound => Err(Failure::World(
                format!("there is no store at {} (a first «put» or «import» makes one)", self.name),
                e,
            )),
            Err(e) => Err(Failure::World(format!("cannot open the directory {}", self.name), e)),
        }
    }

    /// Whether nothing is there, or an empty directory.
    pub(crate) fn is_vacant(&self) -> bool {
        let Some(path) = &self.path else { return true };
        match OsFs::existing(path) {
            Ok(fs) => fs.list().is_ok_and(|names| names.is_empty()),
            Err(e) => e.kind() == ErrorKind::NotFound,
        }
    }
}

/// The directory of a store that this process has open: asking for its lock succeeds, because we hold it.
///
/// It lets `inspect` and `salvage` read the files of the running store. They change no byte.
pub(crate) struct Held(pub(crate) Arc<dyn Vfs>);

impl Vfs for Held {
    fn create(&self, name: &str) -> std::io::Result<Arc<dyn File>> {
        self.0.create(name)
    }

    fn open(&self, name: &str) -> std::io::Result<Arc<dyn File>> {
        self.0.open(name)
    }

    fn rename(&self, from: &str, to: &str) -> std::io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &str) -> std::io::Result<()> {
        self.0.remove(name)
    }

    fn list(&self) -> std::io::Result<Vec<String>> {
        self.0.list()
    }

    fn sync_dir(&self) -> std::io::Result<()> {
        self.0.sync_dir()
    }

    fn lock(&self) -> std::io::Result<DirLock> {
        Ok(DirLock::new(()))
    }

    fn location(&self) -> String {
        self.0.location()
    }
}
