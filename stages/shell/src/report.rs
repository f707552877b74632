//! What an engine says about itself, for a person and for a script.

use crate::grammar::show;
use contract::{Damage, Explanation, Field, RecoveryReport, SalvageReport, Stats, Verdict, VerifyReport};
use indicatif::{HumanBytes, HumanCount};
use serde_json::{Value, json};
use std::fmt::Write;

/// A key or value in JSON: a string if it is valid UTF-8, otherwise its bytes in hexadecimal.
pub(crate) fn bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => json!({ "hex": hex(bytes, "") }),
    }
}

/// The same, with `null` for what is absent.
pub(crate) fn bytes_or_null(value: Option<&[u8]>) -> Value {
    value.map_or(Value::Null, bytes)
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8], between: &str) -> String {
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        let gap = if at == 0 { "" } else { between };
        // Writing to a string cannot fail.
        let _ = write!(text, "{gap}{byte:02x}");
    }
    text
}

/// A number of things, with the thousands set apart.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", HumanCount(number), if number == 1 { one } else { many })
}

/// A number of bytes, and in larger units where it is large.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => count(bytes, "byte", "bytes"),
        _ => format!("{} ({})", count(bytes, "byte", "bytes"), HumanBytes(bytes)),
    }
}

/// What to tell about an opening: nothing if all was well.
pub(crate) fn recovery(place: &str, report: &RecoveryReport) -> Vec<String> {
    if (report.clean || report.created) && report.cut.is_none() {
        return Vec::new();
    }
    let entries = count(report.entries, "entry was", "entries were");
    let mut lines = vec![format!("{place} had not been closed; {entries} recovered")];
    if let Some(cut) = &report.cut {
        let bytes = count(cut.bytes, "byte was", "bytes were");
        let kept =
            cut.set_aside.as_ref().map_or(String::new(), |file| format!("; the old file lies in {file}"));
        let (file, offset, why) = (&cut.file, cut.offset, &cut.why);
        lines.push(format!("{bytes} cut from {file} at offset {offset}, an unfinished write ({why}){kept}"));
    }
    if !report.leftovers_removed.is_empty() {
        lines.push(format!("removed what a crash had left: {}", report.leftovers_removed.join(", ")));
    }
    if !report.foreign.is_empty() {
        lines.push(format!("left alone, because not ours: {}", report.foreign.join(", ")));
    }
    lines
}

/// Figures, one a line.
pub(crate) fn stats(stats: &Stats) -> Vec<(String, String)> {
    let keys = stats.keys.map_or("unknown; «count» reads them".into(), |n| HumanCount(n).to_string());
    let amplification = stats.write_amplification().map_or("nothing put yet".into(), |x| format!("{x:.2}"));
    let mut rows = vec![
        ("keys", keys),
        ("live data", stats.live_bytes.map_or("unknown".into(), size)),
        ("disk", size(stats.disk_bytes)),
        ("files", HumanCount(stats.files).to_string()),
        ("index memory", size(stats.index_bytes)),
        ("put since opening", size(stats.user_bytes_written)),
        ("written since opening", size(stats.bytes_written)),
        ("read since opening", size(stats.bytes_read)),
        ("write amplification", amplification),
    ];
    rows.extend(stats.figures.iter().map(|figure| {
        let value = match figure.unit {
            "bytes" => size(figure.value),
            "count" => HumanCount(figure.value).to_string(),
            unit => format!("{} {unit}", HumanCount(figure.value)),
        };
        (figure.name, value)
    }));
    rows.into_iter().map(|(name, value)| (name.replace('-', " "), value)).collect()
}

/// Figures as JSON.
pub(crate) fn stats_json(stats: &Stats) -> Value {
    let figures = stats.figures.iter().map(|f| {
        let figure = json!({ "value": f.value, "unit": f.unit });
        (f.name.to_owned(), figure)
    });
    json!({
        "keys": stats.keys,
        "live_bytes": stats.live_bytes,
        "disk_bytes": stats.disk_bytes,
        "files": stats.files,
        "index_bytes": stats.index_bytes,
        "user_bytes_written": stats.user_bytes_written,
        "bytes_written": stats.bytes_written,
        "bytes_read": stats.bytes_read,
        "write_amplification": stats.write_amplification(),
        "figures": figures.collect::<serde_json::Map<_, _>>(),
    })
}

