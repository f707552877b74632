//! Reading a table that may be damaged: everything of it that can be read, and what lies between.
//!
//! **Invariants** Every byte of the file is in exactly one piece, and the pieces come in the order of the file. Where the
//! index can be read it says where blocks lie, and damage to one is that one; where it cannot, each block says where the
//! next one starts, and behind a damaged one the next is searched for.

use super::footer::Footer;
use super::index::Index;
use super::{damage, read, stored};
use crate::bloom::Filter;
use bytes::Bytes;
use contract::{Error, IoContext, Result};
use memchr::memmem;
use stage1::frame::Place;
use std::ops::Range;
use vfs::{File, read_full};

/// How much is searched at a time for the head of a block.
const WINDOW_BYTES: usize = 64 << 10;

/// What of a table could be read besides its blocks.
pub(super) struct Parts<'a> {
    pub(super) file: &'a dyn File,
    pub(super) name: &'a str,
    pub(super) number: u64,
    /// Bytes of the file.
    pub(super) size: u64,
    pub(super) footer: Result<Footer>,
    /// As good as the footer, or worse.
    pub(super) filter: Result<Filter>,
    /// As good as the footer, or worse.
    pub(super) index: Result<Index>,
}

/// A stretch of the part of a table in which its blocks lie.
pub(super) struct Piece<'a> {
    /// Where it starts.
    pub(super) offset: u64,
    /// Its bytes; of what is no block, the first ones.
    pub(super) bytes: &'a [u8],
    /// How many there are.
    pub(super) len: u64,
    /// The payload of a block, or why this is none.
    pub(super) payload: std::result::Result<Bytes, &'static str>,
}

impl<'a> Parts<'a> {
    /// Reads footer, filter and index, as far as they can be read. The error is that of reading.
    pub(super) fn read(file: &'a dyn File, name: &'a str, number: u64) -> Result<Self> {
        let size = file.size().during("stat", name)?;
        let footer = unless_io(read::footer(file, name, number))?;
        let unknown = || damage(name, size, "the footer does not say where it is");
        let (filter, index) = match &footer {
            Ok(footer) => read::parts(file, name, footer)?,
            Err(_) => (Err(unknown()), Err(unknown())),
        };
        Ok(Self { file, name, number, size, footer, filter, index })
    }

    /// Gives out the pieces of the blocks' part until `visit` wants no more, and returns whether it wanted all, and
    /// where that part ends: without a footer, where nothing more can be read.
    pub(super) fn pieces(&self, visit: &mut dyn FnMut(Piece<'_>) -> Result<bool>) -> Result<(bool, u64)> {
        let end = self.footer.as_ref().map_or(self.size, Footer::filter_at);
        let mut at = 0;
        for number in 0.. {
            if at >= end {
                break;
            }
            let stretch = match self.index.as_ref().map(|index| index.block(number)) {
                Ok(Some(block)) => block.offset..block.end(),
                _ => match self.block_from(at, end)? {
                    Some(block) if block.start > at => at..block.start,
                    Some(block) => block,
                    None if self.footer.is_ok() => at..end,
                    None => break,
                },
            };
            if !self.piece(stretch.clone(), visit)? {
                return Ok((false, stretch.end));
            }
            at = stretch.end;
        }
        Ok((true, at))
    }

    fn piece(&self, at: Range<u64>, visit: &mut dyn FnMut(Piece<'_>) -> Result<bool>) -> Result<bool> {
        let len = at.end - at.start;
        let bytes = Bytes::from(read::section(self.file, self.name, at.start, len)?);
        let payload = stored::open(&bytes, Place { file: self.number, offset: at.start });
        visit(Piece { offset: at.start, bytes: &bytes, len, payload })
    }

    /// The first block at or behind `from`: mostly it is right here.
    fn block_from(&self, from: u64, end: u64) -> Result<Option<Range<u64>>> {
        match self.block_at(from, end)? {
            None => self.search(from, end),
            found => Ok(found),
        }
    }

    fn search(&self, from: u64, end: u64) -> Result<Option<Range<u64>>> {
        let mark = memmem::Finder::new(&stored::MARK);
        let mut window = vec![0; WINDOW_BYTES];
        let mut at = from;
        while at < end {
            let n = read_full(self.file, &mut window, at).during("read", self.name)?;
            for found in mark.find_iter(&window[..n]) {
                let Some(head) = found.checked_sub(stored::MARK_AT) else { continue };
                let start = at + head as u64;
                if let Some(block) = self.block_at(start, end)? {
                    return Ok(Some(block));
                }
            }
            if n < window.len() {
                break;
            }
            // A head that lies across two windows is seen whole in the second.
            at += (WINDOW_BYTES - stored::HEAD_BYTES) as u64;
        }
        Ok(None)
    }

    /// Where the block at `start` lies, if a good one does.
    fn block_at(&self, start: u64, end: u64) -> Result<Option<Range<u64>>> {
        let mut head = [0; stored::HEAD_BYTES];
        let n = read_full(self.file, &mut head, start).during("read", self.name)?;
        let Ok(head) = stored::Head::parse(&head) else { return Ok(None) };
        let block = start..start.saturating_add(head.block_bytes());
        if n < stored::HEAD_BYTES || block.end > end.min(self.size) {
            return Ok(None);
        }
        let bytes = read::section(self.file, self.name, start, head.block_bytes())?;
        let good = stored::verify(&bytes, Place { file: self.number, offset: start }).is_ok();
        Ok(good.then_some(block))
    }
}

/// Tells what reading says from what was read.
fn unless_io<T>(result: Result<T>) -> Result<Result<T>> {
    match result {
        Err(error @ Error::Io { .. }) => Err(error),
        other => Ok(other),
    }
}

/// What an error says, without the file that everybody knows here.
pub(super) fn reason(error: &Error) -> String {
    match error {
        Error::Corrupt { what, .. } | Error::WrongStore { what, .. } => what.clone(),
        other => other.to_string(),
    }
}
