//! What opening believes, and what it refuses.

use crate::rules::{Rule, rule};

pub(super) static RULES: [Rule; 28] = [
    // Hints.
    rule(
        "a hint's records are held against their checksum",
        "hint.rs",
        "if checksum(&records, &header) != stored {",
        "if false {",
    ),
    rule(
        "a hint's checksum knows its segment",
        "hint.rs",
        "Place { file: header.segment, offset: header.covered_bytes }.mix(frame::checksum(records))",
        "{ let _ = (header, Place { file: 0, offset: 0 }); frame::checksum(records) }",
    ),
    rule(
        "a hint's header is held against its checksum",
        "hint/header.rs",
        "frame::checksum(&bytes[..60]) != u32_at(bytes, 60)",
        "false",
    ),
    rule("a hint belongs to its file's name", "hint.rs", "if header.segment != segment {", "if false {"),
    rule("a hint is as long as it says", "hint.rs", "if header.file_bytes() != Some(size) {", "if false {"),
    rule("a hint's records lie where frames can", "hint.rs", "check(&records, name, &header)?;", ""),
    rule(
        "a hint remembers the frame that is there",
        "index.rs",
        "u32::from_le_bytes(stored) != hint.last_checksum()",
        "false",
    ),
    rule(
        "a hint ends as the mark says",
        "index.rs",
        "l.bytes != hint.covered_bytes() || l.last_checksum == hint.last_checksum()",
        "l.bytes != 1",
    ),
    rule(
        "a hint speaks for the whole segment",
        "index.rs",
        "Some(hint) if hint.covered_bytes() == size => {",
        "Some(hint) => {",
    ),
    rule(
        "a segment that is not as long as the mark says is read",
        "index.rs",
        "listed.is_none_or(|listed| listed.bytes == size)",
        "listed.is_none_or(|listed| listed.bytes != 1)",
    ),
    rule(
        "a hint leaves out only what was replaced in the same segment",
        "hints.rs",
        ".filter(|now| now.segment == segment.slot)",
        ".filter(|_| segment.slot != u32::MAX)",
    ),
    rule(
        "a hint leaves out only what was replaced before its end",
        "hints.rs",
        "(at.offset + 1..end)",
        "(at.offset + 1..end.max(u64::MAX))",
    ),
    // What a crash left.
    rule(
        "a segment that is on the device is whole",
        "index.rs",
        "refuse_unless_whole(&replay, listed)?;",
        "",
    ),
    rule(
        "a hint proves a segment of its length",
        "judge.rs",
        "hint.covered_bytes() == size",
        "hint.covered_bytes() > 0",
    ),
    rule(
        "a run proves itself as far as its base",
        "judge.rs",
        "header.base_bytes == size",
        "header.base_bytes > 0",
    ),
    rule(
        "a proven segment ends where the next says",
        "judge.rs",
        "witnessed && ended_so",
        "witnessed && (ended_so || true)",
    ),
    rule("damage stops an opening", "judge.rs", "replay.damage() {", "replay.damage().filter(|_| false) {"),
    rule(
        "a segment that lacks what the next knows of ends the store",
        "judge.rs",
        "|before| falls_short(before, &replay.header)",
        "|before| falls_short(before, &replay.header).map(|_| None)",
    ),
    rule(
        "a segment ends with the checksum that the next knows",
        "judge.rs",
        " && said.last_checksum == log.last_checksum",
        "",
    ),
    rule("a torn segment ends the store", "judge.rs", "if torn {", "if false {"),
    rule("a floor behind the end makes it damage", "judge.rs", "refuse_if_durable(vfs, &judged)?;", ""),
    rule(
        "a log that can still be read is kept",
        "judge.rs",
        "find_frame(&*file, name, *number, whole)?.is_some()",
        "false",
    ),
    // What must be there.
    rule(
        "every listed segment is there",
        "recover.rs",
        ".find(|file| !names.contains(&file.name))",
        ".find(|_| false)",
    ),
    rule(
        "a clean store holds no other segment",
        "recover.rs",
        ".find(|name| !listed.iter().any(|file| file.name == **name))",
        ".find(|_| false)",
    ),
    rule("no segment is missing between others", "survey.rs", "if id.first() > next {", "if false {"),
    rule("no segment covers what another does", "survey.rs", "if id.first() < next {", "if false {"),
    rule(
        "a hint without its segment is told of",
        "survey.rs",
        "self.widowed_hints.first() {",
        "self.widowed_hints.first().filter(|_| false) {",
    ),
    rule(
        "a log set aside has a successor",
        "recover.rs",
        "survey.asides.first() {",
        "survey.asides.first().filter(|_| false) {",
    ),
];
