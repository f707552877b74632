//! The log, and the store over one log.

use super::{Area, Exempt, Rule, exempt, rule};

pub(crate) static AREA: Area = Area {
    sources: &["stages/stage1-log/src"],
    watched: &[],
    rules: &[&RULES],
    exempt: &EXEMPT,
    engine: Some("stage1"),
    suites: &[
        ("stage1", "--lib"),
        ("stage1", "store"),
        ("stage1", "trouble"),
        ("harness", "owners"),
        ("harness", "syncs"),
        ("harness", "model"),
        ("harness", "threads"),
        ("harness", "crash"),
        ("harness", "faults"),
        ("harness", "damage"),
        ("stage1", "shell"),
    ],
};

static RULES: [Rule; 42] = [
    // ANCHOR: syncs
    // Syncs.
    rule("a log is synced", "log.rs", r#"self.file.sync().during("sync", &self.name)?;"#, ""),
    rule("a new file is synced", "install.rs", r#"file.sync().during("sync", &unfinished)?;"#, ""),
    rule(
        "a new file is synced before it is renamed",
        "install.rs",
        r#"file.sync().during("sync", &unfinished)?;
    vfs.rename(&unfinished, name).during("rename", &unfinished)?;"#,
        r#"vfs.rename(&unfinished, name).during("rename", &unfinished)?;
    file.sync().during("sync", &unfinished)?;"#,
    ),
    rule("the directory is synced", "", "vfs.sync_dir()", "std::io::Result::Ok(())"),
    rule("the directory is synced", "", "self.vfs.sync_dir()", "std::io::Result::Ok(())"),
    // ANCHOR_END: syncs
    rule("a write is synced before it is acknowledged, and at close", "", "log.sync()", "Result::Ok(())"),
    rule(
        "who leads a group syncs for it",
        "group.rs",
        "let result = sync();",
        "let _ = sync;\n        let result = Ok(());",
    ),
    rule("what was salvaged is synced", "salvage.rs", "self.into.sync()?;", ""),
    rule("a sync is made where one is due", "", "|| log.synced() >= end,", "|| true,"),
    // The mark of a clean close.
    rule("the mark goes before a change", "", "self.begin_change(turn)?;", ""),
    rule("the mark is removed", "", "clean::remove(&*self.vfs).map_err(|e| self.poisoned_by(e))?;", ""),
    rule("close leaves a mark", "", "clean::write(&*self.vfs, ENGINE, &[listed])", "Ok(())"),
    rule(
        "reserved room is given back at close",
        "",
        "turn.writer.give_room_back().map_err(|e| self.poisoned_by(e))?;",
        "",
    ),
    rule("removed logs are gone before the mark is there", "", "self.remove_leftovers(turn)?;", ""),
    // Locks.
    rule("verify, inspect and salvage take the lock", "", "let _lock = lock(vfs)?;", ""),
    rule(
        "opening takes the lock",
        "recover.rs",
        "let lock = lock(&*vfs)?;",
        "let lock = ::vfs::DirLock::new(());",
    ),
    rule("close gives the lock back", "", "turn.lock = None;", ""),
    // Poison.
    rule("the first failure is remembered", "", "self.poison.get_or_init(|| error.to_string());", ""),
    rule("a poisoned store refuses", "", "self.refuse_if_poisoned()?;", ""),
    rule(
        "a failed append poisons",
        "",
        ".append(frames).map_err(|e| self.poisoned_by(e))?",
        ".append(frames)?",
    ),
    rule("a failed sync poisons", "", "log.sync().map_err(|e| self.poisoned_by(e))?", "log.sync()?"),
    rule("a failed commit poisons", "", "&new.header).map_err(|e| self.poisoned_by(e))?", "&new.header)?"),
    // Floors and the base.
    rule(
        "a floor follows a sync",
        "writer.rs",
        "let floor_due = durable > self.floor;",
        "let floor_due = false;",
    ),
    rule(
        "a floor states no more than is durable",
        "writer.rs",
        "frame::floor(durable,",
        "frame::floor(self.end,",
    ),
    rule(
        "a floor behind a bad frame makes it damage",
        "resync.rs",
        "if durable > offset =>",
        "if durable > offset && false =>",
    ),
    rule(
        "a bad frame below the base is damage",
        "replay.rs",
        "if offset < self.header.base_bytes {",
        "if false {",
    ),
    rule(
        "a log that ends below its base is damage",
        "replay.rs",
        "&& self.end < self.header.base_bytes {",
        "&& false {",
    ),
    // Batches.
    rule("all frames of a batch but the last say so", "writer.rs", "i < last", "false"),
    rule(
        "a batch without its end is not accepted",
        "replay.rs",
        "passed.head.more && end > self.header.base_bytes",
        "false",
    ),
    rule("below the base every entry is committed", "replay.rs", " && end > self.header.base_bytes", ""),
    // Checksums, and what a file must be.
    rule(
        "a frame's checksum is compared",
        "frame.rs",
        "place.mix(stored_checksum(bytes)) != checksum(&bytes[4..])",
        "false",
    ),
    rule("a frame's checksum knows its place", "frame.rs", "checksum ^ (spread >> 32) as u32", "checksum"),
    rule(
        "a header's checksum is compared",
        "header.rs",
        "frame::checksum(&bytes[..60]) != u32_at(bytes, 60)",
        "false",
    ),
    rule("a header belongs to its file's name", "header.rs", "header.number != number", "false"),
    rule(
        "a mark's checksum is compared",
        "clean.rs",
        "frame::checksum(body) != u32::from_le_bytes(*checksum)",
        "frame::checksum(body) != u32::from_le_bytes(*checksum) && false",
    ),
    rule("a mark ends with its last file", "clean.rs", "!rest.0.is_empty()", "false"),
    rule("a clean log is as long as its mark says", "recover.rs", "replay.size != listed.bytes", "false"),
    rule(
        "a clean log ends as its mark says",
        "recover.rs",
        "replay.last_checksum != listed.last_checksum",
        "false",
    ),
    rule(
        "a clean store holds no other log",
        "recover.rs",
        ".find(|name| *name != log.name)",
        ".find(|_| false)",
    ),
    rule("damage stops an opening", "recover.rs", "replay.damage() {", "replay.damage().filter(|_| false) {"),
    rule("a log that can still be read is kept", "recover.rs", "readable.then(", "false.then("),
    rule("an older log must be explained", "recover.rs", "if number != expected {", "if false {"),
];

static EXEMPT: [Exempt; 11] = [
    exempt("", "fn stored_checksum(", "a definition; what it does is in its body"),
    exempt("", "fn mix(self, checksum: u32)", "a definition; what it does is in its body"),
    exempt("tour.rs", "", "prose for a person"),
    exempt("clean.rs", "&frame::checksum(&bytes).to_le_bytes()", "computes what is compared elsewhere"),
    exempt("clean.rs", "split_last_chunk", "takes bytes apart; the comparison is its own line"),
    exempt("recover.rs", "\"the last checksum is not", "the message of a comparison"),
    exempt("frame.rs", "stored_checksum(", "reads four bytes; the comparison is its own line"),
    exempt("header.rs", "frame::stored_checksum(", "reads four bytes"),
    exempt("reader.rs", "stored_checksum", "reads four bytes, for whoever wants to name the frame"),
    exempt("survey.rs", "vfs.lock().map_err", "the call behind `lock(vfs)`; each use of that is taken out"),
    exempt("group.rs", ".members.lock()", "a mutex: without it the code does not compile"),
];
