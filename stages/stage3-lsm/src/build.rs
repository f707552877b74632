//! From a sorted walk to tables that belong to the store: what a flush and a compaction have in common.
//!
//! **Invariants**
//! 1. A table has its name only once it is on the device, and belongs to the store only once the manifest's edit is. Until
//!    then a failure leaves the store as it was, and what was built is removed.
//! 2. What an edit removes loses its name after the edit is on the device. Who still reads it, goes on: the file stays
//!    open for as long as a state holds it.

use crate::manifest::Manifest;
use crate::manifest::edit::{Added, Edit};
use crate::names::table_name;
use crate::source::Source;
use crate::state::{State, Tree};
use crate::store::Store;
use crate::table::{Table, TableBuilder, TableOptions};
use contract::{IoContext, Result};
use stage1::install;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};

/// Tables that are on the device and do not belong to the store yet.
#[derive(Default)]
pub(crate) struct Output {
    pub(crate) tables: Vec<Arc<Table>>,
    /// The name of the one that is being built.
    unfinished: Option<u64>,
}

impl Output {
    pub(crate) fn bytes(&self) -> u64 {
        self.tables.iter().map(|table| table.bytes()).sum()
    }
}

impl Store {
    // ANCHOR: build
    /// Writes what `source` gives into tables, but for tombstones that need not be kept. After an error nothing is left
    /// of them.
    pub(crate) fn build(
        &self,
        source: impl Source,
        keep_tombstone: impl Fn(&[u8]) -> bool,
    ) -> Result<Output> {
        let mut output = Output::default();
        let built = self.build_into(&mut output, source, keep_tombstone);
        if let Err(error) = built {
            self.count_failure();
            self.discard(&output);
            return Err(error);
        }
        Ok(output)
    }

    fn build_into(
        &self,
        output: &mut Output,
        mut source: impl Source,
        keep_tombstone: impl Fn(&[u8]) -> bool,
    ) -> Result<()> {
        let mut builder: Option<TableBuilder> = None;
        while let Some(key) = source.key() {
            let value = source.value();
            if value.is_some() || keep_tombstone(key) {
                let table = match &mut builder {
                    Some(table) => table,
                    None => builder.insert(self.begin_table(output)?),
                };
                table.push(key, value)?;
                if table.bytes() >= self.settings.table_bytes() {
                    self.finish_table(output, builder.take())?;
                }
            }
            source.advance()?;
        }
        self.finish_table(output, builder)
    }

    fn begin_table(&self, output: &mut Output) -> Result<TableBuilder> {
        self.refuse_if_given_up()?;
        // The mark of the last clean close lists no such table: it goes before this one gets its name.
        self.begin_change(&mut self.any_turn())?;
        let number = self.next_number.fetch_add(1, Ordering::AcqRel);
        let name = table_name(number);
        output.unfinished = Some(number);
        let file = install::begin(&*self.vfs, &name)?;
        let options = TableOptions {
            block_bytes: self.settings.block_bytes,
            compress: self.settings.lz4,
            filter_bits: self.settings.filter_bits,
            fingerprints: self.settings.fingerprints,
        };
        Ok(TableBuilder::new(file, name, number, &options))
    }

    fn finish_table(&self, output: &mut Output, builder: Option<TableBuilder>) -> Result<()> {
        let (Some(builder), Some(number)) = (builder, output.unfinished) else { return Ok(()) };
        let name = table_name(number);
        let built = builder.finish()?;
        install::commit(&*self.vfs, &*built.file, &name)?;
        self.counts.written_bytes.fetch_add(built.bytes, Ordering::Relaxed);
        output.tables.push(Arc::new(Table::open(built.file, name, number, &self.reading)?));
        output.unfinished = None;
        Ok(())
    }

    /// Removes what was built in vain. Best effort: what cannot be removed goes at the next opening.
    pub(crate) fn discard(&self, output: &Output) {
        let named = output.tables.iter().map(|table| table.number()).chain(output.unfinished);
        for name in named.map(table_name) {
            let _ = self.vfs.remove(&name);
            let _ = self.vfs.remove(&install::unfinished_name(&name));
        }
    }
    // ANCHOR_END: build

    // ANCHOR: commit
    /// Puts on the device that `output` belongs to `run`, or is a run of its own, and that other tables and logs are not
    /// needed any more; and publishes the state that this leads to.
    pub(crate) fn commit(
        &self,
        run: Option<u64>,
        output: Output,
        removed: Vec<u64>,
        log: Option<u64>,
        change: impl FnOnce(&State, Tree) -> State,
    ) -> Result<()> {
        let mut manifest = self.manifest();
        let begun = self.refuse_if_poisoned().and_then(|()| self.begin_change(&mut self.any_turn()));
        if let Err(error) = begun {
            self.discard(&output);
            return Err(error);
        }
        // A flush makes a new run, which has the number of its first table.
        let run = run.or_else(|| output.tables.first().map(|table| table.number())).unwrap_or_default();
        let added = output.tables.iter().map(|table| added(run, table)).collect();
        let edit = Edit { added, removed, log, next: self.next_number.load(Ordering::Acquire) };
        // Whatever happens from here on, the output stays: the edit that names it may be on the device.
        let bytes = manifest.commit(&edit).map_err(|e| self.poisoned_by(e))?;
        self.counts.written_bytes.fetch_add(bytes, Ordering::Relaxed);
        let tables = output.tables.into_iter().map(|table| (run, table)).collect();
        let tree = self.state.load().tree.with(&edit.removed, tables).map_err(|e| self.poisoned_by(e))?;
        self.change_state(&self.any_turn(), |state| change(state, tree));
        self.counts.manifest_bytes.store(manifest.tail().bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Begins a new manifest where the old one has grown. Until the new one is whole a failure changes nothing, and what is
    /// committed next tries again.
    pub(crate) fn renew_manifest(&self) -> Result<()> {
        let mut manifest = self.manifest();
        if manifest.growth_bytes() <= self.settings.manifest_bytes {
            return Ok(());
        }
        let mut whole = manifest.whole.clone();
        whole.next = self.next_number.fetch_add(1, Ordering::AcqRel);
        let renewed =
            Manifest::build(&*self.vfs, whole, manifest.tail()).inspect_err(|_| self.count_failure())?;
        let old = manifest.name().to_owned();
        *manifest = renewed.named(&*self.vfs).map_err(|e| self.poisoned_by(e))?;
        self.leftovers().push(old);
        self.counts.manifest_bytes.store(manifest.tail().bytes, Ordering::Relaxed);
        Ok(())
    }
    // ANCHOR_END: commit

    pub(crate) fn manifest(&self) -> MutexGuard<'_, Manifest> {
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ANCHOR: remove
    /// Removes what is not needed any more; what cannot be removed now stays for the next step.
    pub(crate) fn remove_leftovers(&self) -> Result<()> {
        let mut leftovers = self.leftovers();
        while let Some(name) = leftovers.last() {
            match self.vfs.remove(name) {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                other => other.during("remove", name)?,
            }
            leftovers.pop();
        }
        Ok(())
    }

    pub(crate) fn leftovers(&self) -> MutexGuard<'_, Vec<String>> {
        self.leftovers.lock().unwrap_or_else(PoisonError::into_inner)
    }
    // ANCHOR_END: remove
}

fn added(run: u64, table: &Table) -> Added {
    Added { run, number: table.number(), bytes: table.bytes(), last_checksum: table.last_checksum() }
}
