//! The parts of a put and a get of stage 1 by themselves: building a frame, checking one, walking a log of them.

use benches::entries::{Entries, Sizes};
use benches::store;
use contract::Entry;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stage1::frame::{self, Frame, Place};
use stage1::log::{Reader, Stretch};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;
use vfs::{File, OsFs, Vfs};

const SIZES: Sizes = Sizes { n: 10_000, value_bytes: 100, seed: 42 };
const NUMBER: u64 = 1;
const NAME: &str = "log";
const CHUNK_BYTES: usize = 256 << 10;

/// Appends the frame of entry `i` as it lies in the file.
fn encode(entries: &Entries, i: u64, offset: u64, out: &mut Vec<u8>) {
    let start = out.len();
    frame::encode(Entry { key: entries.key(i), value: Some(entries.value(i)) }, false, out);
    frame::move_to(&mut out[start..], None, Place { file: NUMBER, offset });
}

/// The frames of all entries, one behind the other.
fn log(entries: &Entries) -> Vec<u8> {
    let mut log = Vec::new();
    for i in 0..entries.len() {
        let offset = log.len() as u64;
        encode(entries, i, offset, &mut log);
    }
    log
}

fn walk(file: &Arc<dyn File>, end: u64, buffer: &mut Vec<u8>) -> u64 {
    let stretch = Stretch { start: 0, end };
    let memory = std::mem::take(buffer);
    let mut reader = Reader::over(&**file, NAME, NUMBER, stretch, CHUNK_BYTES, memory).skipping_values();
    let mut found = 0;
    while let Some(passed) = reader.next_frame().expect("whole frames") {
        found += u64::from(passed.key() == black_box(b"0000000000000001"));
    }
    *buffer = reader.into_buffer();
    found
}

fn frames(c: &mut Criterion) {
    let entries = store::all(SIZES);
    let log = log(&entries);
    let mut group = c.benchmark_group("log");

    group.throughput(Throughput::Elements(1));
    let (mut i, mut buffer) = (0, Vec::new());
    group.bench_function("encode", |b| {
        b.iter(|| {
            i = (i + 1) % entries.len();
            buffer.clear();
            encode(&entries, i, i, &mut buffer);
            black_box(&buffer);
        });
    });
    group.bench_function("verify", |b| {
        b.iter(|| {
            Frame::verify(black_box(&log), Place { file: NUMBER, offset: 0 }).expect("a frame").key().len()
        });
    });

    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = OsFs::create(dir.path()).and_then(|vfs| vfs.create(NAME)).expect("a new file");
    file.append(&log).expect("room for a small file");
    group.throughput(Throughput::Elements(entries.len()));
    let mut buffer = Vec::new();
    group.bench_function("walk", |b| b.iter(|| assert_eq!(walk(&file, log.len() as u64, &mut buffer), 0)));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = frames
}
criterion_main!(benches);
