//! What an opening found and did.

use super::{count, damage_json};
use contract::{Cut, Damage, RecoveryReport};
use serde_json::{Value, json};

/// What to tell about an opening: nothing if all was well.
pub(crate) fn recovery(place: &str, report: &RecoveryReport) -> Vec<String> {
    let is_quiet = (report.clean || report.created) && report.cut.is_none();
    let mut lines = if is_quiet { Vec::new() } else { after_crash(place, report) };
    lines.extend(report.replaced.iter().map(|Damage { file, offset, what }| {
        format!("{file} cannot be used; what it was made from was read instead (at offset {offset}: {what})")
    }));
    lines
}

fn after_crash(place: &str, report: &RecoveryReport) -> Vec<String> {
    let entries = count(report.entries, "entry was", "entries were");
    let mut lines = vec![format!("{place} had not been closed; {entries} recovered")];
    if let Some(cut) = &report.cut {
        let bytes = count(cut.bytes, "byte was", "bytes were");
        let kept =
            cut.set_aside.as_ref().map_or(String::new(), |file| format!("; the old file lies in {file}"));
        let (file, offset, why) = (&cut.file, cut.offset, &cut.why);
        lines.push(format!("{bytes} cut from {file} at offset {offset}, an unfinished write ({why}){kept}"));
    }
    if !report.set_aside.is_empty() {
        lines.push(format!("set aside, because they came after the cut: {}", report.set_aside.join(", ")));
    }
    if !report.leftovers_removed.is_empty() {
        lines.push(format!("removed what a crash had left: {}", report.leftovers_removed.join(", ")));
    }
    if !report.foreign.is_empty() {
        lines.push(format!("left alone, because not ours: {}", report.foreign.join(", ")));
    }
    lines
}

/// The same as JSON, whether something happened or not.
pub(crate) fn recovery_json(report: &RecoveryReport) -> Value {
    json!({
        "created": report.created,
        "clean": report.clean,
        "files": report.files,
        "entries": report.entries,
        "bytes_read": report.bytes_read,
        "cut": report.cut.as_ref().map(cut_json),
        "set_aside": report.set_aside,
        "leftovers_removed": report.leftovers_removed,
        "replaced": damage_json(&report.replaced),
        "foreign": report.foreign,
    })
}

fn cut_json(cut: &Cut) -> Value {
    json!({
        "file": cut.file,
        "offset": cut.offset,
        "bytes": cut.bytes,
        "why": cut.why,
        "set_aside": cut.set_aside,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_is_told_only_where_something_happened() {
        let clean = RecoveryReport { clean: true, ..RecoveryReport::default() };
        assert!(recovery("x", &clean).is_empty());
        assert!(recovery("x", &RecoveryReport { created: true, ..RecoveryReport::default() }).is_empty());
        let cut = Cut {
            file: "1.log".into(),
            offset: 100,
            bytes: 7,
            why: "the frame is longer than the file".into(),
            set_aside: Some("1.torn".into()),
        };
        let torn = RecoveryReport { entries: 1, cut: Some(cut), ..RecoveryReport::default() };
        let lines = recovery("data/x", &torn);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].contains("data/x") && lines[0].contains("1 entry"), "{}", lines[0]);
        for part in ["7 bytes", "1.log", "100", "longer", "1.torn"] {
            assert!(lines[1].contains(part), "{part}: {}", lines[1]);
        }
    }

    #[test]
    fn a_saved_index_that_could_not_be_used_is_told_also_after_a_clean_close() {
        let hint = Damage { file: "3.hint".into(), offset: 64, what: "its checksum does not match".into() };
        let report = RecoveryReport { clean: true, replaced: vec![hint], ..RecoveryReport::default() };
        let lines = recovery("data/x", &report);
        assert_eq!(lines.len(), 1);
        for part in ["3.hint", "offset 64", "its checksum does not match"] {
            assert!(lines[0].contains(part), "{part}: {}", lines[0]);
        }
        let expected = json!([{ "file": "3.hint", "offset": 64, "what": "its checksum does not match" }]);
        assert_eq!(recovery_json(&report)["replaced"], expected);
    }
}
