//! RocksDB, the LSM tree that production engines are compared with, in C++.
//!
//! Its own defaults but for the budget that all have, and a filter of ten bits a key, which its manual advises for gets.
//! Each write is handed to the operating system before it returns, which is our `on-request`.

use super::{compresses, compressing, failed};
use contract::{Batch, Cursor, Durability, Engine, KeyRange, Opened, RecoveryReport, Result, Scan, Stage};
use rocksdb::{
    BlockBasedOptions, Cache, DB, DBCompressionType, DBRawIterator, Options, ReadOptions, WriteBatch,
    WriteOptions,
};
use self_cell::self_cell;
use std::ops::Bound;
use std::sync::Arc;

pub(super) static STAGE: Stage = compressing("rocksdb", "an LSM tree in C++", |vfs, options| {
    let mut tables = BlockBasedOptions::default();
    tables.set_block_cache(&Cache::new_lru_cache(64 << 20));
    tables.set_bloom_filter(10.0, false);
    let mut settings = Options::default();
    settings.create_if_missing(true);
    settings.set_write_buffer_size(64 << 20);
    if !compresses(options)? {
        settings.set_compression_type(DBCompressionType::None);
    }
    settings.set_block_based_table_factory(&tables);
    let db = DB::open(&settings, vfs.location()).map_err(failed("open"))?;
    let synced = options.durability()? == Durability::EveryWrite;
    Ok::<Opened, _>((Arc::new(RocksDb { db: Arc::new(db), synced }), RecoveryReport::default()))
});

struct RocksDb {
    db: Arc<DB>,
    synced: bool,
}

impl RocksDb {
    fn how(&self) -> WriteOptions {
        let mut how = WriteOptions::default();
        how.set_sync(self.synced);
        how
    }
}

impl Engine for RocksDb {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.db.get(key).map_err(failed("get"))
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.db.put_opt(key, value, &self.how()).map_err(failed("put"))
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        self.db.delete_opt(key, &self.how()).map_err(failed("delete"))
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        let mut written = WriteBatch::default();
        for entry in batch.iter() {
            match entry.value {
                Some(value) => written.put(entry.key, value),
                None => written.delete(entry.key),
            }
        }
        self.db.write_opt(written, &self.how()).map_err(failed("write"))
    }

    fn scan(&self, range: KeyRange<'_>) -> Result<Scan> {
        let mut how = ReadOptions::default();
        match range.end {
            Bound::Excluded(end) => how.set_iterate_upper_bound(end),
            // The next key after `end` is `end` and a zero.
            Bound::Included(end) => how.set_iterate_upper_bound([end, &[0]].concat()),
            Bound::Unbounded => {}
        }
        let mut walk = Walk::new(Arc::clone(&self.db), |db| db.raw_iterator_opt(how));
        walk.with_dependent_mut(|_, rest| {
            match range.start {
                Bound::Included(start) => rest.seek(start),
                Bound::Excluded(start) => rest.seek([start, &[0]].concat()),
                Bound::Unbounded => rest.seek_to_first(),
            }
            rest.status()
        })
        .map_err(failed("scan"))?;
        Ok(Scan::new(walk))
    }

    fn sync(&self) -> Result<()> {
        self.db.flush_wal(true).map_err(failed("sync"))
    }

    fn compact(&self) -> Result<()> {
        self.db.flush().map_err(failed("compact"))?;
        self.db.compact_range::<&[u8], &[u8]>(None, None);
        Ok(())
    }
}

self_cell!(
    /// An iterator, which is a point-in-time view, and what it looks into.
    struct Walk {
        owner: Arc<DB>,

        #[covariant]
        dependent: DBRawIterator,
    }
);

impl Cursor for Walk {
    fn key(&self) -> Option<&[u8]> {
        self.borrow_dependent().key()
    }

    fn value(&mut self) -> Result<&[u8]> {
        Ok(self.borrow_dependent().value().unwrap_or_default())
    }

    fn advance(&mut self) -> Result<()> {
        self.with_dependent_mut(|_, rest| {
            rest.next();
            rest.status()
        })
        .map_err(failed("scan"))
    }
}
