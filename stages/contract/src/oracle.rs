//! The engine that is obviously right: a sorted map in memory. The others are judged by it.
//!
//! It promises everything but one thing: nothing of it outlives the process.
//!
//! **Cost** O(log n) a get and a put; a scan copies its range, so that later writes do not show in it.

use crate::{
    Batch, Engine, KeyRange, PairCursor, RecoveryReport, Result, SalvageReport, Scan, Stage, VerifyReport,
};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

// ANCHOR: oracle
type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// A whole engine over a map, memory only.
#[derive(Default)]
pub struct Oracle {
    map: RwLock<Map>,
}

impl Oracle {
    fn read(&self) -> RwLockReadGuard<'_, Map> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self) -> RwLockWriteGuard<'_, Map> {
        self.map.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for Oracle {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.read().get(key).cloned())
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        batch.check()?;
        let mut map = self.turn();
        for entry in batch.iter() {
            match entry.value {
                Some(value) => map.insert(entry.key.to_vec(), value.to_vec()),
                None => map.remove(entry.key),
            };
        }
        Ok(())
    }

    fn scan(&self, range: KeyRange<'_>) -> Result<Scan> {
        let mut pairs = Vec::new();
        if !range.is_empty() {
            pairs
                .extend(self.read().range::<[u8], _>(range).map(|(key, value)| (key.clone(), value.clone())));
        }
        Ok(Scan::new(PairCursor::new(pairs)))
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn put_if_absent(&self, key: &[u8], value: &[u8]) -> Result<bool> {
        Batch::new().put(key, value).check()?;
        let mut map = self.turn();
        let absent = !map.contains_key(key);
        if absent {
            map.insert(key.to_vec(), value.to_vec());
        }
        Ok(absent)
    }
}

/// How it joins the registry.
pub static STAGE: Stage = Stage {
    name: "oracle",
    title: "a sorted map in memory",
    persistent: false,
    options: &[crate::SYNC],
    open: |_, _| {
        Ok((Arc::new(Oracle::default()), RecoveryReport { created: true, ..RecoveryReport::default() }))
    },
    inspect: |_, _, _| Ok(()),
    verify: |_| Ok(VerifyReport::default()),
    salvage: |_, _| Ok(SalvageReport::default()),
    commands: &[],
    tour: &[],
};
// ANCHOR_END: oracle
