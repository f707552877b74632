//! A scan: the live entries of a range as they were when it began.
//!
//! **Invariants**
//! 1. It owns the state of that moment, and holds on to the number of its last write: later writes, flushes and
//!    compactions do not show.
//! 2. A table is opened for it only once the walk reaches it.
//! 3. After the store is closed it goes on: it removes nothing, and nothing that it reads is removed.
//!
//! **Cost** A seek in every memtable and in one table of every run; then one comparison a pair for as long as the next
//! pair comes from the same part. Blocks are read one after the other, and values are lent from where they lie.

use crate::merge::Merge;
use crate::pins::Pin;
use crate::source::Source;
use crate::state::{Run, State};
use crate::store::Store;
use crate::{memtable, table};
use contract::{Cursor, KeyRange, Result};
use std::ops::Bound;
use std::sync::Arc;

/// One sorted part of a state.
pub(crate) enum Part {
    /// A memtable.
    Memory(memtable::Walk),
    /// A run.
    Run(RunSource),
}

impl Source for Part {
    fn key(&self) -> Option<&[u8]> {
        match self {
            Self::Memory(source) => source.key(),
            Self::Run(source) => source.key(),
        }
    }

    fn value(&self) -> Option<&[u8]> {
        match self {
            Self::Memory(source) => source.value(),
            Self::Run(source) => source.value(),
        }
    }

    fn advance(&mut self) -> Result<()> {
        match self {
            Self::Memory(source) => source.advance(),
            Self::Run(source) => source.advance(),
        }
    }
}

/// A walk over a run, table by table.
pub(crate) struct RunSource {
    run: Arc<Run>,
    /// The table after the one that is walked.
    next: usize,
    table: Option<table::TableSource>,
    fill_cache: bool,
}

impl RunSource {
    // ANCHOR: run
    /// Starts at `start`.
    pub(crate) fn new(run: Arc<Run>, start: Bound<&[u8]>, fill_cache: bool) -> Result<Self> {
        let first = run.tables.partition_point(|table| match start {
            Bound::Unbounded => false,
            Bound::Included(key) => table.largest() < key,
            Bound::Excluded(key) => table.largest() <= key,
        });
        let table = run.tables.get(first).map(|table| table.source(start, fill_cache)).transpose()?;
        Ok(Self { run, next: first + 1, table, fill_cache })
    }
    // ANCHOR_END: run
}

impl Source for RunSource {
    fn key(&self) -> Option<&[u8]> {
        self.table.as_ref()?.key()
    }

    fn value(&self) -> Option<&[u8]> {
        self.table.as_ref()?.value()
    }

    fn advance(&mut self) -> Result<()> {
        let Some(table) = &mut self.table else { return Ok(()) };
        table.advance()?;
        if table.key().is_none()
            && let Some(next) = self.run.tables.get(self.next)
        {
            self.table = Some(next.source(Bound::Unbounded, self.fill_cache)?);
            self.next += 1;
        }
        Ok(())
    }
}

/// A position among live pairs.
pub(crate) struct TreeCursor {
    merge: Merge<Part>,
    end: Bound<Vec<u8>>,
    /// Whether the walk is past its end.
    over: bool,
    _pin: Pin,
}

impl TreeCursor {
    // ANCHOR: scan
    pub(crate) fn new(store: &Store, range: KeyRange<'_>) -> Result<Self> {
        store.refuse_if_closed()?;
        let (state, pin) = {
            let turn = store.any_turn();
            // Nobody applies meanwhile: the state and the number of the last write fit each other.
            (store.state.load_full(), store.pins.take(turn.seq))
        };
        let merge = Merge::new(if range.is_empty() { Vec::new() } else { parts(&state, range, &pin)? });
        let mut cursor = Self { merge, end: range.end.map(<[u8]>::to_vec), over: false, _pin: pin };
        cursor.skip_to_live()?;
        Ok(cursor)
    }
    // ANCHOR_END: scan

    /// Goes on to the next live pair, if it does not stand on one.
    fn skip_to_live(&mut self) -> Result<()> {
        while let Some(key) = self.merge.key() {
            self.over = match &self.end {
                Bound::Unbounded => false,
                Bound::Included(end) => key > end.as_slice(),
                Bound::Excluded(end) => key >= end.as_slice(),
            };
            if self.over || self.merge.value().is_some() {
                return Ok(());
            }
            self.merge.advance()?;
        }
        Ok(())
    }
}

/// The parts of a state that can hold keys of the range, the newest first.
fn parts(state: &State, range: KeyRange<'_>, pin: &Pin) -> Result<Vec<Part>> {
    let mut parts: Vec<_> =
        state.memtables().map(|memtable| Part::Memory(memtable.source(range.start, pin.seq()))).collect();
    for run in &state.tree.runs {
        parts.push(Part::Run(RunSource::new(Arc::clone(run), range.start, true)?));
    }
    Ok(parts)
}

// ANCHOR: cursor
impl Cursor for TreeCursor {
    fn key(&self) -> Option<&[u8]> {
        if self.over { None } else { self.merge.key() }
    }

    fn value(&mut self) -> Result<&[u8]> {
        Ok(if self.over { None } else { self.merge.value() }.unwrap_or_default())
    }

    fn advance(&mut self) -> Result<()> {
        if self.over {
            return Ok(());
        }
        self.merge.advance()?;
        self.skip_to_live()
    }
}
// ANCHOR_END: cursor
