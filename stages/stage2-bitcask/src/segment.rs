//! A segment: one log, what of it is live, and how a frame in it is read.
//!
//! **Invariants**
//! 1. Only the last segment, the *active* one, is appended to. A *sealed* one never changes again.
//! 2. Segments keep their *slot* for as long as the process lives; a slot is never given twice. So a location that was
//!    read a moment ago never leads into another segment.
//! 3. A frame is believed only when its checksum says that it lies in its place, and when it holds the key that was
//!    looked for.
//!
//! **Cost** A read is one `pread` and the value's allocation. From a mapping it is a copy of the value.
//!
//! **Off switch** `--reads pread` (the default) maps nothing. Mapped reads need sealed segments; the active one is
//! always read by `pread`.

use crate::handles::Pooled;
use crate::keydir::Location;
use crate::names::SegmentId;
use contract::{Error, IoContext, Result};
use stage1::frame::{Frame, HEAD_BYTES};
use stage1::log::header::HEADER_BYTES;
use stage1::log::{self, Log, Marks};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use vfs::View;

/// A segment of an open store.
pub struct Segment {
    /// What it covers, and what it is called.
    pub id: SegmentId,
    /// Its number in this process.
    pub slot: u32,
    /// Its log.
    pub log: Arc<Log>,
    handle: Arc<Pooled>,
    /// The last checksum in it, once nothing is appended any more.
    sealed: OnceLock<u32>,
    /// Bytes of the frames in it that the keydir points at.
    live_bytes: AtomicU64,
    /// Bytes of those of them that are tombstones.
    tombstone_bytes: AtomicU64,
    /// How much of it its hint file speaks for, in bytes; 0 if it has none.
    hinted_bytes: AtomicU64,
    /// How large that file is.
    hint_file_bytes: AtomicU64,
    view: OnceLock<View>,
}

impl Segment {
    /// A segment of which the first `end` bytes are on the device, with the marks that reading or writing it gave.
    pub fn new(id: SegmentId, slot: u32, handle: Arc<Pooled>, end: u64, marks: Marks) -> Self {
        let log = Log::new(handle.clone(), id.log_name(), id.number(), end, marks);
        Self::of(id, slot, handle, log)
    }

    /// A segment that has just been begun: it counts as durable once those before it are.
    pub fn begun(id: SegmentId, slot: u32, handle: Arc<Pooled>, end: u64, marks: Marks) -> Self {
        let log = Log::new(handle.clone(), id.log_name(), id.number(), end, marks).after_unsynced();
        Self::of(id, slot, handle, log)
    }

    fn of(id: SegmentId, slot: u32, handle: Arc<Pooled>, log: Log) -> Self {
        let log = Arc::new(log);
        Self {
            id,
            slot,
            log,
            handle,
            sealed: OnceLock::new(),
            live_bytes: AtomicU64::new(0),
            tombstone_bytes: AtomicU64::new(0),
            hinted_bytes: AtomicU64::new(0),
            hint_file_bytes: AtomicU64::new(0),
            view: OnceLock::new(),
        }
    }

    /// Nothing will be appended any more: it may be mapped.
    pub fn seal(&self, last_checksum: u32) {
        self.sealed.get_or_init(|| last_checksum);
    }

    /// It is full and on the device: its file may be closed when nobody reads it. Not before, for who closes a file that
    /// is not synced, and opens it again to sync it, may never hear that the device has refused its bytes.
    pub fn release(&self) {
        self.handle.unpin();
    }

    /// Whether it will never change again.
    pub fn is_sealed(&self) -> bool {
        self.sealed.get().is_some()
    }

    /// The last checksum in it, if it is sealed.
    pub fn last_checksum(&self) -> Option<u32> {
        self.sealed.get().copied()
    }

    /// Keeps the file open: it is about to lose its name, and somebody may still read it.
    pub fn keep_open(&self) -> Result<()> {
        self.handle.pin()
    }

    /// Its length in bytes.
    pub fn bytes(&self) -> u64 {
        self.log.appended()
    }

    /// Bytes of the frames that the keydir points at, tombstones included.
    pub fn live_bytes(&self) -> u64 {
        self.live_bytes.load(Ordering::Relaxed)
    }

    /// Bytes of the tombstones that the keydir points at.
    pub fn tombstone_bytes(&self) -> u64 {
        self.tombstone_bytes.load(Ordering::Relaxed)
    }

    /// The keydir points at a frame of this segment from now on.
    pub fn gain(&self, at: Location) {
        self.live_bytes.fetch_add(u64::from(at.bytes), Ordering::Relaxed);
        if at.tombstone {
            self.tombstone_bytes.fetch_add(u64::from(at.bytes), Ordering::Relaxed);
        }
    }

    /// The keydir points at a frame of this segment no longer.
    pub fn lose(&self, at: Location) {
        self.live_bytes.fetch_sub(u64::from(at.bytes), Ordering::Relaxed);
        if at.tombstone {
            self.tombstone_bytes.fetch_sub(u64::from(at.bytes), Ordering::Relaxed);
        }
    }

    /// Remembers that its hint file speaks for its first `covered_bytes`, and how large that file is.
    pub fn note_hint(&self, covered_bytes: u64, file_bytes: u64) {
        self.hint_file_bytes.store(file_bytes, Ordering::Relaxed);
        self.hinted_bytes.store(covered_bytes, Ordering::Relaxed);
    }

