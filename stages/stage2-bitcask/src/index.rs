//! Filling the keydir when a store is opened: from a segment's hint file if that can be believed, or from the segment.
//!
//! **Invariants**
//! 1. Segments are taken oldest first, so that a newer entry replaces an older one.
//! 2. A hint is believed only if all of it is as it was written, if it speaks for the whole segment, and if the
//!    segment still has the last checksum that the hint remembers. One that is damaged or foreign is reported, and so is
//!    one that a clean close has listed and that is missing or too old; after a crash these are as they should be.
//!    Either way the segment is read instead.
//! 3. A segment that must be read and cannot be stops the opening: without all its keys, older values would come back.
//!
//! **Cost** A hint is one read of 13 bytes and the key for each entry; a segment is read twice, once to judge it and once
//! to index what was accepted.

use crate::ENGINE;
use crate::apply::locate;
use crate::clock::Since;
use crate::handles::Handles;
use crate::hint::{self, Hint};
use crate::keydir::{Gathered, Keydir, Location};
use crate::names::SegmentId;
use crate::options::Settings;
use crate::report::Opening;
use crate::segment::{Segment, account};
use contract::{Damage, Error, IoContext, RecoveryReport, Result};
use stage1::clean::Listed;
use stage1::log::header::Header;
use stage1::log::{Marks, Reader};
use stage1::recover::{mismatch, note};
use stage1::replay::{Replay, Tail};
use std::sync::Arc;
use vfs::{File, Vfs, read_full};

/// A store that is being opened.
pub(crate) struct Opener<'a> {
    pub(crate) vfs: &'a Arc<dyn Vfs>,
    pub(crate) settings: &'a Settings,
    pub(crate) handles: Arc<Handles>,
    pub(crate) keydir: Keydir,
    /// By slot: the oldest is first.
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) report: RecoveryReport,
    pub(crate) opening: Opening,
}

/// A segment whose keys are in the keydir.
pub(crate) struct Loaded {
    pub(crate) segment: Arc<Segment>,
    pub(crate) last_checksum: u32,
    pub(crate) base_bytes: u64,
}

