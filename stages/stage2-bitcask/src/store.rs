//! The store: the path of a put and the path of a get, from the trait's functions to the segments.
//!
//! **Invariants**
//! 1. Readers take no lock but one shard's of the keydir, and hold none while they read a file.
//! 2. What changes the store goes through the writer's turn (`turn`); what only changes its shape, through upkeep.
//!
//! **Cost** A put is one write call and one probe; a get one probe and one read. Neither allocates anything for an
//! entry but its place in the keydir, and the value that is given back.

use crate::chain::Chain;
use crate::counter::Counter;
use crate::handles::Handles;
use crate::keydir::Keydir;
use crate::options::{SPECS, Settings};
use crate::report::{self, Opening};
use crate::scan::SegmentCursor;
use crate::segment::{Segment, Segments};
use crate::turn::Turn;
use crate::upkeep::{Bell, Upkeep};
use crate::verify;
use arc_swap::ArcSwap;
use contract::{
    Batch, Engine, Entry, Error, Explanation, KeyRange, Options, Result, Scan, Stats, VerifyReport,
    check_entry,
};
use stage1::log::{Frames, Writer};
use std::cell::RefCell;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock};
use vfs::{DirLock, Vfs};

thread_local! {
    /// The frames that a thread is about to append: memory that is used again by its next write.
    static FRAMES: RefCell<Frames> = RefCell::default();
}

/// An open store of stage 2.
pub struct Store {
    pub(crate) vfs: Arc<dyn Vfs>,
    pub(crate) settings: Settings,
    pub(crate) handles: Arc<Handles>,
    pub(crate) keydir: Keydir,
    pub(crate) segments: ArcSwap<Segments>,
    pub(crate) turn: Mutex<Turn>,
    pub(crate) upkeep: Mutex<Upkeep>,
    pub(crate) chain: Chain,
    /// How far the keydir knows what was written.
    pub(crate) applied: AtomicU64,
    pub(crate) bell: Bell,
    pub(crate) closed: OnceLock<()>,
    pub(crate) poison: OnceLock<String>,
    pub(crate) counts: Counts,
    pub(crate) opening: Opening,
}

/// What a store has counted since it was opened.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Bytes that gets and scans read.
    pub(crate) read_bytes: Arc<Counter>,
    /// Bytes appended to files.
    pub(crate) written_bytes: AtomicU64,
    pub(crate) syncs: AtomicU64,
    pub(crate) merges: AtomicU64,
    /// Merges that failed and left everything as it was.
    pub(crate) merge_failures: AtomicU64,
}

/// What opening a directory yields.
pub(crate) struct Parts {
    pub(crate) vfs: Arc<dyn Vfs>,
    pub(crate) settings: Settings,
    pub(crate) handles: Arc<Handles>,
    pub(crate) lock: DirLock,
    pub(crate) keydir: Keydir,
    pub(crate) segments: Segments,
    pub(crate) active: Arc<Segment>,
    pub(crate) writer: Writer,
    pub(crate) clean: bool,
    pub(crate) next_number: u32,
    pub(crate) opening: Opening,
}

impl Store {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            vfs,
            settings,
            handles,
            lock,
            keydir,
            segments,
            active,
            writer,
            clean,
            next_number,
            opening,
        } = parts;
        let chain = Chain::new(active.slot, Arc::clone(&active.log));
        let turn = Turn {
            writer,
            active,
            clean,
            next_number,
            pending: std::collections::VecDeque::new(),
            user_bytes: 0,
            lock: Some(lock),
        };
        Self {
            vfs,
            settings,
            handles,
            keydir,
            segments: ArcSwap::from_pointee(segments),
            turn: Mutex::new(turn),
            upkeep: Mutex::default(),
            chain,
            applied: AtomicU64::new(0),
            bell: Bell::default(),
            closed: OnceLock::new(),
            poison: OnceLock::new(),
            counts: Counts::default(),
            opening,
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
        self.find(key)?.map(|found| self.load(key, &found)).transpose()
    }

    fn contains(&self, key: &[u8]) -> Result<bool> {
        Ok(self.find(key)?.is_some())
    }
    // ANCHOR_END: get

    fn put_if_absent(&self, key: &[u8], value: &[u8]) -> Result<bool> {
        let entry = Entry { key, value: Some(value) };
        check_entry(entry)?;
        let mut turn = self.turn()?;
        let present = self.is_present(&turn, key);
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
        Ok(Scan::new(SegmentCursor::new(self, range)?))
    }

    fn sync(&self) -> Result<()> {
        self.refuse_if_closed()?;
        self.refuse_if_poisoned()?;
        self.make_durable(self.chain.end())
    }

    fn step(&self) -> Result<bool> {
        self.upkeep_step()
    }

    fn attend(&self) {
        self.upkeep_until_closed();
    }

    fn compact(&self) -> Result<()> {
        self.compact_all()
    }

    fn stats(&self) -> Stats {
        report::stats(self)
    }

    fn explain(&self, key: &[u8]) -> Result<Explanation> {
        let found = self.find(key)?;
        let value = found.as_ref().map(|found| self.load(key, found)).transpose()?;
        Ok(report::explain(self, key, found.as_ref(), value))
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
        // A lower share may make a merge due.
        self.bell.ring();
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
