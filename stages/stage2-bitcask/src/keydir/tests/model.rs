//! The keydir beside a plain map: whatever is done to both, they say the same.

use super::{at, content};
use crate::keydir::{Keydir, Location};
use contract::KeyRange;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// How many keys the property test has: so many that those of a shard meet.
const MODEL_KEYS: u16 = 1_500;

/// What is done to a keydir and to a map beside it.
#[derive(Clone, Debug)]
enum Op {
    Set(u16, Location),
    SetAll(Vec<(u16, Location)>),
    /// Where true, from where the key leads, else from somewhere else.
    Replace(u16, bool, Location),
    Remove(u16, bool),
    /// So many at once that shards are rebuilt.
    RemoveRun(u16, u16),
    Trim,
}

fn location() -> impl Strategy<Value = Location> {
    (0..4u32, 0..100u64, any::<bool>()).prop_map(|(segment, offset, tombstone)| Location {
        segment,
        offset,
        bytes: 13,
        tombstone,
    })
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0..MODEL_KEYS;
    prop_oneof![
        4 => (key(), location()).prop_map(|(key, at)| Op::Set(key, at)),
        1 => prop::collection::vec((key(), location()), 0..10).prop_map(Op::SetAll),
        1 => (key(), any::<bool>(), location()).prop_map(|(key, hits, to)| Op::Replace(key, hits, to)),
        1 => (key(), any::<bool>()).prop_map(|(key, hits)| Op::Remove(key, hits)),
        1 => (key(), 0..MODEL_KEYS).prop_map(|(first, count)| Op::RemoveRun(first, count)),
        1 => Just(Op::Trim),
    ]
}

/// Keys of many lengths, some of them over one byte of length.
fn key(k: u16) -> Vec<u8> {
    k.to_le_bytes().repeat(1 + usize::from(k % 97))
}

/// Another location than any that is used.
fn elsewhere() -> Location {
    Location { segment: 9, ..at(0) }
}

fn apply(op: Op, keydir: &Keydir, model: &mut HashMap<u16, Location>) {
    let from = |now: Option<&Location>, hits| now.copied().filter(|_| hits).unwrap_or_else(elsewhere);
    match op {
        Op::Set(k, at) => assert_eq!(keydir.set(&key(k), at), model.insert(k, at)),
        Op::SetAll(all) => {
            let keys: Vec<_> = all.iter().map(|(k, at)| (key(*k), *at)).collect();
            let entries: Vec<_> = keys.iter().map(|(key, at)| (&key[..], *at)).collect();
            let mut replaced = Vec::new();
            keydir.set_all(&entries, |new, old| replaced.push((new, old)));
            let expected: Vec<_> = all.into_iter().map(|(k, at)| (at, model.insert(k, at))).collect();
            assert_eq!(replaced, expected);
        }
        Op::Replace(k, hits, to) => {
            let from = from(model.get(&k), hits);
            let expected = model.get_mut(&k).filter(|at| **at == from).map(|at| *at = to).is_some();
            assert_eq!(keydir.replace(&key(k), from, to), expected);
        }
        Op::Remove(k, hits) => {
            let from = from(model.get(&k), hits);
            let expected = model.get(&k) == Some(&from) && model.remove(&k).is_some();
            assert_eq!(keydir.remove(&key(k), from), expected);
        }
        Op::RemoveRun(first, count) => {
            (first..first + count).for_each(|k| apply(Op::Remove(k, true), keydir, model));
        }
        Op::Trim => keydir.trim(),
    }
}

proptest! {
    #[test]
    fn a_keydir_does_what_a_map_does(ops in prop::collection::vec(op(), 0..100)) {
        let (keydir, mut model) = (Keydir::new(), HashMap::new());
        (0..MODEL_KEYS).for_each(|k| apply(Op::Set(k, at(u64::from(k))), &keydir, &mut model));
        for op in ops {
            apply(op, &keydir, &mut model);
        }
        for k in 0..2 * MODEL_KEYS {
            prop_assert_eq!(keydir.get(&key(k)), model.get(&k).copied());
        }
        let live = model.values().filter(|at| !at.tombstone).count();
        prop_assert_eq!(keydir.keys(), live as u64);
        prop_assert_eq!(keydir.collect(KeyRange::all()).len(), live);
        let all: BTreeMap<_, _> = model.into_iter().map(|(k, at)| (key(k), at)).collect();
        prop_assert!(content(&keydir) == all);
    }
}
