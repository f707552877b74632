//! The calls: a store, a batch, a walk.

#[expect(clippy::wildcard_imports, reason = "C has no namespaces: each name says whose it is")]
use leveldb_sys::*;
use std::ffi::{CStr, CString, c_char};
use std::ptr::{null, null_mut};
use std::sync::Arc;

/// What LevelDB said when a call failed.
#[derive(Debug)]
pub struct Failed(String);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

/// What a store is opened with.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Bytes of a memtable.
    pub write_buffer_bytes: usize,
    /// Bytes of the block cache.
    pub cache_bytes: usize,
    /// Bits of filter for each key.
    pub filter_bits: i32,
    /// Whether blocks are compressed by Snappy, which is its default.
    pub compressed: bool,
    /// Whether each write is on the device before it returns.
    pub synced: bool,
}

/// An open store.
#[derive(Debug)]
pub struct Db {
    raw: *mut leveldb_t,
    options: *mut leveldb_options_t,
    cache: *mut leveldb_cache_t,
    filter: *mut leveldb_filterpolicy_t,
    read: *mut leveldb_readoptions_t,
    write: *mut leveldb_writeoptions_t,
    synced: *mut leveldb_writeoptions_t,
}

// SAFETY: «a database may be accessed by many threads without any external synchronisation», says LevelDB of its
// store; the options are only read once they are set.
unsafe impl Send for Db {}
// SAFETY: as above.
unsafe impl Sync for Db {}

impl Db {
    /// Opens the store in `dir`, or makes one. Fails as LevelDB does.
    pub fn open(dir: &str, settings: &Settings) -> Result<Self, Failed> {
        let name = CString::new(dir).map_err(|e| Failed(e.to_string()))?;
        // SAFETY: each is created here and set before anybody else knows of it. The store keeps pointers to cache and
        // filter, which live until `drop` has closed it.
        let mut made = unsafe {
            Self {
                raw: null_mut(),
                options: leveldb_options_create(),
                cache: leveldb_cache_create_lru(settings.cache_bytes),
                filter: leveldb_filterpolicy_create_bloom(settings.filter_bits),
                read: leveldb_readoptions_create(),
                write: leveldb_writeoptions_create(),
                synced: leveldb_writeoptions_create(),
            }
        };
        // SAFETY: all are valid, see above; the name ends with a zero and is copied.
        made.raw = unsafe {
            leveldb_options_set_create_if_missing(made.options, 1);
            let compression = if settings.compressed { Compression::Snappy } else { Compression::No };
            leveldb_options_set_compression(made.options, compression);
            leveldb_options_set_write_buffer_size(made.options, settings.write_buffer_bytes);
            leveldb_options_set_cache(made.options, made.cache);
            leveldb_options_set_filter_policy(made.options, made.filter);
            leveldb_writeoptions_set_sync(made.write, u8::from(settings.synced));
            leveldb_writeoptions_set_sync(made.synced, 1);
            checked(|error| leveldb_open(made.options, name.as_ptr(), error))?
        };
        Ok(made)
    }

    /// The value of a key. Fails as LevelDB does.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Failed> {
        let mut len = 0;
        // SAFETY: store and options are valid while `self` is; the key is only read. What comes back is ours, `len`
        // bytes, until it is freed.
        unsafe {
            let (db, read) = (self.raw, self.read);
            let value = checked(|error| leveldb_get(db, read, start(key), key.len(), &raw mut len, error))?;
            if value.is_null() {
                return Ok(None);
            }
            let copy = std::slice::from_raw_parts(value.cast::<u8>(), len).to_vec();
            leveldb_free(value.cast());
            Ok(Some(copy))
        }
    }

    /// Writes a pair. Fails as LevelDB does.
    pub fn put(&self, key: &[u8], value: &[u8]) -> Result<(), Failed> {
        let (db, write) = (self.raw, self.write);
        // SAFETY: store and options are valid while `self` is; key and value are copied.
        unsafe { checked(|e| leveldb_put(db, write, start(key), key.len(), start(value), value.len(), e)) }
    }

    /// Deletes a key. Fails as LevelDB does.
    pub fn delete(&self, key: &[u8]) -> Result<(), Failed> {
        // SAFETY: as in `put`.
        unsafe { checked(|error| leveldb_delete(self.raw, self.write, start(key), key.len(), error)) }
    }

    /// Writes a batch, all of it or nothing. Fails as LevelDB does.
    pub fn write(&self, batch: &Batch) -> Result<(), Failed> {
        // SAFETY: store, options and batch are valid while they are borrowed.
        unsafe { checked(|error| leveldb_write(self.raw, self.write, batch.0, error)) }
    }

    /// Brings all that was written to the device: by a write of nothing that is synced, for there is no other call.
    /// Fails as LevelDB does.
    pub fn sync(&self) -> Result<(), Failed> {
        let nothing = Batch::new();
        // SAFETY: as in `write`.
        unsafe { checked(|error| leveldb_write(self.raw, self.synced, nothing.0, error)) }
    }

    /// Compacts everything.
    pub fn compact(&self) {
        // SAFETY: the store is valid while `self` is; no bounds stand for everything.
        unsafe { leveldb_compact_range(self.raw, null(), 0, null(), 0) }
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        // SAFETY: each was created by `open` and is destroyed once; the store goes before what it points to. Nobody
        // else uses them, since a walk holds the store.
        unsafe {
            if !self.raw.is_null() {
                leveldb_close(self.raw);
            }
            leveldb_options_destroy(self.options);
            leveldb_readoptions_destroy(self.read);
            leveldb_writeoptions_destroy(self.write);
            leveldb_writeoptions_destroy(self.synced);
            leveldb_cache_destroy(self.cache);
            leveldb_filterpolicy_destroy(self.filter);
        }
    }
}

