//! A store as the benchmark holds it: open, with a thread that does its background work, and how it is filled.

use crate::engines::{Kind, Subject};
use crate::entries::{Entries, Order, Sizes};
use anyhow::Result;
use contract::{Batch, Durability, Engine, Error, Worker};
use std::ops::Deref;
use std::sync::Arc;
use vfs::Vfs;

/// Entries in a batch of a load that nobody times.
const LOAD_BATCH: u64 = 1000;
/// The same for rivals: trees that copy what they change would take many times as long by smaller ones.
const RIVAL_BATCH: u64 = 100_000;

/// An open store and the thread that attends to it. Dropping it closes both.
pub struct Store {
    engine: Arc<dyn Engine>,
    _worker: Worker,
    load_batch: u64,
}

impl Store {
    /// Opens a store with this durability.
    pub fn open(subject: &Subject, vfs: Arc<dyn Vfs>, durability: Durability) -> contract::Result<Self> {
        let (engine, _) = (subject.stage.open)(vfs, &subject.options(durability)?)?;
        let worker = Worker::start(&engine);
        let load_batch = if subject.kind == Kind::Rival { RIVAL_BATCH } else { LOAD_BATCH };
        Ok(Self { engine, _worker: worker, load_batch })
    }

    /// Writes the entries from number `from` on.
    pub fn load(&self, entries: &Entries, from: u64) -> Result<()> {
        load(&*self.engine, entries, from, self.load_batch)
    }

    /// Closes the store, and says whether that worked.
    pub fn close(self) -> contract::Result<()> {
        self.engine.close()
    }
}

impl Deref for Store {
    type Target = dyn Engine;

    fn deref(&self) -> &Self::Target {
        &*self.engine
    }
}

/// The entries that lie in a loaded store, in the order in which they were written.
pub fn all(sizes: Sizes) -> Entries {
    Entries::new(sizes, Order::Shuffled(0), sizes.n)
}

/// Writes the entries from number `from` on in batches of so many; one by one where an engine has no batches, since
/// nobody times a load.
pub fn load(engine: &dyn Engine, entries: &Entries, from: u64, in_batch: u64) -> Result<()> {
    let mut batch = Batch::new();
    for i in from..entries.len() {
        batch.put(entries.key(i), entries.value(i));
        if (i + 1) % in_batch == 0 || i + 1 == entries.len() {
            match engine.write(&batch) {
                Err(Error::Unsupported { .. }) => batch
                    .iter()
                    .try_for_each(|entry| engine.put(entry.key, entry.value.unwrap_or_default()))?,
                written => written?,
            }
            batch.clear();
        }
    }
    Ok(())
}

/// Writes one operation of a fill: `batch` entries from number `i * batch` on.
pub fn put_op(engine: &dyn Engine, entries: &Entries, buffer: &mut Batch, batch: u64, i: u64) -> Result<()> {
    if batch == 1 {
        return Ok(engine.put(entries.key(i), entries.value(i))?);
    }
    buffer.clear();
    for i in i * batch..((i + 1) * batch).min(entries.len()) {
        buffer.put(entries.key(i), entries.value(i));
    }
    Ok(engine.write(buffer)?)
}
