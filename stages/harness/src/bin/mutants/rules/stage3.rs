//! The tree: what is written, and in which order. What it shares with the other stores is in their areas.

mod endings;
mod looking;
mod opening;
mod reading;
mod tables;
mod upkeep;

use super::{Area, Exempt, Rule, exempt, rule};

pub(crate) static AREA: Area = Area {
    sources: &["stages/stage3-lsm/src"],
    watched: &[
        "make_durable(",
        "sync_everything(",
        "install::commit(",
        "begin_change(",
        "claim(",
        "try_claim(",
        "hold_upkeep(",
        "end_upkeep(",
        "refuse_if_closed(",
        "refuse_if_poisoned(",
        "poisoned_by(",
        "covers(",
    ],
    rules: &[
        &RULES,
        &endings::RULES,
        &opening::RULES,
        &looking::RULES,
        &tables::RULES,
        &reading::RULES,
        &upkeep::RULES,
    ],
    exempt: &EXEMPT,
    engine: Some("stage3"),
    suites: &[
        ("stage3", "opening"),
        ("stage3", "forged"),
        ("stage3", "upkeep"),
        ("stage3", "verify"),
        ("stage3", "salvage"),
        ("stage3", "poison"),
        ("stage3", "reads"),
        ("stage3", "recovery"),
        ("stage3", "store"),
        ("stage3", "--lib"),
        ("harness", "owners"),
        ("harness", "syncs"),
        ("harness", "catalogue"),
        ("harness", "model"),
        ("harness", "threads"),
        ("harness", "crash"),
        ("harness", "faults"),
        ("harness", "damage"),
        ("stage3", "shell"),
    ],
};

static RULES: [Rule; 29] = [
    // Syncs.
    rule(
        "a write is synced before it is acknowledged",
        "write.rs",
        "self.make_durable(end)?;",
        "let _ = end;",
    ),
    rule("sync() syncs", "store.rs", "self.make_durable(self.chain.end())\n", "Ok(())\n"),
    rule(
        "what waits is synced before an option changes how long writes wait",
        "store.rs",
        "self.make_durable(self.chain.end())?;\n            self.apply",
        "self.apply",
    ),
    rule(
        "what waits is seen before an option changes how long writes wait",
        "store.rs",
        "self.apply_pending(&mut turn);\n        }\n        self.settings",
        "}\n        self.settings",
    ),
    rule(
        "what waits is synced before its memtable is frozen",
        "write.rs",
        "self.make_durable(self.chain.end())?;\n            self.apply",
        "self.apply",
    ),
    rule(
        "what waits is applied before its memtable is frozen",
        "write.rs",
        "self.apply_pending(turn);\n        }\n        turn.writer",
        "}\n        turn.writer",
    ),
    rule("everything is on the device when the store is closed", "close.rs", "self.sync_everything()?;", ""),
    rule(
        "removals are durable before the mark is there",
        "close.rs",
        r#"self.vfs.sync_dir().during("sync", &self.vfs.location())?;"#,
        "",
    ),
    rule("an edit of the manifest is synced", "manifest.rs", "self.writer.log.sync()?;", ""),
    rule("a new log is durable once those before it are", "write.rs", ".after_unsynced()", ""),
    rule("a log that is in tables is not synced any more", "flush.rs", "self.chain.pass(oldest.order);", ""),
    rule(
        "a key that is present is answered for after its sync",
        "store.rs",
        "self.acknowledge(turn, end)?;",
        "if !present { self.acknowledge(turn, end)?; }",
    ),
    rule(
        "who queued waits for the sync",
        "write.rs",
        "Some(Ok(end)) => self.acknowledge(turn, *end),",
        "Some(Ok(_)) => Ok(()),",
    ),
    // Names.
    rule(
        "a table is synced before it gets its name",
        "build.rs",
        "install::commit(&*self.vfs, &*built.file, &name)?;",
        "self.vfs.rename(&install::unfinished_name(&name), &name).during(\"rename\", &name)?; \
         self.vfs.sync_dir().during(\"sync\", &name)?;",
    ),
    rule(
        "a table's name is durable before the manifest tells it",
        "build.rs",
        "install::commit(&*self.vfs, &*built.file, &name)?;",
        "built.file.sync().during(\"sync\", &name)?; \
         self.vfs.rename(&install::unfinished_name(&name), &name).during(\"rename\", &name)?;",
    ),
    rule(
        "a log is synced before it gets its name",
        "write.rs",
        "install::commit(vfs, &*built.file, &name)?;",
        "contract::IoContext::during(vfs.rename(&install::unfinished_name(&name), &name), \"rename\", &name)?; \
         contract::IoContext::during(vfs.sync_dir(), \"sync\", &name)?;",
    ),
    rule(
        "a log's name is durable before anything is appended",
        "write.rs",
        "install::commit(vfs, &*built.file, &name)?;",
        "contract::IoContext::during(built.file.sync(), \"sync\", &name)?; \
         contract::IoContext::during(vfs.rename(&install::unfinished_name(&name), &name), \"rename\", &name)?;",
    ),
    rule(
        "a manifest is synced before it gets its name",
        "manifest.rs",
        "install::commit(vfs, &*self.file, self.manifest.name())?;",
        "let name = self.manifest.name(); \
         contract::IoContext::during(vfs.rename(&install::unfinished_name(name), name), \"rename\", name)?; \
         contract::IoContext::during(vfs.sync_dir(), \"sync\", name)?;",
    ),
    rule(
        "a manifest's name is durable before the old one goes",
        "manifest.rs",
        "install::commit(vfs, &*self.file, self.manifest.name())?;",
        "let name = self.manifest.name(); \
         contract::IoContext::during(self.file.sync(), \"sync\", name)?; \
         contract::IoContext::during(vfs.rename(&install::unfinished_name(name), name), \"rename\", name)?;",
    ),
    rule(
        "a log goes after its table is in the manifest",
        "flush.rs",
        "self.commit(None, output",
        "let _ = self.vfs.remove(&log_name(oldest.log)); self.commit(None, output",
    ),
    rule(
        "a compaction's inputs go after its output is in the manifest",
        "flush.rs",
        "self.commit(Some(job.output_run()), output",
        "for number in &removed { let _ = self.vfs.remove(&table_name(*number)); } \
         self.commit(Some(job.output_run()), output",
    ),
    rule(
        "a manifest goes after the next one has its name",
        "build.rs",
        "*manifest = renewed.named(",
        "let _ = self.vfs.remove(&old); *manifest = renewed.named(",
    ),
    rule("a build that failed leaves no file", "build.rs", "self.discard(&output);", ""),
    rule("a build that failed leaves no table", "build.rs", "let _ = self.vfs.remove(&name);", ""),
    rule(
        "a build that failed leaves no unfinished file",
        "",
        "let _ = self.vfs.remove(&install::unfinished_name(&name));",
        "",
    ),
    rule(
        "a log or manifest that could not be built leaves no unfinished file",
        "",
        "let _ = vfs.remove(&install::unfinished_name(&name));",
        "",
    ),
    rule(
        "a file takes its number",
        "",
        "self.next_number.fetch_add(1, Ordering::AcqRel)",
        "self.next_number.load(Ordering::Acquire)",
    ),
    rule(
        "an edit says which numbers were taken",
        "build.rs",
        "next: self.next_number.load(Ordering::Acquire)",
        "next: 0",
    ),
    rule("a manifest says that its own number is taken", "manifest.rs", "whole.next += 1;", ""),
];

