//! The program as a person runs it, on stores so small that every figure is meaningless and every answer is checked.

use benches::report::{BOUND, Report};
use benches::{bounds, conduct, engines, workload};
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
const SMALL: [&str; 7] = ["--n", "3000", "--rounds", "2", "--limit", "0.01", "--json"];

#[test]
fn every_workload_runs_on_every_engine_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = bench(dir.path(), &[&SMALL[..], &["out/report.json", "--markdown", "out/tables.md"]].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
    let report = Report::load(&dir.path().join("out/report.json")).expect("a report");

    for workload in workload::ALL {
        for stage in engines::all() {
            let rows: Vec<_> = report
                .rows
                .iter()
                .filter(|r| r.workload == workload.name && r.subject == stage.name)
                .collect();
            assert!(stage.persistent || !rows.is_empty() || !report.not_applicable.is_empty());
            assert!(!stage.persistent || !rows.is_empty(), "{} on {}", workload.name, stage.name);
            assert!(rows.iter().all(|row| row.values.len() == 2 && row.median() > 0.0));
        }
    }
    for bound in bounds::ALL {
        for workload in bound.beside {
            let row = report.row(bound.name, &bound.part_beside(workload), BOUND);
            assert!(row.is_some_and(|row| row.values.len() == 2), "{} beside {workload}", bound.name);
        }
    }
    let shown = text(&out.stdout);
    assert!(
        shown.contains("seed 42") && shown.contains("every-write") && shown.contains("log-write"),
        "{shown}"
    );
    let left: Vec<_> = dir.path().join("data/bench").read_dir().expect("the directory of stores").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn one_workload_brings_its_bounds_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a directory");
    let args = ["--workload", "fillbatch100", "--engine", "oracle", "--value-bytes", "0"];
    let out = bench(dir.path(), &[&args[..], &SMALL, &["report.json"]].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
    let report = Report::load(&dir.path().join("report.json")).expect("a report");
    let names: Vec<_> = report.rows.iter().map(|row| row.workload.as_str()).collect();
    assert_eq!(names, ["fillbatch100", "log-write-batch100"]);
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
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
