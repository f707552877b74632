//! Hints come back, damaged and foreign ones do not, and loading one is setting its entries.
#![expect(clippy::cast_possible_truncation, reason = "what tests count is small")]

use super::*;
use crate::ENGINE;
use crate::keydir::Keydir;
use crate::names::SegmentId;
use contract::Verdict;
use std::sync::Arc;
use vfs::{MemFs, Vfs};

fn segment() -> SegmentId {
    SegmentId::plain(3)
}

fn at(offset: u64, key: &[u8], value_bytes: u32) -> Location {
    let bytes = (HEAD_BYTES + key.len()) as u32 + value_bytes;
    Location { segment: 0, offset, bytes, tombstone: value_bytes == 0 }
}

/// Entries as they would lie in a segment one behind the other; every fifth is a tombstone.
fn entries(n: u64) -> Vec<(Vec<u8>, Location)> {
    let mut offset = SEGMENT_HEADER_BYTES as u64;
    (0..n)
        .map(|i| {
            let key = format!("{:0width$}", i, width = (i % 20) as usize).into_bytes();
            let at = at(offset, &key, (i % 5) as u32 * 10);
            offset += u64::from(at.bytes);
            (key, at)
        })
        .collect()
}

/// A file with these bytes.
fn file(bytes: &[u8]) -> Arc<dyn File> {
    let file = MemFs::new().create("a hint").unwrap();
    file.append(bytes).unwrap();
    file
}

/// The bytes of a hint of these entries.
fn hint_bytes(entries: &[(Vec<u8>, Location)]) -> Vec<u8> {
    let vfs = MemFs::new();
    let mut builder = Builder::new(segment());
    let mut end = SEGMENT_HEADER_BYTES as u64;
    for (key, at) in entries {
        builder.push(key, *at);
        builder.pass(at.offset, 77);
        end = at.offset + u64::from(at.bytes);
    }
    let size = builder.install(&vfs, end).unwrap();
    let mut bytes = vec![0; size as usize + 1];
    let n = read_full(&*vfs.open("000003.hint").unwrap(), &mut bytes, 0).unwrap();
    assert_eq!(n as u64, size);
    bytes.truncate(n);
    bytes
}

fn believe(bytes: &[u8]) -> Result<Hint> {
    read(&*file(bytes), "h", segment().number())
}

/// A hint of records that nobody would write, with checksums that say they are good.
fn forged(change: impl FnOnce(&mut Header), records: &[(&[u8], Location)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (key, at) in records {
        record::append(key, *at, &mut body);
    }
    let mut header = Header {
        segment: segment().number(),
        covered_bytes: 1_000,
        last_bytes: 100,
        last_checksum: 77,
        count: records.len() as u32,
        record_bytes: body.len() as u64,
    };
    change(&mut header);
    [&header.encode()[..], &body, &checksum(&body, &header).to_le_bytes()].concat()
}

#[test]
fn a_hint_comes_back_as_it_was() {
    for n in [0, 1, 7, 1_000] {
        let entries = entries(n);
        let bytes = hint_bytes(&entries);
        let hint = believe(&bytes).unwrap();
        let found = hint.records().map(|record| (record.key.to_vec(), record.location()));
        assert!(found.eq(entries.iter().cloned()));
        assert_eq!((hint.count(), hint.file_bytes()), (n, bytes.len() as u64));
        let key_bytes = entries.iter().map(|(key, _)| key.len() as u64).sum();
        assert_eq!(size(&*file(&bytes), "h", segment().number()).unwrap(), (n, key_bytes));
        if let Some((_, last)) = entries.last() {
            assert_eq!((hint.last_offset(), hint.last_checksum()), (last.offset, 77));
            assert_eq!(hint.covered_bytes(), last.offset + u64::from(last.bytes));
        }
    }
}

#[test]
fn no_flipped_bit_and_no_missing_or_added_byte_is_believed() {
    let good = hint_bytes(&entries(6));
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let error = believe(&bad).err().unwrap();
        assert!(error.is_corrupt() && error.to_string().contains('h'), "bit {bit}: {error}");
    }
    for len in 0..good.len() {
        assert!(believe(&good[..len]).err().unwrap().is_corrupt(), "length {len}");
    }
    for more in [vec![0], vec![0; 4096], good.clone()] {
        assert!(believe(&[&good[..], &more].concat()).err().unwrap().is_corrupt());
    }
}

#[test]
fn a_hint_of_another_segment_engine_or_format_is_not_believed() {
    let good = hint_bytes(&entries(6));
    let refused = |bytes: &[u8], number| match read(&*file(bytes), "h", number) {
        Err(Error::Corrupt { offset, what, .. }) => (offset, what),
        _ => panic!("it is believed"),
    };
    let (offset, what) = refused(&good, SegmentId::run(3, 4).number());
    assert!(offset == 24 && what.contains("000003"), "{what}");
    let resealed = |at: usize, new: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        let sum = frame::checksum(&bytes[..60]);
        bytes[60..64].copy_from_slice(&sum.to_le_bytes());
        bytes
    };
    let (offset, what) = refused(&resealed(12, b"stage9"), segment().number());
    assert!(offset == 12 && what.contains("stage9"), "{what}");
    assert_eq!(refused(&resealed(8, &[9]), segment().number()).0, 8);
    assert_eq!(resealed(12, &ENGINE), good);
    // Good records under the header of another segment, or of another length, are not its records.
    assert_eq!(refused(&resealed(24, &[4]), 4).1, "checksum mismatch");
}

