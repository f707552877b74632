//! From the log into the keydir: what was appended becomes what readers find.
//!
//! **Invariants**
//! 1. Entries are applied in the order of the log, in the writer's turn.
//! 2. Where every write is synced, they are applied after their sync: nobody sees what a power failure could still take
//!    back.
//! 3. A batch is applied at once: no reader sees a part of it.

use crate::chain::Position;
use crate::keydir::Location;
use crate::segment::{Segment, account};
use crate::store::Store;
use crate::turn::Turn;
use stage1::frame::{HEAD_BYTES, Head, Kind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What is appended, and waits for its sync.
pub(crate) struct Pending {
    /// It may be seen once everything before this is on the device.
    until: Position,
    segment: Arc<Segment>,
    /// The offset of the first frame.
    first: u64,
    frames: Vec<u8>,
}

impl Pending {
    pub(crate) fn new(segment: &Arc<Segment>, first: u64, frames: &[u8]) -> Self {
        let until = Position::new(segment.slot, segment.bytes());
        Self { until, segment: Arc::clone(segment), first, frames: frames.to_vec() }
    }

    /// Where the newest entry of `key` in it lies.
    pub(crate) fn find(&self, key: &[u8]) -> Option<Location> {
        let newest = entries(&self.frames, self.segment.slot, self.first).filter(|(k, _)| *k == key).last();
        newest.map(|(_, at)| at)
    }
}

// ANCHOR: entries
/// The entries in `frames`, the first of which lies at `offset` of the segment in `slot`.
fn entries(mut frames: &[u8], slot: u32, mut offset: u64) -> impl Iterator<Item = (&[u8], Location)> {
    std::iter::from_fn(move || {
        let head = Head::parse(frames.first_chunk()?).ok()?;
        let (frame, rest) = frames.split_at_checked(head.len())?;
        let at = locate(&head, slot, offset);
        frames = rest;
        offset += u64::from(at.bytes);
        Some((&frame[HEAD_BYTES..head.key_end()], at))
    })
}

/// The location of the frame with this head.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the limits of keys and values keep a frame under 2^31 bytes"
)]
pub(crate) fn locate(head: &Head, slot: u32, offset: u64) -> Location {
    Location { segment: slot, offset, bytes: head.len() as u32, tombstone: head.kind == Kind::Tombstone }
}
// ANCHOR_END: entries

impl Store {
    // ANCHOR: apply
    /// Puts what lies in `segment` from `first` on into the keydir.
    pub(crate) fn apply(&self, segment: &Segment, first: u64, frames: &[u8]) {
        let segments = self.segments.load();
        let mut entries = entries(frames, segment.slot, first);
        let Some((key, at)) = entries.next() else { return };
        if at.bytes as usize == frames.len() {
            let old = self.keydir.set(key, at);
            return account(|slot| segments.get(slot), at, old);
        }
        let all: Vec<_> = std::iter::once((key, at)).chain(entries).collect();
        self.keydir.set_all(&all, |at, old| account(|slot| segments.get(slot), at, old));
    }
    // ANCHOR_END: apply

    // ANCHOR: apply_pending
    /// Applies what has waited for its sync and has got it.
    pub(crate) fn apply_pending(&self, turn: &mut Turn) {
        while let Some(next) = turn.pending.pop_front_if(|next| self.chain.reached(next.until)) {
            self.apply(&next.segment, next.first, &next.frames);
            self.applied.store(next.until.0, Ordering::Release);
        }
    }
    // ANCHOR_END: apply_pending
}
