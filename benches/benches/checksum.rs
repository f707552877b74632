//! Which checksum: the CRC-32C that stage 1 uses, against other ways to compute one, on the sizes that a log has.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Duration;

/// A frame of a small value, a frame of a key of 16 and a value of 100 bytes, a page, a chunk of a scan.
const SIZES: [usize; 4] = [28, 124, 4096, 256 << 10];

/// A way to compute a checksum, and its name.
type Way = (&'static str, fn(&[u8]) -> u32);

const WAYS: [Way; 3] =
    [("crc-fast", crc_fast::crc32_iscsi), ("crc32c", crc32c::crc32c), ("crc32fast", crc32fast::hash)];

fn checksum(c: &mut Criterion) {
    let mut group = c.benchmark_group("checksum");
    for size in SIZES {
        let bytes: Vec<u8> = (0..=250).cycle().take(size).collect();
        group.throughput(Throughput::Bytes(size as u64));
        for (name, way) in WAYS {
            group.bench_with_input(BenchmarkId::new(name, size), &bytes, |b, bytes| {
                b.iter(|| way(black_box(bytes)));
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = checksum
}
criterion_main!(benches);
