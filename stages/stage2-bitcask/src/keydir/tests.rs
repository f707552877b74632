//! The keydir at its edges, and under readers and writers at once.

mod model;

use super::*;
use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

fn at(n: u64) -> Location {
    Location { segment: (n % 7) as u32, offset: n, bytes: 20, tombstone: false }
}

fn tombstone(n: u64) -> Location {
    Location { tombstone: true, ..at(n) }
}

fn numbered(i: u64) -> Vec<u8> {
    format!("{i:016}").into_bytes()
}

fn fill(keydir: &Keydir, numbers: Range<u64>, at: impl Fn(u64) -> Location) {
    for i in numbers {
        keydir.set(&numbered(i), at(i));
    }
}

/// Everything that is in a keydir, in order.
fn content(keydir: &Keydir) -> BTreeMap<Vec<u8>, Location> {
    let mut all = BTreeMap::new();
    for shard in &keydir.shards {
        all.extend(shard.read().records().map(|record| (record.key.to_vec(), record.location())));
    }
    all
}

#[test]
fn keys_of_every_length_at_the_edges_are_found_again() {
    let keydir = Keydir::new();
    let lengths = [0, 1, 7, 8, 126, 127, 128, 129, 16_383, 16_384, 16_385, 65_535, 65_536];
    for (i, len) in (0..).zip(lengths) {
        assert_eq!(keydir.set(&vec![1; len], at(i)), None);
        assert_eq!(keydir.set(&vec![2; len], tombstone(i)), (len == 0).then(|| at(i)));
    }
    for (i, len) in (0..).zip(lengths) {
        assert_eq!(keydir.get(&vec![2; len]), Some(tombstone(i)), "{len}");
        assert_eq!(keydir.get(&vec![1; len]), Some(if len == 0 { tombstone(i) } else { at(i) }), "{len}");
        assert_eq!(keydir.get(&vec![3; len.max(1)]), None, "{len}");
    }
    assert_eq!(keydir.keys(), 12);
}

#[test]
fn removing_keys_rebuilds_shards_and_keeps_all_others() {
    let keydir = Keydir::new();
    let n = 20_000;
    fill(&keydir, 0..n, at);
    let full = keydir.bytes();
    for i in (0..n).filter(|i| i % 10 != 0) {
        assert!(!keydir.remove(&numbered(i), at(i + 7)), "it leads elsewhere");
        assert!(keydir.remove(&numbered(i), at(i)));
        assert!(!keydir.remove(&numbered(i), at(i)), "it is gone");
    }
    for i in 0..n {
        assert_eq!(keydir.get(&numbered(i)), (i % 10 == 0).then(|| at(i)));
    }
    assert_eq!((keydir.keys(), content(&keydir).len() as u64), (n / 10, n / 10));
    assert!(keydir.bytes() < full / 3, "{} of {full} bytes are left for a tenth of the keys", keydir.bytes());
    fill(&keydir, 0..n, |i| at(i + 1));
    assert_eq!(keydir.keys(), n);
}

#[test]
fn a_range_gives_its_live_keys_whatever_its_bounds() {
    let keydir = Keydir::new();
    let keys: Vec<Vec<u8>> =
        (0..600).map(|i| vec![b'k'; i % 4].into_iter().chain(numbered(i as u64)).collect()).collect();
    for (i, key) in (0..).zip(&keys) {
        keydir.set(key, if i % 5 == 0 { tombstone(i) } else { at(i) });
    }
    let all: BTreeMap<&[u8], Location> =
        (0..).zip(&keys).filter(|(i, _)| i % 5 != 0).map(|(i, key)| (&key[..], at(i))).collect();
    let ends = [&b""[..], b"0000000000000300", b"k", b"kk0000000000000301", b"kkk\xff"];
    let bounds = |end| [Bound::Unbounded, Bound::Included(end), Bound::Excluded(end)];
    for (start, end) in ends.iter().flat_map(|a| ends.iter().map(move |b| (*a, *b))) {
        for (start, end) in bounds(start).into_iter().flat_map(|s| bounds(end).map(|e| (s, e))) {
            let range = KeyRange::new(start, end);
            let mut found = keydir.collect(range);
            found.sort();
            let expected: Vec<_> = all.iter().filter(|(key, _)| range.contains(key)).collect();
            assert_eq!(found.len(), expected.len(), "{range:?}");
            for (i, (key, at)) in expected.into_iter().enumerate() {
                assert_eq!(found.get(i), Some((*key, *at)), "{range:?}");
            }
        }
    }
}

