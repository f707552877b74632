//! A table of stage 3 by itself, at half a million keys: gets, scans and seeks by each way to read, beside what they would
//! be without fingerprints, with long keys that have much in common, and with keys cut short in the block.

#[path = "table/prefixed.rs"]
#[expect(dead_code, reason = "what it takes is counted by the benchmark of bytes")]
mod prefixed;

use benches::entries::{Entries, Order, Sizes};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use prefixed::{LONG, Prefixed};
use stage3::bloom::{Filter, hash};
use stage3::cache::BlockCache;
use stage3::source::Source;
use stage3::table::{Table, TableBuilder, TableOptions, TableReading};
use std::hint::black_box;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;
use vfs::{OsFs, Vfs};

const SIZES: Sizes = Sizes { n: 500_000, value_bytes: 100, seed: 42 };

/// Keys to ask for, one after the other, again and again.
struct Keys {
    keys: Vec<Vec<u8>>,
    at: usize,
}

impl Keys {
    fn new(prefix: &str, order: Order) -> Self {
        let entries = Entries::new(SIZES, order, SIZES.n);
        let keys = (0..entries.len()).map(|i| [prefix.as_bytes(), entries.key(i)].concat());
        Self { keys: keys.collect(), at: 0 }
    }

    fn next(&mut self) -> &[u8] {
        self.at = (self.at + 1) % self.keys.len();
        &self.keys[self.at]
    }
}

/// Every entry in order, for who writes them down.
fn ascending(prefix: &str, mut each: impl FnMut(&[u8], &[u8])) {
    let entries = Entries::new(SIZES, Order::Ascending, SIZES.n);
    (0..entries.len()).for_each(|i| each(&[prefix.as_bytes(), entries.key(i)].concat(), entries.value(i)));
}

/// A directory with one table in it.
struct Store {
    vfs: OsFs,
    _dir: tempfile::TempDir,
}

impl Store {
    fn new(prefix: &str, options: &TableOptions) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let vfs = OsFs::create(dir.path()).expect("a directory");
        let file = vfs.create("t").expect("a new file");
        let mut builder = TableBuilder::new(file, "t".into(), 1, options);
        ascending(prefix, |key, value| builder.push(key, Some(value)).expect("an entry"));
        let built = builder.finish().expect("a table");
        assert_eq!(built.entries, SIZES.n);
        Self { vfs, _dir: dir }
    }

    fn open(&self, mapped: bool, cache_bytes: u64) -> Arc<Table> {
        let cache = Some(Arc::new(BlockCache::new(cache_bytes)));
        let reading = Arc::new(TableReading { cache, mapped, ..TableReading::default() });
        let file = self.vfs.open("t").expect("the file");
        Arc::new(Table::open(file, "t".into(), 1, &reading).expect("a good table"))
    }
}

/// Walks up to `most` entries from `start` on, and returns how many there were.
fn walk(table: &Arc<Table>, start: Bound<&[u8]>, most: u64) -> u64 {
    let mut source = table.source(start, true).expect("a good table");
    let mut seen = 0;
    while let (true, Some(key)) = (seen < most, source.key()) {
        black_box((key, source.value()));
        seen += 1;
        source.advance().expect("a good table");
    }
    seen
}

/// Gets, seeks and scans of one table, read in one way.
fn measure(c: &mut Criterion, name: &str, prefix: &str, table: &Arc<Table>) {
    let (mut present, mut absent) = (Keys::new(prefix, Order::Shuffled(1)), Keys::new(prefix, Order::Absent));
    let mut group = c.benchmark_group("table");
    let get = |keys: &mut Keys| {
        let key = keys.next();
        table.get(key, hash(key)).expect("a good table")
    };
    group.bench_function(format!("{name}, get"), |b| b.iter(|| get(&mut present)));
    group.bench_function(format!("{name}, get absent"), |b| b.iter(|| get(&mut absent)));
    group.bench_function(format!("{name}, seek and 50"), |b| {
        b.iter(|| walk(table, Bound::Included(present.next()), 50));
    });
    group.throughput(Throughput::Elements(SIZES.n)).sample_size(10);
    group.bench_function(format!("{name}, scan"), |b| {
        b.iter(|| assert_eq!(walk(table, Bound::Unbounded, u64::MAX), SIZES.n));
    });
    group.finish();
}

/// The default table by each way to read it, and with one thing taken away or added.
fn tables(c: &mut Criterion) {
    let options = TableOptions::default();
    let store = Store::new("", &options);
    measure(c, "mapped", "", &store.open(true, 0));
    measure(c, "cache of 64 MiB", "", &store.open(false, 64 << 20));
    measure(c, "no cache", "", &store.open(false, 0));
    let variants = [
        ("mapped, no fingerprints", TableOptions { fingerprints: false, ..options }),
        ("mapped, no filter", TableOptions { filter_bits: 0, ..options }),
        ("mapped, blocks of 16 KiB", TableOptions { block_bytes: 16 << 10, ..options }),
    ];
    for (name, options) in variants {
        measure(c, name, "", &Store::new("", &options).open(true, 0));
    }
    let lz4 = Store::new("", &TableOptions { compress: true, ..options });
    measure(c, "LZ4, cache of 64 MiB", "", &lz4.open(false, 64 << 20));
    measure(c, "mapped, long keys", LONG, &Store::new(LONG, &options).open(true, 0));
}

/// Whole keys against keys that are cut short: what a block keeps of a key that begins as the one before it does.
fn prefixes(c: &mut Criterion) {
    for (name, prefix) in [("16-byte keys", ""), ("long keys", LONG)] {
        let options = TableOptions { filter_bits: 0, ..TableOptions::default() };
        let table = Store::new(prefix, &options).open(true, 0);
        let mut cut = Prefixed::default();
        ascending(prefix, |key, value| cut.push(key, value));
        cut.finish();
        let mut keys = Keys::new(prefix, Order::Shuffled(1));
        let mut group = c.benchmark_group("keys in a block");
        group.bench_function(format!("{name}: get, whole"), |b| {
            b.iter(|| {
                let key = keys.next();
                table.get(key, hash(key)).expect("a good table").expect("a present key")
            });
        });
        group.bench_function(format!("{name}: get, cut"), |b| {
            b.iter(|| cut.get(keys.next()).expect("a present key").to_vec());
        });
        group.throughput(Throughput::Elements(SIZES.n)).sample_size(10);
        group.bench_function(format!("{name}: scan, whole"), |b| {
            b.iter(|| walk(&table, Bound::Unbounded, u64::MAX));
        });
        group.bench_function(format!("{name}: scan, cut"), |b| {
            b.iter(|| cut.scan(|key, value| _ = black_box((key, value))));
        });
        group.finish();
    }
}

/// One question to the filter, and the hash that all filters are asked with.
fn filter(c: &mut Criterion) {
    let (mut present, mut absent) = (Keys::new("", Order::Shuffled(1)), Keys::new("", Order::Absent));
    let mut filter = Filter::new(SIZES.n, 10);
    present.keys.iter().for_each(|key| filter.insert(hash(key)));
    let mut group = c.benchmark_group("filter");
    group.throughput(Throughput::Elements(1));
    group.bench_function("hash", |b| b.iter(|| hash(present.next())));
    group.bench_function("hash and ask: present", |b| b.iter(|| filter.may_contain(hash(present.next()))));
    group.bench_function("hash and ask: absent", |b| b.iter(|| filter.may_contain(hash(absent.next()))));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = filter, prefixes, tables
}
criterion_main!(benches);