static EXEMPT: [Exempt; 33] = [
    exempt("describe.rs", "", "shows a file field by field to a person; opening and verify decide"),
    exempt("", "fn make_durable(", "a definition; each use is taken out"),
    exempt("", "fn sync_everything(", "a definition; each use is taken out"),
    exempt("", "fn begin_change(", "a definition; each use is taken out"),
    exempt("", "fn refuse_if_closed(", "a definition; each use is taken out"),
    exempt("", "fn refuse_if_poisoned(", "a definition; each use is taken out"),
    exempt("", "fn poisoned_by(", "a definition; what it does is in its body"),
    exempt("", "fn try_claim(", "a definition; each use is taken out"),
    exempt("", "fn claim(", "a definition; each use is taken out"),
    exempt("", "fn hold_upkeep(", "a definition; each use is taken out"),
    exempt("", "fn end_upkeep(", "a definition; each use is taken out"),
    exempt("", "fn covers(", "a definition; each use is taken out"),
    exempt("", "fn last_checksum(", "a definition; what it does is in its body"),
    exempt(
        "upkeep.rs",
        "self.upkeep.",
        "the call behind the two ways to a claim; each use of those is taken out",
    ),
    exempt("upkeep.rs", "let claims = self.hold_upkeep();", "the call behind `self.end_upkeep()`"),
    exempt(
        "claims.rs",
        "if let Some(claim) = self.try_claim(kind, By::Caller) {",
        "the call behind `self.upkeep.claim()`",
    ),
    exempt("write.rs", "self.refuse_if_poisoned().err()", "chooses the words for who queued"),
    exempt("", "t.last_checksum()", "carries a number from one place to another"),
    exempt("", "last_checksum }", "carries a number from one place to another"),
    exempt("", "self.footer.checksum()", "carries a number from one place to another"),
    exempt("", "[run, number, bytes, checksum]", "says to a person what an edit says"),
    exempt("", "checksum:08x", "says to a person what an edit says"),
    exempt("found.rs", "\"its last checksum is not", "the message of a comparison"),
    exempt("", "checksum mismatch\"", "the message of a comparison"),
    exempt("", "use stage1::frame::{Place, checksum}", "a name from elsewhere"),
    exempt("", "_checksum: u32", "carries a number from one place to another"),
    exempt("stored.rs", "checksum: u32", "carries a number from one place to another"),
    exempt("builder.rs", "_checksum: at(", "computes what is compared elsewhere"),
    exempt("footer.rs", "_checksum.to_le_bytes()", "writes a number down"),
    exempt(
        "table.rs",
        "verify(&*self.file",
        "asks for the comparisons, each of which is taken out at its own place",
    ),
    exempt("", "lock().unwrap_or_else(", "a mutex: without it the code does not compile"),
    exempt("memtable.rs", "vec![lock(leaf)]", "a lock on a leaf: without it the code does not compile"),
    exempt("write.rs", "self.turn.try_lock()", "a mutex: without it the code does not compile"),
];
