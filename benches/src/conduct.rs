//! Rounds and processes: who is measured when, and what becomes of the answers.
//!
//! **Invariants**
//! 1. A cell (one engine or bound, one workload) is a process of its own in a directory of its own, which is removed
//!    before the next one starts.
//! 2. What is compared is measured close together: within a round, everyone does a workload before anyone does the
//!    next, bounds beside the engines; the one who begins changes from round to round.
//! 3. A cell that fails ends the run. There is no report of a part.
//! 4. A run that is interrupted leaves neither data nor half a report.

use crate::bounds;
use crate::cell::{Answer, Spec};
use crate::engines;
use crate::machine::Machine;
use crate::report::{BOUND, EngineInfo, Report, Row, SCHEMA, Sample};
use crate::workload::{self, Effort, Workload, durability_name};
use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// The argument that makes the program measure one [`Spec`] and answer in JSON.
pub const CELL: &str = "cell";

/// What a run measures.
pub struct Plan {
    /// The engines, by name.
    pub engines: Vec<String>,
    /// The workloads, by name.
    pub workloads: Vec<String>,
    /// Whether the bounds beside these workloads are measured too.
    pub bounds: bool,
    /// How much, and how often.
    pub effort: Effort,
    /// A directory under which stores are made and removed.
    pub dir: PathBuf,
    /// How the report says it was made.
    pub command: String,
}

/// Everything that was measured of one subject doing one workload.
struct Cell {
    workload: &'static str,
    /// What tells this cell's rows from those of another one, where their parts do not.
    part: String,
    subject: String,
    durability: &'static str,
    rounds: Vec<Vec<Sample>>,
    not_applicable: Option<String>,
}

/// Measures everything in the plan. Fails at the first cell that does, and once `stop` is set.
pub fn run(plan: &Plan, stop: &AtomicBool) -> Result<Report> {
    let mut groups = plan.groups()?;
    #[expect(clippy::disallowed_methods, reason = "the directory above all stores of a run")]
    let made = std::fs::create_dir_all(&plan.dir);
    made.with_context(|| format!("cannot make {}", plan.dir.display()))?;
    let machine = Machine::here(&plan.dir);
    let date = now();
    let cells: usize = groups.iter().map(Vec::len).sum();
    let bar = progress(cells as u64 * plan.effort.rounds);
    for round in 0..plan.effort.rounds {
        for group in &mut groups {
            let begin = usize::try_from(round)? % group.len().max(1);
            for turn in 0..group.len() {
                let at = (begin + turn) % group.len();
                let cell = &mut group[at];
                let what = format!("{} on {}", cell.workload, cell.subject);
                bar.set_message(format!("round {} of {}: {what}", round + 1, plan.effort.rounds));
                let answer = measure(plan, cell);
                ensure!(!stop.load(Ordering::Relaxed), "interrupted; nothing was kept");
                match answer? {
                    Answer::Measured(samples) => cell.rounds.push(samples),
                    Answer::NotApplicable(why) => cell.not_applicable = Some(why),
                }
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();
    let cells: Vec<Cell> = groups.into_iter().flatten().collect();
    Ok(Report {
        schema: SCHEMA,
        date,
        command: plan.command.clone(),
        machine,
        effort: plan.effort,
        engines: plan.engines.iter().map(|name| engine_info(name)).collect::<Result<_>>()?,
        rows: rows(&cells)?,
        not_applicable: not_applicable(&cells),
    })
}

impl Plan {
    /// The cells, one group for each workload: its engines and its bounds.
    fn groups(&self) -> Result<Vec<Vec<Cell>>> {
        let mut groups = Vec::new();
        for workload in workload::ALL.iter().filter(|w| self.workloads.iter().any(|name| name == w.name)) {
            let of_engine = |name: &String| cell(workload.name, name, durability_name(workload.durability));
            let mut group: Vec<Cell> = self.engines.iter().map(of_engine).collect();
            for bound in
                bounds::ALL.iter().filter(|bound| self.bounds && bound.beside.contains(&workload.name))
            {
                let durability = bound.durability.map_or("", durability_name);
                let part = bound.part_beside(workload.name);
                group.push(Cell { part, ..cell(bound.name, BOUND, durability) });
            }
            groups.push(group);
        }
        ensure!(groups.iter().any(|group| !group.is_empty()), "there is nothing to measure");
        Ok(groups)
    }
}

fn cell(workload: &'static str, subject: &str, durability: &'static str) -> Cell {
    let (subject, part) = (subject.to_owned(), String::new());
    Cell { workload, part, subject, durability, rounds: Vec::new(), not_applicable: None }
}

/// Has a child of this program measure a cell.
fn measure(plan: &Plan, cell: &Cell) -> Result<Answer> {
    let dir = tempfile::Builder::new().prefix("store-").tempdir_in(&plan.dir)?;
    let spec = Spec {
        subject: cell.subject.clone(),
        workload: cell.workload.to_owned(),
        effort: plan.effort,
        dir: dir.path().to_owned(),
    };
    let out = Command::new(std::env::current_exe()?)
        .args([CELL, &serde_json::to_string(&spec)?])
        .output()
        .context("cannot start a process to measure in")?;
    dir.close()?;
    if !out.status.success() {
        let said = String::from_utf8_lossy(&out.stderr);
        bail!("{} on {} failed ({}):\n{}", cell.workload, cell.subject, out.status, said.trim_end());
    }
    serde_json::from_slice(&out.stdout).context("the measuring process answered nonsense")
}

/// Rows in the order of the tables: workloads with their engines, then bounds.
fn rows(cells: &[Cell]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for cell in cells.iter().filter(|cell| !cell.rounds.is_empty()) {
        for part in 0..cell.rounds[0].len() {
            let of_round = |round: &Vec<Sample>| round.get(part).cloned();
            let samples: Option<Vec<Sample>> = cell.rounds.iter().map(of_round).collect();
            let samples =
                samples.with_context(|| format!("rounds of {} differ in their parts", cell.workload))?;
            let mut row = Row::of_rounds(cell.workload, &cell.subject, cell.durability, &samples);
            row.part.push_str(&cell.part);
            rows.push(row);
        }
    }
    rows.sort_by_key(|row| row.subject == BOUND);
    Ok(rows)
}

fn not_applicable(cells: &[Cell]) -> Vec<String> {
    let line = |cell: &Cell| {
        cell.not_applicable.as_ref().map(|why| format!("{} on {}: {why}", cell.workload, cell.subject))
    };
    cells.iter().filter_map(line).collect()
}

fn engine_info(name: &str) -> Result<EngineInfo> {
    let stage = engines::named(name)?;
    Ok(EngineInfo { name: stage.name.into(), title: stage.title.into(), persistent: stage.persistent })
}

fn progress(cells: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {elapsed} {msg}");
    ProgressBar::new(cells).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[expect(clippy::disallowed_methods, reason = "a report says when it was made")]
fn now() -> String {
    humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()
}

/// The names of all workloads, in the order of the tables.
pub fn workload_names() -> Vec<&'static str> {
    workload::ALL.iter().map(|workload: &Workload| workload.name).collect()
}
