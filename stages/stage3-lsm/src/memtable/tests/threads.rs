//! Readers and walks beside a writer, in real threads.

use super::{Bound, Entry, Memtable, Source, check, numbered};
use crate::options::{SPECS, Settings};
use crate::recover;
use contract::{Batch, Engine, Options};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use vfs::MemFs;

/// Keys of a batch: far from each other, so that they lie in different leaves.
fn batch_keys(keys: u64) -> [Vec<u8>; 4] {
    [0, 1, 2, 3].map(|quarter| numbered(quarter * keys / 4))
}

#[test]
fn what_was_written_is_found_while_leaves_are_divided() {
    let memtable = Memtable::new();
    let written = AtomicU64::new(0);
    let keys = 20_000;
    thread::scope(|scope| {
        scope.spawn(|| {
            for i in 0..keys {
                let key = numbered(i * 7919 % keys);
                memtable.apply([Entry { key: &key, value: Some(&key) }].into_iter(), i + 1, None);
                written.store(i + 1, Ordering::Release);
            }
        });
        for reader in 0..2 {
            let (memtable, written) = (&memtable, &written);
            scope.spawn(move || {
                let mut i = reader;
                loop {
                    let count = written.load(Ordering::Acquire);
                    if count > 0 {
                        i = (i + 6_007) % count;
                        let key = numbered(i * 7919 % keys);
                        assert_eq!(memtable.get(&key), Some(Some(key.clone())), "key {i} of {count}");
                        assert_eq!(memtable.contains(&[&key[..], b"x"].concat()), None);
                    }
                    if count == keys {
                        break;
                    }
                }
            });
        }
    });
    assert_eq!(memtable.entries(), keys);
    check(&memtable);
}

#[test]
fn batches_are_seen_whole_and_in_their_order() {
    let memtable = Memtable::new();
    let keys = 2_000;
    let ends = AtomicU64::new(0);
    let watched = batch_keys(keys);
    thread::scope(|scope| {
        scope.spawn(|| {
            for i in 0..keys {
                let (key, count) = (numbered(i * 7919 % keys), (i + 1).to_le_bytes());
                let others = watched.iter().map(|key| Entry { key, value: Some(&count) });
                memtable.apply(others.chain([Entry { key: &key, value: Some(&count) }]), i + 1, None);
            }
            ends.store(1, Ordering::Release);
        });
        for reader in 0..2 {
            let (memtable, ends, watched) = (&memtable, &ends, &watched);
            scope.spawn(move || {
                let number = |key: &[u8]| {
                    memtable
                        .get(key)
                        .flatten()
                        .map_or(0, |value| u64::from_le_bytes(value[..].try_into().unwrap()))
                };
                // ANCHOR: batches
                let mut seen = 0;
                while ends.load(Ordering::Acquire) == 0 {
                    // Whoever saw a batch in one leaf sees it, or a later one, in every other, in whatever order it looks.
                    for at in [0, 2, 1, 3].map(|at| if reader == 0 { at } else { 3 - at }) {
                        let now = number(&watched[at]);
                        assert!(now >= seen, "{now} after {seen}");
                        seen = now;
                    }
                }
                // ANCHOR_END: batches
            });
        }
    });
    check(&memtable);
}

#[test]
fn a_walk_sees_one_moment_while_the_writer_goes_on() {
    let memtable = Arc::new(Memtable::new());
    let keys = 600;
    // What the writer and the walker agree on: the newest number that is visible, and the newest pin.
    let (visible, pin, ends) = (AtomicU64::new(0), std::sync::Mutex::new(None), AtomicU64::new(0));
    let value = |seq: u64| seq.to_le_bytes();
    thread::scope(|scope| {
        scope.spawn(|| {
            // Every batch writes every tenth key, and one more that is new for a while.
            for seq in 1..=2_000 {
                let fixed: Vec<_> = (0..keys).step_by(10).map(numbered).collect();
                let more = numbered(seq * 7919 % keys);
                let value = value(seq);
                let batch = fixed.iter().chain([&more]).map(|key| Entry { key, value: Some(&value) });
                // A pin is taken at what is visible, and never between the look at the pins and the batch.
                let pin = pin.lock().unwrap();
                memtable.apply(batch, seq, *pin);
                visible.store(seq, Ordering::Release);
            }
            ends.store(1, Ordering::Release);
        });
        scope.spawn(|| {
            while ends.load(Ordering::Acquire) == 0 {
                let seq = {
                    let mut pin = pin.lock().unwrap();
                    let seq = visible.load(Ordering::Acquire);
                    *pin = Some(seq);
                    seq
                };
                let mut walk = memtable.source(Bound::Unbounded, seq);
                let (mut last, mut fixed) = (None, 0);
                while let Some(key) = walk.key() {
                    assert!(last.as_deref() < Some(key), "ascending");
                    let found = u64::from_le_bytes(walk.value().unwrap().try_into().unwrap());
                    assert!(found <= seq, "{found} at {seq}");
                    if key.ends_with(b"0") {
                        assert_eq!(found, seq);
                        fixed += 1;
                    }
                    last = Some(key.to_vec());
                    walk.advance().unwrap();
                }
                assert_eq!(fixed, if seq == 0 { 0 } else { keys / 10 });
                *pin.lock().unwrap() = None;
            }
        });
    });
    check(&memtable);
}

/// The store applies a batch at once, or a reader could see its first entry while the leaf of the last one is held.
#[test]
fn a_batch_that_waits_for_one_of_its_leaves_is_not_seen_in_another() {
    let settings = Settings::new(&Options::new(&SPECS)).unwrap();
    let store = recover::open(Arc::new(MemFs::new()), settings).unwrap().0;
    (0..100).for_each(|i| store.put(&numbered(i), b"old").unwrap());
    let memtable = Arc::clone(&store.state.load().active);
    let mut both = Batch::new();
    both.put(&numbered(5), b"new").put(&numbered(95), b"new");
    thread::scope(|scope| {
        let (last, _) = memtable.boundaries.load().find(&numbered(95), &memtable.leaves);
        let held = memtable.leaves.get(last).read();
        let appended = store.log_bytes.load(Ordering::Relaxed);
        let writer = scope.spawn(|| store.write(&both));
        while store.log_bytes.load(Ordering::Relaxed) == appended {
            thread::yield_now();
        }
        let give_way = || (0..1_000).for_each(|_| thread::yield_now());
        give_way();
        let reader = scope.spawn(|| store.get(&numbered(5)).unwrap().unwrap());
        give_way();
        let is_early = reader.is_finished();
        drop(held);
        let found = reader.join().unwrap();
        assert!(!is_early || found == b"old");
        writer.join().unwrap().unwrap();
    });
    assert_eq!(store.get(&numbered(95)).unwrap().as_deref(), Some(&b"new"[..]));
}
