//! The store of many segments: its own decisions. What it shares with the store over one log is in that area.

mod opening;

use super::{Area, Exempt, Rule, exempt, rule};

pub(crate) static AREA: Area = Area {
    sources: &["stages/stage2-bitcask/src"],
    watched: &["make_durable(", "sync_everything("],
    rules: &[&RULES, &opening::RULES],
    exempt: &EXEMPT,
    engine: Some("stage2"),
    suites: &[
        ("stage2", "--lib"),
        ("stage2", "history"),
        ("stage2", "judge"),
        ("stage2", "store"),
        ("stage2", "trouble"),
        ("stage2", "numbers"),
        ("harness", "owners"),
        ("harness", "syncs"),
        ("harness", "catalogue"),
        ("harness", "model"),
        ("harness", "threads"),
        ("harness", "crash"),
        ("harness", "faults"),
        ("harness", "damage"),
        ("stage2", "shell"),
    ],
};

static RULES: [Rule; 54] = [
    // Syncs.
    rule("logs are synced", "chain.rs", "link.log.sync()?;", ""),
    rule(
        "full logs are synced, not only the active one",
        "chain.rs",
        "if link.log.needs_sync() {",
        "if link.log.needs_sync() && i + 1 == links.len() {",
    ),
    rule(
        "what was synced is proven by the next log",
        "chain.rs",
        "log.note_synced(HEADER_BYTES as u64);\n        }\n        links",
        "}\n        links",
    ),
    rule(
        "a new log says that those before it are durable only where they are",
        "chain.rs",
        "links.back().is_none_or(|last| self.reached(last.end()))",
        "true",
    ),
    rule("a new segment is durable once those before it are", "turn.rs", "Segment::begun(", "Segment::new("),
    rule("a file of the pool is synced", "handles.rs", "self.file()?.0.sync()", "Ok(())"),
    rule(
        "what waits is seen before an option changes how long writes wait",
        "store.rs",
        "self.make_durable(self.chain.end())?;\n            self.apply",
        "self.apply",
    ),
    rule(
        "upkeep syncs full logs before it merges them",
        "upkeep.rs",
        "self.chain.behind() {\n            self.make_durable(full)?;",
        "self.chain.behind().filter(|_| false) {\n            self.make_durable(full)?;",
    ),
    rule(
        "a compaction lets who waits be seen before it plans",
        "upkeep.rs",
        "self.make_durable(self.chain.end())?;\n        self.merge",
        "self.merge",
    ),
    rule(
        "all that was written is on the device before all hints are written",
        "hints.rs",
        "self.make_durable(self.chain.end())?;\n        let mut written",
        "let mut written",
    ),
    rule("sync() syncs", "store.rs", "self.make_durable(self.chain.end())\n", "Ok(())\n"),
    rule(
        "a write is synced before it is acknowledged",
        "turn.rs",
        "self.make_durable(end)?;",
        "let _ = end;",
    ),
    rule(
        "what supersedes an entry is on the device before a merge leaves that out",
        "merge.rs",
        "self.make_durable(self.chain.end())?;",
        "",
    ),
    rule("everything is on the device when the store is closed", "close.rs", "self.sync_everything()?;", ""),
    rule("removals are durable before the mark is there", "close.rs", "self.sync_dir()?;", ""),
    rule(
        "a log is set aside durably before the next is",
        "judge.rs",
        "vfs.sync_dir().during(\"sync\", &vfs.location())?;\n            report",
        "report",
    ),
    rule(
        "a full log stays open until it is synced",
        "segment.rs",
        "self.sealed.get_or_init(|| last_checksum);",
        "self.sealed.get_or_init(|| last_checksum); self.handle.unpin();",
    ),
    rule(
        "no more full logs wait for a sync than may be open",
        "turn.rs",
        "self.chain.crowded(self.settings.open_files) {\n            self.make_durable(oldest)?;",
        "None::<Position> {\n            self.make_durable(oldest)?;",
    ),
    // Names.
    rule(
        "a new segment and a merge's output are synced before they get their names",
        "",
        "install::commit(&*self.vfs, &*built.file, &name)",
        "contract::IoContext::during(self.vfs.rename(&install::unfinished_name(&name), &name), \"rename\", &name)\
         .and_then(|()| self.sync_dir())",
    ),
    rule(
        "recovery's output is synced before it gets its name",
        "recover.rs",
        "install::commit(&**self.vfs, &*built.file, &name)?;",
        "self.vfs.rename(&install::unfinished_name(&name), &name).during(\"rename\", &name)?; \
         self.vfs.sync_dir().during(\"sync\", &name)?;",
    ),
    rule(
        "a hint is synced before it gets its name",
        "builder.rs",
        "install::commit(vfs, &*file, &name)?;",
        "vfs.rename(&install::unfinished_name(&name), &name).during(\"rename\", &name)?; \
         vfs.sync_dir().during(\"sync\", &name)?;",
    ),
    rule(
        "a merge's inputs go after its output has its name",
        "merge.rs",
        "self.commit(&plan, built?, upkeep)?;",
        "let built = built?; for input in inputs { let _ = self.vfs.remove(&input.log.name); } \
         self.commit(&plan, built, upkeep)?;",
    ),
    rule(
        "what recovery replaces goes after its output has its name",
        "recover.rs",
        "let writer = self.install(id, previous, &accepted)?;\n        for replay in &accepted {\n            \
         put_away(&**self.vfs, replay, &mut self.report)?;\n        }",
        "for replay in &accepted { put_away(&**self.vfs, replay, &mut self.report)?; } \
         let writer = self.install(id, previous, &accepted)?;",
    ),
    rule(
        "a merge's inputs stay readable without a name",
        "merge.rs",
        "inputs.iter().try_for_each(|input| input.keep_open())",
        "Ok(())",
    ),
    rule(
        "no number is used again, also not one that was set aside",
        "survey.rs",
        "logs.iter().chain(&survey.asides)",
        "logs.iter()",
    ),
    // The mark of a clean close.
    rule(
        "the mark goes before a write",
        "turn.rs",
        "self.begin_change(turn)?;\n        self.roll",
        "self.roll",
    ),
    rule(
        "the mark goes before another segment is begun",
        "turn.rs",
        "self.begin_change(turn)?;\n        let number",
        "let number",
    ),
    rule("the mark goes before a merge", "merge.rs", "self.begin_change(&mut *self.turn()?)", "Ok(())"),
    rule(
        "the mark is removed",
        "turn.rs",
        "clean::remove(&*self.vfs).map_err(|e| self.poisoned_by(e))?;",
        "",
    ),
    rule("close leaves a mark", "close.rs", "clean::write(&*self.vfs, ENGINE, &listed)", "Ok(())"),
    rule(
        "reserved room is given back at close and where a segment is full",
        "",
        "turn.writer.give_room_back().map_err(|e| self.poisoned_by(e))?;",
        "",
    ),
    rule(
        "replaced files are gone before the mark is there",
        "close.rs",
        "self.remove_leftovers(upkeep)?;",
        "",
    ),
    // Locks.
    rule("verify, inspect and salvage take the lock", "", "let _lock = lock(vfs)?;", ""),
    rule(
        "opening takes the lock",
        "recover.rs",
        "let lock = lock(&*vfs)?;",
        "let lock = ::vfs::DirLock::new(());",
    ),
    rule("close gives the lock back", "close.rs", "turn.lock = None;", ""),
    rule("a closed store opens no file", "handles.rs", "if self.handles.is_closed() {", "if false {"),
    rule("a pinned file stays open", "handles.rs", "if file.pinned.load(Ordering::Acquire) {", "if false {"),
    // Poison.
    rule("the first failure is remembered", "turn.rs", "self.poison.get_or_init(|| error.to_string());", ""),
    rule("a poisoned store refuses a write", "turn.rs", "self.refuse_if_poisoned()?;", ""),
    rule("a poisoned store refuses a sync", "durable.rs", "self.refuse_if_poisoned()?;", ""),
    rule(
        "a failed append poisons",
        "turn.rs",
        ".append(frames).map_err(|e| self.poisoned_by(e))?",
        ".append(frames)?",
    ),
    rule(
        "a failed sync poisons",
        "durable.rs",
        "self.chain.sync_logs(position).map_err(|e| self.poisoned_by(e))?",
        "self.chain.sync_logs(position)?",
    ),
    rule("a failed commit poisons", "", "&name).map_err(|e| self.poisoned_by(e))?", "&name)?"),
    rule(
        "a merge that cannot read its output poisons",
        "merge.rs",
        "self.redirect(&output, &came_from).map_err(|e| self.poisoned_by(e))?",
        "self.redirect(&output, &came_from)?",
    ),
    // What is seen.
    rule(
        "where every write is synced, nobody sees it before",
        "turn.rs",
        "if self.settings.every_write() {\n            turn.pending",
        "if false {\n            turn.pending",
    ),
    rule(
        "only what is synced is applied",
        "apply.rs",
        "self.chain.reached(next.until)",
        "next.until >= Position::default()",
    ),
    rule(
        "a batch is applied at once",
        "apply.rs",
        "self.keydir.set_all(&all, |at, old| account(|slot| segments.get(slot), at, old));",
        "for (key, at) in all { let old = self.keydir.set(key, at); account(|slot| segments.get(slot), at, old); }",
    ),
    rule("nobody applies while a scan copies keys", "scan.rs", "let _turn = store.any_turn();", ""),
    // Merging, and the rule of tombstones.
    rule(
        "a tombstone goes only with the oldest segment",
        "merge.rs",
        "at.tombstone && plan.from_oldest",
        "at.tombstone",
    ),
    rule(
        "a tombstone goes at last",
        "merge.rs",
        "at.tombstone && plan.from_oldest",
        "false && at.tombstone && plan.from_oldest",
    ),
    rule(
        "a merge replaces only what it copied",
        "shard.rs",
        "let still = arena.record(start).location() == from;",
        "let still = true; let _ = from;",
    ),
    rule(
        "a merge forgets only the tombstone that it left",
        "shard.rs",
        "if arena.record(start).location() != at {",
        "if false {",
    ),
    rule(
        "an input that ends early is an error",
        "merge.rs",
        "wanted.next().map_or(Ok(()), |at| {",
        "None::<Location>.map_or(Ok(()), |at| {",
    ),
    rule(
        "a frame is the one that the keydir knows",
        "segment.rs",
        "frame.key() != key || frame.bytes().len()",
        "false && frame.bytes().len()",
    ),
];

