//! Appending: frames are built without a lock, get their place in the writer's turn, and go out in one write.
//!
//! **Invariants**
//! 1. A batch is one append; replay accepts it whole or not at all, whatever part of it a crash leaves.
//! 2. After a successful sync the next append begins with a floor. A floor never states more than what is on the
//!    device when it is written.
//! 3. After a failed append the writer must not be used again: nobody knows what lies behind the written end.
//!
//! **Cost** One system call for each batch; 20 bytes for each sync.

use super::{Location, Log, Marks, Reader, header::HEADER_BYTES, header::Header, header::Previous};
use crate::frame::{self, FLOOR_BYTES, Frame, HEAD_BYTES, Head, Place};
use contract::{Batch, Entry, IoContext, Result};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use vfs::File;

/// The frames of one batch, with room in front for a floor, so that both go out in one write.
pub struct Frames {
    bytes: Vec<u8>,
    entries: u64,
}

impl Default for Frames {
    fn default() -> Self {
        Self { bytes: vec![0; FLOOR_BYTES], entries: 0 }
    }
}

impl Frames {
    /// A buffer grown beyond this by one large batch is given back, in bytes.
    const KEEP_BYTES: usize = 1 << 20;

    /// Holds the frame of one entry.
    pub fn set_entry(&mut self, entry: Entry<'_>) {
        self.clear();
        self.entries = 1;
        frame::encode(entry, false, &mut self.bytes);
    }

    // ANCHOR: set_batch
    /// Holds the frames of a batch.
    pub fn set_batch(&mut self, batch: &Batch) {
        self.clear();
        self.entries = batch.len() as u64;
        let last = batch.len().saturating_sub(1);
        for (i, entry) in batch.iter().enumerate() {
            frame::encode(entry, i < last, &mut self.bytes);
        }
    }
    // ANCHOR_END: set_batch

    /// Adds what others hold: batches one after the other, each of them still whole.
    pub fn extend(&mut self, other: &Self) {
        self.bytes.extend_from_slice(other.bytes());
        self.entries += other.entries;
    }

    /// The bytes of all frames, one after the other.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[FLOOR_BYTES..]
    }

    /// How many entries they hold.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Bytes of keys and values in them.
    pub fn user_bytes(&self) -> u64 {
        (self.bytes.len() - FLOOR_BYTES) as u64 - self.entries * HEAD_BYTES as u64
    }

    fn clear(&mut self) {
        if self.bytes.capacity() > Self::KEEP_BYTES {
            *self = Self::default();
        }
        self.bytes.truncate(FLOOR_BYTES);
    }
}

/// What an append did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// How many bytes it wrote, a floor included.
    pub bytes: u64,
    /// The offset of the first frame.
    pub first: u64,
}

/// The one who appends to a log.
pub struct Writer {
    /// The log.
    pub log: Arc<Log>,
    end: u64,
    last_checksum: u32,
    /// What the last floor states, or what the header's base states.
    floor: u64,
    /// The file's size, reserved room included.
    size: u64,
    /// How much room to reserve at a time; 0 for none.
    reserve_bytes: u64,
    /// The next frame at or behind this offset gets a mark.
    next_mark: u64,
}

impl Writer {
    /// Appends to `log` from its end on. `base` is the header's base.
    pub fn new(log: Arc<Log>, last_checksum: u32, base: u64) -> Self {
        let end = log.appended();
        let next_mark = log.next_mark();
        Self { log, end, last_checksum, floor: base, size: end, reserve_bytes: 0, next_mark }
    }

    /// Reserves room, this many bytes at a time; 0 for none.
    pub fn reserve_by(&mut self, bytes: u64) {
        self.reserve_bytes = bytes;
    }

    /// How the log ends, as the next log's header or the clean mark states it.
    pub fn tail(&self) -> Previous {
        Previous { number: self.log.number, bytes: self.end, last_checksum: self.last_checksum }
    }

    /// The file's size in bytes, reserved room included.
    pub fn size(&self) -> u64 {
        self.size
    }

