//! A sound engine with one function bent.

use super::bent;
use crate::faults::hooked::{Hooked, Hooks};
use contract::{
    Batch, Engine, Error, KeyRange, Opened, Options, PairCursor, Result, Scan, Stage, Stats, VerifyReport,
};
use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use vfs::{File, Vfs};

/// Writes the entries of a batch one by one.
pub static BATCHES_ARE_SPLIT: Stage =
    bent("batches-are-split", "writes the entries of a batch one by one", open_as::<Split>);

/// Acknowledges writes that are only in its memory.
pub static WRITES_WAIT_IN_MEMORY: Stage =
    bent("writes-wait-in-memory", "acknowledges a write before anybody else has it", open_as::<Waits>);

/// Compaction puts deleted keys back.
pub static COMPACT_BRINGS_BACK: Stage = bent(
    "compact-brings-back",
    "drops a tombstone while what it hides is still there",
    open_as::<BringsBack>,
);

/// An excluded end is included.
pub static SCAN_LEAKS_ITS_BOUND: Stage =
    bent("scan-leaks-its-bound", "gives the key at an excluded end", open_as::<Leaks>);

/// A cache that tells keys apart by their length only.
pub static A_CACHE_MIXES_KEYS_UP: Stage =
    bent("a-cache-mixes-keys-up", "caches values under too little of their keys", open_as::<MixesUp>);

/// An empty value is taken for none.
pub static EMPTY_IS_ABSENT: Stage =
    bent("empty-is-absent", "takes an empty value for an absent key", open_as::<EmptyIsAbsent>);

/// Close writes its mark and syncs nothing.
pub static CLOSE_DOES_NOT_SYNC: Stage = bent("close-does-not-sync", "closes without a sync", open_unsynced);

/// A damaged file is removed, so that opening succeeds.
pub static DAMAGE_IS_SWEPT_AWAY: Stage =
    bent("damage-is-swept-away", "removes what is damaged and opens the rest", open_swept);

/// What a bent engine does instead.
trait Bend: Default + Send + Sync + 'static {
    fn write(&self, engine: &dyn Engine, batch: &Batch) -> Result<()> {
        engine.write(batch)
    }

    fn get(&self, engine: &dyn Engine, key: &[u8]) -> Result<Option<Vec<u8>>> {
        engine.get(key)
    }

    fn scan(&self, engine: &dyn Engine, range: KeyRange<'_>) -> Result<Scan> {
        engine.scan(range)
    }

    fn compact(&self, engine: &dyn Engine) -> Result<()> {
        engine.compact()
    }

    fn sync(&self, engine: &dyn Engine) -> Result<()> {
        engine.sync()
    }

    fn close(&self, engine: &dyn Engine) -> Result<()> {
        engine.close()
    }
}

struct Bent<B> {
    inner: Arc<dyn Engine>,
    bend: B,
}

impl<B: Bend> Engine for Bent<B> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.bend.get(&*self.inner, key)
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        self.bend.write(&*self.inner, batch)
    }

    fn scan(&self, range: KeyRange<'_>) -> Result<Scan> {
        self.bend.scan(&*self.inner, range)
    }

    fn sync(&self) -> Result<()> {
        self.bend.sync(&*self.inner)
    }

    fn step(&self) -> Result<bool> {
        self.inner.step()
    }

    fn compact(&self) -> Result<()> {
        self.bend.compact(&*self.inner)
    }

    fn stats(&self) -> Stats {
        self.inner.stats()
    }

    fn verify(&self) -> Result<VerifyReport> {
        self.inner.verify()
    }

    fn set_option(&self, name: &str, value: &str) -> Result<()> {
        self.inner.set_option(name, value)
    }

    fn close(&self) -> Result<()> {
        self.bend.close(&*self.inner)
    }
}

fn open_as<B: Bend>(vfs: Arc<dyn Vfs>, options: &Options) -> Result<Opened> {
    let (inner, report) = (stage1::STAGE.open)(vfs, options)?;
    Ok((Arc::new(Bent { inner, bend: B::default() }), report))
}

#[derive(Default)]
struct Split;

impl Bend for Split {
    fn write(&self, engine: &dyn Engine, batch: &Batch) -> Result<()> {
        batch.check()?;
        if batch.is_empty() {
            return engine.write(batch);
        }
        batch.iter().try_for_each(|entry| {
            let mut one = Batch::new();
            one.push(entry);
            engine.write(&one)
        })
    }
}

