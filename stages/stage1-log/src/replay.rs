//! Reading a log from its first frame to its last, and judging where and why it ends.
//!
//! **Invariants**
//! 1. What is accepted is a prefix that ends between two batches.
//! 2. A bad frame is *damage* if anything says that it was once on the device: the header's base, or a floor behind
//!    it. Otherwise it is a *torn tail*: the crash took it before it was promised to anybody.
//! 3. Zeros up to the end of the file are reserved room, neither torn nor damaged.
//!
//! **Cost** One pass over the file, and behind a bad frame a second one that looks for floors only.
//!
//! The limit of what can be known: damage to the very last synced group after a crash, with nothing behind it, looks
//! like a tear. A clean close leaves no such doubt.

use crate::log::header::{HEADER_BYTES, Header};
use crate::log::{Marks, Passed, Reader, Stop, Stretch, find_floor, last_non_zero};
use contract::{Damage, Error, IoContext, Result};
use std::sync::Arc;
use vfs::File;

/// A log that has been read to its end.
pub struct Replay {
    /// The file.
    pub file: Arc<dyn File>,
    /// Its name.
    pub name: String,
    /// Its header.
    pub header: Header,
    /// The file's size in bytes, reserved room included.
    pub size: u64,
    /// Where the last whole batch ends: what is accepted.
    pub end: u64,
    /// Entries before `end`, tombstones included.
    pub entries: u64,
    /// Bytes of their frames; floors not counted.
    pub entry_bytes: u64,
    /// The last checksum before `end`.
    pub last_checksum: u32,
    /// Marks for the frames before `end`.
    pub marks: Marks,
    /// Bytes read.
    pub bytes_read: u64,
    /// What follows `end`.
    pub tail: Tail,
}

/// What follows the accepted part of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Nothing, or reserved room.
    Whole,
    /// Bytes that were never promised to anybody.
    Torn {
        /// Where the first bad frame stands, in bytes: at or behind `end`.
        offset: u64,
        /// What is wrong with it.
        why: String,
        /// Bytes from `end` on, zeros at the very end not counted.
        bytes: u64,
    },
    /// Bytes that were promised and are not as they were.
    Damaged(Damage),
}

impl Replay {
    /// Reads log `number` in `file`. `chunk_bytes` is how much to read at a time.
    pub fn read(
        file: Arc<dyn File>,
        name: String,
        number: u64,
        engine: [u8; crate::log::header::ENGINE_BYTES],
        chunk_bytes: usize,
    ) -> Result<Self> {
        let size = file.size().during("stat", &name)?;
        let header = Header::read(&*file, &name, number, engine)?;
        let mut replay = Self {
            file,
            name,
            header,
            size,
            end: HEADER_BYTES as u64,
            entries: 0,
            entry_bytes: 0,
            last_checksum: header.checksum(),
            marks: Marks::new(chunk_bytes),
            bytes_read: HEADER_BYTES as u64,
            tail: Tail::Whole,
        };
        replay.walk(chunk_bytes)?;
        Ok(replay)
    }

    /// What makes this log unusable, if anything does.
    pub fn damage(&self) -> Option<Error> {
        match &self.tail {
            Tail::Damaged(d) => Some(Error::corrupt(&d.file, d.offset, d.what.clone())),
            _ => None,
        }
    }

    fn walk(&mut self, chunk_bytes: usize) -> Result<()> {
        let file = Arc::clone(&self.file);
        let name = self.name.clone();
        let stretch = Stretch { start: HEADER_BYTES as u64, end: self.size };
        let mut reader = Reader::over(&*file, &name, self.header.number, stretch, chunk_bytes, Vec::new());
        let mut batch = OpenBatch::default();
        let stop = loop {
            match reader.next_frame() {
                Ok(Some(passed)) if batch.is_open() && !passed.is_entry() => {
                    break Some((passed.offset, "a batch without its end"));
                }
                Ok(Some(passed)) => self.accept(&passed, &mut batch),
                Ok(None) if batch.is_open() => break Some((self.size, "a batch without its end")),
                Ok(None) => break None,
                Err(Stop::Bad { offset, what }) => break Some((offset, what)),
                Err(Stop::Failed(error)) => return Err(error),
            }
        };
        self.bytes_read += reader.bytes_read();
        if let Some((offset, what)) = stop {
            self.tail = self.judge(offset, what)?;
        }
        if self.tail == Tail::Whole && self.end < self.header.base_bytes {
            let what =
                format!("the log ends here; it had {} bytes when it got its name", self.header.base_bytes);
            self.tail = Tail::Damaged(Damage { file: self.name.clone(), offset: self.end, what });
        }
        Ok(())
    }

    // ANCHOR: accept
    /// Takes a verified frame; its batch is accepted with its last frame, or at once below the header's base.
    fn accept(&mut self, passed: &Passed<'_>, batch: &mut OpenBatch) {
        let Some(frame) = passed.frame() else { return };
        let bytes = frame.bytes.len() as u64;
        let end = passed.offset + bytes;
        batch.marks.push(passed.offset);
        if passed.is_entry() {
            batch.entries += 1;
            batch.entry_bytes += bytes;
        }
        if passed.head.more && end > self.header.base_bytes {
            return;
        }
        batch.marks.drain(..).for_each(|offset| self.marks.pass(offset));
        self.entries += std::mem::take(&mut batch.entries);
        self.entry_bytes += std::mem::take(&mut batch.entry_bytes);
        self.last_checksum = frame.checksum();
        self.end = end;
    }
    // ANCHOR_END: accept

    // ANCHOR: judge
    /// Decides what a bad frame at `offset` is.
    fn judge(&self, offset: u64, what: &str) -> Result<Tail> {
        let damaged = |what: String| Ok(Tail::Damaged(Damage { file: self.name.clone(), offset, what }));
        if offset < self.header.base_bytes {
            return damaged(format!("{what}; it was on the device when the log got its name"));
        }
        let rest = Stretch { start: offset, end: self.size };
        if let Some((at, durable)) = find_floor(&*self.file, &self.name, self.header.number, rest, offset)? {
            return damaged(format!(
                "{what}; the floor at {at} says that all before {durable} was on the device"
            ));
        }
        let after = Stretch { start: self.end, end: self.size };
        let bytes = last_non_zero(&*self.file, &self.name, after)? - self.end;
        if bytes == 0 {
            return Ok(Tail::Whole);
        }
        Ok(Tail::Torn { offset, why: what.to_owned(), bytes })
    }
    // ANCHOR_END: judge
}

/// The frames of a batch whose last one has not come yet.
#[derive(Default)]
struct OpenBatch {
    entries: u64,
    entry_bytes: u64,
    marks: Vec<u64>,
}

impl OpenBatch {
    fn is_open(&self) -> bool {
        self.entries > 0
    }
}
