//! Puts, gets and scans of every engine, on the entries and operations of the benchmark's own workloads.
use benches::engines::{self, Subject};
use benches::entries::{Entries, Order, Sizes};
use benches::store::{self, Store};
use benches::workload::{Action, Workload};
use benches::{check, measure};
use contract::{Batch, Durability, KeyRange};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::sync::Arc;
use std::time::Duration;
use vfs::OsFs;

/// Small, so that an engine whose gets read the whole log can be measured by the thousand.
const SIZES: Sizes = Sizes { n: 10_000, value_bytes: 100, seed: 42 };

fn every_engine(c: &mut Criterion) {
    for stage in engines::all() {
        let mut group = c.benchmark_group(stage.name);
        let dir = tempfile::tempdir().expect("a temporary directory");
        let vfs = Arc::new(OsFs::create(dir.path()).expect("a directory"));
        let subject = Subject::named(stage.name).expect("an engine");
        let engine = Store::open(&subject, vfs, Durability::OnRequest).expect("a new store");
        let all = store::all(SIZES);
        engine.load(&all, 0).expect("a loaded store");
        check::holds_exactly(&*engine, &all, SIZES.seed).expect("what was written");

        for name in ["readrandom", "readmissing"] {
            let keys =
                Workload::named(name).and_then(|workload| workload.entries(SIZES)).expect("a workload");
            let mut i = 0;
            group.bench_function(name, |b| {
                b.iter(|| {
                    i = (i + 1) % keys.len();
                    engine.get(keys.key(i)).expect("a get")
                });
            });
        }
        group.throughput(Throughput::Elements(SIZES.n));
        group.bench_function("readseq", |b| {
            b.iter(|| measure::count(&*engine, KeyRange::all()).expect("a scan"));
        });
        // Writes come last: they make the store grow.
        for name in ["fillrandom", "fillbatch100"] {
            let workload = Workload::named(name).expect("a workload");
            let Action::Put { batch, .. } = workload.timed else { panic!("{name} does not write") };
            let entries = Entries::new(SIZES, Order::Shuffled(1), SIZES.n);
            group.throughput(Throughput::Elements(batch));
            let (mut i, mut buffer) = (0, Batch::new());
            group.bench_function(name, |b| {
                b.iter(|| {
                    i = (i + 1) % (entries.len() / batch);
                    store::put_op(&*engine, &entries, &mut buffer, batch, i).expect("a write");
                });
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30);
    targets = every_engine
}
criterion_main!(benches);
