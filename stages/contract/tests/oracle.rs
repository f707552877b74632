//! The promises of the trait that the first engine keeps by itself. What all engines promise is judged elsewhere.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::oracle::Oracle;
use contract::{Batch, Engine, KeyRange, MAX_KEY_BYTES};
use std::ops::Bound::{Excluded, Included};

fn pairs(engine: &Oracle, range: KeyRange<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
    engine.scan(range).unwrap().map(Result::unwrap).collect()
}

fn with(keys: &[&str]) -> Oracle {
    let engine = Oracle::default();
    let mut batch = Batch::new();
    for key in keys {
        batch.put(key.as_bytes(), b"old");
    }
    engine.write(&batch).unwrap();
    engine
}

#[test]
fn a_batch_is_done_in_its_order() {
    let engine = with(&["a", "b"]);
    let mut batch = Batch::new();
    batch.put(b"a", b"1").put(b"a", b"2").delete(b"b").put(b"c", b"3").delete(b"c");
    engine.write(&batch).unwrap();
    let got = ["a", "b", "c"].map(|key| engine.get(key.as_bytes()).unwrap());
    assert_eq!(got, [Some(b"2".to_vec()), None, None]);
}

#[test]
fn a_batch_that_is_refused_does_nothing() {
    let engine = with(&["a"]);
    let mut batch = Batch::new();
    let too_long = vec![0; usize::try_from(MAX_KEY_BYTES).unwrap() + 1];
    batch.delete(b"a").put(&too_long, b"new");
    assert!(engine.write(&batch).is_err());
    assert_eq!(engine.get(b"a").unwrap(), Some(b"old".to_vec()));
}

#[test]
fn a_scan_shows_its_range_as_it_was() {
    let engine = with(&["a", "b", "c", "d"]);
    let scan = engine.scan(KeyRange::new(Included(b"b"), Excluded(b"d"))).unwrap();
    engine.put(b"bb", b"new").unwrap();
    engine.delete(b"c").unwrap();
    let keys: Vec<_> = scan.map(|pair| pair.unwrap().0).collect();
    assert_eq!(keys, [b"b", b"c"]);
    assert!(pairs(&engine, KeyRange::new(Excluded(b"b"), Excluded(b"b"))).is_empty());
    assert_eq!(pairs(&engine, KeyRange::all()).len(), 4);
}

#[test]
fn only_the_first_creates() {
    let engine = with(&["a"]);
    assert!(!engine.put_if_absent(b"a", b"new").unwrap());
    assert_eq!(engine.get(b"a").unwrap(), Some(b"old".to_vec()));
    let firsts: usize = std::thread::scope(|scope| {
        let racers = [0u8; 8].map(|_| scope.spawn(|| engine.put_if_absent(b"b", b"mine").unwrap()));
        racers.into_iter().map(|racer| usize::from(racer.join().unwrap())).sum()
    });
    assert_eq!(firsts, 1);
}
