//! What never happens in compaction, and why.

use super::log::CLOSED_IN_BETWEEN;
use super::{Reason, by_chance, never_called, never_false, never_run, never_true};

pub(crate) static REASONS: &[Reason] = &[
    never_false("compact.rs", "&& let Some(frame) = passed.frame()", NO_VALUE_SKIPPED),
    never_false("stage2-bitcask/src/merge.rs", "let Some(plan) = self.plan(inputs) else", RUN_ALONE),
    never_run("stage2-bitcask/src/merge.rs", "inputs.first()?.id.first()", RUN_ALONE),
    never_true("stage2-bitcask/src/merge.rs", "if inputs.iter().any(|input| input.id == id)", RUN_ALONE),
    never_false(
        "stage2-bitcask/src/merge.rs",
        "if let Some(input) = inputs.iter().position(",
        "the keydir was asked for places in these inputs alone",
    ),
    by_chance(never_run("stage2-bitcask/src/merge.rs", "self.refuse_if_closed()?;", CLOSED_IN_BETWEEN)),
    never_false(
        "stage2-bitcask/src/merge.rs",
        "} else if let Some(frame) = passed.frame()",
        NO_VALUE_SKIPPED,
    ),
    by_chance(never_run(
        "stage2-bitcask/src/merge.rs",
        "self.begin_change(&mut *self.turn()?)",
        CLOSED_IN_BETWEEN,
    )),
    never_called("flush.rs", "let missing = |run: u64|", ONE_COMPACTS),
    never_called("flush.rs", ".ok_or_else(|| missing(*number))?", ONE_COMPACTS),
    never_false(
        "stage3-lsm/src/merge.rs",
        "let Some(&front) = self.order.first() else",
        "who has come to the end of a merge does not go on",
    ),
    by_chance(never_run("stage3-lsm/src/upkeep.rs", "self.try_claim(Kind::Flush, by)?", CLOSED_IN_BETWEEN)),
    by_chance(never_run("stage3-lsm/src/upkeep.rs", "self.try_claim(Kind::Compact, by)?", CLOSED_IN_BETWEEN)),
    by_chance(never_run(
        "stage3-lsm/src/upkeep.rs",
        "let _claim = self.claim(Kind::Compact)?;",
        CLOSED_IN_BETWEEN,
    )),
    by_chance(never_false("stage3-lsm/src/upkeep.rs", "&& self.flush()?", DONE_IN_BETWEEN)),
    by_chance(never_false("stage3-lsm/src/upkeep.rs", "&& let Some(job) = self.due()", DONE_IN_BETWEEN)),
    never_false(
        "stage3-lsm/src/upkeep.rs",
        "&& let Name::Table(number) = Name::parse(file)",
        "what a compaction reads are tables",
    ),
    by_chance(never_false(
        "stage3-lsm/src/upkeep.rs",
        "if by_itself && self.upkeep_or_damage()?",
        DONE_IN_BETWEEN,
    )),
    never_false(
        "stage3-lsm/src/upkeep.rs",
        "Err(error) if error.is_corrupt() && self.upkeep.damaged().len() > known",
        "a table that is known to be damaged is taken for no compaction",
    ),
    by_chance(never_true(
        "stage3-lsm/src/upkeep.rs",
        "active.entries() > 0 || !turn.pending.is_empty()",
        "only where everything is asked for while the first write of a memtable waits for its sync",
    )),
    by_chance(never_false(
        "pace.rs",
        "let Some(rest) = due.checked_duration_since(now) else",
        "only on a machine that merges more slowly than the rate that was set",
    )),
];

const NO_VALUE_SKIPPED: &str = "this walk skips no value";
const RUN_ALONE: &str =
    "whoever picks inputs picks some, and no run alone; this would notice if that changed";
const ONE_COMPACTS: &str = "who compacts holds the claim, so no run goes but by him";
const DONE_IN_BETWEEN: &str = "only where another thread has done it between the look and the claim";
