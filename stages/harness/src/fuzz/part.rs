//! One piece of a format by itself: what reads it, and what it must be worth if it was read.

use super::donor::FRAME_PLACE;
use super::{Case, Verdict};
use crate::failure::Failure;
use crate::invariant::Invariant;
use contract::Error;
use stage1::clean;
use stage1::frame::{self, Frame, Place};
use stage1::log::header::{HEADER_BYTES, Header};
use stage1::log::{Reader, Stop, Stretch};
use stage1::replay::{Replay, Tail};
use stage2::hint;
use stage2::keydir::Keydir;
use stage3::bloom::Filter;
use std::sync::Arc;
use vfs::{File, MemFs, Vfs as _};

type Judged = Result<Verdict, Failure>;

/// What is read as good must be written as it was.
pub(super) fn same<T: PartialEq + std::fmt::Debug>(read: &T, again: &T) -> Result<(), Failure> {
    Failure::unless(read == again, Invariant::SameContent, || {
        format!("read as {read:?}, written again and read as {again:?}")
    })
}

/// A refusal names the file, and says that it is damage or another's.
pub(super) fn refused(error: &Error, name: &str) -> Judged {
    let (Error::Corrupt { file, .. } | Error::WrongStore { file, .. }) = error else {
        return Err(Failure::new(Invariant::DamageReported, format!("bytes are refused with «{error}»")));
    };
    Failure::unless(file == name, Invariant::DamageReported, || {
        format!("{name} is refused, but named is {file}: {error}")
    })?;
    Ok(Verdict::Refused)
}

/// A file of these bytes.
pub(super) fn planted(name: &str, bytes: &[u8]) -> Result<Arc<dyn File>, Failure> {
    let vfs = MemFs::new();
    vfs.plant(name, bytes.to_vec());
    vfs.open(name).map_err(|e| Failure::new(Invariant::ErrorsSurface, e.to_string()))
}

pub(super) fn frame(case: &Case<'_>) -> Judged {
    let Ok(frame) = Frame::verify(case.file().1, FRAME_PLACE) else { return Ok(Verdict::Refused) };
    let mut again = Vec::new();
    match (frame.entry(), frame.floor()) {
        (Some(entry), None) => {
            frame::encode(entry, frame.head().more, &mut again);
            frame::move_to(&mut again, None, FRAME_PLACE);
        }
        (None, Some(durable)) => again.extend_from_slice(&frame::floor(durable, FRAME_PLACE)),
        both => return Err(Failure::new(Invariant::NoPhantom, format!("neither entry nor floor: {both:?}"))),
    }
    same(&frame.bytes(), &&again[..])?;
    Ok(Verdict::Taken)
}

pub(super) fn header(case: &Case<'_>) -> Judged {
    let (name, bytes) = case.file();
    let (header, _) = match Header::parse(bytes, name) {
        Ok(parsed) => parsed,
        Err(error) => return refused(&error, name),
    };
    match Header::parse(&header.encode(), name) {
        Ok((again, _)) => same(&header, &again)?,
        Err(e) => {
            return Err(Failure::new(Invariant::SameContent, format!("written again it is refused: {e}")));
        }
    }
    Ok(Verdict::Taken)
}

pub(super) fn mark(case: &Case<'_>) -> Judged {
    let (name, bytes) = case.file();
    let engine = bytes.get(12..24).and_then(|engine| engine.try_into().ok()).unwrap_or_default();
    let vfs = MemFs::new();
    vfs.plant(name, bytes.to_vec());
    let listed = match clean::read(&vfs, engine) {
        Ok(listed) => listed,
        Err(error) => return refused(&error, name),
    };
    let again = MemFs::new();
    match clean::write(&again, engine, &listed).and_then(|()| clean::read(&again, engine)) {
        Ok(again) => same(&listed, &again)?,
        Err(e) => {
            return Err(Failure::new(Invariant::SameContent, format!("written again it is refused: {e}")));
        }
    }
    Ok(Verdict::Taken)
}

