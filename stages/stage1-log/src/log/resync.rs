//! Finding the thread again behind a bad frame: the floors that decide what it was, and frames that can be saved.
//!
//! **Invariants** Both searches are linear. The one for frames may read the same bytes again where many of them look
//! like heads; it gives up once it has read eight times what it was given, so that no input makes it quadratic.
//!
//! **Cost** A floor is found at the speed of memory: its mark is eight bytes that are searched for as a string.

use super::Stretch;
use crate::frame::{FLOOR_BYTES, FLOOR_MARK, Frame, HEAD_BYTES, Head, Kind, Place};
use contract::{IoContext, Result};
use memchr::memmem;
use vfs::{File, read_full};

const WINDOW_BYTES: usize = 64 << 10;

// ANCHOR: find_floor
/// The first floor in `stretch` that says that the byte at `offset` was on the device: where it stands and what it
/// states. If there is one, a bad frame at `offset` is damage. If there is none, it is a torn tail: good frames behind
/// it prove nothing, since pages that were not synced reach the device in any order.
pub fn find_floor(
    file: &dyn File,
    name: &str,
    number: u64,
    stretch: Stretch,
    offset: u64,
) -> Result<Option<(u64, u64)>> {
    // ANCHOR_END: find_floor
    let finder = memmem::Finder::new(&FLOOR_MARK);
    let mut window = vec![0; WINDOW_BYTES];
    let mut start = stretch.start;
    while start < stretch.end {
        let bytes = fill(file, name, &mut window, Stretch { start, end: stretch.end })?;
        for found in finder.find_iter(bytes) {
            let Some(at) = found.checked_sub(4) else { continue };
            let place = Place { file: number, offset: start + at as u64 };
            let Some(floor) = bytes.get(at..at + FLOOR_BYTES) else { break };
            match Frame::verify(floor, place).ok().and_then(|frame| frame.floor()) {
                Some(durable) if durable > offset => return Ok(Some((place.offset, durable))),
                _ => {}
            }
        }
        if bytes.len() < FLOOR_BYTES {
            break;
        }
        // The next window begins early enough to hold a floor that this one has cut.
        start += (bytes.len() - (FLOOR_BYTES - 1)) as u64;
    }
    Ok(None)
}

/// The offset of the first frame in `stretch` that verifies.
pub fn find_frame(file: &dyn File, name: &str, number: u64, stretch: Stretch) -> Result<Option<u64>> {
    let mut budget = (stretch.end.saturating_sub(stretch.start)).saturating_mul(8);
    let (mut window, mut body) = (vec![0; WINDOW_BYTES], Vec::new());
    let mut start = stretch.start;
    while start < stretch.end {
        let bytes = fill(file, name, &mut window, Stretch { start, end: stretch.end })?;
        if bytes.len() < HEAD_BYTES {
            break;
        }
        for (at, head) in bytes.windows(HEAD_BYTES).enumerate() {
            let Some(Ok(head)) = head.first_chunk().map(Head::parse) else { continue };
            let place = Place { file: number, offset: start + at as u64 };
            let len = head.len() as u64;
            if len > stretch.end - place.offset || head.kind == Kind::Floor {
                continue;
            }
            if len > budget {
                return Ok(None);
            }
            budget -= len;
            let whole = Stretch { start: place.offset, end: place.offset + len };
            body.resize(head.len(), 0);
            if Frame::verify(fill(file, name, &mut body, whole)?, place).is_ok() {
                return Ok(Some(place.offset));
            }
        }
        start += (bytes.len() - (HEAD_BYTES - 1)) as u64;
    }
    Ok(None)
}

/// The end of the last byte in `stretch` that is not zero; its start if all are.
pub fn last_non_zero(file: &dyn File, name: &str, stretch: Stretch) -> Result<u64> {
    let (mut last, mut start) = (stretch.start, stretch.start);
    let mut window = vec![0; WINDOW_BYTES];
    while start < stretch.end {
        let bytes = fill(file, name, &mut window, Stretch { start, end: stretch.end })?;
        if bytes.is_empty() {
            break;
        }
        if let Some(i) = bytes.iter().rposition(|&byte| byte != 0) {
            last = start + i as u64 + 1;
        }
        start += bytes.len() as u64;
    }
    Ok(last)
}

/// Reads from the start of `stretch` as much of it as fits into `window`.
fn fill<'w>(file: &dyn File, name: &str, window: &'w mut [u8], stretch: Stretch) -> Result<&'w [u8]> {
    let left = usize::try_from(stretch.end - stretch.start).unwrap_or(usize::MAX);
    let room = window.len().min(left);
    let n = read_full(file, &mut window[..room], stretch.start).during("read", name)?;
    Ok(&window[..n])
}
