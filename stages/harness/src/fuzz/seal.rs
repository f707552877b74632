//! Mends checksums after a change, so that what lies behind them is reached.
//!
//! **Invariants** What is mended is found as a reader finds it, length by length, and as far as the lengths go: no length is
//! changed but those that say how long another part is. Nothing here ever fails; what cannot be found stays as it is.
#![expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "stores write their names in lower case"
)]

use super::donor::{FRAME, FRAME_PLACE, Files, HEADER};
use stage1::frame::{FLOOR_BYTES, HEAD_BYTES, Place, checksum};
use std::collections::BTreeMap;

/// What is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seal {
    /// Nothing.
    Nothing,
    /// Each checksum, by itself.
    Each,
    /// Also what one file says of the length and the end of another.
    All,
}

const LOG_HEADER_BYTES: usize = 64;
const HINT_HEADER_BYTES: usize = 64;
const FOOTER_BYTES: usize = 80;
const BLOCK_HEAD_BYTES: usize = 12;
const MARK_BYTES: usize = 28;

/// How a file ends.
#[derive(Clone, Copy)]
struct End {
    bytes: u64,
    last_bytes: u64,
    last_checksum: u32,
}

/// Mends the checksums of all files.
pub(super) fn mend(files: &mut Files, seal: Seal) {
    if seal == Seal::Nothing {
        return;
    }
    let across = seal == Seal::All;
    // Tables first, since a manifest names their ends; then logs, each of which names the one before it; then what names logs.
    let mut ends = BTreeMap::new();
    for (name, bytes) in files.iter_mut().filter(|(name, _)| name.ends_with(".sst")) {
        ends.insert(name.clone(), table(bytes, across));
    }
    let mut logs = BTreeMap::new();
    for (name, bytes) in files.iter_mut() {
        if name.ends_with(".log") || name.ends_with(".manifest") || name == HEADER {
            if across {
                previous(bytes, &logs);
            }
            let end = log(bytes, if across { Some(&ends) } else { None });
            logs.insert(u64_at(bytes, 24), end);
            ends.insert(name.clone(), end);
        } else if name == FRAME {
            _ = frame(bytes, 0, FRAME_PLACE);
        }
    }
    for (name, bytes) in files.iter_mut().filter(|(name, _)| name.ends_with(".hint")) {
        let segment = logs.get(&u64_at(bytes, 24)).filter(|_| across);
        let end = hint(bytes, segment);
        ends.insert(name.clone(), end);
    }
    if let Some(bytes) = files.get_mut("CLEAN") {
        mark(bytes, if across { Some(&ends) } else { None });
    }
}

/// Header and frames, up to the first that reaches past the end. `tables`: what a manifest should say of them.
fn log(bytes: &mut [u8], tables: Option<&BTreeMap<String, End>>) -> End {
    let number = u64_at(bytes, 24);
    if let Some((header, _)) = bytes.split_first_chunk_mut::<LOG_HEADER_BYTES>() {
        let sum = checksum(&header[..60]);
        put(header, 60, &sum.to_le_bytes());
    }
    let mut end = End { bytes: LOG_HEADER_BYTES as u64, last_bytes: 0, last_checksum: u32_at(bytes, 60) };
    let mut at = LOG_HEADER_BYTES;
    while let Some(len) = frame_bytes(bytes, at) {
        if let Some(tables) = tables {
            table_in_manifest(&mut bytes[at..at + len], tables);
        }
        let sum = frame(bytes, at, Place { file: number, offset: at as u64 });
        at += len;
        end = End { bytes: at as u64, last_bytes: len as u64, last_checksum: sum };
    }
    // Anything behind it but reserved room counts.
    if bytes.iter().skip(at).any(|byte| *byte != 0) { End { bytes: bytes.len() as u64, ..end } } else { end }
}

/// How long the frame at `at` is, if it is one and whole.
fn frame_bytes(bytes: &[u8], at: usize) -> Option<usize> {
    let head = bytes.get(at..at + HEAD_BYTES)?;
    let len = match head[4] & 0x7f {
        1 | 2 => {
            let key = u32::from_le_bytes([head[5], head[6], head[7], 0]) as usize;
            HEAD_BYTES.checked_add(key)?.checked_add(u32_at(head, 8) as usize)?
        }
        3 => FLOOR_BYTES,
        _ => return None,
    };
    (len <= bytes.len() - at).then_some(len)
}

/// Mends the frame at `at`, or what there is of it; its checksum.
fn frame(bytes: &mut [u8], at: usize, place: Place) -> u32 {
    let end = frame_bytes(bytes, at).map_or(bytes.len(), |len| at + len);
    let Some(body) = bytes.get(at + 4..end) else { return 0 };
    let sum = place.mix(checksum(body));
    put(bytes, at, &sum.to_le_bytes());
    sum
}

/// What the manifest says in `frame` about a table that is there.
fn table_in_manifest(frame: &mut [u8], tables: &BTreeMap<String, End>) {
    let value = HEAD_BYTES + b"added".len();
    if frame.len() == value + 32 && frame[HEAD_BYTES..value] == *b"added" {
        let name = format!("{:06}.sst", u64_at(frame, value + 8));
        if let Some(end) = tables.get(&name) {
            put(frame, value + 16, &end.bytes.to_le_bytes());
            put(frame, value + 24, &u64::from(end.last_checksum).to_le_bytes());
        }
    }
}

