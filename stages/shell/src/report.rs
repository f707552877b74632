//! What an engine says about itself, for a person and for a script.

mod opening;

use crate::grammar::show;
use contract::{
    CommandReport, Damage, Explanation, Field, Figure, SalvageReport, Stats, Verdict, VerifyReport,
};
use indicatif::{HumanBytes, HumanCount};
pub(crate) use opening::{recovery, recovery_json};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::time::Duration;

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

/// A length of time, with three digits or four.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let (value, unit) = match time.as_micros() {
        0..1_000 => return format!("{} µs", time.as_micros()),
        1_000..1_000_000 => (seconds * 1e3, "ms"),
        _ => (seconds, "s"),
    };
    let digits = if value < 10.0 { 2 } else { 1 };
    format!("{value:.digits$} {unit}")
}

/// A figure's name and value for a person.
pub(crate) fn figure(figure: &Figure) -> (String, String) {
    let value = match figure.unit {
        "bytes" => size(figure.value),
        "count" => HumanCount(figure.value).to_string(),
        "us" => duration(Duration::from_micros(figure.value)),
        unit => format!("{} {unit}", HumanCount(figure.value)),
    };
    (figure.name.replace('-', " "), value)
}

/// Figures as they are, by their names.
fn figures_json(figures: &[Figure]) -> Value {
    let figure = |f: &Figure| (f.name.to_owned(), json!({ "value": f.value, "unit": f.unit }));
    Value::Object(figures.iter().map(figure).collect::<Map<_, _>>())
}

/// What a stage's own command has to say, as JSON.
pub(crate) fn command_json(report: &CommandReport, took: Option<Duration>) -> Value {
    json!({
        "lines": report.lines,
        "figures": figures_json(&report.figures),
        "wrong": report.wrong,
        "seconds": took.map(|took| took.as_secs_f64()),
    })
}

/// Figures, one a line.
pub(crate) fn stats(stats: &Stats) -> Vec<(String, String)> {
    let keys = stats.keys.map_or("unknown; «count» reads them".into(), |n| HumanCount(n).to_string());
    let amplification = stats.write_amplification().map_or("nothing put yet".into(), |x| format!("{x:.2}"));
    let rows = [
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
    let rows = rows.into_iter().map(|(name, value)| (name.to_owned(), value));
    rows.chain(stats.figures.iter().map(figure)).collect()
}

/// Figures as JSON.
pub(crate) fn stats_json(stats: &Stats) -> Value {
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
        "figures": figures_json(&stats.figures),
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
        let where_ = match look.bytes {
            // A structure in memory: there is no place in it that a person could look up.
            0 => look.place.clone(),
            bytes => format!("{} at {}, {}", look.place, look.offset, count(bytes, "byte", "bytes")),
        };
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

    #[test]
    fn json_holds_any_bytes() {
        assert_eq!(bytes("é\n".as_bytes()).to_string(), r#""é\n""#);
        assert_eq!(bytes(b"\x00\xff").to_string(), r#"{"hex":"00ff"}"#);
        assert_eq!(bytes_or_null(None), Value::Null);
    }

    #[test]
    fn figures_have_the_unit_that_a_person_reads_best() {
        let of = |value, unit| figure(&Figure { name: "hint-bytes", value, unit }).1;
        assert_eq!(figure(&Figure { name: "hint-bytes", value: 1, unit: "bytes" }).0, "hint bytes");
        for (value, unit, text) in [
            (1, "bytes", "1 byte"),
            (2048, "bytes", "2,048 bytes (2.00 KiB)"),
            (1_000_000, "count", "1,000,000"),
            (7, "us", "7 µs"),
            (1_500, "us", "1.50 ms"),
            (72_340, "us", "72.3 ms"),
            (90_000_000, "us", "90.0 s"),
            (3, "files", "3 files"),
        ] {
            assert_eq!(of(value, unit), text);
        }
    }
}
