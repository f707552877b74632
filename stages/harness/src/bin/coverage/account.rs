//! What never happened, file by file, held against the table of reasons.
//!
//! **Invariants**
//! 1. A function that was never called is told as such, and nothing inside it. Of a block that never ran its first piece
//!    is told, or the condition that leads there.
//! 2. What is told has a line, and a reason is for the text of a line: so it fits wherever that line moves to, and stops
//!    fitting when the line changes.

use crate::Error;
use crate::areas::{AREAS, STAGES};
use crate::counts::{Counts, Run, Span};
use crate::reasons::{Never, Reason};
use harness::workshop::copy::workspace;
use serde::{Deserialize, Serialize};
use std::fs;

/// What a run came to.
#[derive(Serialize, Deserialize)]
pub(crate) struct Record {
    /// What the compiler says that it is.
    pub(crate) compiler: String,
    /// What is asked after.
    pub(crate) areas: Vec<AreaRecord>,
    /// What is not: for each stage, everything else.
    pub(crate) others: Vec<(String, Tally)>,
}

/// What an area came to.
#[derive(Serialize, Deserialize)]
pub(crate) struct AreaRecord {
    pub(crate) name: String,
    pub(crate) files: Vec<FileRecord>,
}

/// What a file came to.
#[derive(Serialize, Deserialize)]
pub(crate) struct FileRecord {
    /// Its path from the folder `stages`.
    pub(crate) file: String,
    pub(crate) tally: Tally,
    pub(crate) missed: Vec<Missed>,
}

/// How much there is, and how much of it happened.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Lines that ran, and all that can.
    pub(crate) lines: (usize, usize),
    /// Pieces that ran, and all.
    pub(crate) pieces: (usize, usize),
    /// Branches that went both ways, and all.
    pub(crate) branches: (usize, usize),
}

/// What never happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Missed {
    pub(crate) line: u64,
    /// What the line says.
    pub(crate) text: String,
    pub(crate) never: Never,
    pub(crate) reason: Option<String>,
}

impl Record {
    /// Everything that never happened, with its file.
    pub(crate) fn missed(&self) -> impl Iterator<Item = (&str, &Missed)> {
        let files = self.areas.iter().flat_map(|area| &area.files);
        files.flat_map(|file| file.missed.iter().map(|missed| (file.file.as_str(), missed)))
    }

    /// How much of that has no reason.
    pub(crate) fn unexplained(&self) -> usize {
        self.missed().filter(|(_, missed)| missed.reason.is_none()).count()
    }
}

impl AreaRecord {
    /// Its files together.
    pub(crate) fn tally(&self) -> Tally {
        Tally::of(self.files.iter().map(|file| file.tally))
    }
}

impl Tally {
    /// Some together.
    pub(crate) fn of(all: impl Iterator<Item = Self>) -> Self {
        let add = |a: (usize, usize), b: (usize, usize)| (a.0 + b.0, a.1 + b.1);
        all.fold(Self::default(), |sum, one| Self {
            lines: add(sum.lines, one.lines),
            pieces: add(sum.pieces, one.pieces),
            branches: add(sum.branches, one.branches),
        })
    }
}

