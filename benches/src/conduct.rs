//! Rounds and processes: who is measured when, and what becomes of the answers.
//!
//! **Invariants**
//! 1. A cell (one subject, or one bound, in one sitting) is a process of its own in a directory of its own, which is
//!    removed before the next one starts.
//! 2. What is compared is measured close together: within a round, everyone has a sitting before anyone has the next,
//!    bounds beside the engines; the one who begins changes from round to round.
//! 3. A cell of ours that fails ends the run: there is no report of a part. Where a rival fails, that is what the
//!    report says of it.
//! 4. A rival that takes very long is measured in the first round only, and the report says so.
//! 5. A run that is interrupted leaves neither data nor half a report.

mod cells;

use crate::cell::{Answer, Spec};
use crate::engines::Subject;
use crate::machine::Machine;
use crate::report::{EngineInfo, Report, SCHEMA};
use crate::timing;
use crate::workload::{self, Action, Effort, Workload};
use anyhow::{Context, Result, bail, ensure};
use cells::{Cell, Group};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The argument that makes the program measure one [`Spec`] and answer in JSON.
pub const CELL: &str = "cell";
/// The program that measures with an allocator that counts. It lies beside this one.
const HEAP_PROGRAM: &str = "bench-heap";

/// What a run measures.
pub struct Plan {
    /// Who takes part: engines, rivals, and the bounds that answer as an engine does.
    pub subjects: Vec<Subject>,
    /// Whether engines are also measured under the options that a workload names.
    pub variants: bool,
    /// The workloads, by name.
    pub workloads: Vec<String>,
    /// Whether the bounds beside these workloads are measured too.
    pub bounds: bool,
    /// The subjects that every other is compared with, by name.
    pub against: Vec<String>,
    /// How much, and how often.
    pub effort: Effort,
    /// A rival that takes longer than this for a cell is not measured again in later rounds.
    pub patience: Duration,
    /// A directory under which stores are made and removed.
    pub dir: PathBuf,
    /// How the report says it was made.
    pub command: String,
}

/// Measures everything in the plan. Fails at the first cell of ours that does, and once `stop` is set.
pub fn run(plan: &Plan, stop: &AtomicBool) -> Result<Report> {
    let mut groups = cells::groups(plan)?;
    #[expect(clippy::disallowed_methods, reason = "the directory above all stores of a run")]
    let made = std::fs::create_dir_all(&plan.dir);
    made.with_context(|| format!("cannot make {}", plan.dir.display()))?;
    let machine = Machine::here(&plan.dir);
    let date = now();
    let bar = progress(groups.iter().map(Group::len).sum::<u64>() * plan.effort.rounds);
    for round in 0..plan.effort.rounds {
        for group in &mut groups {
            for cell in group.turns(round) {
                if !cell.goes_on(plan.patience) {
                    bar.inc(1);
                    continue;
                }
                bar.set_message(format!("round {} of {}: {}", round + 1, plan.effort.rounds, cell.what()));
                let answers = timing::once(|| measure(plan, cell));
                ensure!(!stop.load(Ordering::Relaxed), "interrupted; nothing was kept");
                match answers {
                    Ok((answers, took)) => cell.learn(answers, took)?,
                    Err(e) if cell.is_rival() => cell.fail(&e),
                    Err(e) => return Err(e),
                }
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();
    let subjects = cells::subjects(&groups, plan);
    let names: Vec<&str> = subjects.iter().map(|subject| subject.name.as_str()).collect();
    let unknown = plan.against.iter().find(|name| !names.contains(&name.as_str()));
    ensure!(unknown.is_none(), "nobody called {unknown:?} took part");
    Ok(Report {
        schema: SCHEMA,
        date,
        command: plan.command.clone(),
        machine,
        effort: plan.effort,
        engines: subjects.iter().map(engine_info).collect(),
        against: plan.against.clone(),
        rows: cells::rows(&groups, &names)?,
        not_applicable: cells::not_applicable(&groups),
        measured_once: cells::measured_once(&groups),
    })
}

/// Has a child of this program measure a cell.
fn measure(plan: &Plan, cell: &Cell) -> Result<Vec<Answer>> {
    let mut program = std::env::current_exe()?;
    if cell.workloads().any(|workload| workload.timed == Action::Memory) {
        program.set_file_name(HEAP_PROGRAM);
        if !program.exists() {
            let why = format!("`{HEAP_PROGRAM}` is not built; `cargo xtask bench` builds it");
            return Ok(vec![Answer::NotApplicable(why)]);
        }
    }
    let dir = tempfile::Builder::new().prefix("store-").tempdir_in(&plan.dir)?;
    let spec = Spec {
        subject: cell.subject.clone(),
        workloads: cell.names(),
        effort: plan.effort,
        dir: dir.path().to_owned(),
    };
    let out = Command::new(program)
        .args([CELL, &serde_json::to_string(&spec)?])
        .output()
        .context("cannot start a process to measure in")?;
    dir.close()?;
    if !out.status.success() {
        let said = String::from_utf8_lossy(&out.stderr);
        bail!("{} failed ({}):\n{}", cell.what(), out.status, said.trim_end());
    }
    serde_json::from_slice(&out.stdout).context("the measuring process answered nonsense")
}

fn engine_info(subject: &Subject) -> EngineInfo {
    let (name, title) = (subject.name.clone(), subject.title());
    EngineInfo { name, title, persistent: subject.stage.persistent, kind: subject.kind }
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
