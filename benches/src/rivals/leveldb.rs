//! LevelDB, the LSM tree that most others descend from, in C++.
//!
//! Its own defaults but for the budget that all have, and the filter of ten bits a key that its documentation advises.
//! Each write is handed to the operating system before it returns, which is our `on-request`.

use super::{compresses, compressing, failed};
use contract::{Batch, Cursor, Durability, Engine, KeyRange, Opened, RecoveryReport, Result, Scan, Stage};
use rival_leveldb::{Db, Settings};
use std::ops::Bound;
use std::sync::Arc;

pub(super) static STAGE: Stage =
    compressing("leveldb", "an LSM tree in C++, the first of its kind", |vfs, options| {
        let settings = Settings {
            write_buffer_bytes: 64 << 20,
            cache_bytes: 64 << 20,
            filter_bits: 10,
            compressed: compresses(options)?,
            synced: options.durability()? == Durability::EveryWrite,
        };
        let db = Db::open(&vfs.location(), &settings).map_err(failed("open"))?;
        Ok::<Opened, _>((Arc::new(LevelDb(Arc::new(db))), RecoveryReport::default()))
    });

struct LevelDb(Arc<Db>);

impl Engine for LevelDb {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.0.get(key).map_err(failed("get"))
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.0.put(key, value).map_err(failed("put"))
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        self.0.delete(key).map_err(failed("delete"))
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        let mut written = rival_leveldb::Batch::new();
        for entry in batch.iter() {
            match entry.value {
                Some(value) => written.put(entry.key, value),
                None => written.delete(entry.key),
            }
        }
        self.0.write(&written).map_err(failed("write"))
    }

    fn scan(&self, range: KeyRange<'_>) -> Result<Scan> {
        let (from, without) = match range.start {
            Bound::Included(start) => (start, None),
            Bound::Excluded(start) => (start, Some(start)),
            Bound::Unbounded => (&[][..], None),
        };
        let mut walk = rival_leveldb::Walk::new(&self.0, from).map_err(failed("scan"))?;
        if without.is_some() && walk.pair().map(|(key, _)| key) == without {
            walk.advance().map_err(failed("scan"))?;
        }
        let end = range.end.map(<[u8]>::to_vec);
        Ok(Scan::new(Walk { walk, end }))
    }

    fn sync(&self) -> Result<()> {
        self.0.sync().map_err(failed("sync"))
    }

    fn compact(&self) -> Result<()> {
        self.0.compact();
        Ok(())
    }
}

/// A walk that ends where it was asked to.
struct Walk {
    walk: rival_leveldb::Walk,
    end: Bound<Vec<u8>>,
}

impl Walk {
    fn pair(&self) -> Option<(&[u8], &[u8])> {
        self.walk.pair().filter(|(key, _)| match &self.end {
            Bound::Included(end) => *key <= &end[..],
            Bound::Excluded(end) => *key < &end[..],
            Bound::Unbounded => true,
        })
    }
}

impl Cursor for Walk {
    fn key(&self) -> Option<&[u8]> {
        self.pair().map(|(key, _)| key)
    }

    fn value(&mut self) -> Result<&[u8]> {
        Ok(self.pair().map_or(&[], |(_, value)| value))
    }

    fn advance(&mut self) -> Result<()> {
        self.walk.advance().map_err(failed("scan"))
    }
}
