//! What entries take rather than how long they take: a memtable's memory, counted by the allocator, and a table's file with
//! keys laid down in either way.

#![expect(clippy::cast_precision_loss, reason = "bytes far below 2^53")]

#[path = "memtable/candidates.rs"]
#[allow(dead_code, reason = "nobody reads here")]
mod candidates;
#[path = "table/prefixed.rs"]
#[allow(dead_code, reason = "nobody reads here")]
mod prefixed;

use benches::entries::{Entries, Order, Sizes};
use candidates::Candidate;
use candidates::map::Map;
use candidates::pages::Pages;
use candidates::skiplist::SkipList;
use contract::Entry;
use criterion::measurement::{Measurement, ValueFormatter};
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use peak_alloc::PeakAlloc;
use prefixed::Prefixed;
use stage3::table::{TableBuilder, TableOptions};
use std::time::Duration;
use vfs::{MemFs, Vfs};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const SIZES: Sizes = Sizes { n: 500_000, value_bytes: 100, seed: 42 };

/// Counts bytes where Criterion would count nanoseconds. Whoever is measured says how many, so the ends of a measurement
/// say nothing.
struct Bytes;

impl Measurement for Bytes {
    type Intermediate = ();
    type Value = f64;

    fn start(&self) {}

    fn end(&self, (): ()) -> f64 {
        0.0
    }

    fn add(&self, a: &f64, b: &f64) -> f64 {
        a + b
    }

    fn zero(&self) -> f64 {
        0.0
    }

    fn to_f64(&self, value: &f64) -> f64 {
        *value
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self
    }
}

impl ValueFormatter for Bytes {
    fn scale_values(&self, _typical: f64, _values: &mut [f64]) -> &'static str {
        "B"
    }

    fn scale_throughputs(&self, _typical: f64, throughput: &Throughput, values: &mut [f64]) -> &'static str {
        if let Throughput::Elements(entries) = throughput {
            for value in values {
                *value /= *entries as f64;
            }
        }
        "B each"
    }

    fn scale_for_machines(&self, _values: &mut [f64]) -> &'static str {
        "B"
    }
}

fn say(group: &mut BenchmarkGroup<'_, Bytes>, name: &str, bytes: usize) {
    group.bench_function(name, |b| b.iter_custom(|times| bytes as f64 * times as f64));
}

/// A memtable of entries in some order, with everything that it keeps beside them.
fn memtable<C: Candidate>(group: &mut BenchmarkGroup<'_, Bytes>) {
    for (name, order) in [("in any order", Order::Shuffled(0)), ("ascending", Order::Ascending)] {
        let entries = Entries::new(SIZES, order, SIZES.n);
        let before = HEAP.current_usage();
        let memtable = C::default();
        for i in 0..entries.len() {
            memtable.apply(&[Entry { key: entries.key(i), value: Some(entries.value(i)) }], i + 1, None);
        }
        let bytes = HEAP.current_usage() - before;
        say(group, &format!("{name}, {}", C::NAME), bytes);
    }
}

/// A table of keys with a beginning in common.
fn table(group: &mut BenchmarkGroup<'_, Bytes>, name: &str, prefix: &str) {
    let entries = Entries::new(SIZES, Order::Ascending, SIZES.n);
    let file = MemFs::default().create("t").expect("a new file");
    let options = TableOptions { filter_bits: 0, ..TableOptions::default() };
    let (mut whole, mut cut) = (TableBuilder::new(file, "t".into(), 1, &options), Prefixed::default());
    for i in 0..entries.len() {
        let key = [prefix.as_bytes(), entries.key(i)].concat();
        whole.push(&key, Some(entries.value(i))).expect("an entry");
        cut.push(&key, entries.value(i));
    }
    cut.finish();
    let bytes = |bytes: u64| usize::try_from(bytes).expect("a table in memory");
    say(group, &format!("{name}, whole"), bytes(whole.finish().expect("a table").bytes));
    say(group, &format!("{name}, cut"), bytes(cut.bytes()));
}

fn all(c: &mut Criterion<Bytes>) {
    let mut group = c.benchmark_group("memtable, bytes an entry");
    group.throughput(Throughput::Elements(SIZES.n));
    memtable::<Pages>(&mut group);
    memtable::<Map>(&mut group);
    memtable::<SkipList>(&mut group);
    group.finish();
    let mut group = c.benchmark_group("keys in a block, bytes an entry");
    group.throughput(Throughput::Elements(SIZES.n));
    table(&mut group, "16-byte keys", "");
    table(&mut group, "long keys", prefixed::LONG);
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .with_measurement(Bytes)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_millis(1));
    targets = all
}
criterion_main!(benches);
