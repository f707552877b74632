//! The store: the path of a put and the path of a get, from the trait's functions to the log.
//!
//! **Invariants**
//! 1. One writer at a time has the *turn*. In it he appends; what needs no order (checking, framing, checksums) is
//!    done before it, and waiting for the device after it.
//! 2. Readers take no lock but the one under which the current log's `Arc` is cloned.
//! 3. After a failed append, sync or commit the store is *poisoned*: reads go on, writes are refused, and a close
//!    leaves no mark of a clean close. Opening again finds out what is on the device.
//! 4. Lock order: turn, then the log's sync turn. The lock on `log` is held only to clone or replace it.
//!
//! **Cost** A put is one write call of its frame; a get is a scan, O(n); both allocate nothing for an entry but the
//! value that is given back.

use crate::clean::{self, Listed};
use crate::compact;
use crate::log::{Frames, Log, Writer};
use crate::newest::{Live, Lookup, find};
use crate::options::{SPECS, Settings};
use crate::recover::install_log;
use crate::scan::LogCursor;
use crate::{ENGINE, report, verify};
use contract::{
    Batch, Engine, Entry, Error, Explanation, IoContext, KeyRange, Options, Result, Scan, Stats,
    VerifyReport, check_entry,
};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use vfs::{DirLock, Vfs};

thread_local! {
    /// The frames that a thread is about to append: memory that is used again by its next write.
    static FRAMES: RefCell<Frames> = RefCell::default();
}

/// An open store of stage 1.
pub struct Store {
    vfs: Arc<dyn Vfs>,
    settings: Settings,
    log: RwLock<Arc<Log>>,
    turn: Mutex<Turn>,
    closed: OnceLock<()>,
    poison: OnceLock<String>,
    /// Bytes that readers read.
    read_bytes: AtomicU64,
    sync_count: AtomicU64,
}

