//! The trait that three engines implement and one book explains.

use crate::{
    Batch, Entry, Error, Explanation, KeyRange, Result, Scan, Stats, VerifyReport, prefix_end, report,
};
use std::any::Any;
use std::ops::Bound;

// ANCHOR: use
/// An ordered map from bytes to bytes that outlives the process.
///
/// It is used as `Arc<dyn Engine>` from any number of threads. Readers run beside writers and beside background
/// work. The first four functions are all that a first engine must have.
pub trait Engine: Any + Send + Sync {
    /// The value of `key`, or `None` if it has none.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Writes every entry of `batch`, or none of them: also after a crash, also for a reader beside it.
    fn write(&self, batch: &Batch) -> Result<()>;

    /// The live pairs in `range`, ascending by key, as they are at this moment: no later write, delete or
    /// compaction shows in it.
    fn scan(&self, range: KeyRange<'_>) -> Result<Scan>;

    /// Returns once every write that was acknowledged before this call survives power loss.
    fn sync(&self) -> Result<()>;

    /// Gives `key` this value.
    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        let mut batch = Batch::new();
        batch.push(Entry { key, value: Some(value) });
        self.write(&batch)
    }

    /// Deletes `key`. An absent key is no error.
    fn delete(&self, key: &[u8]) -> Result<()> {
        let mut batch = Batch::new();
        batch.push(Entry { key, value: None });
        self.write(&batch)
    }

    /// Whether `key` has a value; engines that can answer without reading it do.
    fn contains(&self, key: &[u8]) -> Result<bool> {
        Ok(self.get(key)?.is_some())
    }

    /// Gives `key` this value only if it has none, and returns whether it did. Given here as a look and then a
    /// write; an engine for several writers decides it in the writer's turn.
    fn put_if_absent(&self, key: &[u8], value: &[u8]) -> Result<bool> {
        let absent = !self.contains(key)?;
        if absent {
            self.put(key, value)?;
        }
        Ok(absent)
    }

    /// The live pairs whose keys start with `prefix`.
    fn scan_prefix(&self, prefix: &[u8]) -> Result<Scan> {
        let end = prefix_end(prefix);
        let end = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        self.scan(KeyRange::new(Bound::Included(prefix), end))
    }
    // ANCHOR_END: use

    // ANCHOR: look_inside
    /// Does one unit of background work; false if there was none to do.
    fn step(&self) -> Result<bool> {
        Ok(false)
    }

    /// Does background work as it comes up and waits while there is none, until the store is closed. It is for a
    /// thread of its own to call: see [`Worker`](crate::Worker). An engine without such work returns at once.
    fn attend(&self) {}

    /// How many threads may attend at a time: more than one where a short unit should not wait behind a long one.
    fn attendants(&self) -> usize {
        1
    }

    /// Brings the store into its smallest shape. By default: steps until there is nothing left to do.
    fn compact(&self) -> Result<()> {
        while self.step()? {}
        Ok(())
    }

    /// Figures that cost no input or output.
    fn stats(&self) -> Stats {
        Stats::default()
    }

    /// The same answer as [`get`](Self::get), with what was looked at to find it.
    fn explain(&self, key: &[u8]) -> Result<Explanation> {
        Ok(Explanation { value: self.get(key)?, ..Explanation::default() })
    }

    /// Reads and checks every byte of the open store. By default: every live entry, by a scan.
    fn verify(&self) -> Result<VerifyReport> {
        report::verify_by_scan(self.scan(KeyRange::all())?)
    }

    /// Changes an option of the running store. Refused where that can only be done at opening.
    fn set_option(&self, name: &str, value: &str) -> Result<()> {
        let _ = (name, value);
        Err(Error::Unsupported { what: "changing an option of an open store" })
    }

    /// Makes everything durable, marks the store as cleanly closed and gives its lock back. Every later call
    /// returns [`Error::Closed`], but closing again is no error. Dropping the last handle does the same and
    /// cannot report.
    fn close(&self) -> Result<()> {
        self.sync()
    }
    // ANCHOR_END: look_inside
}
