//! Closing: everything on the device, the index saved, and the mark that says so.
//!
//! **Invariants** The mark lists what is there, and what is not listed does not come back: removals are durable first.
//!
//! **Cost** A sync; one read of each segment that has no hint yet, the active one among them; two syncs for the mark.

use crate::ENGINE;
use crate::segment::Segment;
use crate::store::Store;
use crate::turn::Turn;
use crate::upkeep::Upkeep;
use contract::Result;
use stage1::clean::{self, Listed};
use std::sync::Arc;

impl Store {
    pub(crate) fn close_once(&self) -> Result<()> {
        let first = self.closed.set(()).is_ok();
        self.bell.ring();
        // A merge that is running sees that the store is closed, and gives up.
        let mut upkeep = self.upkeep();
        let mut turn = self.any_turn();
        if !first {
            return Ok(());
        }
        let result = self.close_cleanly(&mut turn, &mut upkeep);
        self.handles.close();
        turn.lock = None;
        result
    }

    // ANCHOR: close_cleanly
    /// Makes everything durable, saves what of the index is not saved, and leaves the mark of a clean close.
    fn close_cleanly(&self, turn: &mut Turn, upkeep: &mut Upkeep) -> Result<()> {
        self.refuse_if_poisoned()?;
        if turn.clean {
            return Ok(());
        }
        turn.writer.give_room_back().map_err(|e| self.poisoned_by(e))?;
        self.sync_everything()?;
        self.apply_pending(turn);
        let segments = self.segments.load().oldest_first();
        if self.settings.hints {
            for segment in segments.iter().filter(|segment| segment.lacks_hint()) {
                self.write_hint(segment)?;
            }
        }
        self.remove_leftovers(upkeep)?;
        self.sync_dir()?;
        let last = turn.writer.tail().last_checksum;
        let listed: Vec<_> = segments.iter().flat_map(|segment| listed(segment, last)).collect();
        clean::write(&*self.vfs, ENGINE, &listed)
    }
    // ANCHOR_END: close_cleanly
}

/// A segment as the mark lists it, and its hint if that speaks for all of it: with the last checksum that it remembers.
fn listed(segment: &Arc<Segment>, active_last: u32) -> impl Iterator<Item = Listed> {
    let last_checksum = segment.last_checksum().unwrap_or(active_last);
    let log = Listed { name: segment.log.name.clone(), bytes: segment.bytes(), last_checksum };
    let has_hint = segment.hint_file_bytes() > 0 && !segment.lacks_hint();
    let hint = Listed { name: segment.id.hint_name(), bytes: segment.hint_file_bytes(), last_checksum };
    [Some(log), has_hint.then_some(hint)].into_iter().flatten()
}