impl Opener<'_> {
    /// Makes room in the keydir for what the hints of these segments hold, so that it need not grow step by step.
    pub(crate) fn reserve(&mut self, hinted: &[SegmentId]) -> Result<()> {
        let (mut keys, mut key_bytes) = (0, 0);
        for id in hinted.iter().filter(|_| self.settings.hints) {
            let name = id.hint_name();
            let file = self.vfs.open(&name).during("open", &name);
            match file.and_then(|file| hint::size(&*file, &name, id.number())) {
                Ok((more, bytes)) => {
                    keys += more;
                    key_bytes += bytes;
                }
                Err(Error::Corrupt { .. }) => {} // What is wrong with it is said when it is read.
                Err(error) => return Err(error),
            }
        }
        if keys > 0 {
            self.keydir.reserve(keys, key_bytes);
        }
        Ok(())
    }

    // ANCHOR: load
    /// Takes in a segment that is on the device in full: from its hint, if it has one, or by reading it. `mark` is what
    /// the mark of a clean close lists.
    pub(crate) fn load(&mut self, id: SegmentId, has_hint: bool, mark: &[Listed]) -> Result<Loaded> {
        let listed = mark.iter().find(|file| file.name == id.log_name());
        let hint_listed = mark.iter().any(|file| file.name == id.hint_name());
        let name = id.log_name();
        let file = self.vfs.open(&name).during("open", &name)?;
        let header = Header::read(&*file, &name, id.number(), ENGINE)?;
        let size = file.size().during("stat", &name)?;
        // A segment that is not as long as the mark says is read, so that what is wrong with it is found.
        let uses_hint = has_hint && self.settings.hints && listed.is_none_or(|listed| listed.bytes == size);
        let hint = if uses_hint { self.believable_hint(id, &*file, listed)? } else { None };
        match hint {
            Some(hint) if hint.covered_bytes() == size => {
                return Ok(self.load_hint(id, file, &hint, header.base_bytes));
            }
            // The mark lists only hints that spoke for all of their segments.
            Some(hint) if hint_listed => {
                let what = format!("speaks for {} of the segment's {size} bytes", hint.covered_bytes());
                self.replaced(&id.hint_name(), 0, what);
            }
            None if hint_listed && !has_hint => {
                self.replaced(&id.hint_name(), 0, "missing; it was there when the store was closed".into());
            }
            _ => {}
        }
        let replay = Replay::read(file, name, id.number(), ENGINE, self.settings.chunk_bytes)?;
        refuse_unless_whole(&replay, listed)?;
        let (last_checksum, base_bytes) = (replay.last_checksum, replay.header.base_bytes);
        let segment = self.load_replayed(id, replay)?;
        if has_hint {
            // It is there and takes room, but nobody believes it.
            let name = id.hint_name();
            let bytes = self.vfs.open(&name).and_then(|file| file.size()).during("stat", &name)?;
            segment.note_hint(0, bytes);
        }
        Ok(Loaded { segment, last_checksum, base_bytes })
    }
    // ANCHOR_END: load

    /// Takes in the keys that a hint knows.
    fn load_hint(&mut self, id: SegmentId, file: Arc<dyn File>, hint: &Hint, base_bytes: u64) -> Loaded {
        let since = Since::now();
        let segment = self.add(id, file, hint.covered_bytes(), Marks::new(self.settings.chunk_bytes));
        segment.note_hint(hint.covered_bytes(), hint.file_bytes());
        let segments = &self.segments;
        self.keydir
            .load(hint, segment.slot, |new, old| account(|slot| segments.get(slot as usize), new, old));
        self.report.files += 1;
        self.report.entries += hint.count();
        self.report.bytes_read += hint.file_bytes();
        self.opening.hints += 1;
        self.opening.hint_time += since.elapsed();
        Loaded { segment, last_checksum: hint.last_checksum(), base_bytes }
    }

    /// Takes in the accepted part of a segment that has been read.
    pub(crate) fn load_replayed(&mut self, id: SegmentId, replay: Replay) -> Result<Arc<Segment>> {
        let since = Since::now();
        note(&replay, &mut self.report);
        let segment = self.add(id, replay.file, replay.end, replay.marks);
        self.index(&segment)?;
        self.opening.segments_read += 1;
        self.opening.segment_time += since.elapsed();
        Ok(segment)
    }

    /// Gives a segment of which the first `end` bytes are on the device the next slot.
    pub(crate) fn add(&mut self, id: SegmentId, file: Arc<dyn File>, end: u64, marks: Marks) -> Arc<Segment> {
        let slot = u32::try_from(self.segments.len()).unwrap_or(u32::MAX);
        let handle = self.handles.pinned(&id.log_name(), file);
        let segment = Arc::new(Segment::new(id, slot, handle, end, marks));
        self.segments.push(Arc::clone(&segment));
        segment
    }

    /// Puts every entry of a segment into the keydir.
    pub(crate) fn index(&mut self, segment: &Segment) -> Result<()> {
        let log = &segment.log;
        // Whoever calls this has read all of it before, and verified every value.
        let reader = Reader::new(log, log.stretch(segment.bytes()), Vec::new()).skipping_values();
        let segments = &self.segments;
        let account = |new, old| account(|slot| segments.get(slot as usize), new, old);
        self.report.bytes_read += index(reader, segment, &self.keydir, account)?;
        Ok(())
    }

    /// The hint of a segment, if it can be believed; if it is damaged or foreign, that is reported.
    pub(crate) fn believable_hint(
        &mut self,
        id: SegmentId,
        segment: &dyn File,
        listed: Option<&Listed>,
    ) -> Result<Option<Hint>> {
        let since = Since::now();
        let hint = read_hint(&**self.vfs, id, segment, listed);
        self.opening.hint_time += since.elapsed();
        match hint {
            Ok(hint) => Ok(Some(hint)),
            Err(Error::Corrupt { file, offset, what }) => {
                self.replaced(&file, offset, what);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn replaced(&mut self, file: &str, offset: u64, what: String) {
        self.report.replaced.push(Damage { file: file.to_owned(), offset, what });
    }
}

// ANCHOR: index
/// Puts every entry that `reader` meets in a segment into `keydir`, many at a time. Returns how many bytes were read.
pub(crate) fn index(
    mut reader: Reader<'_>,
    segment: &Segment,
    keydir: &Keydir,
    mut replaced: impl FnMut(Location, Option<Location>),
) -> Result<u64> {
    let mut gathered = Gathered::default();
    while let Some(passed) = reader.next_frame().map_err(|stop| stop.into_error(&segment.log.name))? {
        let at = locate(&passed.head, segment.slot, passed.offset);
        if passed.is_entry() && gathered.push(passed.key(), at) {
            keydir.load_gathered(&mut gathered, segment.slot, &mut replaced);
        }
    }
    keydir.load_gathered(&mut gathered, segment.slot, &mut replaced);
    Ok(reader.bytes_read())
}
// ANCHOR_END: index

/// The hint of a segment, whose file is `segment`; [`Error::Corrupt`] if it is not to be believed.
pub(crate) fn read_hint(
    vfs: &dyn Vfs,
    id: SegmentId,
    segment: &dyn File,
    listed: Option<&Listed>,
) -> Result<Hint> {
    let name = id.hint_name();
    let file = vfs.open(&name).during("open", &name)?;
    let hint = hint::read(&*file, &name, id.number())?;
    fits(&hint, &name, segment, listed)?;
    Ok(hint)
}

// ANCHOR: fits
/// Whether a hint remembers the segment as it is: the frame that was the last one is still there.
fn fits(hint: &Hint, name: &str, segment: &dyn File, listed: Option<&Listed>) -> Result<()> {
    let mut stored = [0; 4];
    let n = read_full(segment, &mut stored, hint.last_offset()).during("read", name)?;
    let remembered =
        listed.is_none_or(|l| l.bytes != hint.covered_bytes() || l.last_checksum == hint.last_checksum());
    if n < stored.len() || u32::from_le_bytes(stored) != hint.last_checksum() || !remembered {
        return Err(Error::corrupt(name, 0, "not a hint of this segment: its last entry is another one"));
    }
    Ok(())
}
// ANCHOR_END: fits

/// A segment that is on the device in full must be there in full.
pub(crate) fn refuse_unless_whole(replay: &Replay, listed: Option<&Listed>) -> Result<()> {
    let found = match (listed, &replay.tail) {
        (Some(listed), _) => mismatch(replay, listed),
        (None, Tail::Whole) => None,
        (None, Tail::Damaged(damage)) => Some((damage.offset, damage.what.clone())),
        (None, Tail::Torn { offset, why, .. }) => {
            Some((*offset, format!("{why}; a later file says that it was whole")))
        }
    };
    found.map_or(Ok(()), |(offset, what)| Err(Error::corrupt(&replay.name, offset, what)))
}
