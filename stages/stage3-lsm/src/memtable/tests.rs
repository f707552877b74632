//! The memtable at its edges; pages are small here, so that a few dozen keys make many leaves.

mod model;
mod threads;

use super::*;
use crate::source::Source;

fn numbered(i: u64) -> Vec<u8> {
    format!("{i:016}").into_bytes()
}

fn put(memtable: &Memtable, key: &[u8], value: &[u8], seq: u64, pin: Option<u64>) {
    memtable.apply([Entry { key, value: Some(value) }].into_iter(), seq, pin);
}

fn delete(memtable: &Memtable, key: &[u8], seq: u64, pin: Option<u64>) {
    memtable.apply([Entry { key, value: None }].into_iter(), seq, pin);
}

type Pairs = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// Everything that a walk shows.
fn content(memtable: &Arc<Memtable>, start: Bound<&[u8]>, seq: u64) -> Pairs {
    let mut walk = memtable.source(start, seq);
    let mut pairs = Vec::new();
    while let Some(key) = walk.key() {
        pairs.push((key.to_vec(), walk.value().map(<[u8]>::to_vec)));
        walk.advance().unwrap();
    }
    assert!(walk.advance().is_ok() && walk.key().is_none() && walk.value().is_none());
    pairs
}

/// How many leaves there are, and what holds of them: bounds ascend, links lead to the next, pages are as they should be.
fn check(memtable: &Memtable) -> usize {
    let boundaries = memtable.boundaries.load();
    let (mut number, mut count) = (0, 0);
    loop {
        let leaf = memtable.leaves.get(number);
        let node = leaf.read();
        let upper = node.right.map(|right| &memtable.leaves.get(right).lower);
        assert_eq!(boundaries.find(&leaf.lower, &memtable.leaves), (number, node.right));
        assert!(upper.is_none_or(|upper| leaf.lower < *upper));
        node.page.check(&leaf.lower, upper.map(|upper| &**upper));
        count += 1;
        match node.right {
            Some(right) => number = right,
            None => break,
        }
    }
    assert_eq!(count, boundaries.count() as usize, "every leaf is listed and linked");
    count
}

#[test]
fn nothing_is_in_an_empty_memtable() {
    let memtable = Arc::new(Memtable::new());
    assert_eq!((memtable.get(b""), memtable.contains(b"a"), memtable.entries()), (None, None, 0));
    assert!(content(&memtable, Bound::Unbounded, u64::MAX).is_empty());
    memtable.apply(std::iter::empty(), 1, None);
    assert_eq!((memtable.entries(), check(&memtable)), (0, 1));
}

#[test]
fn keys_of_every_length_at_the_edges_are_found_again() {
    let memtable = Arc::new(Memtable::new());
    let lengths = [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 255, 256, 65_535, 65_536];
    let keys: Vec<Vec<u8>> =
        lengths.iter().flat_map(|&len| [0, 1, 255].map(|byte| vec![byte; len])).collect();
    for (seq, key) in (1..).zip(&keys) {
        put(&memtable, key, &key[key.len() / 2..], seq, None);
    }
    assert!(check(&memtable) > 4);
    for key in &keys {
        assert_eq!(memtable.get(key), Some(Some(key[key.len() / 2..].to_vec())));
        let longer = [key, &b"\x07"[..]].concat();
        assert_eq!(memtable.get(&longer), None, "{} bytes", longer.len());
    }
    let mut sorted = keys;
    sorted.sort();
    sorted.dedup();
    assert_eq!(memtable.entries(), sorted.len() as u64);
    let found: Vec<_> =
        content(&memtable, Bound::Unbounded, u64::MAX).into_iter().map(|pair| pair.0).collect();
    assert!(found == sorted);
}

#[test]
fn ascending_keys_fill_their_pages() {
    let memtable = Arc::new(Memtable::new());
    (0..800).for_each(|i| put(&memtable, &numbered(i), b"v", i + 1, None));
    assert_eq!(check(&memtable), 800 / page::MOST_ENTRIES);
    let found = content(&memtable, Bound::Unbounded, 800);
    assert!(found.into_iter().map(|pair| pair.0).eq((0..800).map(numbered)));
}

#[test]
fn a_tombstone_is_an_entry() {
    let memtable = Arc::new(Memtable::new());
    delete(&memtable, b"never put", 1, None);
    put(&memtable, b"key", b"", 2, None);
    assert_eq!((memtable.get(b"key"), memtable.contains(b"key")), (Some(Some(Vec::new())), Some(true)));
    delete(&memtable, b"key", 3, None);
    assert_eq!((memtable.get(b"key"), memtable.contains(b"key")), (Some(None), Some(false)));
    assert_eq!((memtable.get(b"never put"), memtable.contains(b"never put")), (Some(None), Some(false)));
    assert_eq!(memtable.entries(), 2);
    let expected = [(b"key".to_vec(), None), (b"never put".to_vec(), None)];
    assert_eq!(content(&memtable, Bound::Unbounded, 3), expected);
}

