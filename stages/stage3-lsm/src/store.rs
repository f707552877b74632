//! The store: stage 3 behind the contract.

use crate::manifest::Manifest;
use crate::memtable::Memtable;
use crate::options::{SPECS, Settings};
use crate::pins::Pins;
use crate::scan::TreeCursor;
use crate::state::{Frozen, State, Tree};
use crate::table::{self, TableReading};
use crate::upkeep::{By, Upkeep};
use crate::write::{Queue, Turn};
use crate::{report, verify};
use arc_swap::ArcSwap;
use contract::{
    Batch, Engine, Entry, Error, Explanation, KeyRange, Options, Result, Scan, Stats, VerifyReport,
    check_entry,
};
use stage1::log::{Frames, Writer};
use stage2::chain::Chain;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock};
use vfs::{DirLock, Vfs};

/// The place of the first log that this process begins among its logs. What it found comes before.
const FIRST_ORDER: u32 = 1;

thread_local! {
    /// The frames that a thread is about to append: memory that is used again by its next write.
    static FRAMES: RefCell<Frames> = RefCell::default();
}

/// An open store of stage 3.
pub struct Store {
    pub(crate) vfs: Arc<dyn Vfs>,
    pub(crate) settings: Settings,
    /// What all tables read through.
    pub(crate) reading: Arc<TableReading>,
    pub(crate) state: ArcSwap<State>,
    pub(crate) turn: Mutex<Turn>,
    pub(crate) queue: Mutex<Queue>,
    pub(crate) chain: Chain,
    pub(crate) pins: Arc<Pins>,
    pub(crate) manifest: Mutex<Manifest>,
    /// How long the log is that is written. Set in the turn, looked at by anybody.
    pub(crate) log_bytes: AtomicU64,
    /// The number of the next file.
    pub(crate) next_number: AtomicU64,
    /// Files that are not needed any more and could not be removed yet.
    pub(crate) leftovers: Mutex<Vec<String>>,
    pub(crate) upkeep: Upkeep,
    pub(crate) closed: OnceLock<()>,
    pub(crate) poison: OnceLock<String>,
    pub(crate) counts: Counts,
    /// Bytes of the mark of the last clean close.
    pub(crate) mark_bytes: u64,
}

/// What a store has counted since it was opened.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Bytes written to files.
    pub(crate) written_bytes: AtomicU64,
    /// Bytes of the manifest.
    pub(crate) manifest_bytes: AtomicU64,
    pub(crate) syncs: AtomicU64,
    pub(crate) flushes: AtomicU64,
    pub(crate) compactions: AtomicU64,
    /// Bytes that compactions read and wrote.
    pub(crate) compacted_bytes: AtomicU64,
    /// Flushes and compactions that failed and left everything as it was.
    pub(crate) failures: AtomicU64,
    /// How often a writer had to wait for a flush or a compaction.
    pub(crate) stalls: AtomicU64,
    /// How often a compaction rested.
    pub(crate) rests: AtomicU64,
}

/// What opening a directory yields.
pub(crate) struct Parts {
    pub(crate) vfs: Arc<dyn Vfs>,
    pub(crate) settings: Settings,
    pub(crate) reading: Arc<TableReading>,
    pub(crate) lock: DirLock,
    pub(crate) tree: Tree,
    pub(crate) memtable: Memtable,
    pub(crate) writer: Writer,
    pub(crate) manifest: Manifest,
    pub(crate) clean: bool,
    pub(crate) next_number: u64,
    /// What logs held that were not closed; the oldest first.
    pub(crate) recovered: Vec<Recovered>,
    /// Bytes of the mark of the last clean close, if there was one.
    pub(crate) mark_bytes: u64,
}

/// What a log held that was not closed.
pub(crate) struct Recovered {
    pub(crate) memtable: Arc<Memtable>,
    /// The log's number.
    pub(crate) log: u64,
}