    /// Whether it holds anything that its hint file, if it has one, does not speak for.
    pub fn lacks_hint(&self) -> bool {
        self.bytes() > self.hinted_bytes.load(Ordering::Relaxed).max(HEADER_BYTES as u64)
    }

    /// Bytes of its hint file, of whatever part that speaks; 0 if it has none.
    pub fn hint_file_bytes(&self) -> u64 {
        self.hint_file_bytes.load(Ordering::Relaxed)
    }

    // ANCHOR: read
    /// The value of `key`, whose newest entry lies `at` this place of this segment.
    pub fn read(&self, key: &[u8], at: Location, mapped: bool) -> Result<Vec<u8>> {
        if mapped && self.is_sealed() {
            return self.value_in_view(key, at);
        }
        let mut buffer = Vec::new();
        self.read_frame(key, at, &mut buffer)?;
        buffer.drain(..HEAD_BYTES + key.len());
        Ok(buffer)
    }

    /// Reads the frame of `key` into `buffer`: after its head and the key comes the value.
    pub fn read_frame(&self, key: &[u8], at: Location, buffer: &mut Vec<u8>) -> Result<()> {
        let frame =
            self.log.read_at(log::Location { offset: at.offset, bytes: u64::from(at.bytes) }, buffer)?;
        self.check_key(&frame, key, at)
    }
    // ANCHOR_END: read

    // ANCHOR: view
    fn value_in_view(&self, key: &[u8], at: Location) -> Result<Vec<u8>> {
        let place = self.log.place(at.offset);
        let bytes = usize::try_from(at.offset).ok().and_then(|start| self.view().ok()?.get(start..));
        let Some(bytes) = bytes else {
            // Said with the reason why there is no such slice, which only a second look can tell.
            return match self.view() {
                Err(error) => Err(error),
                Ok(_) => Err(self.damage(at, "the file ends before this entry")),
            };
        };
        let frame = Frame::verify(bytes, place).map_err(|what| self.damage(at, what))?;
        self.check_key(&frame, key, at)?;
        Ok(frame.value().unwrap_or_default().to_vec())
    }

    /// The whole file as one slice, mapped when it is first asked for.
    fn view(&self) -> Result<&View> {
        if let Some(view) = self.view.get() {
            return Ok(view);
        }
        let view = self.log.file.view().during("map", &self.log.name)?;
        Ok(self.view.get_or_init(|| view))
    }
    // ANCHOR_END: view

    fn check_key(&self, frame: &Frame<'_>, key: &[u8], at: Location) -> Result<()> {
        if frame.key() != key || frame.bytes().len() as u64 != u64::from(at.bytes) {
            return Err(self.damage(at, "the entry here is not the one that the keydir knows"));
        }
        Ok(())
    }

    fn damage(&self, at: Location, what: &str) -> Error {
        Error::corrupt(&self.log.name, at.offset, what)
    }
}

/// Keeps account of what is live: the keydir points at `new` now, and no longer at `old`. `segment` finds a segment by
/// its slot.
pub(crate) fn account<'s>(
    segment: impl Fn(u32) -> Option<&'s Arc<Segment>>,
    new: Location,
    old: Option<Location>,
) {
    if let Some(segment) = segment(new.segment) {
        segment.gain(new);
    }
    if let Some((old, segment)) = old.and_then(|old| Some((old, segment(old.segment)?))) {
        segment.lose(old);
    }
}

/// The segments of a store at one moment, by slot.
#[derive(Clone, Default)]
pub struct Segments {
    by_slot: Vec<Option<Arc<Segment>>>,
}

impl Segments {
    /// The slot for the next segment.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "slots are refused long before: a keydir has room for 2^24"
    )]
    pub fn next_slot(&self) -> u32 {
        self.by_slot.len() as u32
    }

    /// The segment in a slot.
    pub fn get(&self, slot: u32) -> Option<&Arc<Segment>> {
        self.by_slot.get(slot as usize)?.as_ref()
    }

    /// The segment that a location leads into.
    pub fn segment_of(&self, at: Location) -> Result<&Arc<Segment>> {
        let missing = || Error::corrupt("keydir", at.offset, format!("slot {} holds no segment", at.segment));
        self.get(at.segment).ok_or_else(missing)
    }

    /// All of them, the oldest first.
    pub fn oldest_first(&self) -> Vec<Arc<Segment>> {
        let mut all: Vec<_> = self.by_slot.iter().flatten().cloned().collect();
        all.sort_by_key(|segment| segment.id.first());
        all
    }

    /// All of them, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.by_slot.iter().flatten()
    }

    /// The same and one more, in the slot that is its own.
    #[must_use]
    pub fn with(&self, segment: Arc<Segment>) -> Self {
        let mut by_slot = self.by_slot.clone();
        let slot = segment.slot as usize;
        by_slot.resize(by_slot.len().max(slot + 1), None);
        by_slot[slot] = Some(segment);
        Self { by_slot }
    }

    /// The same without some of them.
    #[must_use]
    pub fn without(&self, slots: &[u32]) -> Self {
        let mut by_slot = self.by_slot.clone();
        for &slot in slots {
            if let Some(place) = by_slot.get_mut(slot as usize) {
                *place = None;
            }
        }
        Self { by_slot }
    }
}
