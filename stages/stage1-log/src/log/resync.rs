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
    let finder = memmem::Finder::new(&FLOOR_MARK);
    let mut window = window(stretch);
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

// ANCHOR_END: find_floor

/// The offset of the first frame in `stretch` that verifies.
pub fn find_frame(file: &dyn File, name: &str, number: u64, stretch: Stretch) -> Result<Option<u64>> {
    let mut budget = (stretch.end.saturating_sub(stretch.start)).saturating_mul(8);
    let (mut window, mut body) = (window(stretch), Vec::new());
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
    let mut window = window(stretch);
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

/// Memory for a search through `stretch`.
fn window(stretch: Stretch) -> Vec<u8> {
    vec![0; WINDOW_BYTES.min(stretch.bytes())]
}

/// Reads from the start of `stretch` as much of it as fits into `window`.
fn fill<'w>(file: &dyn File, name: &str, window: &'w mut [u8], stretch: Stretch) -> Result<&'w [u8]> {
    let room = window.len().min(stretch.bytes());
    let n = read_full(file, &mut window[..room], stretch.start).during("read", name)?;
    Ok(&window[..n])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{encode, floor, move_to};
    use contract::Entry;
    use std::sync::Arc;
    use vfs::{Counting, MemFs, Vfs};

    const NUMBER: u64 = 3;

    fn file(bytes: Vec<u8>) -> Arc<dyn File> {
        let fs = MemFs::new();
        fs.plant("x", bytes);
        fs.open("x").unwrap()
    }

    /// Zeros with `found` at `at`, and its offset as the searches should give it.
    fn holding(found: &[u8], at: usize) -> (Arc<dyn File>, Stretch) {
        let mut bytes = vec![0; at];
        bytes.extend_from_slice(found);
        bytes.resize(2 * WINDOW_BYTES + 100, 0);
        let end = bytes.len() as u64;
        (file(bytes), Stretch { start: 0, end })
    }

    #[test]
    fn a_floor_and_a_frame_are_found_across_every_seam_of_a_window() {
        for at in (WINDOW_BYTES - 40..WINDOW_BYTES + 40).chain([0, 1, 2 * WINDOW_BYTES - 50]) {
            let place = Place { file: NUMBER, offset: at as u64 };
            let (file, whole) = holding(&floor(77, place), at);
            assert_eq!(find_floor(&*file, "x", NUMBER, whole, 76).unwrap(), Some((at as u64, 77)), "{at}");
            assert_eq!(find_floor(&*file, "x", NUMBER, whole, 77).unwrap(), None, "{at}");
            assert_eq!(find_floor(&*file, "x", NUMBER + 1, whole, 76).unwrap(), None, "{at}");

            let mut frame = Vec::new();
            encode(Entry { key: b"key", value: Some(b"value") }, false, &mut frame);
            move_to(&mut frame, None, place);
            let (file, whole) = holding(&frame, at);
            assert_eq!(find_frame(&*file, "x", NUMBER, whole).unwrap(), Some(at as u64), "{at}");
            assert_eq!(last_non_zero(&*file, "x", whole).unwrap(), (at + frame.len()) as u64, "{at}");
        }
    }

    // ANCHOR: forged
    #[test]
    fn a_search_among_forged_heads_ends() {
        // At every second byte stands what looks like a put with a key of 256 bytes and a value of 65,537.
        let forged = [1, 0, 1, 0].repeat(50_000);
        let (fs, end) = (MemFs::new(), forged.len() as u64);
        fs.plant("x", forged);
        let world = Counting::new(Arc::new(fs));
        let file = world.open("x").unwrap();
        assert_eq!(find_frame(&*file, "x", NUMBER, Stretch { start: 0, end }).unwrap(), None);
        let read = world.counts().read_bytes;
        assert!((7 * end..=9 * end).contains(&read), "{read} of {end} bytes");
    }
    // ANCHOR_END: forged

    #[test]
    fn a_search_that_is_promised_more_than_the_file_has_ends_with_the_file() {
        let promised = Stretch { start: 0, end: 100 };
        for bytes in [&b""[..], b"12"] {
            let file = file(bytes.to_vec());
            assert_eq!(find_floor(&*file, "x", NUMBER, promised, 0).unwrap(), None);
            assert_eq!(find_frame(&*file, "x", NUMBER, promised).unwrap(), None);
            assert_eq!(last_non_zero(&*file, "x", promised).unwrap(), bytes.len() as u64);
        }
    }

    #[test]
    fn a_floor_s_mark_in_front_of_which_no_checksum_has_room_is_no_floor() {
        let bytes = [&FLOOR_MARK[..], &[0; 40]].concat();
        let whole = Stretch { start: 0, end: bytes.len() as u64 };
        assert_eq!(find_floor(&*file(bytes), "x", NUMBER, whole, 0).unwrap(), None);
    }
}
