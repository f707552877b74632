//! What lies in a store's directory, before anything is believed or changed.
//!
//! **Invariants**
//! 1. Looking changes nothing. A store of another engine is recognised and refused.
//! 2. The segments that count cover the numbers from 1 on without a gap: a gap is a missing file. One that another's
//!    run covers is a leftover of a merge. Two that overlap otherwise never were in one store.
//! 3. A hint file whose segment is neither there nor covered says that a segment is missing.

use crate::ENGINE;
use crate::names::{Name, SegmentId};
use contract::{Error, IoContext, Result};
use stage1::survey::refuse_other_engines;
use vfs::Vfs;

/// The names in a directory, sorted into what they stand for.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// The segments that count, the oldest first.
    pub(crate) segments: Vec<SegmentId>,
    /// Segments that have a hint file and count.
    pub(crate) hints: Vec<SegmentId>,
    /// Hint files whose segment is not there.
    widowed_hints: Vec<SegmentId>,
    /// Logs that were set aside.
    pub(crate) asides: Vec<SegmentId>,
    /// Segments that a run has replaced.
    pub(crate) replaced: Vec<SegmentId>,
    /// Other files that were replaced or never got their name.
    pub(crate) leftovers: Vec<String>,
    /// Whether the mark of a clean close is there.
    pub(crate) clean: bool,
    /// Names that are not ours.
    pub(crate) foreign: Vec<String>,
    /// The largest number that a segment has ever had here, and its file's name.
    largest: (u32, String),
}

impl Survey {
    /// Looks at the directory.
    pub(crate) fn look(vfs: &dyn Vfs) -> Result<Self> {
        let mut survey = Self::default();
        let (mut logs, mut hints) = (Vec::new(), Vec::new());
        for name in vfs.list().during("list", &vfs.location())? {
            match Name::parse(&name) {
                Name::Log(id) => logs.push(id),
                Name::Hint(id) => hints.push(id),
                Name::Aside(id) => survey.asides.push(id),
                Name::Unfinished | Name::UnfinishedLog(_) => survey.leftovers.push(name),
                Name::Clean => survey.clean = true,
                Name::Foreign => {
                    refuse_other_engines(vfs, &name, ENGINE)?;
                    survey.foreign.push(name);
                }
            }
        }
        for id in logs.iter().chain(&survey.asides) {
            if id.last() > survey.largest.0 {
                survey.largest = (id.last(), id.log_name());
            }
        }
        survey.tell_apart(&logs, &hints);
        survey.asides.sort_unstable();
        survey.leftovers.sort_unstable();
        survey.foreign.sort_unstable();
        Ok(survey)
    }

    /// A number that no segment here has ever had.
    pub(crate) fn next_number(&self) -> Result<u32> {
        let (number, name) = &self.largest;
        number.checked_add(1).ok_or_else(|| Error::corrupt(name, 0, "no number comes after this one"))
    }

    /// Everything that a crash has left behind and that goes.
    pub(crate) fn all_leftovers(&self) -> Vec<String> {
        let replaced = self.replaced.iter().map(|id| id.log_name());
        self.leftovers.iter().cloned().chain(replaced).collect()
    }

    /// Finds out what counts and what was replaced.
    fn tell_apart(&mut self, logs: &[SegmentId], hints: &[SegmentId]) {
        for id in logs {
            let is_replaced = logs.iter().any(|other| other.replaces(*id));
            if is_replaced { &mut self.replaced } else { &mut self.segments }.push(*id);
        }
        self.segments.sort_unstable_by_key(|id| id.first());
        for hint in hints {
            if self.segments.contains(hint) {
                self.hints.push(*hint);
            } else if self.segments.iter().any(|id| id.replaces(*hint)) {
                self.leftovers.push(hint.hint_name());
            } else {
                self.widowed_hints.push(*hint);
            }
        }
    }

    // ANCHOR: tile
    /// The segments that count must leave no gap and not overlap.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(hint) = self.widowed_hints.first() {
            // First, since it knows what the missing file was called.
            let what = format!("missing; its hint file {} is there", hint.hint_name());
            return Err(Error::corrupt(&hint.log_name(), 0, what));
        }
        let mut next = 1;
        for id in &self.segments {
            if id.first() > next {
                let missing = SegmentId::plain(next).log_name();
                let last = id.first() - 1;
                let what = format!(
                    "missing: no file covers the segments from {next} to {last}; the next is {id}.log"
                );
                return Err(Error::corrupt(&missing, 0, what));
            }
            if id.first() < next {
                let what = "covers segments that another file covers too; one of them is not this store's";
                return Err(Error::corrupt(&id.log_name(), 0, what));
            }
            next = id.last().saturating_add(1);
        }
        Ok(())
    }
    // ANCHOR_END: tile
}
