//! What the keydir costs, counted by the allocator: live heap bytes for each key.
#![forbid(unsafe_code)]

use peak_alloc::PeakAlloc;
use stage2::keydir::{Keydir, Location};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// The most that a key of 16 bytes may cost, in bytes, all in.
const MOST: f64 = 50.0;

fn at(i: u64) -> Location {
    Location { segment: 1, offset: 64 + i * 128, bytes: 128, tombstone: false }
}

fn set(keydir: &Keydir, numbers: std::ops::Range<u64>) {
    for i in numbers {
        let mut key = [0; 16];
        key[8..].copy_from_slice(&i.to_le_bytes());
        keydir.set(&key, at(i));
    }
}

/// One test, since nobody else may allocate while it counts.
#[test]
#[expect(clippy::cast_precision_loss, reason = "bytes for each key need no 53 bits")]
fn a_key_of_sixteen_bytes_costs_at_most_fifty_at_the_unluckiest_number_of_keys() {
    let before = HEAP.current_usage();
    let grown = Keydir::new();
    // A table doubles when 7/8 of it are full: between two doublings lie all the cases there are.
    let table = [9, 10, 11, 12, 13, 14, 15, 16, 17, 18].map(|tenth| {
        let n = tenth * 100_000;
        set(&grown, grown.keys()..n);
        let heap = HEAP.current_usage() - before;
        // The test's own surroundings allocate a little too, while they wait.
        assert!(grown.bytes().abs_diff(heap as u64) < 10_000, "says {}, takes {heap}", grown.bytes());
        let reserved = Keydir::new();
        reserved.reserve(n, n * 16);
        set(&reserved, 0..n);
        (n, [heap, HEAP.current_usage() - before - heap].map(|bytes| bytes as f64 / n as f64))
    });
    println!("      keys     grown  reserved   heap bytes for each key");
    for (n, [grown, reserved]) in table {
        println!("{n:10} {grown:9.1} {reserved:9.1}");
        assert!(grown.max(reserved) <= MOST, "over {MOST} bytes for each of {n} keys");
    }
}
