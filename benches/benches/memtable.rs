//! What the memtable could be, at a million keys: stage 3's own beside the two that were not taken.

#[path = "memtable/candidates.rs"]
mod candidates;

use benches::entries::{Entries, Order, Sizes};
use candidates::Candidate;
use candidates::map::Map;
use candidates::pages::Pages;
use candidates::skiplist::SkipList;
use contract::Entry;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const SIZES: Sizes = Sizes { n: 1_000_000, value_bytes: 100, seed: 42 };
/// Entries of a batch, and of a short walk.
const BATCH: u64 = 100;
const WALK: u64 = 50;
const VALUE: [u8; 100] = [7; 100];

fn keys(order: Order) -> Entries {
    Entries::new(SIZES, order, SIZES.n)
}

fn entry(keys: &Entries, i: u64) -> Entry<'_> {
    Entry { key: keys.key(i), value: Some(&VALUE) }
}

fn filled<C: Candidate>(keys: &Entries, batch: u64) -> C {
    let new = C::default();
    let mut entries = Vec::new();
    for (seq, first) in (1..).zip((0..keys.len()).step_by(usize::try_from(batch).expect("a few"))) {
        entries.clear();
        entries.extend((first..first + batch).map(|i| entry(keys, i)));
        new.apply(&entries, seq, None);
    }
    new
}

/// All million keys.
fn whole<C: Candidate>(group: &mut BenchmarkGroup<'_, WallTime>) {
    let (shuffled, ascending) = (keys(Order::Shuffled(0)), keys(Order::Ascending));
    let mut insert = |name, keys: &Entries, batch| {
        group.bench_function(format!("{name}, {}", C::NAME), |b| {
            b.iter_with_large_drop(|| filled::<C>(keys, batch));
        });
    };
    insert("insert", &shuffled, 1);
    insert("insert batches of 100", &shuffled, BATCH);
    insert("insert ascending", &ascending, 1);
    let memtable: C = filled(&shuffled, BATCH);
    group.bench_function(format!("walk, {}", C::NAME), |b| {
        b.iter(|| {
            let mut bytes = 0;
            memtable.walk(b"", u64::MAX, &mut |key, value| {
                bytes += key.len() + value.map_or(0, |value| usize::from(value[0]));
                true
            });
            bytes
        });
    });
}

/// One operation at a time, keys in random order.
fn single<C: Candidate>(group: &mut BenchmarkGroup<'_, WallTime>) {
    let (present, again, absent) = (keys(Order::Shuffled(0)), keys(Order::Shuffled(1)), keys(Order::Absent));
    let memtable: C = filled(&present, BATCH);
    let (mut i, mut seq) = (0, SIZES.n);
    let mut next = || {
        i = (i + 1) % SIZES.n;
        i
    };
    let mut get = |name, keys: &Entries| {
        group.bench_function(format!("{name}, {}", C::NAME), |b| b.iter(|| memtable.get(keys.key(next()))));
    };
    get("get", &again);
    get("get absent", &absent);
    let ends = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for (seq, i) in (2 * SIZES.n..).zip((0..SIZES.n).cycle()) {
                memtable.apply(&[entry(&present, i)], seq, None);
                if ends.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        get("get beside a writer", &again);
        ends.store(true, Ordering::Relaxed);
    });
    group.bench_function(format!("walk of 50, {}", C::NAME), |b| {
        b.iter(|| short_walk(&memtable, again.key(next())));
    });
    seq *= 1_000;
    group.bench_function(format!("overwrite, {}", C::NAME), |b| {
        b.iter(|| {
            seq += 1;
            memtable.apply(&[entry(&again, next())], seq, None);
        });
    });
}

fn short_walk<C: Candidate>(memtable: &C, start: &[u8]) {
    let mut left = WALK;
    memtable.walk(start, u64::MAX, &mut |key, value| {
        black_box((key, value));
        left -= 1;
        left > 0
    });
}

/// A short walk over keys that were overwritten a thousand times each.
fn hot<C: Candidate>(group: &mut BenchmarkGroup<'_, WallTime>) {
    let (ascending, memtable) = (keys(Order::Ascending), C::default());
    for seq in 0..1_000 * WALK {
        memtable.apply(&[entry(&ascending, seq % WALK)], seq + 1, None);
    }
    group.bench_function(format!("walk of 50 hot keys, {}", C::NAME), |b| {
        b.iter(|| short_walk(&memtable, ascending.key(0)));
    });
}

fn all(c: &mut Criterion) {
    let mut group = c.benchmark_group("memtable, a million keys");
    group.throughput(Throughput::Elements(SIZES.n)).sample_size(10);
    whole::<Pages>(&mut group);
    whole::<Map>(&mut group);
    whole::<SkipList>(&mut group);
    group.finish();
    let mut group = c.benchmark_group("memtable");
    group.throughput(Throughput::Elements(1));
    single::<Pages>(&mut group);
    single::<Map>(&mut group);
    single::<SkipList>(&mut group);
    hot::<Pages>(&mut group);
    hot::<Map>(&mut group);
    hot::<SkipList>(&mut group);
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = all
}
criterion_main!(benches);