/// The newest write waits until something asks for it.
#[derive(Default)]
struct Waits(Mutex<Option<Batch>>);

impl Bend for Waits {
    fn write(&self, engine: &dyn Engine, batch: &Batch) -> Result<()> {
        batch.check()?;
        self.settle(engine)?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(batch.clone());
        Ok(())
    }

    fn get(&self, engine: &dyn Engine, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.settle(engine)?;
        engine.get(key)
    }

    fn scan(&self, engine: &dyn Engine, range: KeyRange<'_>) -> Result<Scan> {
        self.settle(engine)?;
        engine.scan(range)
    }

    fn sync(&self, engine: &dyn Engine) -> Result<()> {
        self.settle(engine)?;
        engine.sync()
    }

    fn close(&self, engine: &dyn Engine) -> Result<()> {
        self.settle(engine)?;
        engine.close()
    }
}

impl Waits {
    fn settle(&self, engine: &dyn Engine) -> Result<()> {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        waiting.map_or(Ok(()), |batch| engine.write(&batch))
    }
}

/// What every key had before it was deleted.
#[derive(Default)]
struct BringsBack(Mutex<BTreeMap<Vec<u8>, Vec<u8>>>);

impl Bend for BringsBack {
    fn write(&self, engine: &dyn Engine, batch: &Batch) -> Result<()> {
        let mut deleted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in batch.iter() {
            match (entry.value, engine.get(entry.key)?) {
                (None, Some(old)) => drop(deleted.insert(entry.key.to_vec(), old)),
                _ => drop(deleted.remove(entry.key)),
            }
        }
        engine.write(batch)
    }

    fn compact(&self, engine: &dyn Engine) -> Result<()> {
        for (key, value) in std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            engine.put(&key, &value)?;
        }
        engine.compact()
    }
}

#[derive(Default)]
struct Leaks;

impl Bend for Leaks {
    fn scan(&self, engine: &dyn Engine, range: KeyRange<'_>) -> Result<Scan> {
        match range.end {
            Bound::Excluded(end) => engine.scan(KeyRange::new(range.start, Bound::Included(end))),
            _ => engine.scan(range),
        }
    }
}

// ANCHOR: cache
#[derive(Default)]
struct MixesUp(Mutex<BTreeMap<usize, Vec<u8>>>);

impl Bend for MixesUp {
    fn get(&self, engine: &dyn Engine, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = engine.get(key)?;
        Ok(value.map(|value| cache.entry(key.len()).or_insert(value).clone()))
    }

    fn write(&self, engine: &dyn Engine, batch: &Batch) -> Result<()> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // It does forget what is overwritten, under the same short keys, unless there are several in a batch.
        if batch.len() == 1 {
            cache.clear();
        }
        engine.write(batch)
    }
}
// ANCHOR_END: cache

#[derive(Default)]
struct EmptyIsAbsent;

impl Bend for EmptyIsAbsent {
    fn get(&self, engine: &dyn Engine, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(engine.get(key)?.filter(|value| !value.is_empty()))
    }

    fn scan(&self, engine: &dyn Engine, range: KeyRange<'_>) -> Result<Scan> {
        let pairs: Vec<_> = engine.scan(range)?.collect::<Result<_>>()?;
        Ok(Scan::new(PairCursor::new(pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect())))
    }
}

/// Whether the store is being closed: then its world stops syncing.
#[derive(Clone, Default)]
struct Closing(Arc<AtomicBool>);

impl Hooks for Closing {
    fn sync(&self, file: &dyn File) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) { Ok(()) } else { file.sync() }
    }
}

impl Bend for Closing {
    fn close(&self, engine: &dyn Engine) -> Result<()> {
        self.0.store(true, Ordering::Relaxed);
        engine.close()
    }
}

fn open_unsynced(vfs: Arc<dyn Vfs>, options: &Options) -> Result<Opened> {
    let bend = Closing::default();
    let (inner, report) = (stage1::STAGE.open)(Arc::new(Hooked::new(vfs, bend.clone())), options)?;
    Ok((Arc::new(Bent { inner, bend }), report))
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that a stage asks for")]
fn open_swept(vfs: Arc<dyn Vfs>, options: &Options) -> Result<Opened> {
    loop {
        match (stage1::STAGE.open)(Arc::clone(&vfs), options) {
            Err(Error::Corrupt { file, .. }) if vfs.remove(&file).is_ok() => {}
            other => return other,
        }
    }
}
