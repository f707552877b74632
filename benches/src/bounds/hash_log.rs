//! What a Bitcask cannot be faster than: the standard library's hash map over a log, about as little as answers a get.
//!
//! It joins the table as an engine does, so that every workload can be asked of it, but it is none: it opens nothing
//! that is there, merges nothing, scans nothing, and its keys have 16 bytes.
//!
//! **Layout** A put is one frame and one write(2); the map then learns the place. A get is one probe, and one pread of
//! the frame, whose checksum is compared. `hash-log-mmap` closes its file at the first get, and from then on reads it
//! from a mapping; what is written later goes to a second file, and is read by pread.
//!
//! **Invariants** The map is locked for no call of the operating system, neither by a get nor by a put.

use super::{frame_of, push_frame};
use crate::entries::KEY_BYTES;
use contract::{
    Batch, Engine, Error, IoContext, KeyRange, Opened, Options, RecoveryReport, Result, SYNC, Scan, Stage,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use vfs::{File, Vfs, View, read_full};

/// The bounds that answer as an engine does.
pub static ALL: &[&Stage] = &[&HASH_LOG, &HASH_LOG_MMAP];

static HASH_LOG: Stage =
    stage("hash-log", "a hash map over a log, read by pread", |vfs, _| open(&*vfs, false));
static HASH_LOG_MMAP: Stage =
    stage("hash-log-mmap", "a hash map over a log, read from a mapping", |vfs, _| open(&*vfs, true));

const fn stage(
    name: &'static str,
    title: &'static str,
    open: fn(Arc<dyn Vfs>, &Options) -> Result<Opened>,
) -> Stage {
    const CLOSED: Error = Error::Unsupported { what: "looking into a bound's files" };
    static OPTIONS: [contract::OptionSpec; 1] = [SYNC];
    Stage {
        name,
        title,
        persistent: false,
        options: &OPTIONS,
        open,
        inspect: |_, _, _| Err(CLOSED),
        verify: |_| Err(CLOSED),
        salvage: |_, _| Err(CLOSED),
        commands: &[],
        tour: &[],
    }
}

fn open(vfs: &dyn Vfs, mapped: bool) -> Result<Opened> {
    let log = Log::create(vfs, "first")?;
    let second = if mapped { Some(Log::create(vfs, "second")?) } else { None };
    let store = HashLog { map: RwLock::default(), log, second, view: OnceLock::new() };
    Ok((Arc::new(store), RecoveryReport { created: true, ..RecoveryReport::default() }))
}

type Key = [u8; KEY_BYTES];

#[derive(Clone, Copy)]
struct Place {
    offset: u64,
    bytes: u32,
    in_second: bool,
}

struct HashLog {
    map: RwLock<HashMap<Key, Place>>,
    log: Log,
    second: Option<Log>,
    /// The first log, from the first get on.
    view: OnceLock<View>,
}

struct Log {
    file: Arc<dyn File>,
    /// Its end, and a buffer for what is written next.
    turn: Mutex<(u64, Vec<u8>)>,
}

impl Log {
    fn create(vfs: &dyn Vfs, name: &str) -> Result<Self> {
        Ok(Self { file: vfs.create(name).during("create", name)?, turn: Mutex::default() })
    }
}

impl HashLog {
    fn view(&self) -> Result<&View> {
        if let Some(view) = self.view.get() {
            return Ok(view);
        }
        // Who writes to the first log has its turn; nobody does once the view is there.
        let turn = self.log.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.view.get().is_none() {
            let view = self.log.file.view().during("map", "first")?;
            let _ = self.view.set(view);
        }
        drop(turn);
        self.view.get().ok_or(Error::Closed)
    }

    fn check(bytes: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = frame_of(bytes).map(|(_, value)| value.to_vec());
        let damaged = || Error::Corrupt { file: String::new(), offset: 0, what: "a frame changed".into() };
        value.ok_or_else(damaged).map(Some)
    }

    /// Writes a key's frame, whole or as a tombstone, and has the map learn of it.
    fn append(&self, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        let key = key_of(key)?;
        let first = self.log.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (in_second, log, mut turn) = match &self.second {
            Some(second) if self.view.get().is_some() => {
                drop(first);
                (true, second, second.turn.lock().unwrap_or_else(PoisonError::into_inner))
            }
            _ => (false, &self.log, first),
        };
        let (end, buffer) = &mut *turn;
        buffer.clear();
        push_frame(buffer, &key, value.unwrap_or_default());
        log.file.append(buffer).during("append", "log")?;
        let bytes = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        let place = Place { offset: *end, bytes, in_second };
        *end += u64::from(bytes);
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        match value {
            Some(_) => map.insert(key, place),
            None => map.remove(&key),
        };
        Ok(())
    }
}

fn key_of(key: &[u8]) -> Result<Key> {
    key.try_into().map_err(|_| Error::Unsupported { what: "keys of another length" })
}

impl Engine for HashLog {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let key = key_of(key)?;
        let place = self.map.read().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        let Some(place) = place else { return Ok(None) };
        if !place.in_second && self.second.is_some() {
            let start = usize::try_from(place.offset).unwrap_or(usize::MAX);
            return Self::check(&self.view()?[start..start + place.bytes as usize]);
        }
        let log = self.second.as_ref().unwrap_or(&self.log);
        let mut buffer = [0; 512];
        let mut large = Vec::new();
        let bytes = if let Some(bytes) = buffer.get_mut(..place.bytes as usize) {
            bytes
        } else {
            large.resize(place.bytes as usize, 0);
            &mut large[..]
        };
        read_full(&*log.file, bytes, place.offset).during("read", "log")?;
        Self::check(bytes)
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        batch.iter().try_for_each(|entry| self.append(entry.key, entry.value))
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.append(key, Some(value))
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        self.append(key, None)
    }

    fn scan(&self, _: KeyRange<'_>) -> Result<Scan> {
        Err(Error::Unsupported { what: "scans" })
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }
}
