//! The tables beside the sources of today, and small files whose counts are known.

use crate::account::{FileRecord, judge};
use crate::areas::{AREAS, JUDGES, OTHERS, STAGES};
use crate::counts::{Counts, Span, read};
use crate::reasons::{Never, Reason, TABLES};
use harness::workshop::copy::{files, workspace};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn source(file: &str) -> String {
    let path = workspace().join("stages").join(file);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn every_file_that_is_asked_after_is_there_once() {
    let all: Vec<&str> = AREAS.iter().flat_map(|area| area.files).copied().collect();
    for file in &all {
        assert!(STAGES.iter().any(|(_, folder)| file.starts_with(folder)), "{file} is of no stage");
        assert!(!source(file).is_empty());
    }
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
}

#[test]
fn every_reason_is_for_a_line_that_is_there() {
    let all: Vec<&str> = AREAS.iter().flat_map(|area| area.files).copied().collect();
    for Reason { file, find, .. } in TABLES.iter().copied().flatten() {
        let of: Vec<_> = all.iter().filter(|path| path.ends_with(file)).collect();
        assert_eq!(of.len(), 1, "{file} is the end of {of:?}");
        let there = source(of[0]).lines().any(|line| line.contains(find));
        assert!(there, "no line of {file} says `{find}` any more: mend the reason");
    }
}

#[test]
fn every_test_program_of_the_harness_is_run_or_left_out_with_a_reason() {
    let programs: BTreeSet<String> = files(&workspace().join("stages/harness/tests"))
        .unwrap()
        .iter()
        .filter_map(|path| {
            let tests = path.parent()?;
            let alone = tests.ends_with("tests") && path.extension()? == "rs";
            let name = if alone {
                path.file_stem()?
            } else {
                tests.file_name().filter(|_| path.ends_with("main.rs"))?
            };
            Some(name.to_str()?.to_owned())
        })
        .collect();
    let known: BTreeSet<String> =
        JUDGES.iter().copied().chain(OTHERS.iter().map(|(name, _)| *name)).map(str::to_owned).collect();
    assert_eq!(programs, known);
}

/// Two copies of a generic function, and a function of another file.
#[test]
fn copies_of_a_function_are_added_up() {
    let copy = |count: u64, yes: u64, no: u64| {
        json!({
            "name": "f", "count": count, "filenames": ["/w/stages/stage1-log/src/frame.rs"],
            "regions": [[1, 1, 1, 9, count, 0, 0, 0], [2, 5, 2, 9, yes, 0, 0, 0], [2, 5, 2, 9, 0, 0, 0, 4]],
            "branches": [[1, 4, 1, 8, yes, no, 0, 0, 4]],
        })
    };
    let other =
        json!({ "name": "g", "count": 1, "filenames": ["/rustc/x.rs"], "regions": [], "branches": [] });
    let export = json!({ "data": [{ "functions": [copy(2, 2, 0), copy(1, 0, 1), other] }] });
    let files = read(export.to_string().as_bytes(), Path::new("/w")).unwrap();
    let counts = Counts {
        functions: vec![(span(1, 1, 2, 9), 3)],
        pieces: vec![(span(1, 1, 1, 9), 3), (span(2, 5, 2, 9), 2)],
        branches: vec![(span(1, 4, 1, 8), 2, 1)],
    };
    assert_eq!(files.into_iter().collect::<Vec<_>>(), [("stage1-log/src/frame.rs".to_owned(), counts)]);
}

fn span(line: u64, column: u64, end_line: u64, end_column: u64) -> Span {
    Span { from: (line, column), to: (end_line, end_column) }
}

/// Lines 2 to 8 are a function that ran, 9 to 11 one that did not; the rest is a test's.
const TEXT: &str = "\
// The head.
fn ran(x: u8) -> u8 {
    if x > 1 {
        return x;
    }
    let y = read(x)?;
    y
}
fn idle() {
    if a {}
}
#[cfg(test)]
mod tests {
    fn never() {}
}
";

fn counted() -> Counts {
    Counts {
        functions: vec![(span(2, 1, 8, 2), 5), (span(9, 1, 11, 2), 0), (span(14, 5, 14, 18), 0)],
        pieces: vec![
            (span(2, 1, 3, 13), 5),
            (span(3, 14, 5, 6), 0),
            (span(6, 13, 6, 20), 5),
            (span(6, 20, 6, 21), 0),
            (span(7, 5, 8, 2), 5),
            (span(9, 1, 10, 9), 0),
            (span(10, 10, 11, 2), 0),
            (span(14, 5, 14, 18), 0),
        ],
        branches: vec![(span(3, 8, 3, 13), 0, 5), (span(10, 8, 10, 9), 0, 0)],
    }
}

static BOTH: [Reason; 2] = [
    Reason { file: "x.rs", find: "x > 1", never: Never::True, by_chance: false, why: "small" },
    Reason { file: "x.rs", find: "idle", never: Never::Called, by_chance: false, why: "idle" },
];

fn told(record: &FileRecord) -> Vec<(u64, Never, Option<&str>)> {
    record.missed.iter().map(|missed| (missed.line, missed.never, missed.reason.as_deref())).collect()
}

#[test]
fn what_never_happened_is_told_once_with_its_reason() {
    let record = judge("x.rs", TEXT, &counted(), &[&BOTH]);
    let expected = [(3, Never::True, Some("small")), (6, Never::Run, None), (9, Never::Called, Some("idle"))];
    assert_eq!(told(&record), expected);
    assert_eq!(record.tally.branches, (0, 2));
    // Lines 4 and 5 did not run, nor 9 to 11; line 3 did in part. Those of the test do not count.
    assert_eq!((record.tally.pieces, record.tally.lines), ((3, 7), (5, 10)));
}

#[test]
fn a_reason_is_for_one_side_of_one_file() {
    let counts = Counts { branches: vec![(span(3, 8, 3, 13), 5, 0)], ..Counts::default() };
    assert_eq!(told(&judge("x.rs", TEXT, &counts, &[&BOTH])), [(3, Never::False, None)]);
    let counts = Counts { branches: vec![(span(3, 8, 3, 13), 0, 5)], ..Counts::default() };
    assert_eq!(told(&judge("y.rs", TEXT, &counts, &[&BOTH])), [(3, Never::True, None)]);
}
