//! The pieces that stage 3's tables are made with and read through: a block that is built, a filter that is built, a merge
//! of several walks, a block that lies in the cache.

use benches::entries::{Entries, Order, Sizes};
use bytes::Bytes;
use contract::Result;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use stage3::bloom::{Filter, hash};
use stage3::cache::BlockCache;
use stage3::merge::Merge;
use stage3::source::Source;
use stage3::table::{TableBuilder, TableOptions};
use std::hint::black_box;
use std::time::Duration;
use vfs::{MemFs, Vfs};

const SIZES: Sizes = Sizes { n: 100_000, value_bytes: 100, seed: 42 };

/// Every `step`-th entry from one on, in order: a run among several.
struct Part<'a> {
    entries: &'a Entries,
    at: u64,
    step: u64,
}

impl Source for Part<'_> {
    fn key(&self) -> Option<&[u8]> {
        (self.at < self.entries.len()).then(|| self.entries.key(self.at))
    }

    fn value(&self) -> Option<&[u8]> {
        (self.at < self.entries.len()).then(|| self.entries.value(self.at))
    }

    fn advance(&mut self) -> Result<()> {
        self.at += self.step;
        Ok(())
    }
}

/// Walks to the end, and returns how many entries there were.
fn walk(mut source: impl Source) -> u64 {
    let mut seen = 0;
    while let Some(key) = source.key() {
        black_box((key, source.value()));
        seen += 1;
        source.advance().expect("what is in memory can be read");
    }
    seen
}

/// Tables in memory: what remains is the work of building.
fn build(c: &mut Criterion) {
    let entries = Entries::new(SIZES, Order::Ascending, SIZES.n);
    let hashes: Vec<u64> = (0..SIZES.n).map(|i| hash(entries.key(i))).collect();
    let mut group = c.benchmark_group("build");
    group.throughput(Throughput::Elements(SIZES.n)).sample_size(10);
    let plain = TableOptions::default();
    for (name, options) in [
        ("a table", plain),
        ("a table with LZ4", TableOptions { compress: true, ..plain }),
        ("a table without a filter", TableOptions { filter_bits: 0, ..plain }),
    ] {
        let begin = || MemFs::default().create("t").expect("a new file");
        let fill = |file| {
            let mut builder = TableBuilder::new(file, "t".into(), 1, &options);
            (0..SIZES.n)
                .for_each(|i| builder.push(entries.key(i), Some(entries.value(i))).expect("an entry"));
            builder.finish().expect("a table")
        };
        group.bench_function(name, |b| b.iter_batched(begin, fill, BatchSize::PerIteration));
    }
    group.bench_function("a filter", |b| {
        b.iter(|| {
            let mut filter = Filter::new(SIZES.n, 10);
            for hash in &hashes {
                filter.insert(*hash);
            }
            filter
        });
    });
    group.finish();
}

/// The same entries, dealt out to so many parts one by one, so that the part changes at every step: the worst case.
fn merge(c: &mut Criterion) {
    let entries = Entries::new(SIZES, Order::Ascending, SIZES.n);
    let mut group = c.benchmark_group("merge");
    group.throughput(Throughput::Elements(SIZES.n));
    for parts in [1, 2, 4, 8] {
        let spread = |at| Part { entries: &entries, at, step: parts };
        group.bench_function(format!("parts that take turns: {parts}"), |b| {
            b.iter(|| assert_eq!(walk(Merge::new((0..parts).map(spread).collect())), SIZES.n));
        });
    }
    group.finish();
}

fn cache(c: &mut Criterion) {
    let cache = BlockCache::new(16 << 20);
    let block = Bytes::from(vec![7; 4096]);
    (0..1000).for_each(|i| cache.insert(1, i * 4096, block.clone()));
    let mut group = c.benchmark_group("block cache");
    let mut at = 0;
    let mut next = || {
        at = (at + 617) % 1000;
        at * 4096
    };
    group.bench_function("hit", |b| b.iter(|| cache.get(1, next()).expect("it is there")));
    group.bench_function("miss", |b| b.iter(|| cache.get(2, next())));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = build, merge, cache
}
criterion_main!(benches);
