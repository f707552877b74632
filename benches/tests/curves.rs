//! Sweeps, comparisons and pages, as a person asks for them.

use benches::report::Report;
use benches::sweep::Sweep;
use std::path::Path;
use std::process::{Command, Output};

fn bench(dir: &Path, args: &str, more: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_bench");
    let args = args.split_whitespace().chain(more.iter().copied());
    Command::new(program).args(args).current_dir(dir).output().expect("the program starts")
}

fn said(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

fn good(out: &Output) {
    assert!(out.status.success(), "{}", said(out));
}

const SWEEP: &str = "sweep n --points 500,1000 --engine stage1 --engine stage2 --workload readrandom --no-bounds \
                     --defaults-only --rounds 1 --limit 0.01 --json curves.json";

#[test]
fn a_sweep_is_curves_and_goes_on_where_it_was() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("curves.json");
    good(&bench(dir.path(), SWEEP, &[]));
    let whole = Sweep::load(&path).expect("a sweep");
    assert_eq!(whole.points.iter().map(|point| point.at).collect::<Vec<_>>(), [500, 1000]);
    assert_eq!(whole.points[1].report.effort.sizes.n, 1000);

    // As if it had been interrupted after the first point.
    let mut one = whole.clone();
    one.points.truncate(1);
    one.save(&path).expect("it is written");
    let refused = bench(dir.path(), SWEEP, &[]);
    assert!(!refused.status.success() && said(&refused).contains("--resume"), "{}", said(&refused));
    let resumed = bench(dir.path(), SWEEP, &["--resume"]);
    good(&resumed);
    assert!(!said(&resumed).contains("500 entries\n") && said(&resumed).contains("1,000 entries\n"));
    let resumed = Sweep::load(&path).expect("a sweep");
    assert_eq!(resumed.points[0], whole.points[0], "what was measured stays");
    assert_eq!(resumed.points.len(), 2);

    let shown = "report curves.json --markdown a.md --figures a.txt --svg charts --html a.html";
    let out = bench(dir.path(), shown, &[]);
    good(&out);
    assert!(said(&out).contains("readrandom"), "{}", said(&out));
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).expect("it was written");
    assert!(
        read("a.md").contains("ANCHOR: curves") && read("a.txt").contains("ANCHOR: readrandom-stage1-500")
    );
    let svg = read("charts/readrandom.svg");
    assert!(svg.contains("currentColor") && !svg.contains("#000000") && !svg.contains("\n\n"), "{svg}");
    let page = read("a.html");
    assert!(page.contains("<table>") && page.contains("<svg ") && page.ends_with("</html>\n"));
    assert!(!page.contains("src=") && !page.contains("href="), "it opens without a network");
}

#[test]
fn a_point_that_is_too_large_is_refused_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = bench(dir.path(), "sweep n --points 500,100000000 --engine stage1 --workload fillrandom", &[]);
    assert!(!out.status.success() && said(&out).contains("at most 2 GiB"), "{}", said(&out));
}

#[test]
fn two_builds_take_turns_and_the_same_one_is_no_different_from_itself() {
    let dir = tempfile::tempdir().expect("a directory");
    let program = env!("CARGO_BIN_EXE_bench");
    let args = "--engine stage2 --workload space --n 500 --rounds 2 --no-bounds --json new.json --beside-json old.json";
    let out = bench(dir.path(), args, &["--beside", program]);
    good(&out);
    assert!(said(&out).contains(" 0 better, 0 worse,"), "bytes are the same each time: {}", said(&out));
    let load = |name: &str| Report::load(&dir.path().join(name)).expect("a report");
    assert_eq!(load("new.json").date, load("old.json").date, "of one run");
    assert!(!dir.path().join("new.json.part").exists());

    let out = bench(dir.path(), "compare old.json new.json --json", &[]);
    good(&out);
    let changes: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let changes = changes.as_array().expect("a list");
    assert!(changes.len() > 3 && changes.iter().all(|change| change["verdict"] == "same"), "{changes:?}");
    let missing = bench(dir.path(), "compare old.json none.json", &[]);
    assert!(!missing.status.success() && said(&missing).contains("none.json"), "{}", said(&missing));
}

#[test]
fn what_is_asked_of_a_run_is_told_with_its_figures() {
    let dir = tempfile::tempdir().expect("a directory");
    let args = "--engine stage2 --workload fillrandom --workload readhot --n 500 --rounds 1 --limit 0.01 --no-bounds \
                --defaults-only --threads 2 --durability every-write --skew 0.5 --json a.json";
    let out = bench(dir.path(), args, &[]);
    good(&out);
    assert!(said(&out).contains("2 threads; durability every-write; Zipf 0.5"), "{}", said(&out));
    let report = Report::load(&dir.path().join("a.json")).expect("a report");
    let durability = |name| report.row(name, "", "stage2").expect("a row").durability.clone();
    assert_eq!(
        (durability("fillrandom").as_str(), durability("readhot").as_str()),
        ("every-write", "on-request")
    );
    for wrong in ["--skew 1.5", "--durability sometimes", "--threads 0", "--resume"] {
        assert_eq!(bench(dir.path(), wrong, &[]).status.code(), Some(2), "{wrong}");
    }
}
