//! Upkeep: what is done beside reads and writes, and who waits for it.
//!
//! **Invariants**
//! 1. There are two *claims*, to flush and to compact. Who holds one is the only one who does that, so inputs need no
//!    marks; a flush never waits behind a compaction.
//! 2. A writer waits only before the turn, holding nothing, and only while more memory or more runs than allowed wait
//!    for upkeep. Where nobody attends to the store he does the upkeep himself. A flush that fails ends in its own error
//!    for him, never in a wait without end.
//! 3. A failed unit leaves the store as it was. It is tried again when there is something new to do, but not where a table
//!    is damaged: its run and all older ones stay as they are, and what comes above them is merged by itself. So there may be
//!    more runs than allowed, by as many as there were, and nobody waits for them.
//!
//! **Cost** A writer pays for upkeep with the bytes that it moves, and, over the limits, with the wait.

mod claims;
mod pace;

pub(crate) use claims::{Claim, Upkeep};
pub(crate) use pace::{By, Paced};

use crate::compaction::{self, Job, Rules, RunShape, Shape, TableShape};
use crate::names::Name;
use crate::state::Tree;
use crate::store::Store;
use claims::{Attending, Kind};
use contract::{Error, Result};
use std::sync::atomic::Ordering;

impl Store {
    // ANCHOR: step
    /// Does one unit of upkeep: a flush, or else a compaction. False if there is none to do, or others do it.
    pub(crate) fn upkeep_step(&self, by: By) -> Result<bool> {
        self.refuse_if_closed()?;
        self.refuse_if_poisoned()?;
        if !self.state.load().frozen.is_empty()
            && let Some(_claim) = self.try_claim(Kind::Flush, by)?
            && self.flush()?
        {
            return Ok(true);
        }
        if self.due().is_some()
            && let Some(_claim) = self.try_claim(Kind::Compact, by)?
            // Another thread may have done it between the look and the claim.
            && let Some(job) = self.due()
        {
            self.compact_job(&job, by).inspect_err(|error| self.note_damage(error))?;
            return Ok(true);
        }
        // Last, so that a file that cannot be removed is in nobody's way.
        let left = !self.leftovers().is_empty();
        self.remove_leftovers().map(|()| left)
    }

