//! Logs that follow each other, as a crash may leave them: where they end.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use contract::{Entry, Error, Result};
use stage1::files::CLEAN;
use stage1::log::header::{HEADER_BYTES, Header, Previous};
use stage1::log::{Builder, Frames, Marks};
use stage1::{clean, install};
use stage2::judge::judge;
use stage2::names::SegmentId;
use stage2::{ENGINE, STAGE};
use std::sync::Arc;
use vfs::{MemFs, Vfs};

fn name(number: u32) -> String {
    SegmentId::plain(number).log_name()
}

/// Writes a log that holds one entry, and returns what its successor's header says of it.
fn write(fs: &MemFs, number: u32, previous: Previous, value: &[u8]) -> Previous {
    write_as(fs, SegmentId::plain(number), previous, value)
}

fn write_as(fs: &MemFs, id: SegmentId, previous: Previous, value: &[u8]) -> Previous {
    let (name, number) = (id.log_name(), id.number());
    let header = Header { engine: ENGINE, number, previous, base_bytes: HEADER_BYTES as u64 };
    let mut frames = Frames::default();
    frames.set_entry(Entry { key: b"key", value: Some(value) });
    let file = install::begin(fs, &name).unwrap();
    let mut builder = Builder::new(file, name.clone(), &header, Marks::new(64));
    builder.push_new(&frames);
    let built = builder.finish().unwrap();
    install::commit(fs, &*built.file, &name).unwrap();
    Previous { number, bytes: built.bytes, last_checksum: built.last_checksum }
}

/// Which of these logs count, and whether the last of them was found to be too short.
fn counting(fs: &MemFs, numbers: &[u32]) -> Result<(Vec<u64>, bool)> {
    let logs: Vec<_> = numbers.iter().map(|number| SegmentId::plain(*number).log_file()).collect();
    let judged = judge(fs, ENGINE, &logs, 64)?;
    assert_eq!(judged.accepted.len() + judged.behind.len(), logs.len());
    Ok((judged.accepted.iter().map(|log| log.header.number).collect(), judged.cut.is_some()))
}

fn cut(fs: &MemFs, number: u32, bytes: usize) {
    let mut left = fs.contents()[&name(number)].clone();
    left.truncate(left.len() - bytes);
    fs.plant(&name(number), left);
}

#[test]
fn logs_count_as_far_as_each_ends_as_the_next_says() {
    let fs = MemFs::new();
    let first = write(&fs, 1, Previous::default(), b"value");
    let second = write(&fs, 2, first, b"value");
    write(&fs, 3, second, b"value");
    assert_eq!(counting(&fs, &[1, 2, 3]).unwrap(), (vec![1, 2, 3], false));
    // Exactly the last frame is missing: by itself the log looks whole.
    cut(&fs, 2, usize::try_from(second.bytes).unwrap() - HEADER_BYTES);
    assert_eq!(counting(&fs, &[1, 2, 3]).unwrap(), (vec![1, 2], true));
}

/// The chain says nothing here, since the second log was begun after another one.
#[test]
fn nothing_counts_that_comes_after_a_torn_log_whatever_the_next_says() {
    let fs = MemFs::new();
    write(&fs, 1, Previous::default(), b"value");
    write(&fs, 2, Previous { number: 7, ..Previous::default() }, b"value");
    assert_eq!(counting(&fs, &[1, 2]).unwrap(), (vec![1, 2], false));
    cut(&fs, 1, 1);
    assert_eq!(counting(&fs, &[1, 2]).unwrap(), (vec![1], false));
}

#[test]
fn a_log_that_is_as_long_as_the_next_says_and_ends_otherwise_is_damage() {
    let fs = MemFs::new();
    let first = write(&fs, 1, Previous::default(), b"value");
    write(&fs, 2, first, b"value");
    fs.remove(&name(1)).unwrap();
    write(&fs, 1, Previous::default(), b"other");
    match counting(&fs, &[1, 2]) {
        Err(Error::Corrupt { file, .. }) => assert_eq!(file, name(1)),
        other => panic!("{other:?}"),
    }
}

/// No crash leaves this, so nobody knows which of the two is right.
#[test]
fn runs_that_overlap_are_refused() {
    let fs = MemFs::new();
    for id in [SegmentId::run(1, 2), SegmentId::run(2, 3)] {
        write_as(&fs, id, Previous::default(), b"value");
    }
    match (stage2::STAGE.open)(Arc::new(fs), &stage2::STAGE.default_options()).map(drop) {
        Err(Error::Corrupt { file, .. }) => assert_eq!(file, "000002-000003.log"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mark_of_no_segment_is_damage_to_opening_and_to_verify() {
    let fs = MemFs::new();
    clean::write(&fs, ENGINE, &[]).unwrap();
    let files = fs.contents();
    let opened = (STAGE.open)(Arc::new(fs.clone()), &STAGE.default_options());
    assert!(matches!(opened.err(), Some(Error::Corrupt { file, .. }) if file == CLEAN));
    let damage = (STAGE.verify)(&fs).unwrap().damage;
    assert!(damage.iter().any(|damage| damage.file == CLEAN), "{damage:?}");
    assert_eq!(fs.contents(), files);
}
