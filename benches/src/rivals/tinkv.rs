//! tinkv 0.10, another Bitcask in Rust: a map of keys over append-only files.
//!
//! It has no batches and no ordered scans. All its calls want it for themselves, so a lock goes round it. Its opening
//! reads entry by entry without a buffer: a million would take a minute.

use super::{failed, stage};
use contract::{
    Batch, Durability, Engine, Error, KeyRange, MAX_KEY_BYTES, MAX_VALUE_BYTES, Opened, RecoveryReport,
    Result, Scan, Stage,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tinkv::{OpenOptions, Store};
use vfs::Vfs;

/// The most bytes that it is asked to open: some ten thousand entries.
const MOST_OPENED_BYTES: u64 = 8 << 20;

pub(super) static STAGE: Stage = stage("tinkv", "another Bitcask in Rust", |vfs, options| {
    if bytes(&*vfs).map_err(failed("open"))? > MOST_OPENED_BYTES {
        return Err(Error::Unsupported { what: "opening a large store in a time to wait for" });
    }
    let synced = options.durability()? == Durability::EveryWrite;
    // Unless it is told so, its keys have 64 bytes at most and its values 64 KiB.
    let store = OpenOptions::new()
        .max_key_size(MAX_KEY_BYTES)
        .max_value_size(MAX_VALUE_BYTES)
        .sync(synced)
        .open(vfs.location());
    let store = Tinkv(Mutex::new(store.map_err(failed("open"))?));
    Ok::<Opened, _>((Arc::new(store), RecoveryReport::default()))
});

/// How much there is to open.
fn bytes(vfs: &dyn Vfs) -> std::io::Result<u64> {
    vfs.list()?.iter().map(|name| vfs.open(name)?.size()).sum()
}

struct Tinkv(Mutex<Store>);

impl Tinkv {
    fn turn(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for Tinkv {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.turn().get(key).map_err(failed("get"))
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        if batch.len() > 1 {
            return Err(Error::Unsupported { what: "a batch of several entries" });
        }
        let mut store = self.turn();
        for entry in batch.iter() {
            match entry.value {
                Some(value) => store.set(entry.key, value),
                // To delete what is not there is an error to it.
                None if store.contains_key(entry.key) => store.remove(entry.key),
                None => Ok(()),
            }
            .map_err(failed("write"))?;
        }
        Ok(())
    }

    fn scan(&self, _: KeyRange<'_>) -> Result<Scan> {
        Err(Error::Unsupported { what: "an ordered scan" })
    }

    fn sync(&self) -> Result<()> {
        self.turn().sync().map_err(failed("sync"))
    }

    fn compact(&self) -> Result<()> {
        self.turn().compact().map_err(failed("compact"))
    }
}
