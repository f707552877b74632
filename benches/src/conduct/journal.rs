//! What was measured so far, so that a run that was interrupted can go on.
//!
//! **Layout** A file of JSON lines beside the report: first what the run measures, then a line for each cell that is
//! done. A last line that was cut short counts for nothing. It goes once the report lies there.
//!
//! **Invariants** A run goes on only with answers to the same questions: the same subjects and workloads, the same
//! sizes, by the same build of the program.

use crate::cell::Answer;
use crate::workload::Effort;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Which build of the program it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Built {
    program: PathBuf,
    bytes: u64,
    modified: String,
}

impl Built {
    /// This one.
    pub fn here() -> Result<Self> {
        Self::of(&std::env::current_exe()?)
    }

    /// The one that lies there.
    pub(super) fn of(program: &Path) -> Result<Self> {
        let found = || -> std::io::Result<Self> {
            let file = std::fs::metadata(program)?;
            let modified = humantime::format_rfc3339(file.modified()?).to_string();
            Ok(Self { program: program.into(), bytes: file.len(), modified })
        };
        found().with_context(|| format!("cannot find {}", program.display()))
    }
}

/// What must be the same for a run to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Question {
    /// When the run began, in UTC; not compared.
    pub(super) date: String,
    /// The programs that measure.
    pub(super) programs: Vec<Built>,
    /// The subjects and workloads of each cell, in order.
    pub(super) cells: Vec<String>,
    /// How much, and how often.
    pub(super) effort: Effort,
}

/// Where a cell belongs, what it answered, and how long that took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) round: u64,
    pub(super) program: usize,
    pub(super) cell: String,
    /// The answers, or why there are none.
    pub(super) answers: Result<Vec<Answer>, String>,
    pub(super) took: Duration,
}

/// The open file, and what an earlier run left in it.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    done: Vec<Entry>,
    /// When the run began that this one goes on with.
    pub(super) date: String,
}

impl Journal {
    /// The journal beside a report.
    pub(super) fn path(report: &Path) -> PathBuf {
        let mut name = report.as_os_str().to_owned();
        name.push(".part");
        name.into()
    }

    /// Begins a journal, or goes on with the one that lies there if `resume` says so. Refuses where it would lose what
    /// an earlier run has measured, or mix it with something else.
    pub(super) fn open(report: &Path, question: &Question, resume: bool) -> Result<Self> {
        let path = Self::path(report);
        let (date, done) = match std::fs::read_to_string(&path).ok() {
            None => (question.date.clone(), Vec::new()),
            Some(text) => {
                let old = path.display();
                ensure!(
                    resume,
                    "an earlier run was interrupted and left {old}: add --resume to go on with it, or remove it"
                );
                resumed(&text, question)
                    .with_context(|| format!("cannot go on with {old}; remove it to begin anew"))?
            }
        };
        let whole = Question { date: date.clone(), ..question.clone() };
        let mut text = serde_json::to_string(&whole)? + "\n";
        for entry in &done {
            text += &(serde_json::to_string(entry)? + "\n");
        }
        crate::report::save_text(&path, &text)?;
        #[expect(clippy::disallowed_methods, reason = "a journal lies outside every store")]
        let file = OpenOptions::new().append(true).open(&path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path, file, done, date })
    }

    /// What an earlier run got from this cell in this round.
    pub(super) fn answer(&self, round: u64, program: usize, cell: &str) -> Option<&Entry> {
        let same = |entry: &&Entry| entry.round == round && entry.program == program && entry.cell == cell;
        self.done.iter().find(same)
    }

    /// Keeps what a cell answered.
    pub(super) fn keep(&mut self, entry: &Entry) -> Result<()> {
        let line = serde_json::to_string(entry)? + "\n";
        self.file.write_all(line.as_bytes()).with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// When the run began, and what it has done, where it asked the same.
fn resumed(text: &str, question: &Question) -> Result<(String, Vec<Entry>)> {
    let (first, rest) = text.split_once('\n').context("it says nothing")?;
    let old: Question = serde_json::from_str(first).context("it does not say what was measured")?;
    ensure!(old.programs == question.programs, "the program was built again since");
    ensure!(
        old.cells == question.cells && old.effort == question.effort,
        "it measures something else: give the same arguments"
    );
    let whole = rest.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let done = whole.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    Ok((old.date, done))
}

/// Removes the journal of a report that lies there.
pub fn done(report: &Path) -> Result<()> {
    let path = Journal::path(report);
    #[expect(clippy::disallowed_methods, reason = "a journal lies outside every store")]
    let removed = std::fs::remove_file(&path);
    removed.with_context(|| format!("cannot remove {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entries::Sizes;
    use crate::workload::Asked;

    fn question(n: u64) -> Question {
        let sizes = Sizes { n, value_bytes: 100, seed: 42 };
        let effort = Effort { sizes, limit_seconds: 1.0, rounds: 2, asked: Asked::NOTHING };
        Question { date: "today".into(), programs: Vec::new(), cells: vec!["a".into(), "b".into()], effort }
    }

    fn entry(round: u64, cell: &str, answers: Result<Vec<Answer>, String>) -> Entry {
        Entry { round, program: 0, cell: cell.into(), answers, took: Duration::from_millis(7) }
    }

    #[test]
    fn a_run_goes_on_with_what_was_whole() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let report = dir.path().join("report.json");
        let (good, bad) = (entry(0, "a", Ok(Vec::new())), entry(0, "b", Err("no such call".into())));
        let mut journal = Journal::open(&report, &question(10), false)?;
        journal.keep(&good)?;
        journal.keep(&bad)?;
        drop(journal);
        // The process died in the middle of a line.
        let path = Journal::path(&report);
        let text = std::fs::read_to_string(&path)?;
        crate::report::save_text(&path, &(text + "{\"round\":1,\"pro"))?;

        let later = Question { date: "tomorrow".into(), ..question(10) };
        let mut journal = Journal::open(&report, &later, true)?;
        assert_eq!(journal.date, "today", "it is the run that began then");
        assert_eq!(journal.answer(0, 0, "a"), Some(&good));
        assert_eq!(journal.answer(0, 0, "b"), Some(&bad));
        assert_eq!(journal.answer(1, 0, "a"), None);
        journal.keep(&entry(1, "a", Ok(Vec::new())))?;
        let again = Journal::open(&report, &later, true)?;
        assert!(again.answer(1, 0, "a").is_some() && again.answer(0, 0, "b").is_some());
        done(&report)?;
        assert!(!path.exists());
        Ok(())
    }

    #[test]
    fn nothing_is_lost_or_mixed_without_a_word() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let report = dir.path().join("report.json");
        drop(Journal::open(&report, &question(10), false)?);
        let says = |question: &Question, resume| {
            let refused = Journal::open(&report, question, resume).err().expect("it is refused");
            format!("{refused:#}")
        };
        assert!(says(&question(10), false).contains("add --resume"), "{}", says(&question(10), false));
        assert!(says(&question(11), true).contains("something else"), "{}", says(&question(11), true));
        let built = Question { programs: vec![Built::here()?], ..question(10) };
        assert!(says(&built, true).contains("built again"), "{}", says(&built, true));
        Ok(())
    }
}