// ANCHOR: log
/// A log is walked in pieces of several sizes, which must not matter, and every frame is written again.
pub(super) fn log(case: &Case<'_>) -> Judged {
    let (name, bytes) = case.file();
    let file = planted(name, bytes)?;
    let (header, _) = match Header::parse(&bytes[..bytes.len().min(HEADER_BYTES)], name) {
        Ok(parsed) => parsed,
        Err(error) => return refused(&error, name),
    };
    let walk = |chunk_bytes| walked(&*file, name, header.number, bytes.len() as u64, chunk_bytes);
    let (frames, stop) = walk(16)?;
    for chunk_bytes in [100, 1 << 18] {
        same(&(&frames, stop), &(&walk(chunk_bytes)?.0, walk(chunk_bytes)?.1))?;
    }
    same(&&bytes[HEADER_BYTES..HEADER_BYTES + frames.len()], &&frames[..])?;
    let replayed = Replay::read(Arc::clone(&file), name.to_owned(), header.number, header.engine, 64);
    let replay = match replayed {
        Ok(replay) => replay,
        Err(error) => return refused(&error, name),
    };
    let walked_to = (HEADER_BYTES + frames.len()) as u64;
    Failure::unless(replay.end <= walked_to, Invariant::NoPhantom, || {
        format!("accepted up to {}, and frames end at {walked_to}", replay.end)
    })?;
    Ok(if matches!(replay.tail, Tail::Whole) { Verdict::Taken } else { Verdict::Doubted })
}
// ANCHOR_END: log

/// All frames up to the first bad one, written again from what was read of them; and where that one is.
fn walked(
    file: &dyn File,
    name: &str,
    number: u64,
    end: u64,
    chunk_bytes: usize,
) -> Result<(Vec<u8>, Option<u64>), Failure> {
    let stretch = Stretch { start: HEADER_BYTES as u64, end };
    let mut reader = Reader::over(file, name, number, stretch, chunk_bytes, Vec::new());
    let mut out = Vec::new();
    loop {
        let passed = match reader.next_frame() {
            Ok(Some(passed)) => passed,
            Ok(None) => return Ok((out, None)),
            Err(Stop::Bad { offset, .. }) => return Ok((out, Some(offset))),
            Err(Stop::Failed(e)) => return Err(Failure::new(Invariant::ErrorsSurface, e.to_string())),
        };
        let place = Place { file: number, offset: passed.offset };
        let Some(frame) = passed.frame() else { continue };
        if let Some(durable) = frame.floor() {
            out.extend_from_slice(&frame::floor(durable, place));
        } else if let Some(entry) = frame.entry() {
            let start = out.len();
            frame::encode(entry, frame.head().more, &mut out);
            frame::move_to(&mut out[start..], None, place);
        }
    }
}

pub(super) fn hint(case: &Case<'_>) -> Judged {
    let (name, bytes) = case.file();
    let file = planted(name, bytes)?;
    // The number that the header says: whether the name says another is the store's business.
    let number = bytes.get(24..32).and_then(|number| number.try_into().ok()).map_or(1, u64::from_le_bytes);
    shown_whole(name, bytes.len(), |sink| hint::describe(&*file, name, number, sink))?;
    let hint = match hint::read(&*file, name, number) {
        Ok(hint) => hint,
        Err(error) => return refused(&error, name),
    };
    same(&hint.file_bytes(), &(bytes.len() as u64))?;
    let (keydir, mut replaced) = (Keydir::default(), 0);
    keydir.load(&hint, 0, |_, before| replaced += u64::from(before.is_some()));
    let (keys, _) = hint::size(&*file, name, number)
        .map_err(|e| Failure::new(Invariant::SameContent, format!("read, and then refused: {e}")))?;
    same(&keys, &hint.count())?;
    Failure::unless(replaced <= keys, Invariant::SameContent, || format!("{replaced} of {keys} replaced"))?;
    Ok(Verdict::Taken)
}

pub(super) fn filter(case: &Case<'_>) -> Judged {
    let Some((probes, lines)) = case.file().1.split_first() else { return Ok(Verdict::Refused) };
    let Ok(mut filter) = Filter::decode(lines, *probes) else { return Ok(Verdict::Refused) };
    same(&filter.encode(), &lines.to_vec())?;
    for hash in [0, 1, u64::MAX, 0x1234_5678_9abc_def0] {
        filter.insert(hash);
        Failure::unless(filter.may_contain(hash), Invariant::DamageReported, || {
            format!("a filter denies {hash:#x}, which was put in")
        })?;
    }
    Ok(Verdict::Taken)
}

/// Every byte of a file is shown in one field, also of one that is damaged.
pub(super) fn shown_whole(
    name: &str,
    bytes: usize,
    show: impl FnOnce(&mut contract::FieldSink<'_>) -> contract::Result<bool>,
) -> Result<(), Failure> {
    let (mut end, mut gap) = (0, None);
    let shown = show(&mut |field| {
        gap = gap.or((field.offset != end).then_some((end, field.offset)));
        end = field.offset + field.len;
        true
    });
    shown.map_err(|e| Failure::new(Invariant::DamageReported, format!("inspect gives up on {name}: {e}")))?;
    Failure::unless(gap.is_none() && end == bytes as u64, Invariant::DamageReported, || {
        format!("of {bytes} bytes of {name}, {end} are shown; a gap is {gap:?}")
    })
}
