//! The pieces by themselves, as Criterion measured them, in a form that the book can include.
//!
//! **Layout** Criterion leaves a folder for every function that it measured, `GROUP/FUNCTION/new`, with what it is called
//! (`benchmark.json`) and how long it took (`estimates.json`). A group is a table here. What stands behind the last
//! comma of a function's name is its column, what stands before it its row; so the candidates for one purpose stand
//! beside each other.
//!
//! **Invariants** All figures are of one machine and one run; the order is that in which they were measured.
#![expect(
    clippy::disallowed_methods,
    reason = "it reads Criterion's files and says when, and opens no store"
)]

use crate::machine::Machine;
use crate::markdown::{anchor, list, part};
use crate::report::save_text;
use crate::table::{Grid, number};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Changes when an older program could not read the file.
const SCHEMA: u32 = 1;
/// A group with this at the end of its name counts bytes and not time.
pub const BYTES: &str = "bytes an entry";
/// A median that may be off by more than this share is named in the notes.
const WIDE: f64 = 0.1;

/// What Criterion measured in one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pieces {
    schema: u32,
    /// When they were collected, in UTC.
    pub date: String,
    /// The command that measures them again.
    pub command: String,
    /// What they were measured on.
    pub machine: Machine,
    /// In the order of the run.
    pub pieces: Vec<Piece>,
}

/// What one piece of work takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    /// The table it belongs to.
    pub group: String,
    /// What is done.
    pub row: String,
    /// By whom or with what; empty where there is only one.
    pub column: String,
    /// The median for one entry, in nanoseconds or bytes, and the bounds that it lies in with a probability of 95 %.
    pub median: f64,
    /// The lower of these bounds.
    pub low: f64,
    /// The upper one.
    pub high: f64,
}

/// What Criterion calls a function.
#[derive(Deserialize)]
struct Named {
    group_id: String,
    function_id: Option<String>,
    value_str: Option<String>,
    throughput: Option<serde_json::Value>,
}

/// What Criterion says of its time, as far as it is kept here.
#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    confidence_interval: Interval,
    point_estimate: f64,
}

#[derive(Deserialize)]
struct Interval {
    lower_bound: f64,
    upper_bound: f64,
}

impl Pieces {
    /// Everything that lies in Criterion's folder.
    pub fn collect(folder: &Path, command: &str) -> Result<Self> {
        let mut found = Vec::new();
        search(folder, &mut found)?;
        ensure!(!found.is_empty(), "Criterion has left nothing in {}", folder.display());
        found.sort_by_key(|(measured, _)| *measured);
        Ok(Self {
            schema: SCHEMA,
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            command: command.to_owned(),
            machine: Machine::here(folder),
            pieces: found.into_iter().map(|(_, piece)| piece).collect(),
        })
    }

    /// Reads a file that [`save`](Self::save) wrote. Refuses one of another schema.
    pub fn load(path: &Path) -> Result<Self> {
        let pieces: Self = read(path)?;
        ensure!(pieces.schema == SCHEMA, "{} has another schema: measure again", path.display());
        Ok(pieces)
    }

    /// Whether a file holds pieces, and not a report.
    pub fn is_in(path: &Path) -> bool {
        read::<serde_json::Value>(path).is_ok_and(|value| value.get("pieces").is_some())
    }

    /// Writes it as JSON: whole or not at all.
    pub fn save(&self, path: &Path) -> Result<()> {
        save_text(path, &(serde_json::to_string_pretty(self)? + "\n"))
    }

    /// The names of the groups, in order.
    pub(crate) fn groups(&self) -> Vec<&str> {
        once(self.pieces.iter().map(|piece| piece.group.as_str()))
    }

    /// One group as a table.
    pub(crate) fn table(&self, group: &str) -> Grid {
        let of_group = || self.pieces.iter().filter(|piece| piece.group == group);
        let columns = once(of_group().map(|piece| piece.column.as_str()));
        let unit = unit(group);
        let heads: Vec<_> = columns.iter().map(|name| if name.is_empty() { unit } else { name }).collect();
        let mut grid = Grid::new(&[if columns == [""] { "" } else { unit }], &heads, &[]);
        for row in once(of_group().map(|piece| piece.row.as_str())) {
            let cell = |column: &&str| {
                let piece = of_group().find(|piece| piece.row == row && piece.column == *column);
                piece.map_or_else(|| "–".into(), |piece| number(piece.median))
            };
            grid.push(std::iter::once(row.to_owned()).chain(columns.iter().map(cell)).collect());
        }
        grid
    }

    /// Where the figures come from.
    pub(crate) fn origin(&self) -> Vec<String> {
        let gib = self.machine.memory_bytes.div_ceil(1 << 30);
        let Machine { cpu, cores, kernel, compiler, build, .. } = &self.machine;
        vec![
            format!(
                "{cpu}, {cores} cores, {gib} GiB of memory, {kernel}; {compiler}, {build}; {}",
                self.date
            ),
            "median, for one entry or one call".into(),
            format!("`{}`", self.command),
        ]
    }

    /// Figures that are less certain than the others.
    pub(crate) fn notes(&self) -> Vec<String> {
        let wide = self.pieces.iter().filter(|piece| piece.high - piece.low > WIDE * piece.median);
        let line = |piece: &Piece| {
            let (low, high) = (number(piece.low), number(piece.high));
            format!("{}: {}: between {low} and {high} {}", piece.group, piece.name(), unit(&piece.group))
        };
        wide.map(line).collect()
    }
}

impl Piece {
    fn name(&self) -> String {
        [self.row.as_str(), &self.column].join(", ").trim_end_matches(", ").to_owned()
    }
}