/// What a log's header says of the log before it.
fn previous(bytes: &mut [u8], logs: &BTreeMap<u64, End>) {
    if let Some(end) = logs.get(&u64_at(bytes, 32)).filter(|_| bytes.len() >= LOG_HEADER_BYTES) {
        put(bytes, 40, &end.bytes.to_le_bytes());
        put(bytes, 48, &end.last_checksum.to_le_bytes());
    }
}

/// A hint. `segment`: how the segment ends for which it speaks.
fn hint(bytes: &mut [u8], segment: Option<&End>) -> End {
    let size = bytes.len();
    if size >= HINT_HEADER_BYTES + 4 {
        if let Some(end) = segment {
            put(bytes, 32, &end.bytes.to_le_bytes());
            put(bytes, 40, &u32::try_from(end.last_bytes).unwrap_or(u32::MAX).to_le_bytes());
            put(bytes, 44, &end.last_checksum.to_le_bytes());
            put(bytes, 52, &((size - HINT_HEADER_BYTES - 4) as u64).to_le_bytes());
        }
        let header = checksum(&bytes[..60]);
        put(bytes, 60, &header.to_le_bytes());
        let place = Place { file: u64_at(bytes, 24), offset: u64_at(bytes, 32) };
        let records = place.mix(checksum(&bytes[HINT_HEADER_BYTES..size - 4]));
        put(bytes, size - 4, &records.to_le_bytes());
    }
    // What a mark knows of a hint is how its segment ends.
    End { bytes: size as u64, last_bytes: 0, last_checksum: u32_at(bytes, 44) }
}

/// Blocks, filter, index and footer. With `fill` the index is as long as what is left for it.
fn table(bytes: &mut [u8], fill: bool) -> End {
    let size = bytes.len();
    if let Some(footer_at) = size.checked_sub(FOOTER_BYTES) {
        let within = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).min(footer_at);
        let number = u64_at(bytes, footer_at + 12);
        let data_end = within(u64_at(bytes, footer_at + 40));
        let index_at = within(u64_at(bytes, footer_at + 48).saturating_add(data_end as u64));
        if fill {
            put(bytes, footer_at + 56, &((footer_at - index_at) as u64).to_le_bytes());
        }
        let mut at = 0;
        while at + BLOCK_HEAD_BYTES <= data_end {
            let end = (at + BLOCK_HEAD_BYTES).saturating_add(u32_at(bytes, at + 4) as usize).min(data_end);
            let sum = Place { file: number, offset: at as u64 }.mix(checksum(&bytes[at + 4..end]));
            put(bytes, at, &sum.to_le_bytes());
            at = end;
        }
        for (from, to, sum_at) in [(data_end, index_at, 64), (index_at, footer_at, 68)] {
            let sum = Place { file: number, offset: from as u64 }.mix(checksum(&bytes[from..to]));
            put(bytes, footer_at + sum_at, &sum.to_le_bytes());
        }
        let place = Place { file: number, offset: footer_at as u64 };
        let sum = place.mix(checksum(&bytes[footer_at..size - 4]));
        put(bytes, size - 4, &sum.to_le_bytes());
    }
    End { bytes: size as u64, last_bytes: 0, last_checksum: u32_at(bytes, size.saturating_sub(4)) }
}

/// The mark of a clean close, and what it says of every file.
fn mark(bytes: &mut [u8], ends: Option<&BTreeMap<String, End>>) {
    let Some(body) = bytes.len().checked_sub(4) else { return };
    let mut at = MARK_BYTES;
    while let Some(len) = bytes.get(at).map(|len| usize::from(*len)).filter(|len| at + 1 + len + 12 <= body) {
        let name = String::from_utf8_lossy(&bytes[at + 1..at + 1 + len]).into_owned();
        if let Some(end) = ends.and_then(|ends| ends.get(&name)) {
            put(bytes, at + 1 + len, &end.bytes.to_le_bytes());
            put(bytes, at + 1 + len + 8, &end.last_checksum.to_le_bytes());
        }
        at += 1 + len + 12;
    }
    let sum = checksum(&bytes[..body]);
    put(bytes, body, &sum.to_le_bytes());
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|number| number.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|number| number.try_into().ok()).map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::damage::Fixture;

    #[test]
    fn a_good_store_needs_no_mending() {
        for stage in [&stage1::STAGE, &stage2::STAGE, &stage3::STAGE] {
            for fixture in Fixture::all(stage, 0..3).unwrap() {
                // A hint may speak for a part of a segment that was not closed.
                for seal in
                    [Seal::Nothing, Seal::Each, Seal::All].into_iter().take(2 + usize::from(fixture.clean))
                {
                    let mut files = fixture.files.clone();
                    mend(&mut files, seal);
                    assert_eq!(files, fixture.files, "{}: {seal:?}", fixture.name);
                }
            }
        }
    }
}