/// What only the writer whose turn it is may touch.
struct Turn {
    writer: Writer,
    /// Whether the mark of the last clean close still lies in the directory.
    clean: bool,
    next_number: u64,
    /// Entries in the log, tombstones included.
    entries: u64,
    /// Bytes of keys and values written since opening.
    user_bytes: u64,
    /// Bytes appended to files since opening.
    written_bytes: u64,
    /// Replaced logs that could not be removed yet.
    leftovers: Vec<String>,
    /// Held until the store is closed.
    lock: Option<DirLock>,
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
            read_bytes: AtomicU64::new(0),
            sync_count: AtomicU64::new(0),
        }
    }

    // ANCHOR: append
    /// Appends `frames` in the writer's turn, and returns when they are acknowledged.
    fn submit(&self, frames: &mut Frames) -> Result<()> {
        let mut turn = self.turn()?;
        self.append_in(&mut turn, frames)?;
        self.acknowledge(turn)
    }

    fn append_in(&self, turn: &mut Turn, frames: &mut Frames) -> Result<()> {
        self.begin_change(turn)?;
        turn.writer.reserve_by(self.settings.reserve_bytes());
        turn.writer.make_room(frames)?;
        let written = turn.writer.append(frames).map_err(|e| self.poisoned_by(e))?;
        turn.entries += frames.entries();
        turn.user_bytes += frames.user_bytes();
        turn.written_bytes += written;
        Ok(())
    }

    /// Ends the turn: readers see what was appended at once, or, where every write is synced, after the sync.
    fn acknowledge(&self, turn: MutexGuard<'_, Turn>) -> Result<()> {
        if !self.settings.every_write() {
            turn.writer.log.publish_appended();
            return Ok(());
        }
        let end = turn.writer.log.appended();
        let log = Arc::clone(&turn.writer.log);
        drop(turn);
        self.make_durable(&log, end)
    }

    /// Returns once everything before `end` is on the device. Whoever gets the sync turn syncs for all who wait.
    fn make_durable(&self, log: &Log, end: u64) -> Result<()> {
        let sync_turn = log.sync_turn();
        if log.synced() < end {
            self.refuse_if_poisoned()?;
            log.sync(&sync_turn).map_err(|e| self.poisoned_by(e))?;
            self.sync_count.fetch_add(1, Ordering::Relaxed);
        }
        log.publish(end);
        Ok(())
    }
    // ANCHOR_END: append

    // ANCHOR: begin_change
    /// Before the first change after an opening: the mark of the clean close goes, durably.
    fn begin_change(&self, turn: &mut Turn) -> Result<()> {
        if turn.clean {
            clean::remove(&*self.vfs).map_err(|e| self.poisoned_by(e))?;
            turn.clean = false;
        }
        Ok(())
    }
    // ANCHOR_END: begin_change

    /// Waits for the turn to write, and refuses it where nobody may write any more.
    fn turn(&self) -> Result<MutexGuard<'_, Turn>> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.refuse_if_closed()?;
        self.refuse_if_poisoned()?;
        Ok(turn)
    }

    fn refuse_if_closed(&self) -> Result<()> {
        self.closed.get().map_or(Ok(()), |()| Err(Error::Closed))
    }

    fn refuse_if_poisoned(&self) -> Result<()> {
        self.poison.get().map_or(Ok(()), |cause| Err(Error::Poisoned { cause: cause.clone() }))
    }

    // ANCHOR: poisoned_by
    /// Remembers the first failure after which nobody knows what is on the device.
    fn poisoned_by(&self, error: Error) -> Error {
        self.poison.get_or_init(|| error.to_string());
        error
    }
    // ANCHOR_END: poisoned_by

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

    // ANCHOR: compact_in
    /// Compacts in the writer's turn: writers wait, readers go on in the old log.
    fn compact_in(&self, turn: &mut Turn) -> Result<()> {
        let old = Arc::clone(&turn.writer.log);
        let number = turn.next_number;
        turn.next_number += 1;
        let Some(new) = compact::build(&*self.vfs, &old, turn.writer.tail(), number)? else { return Ok(()) };
        self.begin_change(turn)?;
        let written = new.built.bytes;
        turn.writer = install_log(&*self.vfs, new.built, &new.header).map_err(|e| self.poisoned_by(e))?;
        *self.log.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&turn.writer.log);
        self.read_bytes.fetch_add(new.bytes_read, Ordering::Relaxed);
        turn.written_bytes += written;
        turn.entries = new.entries;
        turn.leftovers.push(old.name.clone());
        self.remove_leftovers(turn)
    }

    fn remove_leftovers(&self, turn: &mut Turn) -> Result<()> {
        while let Some(name) = turn.leftovers.last() {
            match self.vfs.remove(name) {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                other => other.during("remove", name)?,
            }
            turn.leftovers.pop();
        }
        Ok(())
    }
    // ANCHOR_END: compact_in

    // ANCHOR: close_cleanly
    /// Makes everything durable and leaves the mark of a clean close.
    fn close_cleanly(&self, turn: &mut Turn) -> Result<()> {
        self.refuse_if_poisoned()?;
        if turn.clean {
            return Ok(());
        }
        turn.writer.give_room_back().map_err(|e| self.poisoned_by(e))?;
        let log = Arc::clone(&turn.writer.log);
        log.sync(&log.sync_turn()).map_err(|e| self.poisoned_by(e))?;
        // The mark says what is there; what was removed must not come back beside it.
        self.remove_leftovers(turn)?;
        self.vfs.sync_dir().during("sync", &self.vfs.location())?;
        let tail = turn.writer.tail();
        let listed = Listed { name: log.name.clone(), bytes: tail.bytes, last_checksum: tail.last_checksum };
        clean::write(&*self.vfs, ENGINE, &[listed])
    }
    // ANCHOR_END: close_cleanly
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
        verify::log(&*log.file, &log.name, log.number, log.stretch(log.visible()))
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