/// Every table and what they were measured on, for a terminal.
pub fn terminal(pieces: &Pieces) -> String {
    let mut text = pieces.origin().join("\n") + "\n";
    for group in pieces.groups() {
        let _ = write!(text, "\n{group}\n{}\n", pieces.table(group).terminal());
    }
    pieces.notes().iter().for_each(|note| _ = writeln!(text, "{note}"));
    text
}

/// Everything, for the book: the parts `machine`, `notes`, and one for each group.
pub fn markdown(pieces: &Pieces) -> String {
    let mut text = String::from("<!-- Written by the benchmark. Do not edit: measure again. -->\n\n");
    part(&mut text, "machine", &list(&pieces.origin()));
    for group in pieces.groups() {
        part(&mut text, &anchor(group), &pieces.table(group).markdown());
    }
    part(&mut text, "notes", &list(&pieces.notes()));
    text
}

/// Single figures, an anchor each; of what has several columns also how many times the first one's figure each is.
pub fn figures(pieces: &Pieces) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let name = anchor(name);
        let _ = writeln!(text, "ANCHOR: {name}\n{value}\nANCHOR_END: {name}");
    };
    for piece in &pieces.pieces {
        let name = format!("{} {}", piece.group, piece.name());
        line(&name, &format!("{} {}", number(piece.median), unit(&piece.group)));
        let mut row =
            pieces.pieces.iter().filter(|other| (&other.group, &other.row) == (&piece.group, &piece.row));
        if let Some(first) = row.next().filter(|first| first.column != piece.column) {
            line(&format!("{name} ÷ {}", first.column), &number(piece.median / first.median));
        }
    }
    text
}

fn unit(group: &str) -> &'static str {
    if group.ends_with(BYTES) { "B" } else { "ns" }
}

/// Each once, where it came first.
fn once<'t>(names: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

/// Finds what was measured below a folder, and when.
fn search(folder: &Path, found: &mut Vec<(SystemTime, Piece)>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    for path in paths.iter().filter(|path| path.is_dir()) {
        let estimates = path.join("estimates.json");
        if path.ends_with("new") && estimates.exists() {
            let measured = estimates.metadata()?.modified()?;
            found.push((measured, piece(&read(&path.join("benchmark.json"))?, &read(&estimates)?)));
        } else {
            search(path, found)?;
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "entries far below 2^53")]
fn piece(named: &Named, estimates: &Estimates) -> Piece {
    let function = named.function_id.as_deref().unwrap_or_default();
    let (row, column) = match &named.value_str {
        Some(value) => (value.as_str(), function),
        None => function.rsplit_once(", ").unwrap_or((function, "")),
    };
    // Bytes that are worked through are no entries: what they take is told as a whole.
    let entries = named.throughput.as_ref().and_then(|throughput| throughput.get("Elements")?.as_u64());
    let each = |value: f64| value / entries.unwrap_or(1) as f64;
    let median = &estimates.median;
    Piece {
        group: named.group_id.clone(),
        row: row.to_owned(),
        column: column.to_owned(),
        median: each(median.point_estimate),
        low: each(median.confidence_interval.lower_bound),
        high: each(median.confidence_interval.upper_bound),
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not of this benchmark", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(function: &str, nanos: f64) -> Piece {
        let named = serde_json::json!({
            "group_id": "memtable", "function_id": function, "value_str": null, "throughput": { "Elements": 10 },
        });
        let estimates = serde_json::json!({
            "median": {
                "point_estimate": nanos,
                "confidence_interval": { "lower_bound": nanos * 0.9, "upper_bound": nanos * 1.2 },
            },
        });
        piece(&serde_json::from_value(named).unwrap(), &serde_json::from_value(estimates).unwrap())
    }

    fn pieces(of: &[(&str, f64)]) -> Pieces {
        Pieces {
            schema: SCHEMA,
            date: String::new(),
            command: String::new(),
            machine: Machine::here(Path::new(".")),
            pieces: of.iter().map(|(function, nanos)| measured(function, *nanos)).collect(),
        }
    }

    #[test]
    fn candidates_stand_beside_each_other() {
        let pieces = pieces(&[("get, pages", 500.0), ("get, skip list", 1250.0), ("insert, pages", 70.0)]);
        let table = pieces.table("memtable").markdown();
        assert!(table.contains("| get | 50.0 | 125 |\n| insert | 7.00 | – |"), "{table}");
        let figures = figures(&pieces);
        assert!(figures.contains("ANCHOR: memtable-get-skip-list-over-pages\n2.50\n"), "{figures}");
        assert!(!figures.contains("get-pages-over"), "nobody is compared with himself");
        assert_eq!(pieces.notes().len(), 3, "all of these may be off by 30 %");
    }

    #[test]
    fn what_criterion_leaves_is_found_wherever_it_lies() {
        let dir = tempfile::tempdir().unwrap();
        let new = dir.path().join("a group/a function/new");
        std::fs::create_dir_all(&new).unwrap();
        let error = Pieces::collect(dir.path(), "").unwrap_err().to_string();
        assert!(error.contains("has left nothing"), "{error}");
        let named =
            r#"{"group_id":"checksum","function_id":"crc","value_str":"28","throughput":{"Bytes":28}}"#;
        let estimates = r#"{"median":{"confidence_interval":{"lower_bound":3.0,"upper_bound":4.0},"point_estimate":3.5}}"#;
        save_text(&new.join("benchmark.json"), named).unwrap();
        save_text(&new.join("estimates.json"), estimates).unwrap();
        let found = Pieces::collect(dir.path(), "").unwrap();
        let [piece] = found.pieces.as_slice() else { panic!("{found:?}") };
        assert_eq!((piece.row.as_str(), piece.column.as_str(), piece.median), ("28", "crc", 3.5));
    }
}
