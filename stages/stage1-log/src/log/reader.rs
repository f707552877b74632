//! Walking a stretch of a log, frame by frame, at the speed of memory.
//!
//! **Invariants**
//! 1. Every frame that is given out has been verified, but for one that is larger than a chunk and whose value nobody
//!    asked for: of that one the value is not read, and the walk must still end where its stretch ends. So a get
//!    does not notice if the key of such a frame, unlike any other byte, rots while the store is open; the next
//!    opening does, and so does `verify`.
//! 2. No length is believed before the bytes are known to be there, so a forged one reads and allocates nothing.
//!
//! **Cost** One read for each chunk, of 256 KiB unless said otherwise: the chunk stays in the processor's cache while
//! its frames are walked. No allocation for a frame. How fast the kernel hands a chunk over depends on how it was
//! written: a log that was written in large pieces lies in the page cache in large pieces too.

use super::{Location, Log};
use crate::frame::{Frame, HEAD_BYTES, Head, Kind, Place, stored_checksum};
use contract::{Error, IoContext};
use vfs::{File, read_full};

/// A part of a log: whole frames from `start` up to `end`, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Where it starts.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
}

impl Stretch {
    /// How long it is, in bytes, as far as memory can hold it.
    pub(super) fn bytes(&self) -> usize {
        usize::try_from(self.end.saturating_sub(self.start)).unwrap_or(usize::MAX)
    }
}

/// Why a walk came to its end too early.
#[derive(Debug)]
pub enum Stop {
    /// The world refused a read.
    Failed(Error),
    /// What stands at `offset` is not a frame.
    Bad {
        /// Where it stands, in bytes.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl Stop {
    /// The same as an error about the file `name`.
    pub fn into_error(self, name: &str) -> Error {
        match self {
            Self::Failed(error) => error,
            Self::Bad { offset, what } => Error::corrupt(name, offset, what),
        }
    }
}

/// A frame that the walk has reached. It is small, for it is handed from function to function a million times a get.
#[derive(Clone, Copy, Debug)]
pub struct Passed<'a> {
    /// Where it starts, in bytes.
    pub offset: u64,
    /// Its head.
    pub head: Head,
    /// All its bytes, verified; of a skipped one, those up to the end of its key.
    bytes: &'a [u8],
}

impl<'a> Passed<'a> {
    /// Where it lies.
    #[inline]
    pub fn at(&self) -> Location {
        Location { offset: self.offset, bytes: self.head.len() as u64 }
    }

    /// Whether it is an entry and not a floor.
    #[inline]
    pub fn is_entry(&self) -> bool {
        self.head.kind != Kind::Floor
    }

    /// Its key.
    #[inline]
    pub fn key(&self) -> &'a [u8] {
        &self.bytes[HEAD_BYTES..self.head.key_end()]
    }

    /// Its checksum as it lies in the file.
    #[inline]
    pub fn checksum(&self) -> u32 {
        stored_checksum(self.bytes)
    }

    /// The whole of it; `None` where its value was skipped.
    #[inline]
    pub fn frame(&self) -> Option<Frame<'a>> {
        (self.bytes.len() == self.head.len()).then_some(Frame { head: self.head, bytes: self.bytes })
    }
}

/// A walk over a stretch of a log.
pub struct Reader<'a> {
    file: &'a dyn File,
    name: &'a str,
    number: u64,
    buffer: Vec<u8>,
    /// The bytes of the buffer that are filled and not yet walked.
    from: usize,
    to: usize,
    /// The offset of the frame that is next.
    offset: u64,
    end: u64,
    skip_values: bool,
    bytes_read: u64,
}

impl<'a> Reader<'a> {
    /// Walks `stretch` of `log`.
    pub fn new(log: &'a Log, stretch: Stretch, buffer: Vec<u8>) -> Self {
        Self::over(&*log.file, &log.name, log.number, stretch, log.chunk_bytes, buffer)
    }

