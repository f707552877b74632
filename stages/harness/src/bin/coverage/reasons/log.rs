//! What never happens in the log, and why.

use super::{Reason, by_chance, never_called, never_false, never_run, never_true};

// ANCHOR: reasons
pub(crate) static REASONS: &[Reason] = &[
    never_run("frame.rs", ".try_into().ok()?", "the eight bytes of a slice of eight make a number"),
    never_called(
        "stage1-log/src/log.rs",
        "usize::try_from(at.bytes).map_err(",
        "where memory has addresses of 64 bits, every length is one",
    ),
    // ANCHOR_END: reasons
    never_false("chain.rs", "if let Some(next) = links.front()", "there were two before the first was taken"),
    never_false("segment.rs", "if let Some(segment) = segment(new.segment)", NO_STRANGE_SLOT),
    never_run("segment.rs", "Some((old, segment(old.segment)?))", NO_STRANGE_SLOT),
    never_called("segment.rs", "let missing = || Error::corrupt(\"keydir\"", NO_STRANGE_SLOT),
    never_false("segment.rs", "if let Some(place) = by_slot.get_mut(", NO_STRANGE_SLOT),
    never_true(
        "segment.rs",
        "frame.key() != key || frame.bytes().len()",
        "the key at this place has its own length, unless a hint is forged together with its checksums",
    ),
    never_true(
        "stage2-bitcask/src/turn.rs",
        "if slot >= MAX_SLOTS",
        "it takes 16 million segments in one process",
    ),
    by_chance(never_true(
        "write.rs",
        "Err(_) if frames.bytes().len() > QUEUED_BYTES",
        "only where another writer has the turn at this moment, and one waits for it with more than 64 KiB",
    )),
    by_chance(never_run("write.rs", "let mut turn = self.turn()?;", CLOSED_IN_BETWEEN)),
    never_run("write.rs", "None => unreachable!(", "it says so itself: who looks has appended the queue"),
    by_chance(never_run(
        "write.rs",
        "self.make_durable(self.chain.end())?;",
        "only where a sync fails for one thread while another one begins a memtable",
    )),
    never_run("write.rs", "Head::parse(frames.first_chunk()?).ok()?", OWN_FRAMES),
    never_run("write.rs", "frames.split_at_checked(head.len())?", OWN_FRAMES),
];

const NO_STRANGE_SLOT: &str =
    "slots are given by the list that is asked here, and the keydir points at no segment that is gone";
const OWN_FRAMES: &str = "these frames were built in memory a moment ago, and are whole";
pub(super) const CLOSED_IN_BETWEEN: &str =
    "only where another thread closes or poisons the store between one look and the next";
