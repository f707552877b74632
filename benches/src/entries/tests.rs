//! What keys and values are like.

use super::*;
use std::collections::BTreeSet;

const SIZES: Sizes = Sizes { n: 1000, value_bytes: 100, seed: 7 };

fn pairs(entries: &Entries) -> Vec<(&[u8], &[u8])> {
    (0..entries.len()).map(|i| (entries.key(i), entries.value(i))).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_every_machine() {
    let entries = Entries::new(SIZES, Order::Shuffled(0), 1000);
    let sum = pairs(&entries)
        .iter()
        .fold(0, |sum, (key, value)| mix(sum ^ u64::from(crc_fast::crc32_iscsi(&[*key, *value].concat()))));
    assert_eq!(sum, 10_747_260_639_558_679_276);
    let other = Entries::new(Sizes { seed: 8, ..SIZES }, Order::Shuffled(0), 1000);
    assert_ne!(pairs(&entries), pairs(&other));
}

#[test]
fn keys_are_decimal_and_missing_ones_lie_between_them() {
    let ascending = Entries::new(SIZES, Order::Ascending, 1000);
    assert_eq!(ascending.key(0), b"0000000000000000");
    assert_eq!(ascending.key(999), b"0000000000001998");
    assert!((1..1000).all(|i| ascending.key(i - 1) < ascending.key(i)));
    let present: BTreeSet<_> = pairs(&ascending).into_iter().map(|(key, _)| key).collect();
    let absent = Entries::new(SIZES, Order::Absent, 5000);
    assert!(pairs(&absent).iter().all(|(key, _)| !present.contains(key) && key.len() == KEY_BYTES));
    let drawn = Entries::new(SIZES, Order::Drawn, 5000);
    assert!(pairs(&drawn).iter().all(|(key, _)| present.contains(key)));
}

#[test]
fn every_key_comes_once_shuffled_and_values_follow_key_and_generation() {
    let of = |order| Entries::new(SIZES, order, 1000);
    let (ascending, first, second) = (of(Order::Ascending), of(Order::Shuffled(0)), of(Order::Shuffled(1)));
    let sorted = |entries| {
        let mut pairs = pairs(entries);
        pairs.sort_unstable();
        pairs.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect::<Vec<_>>()
    };
    assert_ne!(pairs(&first), pairs(&ascending));
    assert_eq!(sorted(&first), sorted(&ascending));
    let same = sorted(&first).iter().zip(sorted(&second)).filter(|(a, b)| a.1 == b.1).count();
    assert!(same < 10, "{same} of 1000 values did not change when they were overwritten");
}

#[test]
fn inserted_keys_are_new_and_lie_between_the_others() {
    let mut both = Entries::none(SIZES);
    (0..2000).for_each(|i| both.add(SIZES, i, 0));
    let keys: BTreeSet<_> = pairs(&both).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), 2000);
    let first: BTreeSet<_> = (1000..1010).map(|i| both.key(i)[13]).collect();
    assert!(first.len() > 3, "ten inserted keys lie close together: {first:?}");
}

#[test]
fn few_keys_are_most_of_the_hot_ones_and_they_lie_apart() {
    let hot = Entries::new(SIZES, Order::Hot, 10_000);
    let mut counts = std::collections::BTreeMap::<&[u8], u32>::new();
    for (key, _) in pairs(&hot) {
        *counts.entry(key).or_default() += 1;
    }
    let mut most: Vec<(u32, &[u8])> = counts.into_iter().map(|(key, count)| (count, key)).collect();
    most.sort_unstable_by(|a, b| b.cmp(a));
    let share: u32 = most.iter().take(10).map(|(count, _)| count).sum();
    assert!(share > 1000, "the ten hottest of 1000 keys come {share} times of 10,000");
    assert!(most[0].1[..15] != most[1].1[..15], "the two hottest keys are neighbours");
}

#[test]
fn values_are_half_compressible() {
    let pool = pool(7, 100);
    assert!(pool.chunks_exact(100).all(|piece| piece[..50] == piece[50..]));
    let distinct: BTreeSet<_> = pool.chunks_exact(100).collect();
    assert_eq!(distinct.len(), pool.len() / 100);
}

#[test]
fn cities_are_whole() -> anyhow::Result<()> {
    let cities = Entries::cities()?;
    assert_eq!(cities.len(), 32_966);
    let tokyo = (0..cities.len()).find(|&i| cities.key(i) == b"JP/Tokyo");
    assert!(cities.value(tokyo.expect("JP/Tokyo")).ends_with(br#""tz":"Asia/Tokyo"}"#));
    let keys: BTreeSet<_> = pairs(&cities).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), 32_966);
    let drawn = cities.drawn(1, 100);
    assert!(pairs(&drawn).iter().all(|(key, value)| keys.contains(key) && value.starts_with(b"{\"id\":")));
    Ok(())
}
