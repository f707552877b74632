//! What verify and salvage tell.

use crate::rules::{Rule, rule};

pub(super) static RULES: [Rule; 17] = [
    rule(
        "verify asks whether numbers are left",
        "verify.rs",
        "collect(survey.next_number().map(drop), &mut report)?;",
        "",
    ),
    rule(
        "verify tells of a lost manifest",
        "verify.rs",
        "collect(refuse_without_manifest(vfs, &survey), &mut report)?;",
        "",
    ),
    rule(
        "verify tells what opening refuses",
        "verify.rs",
        "Err(error) => collect(Err(error), &mut report)?,",
        "Err(_) => {}",
    ),
    rule(
        "verify holds tables against the manifest",
        "verify.rs",
        "check_tables(vfs, manifest, whole, &mut report)?;",
        "",
    ),
    rule(
        "verify reads a manifest",
        "verify.rs",
        "Name::Manifest(number) => manifest_frames(&*file, &name, number, end, &mut report)?,",
        "",
    ),
    rule(
        "verify reads a log",
        "verify.rs",
        "Name::Log(number) => frames(&*file, &name, number, end, &mut report)?,",
        "",
    ),
    rule(
        "verify reads a table",
        "verify.rs",
        "Name::Table(number) => merge(&mut report, table::verify(&*file, &name, number)?),",
        "",
    ),
    rule(
        "verify reads the headers of logs",
        "verify.rs",
        "collect(stage1::log::header::Header::read(file, name, number, ENGINE).map(drop), report)?;",
        "",
    ),
    rule("an open store verifies its tables", "verify.rs", "merge(&mut report, table.verify()?);", ""),
    rule(
        "an open store verifies logs that wait for a flush",
        "verify.rs",
        "frames(&*file, &name, frozen.log, frozen.log_bytes, &mut report)?;",
        "",
    ),
    rule(
        "an open store verifies its log",
        "verify.rs",
        "frames(&*writer_log.file, &writer_log.name, writer_log.number, end, &mut report)?;",
        "",
    ),
    rule(
        "an open store verifies its manifest",
        "verify.rs",
        "manifest_frames(&*file, name, tail.number, tail.bytes, &mut report)?;",
        "",
    ),
    rule(
        "no file is taken away while an open store is verified",
        "verify.rs",
        "let _upkeep = store.hold_upkeep();",
        "",
    ),
    rule(
        "salvage holds a clean store against its mark",
        "salvage.rs",
        "saver.lost(Clean::check(vfs, &survey, CHUNK_BYTES).map(drop))?;",
        "",
    ),
    rule(
        "salvage leaves out what is no log",
        "salvage.rs",
        "if let Err(stranger) = is_a_log(vfs, *number)? {",
        "if let Some(stranger) = is_a_log(vfs, *number)?.err().filter(|_| false) {",
    ),
    rule(
        "salvage leaves out logs that are in tables",
        "salvage.rs",
        "!is_sound || **number >= whole.log",
        "true",
    ),
    rule("salvage takes the oldest run first", "salvage.rs", "all.sort_unstable();", ""),
];
