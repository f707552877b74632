//! What a read need not look at.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Call, Engine, KeyRange, Run};
use stage3::STAGE;
use std::ops::Bound;
use std::sync::Arc;
use vfs::MemFs;

/// A store that keeps no block in memory, so that each that is asked for is read; without filters, which would hide it.
fn open() -> Arc<dyn Engine> {
    open_with(&[])
}

fn open_with(set: &[(&str, &str)]) -> Arc<dyn Engine> {
    let plain = [("cache-bytes", "0"), ("filter-bits", "0"), ("block-bytes", "64"), ("strategy", "off")];
    let options = STAGE.default_options();
    let options =
        plain.iter().chain(set).fold(options, |options, (name, value)| options.with(name, value).unwrap());
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

/// A run of many tables, of which some end just where a scan begins.
#[test]
fn a_scan_begins_and_ends_where_it_is_told_to_whatever_table_that_is_in() {
    let engine = open_with(&[("table-bytes", "200")]);
    (0..40).for_each(|key| engine.put(&[key], &[7; 50]).unwrap());
    flush(&*engine);
    assert!(figure(&*engine, "tables") > 5);
    for (first, last) in (0..40).flat_map(|first| [first, first + 1, first + 7].map(|last| (first, last))) {
        let keys = |start, end| -> Vec<u8> {
            engine.scan(KeyRange { start, end }).unwrap().map(|pair| pair.unwrap().0[0]).collect()
        };
        let (from, to) = ([first], [last]);
        let last = last.min(40);
        let found = keys(Bound::Included(&from), Bound::Excluded(&to));
        assert_eq!(found, (first..last).collect::<Vec<_>>());
        let found = keys(Bound::Excluded(&from), Bound::Included(&to));
        assert_eq!(found, (first + 1..(last + 1).min(40)).collect::<Vec<_>>());
    }
}

/// A key lies in the oldest run of three, and is deleted; what hides it is flushed, and merged without that run.
#[test]
fn a_tombstone_stays_as_long_as_any_older_run_has_the_key() {
    let engine = open_with(&[("memtable-bytes", "8KiB"), ("fan-out", "3")]);
    // So large that it is not merged with what is small.
    (0..100).for_each(|key| engine.put(&[b'b', key], &[7; 1000]).unwrap());
    engine.compact().unwrap();
    engine.put(b"m", b"elsewhere").unwrap();
    flush(&*engine);
    engine.delete(b"b\x05").unwrap();
    flush(&*engine);
    assert_eq!((figure(&*engine, "runs"), engine.get(b"b\x05").unwrap()), (3, None));
    engine.put(b"z", b"").unwrap();
    flush(&*engine);
    engine.set_option("strategy", "tiered").unwrap();
    while engine.step().unwrap() {}
    assert_eq!((figure(&*engine, "runs"), engine.get(b"b\x05").unwrap()), (2, None));
    assert_eq!(figure(&*engine, "tombstones"), 1);
}

/// Blocks of two tables that lie at the same offset, each asked for before and after the other one.
#[test]
fn the_cache_tells_the_blocks_of_two_tables_apart() {
    for scans in [false, true] {
        let engine = open_with(&[("cache-bytes", "1MiB")]);
        for key in [b"a", b"b"] {
            engine.put(key, key).unwrap();
            flush(&*engine);
        }
        for _ in 0..2 {
            let found: Vec<_> = if scans {
                engine.scan(KeyRange::all()).unwrap().map(|pair| Some(pair.unwrap().1)).collect()
            } else {
                [b"a", b"b"].map(|key| engine.get(key).unwrap()).into()
            };
            assert_eq!(found, [Some(b"a".to_vec()), Some(b"b".to_vec())]);
        }
        assert!(figure(&*engine, "cache-hits") > 0);
    }
}

/// There are more keys than in the piece of memory that the scan holds on to from the beginning.
#[test]
fn a_scan_sees_nothing_that_was_written_after_it_began() {
    let engine = open();
    let put = |key: u32, value: &[u8]| engine.put(format!("{key:04}").as_bytes(), value).unwrap();
    (0..2_000).for_each(|key| put(key, b"old"));
    let scan = engine.scan(KeyRange::all()).unwrap();
    (0..3_000).for_each(|key| put(key, b"new"));
    let found: Vec<_> = scan.map(|pair| pair.unwrap().1).collect();
    assert_eq!(found, vec![b"old".to_vec(); 2_000]);
}
