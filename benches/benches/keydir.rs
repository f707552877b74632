//! The keydir of stage 2 by itself, at a million keys, beside a map of the standard library that holds the same.

use benches::entries::{Entries, Order, Sizes};
use contract::KeyRange;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stage2::hint::{self, Hint};
use stage2::keydir::{Keydir, Location};
use stage2::names::SegmentId;
use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;
use vfs::{MemFs, Vfs};

const SIZES: Sizes = Sizes { n: 1_000_000, value_bytes: 0, seed: 42 };
/// Bytes of a frame of a 16-byte key and a 100-byte value.
const FRAME_BYTES: u32 = 128;

type Map = HashMap<Vec<u8>, Location>;

fn at(i: u64) -> Location {
    Location { segment: 0, offset: 64 + i * u64::from(FRAME_BYTES), bytes: FRAME_BYTES, tombstone: false }
}

fn keys(order: Order) -> Entries {
    Entries::new(SIZES, order, SIZES.n)
}

fn filled(entries: &Entries) -> Keydir {
    let keydir = Keydir::new();
    for i in 0..entries.len() {
        keydir.set(entries.key(i), at(i));
    }
    keydir
}

fn filled_map(entries: &Entries) -> Map {
    (0..entries.len()).map(|i| (entries.key(i).to_vec(), at(i))).collect()
}

/// A hint of all entries, read back.
fn saved(entries: &Entries) -> Hint {
    let (vfs, id) = (MemFs::new(), SegmentId::plain(1));
    let mut builder = hint::Builder::new(id);
    for i in 0..entries.len() {
        builder.push(entries.key(i), at(i));
        builder.pass(at(i).offset, 0);
    }
    builder.install(&vfs, at(entries.len()).offset).expect("a new file");
    let file = vfs.open(&id.hint_name()).expect("the file");
    hint::read(&*file, "hint", id.number()).expect("a good hint")
}

/// One operation at a time, keys in random order.
fn single(c: &mut Criterion) {
    let (present, again, absent) = (keys(Order::Shuffled(0)), keys(Order::Shuffled(1)), keys(Order::Absent));
    let (keydir, mut map) = (filled(&present), filled_map(&present));
    let mut group = c.benchmark_group("keydir");
    group.throughput(Throughput::Elements(1));
    let mut i = 0;
    let mut next = |entries: &Entries| {
        i = (i + 1) % entries.len();
        i
    };
    group.bench_function("get, keydir", |b| b.iter(|| keydir.get(again.key(next(&again)))));
    group.bench_function("get, HashMap", |b| b.iter(|| map.get(again.key(next(&again))).copied()));
    group.bench_function("get absent, keydir", |b| b.iter(|| keydir.get(absent.key(next(&absent)))));
    group.bench_function("get absent, HashMap", |b| b.iter(|| map.get(absent.key(next(&absent))).copied()));
    group.bench_function("overwrite, keydir", |b| {
        b.iter(|| {
            let i = next(&again);
            keydir.set(again.key(i), at(i))
        });
    });
    group.bench_function("overwrite, HashMap", |b| {
        b.iter(|| {
            let i = next(&again);
            map.insert(again.key(i).to_vec(), at(i))
        });
    });
    group.finish();
}

/// All million keys.
fn whole(c: &mut Criterion) {
    let entries = keys(Order::Shuffled(0));
    let hint = saved(&entries);
    let keydir = filled(&entries);
    let mut group = c.benchmark_group("keydir, a million keys");
    group.throughput(Throughput::Elements(entries.len())).sample_size(10);
    group.bench_function("set, keydir", |b| b.iter_with_large_drop(|| filled(&entries)));
    group.bench_function("set, HashMap", |b| b.iter_with_large_drop(|| filled_map(&entries)));
    group.bench_function("load a hint, keydir", |b| {
        b.iter_with_large_drop(|| {
            let keydir = Keydir::new();
            keydir.reserve(hint.count(), hint.count() * 16);
            keydir.load(&hint, 0, |new, old| assert!(black_box(new).bytes > 0 && old.is_none()));
            keydir
        });
    });
    group.bench_function("collect, keydir", |b| b.iter_with_large_drop(|| keydir.collect(KeyRange::all())));
    group.bench_function("collect and sort, keydir", |b| {
        b.iter_with_large_drop(|| {
            let mut keys = keydir.collect(KeyRange::all());
            keys.sort();
            keys
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = single, whole
}
criterion_main!(benches);