/// What a get looked at, one thing a line.
pub(crate) fn explanation(e: &Explanation) -> Vec<(String, String)> {
    let mut rows = vec![
        ("value".to_owned(), e.value.as_deref().map_or("(absent)".into(), show)),
        ("bytes read".to_owned(), HumanCount(e.bytes_read).to_string()),
        ("entries passed".to_owned(), HumanCount(e.entries_passed).to_string()),
    ];
    rows.extend(e.looks.iter().map(|look| {
        let where_ = format!("{} at {}, {}", look.place, look.offset, count(look.bytes, "byte", "bytes"));
        ("looked at".to_owned(), format!("{where_}: {}", look.what))
    }));
    rows
}

/// The same as JSON.
pub(crate) fn explanation_json(e: &Explanation) -> Value {
    let looks = e.looks.iter().map(
        |look| json!({ "place": look.place, "offset": look.offset, "bytes": look.bytes, "what": look.what }),
    );
    json!({
        "value": bytes_or_null(e.value.as_deref()),
        "bytes_read": e.bytes_read,
        "entries_passed": e.entries_passed,
        "looks": looks.collect::<Vec<_>>(),
    })
}

/// Stretches of damage, one a line.
pub(crate) fn damage(damage: &[Damage]) -> Vec<String> {
    damage.iter().map(|d| format!("{} at offset {}: {}", d.file, d.offset, d.what)).collect()
}

fn damage_json(damage: &[Damage]) -> Value {
    damage.iter().map(|d| json!({ "file": d.file, "offset": d.offset, "what": d.what })).collect()
}

/// What reading every byte found, in a line.
pub(crate) fn verdict(report: &VerifyReport) -> String {
    let read = count(report.entries, "entry", "entries");
    let found = match report.damage.len() as u64 {
        0 => "no damage".to_owned(),
        n => format!("{} in all", count(n, "damaged place", "damaged places")),
    };
    format!("{read} and {} read: {found}", size(report.bytes_read))
}

/// The whole of it as JSON.
pub(crate) fn verify_json(report: &VerifyReport) -> Value {
    json!({
        "entries": report.entries,
        "bytes_read": report.bytes_read,
        "damage": damage_json(&report.damage),
        "notes": report.notes,
    })
}

/// What was saved, as JSON.
pub(crate) fn salvage_json(report: &SalvageReport) -> Value {
    json!({ "entries": report.entries, "bytes": report.bytes, "lost": damage_json(&report.lost) })
}

/// What was saved, in a line.
pub(crate) fn salvage(report: &SalvageReport, new: &str) -> String {
    let entries = count(report.entries, "entry", "entries");
    let lost = match report.lost.len() as u64 {
        0 => "nothing was lost".to_owned(),
        n => format!("{} could not be read", count(n, "stretch", "stretches")),
    };
    format!("{entries}, {}, saved into {new}; {lost}", size(report.bytes))
}

/// A field of a file as JSON.
pub(crate) fn field_json(field: &Field) -> Value {
    let verdict = match &field.verdict {
        Verdict::None => Value::Null,
        Verdict::Good => "good".into(),
        Verdict::Bad(why) => json!({ "bad": why }),
    };
    json!({
        "file": field.file,
        "offset": field.offset,
        "len": field.len,
        "hex": hex(&field.bytes, ""),
        "name": field.name,
        "meaning": field.meaning,
        "verdict": verdict,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Cut;

    #[test]
    fn json_holds_any_bytes() {
        assert_eq!(bytes("é\n".as_bytes()).to_string(), r#""é\n""#);
        assert_eq!(bytes(b"\x00\xff").to_string(), r#"{"hex":"00ff"}"#);
        assert_eq!(bytes_or_null(None), Value::Null);
    }

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
}
