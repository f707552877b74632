//! The store: the path of a put and the path of a get, from the trait's functions to the log.
//!
//! **Invariants**
//! 1. Readers take no lock but the one under which the current log's `Arc` is cloned.
//! 2. What changes the store goes through the writer's turn, `turn.rs`.
//!
//! **Cost** A put is one write call of its frame; a get is a scan, O(n); both allocate nothing for an entry but the
//! value that is given back.

use crate::log::header::HEADER_BYTES;
use crate::log::{Frames, Log, SyncGroup, Writer};
use crate::newest::{Live, Lookup, find};
use crate::options::{SPECS, Settings};
use crate::scan::LogCursor;
use crate::turn::Turn;
use crate::{report, verify};
use contract::{
    Batch, Engine, Entry, Error, Explanation, KeyRange, Options, Result, Scan, Stats, VerifyReport,
    check_entry,
};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use vfs::{DirLock, Vfs};

thread_local! {
    /// The frames that a thread is about to append: memory that is used again by its next write.
    static FRAMES: RefCell<Frames> = RefCell::default();
}

/// An open store of stage 1.
pub struct Store {
    pub(crate) vfs: Arc<dyn Vfs>,
    pub(crate) settings: Settings,
    pub(crate) log: RwLock<Arc<Log>>,
    pub(crate) turn: Mutex<Turn>,
    pub(crate) closed: OnceLock<()>,
    pub(crate) poison: OnceLock<String>,
    /// Those who wait for the device.
    pub(crate) syncs: SyncGroup,
    /// Bytes that readers read.
    pub(crate) read_bytes: AtomicU64,
    pub(crate) sync_count: AtomicU64,
}

/// What opening a directory yields.
pub(crate) struct Parts {
    pub(crate) vfs: Arc<dyn Vfs>,
    pub(crate) settings: Settings,
    pub(crate) lock: DirLock,
    pub(crate) writer: Writer,
    pub(crate) clean: bool,
    pub(crate) next_number: u64,
    pub(crate) entries: u64,
}

impl Store {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { vfs, settings, lock, writer, clean, next_number, entries } = parts;
        let log = RwLock::new(Arc::clone(&writer.log));
        let turn = Turn {
            writer,
            clean,
            next_number,
            entries,
            user_bytes: 0,
            written_bytes: 0,
            leftovers: Vec::new(),
            lock: Some(lock),
        };
        Self {
            vfs,
            settings,
            log,
            turn: Mutex::new(turn),
            closed: OnceLock::new(),
            poison: OnceLock::new(),
            syncs: SyncGroup::default(),
            read_bytes: AtomicU64::new(0),
            sync_count: AtomicU64::new(0),
        }
    }

    /// The log that readers read.
    fn log(&self) -> Result<Arc<Log>> {
        self.refuse_if_closed()?;
        Ok(Arc::clone(&self.log.read().unwrap_or_else(PoisonError::into_inner)))
    }

    // ANCHOR: lookup
    fn lookup(&self, log: &Log, end: u64, key: &[u8]) -> Result<Lookup> {
        let lookup = find(log, end, key, self.settings.oldest_first())?;
        self.read_bytes.fetch_add(lookup.bytes_read, Ordering::Relaxed);
        Ok(lookup)
    }

    /// The value that a lookup found.
    fn load(&self, log: &Log, lookup: &Lookup) -> Result<Option<Vec<u8>>> {
        let Some(found) = lookup.found.filter(|found| found.live) else { return Ok(None) };
        let mut buffer = Vec::new();
        let frame = log.read_at(found.at, &mut buffer)?;
        let start = frame.bytes.len() - frame.value().map_or(0, <[u8]>::len);
        self.read_bytes.fetch_add(found.at.bytes, Ordering::Relaxed);
        buffer.drain(..start);
        Ok(Some(buffer))
    }
    // ANCHOR_END: lookup
}

