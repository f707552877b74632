//! Writing hint files, and building the keydir anew from them or from the segments.
//!
//! **Invariants**
//! 1. A hint speaks only for what is on the device: so its being there proves that the segment was.
//! 2. No key gets into a hint, or into a keydir that is built anew, before its frame was verified.
//! 3. An entry that a later one has replaced may be left out if the hint speaks for that one too, never one that was
//!    replaced behind the hint's end or in a later segment, for power loss may take what is there.
//!
//! **Cost** A hint is written from one read of its segment; where most of that is dead, with a probe for each entry,
//! which takes longer than all the rest. Building anew makes writers wait, not readers.

use crate::apply::locate;
use crate::hint;
use crate::index::{index, read_hint};
use crate::keydir::{Keydir, Location};
use crate::segment::Segment;
use crate::store::Store;
use contract::{Error, Result};
use stage1::log::header::HEADER_BYTES;
use stage1::log::{Reader, Stretch};
use std::sync::atomic::Ordering;

/// What was written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

/// What building the keydir anew found.
#[derive(Debug, Default)]
pub(crate) struct Reindexed {
    pub(crate) keys: u64,
    /// Segments whose keys came from their hints, and from themselves.
    pub(crate) hints: u64,
    pub(crate) segments: u64,
    /// Keys of which the old keydir said something else.
    pub(crate) differences: u64,
}

impl Store {
    // ANCHOR: write_hint
    /// Writes the hint of what of a segment is on the device, and returns its size in bytes.
    pub(crate) fn write_hint(&self, segment: &Segment) -> Result<u64> {
        let log = &segment.log;
        let end = log.synced().min(segment.bytes());
        let mut reader = Reader::new(log, log.stretch(end), Vec::new());
        let mut builder = hint::Builder::new(segment.id);
        // What was replaced within it is dead. Unless most of it is, looking costs more than a longer hint.
        let mostly_dead = segment.live_bytes() < end / 2;
        while let Some(passed) = reader.next_frame().map_err(|stop| stop.into_error(&log.name))? {
            let at = locate(&passed.head, segment.slot, passed.offset);
            if passed.is_entry() && !(mostly_dead && self.is_replaced_before(end, segment, passed.key(), at))
            {
                builder.push(passed.key(), at);
            }
            builder.pass(at.offset, passed.checksum());
        }
        let bytes = builder.install(&*self.vfs, end)?;
        self.counts.written_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.counts.read_bytes.add(reader.bytes_read());
        segment.note_hint(end, bytes);
        Ok(bytes)
    }

    /// Whether the segment holds a newer entry of the key before `end`. One behind it may not be on the device yet.
    fn is_replaced_before(&self, end: u64, segment: &Segment, key: &[u8], at: Location) -> bool {
        let now = self.keydir.get(key).filter(|now| now.segment == segment.slot);
        now.is_some_and(|now| (at.offset + 1..end).contains(&now.offset))
    }
    // ANCHOR_END: write_hint

    /// Makes everything durable and writes every hint that is missing, also the active segment's.
    pub(crate) fn write_all_hints(&self) -> Result<Written> {
        self.refuse_if_closed()?;
        self.refuse_if_poisoned()?;
        let _upkeep = self.upkeep();
        self.make_durable(self.chain.end())?;
        let mut written = Written::default();
        for segment in self.segments.load().oldest_first() {
            if segment.lacks_hint() {
                written.bytes += self.write_hint(&segment)?;
                written.files += 1;
            }
        }
        Ok(written)
    }

    // ANCHOR: reindex
    /// Builds the keydir anew, from hints where that is asked for, and lets it take the place of the old one.
    pub(crate) fn reindex(&self, from_hints: bool) -> Result<Reindexed> {
        let _upkeep = self.upkeep();
        let mut turn = self.turn()?;
        if !turn.pending.is_empty() {
            self.make_durable(self.chain.end())?;
            self.apply_pending(&mut turn);
        }
        let (keydir, mut found) = (self.keydir.like(), Reindexed::default());
        for segment in self.segments.load().oldest_first() {
            let hinted = if from_hints { self.load_hint(&segment, &keydir)? } else { 0 };
            found.hints += u64::from(hinted > 0);
            found.segments += u64::from(hinted < segment.bytes());
            let rest = Stretch { start: hinted.max(HEADER_BYTES as u64), end: segment.bytes() };
            let reader = Reader::new(&segment.log, rest, Vec::new());
            self.counts.read_bytes.add(index(reader, &segment, &keydir, |_, _| ())?);
        }
        found.keys = keydir.keys();
        found.differences = self.keydir.take_over(keydir);
        Ok(found)
    }
    // ANCHOR_END: reindex

    /// Loads a segment's hint, if there is one, and returns how much of the segment it speaks for.
    fn load_hint(&self, segment: &Segment, keydir: &Keydir) -> Result<u64> {
        if segment.hint_file_bytes() == 0 {
            return Ok(0);
        }
        match read_hint(&*self.vfs, segment.id, &*segment.log.file, None) {
            Ok(hint) => {
                keydir.load(&hint, segment.slot, |_, _| ());
                Ok(hint.covered_bytes())
            }
            Err(Error::Corrupt { .. }) => Ok(0), // Then the segment itself is read.
            Err(error) => Err(error),
        }
    }
}