    /// The claim, if nobody holds it. The store may have been closed while this thread was on its way here; from then on
    /// nothing may be done.
    fn try_claim(&self, kind: Kind, by: By) -> Result<Option<Claim<'_>>> {
        let claim = self.upkeep.try_claim(kind, by);
        self.refuse_if_closed().map(|()| claim)
    }

    /// The same, once it is free.
    fn claim(&self, kind: Kind) -> Result<Claim<'_>> {
        let claim = self.upkeep.claim(kind);
        self.refuse_if_closed().map(|()| claim)
    }

    /// The compaction that is due, if one is. What could not be read is not tried again and again: a run with a table that is
    /// damaged, and all older ones, stay as they are, and only those that come above them are merged.
    fn due(&self) -> Option<Job> {
        let mut shape = shape(&self.state.load().tree);
        let damaged = self.upkeep.damaged();
        let is_damaged = |run: &RunShape| run.tables.iter().any(|table| damaged.contains(&table.number));
        shape.runs.truncate(shape.runs.iter().position(is_damaged).unwrap_or(shape.runs.len()));
        compaction::pick(&shape, &self.rules())
    }

    fn note_damage(&self, error: &Error) {
        if let Error::Corrupt { file, .. } = error
            && let Name::Table(number) = Name::parse(file)
        {
            self.upkeep.damaged().insert(number);
        }
    }

    /// Does upkeep whenever there is some, until the store is closed.
    pub(crate) fn upkeep_until_closed(&self) {
        let _attending = Attending::to(&self.upkeep);
        while self.closed.get().is_none() {
            let rings = self.upkeep.rings();
            // A unit that fails is counted, shown by `stats`, and tried again at the next ring.
            while let Ok(true) = self.upkeep_step(By::Attendant) {}
            if self.closed.get().is_none() {
                self.upkeep.wait_for_ring(rings);
            }
        }
    }
    // ANCHOR_END: step

    // ANCHOR: wait_for_room
    /// Waits while more waits for upkeep than may.
    pub(crate) fn wait_for_room(&self) -> Result<()> {
        if !self.is_over_limit() {
            return Ok(());
        }
        self.counts.stalls.fetch_add(1, Ordering::Relaxed);
        self.upkeep.ring();
        let failures = self.failures();
        while self.is_over_limit() {
            self.refuse_if_closed()?;
            self.refuse_if_poisoned()?;
            let changes = self.upkeep.changes();
            // What failed for others is tried once more here, where somebody hears of the error.
            let by_itself = !self.upkeep.is_attended() || self.failures() > failures;
            if by_itself && self.upkeep_or_damage()? || !self.is_over_limit() {
                continue;
            }
            self.upkeep.wait(changes);
        }
        Ok(())
    }

    /// Does upkeep for a writer. If damage ends a compaction, that is told to who reads what is damaged, and to who asks for
    /// a compaction; the writer waits for it no more.
    fn upkeep_or_damage(&self) -> Result<bool> {
        let known = self.upkeep.damaged().len();
        match self.upkeep_step(By::Caller) {
            Err(error) if error.is_corrupt() && self.upkeep.damaged().len() > known => Ok(true),
            other => other,
        }
    }

    fn is_over_limit(&self) -> bool {
        let state = self.state.load();
        let memory = !state.frozen.is_empty() && self.is_full(&state);
        // Where no strategy would make them fewer, waiting would not either.
        memory || state.tree.runs.len() > self.settings.max_runs() && self.due().is_some()
    }
    // ANCHOR_END: wait_for_room

    fn failures(&self) -> u64 {
        self.counts.failures.load(Ordering::Relaxed)
    }

    /// Counts a unit that failed: that is how who waits for it hears of it.
    pub(crate) fn count_failure(&self) {
        self.counts.failures.fetch_add(1, Ordering::Relaxed);
    }

    // ANCHOR: compact
    /// Flushes everything and merges it into one run.
    pub(crate) fn compact_all(&self) -> Result<()> {
        self.flush_all()?;
        let _claim = self.claim(Kind::Compact)?;
        match compaction::everything(&shape(&self.state.load().tree)) {
            Some(job) => self.compact_job(&job, By::Caller),
            None => Ok(()),
        }
    }

    /// Brings all that is in memory into tables.
    pub(crate) fn flush_all(&self) -> Result<()> {
        let _claim = self.claim(Kind::Flush)?;
        while self.flush()? {}
        let mut turn = self.turn()?;
        if self.state.load().active.entries() > 0 || !turn.pending.is_empty() {
            self.freeze(&mut turn)?;
        }
        drop(turn);
        while self.flush()? {}
        Ok(())
    }
    // ANCHOR_END: compact

    /// Waits until nobody does upkeep, and lets nobody begin for as long as what it returns lives. What is being built
    /// meanwhile is given up.
    pub(crate) fn end_upkeep(&self) -> [Claim<'_>; 2] {
        self.upkeep.given_up.store(true, Ordering::Relaxed);
        let claims = self.hold_upkeep();
        self.upkeep.given_up.store(false, Ordering::Relaxed);
        claims
    }

    /// Waits until nobody does upkeep, and lets nobody begin for as long as what it returns lives.
    pub(crate) fn hold_upkeep(&self) -> [Claim<'_>; 2] {
        [self.upkeep.claim(Kind::Flush), self.upkeep.claim(Kind::Compact)]
    }

    fn rules(&self) -> Rules {
        Rules {
            strategy: self.settings.strategy(),
            fan_out: self.settings.fan_out(),
            level_ratio: self.settings.level_ratio(),
            flush_bytes: self.settings.active_bytes(),
        }
    }

    /// Ends what is being built where the store is about to be closed.
    pub(crate) fn refuse_if_given_up(&self) -> Result<()> {
        if self.upkeep.given_up.load(Ordering::Relaxed) { Err(Error::Closed) } else { Ok(()) }
    }
}

/// What a strategy sees of a tree.
pub(crate) fn shape(tree: &Tree) -> Shape {
    let run = |run: &crate::state::Run| RunShape {
        number: run.number,
        tables: run
            .tables
            .iter()
            .map(|table| TableShape {
                number: table.number(),
                bytes: table.bytes(),
                smallest: table.smallest().to_vec(),
                largest: table.largest().to_vec(),
            })
            .collect(),
    };
    Shape { runs: tree.runs.iter().map(|r| run(r)).collect() }
}

#[cfg(test)]
mod tests;
