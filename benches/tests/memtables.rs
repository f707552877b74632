//! Every candidate for the memtable does the same, and what each takes, counted by the allocator.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail, and says what it found")]

#[path = "../benches/memtable/candidates.rs"]
mod candidates;

use candidates::Candidate;
use candidates::map::Map;
use candidates::pages::Pages;
use candidates::skiplist::SkipList;
use contract::Entry;
use peak_alloc::PeakAlloc;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// How many keys the property test has: enough for several pages.
const KEYS: u16 = 2_000;

type Pairs = Vec<(Vec<u8>, Option<Vec<u8>>)>;
/// All versions of each key, by number.
type Model = BTreeMap<Vec<u8>, BTreeMap<u64, Option<Vec<u8>>>>;
/// A batch, and whether a pin is taken behind it, or all of them let go.
type Step = (Vec<(u16, Option<u16>)>, Option<bool>);

/// Keys of many lengths: the empty one, ones with a long beginning in common, ones that only zeros at their end tell apart.
fn key(k: u16) -> Vec<u8> {
    match k % 3 {
        0 => k.to_le_bytes().repeat(usize::from(k % 11)),
        1 => format!("with a long beginning in common/{k}").into_bytes(),
        _ => vec![0; usize::from(k) / 8],
    }
}

fn content<C: Candidate>(memtable: &C, start: &[u8], seq: u64) -> Pairs {
    let mut pairs = Vec::new();
    memtable.walk(start, seq, &mut |key, value| {
        pairs.push((key.to_vec(), value.map(<[u8]>::to_vec)));
        true
    });
    pairs
}

fn at(model: &Model, start: &[u8], seq: u64) -> Pairs {
    let from = model.range(start.to_vec()..);
    from.filter_map(|(key, versions)| Some((key.clone(), versions.range(..=seq).next_back()?.1.clone())))
        .collect()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let entry = || (0..KEYS, prop::option::weighted(0.8, 0..300u16));
    let batch = prop_oneof![
        3 => prop::collection::vec(entry(), 0..3),
        1 => prop::collection::vec(entry(), 100..500),
        1 => (0..KEYS, 0..KEYS).prop_map(|(first, count)| {
            (first..first + count).map(|k| (k % KEYS, Some(k % 300))).collect()
        }),
    ];
    prop::collection::vec((batch, prop::option::weighted(0.3, any::<bool>())), 0..30)
}

fn does_what_a_map_of_versions_does<C: Candidate>() {
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) });
    let run = |steps: Vec<Step>| {
        let (memtable, mut model, mut pins) = (C::default(), Model::new(), Vec::new());
        for (seq, (batch, pin)) in (1..).zip(steps) {
            let batch: Vec<_> = batch
                .into_iter()
                .map(|(k, v)| (key(k), v.map(|v| v.to_le_bytes().repeat(usize::from(v) / 2))))
                .collect();
            let entries: Vec<_> =
                batch.iter().map(|(key, value)| Entry { key, value: value.as_deref() }).collect();
            memtable.apply(&entries, seq, pins.iter().max().copied());
            for (key, value) in batch {
                model.entry(key).or_default().insert(seq, value);
            }
            match pin {
                Some(true) => pins.push(seq),
                Some(false) => pins.clear(),
                None => {}
            }
            for &seq in pins.iter().chain([&seq]) {
                let start = key(u16::try_from(seq * 97 % u64::from(KEYS)).unwrap());
                prop_assert!(content(&memtable, &start, seq) == at(&model, &start, seq));
            }
        }
        for k in 0..=KEYS {
            let newest = model.get(&key(k)).map(|versions| versions.values().next_back().unwrap().clone());
            prop_assert_eq!(memtable.get(&key(k)), newest);
        }
        Ok(())
    };
    runner.run(&steps(), run).unwrap();
}

/// Real threads: what was written is found, and a batch is seen whole.
fn readers_meet_the_writer<C: Candidate>() {
    let (memtable, written, keys) = (C::default(), AtomicU64::new(0), 20_000);
    let numbered = |i: u64| format!("{:08}", i * 7919 % keys).into_bytes();
    let marks = [&b"0"[..], b"00010000x", b"9"];
    thread::scope(|scope| {
        scope.spawn(|| {
            for i in 0..keys {
                let (key, count) = (numbered(i), (i + 1).to_le_bytes());
                let entry = |key| Entry { key, value: Some(&count[..]) };
                memtable.apply(
                    &[entry(marks[0]), entry(&key), entry(marks[1]), entry(marks[2])],
                    i + 1,
                    None,
                );
                written.store(i + 1, Ordering::Release);
            }
        });
        scope.spawn(|| {
            let mut i = 0;
            loop {
                let count = written.load(Ordering::Acquire);
                if count > 0 {
                    i = (i + 6_007) % count;
                    assert_eq!(memtable.get(&numbered(i)), Some(Some((i + 1).to_le_bytes().to_vec())));
                }
                let mut seen = count;
                for mark in [marks[2], marks[0], marks[1]] {
                    let now =
                        memtable.get(mark).flatten().map_or(0, |v| u64::from_le_bytes(v.try_into().unwrap()));
                    assert!(now >= seen, "{now} after {seen}");
                    seen = now;
                }
                if count == keys {
                    break;
                }
            }
        });
    });
}

/// Live heap bytes beside the keys and values, for each of a million entries of 16 + 100 bytes.
#[expect(clippy::cast_precision_loss, reason = "bytes need no 53 bits")]
fn overhead<C: Candidate>() -> f64 {
    let before = HEAP.current_usage();
    let memtable = C::default();
    let keys = 1_000_000;
    for i in 0..keys {
        let key = format!("{:016}", i * 611_953 % keys);
        memtable.apply(&[Entry { key: key.as_bytes(), value: Some(&[7; 100]) }], i + 1, None);
    }
    let overhead = (HEAP.current_usage() - before) as f64 / keys as f64 - 116.0;
    println!("{:10} {overhead:5.0} bytes for each entry beside its key and value", C::NAME);
    overhead
}

/// One test, since nobody else may allocate while it counts.
#[test]
fn every_candidate_does_the_same_and_pages_take_the_least() {
    does_what_a_map_of_versions_does::<Pages>();
    does_what_a_map_of_versions_does::<Map>();
    does_what_a_map_of_versions_does::<SkipList>();
    readers_meet_the_writer::<Pages>();
    readers_meet_the_writer::<Map>();
    readers_meet_the_writer::<SkipList>();
    let pages = overhead::<Pages>();
    assert!(pages < overhead::<Map>().min(overhead::<SkipList>()));
}
