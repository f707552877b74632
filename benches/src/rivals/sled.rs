//! sled 0.34, a lock-free B-link tree over a log, in Rust.
//!
//! It writes in the background, twice a second by default, so that a kill loses what came last. Its `flush` asks the
//! kernel to write pages out and not the device to keep them: `every-write` is not among what it can do.

use super::{failed, stage};
use contract::{Batch, Cursor, Durability, Engine, KeyRange, Opened, RecoveryReport, Result, Scan, Stage};
use sled::{Db, IVec, Iter};
use std::sync::Arc;

pub(super) static STAGE: Stage = stage("sled", "a B-link tree over a log, in Rust", |vfs, options| {
    if options.durability()? == Durability::EveryWrite {
        return Err(contract::Error::Unsupported { what: "having the device confirm a write" });
    }
    let config = sled::Config::new().path(vfs.location()).cache_capacity(128 << 20);
    let db = config.mode(sled::Mode::HighThroughput).use_compression(false).open().map_err(failed("open"))?;
    Ok::<Opened, _>((Arc::new(Sled(db)), RecoveryReport::default()))
});

struct Sled(Db);

impl Engine for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self.0.get(key).map_err(failed("get"))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.0.insert(key, value).map_err(failed("put"))?;
        Ok(())
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        self.0.remove(key).map_err(failed("delete"))?;
        Ok(())
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        let mut written = sled::Batch::default();
        for entry in batch.iter() {
            match entry.value {
                Some(value) => written.insert(entry.key, value),
                None => written.remove(entry.key),
            }
        }
        self.0.apply_batch(written).map_err(failed("write"))
    }

    fn scan(&self, range: KeyRange<'_>) -> Result<Scan> {
        let mut walk = Walk { rest: self.0.range::<&[u8], _>((range.start, range.end)), here: None };
        walk.advance()?;
        Ok(Scan::new(walk))
    }

    fn sync(&self) -> Result<()> {
        self.0.flush().map_err(failed("sync"))?;
        Ok(())
    }

    fn compact(&self) -> Result<()> {
        Err(contract::Error::Unsupported { what: "compacting when asked" })
    }
}

struct Walk {
    rest: Iter,
    here: Option<(IVec, IVec)>,
}

impl Cursor for Walk {
    fn key(&self) -> Option<&[u8]> {
        self.here.as_ref().map(|(key, _)| &**key)
    }

    fn value(&mut self) -> Result<&[u8]> {
        Ok(self.here.as_ref().map_or(&[], |(_, value)| &**value))
    }

    fn advance(&mut self) -> Result<()> {
        self.here = self.rest.next().transpose().map_err(failed("scan"))?;
        Ok(())
    }
}