/// Writes that are done together.
#[derive(Debug)]
pub struct Batch(*mut leveldb_writebatch_t);

impl Batch {
    /// Nothing yet.
    pub fn new() -> Self {
        // SAFETY: it needs nothing.
        Self(unsafe { leveldb_writebatch_create() })
    }

    /// Adds a pair.
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        // SAFETY: the batch is ours; key and value are copied.
        unsafe { leveldb_writebatch_put(self.0, start(key), key.len(), start(value), value.len()) }
    }

    /// Adds a delete.
    pub fn delete(&mut self, key: &[u8]) {
        // SAFETY: as in `put`.
        unsafe { leveldb_writebatch_delete(self.0, start(key), key.len()) }
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // SAFETY: it was created by `new`, and is destroyed once.
        unsafe { leveldb_writebatch_destroy(self.0) }
    }
}

/// A walk in the order of the keys, at the moment at which it began.
#[derive(Debug)]
pub struct Walk {
    at: *mut leveldb_iterator_t,
    /// Held for as long as the walk uses it.
    _db: Arc<Db>,
}

// SAFETY: an iterator may be used by one thread at a time, and is: `Walk` is not `Sync`.
unsafe impl Send for Walk {}

impl Walk {
    /// Begins at the first key that is not smaller than `from`. Fails as LevelDB does.
    pub fn new(db: &Arc<Db>, from: &[u8]) -> Result<Self, Failed> {
        // SAFETY: store and options are valid while the walk holds the store.
        let walk = unsafe { Self { at: leveldb_create_iterator(db.raw, db.read), _db: Arc::clone(db) } };
        // SAFETY: the iterator is valid; the key is only read.
        unsafe { leveldb_iter_seek(walk.at, start(from), from.len()) };
        walk.check().map(|()| walk)
    }

    /// The pair here, until the walk moves; none past the end.
    pub fn pair(&self) -> Option<(&[u8], &[u8])> {
        let (mut key_len, mut value_len) = (0, 0);
        // SAFETY: key and value may be asked for only where the iterator stands on a pair, and what they point to
        // stays until it moves, which needs `&mut self`.
        unsafe {
            if leveldb_iter_valid(self.at) == 0 {
                return None;
            }
            let key = leveldb_iter_key(self.at, &raw mut key_len);
            let value = leveldb_iter_value(self.at, &raw mut value_len);
            Some((
                std::slice::from_raw_parts(key.cast(), key_len),
                std::slice::from_raw_parts(value.cast(), value_len),
            ))
        }
    }

    /// Moves on. Fails as LevelDB does.
    pub fn advance(&mut self) -> Result<(), Failed> {
        // SAFETY: it may move only where it stands on a pair.
        unsafe {
            if leveldb_iter_valid(self.at) != 0 {
                leveldb_iter_next(self.at);
            }
        }
        self.check()
    }

    fn check(&self) -> Result<(), Failed> {
        // SAFETY: the iterator is valid. The binding takes the place of the message as constant, though it is written.
        unsafe { checked(|error| leveldb_iter_get_error(self.at, error.cast_const().cast())) }
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        // SAFETY: it was created by `new` and is destroyed once, before the store that it holds.
        unsafe { leveldb_iter_destroy(self.at) }
    }
}

fn start(bytes: &[u8]) -> *const c_char {
    bytes.as_ptr().cast()
}

/// What `call` answers, unless it left a message.
///
/// # Safety
/// What `call` stores in its argument is nothing, or a message of LevelDB's, which ends with a zero and is ours.
unsafe fn checked<T>(call: impl FnOnce(*mut *mut c_char) -> T) -> Result<T, Failed> {
    let mut message = null_mut();
    let answer = call(&raw mut message);
    if message.is_null() {
        return Ok(answer);
    }
    // SAFETY: see above; it is copied before it is freed.
    let text = unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned();
    // SAFETY: it is ours, and nobody uses it any more.
    unsafe { leveldb_free(message.cast()) };
    Err(Failed(text))
}
