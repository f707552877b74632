//! The figures of a run, as they go to JSON and come back: tables, ratios and charts are made from this alone.
//!
//! **Invariants** What a round measured is kept, not only its median, so that a spread can be shown and ratios can be
//! taken within a round.

mod unit;

pub use unit::Unit;

use crate::engines::Kind;
use crate::machine::Machine;
use crate::workload::Effort;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Changes when an older program could not read the file.
pub const SCHEMA: u32 = 1;

/// Everything that a run measured, and on what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When it began, in UTC.
    pub date: String,
    /// The command that makes it again.
    pub command: String,
    /// What it ran on.
    pub machine: Machine,
    /// How much was done, and how often.
    pub effort: Effort,
    /// The engines that took part, then the rivals, then the bounds that answer as an engine does.
    pub engines: Vec<EngineInfo>,
    /// Those of them that every other is compared with.
    #[serde(default)]
    pub against: Vec<String>,
    /// The figures.
    pub rows: Vec<Row>,
    /// What was left out, and why.
    pub not_applicable: Vec<String>,
    /// Who took so long that there was one round only.
    #[serde(default)]
    pub measured_once: Vec<String>,
    /// What the longest measurement of each subject took, in seconds.
    #[serde(default)]
    pub longest_seconds: BTreeMap<String, f64>,
}

/// An engine as a report names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// Its name.
    pub name: String,
    /// What it is, in a few words.
    pub title: String,
    /// Whether what it is told outlives the process.
    pub persistent: bool,
    /// What it is to this project.
    #[serde(default)]
    pub kind: Kind,
}

/// One figure of one engine or bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The workload, or the bound's own name.
    pub workload: String,
    /// Which figure of the workload, where it has several.
    pub part: String,
    /// The engine, or `bound`.
    pub subject: String,
    /// When a write was acknowledged; empty for what writes nothing.
    pub durability: String,
    /// Of what the values are.
    pub unit: Unit,
    /// The value of each round, in the order of the rounds.
    pub values: Vec<f64>,
    /// Operations that were timed: the median of the rounds.
    pub ops: u64,
    /// Operations that were asked for: all of them, had time allowed.
    pub of: u64,
    /// Median latency in microseconds, the median of the rounds.
    pub p50_micros: Option<f64>,
    /// The latency that one operation in a hundred exceeds, in microseconds, the median of the rounds.
    pub p99_micros: Option<f64>,
    /// What a reader must know besides.
    pub note: String,
}

/// The subject of rows that no engine had a part in.
pub const BOUND: &str = "bound";

/// What one process measured in one round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Which figure of the workload, where it has several.
    pub part: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: Unit,
    /// Operations that were timed.
    pub ops: u64,
    /// Operations that were asked for.
    pub of: u64,
    /// Median latency in microseconds.
    pub p50_micros: Option<f64>,
    /// The latency that one operation in a hundred exceeds, in microseconds.
    pub p99_micros: Option<f64>,
    /// What a reader must know besides.
    pub note: String,
}

impl Sample {
    /// A single value.
    pub fn new(part: &str, value: f64, unit: Unit) -> Self {
        let (part, note) = (part.to_owned(), String::new());
        Self { part, value, unit, ops: 1, of: 1, p50_micros: None, p99_micros: None, note }
    }

    /// The same with something that a reader must know.
    #[must_use]
    pub fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// The same as another figure of its workload.
    #[must_use]
    pub fn part(mut self, part: &str) -> Self {
        part.clone_into(&mut self.part);
        self
    }

    /// A rate, counted in entries where an operation is a batch of them.
    pub fn rate(timed: &crate::timing::Timed, of: u64, entries_per_op: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a batch has some hundred entries")]
        let value = timed.rate() * entries_per_op as f64 / 1e3;
        let mut sample = Self::new("", value, Unit::KiloPerSecond);
        sample.ops = timed.ops * entries_per_op;
        sample.of = of;
        sample.p50_micros = Some(timed.quantile_micros(0.5));
        sample.p99_micros = Some(timed.quantile_micros(0.99));
        sample
    }
}

