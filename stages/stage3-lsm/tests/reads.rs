//! What a read need not look at.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Call, Engine, KeyRange, Run};
use stage3::STAGE;
use std::ops::Bound;
use std::sync::Arc;
use vfs::MemFs;

/// A store that keeps no block in memory, so that each that is asked for is read; without filters, which would hide it.
fn open() -> Arc<dyn Engine> {
    let set = [("cache-bytes", "0"), ("filter-bits", "0"), ("block-bytes", "64"), ("strategy", "off")];
    let options = STAGE.default_options();
    let options = set.iter().fold(options, |options, (name, value)| options.with(name, value).unwrap());
    (STAGE.open)(Arc::new(MemFs::new()), &options).unwrap().0
}

fn flush(engine: &dyn Engine) {
    let command = STAGE.commands.iter().find(|command| command.name == "flush").unwrap();
    let Run::Engine(flush) = command.run else { panic!("a command of the engine") };
    flush(engine, &Call::default()).unwrap();
}

fn figure(engine: &dyn Engine, name: &str) -> u64 {
    engine.stats().figures.iter().find(|figure| figure.name == name).unwrap().value
}

#[test]
fn a_key_outside_of_every_table_costs_no_block() {
    let engine = open();
    engine.put(b"b", b"1").unwrap();
    engine.put(b"d", b"2").unwrap();
    flush(&*engine);
    for key in [&b""[..], b"a", b"d\0", b"e"] {
        assert!(engine.get(key).unwrap().is_none() && !engine.contains(key).unwrap());
    }
    assert_eq!(figure(&*engine, "blocks-read"), 0);
    assert!(engine.get(b"c").unwrap().is_none() && figure(&*engine, "blocks-read") == 1);
}

#[test]
fn a_scan_that_is_over_reads_no_more() {
    let engine = open();
    (0..200).for_each(|key| engine.put(&[key], &[7; 50]).unwrap());
    flush(&*engine);
    let range = KeyRange { start: Bound::Included(&[10]), end: Bound::Excluded(&[12]) };
    let mut cursor = engine.scan(range).unwrap().into_cursor();
    for key in [10, 11] {
        assert_eq!(cursor.key(), Some(&[key][..]));
        cursor.advance().unwrap();
    }
    let (read, bytes) = (figure(&*engine, "blocks-read"), engine.stats().bytes_read);
    for _ in 0..150 {
        assert!(cursor.key().is_none() && cursor.value().unwrap().is_empty());
        cursor.advance().unwrap();
    }
    assert_eq!((figure(&*engine, "blocks-read"), engine.stats().bytes_read), (read, bytes));
}

#[test]
fn a_tombstone_that_hides_nothing_is_not_written() {
    let engine = open();
    engine.put(b"b", b"1").unwrap();
    engine.put(b"d", b"2").unwrap();
    flush(&*engine);
    for key in [b"a", b"e", b"d"] {
        engine.delete(key).unwrap();
    }
    flush(&*engine);
    assert_eq!((figure(&*engine, "tombstones"), figure(&*engine, "table-entries")), (1, 3));
}