#[test]
fn forged_lengths_and_records_are_not_believed_though_all_checksums_match() {
    let here = at(64, b"key", 10);
    let there = at(64 + u64::from(here.bytes), b"yet", 0);
    assert_eq!(believe(&forged(|_| (), &[(b"key", here), (b"yet", there)])).unwrap().count(), 2);
    let header = |change: fn(&mut Header)| forged(change, &[(b"key", here)]);
    let record = |at| forged(|_| (), &[(b"key", at)]);
    let long = vec![0; MAX_KEY_BYTES as usize + 1];
    for (what, bytes) in [
        ("more records than there are", header(|h| h.count = 2)),
        ("fewer records than there are", header(|h| h.count = 0)),
        ("longer than any file", header(|h| h.record_bytes = u64::MAX)),
        ("longer than this file", header(|h| h.record_bytes += 1)),
        ("shorter than this file", header(|h| h.record_bytes -= 1)),
        ("a last frame before the segment", header(|h| h.last_bytes = 2_000)),
        ("covers less than its records", header(|h| (h.covered_bytes, h.last_bytes) = (80, 1))),
        ("a slot", record(Location { segment: 1, ..here })),
        ("in the segment's header", record(Location { offset: 63, ..here })),
        ("behind what is covered", record(Location { offset: 1_000 - 24, ..here })),
        ("no room for the key", record(Location { bytes: 14, ..here })),
        ("a tombstone with a value", record(Location { tombstone: true, ..here })),
        ("too long a key", forged(|h| h.covered_bytes = 1 << 20, &[(&long, at(64, &long, 1))])),
        ("the wrong order", forged(|_| (), &[(b"yet", there), (b"key", here)])),
        ("the same place twice", forged(|_| (), &[(b"key", here), (b"yet", here)])),
    ] {
        assert!(believe(&bytes).err().is_some_and(|error| error.is_corrupt()), "{what}");
    }
    // What room is made for is bounded by the file's size, whatever the header says.
    for bytes in [header(|h| h.count = u32::MAX), header(|h| h.record_bytes = u64::MAX)] {
        assert!(size(&*file(&bytes), "h", segment().number()).unwrap_err().is_corrupt());
    }
}

#[test]
fn loading_is_setting_one_by_one() {
    // Three segments with many keys in common, and within one, which no writer of ours would do.
    let all: Vec<_> =
        [entries(3_000), entries(5_000), [entries(500), entries(9_000)[250..].to_vec()].concat()]
            .map(|mut entries| {
                let mut offset = SEGMENT_HEADER_BYTES as u64;
                for (_, at) in &mut entries {
                    at.offset = offset;
                    offset += u64::from(at.bytes);
                }
                entries
            })
            .into();
    let (loaded, set) = (Keydir::new(), Keydir::new());
    for (slot, entries) in (0..).zip(&all) {
        let hint = believe(&hint_bytes(entries)).unwrap();
        let (mut by_load, mut by_set) = (Vec::new(), Vec::new());
        loaded.load(&hint, slot, |new, old| by_load.push((new, old)));
        for (key, at) in entries {
            let new = Location { segment: slot, ..*at };
            by_set.push((new, set.set(key, new)));
        }
        by_load.sort_unstable_by_key(|(new, _)| new.offset);
        assert!(by_load == by_set, "what was replaced");
    }
    assert_eq!(loaded.keys(), set.keys());
    for (key, _) in all.iter().flatten() {
        assert_eq!(loaded.get(key), set.get(key));
    }
    assert!(loaded.bytes() <= set.bytes() * 5 / 4, "{} and {} bytes", loaded.bytes(), set.bytes());
}

#[test]
fn inspection_shows_every_byte_once_whatever_became_of_the_file() {
    let good = hint_bytes(&entries(6));
    let fields = |bytes: &[u8]| {
        let (mut end, mut bad) = (0, Vec::new());
        let go_on = describe(&*file(bytes), "h", segment().number(), &mut |field| {
            assert_eq!(field.offset, end, "{}", field.name);
            end += field.len;
            bad.extend(matches!(field.verdict, Verdict::Bad(_)).then_some(field.name));
            true
        });
        assert!(go_on.unwrap());
        assert_eq!(end, bytes.len() as u64);
        bad
    };
    assert_eq!(fields(&good), Vec::<&str>::new());
    for byte in 0..good.len() {
        let mut bad = good.clone();
        bad[byte] ^= 1;
        assert!(!fields(&bad).is_empty(), "byte {byte}");
    }
    for len in 1..good.len() {
        assert!(!fields(&good[..len]).is_empty(), "length {len}");
    }
    assert_eq!(fields(&[&good[..], b"more"].concat()), ["record bytes", "unreadable"]);
    assert!(!describe(&*file(&good), "h", segment().number(), &mut |_| false).unwrap());
}
