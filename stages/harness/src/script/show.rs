//! Answers, reports and fields as text. Answers are in words common to all engines; the rest is an engine's own.

use crate::ops::text::show_bytes;
use contract::{
    Damage, Error, Explanation, Field, RecoveryReport, Result, SalvageReport, Scan, Stats, Verdict,
    VerifyReport,
};
use std::collections::HashSet;
use std::fmt::Write as _;

/// Appends `text`, each line two spaces in.
pub(super) fn indent(to: &mut String, text: &str) {
    for line in text.lines() {
        to.push_str("  ");
        to.push_str(line.trim_end());
        to.push('\n');
    }
}

/// An error's kind, without the words and places that are an engine's own.
pub(super) fn error(error: &Error) -> String {
    match error {
        Error::TooLarge { what, bytes, limit_bytes } => {
            format!("refused: too large, a {what} of {bytes} bytes where {limit_bytes} are the limit")
        }
        Error::Io { .. } => "failed: input or output".into(),
        Error::Corrupt { .. } => "failed: damaged".into(),
        Error::Locked { .. } => "refused: locked".into(),
        Error::Closed => "refused: closed".into(),
        Error::Poisoned { .. } => "refused: poisoned".into(),
        Error::WrongStore { .. } => "refused: another engine's store, or a newer one".into(),
        Error::BadOption { .. } => "refused: no such option or value".into(),
        Error::Unsupported { .. } => "not applicable".into(),
        other => format!("failed: {other}"),
    }
}

pub(super) fn done(result: &Result<()>) -> String {
    result.as_ref().map_or_else(error, |()| "ok".into())
}

pub(super) fn yes_or_no(result: &Result<bool>) -> String {
    result.as_ref().map_or_else(error, |yes| if *yes { "yes".into() } else { "no".into() })
}

pub(super) fn value(result: &Result<Option<Vec<u8>>>) -> String {
    let show = |value: &Option<Vec<u8>>| value.as_deref().map_or("absent".into(), show_bytes);
    result.as_ref().map_or_else(error, show)
}

pub(super) fn scan(scan: Result<Scan>) -> String {
    let pairs = scan.and_then(Iterator::collect::<Result<Vec<_>>>);
    match pairs {
        Err(e) => error(&e),
        Ok(pairs) if pairs.is_empty() => "nothing".into(),
        Ok(pairs) => {
            let lines =
                pairs.iter().map(|(key, value)| format!("{} = {}", show_bytes(key), show_bytes(value)));
            lines.collect::<Vec<_>>().join("\n")
        }
    }
}

pub(super) fn opened(report: &RecoveryReport) -> &'static str {
    match (report.created, report.clean, &report.cut) {
        (true, ..) => "opened: new",
        (_, true, None) => "opened: closed cleanly before",
        (_, false, None) => "opened: not closed before, nothing missing",
        (_, _, Some(_)) => "opened: a torn tail was cut",
    }
}

pub(super) fn report(report: &RecoveryReport) -> String {
    let mut text =
        format!("{} files, {} entries, {} bytes read", report.files, report.entries, report.bytes_read);
    if let Some(cut) = &report.cut {
        let _ =
            write!(text, "\ncut: {} bytes of {} at offset {}: {}", cut.bytes, cut.file, cut.offset, cut.why);
        if let Some(name) = &cut.set_aside {
            let _ = write!(text, "\nset aside as {name}");
        }
    }
    for name in &report.set_aside {
        let _ = write!(text, "\nbehind the cut, set aside: {name}");
    }
    for Damage { file, offset, what } in &report.replaced {
        let _ = write!(text, "\nnot believed, its original was read: {file} at offset {offset}: {what}");
    }
    for name in &report.leftovers_removed {
        let _ = write!(text, "\nleftover removed: {name}");
    }
    for name in &report.foreign {
        let _ = write!(text, "\nnot ours, left alone: {name}");
    }
    text
}

pub(super) fn verified(result: &Result<VerifyReport>) -> String {
    let show = |report: &VerifyReport| if report.damage.is_empty() { "sound" } else { "damaged" }.to_owned();
    result.as_ref().map_or_else(error, show)
}

