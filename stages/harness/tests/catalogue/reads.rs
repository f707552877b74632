//! What went wrong between what was written and what was read.

use crate::store::Store;
use contract::{Batch, Entry, KeyRange};
use harness::ops::Op;
use harness::registry::persistent;
use harness::settings;
use stage1::frame::{self, Place};
use vfs::sim::{Errno, Fault, Op as Call};

/// basho/bitcask's `bitcask_tombstone` prefix; tinkv 0.10, as measured: a deleted key was a key with a certain value, so
/// whoever wrote that value deleted.
#[test]
fn a_value_that_looks_like_a_tombstone_is_a_value() {
    let mut tombstone = Vec::new();
    frame::encode(Entry { key: b"a", value: None }, false, &mut tombstone);
    frame::move_to(&mut tombstone, None, Place { file: 1, offset: 64 });
    let mut put = Vec::new();
    frame::encode(Entry { key: b"a", value: Some(b"another") }, false, &mut put);
    let values: [&[u8]; 9] = [
        b"bitcask_tombstone",
        b"bitcask_tombstone2\0\0\0\x01",
        b"%TINKV_REMOVE_TOMESTONE%",
        b"__sled__tombstone",
        b"",
        b"\0",
        &[0; 64],
        &tombstone,
        &put,
    ];
    for stage in persistent("values like tombstones") {
        let mut store = Store::new(stage);
        let mut batch = Batch::new();
        for (i, value) in values.iter().enumerate() {
            let key = vec![b'a' + u8::try_from(i).unwrap()];
            batch.put(&key, value);
            store.op(&Op::Put { key, value: value.to_vec() }).unwrap();
        }
        store.check("put");
        store.upkeep();
        store.run("compact\nclose\n");
        store.check_for_good("put, compacted, closed");
        store.run("delete a\n");
        store.op(&Op::Batch(batch)).unwrap();
        store.check_for_good("deleted, and put in a batch");
    }
}

/// cockroachdb/pebble, issues 1022 and 1023; LevelDB, issue 103: the empty key sorted wrong, or an empty value was none.
#[test]
fn an_empty_key_and_an_empty_value_come_back() {
    for stage in persistent("empty keys") {
        let mut store = Store::new(stage);
        store.run("put \"\" 1\nput \"\\x00\" \"\"\nput a \"\"\nput b \"2\"*60\n");
        for what in [
            "compact\n",
            "close\n",
            "kill\n",
            "put \"\" \"\"\ncompact\nclose\n",
            "delete \"\"\nclose\nput \"\" \"\"\nkill\n",
        ] {
            store.run(what);
            store.upkeep();
            store.check(what);
            store.check_for_good(what);
        }
        assert_eq!(store.engine().get(b"").unwrap().as_deref(), Some(&b""[..]));
        assert_eq!(store.engine().scan_prefix(b"").unwrap().count(), 4);
    }
}

/// HarperFast/rocksdb-js, issue 846; cberner/redb, issue 1386; feichai0017/NoKV, issue 54: a scan ended without a word where
/// it could not read on, or went on behind it as if nothing were missing.
#[test]
fn a_scan_says_where_it_cannot_read_on_and_does_not_go_on_behind() {
    for stage in persistent("scans over errors") {
        for options in [settings::smallest(stage), stage.default_options()] {
            let mut store = Store::with(stage, options);
            for key in ["a", "b", "c", "d"] {
                store.run(&format!("put {key} \"{key}\"*50\n"));
            }
            store.upkeep();
            let expected = store.pairs().unwrap();
            for nth in 0..40 {
                store.fs.inject(Fault::new(Errno::Eio).on(Call::Read).nth(nth).for_ever());
                let mut seen = Vec::new();
                match store.engine().scan(KeyRange::all()) {
                    Err(_) => {}
                    Ok(mut scan) => {
                        let end = loop {
                            match scan.next() {
                                Some(Ok(pair)) => seen.push(pair),
                                end => break end,
                            }
                        };
                        let over = seen.len() == expected.len();
                        assert_eq!(end.is_none(), over, "{}: read {nth} fails after {seen:?}", stage.name);
                        store.fs.clear_faults();
                        for _ in 0..3 {
                            let more = scan.next().is_some();
                            assert!(!more, "{}: read {nth} failed, and it went on", stage.name);
                        }
                    }
                }
                store.fs.clear_faults();
                assert!(expected.starts_with(&seen), "{}: read {nth} failed: {seen:?}", stage.name);
            }
            store.check("the errors are over");
        }
    }
}
