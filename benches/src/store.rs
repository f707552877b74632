//! A store as the benchmark holds it: open, with a thread that does its background work, and how it is filled.

use crate::engines::Subject;
use crate::entries::{Entries, Order, Sizes};
use anyhow::Result;
use contract::{Batch, Durability, Engine, Worker};
use std::ops::Deref;
use std::sync::Arc;
use vfs::Vfs;

/// Entries in a batch of a load that nobody times.
pub const LOAD_BATCH: u64 = 1000;

/// An open store and the thread that attends to it. Dropping it closes both.
pub struct Store {
    engine: Arc<dyn Engine>,
    _worker: Worker,
}

impl Store {
    /// Opens a store with this durability.
    pub fn open(subject: &Subject, vfs: Arc<dyn Vfs>, durability: Durability) -> contract::Result<Self> {
        let (engine, _) = (subject.stage.open)(vfs, &subject.options(durability)?)?;
        let worker = Worker::start(&engine);
        Ok(Self { engine, _worker: worker })
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

/// Writes the entries from number `from` on, in batches.
pub fn load(engine: &dyn Engine, entries: &Entries, from: u64) -> Result<()> {
    in_batches(engine, entries, from, |batch, i| {
        batch.put(entries.key(i), entries.value(i));
    })
}

/// Deletes the entries from number `from` on, in batches.
pub fn unload(engine: &dyn Engine, entries: &Entries, from: u64) -> Result<()> {
    in_batches(engine, entries, from, |batch, i| {
        batch.delete(entries.key(i));
    })
}

fn in_batches(
    engine: &dyn Engine,
    entries: &Entries,
    from: u64,
    add: impl Fn(&mut Batch, u64),
) -> Result<()> {
    let mut batch = Batch::new();
    for i in from..entries.len() {
        add(&mut batch, i);
        if (i + 1) % LOAD_BATCH == 0 || i + 1 == entries.len() {
            engine.write(&batch)?;
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
