//! How a store ends: the mark of a clean close, and poison.

use crate::rules::{Rule, rule};

pub(super) static RULES: [Rule; 22] = [
    // The mark of a clean close.
    rule(
        "the mark goes before a write",
        "write.rs",
        "self.begin_change(turn)?;\n        self.freeze",
        "self.freeze",
    ),
    rule(
        "the mark goes before another log is begun",
        "write.rs",
        "self.begin_change(turn)?;\n        if",
        "if",
    ),
    rule(
        "the mark goes before a table gets its name",
        "build.rs",
        "self.begin_change(&mut self.any_turn())?;",
        "",
    ),
    rule(
        "the mark goes before an edit of the manifest",
        "build.rs",
        ".and_then(|()| self.begin_change(&mut self.any_turn()))",
        "",
    ),
    rule(
        "the mark is removed",
        "write.rs",
        "clean::remove(&*self.vfs).map_err(|e| self.poisoned_by(e))?;",
        "",
    ),
    rule("close leaves a mark", "close.rs", "clean::write(&*self.vfs, ENGINE, &files)", "Ok(())"),
    rule("reserved room is given back at close", "close.rs", "turn.writer.give_room_back()?;", ""),
    rule(
        "reserved room is given back where a log is full",
        "write.rs",
        "turn.writer.give_room_back().map_err(|e| self.poisoned_by(e))?;",
        "",
    ),
    rule("replaced files are gone before the mark is there", "close.rs", "self.remove_leftovers()?;", ""),
    rule("the mark speaks of one log", "close.rs", "while self.flush()? {}", ""),
    rule(
        "what close has frozen it flushes",
        "close.rs",
        "drop(turn);\n            self.flush()?;\n            turn = self.any_turn();",
        "",
    ),
    rule("a store that was not changed is closed as it is", "close.rs", "if turn.clean {", "if false {"),
    // Poison.
    rule("the first failure is remembered", "write.rs", "self.poison.get_or_init(|| error.to_string());", ""),
    rule(
        "a poisoned store refuses a write",
        "write.rs",
        "self.refuse_if_poisoned()?;\n        Ok(turn)",
        "Ok(turn)",
    ),
    rule(
        "a poisoned store refuses a write without company",
        "write.rs",
        "self.refuse_if_poisoned()?;\n            let end",
        "let end",
    ),
    rule(
        "a poisoned store syncs no more",
        "write.rs",
        "self.refuse_if_poisoned()?;\n        let synced",
        "let synced",
    ),
    rule("a poisoned store refuses a sync", "store.rs", "self.refuse_if_poisoned()?;", ""),
    rule("a poisoned store leaves no mark", "close.rs", "self.refuse_if_poisoned()?;", ""),
    rule(
        "a poisoned store commits nothing",
        "build.rs",
        "self.refuse_if_poisoned().and_then(|()| ",
        "Ok(()).and_then(|()| ",
    ),
    rule("a poisoned store does no upkeep", "upkeep.rs", "self.refuse_if_poisoned()?;", ""),
    rule("a failed append, sync or commit poisons", "", ".map_err(|e| self.poisoned_by(e))", ""),
    rule(
        "a store whose recovery failed is not closed as if it were whole",
        "recover.rs",
        "finish().map_err(|error| store.poisoned_by(error))?;",
        "finish()?;",
    ),
];