    // ANCHOR: make_room
    /// Makes room for `frames` where room is to be reserved. An error has no effect on the log's entries.
    pub fn make_room(&mut self, frames: &Frames) -> Result<()> {
        let needed = self.end + frames.bytes.len() as u64;
        if self.reserve_bytes > 0 && needed > self.size {
            let room = self.reserve_bytes.max(frames.bytes.len() as u64);
            // A call that reports failure may have done its work; what may be there is given back at close.
            self.size = self.end + room;
            self.log.file.reserve(room).during("reserve room in", &self.log.name)?;
        }
        Ok(())
    }
    // ANCHOR_END: make_room

    // ANCHOR: append
    /// Appends `frames` in one write.
    pub fn append(&mut self, frames: &mut Frames) -> Result<Appended> {
        let durable = self.log.synced();
        let floor_due = durable > self.floor;
        let start = if floor_due { 0 } else { FLOOR_BYTES };
        if floor_due {
            let floor = frame::floor(durable, self.log.place(self.end));
            frames.bytes[..FLOOR_BYTES].copy_from_slice(&floor);
        }
        let first = self.end + (FLOOR_BYTES - start) as u64;
        self.give_places(&mut frames.bytes[FLOOR_BYTES..], first);

        let bytes = &frames.bytes[start..];
        self.log.file.append(bytes).during("append to", &self.log.name)?;
        if floor_due {
            self.floor = durable;
        }
        self.end += bytes.len() as u64;
        self.size = self.size.max(self.end);
        self.log.appended.store(self.end, Ordering::Release);
        Ok(Appended { bytes: bytes.len() as u64, first })
    }
    // ANCHOR_END: append

    // ANCHOR: give_places
    /// Mixes each frame's checksum with its place, the first at `offset`, and sets marks.
    fn give_places(&mut self, mut frames: &mut [u8], mut offset: u64) {
        while let Some(Ok(head)) = frames.first_chunk::<HEAD_BYTES>().map(Head::parse) {
            let (frame, rest) = frames.split_at_mut(head.len());
            frame::move_to(frame, None, self.log.place(offset));
            self.last_checksum = frame::stored_checksum(frame);
            if offset >= self.next_mark {
                self.next_mark = self.log.mark(offset);
            }
            offset += frame.len() as u64;
            frames = rest;
        }
    }
    // ANCHOR_END: give_places

    /// Cuts off reserved room.
    pub fn give_room_back(&mut self) -> Result<()> {
        if self.size > self.end {
            self.log.file.truncate(self.end).during("truncate", &self.log.name)?;
            self.size = self.end;
            self.log.cut.store(true, Ordering::Release);
        }
        Ok(())
    }
}

/// Writes a whole new log out of verified frames: for recovery, for compaction, for a merge.
pub struct Builder {
    file: Arc<dyn File>,
    name: String,
    number: u64,
    buffer: Vec<u8>,
    /// Where the next frame goes.
    offset: u64,
    last_checksum: u32,
    marks: Marks,
}

impl Builder {
    /// How much is written at a time, in bytes.
    const WRITE_BYTES: usize = 1 << 20;

    /// Begins the log that `header` describes, in a file that does not have its name yet.
    pub fn new(file: Arc<dyn File>, name: String, header: &Header, marks: Marks) -> Self {
        Self {
            file,
            name,
            number: header.number,
            buffer: header.encode().to_vec(),
            offset: HEADER_BYTES as u64,
            last_checksum: header.checksum(),
            marks,
        }
    }

    // ANCHOR: push
    /// Adds a frame that was verified at `from`, with its checksum mixed anew and never computed anew: what was
    /// damaged in between stays recognisable.
    pub fn push(&mut self, frame: &Frame<'_>, from: Place) -> Result<Location> {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(frame.bytes);
        let moved = &mut self.buffer[start..];
        frame::move_to(moved, Some(from), Place { file: self.number, offset: self.offset });
        self.last_checksum = frame::stored_checksum(moved);
        self.marks.pass(self.offset);
        let at = Location { offset: self.offset, bytes: frame.bytes.len() as u64 };
        self.offset += at.bytes;
        if self.buffer.len() >= Self::WRITE_BYTES {
            self.flush()?;
        }
        Ok(at)
    }
    // ANCHOR_END: push