impl Store {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            vfs,
            settings,
            reading,
            lock,
            tree,
            memtable,
            writer,
            manifest,
            clean,
            next_number,
            recovered,
            mark_bytes,
        } = parts;
        let manifest_bytes = AtomicU64::new(manifest.tail().bytes);
        let log_bytes = AtomicU64::new(writer.log.appended());
        let state = State {
            active: Arc::new(memtable),
            log: writer.log.number,
            frozen: recovered.into_iter().rev().map(Frozen::recovered).collect(),
            tree: Arc::new(tree),
        };
        let chain = Chain::new(FIRST_ORDER, Arc::clone(&writer.log));
        let turn = Turn {
            writer,
            order: FIRST_ORDER,
            clean,
            seq: 1,
            pending: VecDeque::new(),
            user_bytes: 0,
            lock: Some(lock),
        };
        Self {
            vfs,
            settings,
            reading,
            state: ArcSwap::from_pointee(state),
            turn: Mutex::new(turn),
            queue: Mutex::default(),
            chain,
            pins: Arc::default(),
            manifest: Mutex::new(manifest),
            log_bytes,
            next_number: AtomicU64::new(next_number),
            leftovers: Mutex::default(),
            upkeep: Upkeep::default(),
            closed: OnceLock::new(),
            poison: OnceLock::new(),
            counts: Counts { manifest_bytes, ..Counts::default() },
            mark_bytes,
        }
    }
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
        self.refuse_if_closed()?;
        let state = self.state.load();
        if let Some(found) = state.memtables().find_map(|memtable| memtable.get(key)) {
            return Ok(found);
        }
        let hash = table::hash(key);
        for table in state.tree.tables_for(key) {
            if let Some(found) = table.get(key, hash)? {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn contains(&self, key: &[u8]) -> Result<bool> {
        self.refuse_if_closed()?;
        self.state.load().contains(key)
    }
    // ANCHOR_END: get

    fn put_if_absent(&self, key: &[u8], value: &[u8]) -> Result<bool> {
        let entry = Entry { key, value: Some(value) };
        check_entry(entry)?;
        self.wait_for_room()?;
        let mut turn = self.turn()?;
        let present = match turn.is_pending(key) {
            Some(live) => live,
            None => self.state.load().contains(key)?,
        };
        let mut end = self.chain.end();
        if !present {
            end = FRAMES.with_borrow_mut(|frames| {
                frames.set_entry(entry);
                self.append_in(&mut turn, frames)
            })?;
        }
        // Also for a present key: what the answer rests on must not be taken back by a power failure.
        self.acknowledge(turn, end)?;
        Ok(!present)
    }

    fn scan(&self, range: KeyRange<'_>) -> Result<Scan> {
        Ok(Scan::new(TreeCursor::new(self, range)?))
    }

    fn sync(&self) -> Result<()> {
        self.refuse_if_closed()?;
        self.refuse_if_poisoned()?;
        self.make_durable(self.chain.end())
    }

    fn step(&self) -> Result<bool> {
        self.upkeep_step(By::Caller)
    }

    fn attend(&self) {
        self.upkeep_until_closed();
    }

    /// One flushes, one compacts.
    fn attendants(&self) -> usize {
        2
    }

    fn compact(&self) -> Result<()> {
        self.compact_all()
    }

    fn stats(&self) -> Stats {
        report::stats(self)
    }

    fn explain(&self, key: &[u8]) -> Result<Explanation> {
        self.refuse_if_closed()?;
        report::explain(self, key)
    }

    fn verify(&self) -> Result<VerifyReport> {
        self.refuse_if_closed()?;
        verify::open_store(self)
    }

    fn set_option(&self, name: &str, value: &str) -> Result<()> {
        self.refuse_if_closed()?;
        Options::new(&SPECS).set(name, value)?;
        if !SPECS.iter().any(|spec| spec.name == name && spec.live) {
            return Err(Error::Unsupported { what: "a change of this option while the store is open" });
        }
        let mut turn = self.any_turn();
        if !turn.pending.is_empty() {
            // Later writes may be seen at once; what came before them must be seen first.
            self.make_durable(self.chain.end())?;
            self.apply_pending(&mut turn);
        }
        self.settings.set(name, value)?;
        self.upkeep.ring();
        Ok(())
    }

    fn close(&self) -> Result<()> {
        self.close_once()
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
        // Who wants to hear about a failure calls close.
        let _ = self.close();
    }
}
