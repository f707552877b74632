//! LMDB, a copy-on-write B+ tree in a mapping of its file.
//!
//! Two settings take part, both without syncs in `on-request`: written with calls, and written into the mapping. Both
//! keep every write over a kill, but after a power cut the whole file may be damaged, which a log's is not. They are
//! the bar on speed, not on safety.

use super::{failed, stage};
use contract::{
    Batch, Cursor, Durability, Engine, KeyRange, Opened, Options, RecoveryReport, Result, Scan, Stage,
};
use rival_lmdb::heed::types::Bytes;
use rival_lmdb::heed::{self, CommitOrAbort, Database, Env, EnvFlags, RoTxn, WithoutTls};
use self_cell::self_cell;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

/// How far the file may grow; only what is used takes room.
const MAP_BYTES: usize = 64 << 30;
/// How many pairs a scan looks up at a time.
const CHUNK: usize = 64;

pub(super) static STAGE: Stage = stage("lmdb", "a mapped B+ tree, NO_SYNC", |vfs, options| {
    open(&vfs.location(), options, EnvFlags::empty())
});

pub(super) static MAPPED: Stage = stage("lmdb-wmap", "the same, NO_SYNC + WRITE_MAP", |vfs, options| {
    open(&vfs.location(), options, EnvFlags::WRITE_MAP)
});

fn open(dir: &str, options: &Options, flags: EnvFlags) -> Result<Opened> {
    let synced = options.durability()? == Durability::EveryWrite;
    let flags = if synced { flags } else { flags | EnvFlags::NO_SYNC };
    let env = rival_lmdb::open(Path::new(dir), MAP_BYTES, flags).map_err(failed("open"))?;
    let turn = env.write_txn().map_err(failed("open"))?;
    let table = env.create_databases_and_commit(turn, |tables, turn| {
        tables.create_database::<Bytes, Bytes>(turn, None).map(CommitOrAbort::<_, ()>::Commit)
    });
    let table = table.map_err(failed::<heed::Error>("open"))?.unwrap_commit();
    Ok((Arc::new(Lmdb { env, table }), RecoveryReport::default()))
}

type Table = Database<'static, Bytes, Bytes>;

struct Lmdb {
    env: Env<WithoutTls>,
    table: Table,
}

/// Unless LMDB is compiled otherwise, a key has 511 bytes at most.
fn fits(key: &[u8]) -> Result<()> {
    super::fits(key, 511, "a key over 511 bytes")
}

impl Engine for Lmdb {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        fits(key)?;
        let view = self.env.read_txn().map_err(failed("get"))?;
        let value = self.table.get(&view, key).map_err(failed("get"))?;
        Ok(value.map(<[u8]>::to_vec))
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        batch.iter().try_for_each(|entry| fits(entry.key))?;
        let mut turn = self.env.write_txn().map_err(failed("write"))?;
        for entry in batch.iter() {
            match entry.value {
                Some(value) => self.table.put(&mut turn, entry.key, value),
                None => self.table.delete(&mut turn, entry.key).map(|_| ()),
            }
            .map_err(failed("write"))?;
        }
        turn.commit().map_err(failed("write"))
    }

    fn scan(&self, range: KeyRange<'_>) -> Result<Scan> {
        let view = self.env.clone().static_read_txn().map_err(failed("scan"))?;
        let chunk = Chunk::try_new(view, |view| chunk(self.table, view, range))?;
        let end = range.end.map(<[u8]>::to_vec);
        Ok(Scan::new(Walk { chunk, at: 0, table: self.table, end }))
    }

    fn sync(&self) -> Result<()> {
        self.env.force_sync().map_err(failed("sync"))
    }

    fn compact(&self) -> Result<()> {
        Err(contract::Error::Unsupported { what: "compacting a store in its place" })
    }
}

type Pairs<'view> = Vec<(&'view [u8], &'view [u8])>;

self_cell!(
    /// The next pairs of a scan, as they lie in the mapping, and the view that keeps them there.
    struct Chunk {
        owner: RoTxn<'static, WithoutTls>,

        #[covariant]
        dependent: Pairs,
    }
);

fn chunk<'view>(
    table: Table,
    view: &'view RoTxn<'static, WithoutTls>,
    range: KeyRange<'_>,
) -> Result<Pairs<'view>> {
    let ends_at_nothing = matches!(range.end, Bound::Included([]) | Bound::Excluded([]));
    if range.is_empty() || ends_at_nothing {
        return Ok(Vec::new());
    }
    // No key is empty, and as a bound it would be refused.
    let start = match range.start {
        Bound::Included([]) | Bound::Excluded([]) => Bound::Unbounded,
        start => start,
    };
    let walk = table.range(view, &(start, range.end)).map_err(failed("scan"))?;
    walk.take(CHUNK).collect::<heed::Result<_>>().map_err(failed("scan"))
}

struct Walk {
    chunk: Chunk,
    at: usize,
    table: Table,
    end: Bound<Vec<u8>>,
}

impl Walk {
    fn here(&self) -> Option<&(&[u8], &[u8])> {
        self.chunk.borrow_dependent().get(self.at)
    }
}

impl Cursor for Walk {
    fn key(&self) -> Option<&[u8]> {
        self.here().map(|(key, _)| *key)
    }

    fn value(&mut self) -> Result<&[u8]> {
        Ok(self.here().map_or(&[], |(_, value)| *value))
    }

    fn advance(&mut self) -> Result<()> {
        self.at += 1;
        if self.at < CHUNK {
            return Ok(());
        }
        let (table, end) = (self.table, self.end.as_ref().map(Vec::as_slice));
        self.at = 0;
        self.chunk.with_dependent_mut(|view, pairs| {
            let last = pairs.last().map_or(Bound::Unbounded, |(key, _)| Bound::Excluded(*key));
            *pairs = chunk(table, view, KeyRange::new(last, end))?;
            Ok(())
        })
    }
}
