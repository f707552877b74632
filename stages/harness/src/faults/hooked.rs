//! A world that does something else on the way to another: the one place where both traits are passed through.

use std::io;
use std::sync::Arc;
use vfs::sim::Op as Call;
use vfs::{DirLock, File, Vfs, View};

/// What happens on the way. Each function does what it says by default; a test overrides the one that it is about.
/// `name` is the one under which a file was opened or created.
pub trait Hooks: Send + Sync + 'static {
    /// Before every call, also of those that have no function of their own here. An error ends the call.
    fn before(&self, _call: Call, _name: &str) -> io::Result<()> {
        Ok(())
    }

    /// Instead of [`Vfs::create`].
    fn create(&self, vfs: &dyn Vfs, name: &str) -> io::Result<Arc<dyn File>> {
        vfs.create(name)
    }

    /// Instead of [`Vfs::rename`].
    fn rename(&self, vfs: &dyn Vfs, from: &str, to: &str) -> io::Result<()> {
        vfs.rename(from, to)
    }

    /// Instead of [`Vfs::remove`].
    fn remove(&self, vfs: &dyn Vfs, name: &str) -> io::Result<()> {
        vfs.remove(name)
    }

    /// Instead of [`Vfs::sync_dir`].
    fn sync_dir(&self, vfs: &dyn Vfs) -> io::Result<()> {
        vfs.sync_dir()
    }

    /// Instead of [`Vfs::lock`].
    fn lock(&self, vfs: &dyn Vfs) -> io::Result<DirLock> {
        vfs.lock()
    }

    /// Instead of [`File::read_at`].
    fn read_at(&self, file: &dyn File, _name: &str, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        file.read_at(buf, offset)
    }

    /// Instead of [`File::append`].
    fn append(&self, file: &dyn File, data: &[u8]) -> io::Result<()> {
        file.append(data)
    }

    /// Instead of [`File::reserve`].
    fn reserve(&self, file: &dyn File, bytes: u64) -> io::Result<()> {
        file.reserve(bytes)
    }

    /// Instead of [`File::sync`].
    fn sync(&self, file: &dyn File) -> io::Result<()> {
        file.sync()
    }

    /// Instead of [`File::view`].
    fn view(&self, file: &dyn File, _name: &str) -> io::Result<View> {
        file.view()
    }
}

/// A world behind hooks.
pub struct Hooked<H> {
    inner: Arc<dyn Vfs>,
    hooks: Arc<H>,
}

struct HookedFile<H> {
    inner: Arc<dyn File>,
    name: String,
    hooks: Arc<H>,
}

impl<H: Hooks> Hooked<H> {
    /// Puts `hooks` before `inner`.
    pub fn new(inner: Arc<dyn Vfs>, hooks: H) -> Self {
        Self { inner, hooks: Arc::new(hooks) }
    }

    /// The hooks, for a test that changes what they do.
    pub fn hooks(&self) -> &H {
        &self.hooks
    }

    fn file(&self, name: &str, inner: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(HookedFile { inner, name: name.to_owned(), hooks: Arc::clone(&self.hooks) })
    }
}

impl<H: Hooks> Vfs for Hooked<H> {
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        self.hooks.before(Call::Create, name)?;
        Ok(self.file(name, self.hooks.create(&*self.inner, name)?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        self.hooks.before(Call::Open, name)?;
        Ok(self.file(name, self.inner.open(name)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.hooks.before(Call::Rename, to)?;
        self.hooks.rename(&*self.inner, from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.hooks.before(Call::Remove, name)?;
        self.hooks.remove(&*self.inner, name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.hooks.before(Call::List, "")?;
        self.inner.list()
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.hooks.before(Call::SyncDir, "")?;
        self.hooks.sync_dir(&*self.inner)
    }

    fn lock(&self) -> io::Result<DirLock> {
        self.hooks.before(Call::Lock, "")?;
        self.hooks.lock(&*self.inner)
    }

    fn location(&self) -> String {
        self.inner.location()
    }
}

impl<H: Hooks> File for HookedFile<H> {
    fn size(&self) -> io::Result<u64> {
        self.hooks.before(Call::Size, &self.name)?;
        self.inner.size()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.hooks.before(Call::Read, &self.name)?;
        self.hooks.read_at(&*self.inner, &self.name, buf, offset)
    }

    fn append(&self, data: &[u8]) -> io::Result<()> {
        self.hooks.before(Call::Append, &self.name)?;
        self.hooks.append(&*self.inner, data)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.hooks.before(Call::Truncate, &self.name)?;
        self.inner.truncate(len)
    }

    fn reserve(&self, bytes: u64) -> io::Result<()> {
        self.hooks.before(Call::Reserve, &self.name)?;
        self.hooks.reserve(&*self.inner, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.hooks.before(Call::Sync, &self.name)?;
        self.hooks.sync(&*self.inner)
    }

    fn view(&self) -> io::Result<View> {
        self.hooks.before(Call::View, &self.name)?;
        self.hooks.view(&*self.inner, &self.name)
    }
}