    /// Adds frames that have had no place yet.
    pub fn push_new(&mut self, frames: &Frames) {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(frames.bytes());
        let mut rest = &mut self.buffer[start..];
        while let Some(Ok(head)) = rest.first_chunk::<HEAD_BYTES>().map(Head::parse) {
            let (frame, behind) = rest.split_at_mut(head.len());
            frame::move_to(frame, None, Place { file: self.number, offset: self.offset });
            self.last_checksum = frame::stored_checksum(frame);
            self.marks.pass(self.offset);
            self.offset += frame.len() as u64;
            rest = behind;
        }
    }

    // ANCHOR: push_all
    /// Adds every entry of a walk, and tells of each its key, whether it is a tombstone, and where it lies now.
    pub fn push_all(
        &mut self,
        reader: &mut Reader<'_>,
        name: &str,
        mut each: impl FnMut(&Frame<'_>, Location),
    ) -> Result<()> {
        let file = reader.number();
        while let Some(passed) = reader.next_frame().map_err(|stop| stop.into_error(name))? {
            let offset = passed.offset;
            if let Some(frame) = passed.frame().filter(|_| passed.is_entry()) {
                each(&frame, self.push(&frame, Place { file, offset })?);
            }
        }
        Ok(())
    }
    // ANCHOR_END: push_all

    /// Writes what is left, and returns the file, its length, its last checksum and its marks.
    pub fn finish(mut self) -> Result<Built> {
        self.flush()?;
        Ok(Built {
            file: self.file,
            bytes: self.offset,
            last_checksum: self.last_checksum,
            marks: self.marks,
        })
    }

    fn flush(&mut self) -> Result<()> {
        self.file.append(&self.buffer).during("append to", &self.name)?;
        self.buffer.clear();
        Ok(())
    }
}

/// A log that is written and has no name yet.
pub struct Built {
    /// Its file.
    pub file: Arc<dyn File>,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its last checksum.
    pub last_checksum: u32,
    /// Its marks.
    pub marks: Marks,
}

#[cfg(test)]
mod tests {
    use super::*;
    use vfs::{MemFs, Vfs};

    #[test]
    fn a_floor_states_no_more_than_was_synced_when_others_appended_meanwhile() {
        let fs = MemFs::new();
        let file = fs.create("x").unwrap();
        let log = Arc::new(Log::new(file, "x".into(), 1, 0, Marks::new(1 << 20)));
        let mut writer = Writer::new(Arc::clone(&log), 0, 0);
        let mut frames = Frames::default();
        let mut append = |writer: &mut Writer| {
            frames.set_entry(Entry { key: b"k", value: Some(b"v") });
            writer.append(&mut frames).unwrap()
        };
        append(&mut writer);
        let first = log.appended();
        append(&mut writer); // While a sync is on its way that covers the first one only.
        log.synced.store(first, Ordering::Release);
        let at = log.appended();
        append(&mut writer);
        let bytes = &fs.contents()["x"][usize::try_from(at).unwrap()..];
        assert_eq!(Frame::verify(bytes, log.place(at)).unwrap().floor(), Some(first));
    }

    #[test]
    fn every_frame_of_a_batch_but_the_last_says_more() {
        let mut frames = Frames::default();
        for keys in [&[b"a"][..], &[b"a", b"b", b"c"], &[]] {
            let mut batch = Batch::new();
            for key in keys {
                batch.put(*key, b"value");
            }
            frames.set_batch(&batch);
            let (mut rest, mut more) = (frames.bytes(), Vec::new());
            while let Some(Ok(head)) = rest.first_chunk().map(Head::parse) {
                more.push(head.more);
                rest = &rest[head.len()..];
            }
            let expected: Vec<bool> = (1..=keys.len()).map(|n| n < keys.len()).collect();
            assert_eq!(more, expected, "whether each of {} frames says MORE", keys.len());
            assert_eq!(frames.entries(), keys.len() as u64);
        }
    }
}