pub(super) fn checked(result: &Result<VerifyReport>) -> String {
    let Ok(report) = result else { return result.as_ref().err().map_or(String::new(), ToString::to_string) };
    let mut text = format!("{} entries, {} bytes read", report.entries, report.bytes_read);
    for damage in &report.damage {
        let _ = write!(text, "\ndamage: {} at offset {}: {}", damage.file, damage.offset, damage.what);
    }
    for note in &report.notes {
        let _ = write!(text, "\nnote: {note}");
    }
    text
}

pub(super) fn salvaged(result: &Result<SalvageReport>) -> String {
    let Ok(report) = result else { return result.as_ref().err().map_or(String::new(), ToString::to_string) };
    let mut text = format!("saved {} entries, {} bytes", report.entries, report.bytes);
    for lost in &report.lost {
        let _ = write!(text, "\nlost: {} at offset {}: {}", lost.file, lost.offset, lost.what);
    }
    text
}

pub(super) fn looks(result: &Result<Explanation>) -> String {
    let Ok(explained) = result else { return String::new() };
    let mut text =
        format!("{} bytes read, {} entries passed", explained.bytes_read, explained.entries_passed);
    for look in &explained.looks {
        let _ =
            write!(text, "\n{} at offset {}, {} bytes: {}", look.place, look.offset, look.bytes, look.what);
    }
    text
}

pub(super) fn stats(stats: &Stats) -> String {
    let known = |figure: Option<u64>| figure.map_or("unknown".into(), |n| n.to_string());
    let mut text = format!(
        "keys {}, live bytes {}\n{} files, {} bytes; index {} KiB\nwritten by callers {} bytes, to files {} \
         bytes; read {} bytes",
        known(stats.keys),
        known(stats.live_bytes),
        stats.files,
        stats.disk_bytes,
        // Whole KiB: the last few bytes follow the hash's random seed.
        stats.index_bytes / 1024,
        stats.user_bytes_written,
        stats.bytes_written,
        stats.bytes_read,
    );
    for figure in &stats.figures {
        // How long something took is another matter each time.
        let value = if figure.unit == "us" { "some".to_owned() } else { figure.value.to_string() };
        let _ = write!(text, "\n{}: {value} {}", figure.name, figure.unit);
    }
    text
}

/// How many bytes of a field are shown.
const SHOWN_BYTES: usize = 12;

/// Fields as a table: offset, length, bytes, name and meaning, verdict; a line with the file's name where it changes.
/// What an earlier table has shown already is left out.
#[derive(Default)]
pub(super) struct Table {
    shown: HashSet<(String, String)>,
}

impl Table {
    pub(super) fn show(&mut self, fields: &[Field]) -> String {
        let mut text = String::new();
        let (mut file, mut left_out) = ("", false);
        for field in fields {
            let line = line(field);
            if field.file != file {
                file = &field.file;
                left_out = false;
                let _ = writeln!(text, "{file}");
            }
            if self.shown.insert((file.to_owned(), line.clone())) {
                text.push_str(&line);
                left_out = false;
            } else if !std::mem::replace(&mut left_out, true) {
                text.push_str("     … as before\n");
            }
        }
        text
    }
}

fn line(field: &Field) -> String {
    let mut hex: Vec<_> = field.bytes.iter().take(SHOWN_BYTES).map(|byte| format!("{byte:02x}")).collect();
    if field.len > hex.len() as u64 {
        hex.push("…".into());
    }
    let verdict = match &field.verdict {
        Verdict::None => String::new(),
        Verdict::Good => "  ✓".into(),
        Verdict::Bad(why) => format!("  ✗ {why}"),
    };
    let width = SHOWN_BYTES * 3 + 1;
    let (offset, len, name, meaning) = (field.offset, field.len, field.name, &field.meaning);
    format!("{offset:>6} {len:>5}  {:<width$} {name}: {meaning}{verdict}\n", hex.join(" "))
}
