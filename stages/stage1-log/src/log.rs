//! The log: a header, then frames, appended and never changed.
//!
//! **Layout** [`header`] of 64 bytes, then [frames](crate::frame) back to back; after the last one, where room was
//! reserved, zeros.
//!
//! **Invariants**
//! 1. One [`Writer`] appends; a batch is one append. Any number of [`Reader`]s walk up to the *visible* end.
//! 2. `synced ≤ appended`, and readers see `visible ≤ appended`: with every write synced, nobody sees what a power
//!    failure could still take back.
//! 3. A *mark* is the offset of a frame, about every chunk. Frames cannot be walked backward, but from mark to mark a
//!    log can be read newest chunk first.
//!
//! **Cost** Eight bytes of memory for every chunk of the file.

mod group;
pub mod header;
mod reader;
mod resync;
mod writer;

pub use group::SyncGroup;
pub use reader::{Passed, Reader, Stop, Stretch};
pub use resync::{find_floor, find_frame, last_non_zero};
pub use writer::{Appended, Builder, Built, Frames, Writer};

use crate::frame::{Frame, Place};
use contract::{Error, IoContext, Result};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use vfs::{File, read_full};

/// A log file: what its writer, its readers and those who wait for a sync share.
pub struct Log {
    /// The file.
    pub file: Arc<dyn File>,
    /// Its name, for messages.
    pub name: String,
    /// Its number: half of every frame's place.
    pub number: u64,
    /// How much a reader reads at a time, in bytes.
    pub chunk_bytes: usize,
    appended: AtomicU64,
    visible: AtomicU64,
    synced: AtomicU64,
    /// Reserved room was cut off since the last sync: the file's size is not on the device.
    cut: AtomicBool,
    marks: RwLock<Marks>,
}

/// A whole frame's offset and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// Where it starts, in bytes.
    pub offset: u64,
    /// How long it is, in bytes.
    pub bytes: u64,
}

impl Log {
    /// A log whose first `end` bytes are on the device, with the marks that reading it gave.
    pub fn new(file: Arc<dyn File>, name: String, number: u64, end: u64, marks: Marks) -> Self {
        let at_end = || AtomicU64::new(end);
        Self {
            file,
            name,
            number,
            chunk_bytes: marks.chunk_bytes,
            appended: at_end(),
            visible: at_end(),
            synced: at_end(),
            cut: AtomicBool::new(false),
            marks: RwLock::new(marks),
        }
    }

    /// The same log as one that comes after others: its own first bytes count as durable only once
    /// [`note_synced`](Self::note_synced) says that theirs are.
    #[must_use]
    pub fn after_unsynced(self) -> Self {
        Self { synced: AtomicU64::new(0), ..self }
    }

    /// The place of the frame at `offset`.
    pub fn place(&self, offset: u64) -> Place {
        Place { file: self.number, offset }
    }

    /// The end of what has been appended, in bytes.
    pub fn appended(&self) -> u64 {
        self.appended.load(Ordering::Acquire)
    }

    /// The end of what readers see, in bytes.
    pub fn visible(&self) -> u64 {
        self.visible.load(Ordering::Acquire)
    }

    /// The end of what is on the device, in bytes.
    pub fn synced(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    /// Lets readers see everything appended so far. Only the writer may call it, for only he knows that nobody has
    /// published more.
    pub fn publish_appended(&self) {
        self.visible.store(self.appended(), Ordering::Release);
    }

    /// Lets readers see everything before `end`.
    pub fn publish(&self, end: u64) {
        self.visible.fetch_max(end, Ordering::AcqRel);
    }

    // ANCHOR: sync
    /// Puts everything appended so far on the device. While one syncs, others append, and the next sync serves all of
    /// them: see [`SyncGroup`].
    pub fn sync(&self) -> Result<()> {
        let end = self.appended();
        self.cut.store(false, Ordering::Release);
        self.file.sync().during("sync", &self.name)?;
        self.note_synced(end);
        Ok(())
    }
    // ANCHOR_END: sync

    /// Whether anything about the file is not on the device yet: bytes, or its size.
    pub fn needs_sync(&self) -> bool {
        self.synced() < self.appended() || self.cut.load(Ordering::Acquire)
    }

    /// Remembers that everything before `end` is on the device, and everything in the logs before this one.
    pub fn note_synced(&self, end: u64) {
        self.synced.fetch_max(end, Ordering::AcqRel);
    }

    // ANCHOR: chunk_before
    /// The stretch from the last mark before `end` up to `end`: whole frames, about a chunk of them.
    pub fn chunk_before(&self, end: u64) -> Stretch {
        Stretch { start: self.marks.read().unwrap_or_else(PoisonError::into_inner).before(end), end }
    }
    // ANCHOR_END: chunk_before

    /// Marks the frame at `offset`, and returns where the next mark is due.
    fn mark(&self, offset: u64) -> u64 {
        let mut marks = self.marks.write().unwrap_or_else(PoisonError::into_inner);
        marks.pass(offset);
        marks.next
    }

    fn next_mark(&self) -> u64 {
        self.marks.read().unwrap_or_else(PoisonError::into_inner).next
    }

    /// Everything before `end` but the header.
    pub fn stretch(&self, end: u64) -> Stretch {
        Stretch { start: header::HEADER_BYTES as u64, end }
    }

    /// Bytes of memory that the marks take.
    pub fn mark_bytes(&self) -> u64 {
        self.marks.read().unwrap_or_else(PoisonError::into_inner).offsets.len() as u64 * 8
    }

    // ANCHOR: read_at
    /// Reads one frame into `buffer` and verifies it: one read.
    pub fn read_at<'b>(&self, at: Location, buffer: &'b mut Vec<u8>) -> Result<Frame<'b>> {
        let bytes = usize::try_from(at.bytes).map_err(|_| self.damage(at.offset, "length over memory"))?;
        buffer.resize(bytes, 0);
        let n = read_full(&*self.file, buffer, at.offset).during("read", &self.name)?;
        Frame::verify(&buffer[..n], self.place(at.offset)).map_err(|what| self.damage(at.offset, what))
    }
    // ANCHOR_END: read_at

    fn damage(&self, offset: u64, what: &str) -> Error {
        Error::corrupt(&self.name, offset, what)
    }
}

/// Collects marks while frames go by in order.
#[derive(Clone, Debug)]
pub struct Marks {
    chunk_bytes: usize,
    offsets: Vec<u64>,
    /// The next frame at or behind this offset is marked.
    next: u64,
}

impl Marks {
    /// No marks yet, one to come for every `chunk_bytes`.
    pub fn new(chunk_bytes: usize) -> Self {
        Self { chunk_bytes, offsets: Vec::new(), next: header::HEADER_BYTES as u64 + chunk_bytes as u64 }
    }

    // ANCHOR: marks
    /// Sees the frame at `offset`, and marks it if it is a chunk away from the last mark.
    pub fn pass(&mut self, offset: u64) {
        if offset >= self.next {
            self.offsets.push(offset);
            self.next = offset + self.chunk_bytes as u64;
        }
    }

    /// The last mark before `end`, or the first frame's offset.
    fn before(&self, end: u64) -> u64 {
        let before = self.offsets.partition_point(|&mark| mark < end);
        let last = before.checked_sub(1).and_then(|i| self.offsets.get(i));
        last.copied().unwrap_or(header::HEADER_BYTES as u64)
    }
    // ANCHOR_END: marks
}