#[test]
fn only_the_segments_that_are_asked_for_are_told() {
    let keydir = Keydir::new();
    fill(&keydir, 0..1_000, |i| if i % 3 == 0 { tombstone(i) } else { at(i) });
    let mut found: Vec<_> =
        keydir.locations_in(|slot| slot == 2 || slot == 5).iter().map(|at| at.offset).collect();
    found.sort_unstable();
    assert_eq!(found, (0..1_000).filter(|i| i % 7 == 2 || i % 7 == 5).collect::<Vec<_>>());
}

#[test]
fn taking_over_counts_what_differs_and_leaves_the_new_content() {
    let old = Keydir::new();
    let new = old.like();
    fill(&old, 0..5_000, at);
    fill(&new, 1_000..7_000, |i| if i < 1_500 { tombstone(i) } else { at(i) });
    let expected = content(&new);
    assert_eq!(old.take_over(new), 1_000 + 500 + 2_000);
    assert!(content(&old) == expected);
    assert_eq!(old.keys(), 5_500);
    assert_eq!(old.take_over(old.like()), 6_000);
    assert_eq!(old.keys(), 0);
}

#[test]
#[should_panic(expected = "another seed")]
fn a_keydir_with_another_seed_cannot_take_over() {
    Keydir::new().take_over(Keydir::new());
}

#[test]
fn room_that_was_reserved_is_used_or_given_back() {
    let keydir = Keydir::new();
    let empty = keydir.bytes();
    keydir.reserve(100_000, 1_600_000);
    let reserved = keydir.bytes();
    fill(&keydir, 0..100_000, at);
    // By chance a shard or two of the 128 get more than their share, and grow.
    assert!(keydir.bytes() < reserved + reserved / 50, "of {reserved} bytes it grew to {}", keydir.bytes());
    keydir.trim();
    assert!(keydir.bytes() > reserved - reserved / 10, "of {reserved} bytes {} are used", keydir.bytes());
    assert_eq!(content(&keydir).len(), 100_000);
    let sparse = Keydir::new();
    sparse.reserve(100_000, 1_600_000);
    sparse.trim();
    assert_eq!(sparse.bytes(), empty);
}

#[test]
fn nobody_sees_a_part_of_what_is_set_together() {
    let keydir = Keydir::new();
    let keys: Vec<_> = (0..200).map(numbered).collect();
    let set_to = |n| {
        let entries: Vec<_> = keys.iter().map(|key| (&key[..], at(n))).collect();
        keydir.set_all(&entries, |_, _| ());
    };
    set_to(0);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut rounds, mut newest) = (0, 0);
            while !done.load(Ordering::Acquire) || rounds == 0 {
                for key in &keys {
                    let seen = keydir.get(key).unwrap().offset;
                    assert!(seen >= newest, "{seen} after {newest}");
                    newest = seen;
                }
                rounds += 1;
            }
        });
        (1..2_000).for_each(set_to);
        done.store(true, Ordering::Release);
        reader.join().unwrap();
    });
}

#[test]
fn two_who_set_the_same_keys_in_opposite_orders_do_not_wait_for_each_other() {
    let keydir = Keydir::new();
    let keys: Vec<_> = (0..200).map(numbered).collect();
    let forward: Vec<_> = keys.iter().map(|key| (&key[..], at(1))).collect();
    let backward: Vec<_> = keys.iter().rev().map(|key| (&key[..], at(2))).collect();
    thread::scope(|scope| {
        for entries in [&forward, &backward] {
            let keydir = &keydir;
            scope.spawn(move || (0..1_000).for_each(|_| keydir.set_all(entries, |_, _| ())));
        }
    });
    // Whoever came last has set all of them.
    let last = keydir.get(&keys[0]);
    assert!(keys.iter().all(|key| keydir.get(key) == last));
}

#[test]
fn writers_and_readers_of_all_kinds_meet_without_loss() {
    let keydir = Keydir::new();
    let n = 2_000;
    thread::scope(|scope| {
        for writer in 0..2 {
            let keydir = &keydir;
            scope.spawn(move || {
                for i in (0..n).filter(|i| i % 2 == writer) {
                    keydir.set(&numbered(i), at(i));
                    assert!(keydir.replace(&numbered(i), at(i), at(i + n)));
                    assert_eq!(keydir.get(&numbered(i)), Some(at(i + n)));
                    assert!(i % 4 > 1 || keydir.remove(&numbered(i), at(i + n)));
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..50 {
                let mut keys = keydir.collect(KeyRange::all());
                keys.sort();
                assert!((1..keys.len()).all(|i| keys.get(i - 1).unwrap().0 < keys.get(i).unwrap().0));
            }
        });
    });
    assert_eq!(keydir.keys(), n / 2);
}
