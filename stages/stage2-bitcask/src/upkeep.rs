//! Upkeep: what is done beside reads and writes, one unit at a time.
//!
//! **Invariants**
//! 1. One unit runs at a time; so no segment is in two merges, and nothing is closed under a merge.
//! 2. Syncs come first, then hints, then merges: a segment is merged only once everything before it is durable.
//! 3. A failed unit leaves the store as it was. It is tried again when a segment is full next.
//!
//! **Cost** A writer pays for upkeep only with the bytes that it moves.

use crate::pick::{Shape, dead_bytes, pick};
use crate::segment::Segment;
use crate::store::Store;
use contract::{IoContext, Result};
use stage1::log::header::HEADER_BYTES;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What only the one who does upkeep may touch.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    /// Files that have been replaced and could not be removed yet.
    pub(crate) leftovers: Vec<String>,
}

/// Wakes the thread that attends to the store.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Mutex<bool>,
    woken: Condvar,
}

impl Bell {
    /// There may be something to do.
    pub(crate) fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.woken.notify_all();
    }

    /// Waits until somebody has rung since the last wait.
    fn wait(&self) {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        while !*rung {
            rung = self.woken.wait(rung).unwrap_or_else(PoisonError::into_inner);
        }
        *rung = false;
    }
}

impl Store {
    pub(crate) fn upkeep(&self) -> MutexGuard<'_, Upkeep> {
        self.upkeep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ANCHOR: step
    /// Does one unit of upkeep; false if there is none to do.
    pub(crate) fn upkeep_step(&self) -> Result<bool> {
        let mut upkeep = self.upkeep();
        self.refuse_if_closed()?;
        self.refuse_if_poisoned()?;
        if let Some(full) = self.chain.behind() {
            self.make_durable(full)?;
            return Ok(true);
        }
        let sealed = self.sealed();
        if let Some(segment) = self.without_hint(&sealed) {
            self.write_hint(segment)?;
            return Ok(true);
        }
        let shapes: Vec<Shape> = sealed.iter().map(|segment| shape(segment)).collect();
        if let Some(due) = pick(&shapes, self.settings.merge_dead_percent()) {
            self.merge(&mut upkeep, &sealed[due])?;
            return Ok(true);
        }
        // Last, so that a file that cannot be removed is in nobody's way.
        let left = !upkeep.leftovers.is_empty();
        self.remove_leftovers(&mut upkeep).map(|()| left)
    }

    /// Does upkeep whenever there is some, until the store is closed.
    pub(crate) fn upkeep_until_closed(&self) {
        while self.closed.get().is_none() {
            // A unit that fails is counted, shown by `stats`, and tried again at the next bell.
            while let Ok(true) = self.upkeep_step() {}
            if self.closed.get().is_none() {
                self.bell.wait();
            }
        }
        // For another thread that attends to the same store.
        self.bell.ring();
    }
    // ANCHOR_END: step

    // ANCHOR: compact
    /// Merges everything into one segment, unless nothing in the store is dead.
    pub(crate) fn compact_all(&self) -> Result<()> {
        let mut upkeep = self.upkeep();
        let nothing_dead = || self.shapes().iter().all(|shape| dead_bytes(shape, true) == 0);
        let mut turn = self.turn()?;
        if nothing_dead() {
            return Ok(());
        }
        if turn.active.bytes() > HEADER_BYTES as u64 {
            self.roll(&mut turn)?;
        }
        if let [only] = self.sealed().as_slice()
            && only.id.is_run()
        {
            // A run gets a new name only together with a neighbour: an empty one serves.
            self.roll(&mut turn)?;
        }
        drop(turn);
        self.make_durable(self.chain.end())?;
        self.merge(&mut upkeep, &self.sealed())?;
        while let Some(segment) = self.without_hint(&self.sealed()) {
            self.write_hint(segment)?;
        }
        Ok(())
    }
    // ANCHOR_END: compact

    /// The sealed segments, the oldest first.
    pub(crate) fn sealed(&self) -> Vec<Arc<Segment>> {
        let mut segments = self.segments.load().oldest_first();
        segments.retain(|segment| segment.is_sealed());
        segments
    }

    /// What picking knows of every segment, the active one included, the oldest first.
    pub(crate) fn shapes(&self) -> Vec<Shape> {
        self.segments.load().oldest_first().iter().map(|segment| shape(segment)).collect()
    }

    fn without_hint<'a>(&self, sealed: &'a [Arc<Segment>]) -> Option<&'a Arc<Segment>> {
        sealed.iter().find(|s| self.settings.hints && s.lacks_hint() && !s.log.needs_sync())
    }

    /// Removes what has been replaced.
    pub(crate) fn remove_leftovers(&self, upkeep: &mut Upkeep) -> Result<()> {
        while let Some(name) = upkeep.leftovers.last() {
            match self.vfs.remove(name) {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                other => other.during("remove", name)?,
            }
            upkeep.leftovers.pop();
        }
        Ok(())
    }
}

fn shape(segment: &Segment) -> Shape {
    Shape {
        bytes: segment.bytes() - HEADER_BYTES as u64,
        live_bytes: segment.live_bytes(),
        tombstone_bytes: segment.tombstone_bytes(),
        is_run: segment.id.is_run(),
    }
}