impl Engine for Store {
    // ANCHOR: put
    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.write_entry(Entry { key, value: Some(value) })
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        self.write_entry(Entry { key, value: None })
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        batch.check()?;
        if batch.is_empty() {
            return self.turn().map(drop);
        }
        FRAMES.with_borrow_mut(|frames| {
            frames.set_batch(batch);
            self.submit(frames)
        })
    }
    // ANCHOR_END: put

    // ANCHOR: get
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let log = self.log()?;
        let lookup = self.lookup(&log, log.visible(), key)?;
        self.load(&log, &lookup)
    }

    fn contains(&self, key: &[u8]) -> Result<bool> {
        let log = self.log()?;
        Ok(self.lookup(&log, log.visible(), key)?.found.is_some_and(|found| found.live))
    }
    // ANCHOR_END: get

    fn put_if_absent(&self, key: &[u8], value: &[u8]) -> Result<bool> {
        let entry = Entry { key, value: Some(value) };
        check_entry(entry)?;
        let mut turn = self.turn()?;
        let log = Arc::clone(&turn.writer.log);
        // Not only what readers see: another writer's entry may be waiting for its sync.
        let present = self.lookup(&log, log.appended(), key)?.found.is_some_and(|found| found.live);
        if !present {
            FRAMES.with_borrow_mut(|frames| {
                frames.set_entry(entry);
                self.append_in(&mut turn, frames)
            })?;
        }
        // Also for a present key: what the answer rests on must not be taken back by a power failure.
        self.acknowledge(turn)?;
        Ok(!present)
    }

    fn scan(&self, range: KeyRange<'_>) -> Result<Scan> {
        let log = self.log()?;
        let live =
            if range.is_empty() { Live::default() } else { Live::collect(&log, log.visible(), range)? };
        self.read_bytes.fetch_add(live.bytes_read, Ordering::Relaxed);
        Ok(Scan::new(LogCursor::new(log, live)))
    }

    fn sync(&self) -> Result<()> {
        let log = self.log()?;
        self.refuse_if_poisoned()?;
        self.make_durable(&log, log.appended())
    }

    fn step(&self) -> Result<bool> {
        // A log has nothing to do by itself; it grows until somebody says compact.
        self.refuse_if_closed()?;
        Ok(false)
    }

    fn compact(&self) -> Result<()> {
        let mut turn = self.turn()?;
        self.compact_in(&mut turn)
    }

    fn stats(&self) -> Stats {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        report::stats(
            &turn.writer,
            &report::Counts {
                clean: turn.clean,
                entries: turn.entries,
                user_bytes: turn.user_bytes,
                written_bytes: turn.written_bytes,
                read_bytes: self.read_bytes.load(Ordering::Relaxed),
                sync_count: self.sync_count.load(Ordering::Relaxed),
            },
        )
    }

    fn explain(&self, key: &[u8]) -> Result<Explanation> {
        let log = self.log()?;
        let lookup = self.lookup(&log, log.visible(), key)?;
        let value = self.load(&log, &lookup)?;
        Ok(report::explain(&log, &lookup, value, self.settings.oldest_first()))
    }

    fn verify(&self) -> Result<VerifyReport> {
        let log = self.log()?;
        let mut report = verify::log(&*log.file, &log.name, log.number, log.stretch(log.visible()))?;
        report.bytes_read += HEADER_BYTES as u64;
        Ok(report)
    }

    fn set_option(&self, name: &str, value: &str) -> Result<()> {
        self.refuse_if_closed()?;
        Options::new(&SPECS).set(name, value)?;
        let live = SPECS.iter().any(|spec| spec.name == name && spec.live);
        if !live {
            return Err(Error::Unsupported { what: "a change of this option while the store is open" });
        }
        self.settings.set(name, value);
        Ok(())
    }

    fn close(&self) -> Result<()> {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.closed.set(()).is_err() {
            return Ok(());
        }
        let result = self.close_cleanly(&mut turn);
        turn.lock = None;
        result
    }
}

impl Store {
    /// A put or a delete: the frame is built without a lock, then appended in the writer's turn.
    fn write_entry(&self, entry: Entry<'_>) -> Result<()> {
        check_entry(entry)?;
        FRAMES.with_borrow_mut(|frames| {
            frames.set_entry(entry);
            self.submit(frames)
        })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Nobody is left who could be told; what failed here shows at the next opening.
        let _ = self.close();
    }
}