/// Holds a run against the reasons, and says which of these are of no use.
pub(crate) fn account(
    run: &Run,
    tables: &[&'static [Reason]],
) -> Result<(Record, Vec<&'static Reason>), Error> {
    let judge = |file: &str| -> Result<FileRecord, Error> {
        let counts = run.files.get(file).ok_or_else(|| format!("{file} was not built"))?;
        let path = workspace().join("stages").join(file);
        let text = fs::read_to_string(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        Ok(judge(file, &text, counts, tables))
    };
    let area = |area: &crate::areas::Area| -> Result<AreaRecord, Error> {
        let files: Result<_, Error> = area.files.iter().map(|file| judge(file)).collect();
        Ok(AreaRecord { name: area.name.to_owned(), files: files? })
    };
    let areas: Vec<AreaRecord> = AREAS.iter().map(area).collect::<Result<_, Error>>()?;
    let mut others = Vec::new();
    for (stage, folder) in STAGES {
        let is_other = |file: &&String| {
            let ours = file.strip_prefix(folder).is_some_and(|rest| rest.starts_with("/src/"));
            ours && !is_of_tests(file) && !AREAS.iter().any(|area| area.files.contains(&file.as_str()))
        };
        let files: Result<Vec<FileRecord>, Error> =
            run.files.keys().filter(is_other).map(|file| judge(file)).collect();
        others.push((stage.to_owned(), Tally::of(files?.iter().map(|file| file.tally))));
    }
    let record = Record { compiler: run.compiler.clone(), areas, others };
    let reasons = tables.iter().copied().flatten();
    let useless =
        reasons.filter(|reason| !reason.by_chance && !record.missed().any(|(f, m)| reason.fits(f, m)));
    let useless = useless.collect();
    Ok((record, useless))
}

/// A file that is a module of tests, or in a folder of them.
fn is_of_tests(file: &str) -> bool {
    file.ends_with("/tests.rs") || file.contains("/tests/")
}

/// Holds one file against the reasons.
pub(crate) fn judge(file: &str, text: &str, counts: &Counts, tables: &[&'static [Reason]]) -> FileRecord {
    let source = Source::new(text);
    let mut missed = source.missed(counts);
    for one in &mut missed {
        let mut reasons = tables.iter().copied().flatten();
        one.reason = reasons.find(|reason| reason.fits(file, one)).map(|reason| reason.why.to_owned());
    }
    FileRecord { file: file.to_owned(), tally: source.tally(counts), missed }
}

/// A file's text by its lines.
struct Source<'a> {
    lines: Vec<&'a str>,
    /// Which of them only tests have.
    of_tests: Vec<bool>,
}

impl<'a> Source<'a> {
    fn new(text: &'a str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let mut of_tests = vec![false; lines.len()];
        let mut at = 0;
        while at < lines.len() {
            let begin = at;
            at += 1;
            if lines[begin].trim() == "#[cfg(test)]" {
                // The item ends with the first line that is as far to the right and closes it.
                let ends = |line: &str| {
                    indent(line) == indent(lines[begin]) && (line.ends_with('}') || line.ends_with(';'))
                };
                at = (at..lines.len()).find(|&i| ends(lines[i])).map_or(lines.len(), |i| i + 1);
                of_tests[begin..at].fill(true);
            }
        }
        Self { lines, of_tests }
    }

    fn line(&self, line: u64) -> &'a str {
        let index = usize::try_from(line).unwrap_or(usize::MAX).wrapping_sub(1);
        self.lines.get(index).copied().unwrap_or_default()
    }

    /// Whether the line on which it begins says so.
    fn says(&self, span: Span, text: &str) -> bool {
        self.line(span.from.0).contains(text)
    }

    /// Whether it is asked after: it is not a test's, and no brace that only closes something.
    fn is_asked(&self, span: Span) -> bool {
        let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).wrapping_sub(1);
        let of_tests = self.of_tests.get(index(span.from.0)).copied().unwrap_or(true);
        let text = self.line(span.from.0).as_bytes().get(index(span.from.1)..);
        let is_brace = span.from.0 == span.to.0
            && span.from.1 + 1 == span.to.1
            && text.is_some_and(|text| text.starts_with(b"}"));
        !of_tests && !is_brace
    }

    fn tally(&self, counts: &Counts) -> Tally {
        let pieces: Vec<_> = counts.pieces.iter().filter(|(span, _)| self.is_asked(*span)).collect();
        let branches = counts.branches.iter().filter(|(span, ..)| self.is_asked(*span));
        let mut tally = Tally::default();
        for line in 1..=self.lines.len() as u64 {
            let mut here =
                pieces.iter().filter(|(span, _)| (span.from.0..=span.to.0).contains(&line)).peekable();
            tally.lines.1 += usize::from(here.peek().is_some());
            tally.lines.0 += usize::from(here.any(|(_, count)| *count > 0));
        }
        tally.pieces = (pieces.iter().filter(|(_, count)| *count > 0).count(), pieces.len());
        for (_, yes, no) in branches {
            tally.branches.1 += 1;
            tally.branches.0 += usize::from(*yes > 0 && *no > 0);
        }
        tally
    }

    /// What never happened, in the order of the file.
    fn missed(&self, counts: &Counts) -> Vec<Missed> {
        let uncalled: Vec<Span> =
            counts.functions.iter().filter(|(_, n)| *n == 0).map(|(span, _)| *span).collect();
        let inside = |span: Span| uncalled.iter().any(|outer| span.is_in(*outer) && span != *outer);
        let mut found: Vec<(Span, Never)> = Vec::new();
        found.extend(uncalled.iter().filter(|span| !inside(**span)).map(|span| (*span, Never::Called)));
        let uncalled: Vec<Span> = found.iter().map(|(span, _)| *span).collect();
        let inside = |span: Span| uncalled.iter().any(|outer| span.is_in(*outer));
        for &(span, yes, no) in counts.branches.iter().filter(|(span, ..)| !inside(*span)) {
            match (yes, no) {
                (0, 1..) => found.push((span, Never::True)),
                (1.., 0) => found.push((span, Never::False)),
                // Both happened; or neither, and then the piece around it never ran.
                _ => {}
            }
        }
        for &(span, count) in counts.pieces.iter().filter(|(span, _)| !inside(*span)) {
            if count == 0 && !self.is_told(span, &found, counts) {
                found.push((span, Never::Run));
            }
        }
        found.retain(|(span, _)| self.is_asked(*span));
        found.sort_by_key(|(span, _)| *span);
        let tell = |(span, never): (Span, Never)| {
            let text = self.line(span.from.0).trim().to_owned();
            Missed { line: span.from.0, text, never, reason: None }
        };
        let mut missed: Vec<Missed> = found.into_iter().map(tell).collect();
        missed.dedup();
        missed
    }

    /// Whether a piece that never ran follows from what has been found: a condition leads there, or it is part of a block
    /// that never ran.
    fn is_told(&self, piece: Span, found: &[(Span, Never)], counts: &Counts) -> bool {
        let runs_between =
            |at: Span| counts.pieces.iter().any(|(p, n)| *n > 0 && at.to <= p.from && p.from < piece.from);
        let follows = |at: Span| at.to <= piece.from && !runs_between(at);
        let is_below = |at: Span| {
            let below = at.from.0 + 1..=piece.from.0;
            at.from.0 < piece.from.0
                && below.into_iter().all(|line| {
                    self.line(line).is_empty() || indent(self.line(line)) > indent(self.line(at.from.0))
                })
        };
        let is_beside = |at: Span| at.from <= piece.from && at.to.0 == piece.from.0;
        found.iter().any(|&(at, never)| match never {
            // The arm behind a guard may stand on its line.
            Never::True => is_below(at) || follows(at) || self.says(at, "=>") && is_beside(at),
            // What stands behind `else` runs where the condition does not hold.
            Never::False => follows(at) || self.says(at, "let ") && (is_below(at) || is_beside(at)),
            Never::Run => is_below(at),
            // A closure that makes an error, and the way out behind it.
            Never::Called => is_beside(at),
        })
    }
}

/// How far to the right a line begins.
fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
