//! redb 4, a copy-on-write B+ tree in Rust.
//!
//! It has nothing between a commit on the device and one that only its process knows of. The latter is what is
//! measured as `on-request`, and the kill test shows what it loses.

use super::{failed, stage};
use contract::{Batch, Cursor, Durability, Engine, KeyRange, Opened, RecoveryReport, Result, Scan, Stage};
use redb::{AccessGuard, Database, Range, ReadableDatabase, TableDefinition};
use std::path::Path;
use std::sync::Arc;

const TABLE: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("entries");

pub(super) static STAGE: Stage = stage("redb", "a copy-on-write B+ tree in Rust", |vfs, options| {
    let path = Path::new(&vfs.location()).join("redb");
    let db = Database::builder().set_cache_size(128 << 20).create(path).map_err(failed("open"))?;
    let durability = match options.durability()? {
        Durability::OnRequest => redb::Durability::None,
        Durability::EveryWrite => redb::Durability::Immediate,
    };
    let store = Redb { db, durability };
    // A table is there for readers once it was written to.
    store.commit(redb::Durability::Immediate, &Batch::new())?;
    Ok::<Opened, _>((Arc::new(store), RecoveryReport::default()))
});

struct Redb {
    db: Database,
    durability: redb::Durability,
}

impl Redb {
    fn commit(&self, durability: redb::Durability, batch: &Batch) -> Result<()> {
        let mut turn = self.db.begin_write().map_err(failed("write"))?;
        turn.set_durability(durability).map_err(failed("write"))?;
        let mut table = turn.open_table(TABLE).map_err(failed("write"))?;
        for entry in batch.iter() {
            match entry.value {
                Some(value) => table.insert(entry.key, value),
                None => table.remove(entry.key),
            }
            .map_err(failed("write"))?;
        }
        drop(table);
        turn.commit().map_err(failed("write"))
    }
}

impl Engine for Redb {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let view = self.db.begin_read().map_err(failed("get"))?;
        let table = view.open_table(TABLE).map_err(failed("get"))?;
        let value = table.get(key).map_err(failed("get"))?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        self.commit(self.durability, batch)
    }

    fn scan(&self, range: KeyRange<'_>) -> Result<Scan> {
        let view = self.db.begin_read().map_err(failed("scan"))?;
        let table = view.open_table(TABLE).map_err(failed("scan"))?;
        let rest = table.range::<&[u8]>((range.start, range.end)).map_err(failed("scan"))?;
        let mut walk = Walk { rest, here: None };
        walk.advance()?;
        Ok(Scan::new(walk))
    }

    fn sync(&self) -> Result<()> {
        self.commit(redb::Durability::Immediate, &Batch::new())
    }

    fn compact(&self) -> Result<()> {
        Err(contract::Error::Unsupported { what: "compacting beside other calls" })
    }
}

type Guard = AccessGuard<'static, &'static [u8]>;

struct Walk {
    rest: Range<'static, &'static [u8], &'static [u8]>,
    here: Option<(Guard, Guard)>,
}

impl Cursor for Walk {
    fn key(&self) -> Option<&[u8]> {
        self.here.as_ref().map(|(key, _)| key.value())
    }

    fn value(&mut self) -> Result<&[u8]> {
        Ok(self.here.as_ref().map_or(&[], |(_, value)| value.value()))
    }

    fn advance(&mut self) -> Result<()> {
        self.here = self.rest.next().transpose().map_err(failed("scan"))?;
        Ok(())
    }
}
