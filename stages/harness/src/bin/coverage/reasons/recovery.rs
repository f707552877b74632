//! What never happens in recovery, and why.

use super::{Reason, by_chance, never_false, never_run, never_true};

pub(crate) static REASONS: &[Reason] = &[
    never_run("clean.rs", "let version = u32::from_le_bytes(rest.take().ok_or_else(truncated)?);", FIXED),
    never_run("clean.rs", "let engine = rest.take().ok_or_else(truncated)?;", FIXED),
    never_run("clean.rs", "let count = u32::from_le_bytes(rest.take().ok_or_else(truncated)?);", FIXED),
    never_false("replay.rs", "let Some(frame) = passed.frame() else { return };", "this walk skips no value"),
    never_false("hint.rs", "Some((_, stored)) if n == len", SHRINKS),
    never_run("hint.rs", "the file ends within its records", SHRINKS),
    never_run("hint/builder.rs", "let header = self.header(covered_bytes)?;", MANY_KEYS),
    never_run("hint/builder.rs", "u32::try_from(self.count).map_err(", MANY_KEYS),
    by_chance(never_true(
        "hints.rs",
        "if !turn.pending.is_empty()",
        "only where an index is built anew while a write waits for its sync",
    )),
    never_run(
        "judge.rs",
        "_ => (last.end, \"the log ends here\"),",
        "nothing is behind an end that is neither torn nor cut",
    ),
    never_false(
        "judge.rs",
        "if let Some(cut) = &mut report.cut",
        "logs are behind an end only where something was cut off",
    ),
    never_false(
        "stage2-bitcask/src/recover.rs",
        "let Some(active) = segments.last().cloned() else",
        HAS_SEGMENT,
    ),
    never_run("stage2-bitcask/src/recover.rs", "let id = SegmentId::plain(survey.next_number()?);", NO_FILES),
    never_run("stage1-log/src/recover.rs", "number: survey.next_number()?,", NO_FILES),
    never_false(
        "stage2-bitcask/src/recover.rs",
        "if let Some(replay) = accepted.iter().find(",
        "a segment that has a hint was on the device, and nothing that was is behind the end",
    ),
    never_false(
        "stage3-lsm/src/recover.rs",
        "if let Some(last) = recovered.last()",
        "one was pushed where there was none",
    ),
];

const FIXED: &str = "that so much is there has been looked at before";
const SHRINKS: &str = "the file's size was compared a moment ago: it would have to shrink in between";
const MANY_KEYS: &str = "it takes four billion keys in one segment";
const HAS_SEGMENT: &str = "every way of opening has made a segment";
const NO_FILES: &str = "without logs there is no largest number";
