//! What is taken out of the code, and what is not worth taking out: two tables of text.
//!
//! Every place in the code of stage 1 and of the real filesystem that says one of the [`WATCHED`] words must be in one of
//! them. So a new sync, lock or checksum cannot be forgotten: the tool fails until somebody has decided what it is.

/// Words that stand for a decision about durability, ownership or damage. Each is looked for as the start of a name.
pub(crate) const WATCHED: [&str; 9] =
    ["sync(", "sync_dir(", "sync_all(", "sync_data(", "lock(", "try_lock(", "checksum", "verify(", "crc32c("];

/// The sources that are watched, from the workspace's root.
pub(crate) const SOURCES: [&str; 2] = ["stages/stage1-log/src", "stages/vfs/src/os.rs"];

/// A safeguard, as it stands in the code, and what stands there without it.
pub(crate) struct Rule {
    /// What the code no longer does.
    pub(crate) what: &'static str,
    /// The file's name ends so; empty for any.
    pub(crate) file: &'static str,
    /// The text. Each place where it stands is a mutant of its own.
    pub(crate) find: &'static str,
    /// What stands there instead.
    pub(crate) put: &'static str,
}

const fn rule(what: &'static str, file: &'static str, find: &'static str, put: &'static str) -> Rule {
    Rule { what, file, find, put }
}

/// The safeguards.
pub(crate) const RULES: [Rule; 45] = [
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
    rule("a write is synced before it is acknowledged, and at close", "", "log.sync()", "Result::Ok(())"),
    rule(
        "who leads a group syncs for it",
        "group.rs",
        "let _leading = Leading(self);\n        sync()",
        "let _leading = Leading(self);\n        let _ = sync;\n        Ok(())",
    ),
    rule("what was salvaged is synced", "salvage.rs", "self.into.sync()?;", ""),
    rule("a sync is made where one is due", "", "|| log.synced() >= end,", "|| true,"),
    rule("fdatasync is called", "os.rs", "self.file.sync_data()", "Ok(())"),
    rule("a directory's fsync is called", "os.rs", "self.dir.sync_all()", "Ok(())"),
    rule("a new store's entry in its parent is synced", "os.rs", "dir.sync_all()", "Ok(())"),
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
    rule("a second owner is refused", "os.rs", "dir.try_lock()", "Ok::<(), TryLockError>(())"),
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

/// Text that says a watched word and decides nothing.
pub(crate) struct Exempt {
    /// The file's name ends so; empty for any.
    pub(crate) file: &'static str,
    /// A part of the line.
    pub(crate) find: &'static str,
    /// Why there is nothing to take out.
    pub(crate) reason: &'static str,
}

const fn exempt(file: &'static str, find: &'static str, reason: &'static str) -> Exempt {
    Exempt { file, find, reason }
}

/// The places that decide nothing.
pub(crate) const EXEMPT: [Exempt; 27] = [
    exempt("", "fn sync(", "a definition; what it does is in its body"),
    exempt("", "fn sync_dir(", "a definition; what it does is in its body"),
    exempt("", "fn lock(", "a definition; what it does is in its body"),
    exempt("", "fn verify(", "a definition; what it does is in its body"),
    exempt("", "fn checksum(", "a definition; what it does is in its body"),
    exempt("", "fn stored_checksum(", "a definition; what it does is in its body"),
    exempt("", "fn mix(self, checksum: u32)", "a definition; what it does is in its body"),
    exempt("tour.rs", "", "prose for a person"),
    exempt("inspect.rs", "", "shows a file field by field to a person; opening and verify decide"),
    exempt("", "last_checksum: ", "carries a number from one place to another"),
    exempt("", "last_checksum =", "carries a number from one place to another"),
    exempt("", "last_checksum)", "carries a number from one place to another"),
    exempt("", "last_checksum,", "carries a number from one place to another"),
    exempt("", "last_checksum.to_le_bytes()", "writes a number down"),
    exempt("", "let sum = ", "computes what is compared elsewhere: wrong, and nothing would open"),
    exempt("clean.rs", "&frame::checksum(&bytes).to_le_bytes()", "computes what is compared elsewhere"),
    exempt("clean.rs", "split_last_chunk", "takes bytes apart; the comparison is its own line"),
    exempt("", "\"checksum mismatch\"", "the message of a comparison"),
    exempt("recover.rs", "\"the last checksum is not", "the message of a comparison"),
    exempt("", "\"header checksum mismatch\"", "the message of a comparison"),
    exempt("frame.rs", "stored_checksum(", "reads four bytes; the comparison is its own line"),
    exempt("header.rs", "frame::stored_checksum(", "reads four bytes"),
    exempt("reader.rs", "stored_checksum", "reads four bytes, for whoever wants to name the frame"),
    exempt("", "Frame::verify(", "asks for the comparison, which is taken out at its own place"),
    exempt("survey.rs", "vfs.lock().map_err", "the call behind `lock(vfs)`; each use of that is taken out"),
    exempt("", "self.turn.lock()", "a mutex: without it the code does not compile"),
    exempt("group.rs", ".led.lock()", "a mutex: without it the code does not compile"),
];
