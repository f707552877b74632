//! Upkeep: claims, who waits and who wakes him, what may be chosen; and what a closed store still does.

use crate::rules::{Rule, rule};

pub(super) static RULES: [Rule; 44] = [
    // Claims.
    rule("of each kind one holds the claim", "claims.rs", "(!held).then(", "true.then("),
    rule("a claim is given back", "claims.rs", "*claims.of(self.kind) = false;", ""),
    rule(
        "who waits for a claim is woken",
        "claims.rs",
        "claims.changes += 1;\n        claims.rings += u64",
        "claims.rings += u64",
    ),
    rule(
        "who was refused a claim hears when a caller gives it back",
        "claims.rs",
        "claims.rings += u64::from(self.by == By::Caller);",
        "",
    ),
    rule("who waits for a claim is told", "claims.rs", "self.upkeep.changed.notify_all();", ""),
    rule("who waits for a ring hears it", "claims.rs", "claims.rings += 1;", ""),
    rule("who attends no more says so", "claims.rs", "self.0.claims().attending -= 1;", ""),
    rule("who waits for an attendant that goes is woken", "claims.rs", "self.0.ring();", ""),
    rule(
        "a flush in a step needs the claim",
        "upkeep.rs",
        "&& let Some(_claim) = self.try_claim(Kind::Flush, by)?",
        "",
    ),
    rule(
        "a compaction in a step needs the claim",
        "upkeep.rs",
        "&& let Some(_claim) = self.try_claim(Kind::Compact, by)?",
        "",
    ),
    rule(
        "a compaction on demand needs the claim",
        "upkeep.rs",
        "let _claim = self.claim(Kind::Compact)?;",
        "",
    ),
    rule("a flush on demand needs the claim", "upkeep.rs", "let _claim = self.claim(Kind::Flush)?;", ""),
    rule(
        "a job is chosen once the claim is held",
        "upkeep.rs",
        "if self.due().is_some()\n            && let Some(_claim) = self.try_claim(Kind::Compact, by)?",
        "if let Some(job) = self.due() && let Some(_claim) = self.try_claim(Kind::Compact, by)? { \
         self.compact_job(&job, by).inspect_err(|error| self.note_damage(error))?; return Ok(true); } if false",
    ),
    // What a closed store still does.
    rule(
        "a claim comes too late for a closed store",
        "upkeep.rs",
        "self.refuse_if_closed().map(|()| claim)",
        "Ok(claim)",
    ),
    rule("a closed store is closed", "", "self.refuse_if_closed()?;", ""),
    rule("a closed store is not scanned", "scan.rs", "store.refuse_if_closed()?;", ""),
    rule("who has the turn ends before close flushes", "close.rs", "drop(self.any_turn());", ""),
    rule("close waits for upkeep", "close.rs", "let _upkeep = self.end_upkeep();", ""),
    rule("a second close waits for the first", "close.rs", "drop(self.hold_upkeep());", ""),
    rule("close ends what is being built", "build.rs", "self.refuse_if_given_up()?;", ""),
    rule(
        "what close flushes is not given up",
        "upkeep.rs",
        "self.upkeep.given_up.store(false, Ordering::Relaxed);",
        "",
    ),
    // Waiting for room.
    rule("a writer waits for room", "", "self.wait_for_room()?;", ""),
    rule("a writer waits while memory is full", "upkeep.rs", "memory || state.tree", "state.tree"),
    rule(
        "a writer waits while there are too many runs",
        "upkeep.rs",
        "memory || state.tree.runs.len() > self.settings.max_runs() && self.due().is_some()",
        "memory",
    ),
    rule(
        "nobody waits for a compaction that no strategy wants",
        "upkeep.rs",
        " && self.due().is_some()\n    }",
        "\n    }",
    ),
    rule("who waits hears of a failure", "upkeep.rs", " || self.failures() > failures;", ";"),
    rule(
        "nobody waits for a damaged table",
        "upkeep.rs",
        "shape.runs.truncate(shape.runs.iter().position(is_damaged).unwrap_or(shape.runs.len()));",
        "let _ = is_damaged;",
    ),
    rule("a damaged table is remembered", "upkeep.rs", ".inspect_err(|error| self.note_damage(error))?", "?"),
    rule(
        "damage in a compaction is not told to a writer",
        "upkeep.rs",
        "Err(error) if error.is_corrupt() && self.upkeep.damaged().len() > known => Ok(true),",
        "",
    ),
    rule("who waits is woken", "", "self.upkeep.ring();", ""),
    rule("a failure is counted", "upkeep.rs", "self.counts.failures.fetch_add(1, Ordering::Relaxed);", ""),
    rule(
        "one full memtable waits at a time",
        "write.rs",
        "state.frozen.is_empty() && self.is_full(&state)",
        "self.is_full(&state)",
    ),
    rule("a log has a limit", "write.rs", " || log_bytes / LOG_TIMES >= limit", ""),
    rule(
        "a manifest has a limit",
        "build.rs",
        "if manifest.growth_bytes() <= self.settings.manifest_bytes {",
        "if true {",
    ),
    rule(
        "who queued is told of a failure",
        "write.rs",
        "Some(Err(cause)) => Err(self.refused(cause)),",
        "Some(Err(_)) => Ok(()),",
    ),
    // What may be written, and what may be chosen.
    rule("an entry over the limits is refused", "store.rs", "check_entry(entry)?;", ""),
    rule("a batch over the limits is refused", "store.rs", "batch.check()?;", ""),
    rule("a value that no option has is refused", "store.rs", "Options::new(&SPECS).set(name, value)?;", ""),
    rule(
        "an option that stands in files does not change",
        "store.rs",
        "if !SPECS.iter().any(|spec| spec.name == name && spec.live) {",
        "if false {",
    ),
    rule(
        "a job takes what overlaps",
        "leveled.rs",
        "table.smallest <= largest && smallest <= table.largest",
        "false",
    ),
    rule(
        "a job takes what touches its largest key",
        "leveled.rs",
        "table.smallest <= largest",
        "table.smallest < largest",
    ),
    rule(
        "a job takes what touches its smallest key",
        "leveled.rs",
        "smallest <= table.largest",
        "smallest < table.largest",
    ),
    rule("what is dead takes bounded space", "tiered.rs", "due.then_some(0..sizes.len())", "None"),
    rule(
        "there are not too many runs",
        "tiered.rs",
        "(sizes.len() > rules.fan_out * tiers).then_some(",
        "false.then_some(",
    ),
];
