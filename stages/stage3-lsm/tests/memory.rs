//! What a memtable says it takes, beside what the allocator counts.
#![forbid(unsafe_code)]

use contract::Entry;
use peak_alloc::PeakAlloc;
use stage3::memtable::Memtable;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

// ANCHOR: most
/// Bytes of memory for each byte of keys and values, and for each entry, at most, where entries have values.
const MOST: (f64, f64) = (1.25, 40.0);
// ANCHOR_END: most

/// What is put: how often each key, with a longer value every time, and whether a pin needs the versions of the round before.
#[derive(Clone, Copy, Debug)]
struct Case {
    keys: u64,
    value_bytes: usize,
    ascending: bool,
    rounds: usize,
    pins: bool,
}

fn fill(memtable: &Memtable, case: Case) {
    let mut seq = 0;
    for round in 0..case.rounds {
        let value = vec![7; case.value_bytes + round];
        let pin = case.pins.then_some(seq);
        for i in 0..case.keys {
            let number = if case.ascending { i } else { i.wrapping_mul(0x9e37_79b9_7f4a_7c15) / 10_000 };
            let key = format!("{number:016}");
            seq += 1;
            memtable.apply([Entry { key: key.as_bytes(), value: Some(&value) }].into_iter(), seq, pin);
        }
    }
}

/// One test, since nobody else may allocate while it counts.
#[test]
#[expect(clippy::cast_precision_loss, reason = "bytes need no 53 bits")]
fn a_memtable_knows_what_it_takes() {
    let case = |keys, value_bytes| Case { keys, value_bytes, ascending: false, rounds: 1, pins: false };
    let cases = [
        case(0, 0),
        case(1_000, 100),
        case(300_000, 100),
        Case { ascending: true, ..case(300_000, 100) },
        case(300_000, 0),
        case(50_000, 1_000),
        case(2_000, 20_000),
        Case { rounds: 5, ..case(50_000, 100) },
        Case { rounds: 3, pins: true, ..case(50_000, 100) },
    ];
    println!("says / takes, heap bytes for each byte of data, and for each entry beside its key and value");
    for case in cases {
        // ANCHOR: holds
        let before = HEAP.current_usage();
        let memtable = Box::new(Memtable::new());
        fill(&memtable, case);
        let heap = (HEAP.current_usage() - before) as f64;
        let (says, keys) = (memtable.bytes() as f64, case.keys as f64);
        let data = keys * (16 + case.value_bytes) as f64;
        println!("{:.3} {:6.2} {:8.1}   {case:?}", says / heap, heap / data, (heap - data) / keys);
        assert!((0.95..1.05).contains(&(says / heap)), "it says {says}, and takes {heap}: {case:?}");
        let most = data * MOST.0 + keys * MOST.1;
        let is_plain = case.rounds == 1 && case.keys > 1_000 && case.value_bytes > 0;
        assert!(!is_plain || heap <= most, "{heap} bytes, over {most}: {case:?}");
        // ANCHOR_END: holds
    }
}
