//! Bounds of an index in memory: the standard library's hash map, from a key of 16 bytes to a place in a log.

use crate::entries::{Entries, KEY_BYTES, Order};
use crate::report::Sample;
use crate::timing;
use crate::workload::Effort;
use anyhow::{Result, ensure};
use std::collections::HashMap;
use std::path::Path;

type Map = HashMap<[u8; KEY_BYTES], (u64, u32)>;

fn insert(map: &mut Map, entries: &Entries, i: u64) -> Result<()> {
    map.insert(entries.key(i).try_into()?, (i, 128));
    Ok(())
}

pub(super) fn probes(effort: &Effort, _: &Path) -> Result<Vec<Sample>> {
    let all = Entries::new(effort.sizes, Order::Shuffled(0), effort.sizes.n);
    let mut map = Map::new();
    (0..all.len()).try_for_each(|i| insert(&mut map, &all, i))?;
    let absent = Entries::new(effort.sizes, Order::Absent, 500_000);
    let timed = timing::repeat(effort.limit(), absent.len(), |i| {
        ensure!(!map.contains_key(absent.key(i)), "found what was never written");
        Ok(())
    })?;
    Ok(vec![Sample::rate(&timed, absent.len(), 1)])
}

pub(super) fn inserts(effort: &Effort, _: &Path) -> Result<Vec<Sample>> {
    const BATCH: u64 = 100;
    let all = Entries::new(effort.sizes, Order::Shuffled(0), effort.sizes.n);
    let mut map = Map::new();
    let timed = timing::repeat(effort.limit(), all.len().div_ceil(BATCH), |op| {
        (op * BATCH..((op + 1) * BATCH).min(all.len())).try_for_each(|i| insert(&mut map, &all, i))
    })?;
    ensure!(map.len() as u64 == all.len().min(timed.ops * BATCH), "a key is missing");
    let mut sample = Sample::rate(&timed, all.len(), BATCH);
    sample.ops = sample.ops.min(all.len());
    Ok(vec![sample])
}
