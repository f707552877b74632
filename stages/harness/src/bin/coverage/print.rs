//! What comes of the count, for a person at a terminal and for the book.

use crate::account::{AreaRecord, Missed, Record, Tally};
use crate::reasons::Reason;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The table, and everything that never happened with its line.
pub(crate) fn terminal(record: &Record, useless: &[&Reason]) -> String {
    let mut text = format!("{:<44}{:>14}{:>14}{:>14}\n", "", "lines", "pieces", "branches");
    let mut line = |name: &str, tally: Tally| {
        let [lines, pieces, branches] = columns(tally);
        let _ = writeln!(text, "{name:<44}{lines:>14}{pieces:>14}{branches:>14}");
    };
    for area in &record.areas {
        line(&area.name, area.tally());
        for file in &area.files {
            line(&format!("  {}", file.file), file.tally);
        }
    }
    for (stage, tally) in &record.others {
        line(&format!("everything else in {stage}"), *tally);
    }
    for area in &record.areas {
        for file in area.files.iter().filter(|file| !file.missed.is_empty()) {
            let _ = writeln!(text, "\n{}", file.file);
            for Missed { line, text: code, never, reason } in &file.missed {
                let reason = reason.as_deref().unwrap_or("NO REASON");
                let _ = writeln!(text, "{line:>6}  {:<13}{code}\n{:>8}{reason}", never.words(), "");
            }
        }
    }
    for Reason { file, find, never, .. } in useless {
        let _ =
            writeln!(text, "\nof no use any more: the reason why `{find}` is {} in {file}", never.words());
    }
    text + "\n" + &sentence(record)
}

/// How much of everything.
fn columns(tally: Tally) -> [String; 3] {
    [tally.lines, tally.pieces, tally.branches].map(|(some, all)| format!("{some} of {all}"))
}

/// What it came to, in a sentence.
fn sentence(record: &Record) -> String {
    let files = record.areas.iter().map(|area| area.files.len()).sum::<usize>();
    let (both, branches) = Tally::of(record.areas.iter().map(AreaRecord::tally)).branches;
    let missed = record.missed().count();
    let without = match record.unexplained() {
        0 => "each with its reason".to_owned(),
        n => format!("{n} of them WITHOUT A REASON"),
    };
    format!(
        "In {files} files {both} of {branches} branches were taken both ways. In {missed} places something never happens, \
         {without}.\n"
    )
}

/// The book's tables, and its sentence.
pub(crate) fn markdown(record: &Record) -> String {
    let row = |name: String, tally: Tally| format!("| {name} | {} |\n", columns(tally).join(" | "));
    let head = "| | lines | pieces | branches |\n|---|--:|--:|--:|\n".to_owned();
    let (mut areas, mut files) = (head.clone(), head);
    for area in &record.areas {
        areas += &row(area.name.clone(), area.tally());
        files += &row(format!("**{}**", area.name), area.tally());
        files.extend(area.files.iter().map(|file| row(format!("`{}`", file.file), file.tally)));
    }
    let others =
        record.others.iter().map(|(stage, tally)| row(format!("*everything else in {stage}*"), *tally));
    areas.extend(others);
    let parts =
        [("sentence", sentence(record)), ("areas", areas), ("table", files), ("reasons", reasons(record))];
    parts.map(|(name, text)| section(name, &text)).concat()
}

/// Everything that never happened, those with the same reason together.
fn reasons(record: &Record) -> String {
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (file, Missed { text, never, reason, .. }) in record.missed() {
        let place = format!("`{}` in `{file}`, {}", text.replace('|', "\\|"), never.words());
        let places = by_reason.entry(reason.as_deref().unwrap_or("no reason")).or_default();
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let mut rows = String::from("| what never happens | why |\n|---|---|\n");
    for (reason, places) in by_reason {
        let _ = writeln!(rows, "| {} | {reason} |", places.join("<br>"));
    }
    rows
}

fn section(name: &str, text: &str) -> String {
    format!("<!-- ANCHOR: {name} -->\n\n{text}\n<!-- ANCHOR_END: {name} -->\n\n")
}
