//! What a store must hold: a sorted map kept outside the engine, and its state after every operation.
//!
//! **Invariants** A clone shares everything with its original until one of them changes, and then copies keys but no
//! values: the states after each of a thousand operations are cheap to keep.

use crate::ops::Op;
use contract::{Batch, KeyRange};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The live pairs of a store.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Model {
    map: Arc<BTreeMap<Vec<u8>, Arc<[u8]>>>,
}

impl Model {
    /// A store of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does what `op` must do to the store. Operations that write nothing change nothing, also those that reopen:
    /// what a crash may take away is for the caller to say.
    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Put { key, value } => self.put(key, value),
            Op::Delete { key } => self.delete(key),
            Op::Batch(batch) => self.write(batch),
            Op::PutIfAbsent { key, value } if self.get(key).is_none() => self.put(key, value),
            _ => {}
        }
    }

    /// The states before the first of `ops` and after each of them: one more than there are operations.
    pub fn history(ops: &[Op]) -> Vec<Self> {
        let mut states = vec![Self::new()];
        let mut state = Self::new();
        for op in ops {
            state.apply(op);
            states.push(state.clone());
        }
        states
    }

    /// The value of `key`.
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.map.get(key).map(|value| &**value)
    }

    /// How many keys have a value.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// True if no key has a value.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// Every pair, ascending by key.
    pub fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.map.iter().map(|(key, value)| (key.as_slice(), &**value))
    }

    // ANCHOR: range
    /// The pairs in `range`. Every key is looked at: slower than a search in the map, and obviously right.
    pub fn range(&self, range: KeyRange<'_>) -> Vec<(&[u8], &[u8])> {
        self.pairs().filter(|(key, _)| range.contains(key)).collect()
    }
    // ANCHOR_END: range

    fn put(&mut self, key: &[u8], value: &[u8]) {
        Arc::make_mut(&mut self.map).insert(key.to_vec(), value.into());
    }

    fn delete(&mut self, key: &[u8]) {
        if self.map.contains_key(key) {
            Arc::make_mut(&mut self.map).remove(key);
        }
    }

    fn write(&mut self, batch: &Batch) {
        for entry in batch.iter() {
            match entry.value {
                Some(value) => self.put(entry.key, value),
                None => self.delete(entry.key),
            }
        }
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = crate::ops::text::show_bytes;
        f.debug_set()
            .entries(self.pairs().map(|(key, value)| format!("{}={}", show(key), show(value))))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_has_every_state_and_the_later_ones_do_not_change_it() {
        let ops =
            crate::ops::text::parse("put a 1\nput-if-absent a 2\nbatch put b 2 ; delete a\nsync\n").unwrap();
        let states = Model::history(&ops);
        let seen: Vec<_> = states.iter().map(|state| format!("{state:?}")).collect();
        assert_eq!(seen, ["{}", r#"{"a=1"}"#, r#"{"a=1"}"#, r#"{"b=2"}"#, r#"{"b=2"}"#]);
    }
}