#[test]
fn the_last_entry_of_a_batch_that_names_a_key_twice_counts() {
    let memtable = Arc::new(Memtable::new());
    put(&memtable, b"a", b"before", 1, None);
    let value = |value| Entry { key: b"a", value };
    memtable.apply([value(Some(&b"one"[..])), value(None), value(Some(b"three"))].into_iter(), 2, Some(1));
    assert_eq!(memtable.get(b"a"), Some(Some(b"three".to_vec())));
    assert_eq!(content(&memtable, Bound::Unbounded, 1), [(b"a".to_vec(), Some(b"before".to_vec()))]);
}

#[test]
fn a_batch_of_many_leaves_is_applied_whole() {
    let memtable = Arc::new(Memtable::new());
    let keys: Vec<_> = (0..1000).map(|i| numbered(i * 7919 % 1000)).collect();
    memtable.apply(keys.iter().map(|key| Entry { key, value: Some(key) }), 1, None);
    assert!(check(&memtable) > 1000 / page::MOST_ENTRIES);
    assert_eq!(memtable.entries(), 1000);
    assert!(keys.iter().all(|key| memtable.get(key).as_ref() == Some(&Some(key.clone()))));
    memtable.apply(keys.iter().map(|key| Entry { key, value: None }), 2, None);
    assert_eq!((memtable.entries(), memtable.get(&keys[5])), (1000, Some(None)));
}

#[test]
fn a_million_puts_of_a_hot_key_take_no_memory() {
    let memtable = Arc::new(Memtable::new());
    put(&memtable, b"hot", &[0; 100], 1, None);
    let before = memtable.bytes();
    for seq in 2..1_000_000 {
        // Longer and shorter ones in turn, so that no value fits into the place of the one before it for long.
        let value = [0; 200];
        put(&memtable, b"hot", &value[..usize::try_from(seq % 200).unwrap()], seq, None);
    }
    assert!(memtable.bytes() < before + 2_000, "{} bytes, {before} before", memtable.bytes());
    // The same under a pin from before the first of them, which needs one version more.
    let memtable = Arc::new(Memtable::new());
    put(&memtable, b"hot", b"pinned", 1, None);
    (2..100_000_u64).for_each(|seq| put(&memtable, b"hot", &seq.to_le_bytes(), seq, Some(1)));
    assert!(memtable.bytes() < before + 2_000, "{} bytes, {before} before", memtable.bytes());
    assert_eq!(content(&memtable, Bound::Unbounded, 1), [(b"hot".to_vec(), Some(b"pinned".to_vec()))]);
}

#[test]
fn versions_that_no_pin_needs_any_more_go() {
    let memtable = Arc::new(Memtable::new());
    (1..1000).for_each(|seq| put(&memtable, b"hot", &[7; 100], seq, Some(seq - 1)));
    let full = memtable.bytes();
    assert!(full > 100_000, "{full} bytes for a thousand versions");
    let found = |seq| content(&memtable, Bound::Unbounded, seq).len();
    assert_eq!([found(0), found(1), found(500), found(999)], [0, 1, 1, 1]);
    put(&memtable, b"hot", b"alone", 1000, None);
    assert!(memtable.bytes() < 10_000, "{} bytes", memtable.bytes());
    assert_eq!(memtable.get(b"hot"), Some(Some(b"alone".to_vec())));
}

#[test]
fn a_large_value_that_is_gone_gives_its_memory_back() {
    let memtable = Arc::new(Memtable::new());
    for i in 0..100 {
        put(&memtable, &numbered(i), &[1; 10], i + 1, None);
    }
    let before = memtable.bytes();
    put(&memtable, &numbered(50), &vec![2; 10 << 20], 101, None);
    assert!(memtable.bytes() > before + (10 << 20));
    delete(&memtable, &numbered(50), 102, None);
    assert!(memtable.bytes() < before + 20_000, "{} bytes, {before} before", memtable.bytes());
    check(&memtable);
}

#[test]
fn a_walk_that_began_sees_nothing_that_comes_later() {
    let memtable = Arc::new(Memtable::new());
    (0..100).for_each(|i| put(&memtable, &numbered(2 * i), b"old", i + 1, None));
    let mut walk = memtable.source(Bound::Unbounded, 100);
    // Divides every leaf, in front of the walk and behind it.
    (0..400).for_each(|i| put(&memtable, &numbered(i), b"new", i + 101, Some(100)));
    for i in 0..100 {
        assert_eq!((walk.key(), walk.value()), (Some(&numbered(2 * i)[..]), Some(&b"old"[..])));
        walk.advance().unwrap();
    }
    assert_eq!((walk.key(), memtable.entries()), (None, 400));
}

/// Whoever loads the boundaries and is then overtaken by writers that divide leaves.
#[test]
fn who_comes_by_boundaries_of_old_finds_every_key() {
    for before in [0, 100] {
        let memtable = Arc::new(Memtable::new());
        (0..before).for_each(|i| put(&memtable, &numbered(10 * i), b"v", i + 1, None));
        let old = memtable.boundaries.load_full();
        (0..1000).for_each(|i| put(&memtable, &numbered(i * 7919 % 1000), b"v", i + 101, None));
        assert!(check(&memtable) > 50);
        memtable.boundaries.store(old);
        for i in 0..1000 {
            assert_eq!(
                memtable.get(&numbered(i)),
                Some(Some(b"v".to_vec())),
                "{i} by boundaries of {before}"
            );
            assert_eq!(memtable.source(Bound::Included(&numbered(i)), 1100).key(), Some(&numbered(i)[..]));
        }
    }
}
