//! What opening believes, and what it refuses.

use crate::rules::{Rule, rule};

pub(super) static RULES: [Rule; 57] = [
    // Locks.
    rule("verify, inspect and salvage take the lock", "", "let _lock = lock(vfs)?;", ""),
    rule(
        "opening takes the lock",
        "recover.rs",
        "let lock = lock(&*vfs)?;",
        "let lock = ::vfs::DirLock::new(());",
    ),
    rule("close gives the lock back", "close.rs", "self.any_turn().lock = None;", ""),
    // Names and numbers.
    rule(
        "a name is ours only as we would write it",
        "names.rs",
        r#"if n == 0 || format!("{n:06}") != number"#,
        "if false",
    ),
    rule("another engine's store is refused", "survey.rs", "refuse_other_engines(vfs, &name, ENGINE)?;", ""),
    rule("files count in the order of their numbers", "survey.rs", "numbers.sort_unstable();", ""),
    rule(
        "no number of a table is used again",
        "names.rs",
        "Self::Log(n) | Self::Manifest(n) | Self::Table(n) | Self::Aside(n) => Some(n),",
        "Self::Log(n) | Self::Manifest(n) | Self::Aside(n) => Some(n), Self::Table(_) => None,",
    ),
    rule(
        "no number that was set aside is used again",
        "names.rs",
        "Self::Log(n) | Self::Manifest(n) | Self::Table(n) | Self::Aside(n) => Some(n),",
        "Self::Log(n) | Self::Manifest(n) | Self::Table(n) => Some(n), Self::Aside(_) => None,",
    ),
    rule(
        "no number of an unfinished file is used again",
        "names.rs",
        "Self::Unfinished(n) => n,",
        "Self::Unfinished(_) => None,",
    ),
    rule("there are numbers after those of the manifest", "found.rs", "whole.next >= MOST_NUMBERS", "false"),
    rule(
        "no run is newer than the next flush",
        "found.rs",
        "whole.tables.iter().any(|table| table.run.max(table.number) >= whole.next)",
        "false",
    ),
    rule("a table is named once", "found.rs", "numbers.windows(2).any(|two| two[0] == two[1])", "false"),
    rule(
        "a clean store has no table that is not named",
        "found.rs",
        ".find(|file| !is_named(&file.name))",
        ".find(|_| false)",
    ),
    rule("there are numbers after the largest", "survey.rs", ".filter(|next| *next < MOST_NUMBERS)", ""),
    rule(
        "no number that the manifest knows is used again",
        "recover.rs",
        "self.next = self.next.max(whole.next);",
        "",
    ),
    rule(
        "no number that an edit knows is used again",
        "manifest.rs",
        "self.next.max(edit.next)",
        "self.next",
    ),
    // A store that was closed cleanly.
    rule("a clean store is held against its mark", "found.rs", "check_listed(survey, &listed)?;", ""),
    rule(
        "every listed file is there",
        "found.rs",
        ".find(|file| !names.contains(&file.name))",
        ".find(|_| false)",
    ),
    rule(
        "a clean store holds no other file",
        "found.rs",
        "names.iter().find(|name| !listed.iter().any(|file| file.name == **name))",
        "names.iter().find(|_| false)",
    ),
    rule(
        "a clean log and a clean manifest are as the mark says",
        "found.rs",
        "said.and_then(|said| mismatch(&replay, said))",
        "said.and_then(|said| mismatch(&replay, said)).filter(|_| false)",
    ),
    rule(
        "a clean store has one manifest and one log",
        "found.rs",
        "let (&[manifest], &[log]) =",
        "let (&[.., manifest], &[.., log]) =",
    ),
    rule(
        "a clean store's log is the one that the manifest names",
        "found.rs",
        "if log.header.number != whole.log {",
        "if false {",
    ),
    rule("mark and manifest agree on a table's length", "found.rs", "file.bytes == added.bytes && ", ""),
    rule(
        "mark and manifest agree on a table's checksum",
        "found.rs",
        " && file.last_checksum == added.last_checksum",
        "",
    ),
    // The manifest and the logs.
    rule("a manifest is no log", "", "check_kind(&log.header, &log.name, Kind::WriteAhead)?;", ""),
    rule(
        "a manifest is no log after a crash",
        "found.rs",
        "check_kind(&header, name, Kind::WriteAhead)?;",
        "",
    ),
    rule(
        "a log is no manifest",
        "found.rs",
        "check_kind(&manifest.header, &manifest.name, Kind::Manifest)?;",
        "",
    ),
    rule(
        "a log is no manifest after a crash",
        "found.rs",
        "check_kind(&replay.header, &replay.name, Kind::Manifest)?;",
        "",
    ),
    rule(
        "tables without a manifest are a store that has lost it",
        "found.rs",
        "= survey.tables.first() {",
        "= survey.tables.first().filter(|_| false) {",
    ),
    rule(
        "what was set aside goes with a manifest",
        "found.rs",
        "= survey.asides.first() {",
        "= survey.asides.first().filter(|_| false) {",
    ),
    rule(
        "a log with entries goes with a manifest",
        "found.rs",
        r#"if file.size().during("stat", &name)? != HEADER_BYTES as u64 {"#,
        "if false {",
    ),
    rule("the newest manifest counts", "found.rs", "survey.manifests.last()", "survey.manifests.first()"),
    rule(
        "damage in the manifest stops an opening",
        "found.rs",
        "= replay.damage() {",
        "= replay.damage().filter(|_| false) {",
    ),
    rule("a manifest names a log", "found.rs", "if whole.log == 0 {", "if false {"),
    rule(
        "what is no edit is damage",
        "edit.rs",
        r#"_ => return Err(Error::corrupt(file, offset, "not an edit of a manifest")),"#,
        "_ => {}",
    ),
    rule("a checksum in an edit has 32 bits", "edit.rs", "if u32::try_from(checksum).is_ok() =>", "=>"),
    rule("an edit holds whole numbers", "edit.rs", "if rest.is_empty() {", "if true {"),
    rule(
        "what an edit removes is gone",
        "manifest.rs",
        "self.tables.retain(|table| !edit.removed.contains(&table.number));",
        "",
    ),
    rule("a table is as long as the manifest says", "found.rs", "if size != added.bytes {", "if false {"),
    rule(
        "a table ends as the manifest says",
        "found.rs",
        "if table.last_checksum() != added.last_checksum {",
        "if false {",
    ),
    rule("tables of a run do not overlap", "state.rs", "pair[0].largest() >= pair[1].smallest()", "false"),
    rule(
        "logs that are in tables do not count again",
        "found.rs",
        ".filter(|number| *number >= whole.log)",
        ".filter(|_| true)",
    ),
    rule(
        "the log that the manifest names is there",
        "found.rs",
        "if logs.first().is_none_or(|first| first.number != whole.log) {",
        "if false {",
    ),
    rule(
        "no log is missing between others",
        "found.rs",
        "previous != 0 && before.is_some_and(|before| previous != before)",
        "false",
    ),
    rule("a log that an opening began follows no other", "found.rs", "previous != 0 && ", ""),
    // Recovery.
    rule(
        "what recovery has seen is durable before it acts on it",
        "recover.rs",
        r#"vfs.sync_dir().during("sync", &vfs.location())?;"#,
        "",
    ),
    rule(
        "a file is set aside durably",
        "recover.rs",
        r#"if names.is_empty() { Ok(()) } else { vfs.sync_dir().during("sync", &vfs.location()) }"#,
        "Ok(())",
    ),
    rule(
        "the first log has its name before the first manifest",
        "recover.rs",
        "let writer = self.begin_log()?;\n        let whole = Whole { log: writer.log.number, next: self.next, ..Whole::default() };\n        \
         let manifest = self.begin_manifest(whole, Previous::default())?;",
        "let number = self.next; let whole = Whole { log: number, next: number + 1, ..Whole::default() }; \
         let manifest = self.begin_manifest(whole, Previous::default())?; let next = self.next; self.next = number; \
         let writer = self.begin_log()?; self.next = next;",
    ),
    rule(
        "a new log has its name before a manifest names it",
        "recover.rs",
        "let writer = self.begin_log()?;\n        let log = if recovered.is_empty() { writer.log.number } else { whole.log };\n        \
         let whole = Whole { next: self.next, log, ..whole };\n        let previous = Previous {\n            \
         number: old_manifest.header.number,\n            bytes: old_manifest.end,\n            \
         last_checksum: old_manifest.last_checksum,\n        };\n        \
         let manifest = self.begin_manifest(whole, previous)?;",
        "let number = self.next; let log = if recovered.is_empty() { number } else { whole.log }; \
         let whole = Whole { next: number + 1, log, ..whole }; \
         let previous = Previous { number: old_manifest.header.number, bytes: old_manifest.end, \
         last_checksum: old_manifest.last_checksum }; \
         let manifest = self.begin_manifest(whole, previous)?; let next = self.next; self.next = number; \
         let writer = self.begin_log()?; self.next = next;",
    ),
    rule(
        "the old logs count until they are in tables",
        "recover.rs",
        "if recovered.is_empty() { writer.log.number } else { whole.log }",
        "writer.log.number",
    ),
    rule(
        "the old logs go after they are in tables",
        "recover.rs",
        "store.flush_recovered()?;\n            put_away(&*vfs, &old_manifest, &mut report)?;\n            \
         accepted.iter().try_for_each(|log| put_away(&*vfs, log, &mut report))?;",
        "accepted.iter().try_for_each(|log| put_away(&*vfs, log, &mut report))?; \
         store.flush_recovered()?; put_away(&*vfs, &old_manifest, &mut report)?;",
    ),
    rule(
        "what lies behind the end is put away",
        "recover.rs",
        "put_away_behind(&*vfs, behind, &mut report)?;",
        "",
    ),
    rule("what is no table of ours is kept", "found.rs", "=> strangers.push(name),", "=> ours.push(name),"),
    rule("what a crash has left goes", "", "remove_leftovers(&*vfs, &leftovers, &mut report)", "Ok(())"),
    rule(
        "what a first opening has left goes",
        "recover.rs",
        "remove_leftovers(&*self.vfs, &[logs, self.survey.unfinished.clone()].concat(), &mut self.report)?;",
        "",
    ),
    rule(
        "what has no name goes at the next opening",
        "recover.rs",
        "remove_leftovers(&*self.vfs, &self.survey.unfinished, &mut self.report)?;",
        "",
    ),
    rule("the manifest that counts is no leftover", "found.rs", ".skip(1)", ".skip(0)"),
];
