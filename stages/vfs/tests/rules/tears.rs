//! What a power loss leaves of one file: pages, sectors, sizes, noise.

use super::{Files, durable, images, may};
use vfs::Vfs;
use vfs::sim::{CrashKind, Profile};

/// The record with this number: two halves that both tell it, so that half of one is no record.
fn record(number: u8) -> [u8; 512] {
    let mut bytes = [number; 512];
    bytes[256..].fill(number + 100);
    bytes
}

/// Records 1 to 40, pending, behind 100 durable bytes. No byte is zero.
fn long_append() -> vfs::SimFs {
    let fs = durable(&[("a", &[b'd'; 100])]);
    let file = fs.open("a").unwrap();
    for number in 1..=40 {
        file.append(&record(number)).unwrap();
    }
    fs
}

/// The runs of zeros that have something behind them.
fn holes(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut holes = Vec::new();
    let mut start = None;
    for (i, byte) in bytes.iter().enumerate() {
        match (byte, start) {
            (0, None) => start = Some(i),
            (1.., Some(from)) => {
                holes.push(from..i);
                start = None;
            }
            _ => {}
        }
    }
    holes
}

#[test]
fn pages_land_in_any_order_and_missing_ones_read_as_zeros() {
    let fs = long_append();
    let whole = &fs.contents()["a"];
    for files in images(&fs, CrashKind::Pages, Profile::Strict) {
        let bytes = &files["a"];
        assert_eq!(bytes[..100], whole[..100]);
        assert!(bytes.iter().zip(whole).all(|(now, was)| now == was || *now == 0));
    }
    let with_hole = |what: &dyn Fn(usize, usize) -> bool| {
        let images = images(&fs, CrashKind::Pages, Profile::Strict);
        images.filter(|files| holes(&files["a"]).iter().any(|hole| what(hole.start, hole.end))).count()
    };
    let page = with_hole(&|start, end| start == 4096 && end == 8192);
    let sector = with_hole(&|start, end| start % 512 == 0 && end == start + 512);
    let between_records = |at: usize| at % 512 == 100;
    let torn = with_hole(&|start, end| {
        end % 512 == 0 && end % 4096 != 0 && end - start < 512 && !between_records(start)
    });
    assert!(page > 20 && sector > 100 && torn > 100, "{page} pages, {sector} sectors, {torn} torn");
    assert!(may(&fs, CrashKind::Pages, |files| files["a"] == *whole));
}

#[test]
fn missing_parts_may_be_noise_or_older_bytes_of_the_same_file() {
    let fs = long_append();
    let whole = &fs.contents()["a"];
    let noise = |files: &Files| files["a"].iter().zip(whole).any(|(now, was)| now != was && *now > 140);
    assert!(may(&fs, CrashKind::Junk, noise), "noise");
    let older_record_behind_a_good_one = |files: &Files| {
        let bytes = &files["a"];
        (2..=40u8).any(|number| {
            let at = 100 + 512 * (usize::from(number) - 1);
            let older = |found: &[u8]| found[0] < number && found[0] > 0 && *found == record(found[0]);
            bytes[..at.min(bytes.len())] == whole[..at] && bytes.get(at..at + 512).is_some_and(older)
        })
    };
    assert!(may(&fs, CrashKind::Junk, older_record_behind_a_good_one));
    assert!(images(&fs, CrashKind::Junk, Profile::Strict).all(|files| files["a"][..100] == [b'd'; 100]));
}

#[test]
fn size_lands_without_data_and_data_without_size() {
    let fs = long_append();
    let zeros =
        |files: &Files| files["a"].len() == 100 + 40 * 512 && files["a"][100..].iter().all(|b| *b == 0);
    assert!(may(&fs, CrashKind::Sizes, zeros));

    let fs = durable(&[("a", b"")]);
    let file = fs.open("a").unwrap();
    file.reserve(10).unwrap();
    file.sync().unwrap();
    file.append(b"into the room").unwrap();
    let cut = |files: &Files| files["a"] == b"into the r";
    assert!(may(&fs, CrashKind::Sizes, cut), "data without size");
}

#[test]
fn what_a_truncation_cut_off_does_not_come_back_with_a_later_extension() {
    let fs = durable(&[("a", b"dddddddd")]);
    let file = fs.open("a").unwrap();
    file.truncate(2).unwrap();
    file.append(b"x").unwrap();
    file.truncate(8).unwrap();
    for kind in CrashKind::ALL {
        assert!(may(&fs, kind, |files| files["a"] == b"ddx\0\0\0\0\0"), "{kind:?}");
    }
    assert!(images(&fs, CrashKind::FilePrefix, Profile::Strict).all(|files| files["a"] != b"ddxddddd"));
}

#[test]
fn bytes_outside_the_written_range_change_only_under_the_hard_profile() {
    let fs = long_append();
    let whole = &fs.contents()["a"];
    let damaged = |files: &Files| files["a"][..100] != [b'd'; 100];
    for kind in CrashKind::ALL {
        assert!(!images(&fs, kind, Profile::Strict).any(|files| damaged(&files)), "{kind:?}");
    }
    assert!(images(&fs, CrashKind::Pages, Profile::Hard).any(|files| damaged(&files)));
    let whole_or_nothing = |files: &Files| files["a"] == *whole || files["a"].len() == 100;
    assert!(images(&fs, CrashKind::Names, Profile::Hard).all(|files| whole_or_nothing(&files)));
    fs.open("a").unwrap().sync().unwrap();
    assert!(!images(&fs, CrashKind::Pages, Profile::Hard).any(|files| damaged(&files)));
}
