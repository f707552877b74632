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
//! 5. A run that is interrupted leaves no data and no report, and goes on where it was if it is asked to.
//! 6. Where two builds of this program are compared, they take turns at every cell.

mod cells;
mod journal;

pub use journal::{Built, done};

use crate::cell::{Answer, Spec};
use crate::engines::Subject;
use crate::machine::Machine;
use crate::report::{EngineInfo, Report, SCHEMA};
use crate::timing;
use crate::workload::{self, Action, Effort, Workload};
use anyhow::{Context, Result, bail, ensure};
use cells::{Cell, Group};
use indicatif::{ProgressBar, ProgressStyle};
use journal::{Entry, Journal, Question};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The argument that makes the program measure one [`Spec`] and answer in JSON.
pub const CELL: &str = "cell";
/// The program that measures with an allocator that counts. It lies beside this one.
const HEAP_PROGRAM: &str = "bench-heap";

/// What a run measures.
#[derive(Clone)]
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
    /// Another build of this program, which measures everything too, in turns.
    pub beside: Option<PathBuf>,
    /// Where the report will lie: what is measured is kept beside it meanwhile.
    pub json: Option<PathBuf>,
    /// Whether to go on with what an earlier run kept.
    pub resume: bool,
}

/// A build of this program, and what it measured.
struct Build {
    program: PathBuf,
    groups: Vec<Group>,
}

/// Measures everything in the plan: a report of this build, and one of the other if there is one. Fails at the first
/// cell of ours that does, and once `stop` is set.
pub fn run(plan: &Plan, stop: &AtomicBool) -> Result<Vec<Report>> {
    let programs = std::iter::once(std::env::current_exe()?).chain(plan.beside.clone());
    let build = |program| Ok(Build { program, groups: cells::groups(plan)? });
    let mut builds: Vec<Build> = programs.map(build).collect::<Result<_>>()?;
    #[expect(clippy::disallowed_methods, reason = "the directory above all stores of a run")]
    let made = std::fs::create_dir_all(&plan.dir);
    made.with_context(|| format!("cannot make {}", plan.dir.display()))?;
    let machine = Machine::here(&plan.dir);
    let question = question(plan, &builds)?;
    let mut date = question.date.clone();
    let mut journal = match &plan.json {
        Some(path) => Some(Journal::open(path, &question, plan.resume)?),
        None => None,
    };
    if let Some(journal) = &journal {
        date.clone_from(&journal.date);
    }
    let cells = question.cells.len() as u64;
    let bar = progress(cells * plan.effort.rounds * builds.len() as u64);
    for turn in turns(&builds, plan.effort.rounds) {
        let Build { program, groups } = &mut builds[turn.build];
        let cell = groups[turn.group].cell(turn.cell);
        if cell.goes_on(plan.patience) {
            bar.set_message(format!("round {} of {}: {}", turn.round + 1, plan.effort.rounds, cell.what()));
            let known = journal.as_ref().and_then(|j| j.answer(turn.round, turn.build, &cell.what()));
            let entry = match known {
                Some(entry) => entry.clone(),
                None => asked(plan, program, cell, &turn, stop, journal.as_mut())?,
            };
            match entry.answers {
                Ok(answers) => cell.learn(answers, entry.took)?,
                Err(why) => cell.fail(&why),
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    builds.iter().map(|build| report(plan, &build.groups, machine.clone(), date.clone())).collect()
}

/// Whose turn it is.
struct Turn {
    round: u64,
    build: usize,
    group: usize,
    cell: usize,
}

/// All turns, in order. The build that begins changes with the round too.
fn turns(builds: &[Build], rounds: u64) -> Vec<Turn> {
    let mut turns = Vec::new();
    for round in 0..rounds {
        for (group, cells) in builds[0].groups.iter().enumerate() {
            for cell in cells.order(round) {
                let begin = usize::try_from(round).unwrap_or(0);
                let of_builds = (0..builds.len()).map(|i| (i + begin) % builds.len());
                turns.extend(of_builds.map(|build| Turn { round, build, group, cell }));
            }
        }
    }
    turns
}

/// Has a cell measured, and keeps what it answers.
fn asked(
    plan: &Plan,
    program: &Path,
    cell: &Cell,
    turn: &Turn,
    stop: &AtomicBool,
    journal: Option<&mut Journal>,
) -> Result<Entry> {
    let measured = timing::once(|| measure(plan, program, cell));
    ensure!(
        !stop.load(Ordering::Relaxed),
        "interrupted; {}",
        match &plan.json {
            Some(_) => "the same command with --resume goes on from here",
            None => "nothing was kept",
        }
    );
    let (answers, took) = match measured {
        Ok((answers, took)) => (Ok(answers), took),
        Err(e) if cell.is_rival() => (Err(e.to_string()), Duration::ZERO),
        Err(e) => return Err(e),
    };
    let entry = Entry { round: turn.round, program: turn.build, cell: cell.what(), answers, took };
    if let Some(journal) = journal {
        journal.keep(&entry)?;
    }
    Ok(entry)
}

/// What a later run must ask to go on with this one.
fn question(plan: &Plan, builds: &[Build]) -> Result<Question> {
    Ok(Question {
        date: now(),
        programs: builds.iter().map(|build| Built::of(&build.program)).collect::<Result<_>>()?,
        cells: builds[0].groups.iter().flat_map(Group::names).collect(),
        effort: plan.effort,
    })
}

fn report(plan: &Plan, groups: &[Group], machine: Machine, date: String) -> Result<Report> {
    let subjects = cells::subjects(groups, plan);
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
        rows: cells::rows(groups, &names)?,
        not_applicable: cells::not_applicable(groups),
        measured_once: cells::measured_once(groups),
        longest_seconds: cells::longest_seconds(groups),
    })
}

/// Has a child of a build of this program measure a cell.
fn measure(plan: &Plan, program: &Path, cell: &Cell) -> Result<Vec<Answer>> {
    let mut program = program.to_owned();
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