static EXEMPT: [Exempt; 18] = [
    exempt("describe.rs", "", "shows a file field by field to a person; opening and verify decide"),
    exempt("", "fn make_durable(", "a definition; each use is taken out"),
    exempt("", "fn sync_everything(", "a definition; each use is taken out"),
    exempt(
        "",
        "self.vfs.sync_dir().during(",
        "the call behind `self.sync_dir()`; each use of that is taken out",
    ),
    exempt("", "fn last_checksum(", "a definition; what it does is in its body"),
    exempt("", "self.header.last_checksum", "carries a number from one place to another"),
    exempt("", "last_checksum }", "carries a number from one place to another"),
    exempt("", "tail().last_checksum", "carries a number from one place to another"),
    exempt("hint/builder.rs", "(offset, checksum)", "carries a number from one place to another"),
    exempt("hint/builder.rs", "checksum: u32)", "carries a number from one place to another"),
    exempt("hint/builder.rs", "use super::checksum", "a name from elsewhere"),
    exempt("hints.rs", "passed.checksum()", "carries a number from one place to another"),
    exempt("report.rs", "its checksum fits its place", "says to a person what a read has found"),
    exempt(
        "hints.rs",
        "            self.make_durable(self.chain.end())?;",
        "without it a keydir that is built anew shows for a moment what waits for its sync",
    ),
    exempt("chain.rs", "self.links.lock()", "a mutex: without it the code does not compile"),
    exempt("handles.rs", "self.open.lock()", "a mutex: without it the code does not compile"),
    exempt("upkeep.rs", "self.rung.lock()", "a mutex: without it the code does not compile"),
    exempt("upkeep.rs", "self.upkeep.lock()", "a mutex: without it the code does not compile"),
];
