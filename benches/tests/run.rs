//! The program as a person runs it, on stores so small that every figure is meaningless and every answer is checked.

use benches::engines::{Kind, Subject};
use benches::report::{BOUND, Report, Row, Unit};
use benches::{bounds, conduct, rivals, workload};
use std::path::Path;
use std::process::{Command, Output};

fn bench(dir: &Path, args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_bench");
    Command::new(program).args(args).current_dir(dir).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Small, and with a limit so short that some phases end by it and the rest is loaded in batches.
const SMALL: [&str; 7] = ["--n", "2000", "--rounds", "2", "--limit", "0.01", "--json"];

/// The rivals that these tests were compiled with, as the program wants them: none, unless somebody asks for them.
fn rivals() -> Vec<String> {
    let names: Vec<_> =
        rivals::NAMES.iter().copied().filter(|name| rivals::of(name).next().is_some()).collect();
    if names.is_empty() { Vec::new() } else { vec!["--rivals".into(), names.join(",")] }
}

#[test]
fn every_workload_runs_on_everybody_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    let rivals = rivals();
    let rivals: Vec<&str> = rivals.iter().map(String::as_str).collect();
    let files = ["out/report.json", "--markdown", "out/tables.md", "--against", "stage1"];
    let out = bench(dir.path(), &[&SMALL[..], &files, &rivals].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
    let report = Report::load(&dir.path().join("out/report.json")).expect("a report");

    for engine in &report.engines {
        let subject = Subject::named(&engine.name).expect("a subject");
        for workload in workload::ALL.iter().filter(|workload| workload.takes(engine.kind)) {
            let of = |row: &&Row| row.workload == workload.name && row.subject == engine.name;
            let rows: Vec<_> = report.rows.iter().filter(of).collect();
            let left_out = |line: &String| {
                let (what, who) = line.split_once(" on ").expect("a line says on whom");
                who.starts_with(&format!("{}: ", engine.name)) && what.split(", ").any(|w| w == workload.name)
            };
            let left_out = report.not_applicable.iter().any(left_out);
            let plain = subject.stage.name == engine.name;
            assert!(!plain || rows.is_empty() == left_out, "{} on {}", workload.name, engine.name);
            // What is persistent and ours does everything.
            assert!(!left_out || !engine.persistent || engine.kind == Kind::Rival, "{}", workload.name);
            assert!(rows.iter().all(|row| row.values.len() == 2 && row.median() >= 0.0));
            let none_is_fine = |row: &Row| matches!(row.unit, Unit::Puts | Unit::Times);
            assert!(rows.iter().all(|row| none_is_fine(row) || row.median() > 0.0), "{rows:?}");
        }
    }
    assert!(!report.not_applicable.iter().any(|line| line.contains("failed")), "{:?}", report.not_applicable);
    for bound in bounds::ALL {
        for workload in bound.beside {
            let row = report.row(bound.name, &bound.part_beside(workload), BOUND);
            assert!(row.is_some_and(|row| row.values.len() == 2), "{} beside {workload}", bound.name);
        }
    }
    let shown = text(&out.stdout);
    for part in ["seed 42", "every-write", "log-write", "hash-log", "How many times stage1"] {
        assert!(shown.contains(part), "«{part}» is missing in\n{shown}");
    }
    let left: Vec<_> = dir.path().join("data/bench").read_dir().expect("the directory of stores").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_engine_is_measured_under_options_where_it_is_told_to() {
    let dir = tempfile::tempdir().expect("a directory");
    let args = ["--workload", "readhot", "--engine", "stage1", "--engine", "stage1:chunk-bytes=4KiB"];
    let out = bench(dir.path(), &[&args[..], &["--no-bounds"], &SMALL, &["report.json"]].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
    let report = Report::load(&dir.path().join("report.json")).expect("a report");
    let subjects: Vec<_> = report.rows.iter().map(|row| row.subject.as_str()).collect();
    assert_eq!(subjects, ["stage1", "stage1:chunk-bytes=4KiB"]);
    assert_eq!(report.engines[1].title, "stage1 under chunk-bytes=4KiB");
}

#[test]
fn one_workload_brings_its_bounds_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a directory");
    let args = ["--workload", "fillbatch100", "--engine", "oracle", "--value-bytes", "0"];
    let out = bench(dir.path(), &[&args[..], &SMALL, &["report.json"]].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
    let report = Report::load(&dir.path().join("report.json")).expect("a report");
    let names: Vec<_> = report.rows.iter().map(|row| row.workload.as_str()).collect();
    assert_eq!(names, ["fillbatch100", "log-write-batch100", "hash-insert"]);
    assert_eq!(report.effort.sizes.value_bytes, 0);

    let again = bench(dir.path(), &["report", "report.json", "--svg", "charts", "--figures", "figures.md"]);
    assert_eq!(text(&again.stdout), text(&out.stdout), "a saved report shows what the run showed");
    assert!(dir.path().join("charts/writes.svg").exists());
    assert!(!dir.path().join("charts/growth.svg").exists(), "a chart without figures is not drawn");
}

#[test]
fn wrong_usage_says_what_is_right() {
    let dir = tempfile::tempdir().expect("a directory");
    for (args, expected) in [
        (&["--workload", "fillfast"][..], "fillrandom"),
        (&["--engine", "bitkask"][..], "oracle"),
        (&["--engine", "stage1:hints=off"][..], "there is no option «hints»"),
        (&["--rivals", "rocks"][..], "there are: rocksdb"),
        (&["--quick", "--full"][..], "cannot be used with"),
        (&["--n", "0"][..], "1..=200000000"),
        (&["--limit", "0"][..], "between 0.001 and 3600 seconds"),
    ] {
        let out = bench(dir.path(), args);
        assert_eq!(out.status.code(), Some(2), "{args:?}: {}", text(&out.stderr));
        assert!(text(&out.stderr).contains(expected), "{args:?}: {}", text(&out.stderr));
    }
    let out = bench(dir.path(), &["report", "absent.json"]);
    assert_eq!(out.status.code(), Some(3));
    assert!(text(&out.stderr).contains("cannot read absent.json"), "{}", text(&out.stderr));
}

#[test]
fn a_run_that_fails_leaves_the_old_report_as_it_was() {
    let dir = tempfile::tempdir().expect("a directory");
    let old = dir.path().join("report.json");
    benches::report::save_text(&old, "old").expect("a file");
    // A file where the directory of stores should be.
    benches::report::save_text(&dir.path().join("data"), "in the way").expect("a file");
    let out = bench(dir.path(), &[&SMALL[..], &["report.json"]].concat());
    assert_eq!(out.status.code(), Some(3), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("data/bench"), "{}", text(&out.stderr));
    let refused = Report::load(&old).expect_err("«old» is no report");
    assert!(format!("{refused:#}").contains("is not a report of this benchmark"), "{refused:#}");
}

#[test]
fn names_are_unique() {
    let mut names = conduct::workload_names();
    names.extend(bounds::ALL.iter().map(|bound| bound.name));
    names.extend(bounds::hash_log::ALL.iter().chain(rivals::ALL).map(|stage| stage.name));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
