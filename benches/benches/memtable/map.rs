//! std's ordered map, a B-tree, under one lock.
//!
//! **Invariants** A walk copies what it shows, a chunk at a time: no lock is held while somebody looks.

use super::{Candidate, Key, Show};
use contract::Entry;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

/// The least and the most entries that a walk copies at once.
const CHUNK: [usize; 2] = [64, 256];

/// A version, and those before it that a pin needed.
struct Version {
    seq: u64,
    value: Option<Box<[u8]>>,
    older: Option<Box<Version>>,
}

impl Version {
    /// The newest that was there at `seq`.
    fn at(&self, seq: u64) -> Option<&Self> {
        let mut version = Some(self);
        while let Some(this) = version.filter(|this| this.seq > seq) {
            version = this.older.as_deref();
        }
        version
    }
}

/// std's ordered map under one lock.
#[derive(Default)]
pub(crate) struct Map(RwLock<BTreeMap<Key, Version>>);

impl Candidate for Map {
    const NAME: &'static str = "BTreeMap";

    fn apply(&self, batch: &[Entry<'_>], seq: u64, newest_pin: Option<u64>) {
        let mut map = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for entry in batch {
            let new = Version { seq, value: entry.value.map(Box::from), older: None };
            map.entry(Key::new(entry.key))
                .and_modify(|version| {
                    let value = entry.value.map(Box::from);
                    if newest_pin >= Some(version.seq) {
                        let old = std::mem::replace(version, Version { seq, value, older: None });
                        version.older = Some(Box::new(old));
                    } else {
                        let older = version.older.take().filter(|_| newest_pin.is_some());
                        *version = Version { seq, value, older };
                    }
                })
                .or_insert(new);
        }
    }

    fn get(&self, key: &[u8]) -> Option<Option<Vec<u8>>> {
        let map = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(map.get(&Key::new(key))?.value.as_deref().map(<[u8]>::to_vec))
    }

    fn walk(&self, start: &[u8], seq: u64, show: &mut Show<'_>) {
        let mut start = Bound::Included(Key::new(start));
        let [mut most, most_of_all] = CHUNK;
        loop {
            let (bytes, chunk, last) = self.chunk(start, seq, most);
            let mut rest = &bytes[..];
            for (key_bytes, value_bytes) in chunk {
                let (key, after) = rest.split_at(key_bytes);
                let (value, after) = after.split_at(value_bytes.unwrap_or(0));
                if !show(key, value_bytes.map(|_| value)) {
                    return;
                }
                rest = after;
            }
            let Some(last) = last else { return };
            start = Bound::Excluded(last);
            most = most_of_all;
        }
    }
}

/// Keys and values, the lengths of each, and the last key looked at if more may follow.
type Chunk = (Vec<u8>, Vec<(usize, Option<usize>)>, Option<Key>);

impl Map {
    fn chunk(&self, start: Bound<Key>, seq: u64, most: usize) -> Chunk {
        let map = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (mut bytes, mut chunk, mut last) = (Vec::new(), Vec::new(), None);
        for (key, version) in map.range((start, Bound::Unbounded)).take(most) {
            last = Some(key);
            if let Some(version) = version.at(seq) {
                let before = bytes.len();
                key.append_to(&mut bytes);
                chunk.push((bytes.len() - before, version.value.as_ref().map(|value| value.len())));
                bytes.extend_from_slice(version.value.as_deref().unwrap_or_default());
            }
        }
        (bytes, chunk, last.cloned())
    }
}
