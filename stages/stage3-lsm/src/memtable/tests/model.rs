//! The memtable beside a map of all versions: whatever is done to both, they say the same.

use super::{check, content};
use crate::memtable::Memtable;
use contract::Entry;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// How many keys the test has: so many that there are dozens of leaves.
const KEYS: u16 = 300;

#[derive(Clone, Debug)]
enum Op {
    Apply(Vec<(u16, Option<u16>)>),
    /// So many keys at once, ascending.
    ApplyRun(u16, u16),
    Pin,
    /// Lets go of one of the pins.
    Unpin(prop::sample::Index),
    /// Walks at one of the pins, from a key.
    Walk(prop::sample::Index, Bound<u16>),
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0..KEYS;
    let value = || prop::option::weighted(0.8, 0..400u16);
    let start = || {
        prop_oneof![Just(Bound::Unbounded), key().prop_map(Bound::Included), key().prop_map(Bound::Excluded)]
    };
    prop_oneof![
        8 => (key(), value()).prop_map(|entry| Op::Apply(vec![entry])),
        2 => prop::collection::vec((key(), value()), 0..20).prop_map(Op::Apply),
        1 => (key(), 0..KEYS).prop_map(|(first, count)| Op::ApplyRun(first, count)),
        2 => Just(Op::Pin),
        1 => any::<prop::sample::Index>().prop_map(Op::Unpin),
        2 => (any::<prop::sample::Index>(), start()).prop_map(|(pin, start)| Op::Walk(pin, start)),
    ]
}

/// Keys of many lengths: the empty one, ones with a long beginning in common, ones that only zeros at their end tell apart.
fn key(k: u16) -> Vec<u8> {
    let repeated = k.to_le_bytes().repeat(usize::from(k % 11));
    match k % 3 {
        0 => repeated,
        1 => [&b"with a long beginning in common/"[..], &repeated].concat(),
        _ => vec![0; usize::from(k)],
    }
}

fn value(v: u16) -> Vec<u8> {
    v.to_le_bytes().repeat(usize::from(v) / 8)
}

/// All versions of each key, by number.
type Model = BTreeMap<Vec<u8>, BTreeMap<u64, Option<Vec<u8>>>>;

struct Beside {
    memtable: Arc<Memtable>,
    model: Model,
    pins: Vec<u64>,
    seq: u64,
}

impl Beside {
    fn apply(&mut self, entries: &[(u16, Option<u16>)]) {
        self.seq += 1;
        let entries: Vec<_> = entries.iter().map(|(k, v)| (key(*k), v.map(value))).collect();
        let batch = entries.iter().map(|(key, value)| Entry { key, value: value.as_deref() });
        self.memtable.apply(batch, self.seq, self.pins.iter().max().copied());
        for (key, value) in entries {
            self.model.entry(key).or_default().insert(self.seq, value);
        }
    }

    fn walk(&self, seq: u64, start: Bound<u16>) {
        let start = start.map(key);
        let start = start.as_ref().map(Vec::as_slice);
        let expected: Vec<_> = self
            .model
            .range::<[u8], _>((start, Bound::Unbounded))
            .filter_map(|(key, versions)| Some((key.clone(), versions.range(..=seq).next_back()?.1.clone())))
            .collect();
        assert!(content(&self.memtable, start, seq) == expected, "at {seq} from {start:?}");
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Apply(entries) => self.apply(&entries),
            Op::ApplyRun(first, count) => {
                let entries: Vec<_> = (first..first + count).map(|k| (k % KEYS, Some(k))).collect();
                self.apply(&entries);
            }
            Op::Pin => self.pins.push(self.seq),
            Op::Unpin(_) | Op::Walk(..) if self.pins.is_empty() => {}
            Op::Unpin(which) => drop(self.pins.swap_remove(which.index(self.pins.len()))),
            Op::Walk(which, start) => self.walk(*which.get(&self.pins), start),
        }
    }
}

proptest! {
    #[test]
    fn a_memtable_does_what_a_map_of_versions_does(ops in prop::collection::vec(op(), 0..300)) {
        let mut both = Beside { memtable: Arc::default(), model: Model::new(), pins: Vec::new(), seq: 0 };
        for op in ops {
            both.run(op);
        }
        check(&both.memtable);
        for k in 0..=KEYS {
            let newest = both.model.get(&key(k)).map(|versions| versions.values().next_back().unwrap().clone());
            prop_assert_eq!(both.memtable.contains(&key(k)), newest.as_ref().map(Option::is_some));
            prop_assert_eq!(both.memtable.get(&key(k)), newest);
        }
        prop_assert_eq!(both.memtable.entries(), both.model.len() as u64);
        for seq in both.pins.iter().chain([&both.seq]) {
            both.walk(*seq, Bound::Unbounded);
        }
    }
}