impl Row {
    /// The row of one figure, from what the rounds measured of it. Panics where there was no round.
    pub fn of_rounds(workload: &str, subject: &str, durability: &str, rounds: &[Sample]) -> Self {
        let first = &rounds[0];
        let over = |figure: &dyn Fn(&Sample) -> Option<f64>| {
            let values: Vec<f64> = rounds.iter().filter_map(figure).collect();
            (!values.is_empty()).then(|| median(&values))
        };
        let mut ops: Vec<u64> = rounds.iter().map(|sample| sample.ops).collect();
        ops.sort_unstable();
        let ops = ops[ops.len() / 2];
        // Where rounds repeat something as often as time allows, nothing was asked for that was not done.
        let all_done = rounds.iter().all(|sample| sample.ops >= sample.of);
        Self {
            workload: workload.to_owned(),
            part: first.part.clone(),
            subject: subject.to_owned(),
            durability: durability.to_owned(),
            unit: first.unit,
            values: rounds.iter().map(|sample| sample.value).collect(),
            ops,
            of: if all_done { ops } else { first.of },
            p50_micros: over(&|sample| sample.p50_micros),
            p99_micros: over(&|sample| sample.p99_micros),
            note: first.note.clone(),
        }
    }

    /// The workload, and which figure of it.
    pub fn name(&self) -> String {
        if self.part.is_empty() { self.workload.clone() } else { format!("{}: {}", self.workload, self.part) }
    }

    /// The middle of the rounds.
    pub fn median(&self) -> f64 {
        median(&self.values)
    }

    /// The smallest and the largest of the rounds.
    pub fn spread(&self) -> (f64, f64) {
        spread(&self.values)
    }
}

impl Report {
    /// The row of this workload, part and subject.
    pub fn row(&self, workload: &str, part: &str, subject: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.workload == workload && row.part == part && row.subject == subject)
    }

    /// Whether this is a row of a bound.
    pub fn is_bound(&self, row: &Row) -> bool {
        row.subject == BOUND || self.engine(&row.subject).is_some_and(|engine| engine.kind == Kind::Bound)
    }

    /// What the report says of this subject.
    pub fn engine(&self, name: &str) -> Option<&EngineInfo> {
        self.engines.iter().find(|engine| engine.name == name)
    }

    /// Whether the kill test found that this subject loses what it acknowledged.
    pub fn lost(&self, name: &str) -> bool {
        self.row("lost", "", name).is_some_and(|row| row.spread().1 > 0.0)
    }

    /// Reads a file that [`save`](Self::save) wrote. Refuses one of another schema.
    pub fn load(path: &Path) -> Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "a report lies outside every store")]
        let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let report: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a report of this benchmark", path.display()))?;
        anyhow::ensure!(
            report.schema == SCHEMA,
            "{} has schema {}; this program reads {SCHEMA}: measure again",
            path.display(),
            report.schema
        );
        Ok(report)
    }

    /// Writes it as JSON: whole or not at all.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        save_text(path, &text)
    }
}

/// Writes a file whole or not at all: to another name, then renamed. Makes the directory if it is not there.
pub fn save_text(path: &Path, text: &str) -> Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or_else(|| Path::new("."));
    #[expect(clippy::disallowed_methods, reason = "a report lies outside every store")]
    let made = std::fs::create_dir_all(directory);
    made.with_context(|| format!("cannot make {}", directory.display()))?;
    let write = || -> std::io::Result<()> {
        use std::io::Write;
        use std::os::unix::fs::PermissionsExt;
        let readable = std::fs::Permissions::from_mode(0o644);
        let mut file = tempfile::Builder::new().permissions(readable).tempfile_in(directory)?;
        file.write_all(text.as_bytes())?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// The middle value; of two middle ones their mean. Panics if there are none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2])
}

/// The smallest and the largest value.
pub fn spread(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)))
}
