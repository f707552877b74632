//! What is seen: the memtable, pins, merges, scans, and the rule of tombstones.

use crate::rules::{Rule, rule};

pub(super) static RULES: [Rule; 41] = [
    // What is seen, and when.
    rule(
        "where every write is synced, nobody sees it before",
        "write.rs",
        "if self.settings.every_write() {\n            turn.pending",
        "if false {\n            turn.pending",
    ),
    rule(
        "only what is synced is applied",
        "write.rs",
        "self.chain.reached(next.until)",
        "next.until >= Position::default()",
    ),
    rule(
        "a batch is applied at once",
        "write.rs",
        "self.state.load().active.apply(entries(frames), turn.seq, self.pins.newest());",
        "for entry in entries(frames) { \
         self.state.load().active.apply(std::iter::once(entry), turn.seq, self.pins.newest()); }",
    ),
    rule("a write knows the newest pin", "write.rs", "self.pins.newest()", "None"),
    rule("each write has its number", "write.rs", "turn.seq += 1;", ""),
    rule(
        "put_if_absent knows what waits for its sync",
        "store.rs",
        "match turn.is_pending(key) {",
        "match turn.is_pending(key).filter(|_| false) {",
    ),
    rule(
        "of what waits the newest counts",
        "write.rs",
        "self.pending.iter().rev().find_map",
        "self.pending.iter().find_map",
    ),
    rule(
        "of a batch that waits the last entry counts",
        "write.rs",
        ".last()\n                .map",
        ".next()\n                .map",
    ),
    rule(
        "nobody applies while a scan sees where it is",
        "scan.rs",
        "(store.state.load_full(), store.pins.take(turn.seq))",
        "{ let seq = turn.seq; drop(turn); (store.state.load_full(), store.pins.take(seq)) }",
    ),
    // The memtable.
    rule("a version that a pin needs stays", "page.rs", "if newest_pin >= Some(old.seq) {", "if false {"),
    rule(
        "also where the pin is as new as that one",
        "page.rs",
        "if newest_pin >= Some(old.seq) {",
        "if newest_pin > Some(old.seq) {",
    ),
    rule(
        "older versions stay while there is a pin",
        "page.rs",
        "if newest_pin.is_some() { (old.older, None) }",
        "if false { (old.older, None) }",
    ),
    rule(
        "a walk sees what was there at its moment",
        "page.rs",
        "if record.seq <= seq {",
        "if record.seq < seq {",
    ),
    rule("a walk sees nothing newer than its moment", "page.rs", "if record.seq <= seq {", "if true {"),
    rule(
        "a new arena keeps what pins need",
        "page.rs",
        "self.part(0..self.len, shared, newest_pin.is_some())",
        "self.part(0..self.len, shared, false)",
    ),
    rule("a divided page keeps what pins need", "memtable.rs", ", pin.is_some());", ", false);"),
    rule(
        "who comes by old boundaries goes on to the right",
        "memtable.rs",
        "if node.right != neighbour && *key >= *self.leaves.get(right).lower =>",
        "if false =>",
    ),
    rule(
        "where numbers of boundaries are equal, their bytes decide",
        "boundaries.rs",
        "if self.numbers.get(at) != Some(&number) {",
        "if true {",
    ),
    // Pins.
    rule(
        "the newest pin decides",
        "pins.rs",
        "self.held().last_key_value()",
        "self.held().first_key_value()",
    ),
    rule("a moment is held until all have let go of it", "pins.rs", "if *count == 0 {", "if true {"),
    rule("a moment that all have let go of is forgotten", "pins.rs", "held.remove(&self.seq);", ""),
    // Merging, scanning.
    rule("of a key only the newest entry comes out", "merge.rs", "while self.shadowing {", "while false {"),
    rule(
        "among equals the newest part comes first",
        "merge.rs",
        "keys.then(part.cmp(&next))",
        "keys.then(next.cmp(&part))",
    ),
    rule(
        "a merge tells of a part that fails",
        "merge.rs",
        "self.parts[self.order[1]].advance()?;",
        "let _ = self.parts[self.order[1]].advance();",
    ),
    rule(
        "a merge tells of its front that fails",
        "merge.rs",
        "self.parts[front].advance()?;",
        "let _ = self.parts[front].advance();",
    ),
    rule("a run tells of a table that fails", "scan.rs", "table.advance()?;", "let _ = table.advance();"),
    rule(
        "a scan shows no tombstone",
        "scan.rs",
        "if self.over || self.merge.value().is_some() {",
        "if true {",
    ),
    rule(
        "a scan ends with its bound",
        "scan.rs",
        "Bound::Included(end) => key > end.as_slice(),",
        "Bound::Included(_) => false,",
    ),
    rule(
        "a scan ends before its bound",
        "scan.rs",
        "Bound::Excluded(end) => key >= end.as_slice(),",
        "Bound::Excluded(end) => key > end.as_slice(),",
    ),
    rule(
        "a scan that is over stays over",
        "scan.rs",
        "if self.over {\n            return",
        "if false {\n            return",
    ),
    rule(
        "a run begins with the table that holds the start",
        "scan.rs",
        "table.largest() <= key",
        "table.largest() < key",
    ),
    rule(
        "a table is asked only for keys in its range",
        "state.rs",
        ".filter(|table| key <= table.largest())",
        "",
    ),
    // Flushing, compacting, and tombstones.
    rule("the oldest memtable is flushed first", "flush.rs", "state.frozen.last()", "state.frozen.first()"),
    rule(
        "logs of memtables that wait still count",
        "flush.rs",
        "next.map_or(state.log, |frozen| frozen.log)",
        "state.log",
    ),
    rule(
        "a tombstone goes only where nothing older could have the key",
        "build.rs",
        "if value.is_some() || keep_tombstone(key) {",
        "if value.is_some() {",
    ),
    rule("a tombstone goes at last", "build.rs", "if value.is_some() || keep_tombstone(key) {", "if true {"),
    rule(
        "a flush keeps a tombstone that a run may need",
        "flush.rs",
        "|key| covers(&tree.runs, key)",
        "|_| false",
    ),
    rule(
        "a compaction keeps a tombstone that an older run may need",
        "flush.rs",
        "|key| covers(older, key)",
        "|_| false",
    ),
    rule(
        "all tables of a run are asked whether they have a key",
        "flush.rs",
        "runs.iter().any(|run| run.covers(key))",
        "runs.first().is_some_and(|run| run.covers(key))",
    ),
    rule(
        "a read that fails is no end of an input",
        "build.rs",
        "source.advance()?;",
        "if source.advance().is_err() { break; }",
    ),
    rule(
        "the output belongs to the oldest run of its inputs",
        "compaction.rs",
        "self.inputs.last()",
        "self.inputs.first()",
    ),
];
