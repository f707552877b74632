//! fjall 3, an LSM tree in Rust: a journal, memtables, tables under leveled compaction.
//!
//! By default it hands each write to the operating system before it returns, which is our `on-request`.

use super::{compresses, compressing, failed};
use contract::{Batch, Cursor, Durability, Engine, KeyRange, Opened, RecoveryReport, Result, Scan, Stage};
use fjall::config::CompressionPolicy;
use fjall::{CompressionType, Database, Iter, Keyspace, KeyspaceCreateOptions, PersistMode, Slice};
use std::ops::Bound;
use std::sync::Arc;

pub(super) static STAGE: Stage = compressing("fjall", "an LSM tree in Rust", |vfs, options| {
    let compresses = compresses(options)?;
    let mut builder = Database::builder(vfs.location()).cache_size(64 << 20);
    if !compresses {
        builder = builder.journal_compression(CompressionType::None);
    }
    let db = builder.open().map_err(failed("open"))?;
    let keyspace = db.keyspace("entries", || {
        let settings = KeyspaceCreateOptions::default().max_memtable_size(64 << 20);
        if compresses {
            settings
        } else {
            settings.data_block_compression_policy(CompressionPolicy::disabled())
        }
    });
    let keyspace = keyspace.map_err(failed("open"))?;
    let synced = options.durability()? == Durability::EveryWrite;
    Ok::<Opened, _>((Arc::new(Fjall { db, keyspace, synced }), RecoveryReport::default()))
});

/// Lengths of keys are stored in 16 bits.
fn fits(key: &[u8]) -> Result<()> {
    super::fits(key, 65_535, "a key over 65535 bytes")
}

struct Fjall {
    db: Database,
    keyspace: Keyspace,
    synced: bool,
}

impl Fjall {
    /// What its own users call after a write that must be on the device.
    fn written(&self) -> Result<()> {
        if self.synced { self.db.persist(PersistMode::SyncData).map_err(failed("sync")) } else { Ok(()) }
    }
}

impl Engine for Fjall {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self.keyspace.get(key).map_err(failed("get"))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        fits(key)?;
        self.keyspace.insert(key, value).map_err(failed("put"))?;
        self.written()
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        fits(key)?;
        self.keyspace.remove(key).map_err(failed("delete"))?;
        self.written()
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        batch.iter().try_for_each(|entry| fits(entry.key))?;
        let mode = if self.synced { PersistMode::SyncData } else { PersistMode::Buffer };
        let mut written = self.db.batch().durability(Some(mode));
        for entry in batch.iter() {
            match entry.value {
                Some(value) => written.insert(&self.keyspace, entry.key, value),
                None => written.remove(&self.keyspace, entry.key),
            }
        }
        written.commit().map_err(failed("write"))
    }

    fn scan(&self, range: KeyRange<'_>) -> Result<Scan> {
        for bound in [range.start, range.end] {
            match bound {
                Bound::Unbounded | Bound::Included([]) | Bound::Excluded([]) => {}
                Bound::Included(key) | Bound::Excluded(key) => fits(key)?,
            }
        }
        let mut walk = Walk { rest: self.keyspace.range::<&[u8], _>((range.start, range.end)), here: None };
        walk.advance()?;
        Ok(Scan::new(walk))
    }

    fn sync(&self) -> Result<()> {
        self.db.persist(PersistMode::SyncAll).map_err(failed("sync"))
    }

    fn compact(&self) -> Result<()> {
        self.keyspace.rotate_memtable_and_wait().map_err(failed("compact"))?;
        self.keyspace.major_compact().map_err(failed("compact"))
    }
}

struct Walk {
    rest: Iter,
    here: Option<(Slice, Slice)>,
}

impl Cursor for Walk {
    fn key(&self) -> Option<&[u8]> {
        self.here.as_ref().map(|(key, _)| &**key)
    }

    fn value(&mut self) -> Result<&[u8]> {
        Ok(self.here.as_ref().map_or(&[], |(_, value)| &**value))
    }

    fn advance(&mut self) -> Result<()> {
        let next = self.rest.next().map(fjall::Guard::into_inner);
        self.here = next.transpose().map_err(failed("scan"))?;
        Ok(())
    }
}