    /// Walks `stretch` of a file that is not open as a log. `buffer` is memory to use again.
    pub fn over(
        file: &'a dyn File,
        name: &'a str,
        number: u64,
        stretch: Stretch,
        chunk_bytes: usize,
        mut buffer: Vec<u8>,
    ) -> Self {
        // A little more than a chunk: the frame that the chunk's end falls into comes with the same read.
        let chunk_bytes = (chunk_bytes + chunk_bytes / 64).max(HEAD_BYTES * 2);
        // A short stretch needs no more than itself: clearing a chunk would cost more than reading it.
        let needed = chunk_bytes.min(stretch.bytes()).max(HEAD_BYTES * 2);
        if buffer.len() > chunk_bytes * 2 {
            // One large frame must not keep its memory for ever.
            buffer.truncate(needed);
            buffer.shrink_to(needed);
        }
        if buffer.len() < needed {
            buffer.resize(needed, 0);
        }
        let Stretch { start, end } = stretch;
        Self {
            file,
            name,
            number,
            buffer,
            from: 0,
            to: 0,
            offset: start,
            end,
            skip_values: false,
            bytes_read: 0,
        }
    }

    /// Does not read values of frames larger than a chunk.
    #[must_use]
    pub fn skipping_values(mut self) -> Self {
        self.skip_values = true;
        self
    }

    /// The number of the log that is walked.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// The buffer, to be used again.
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    // ANCHOR: next_frame
    /// The next frame, or `None` at the end of the stretch.
    #[inline]
    pub fn next_frame(&mut self) -> std::result::Result<Option<Passed<'_>>, Stop> {
        if self.offset >= self.end {
            return if self.offset == self.end {
                Ok(None)
            } else {
                Err(self.bad("a frame reaches past the end"))
            };
        }
        let head = self.head()?;
        let bytes = head.len();
        if bytes > self.to - self.from && !self.reach(&head)? {
            return Ok(Some(self.pass_unread(&head)));
        }
        let (offset, from) = (self.offset, self.from);
        self.offset += bytes as u64;
        self.from += bytes;
        let place = Place { file: self.number, offset };
        match Frame::verify_body(head, &self.buffer[from..self.to], place) {
            Ok(frame) => Ok(Some(Passed { offset, head, bytes: frame.bytes })),
            Err(what) => Err(Stop::Bad { offset, what }),
        }
    }
    // ANCHOR_END: next_frame

    /// The next frame's head.
    #[inline]
    fn head(&mut self) -> std::result::Result<Head, Stop> {
        if self.to - self.from < HEAD_BYTES {
            self.fill(HEAD_BYTES)?;
        }
        let Some(bytes) = self.buffer[self.from..self.to].first_chunk() else {
            return Err(self.bad("no frame: the file ends within its head"));
        };
        Head::parse(bytes).map_err(|what| self.bad(what))
    }

    // ANCHOR: reach
    /// Brings the rest of a frame into the buffer; false if only its key is there and its value is to be skipped.
    fn reach(&mut self, head: &Head) -> std::result::Result<bool, Stop> {
        if head.len() as u64 > self.end - self.offset {
            return Err(self.bad("no frame: the file ends within it"));
        }
        let skip = self.skip_values && head.kind == Kind::Put && head.len() > self.buffer.len();
        let needed = if skip { head.key_end() } else { head.len() };
        self.fill(needed)?;
        if self.to - self.from < needed {
            return Err(self.bad("no frame: the file ends within it"));
        }
        Ok(!skip)
    }
    // ANCHOR_END: reach

    /// Steps over a frame of which only the key is in the buffer.
    fn pass_unread(&mut self, head: &Head) -> Passed<'_> {
        let (offset, key) = (self.offset, self.from..self.from + head.key_end());
        self.offset += head.len() as u64;
        (self.from, self.to) = (0, 0);
        Passed { offset, head: *head, bytes: &self.buffer[key] }
    }

    // ANCHOR: fill
    /// Fills the buffer from the next frame on, with a chunk or with `needed` bytes if that is more, unless those are
    /// there already. At the end of the stretch, or of the file, fewer may come.
    fn fill(&mut self, needed: usize) -> std::result::Result<(), Stop> {
        let have = self.to - self.from;
        if have >= needed {
            return Ok(());
        }
        if needed > self.buffer.len() {
            self.buffer.resize(needed, 0);
        }
        self.buffer.copy_within(self.from..self.to, 0);
        (self.from, self.to) = (0, have);
        let at = self.offset + have as u64;
        let room = Stretch { start: at, end: self.end }.bytes().min(self.buffer.len() - have);
        let n = read_full(self.file, &mut self.buffer[have..have + room], at)
            .during("read", self.name)
            .map_err(Stop::Failed)?;
        self.to += n;
        self.bytes_read += n as u64;
        Ok(())
    }
    // ANCHOR_END: fill

    fn bad(&self, what: &'static str) -> Stop {
        Stop::Bad { offset: self.offset, what }
    }
}
