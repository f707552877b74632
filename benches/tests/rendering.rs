//! From a report to JSON and back, to tables, ratios and charts.

use benches::engines::Kind;
use benches::entries::Sizes;
use benches::machine::Machine;
use benches::report::{BOUND, EngineInfo, Report, Row, SCHEMA, Unit};
use benches::workload::{Asked, Effort};
use benches::{chart, goals, markdown, ratio, table};

fn row(workload: &str, part: &str, subject: &str, unit: Unit, values: &[f64]) -> Row {
    Row {
        workload: workload.into(),
        part: part.into(),
        subject: subject.into(),
        durability: "on-request".into(),
        unit,
        values: values.to_vec(),
        ops: 500,
        of: 1_000_000,
        p50_micros: Some(0.5),
        p99_micros: None,
        note: String::new(),
    }
}

fn report() -> Report {
    let engine = |name: &str, persistent, kind| {
        let (name, title) = (name.into(), "an <engine>".into());
        EngineInfo { name, title, persistent, kind }
    };
    let rate = |workload, subject, values: &[f64]| row(workload, "", subject, Unit::KiloPerSecond, values);
    Report {
        schema: SCHEMA,
        date: "2026-01-02T03:04:05Z".into(),
        command: "cargo xtask bench --n 1000000".into(),
        machine: Machine {
            cpu: "A & B".into(),
            cores: 2,
            memory_bytes: 3 << 30,
            kernel: "Linux 6".into(),
            filesystem: "ext4 on /dev/a".into(),
            compiler: "rustc 1".into(),
            build: "release".into(),
        },
        effort: Effort {
            sizes: Sizes { n: 1_000_000, value_bytes: 100, seed: 42 },
            limit_seconds: 4.0,
            rounds: 3,
            asked: Asked::default(),
        },
        engines: vec![
            engine("stage1", true, Kind::Engine),
            engine("memory", false, Kind::Engine),
            engine("stage2", true, Kind::Engine),
            engine("rival", true, Kind::Rival),
            engine("leaky", true, Kind::Rival),
            engine("hash-log", false, Kind::Bound),
        ],
        against: vec!["rival".into()],
        rows: vec![
            rate("fillseq", "stage1", &[800.0, 450.0, 900.0]),
            rate("fillseq", "memory", &[1.0, 2.0, 3.0]),
            rate("fillseq", "stage2", &[400.0, 440.0, 450.0]),
            rate("fillseq", "rival", &[200.0, 200.0, 300.0]),
            rate("fillseq", "leaky", &[2000.0, 2000.0, 2000.0]),
            rate("fillseq", "hash-log", &[500.0, 440.0, 500.0]),
            rate("readmissing", "stage1", &[0.04, 0.05, 0.02]),
            rate("readmissing", "stage2", &[6000.0, 6000.0, 6000.0]),
            rate("readmissing", "rival", &[1000.0, 1000.0, 1000.0]),
            rate("readmissing", "leaky", &[2000.0, 1500.0, 2000.0]),
            row("open-clean", "", "stage2", Unit::Millis, &[100.0, 90.0, 130.0]),
            row("open-clean", "", "rival", Unit::Millis, &[50.0, 90.0, 65.0]),
            row("lost", "", "stage2", Unit::Puts, &[0.0, 0.0, 0.0]),
            row("lost", "", "leaky", Unit::Puts, &[0.0, 7.0, 7.0]),
            row("growth", "n = 1,000", "stage1", Unit::Micros, &[10.0, 11.0, 12.0]),
            row("log-write", "beside fillseq", BOUND, Unit::KiloPerSecond, &[1000.0, 500.0, 1200.0]),
            row("walk", "", BOUND, Unit::Millis, &[20.0, 18.0, 25.0]),
        ],
        not_applicable: vec!["space on memory: it keeps nothing on disk".into()],
        measured_once: vec!["fillseq on leaky: one round only, which took 99 s".into()],
        longest_seconds: [("stage1".to_owned(), 12.5)].into(),
    }
}

#[test]
fn json_gives_back_what_it_was_given() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("new/report.json");
    report().save(&path)?;
    assert_eq!(Report::load(&path)?, report());

    let newer = Report { schema: SCHEMA + 1, ..report() };
    newer.save(&path)?;
    let refused = Report::load(&path).expect_err("another schema");
    assert!(refused.to_string().contains("measure again"), "{refused}");
    Ok(())
}

/// The derived figure of this engine and name.
fn goal(report: &Report, engine: &str, name: &str) -> ratio::Ratio {
    let found = goals::all(report).into_iter().find(|goal| goal.engine == engine && goal.name == name);
    found.unwrap_or_else(|| panic!("{name} of {engine} is missing"))
}

#[test]
fn goals_are_taken_round_by_round_where_their_rows_are_there() {
    let report = report();
    let fill = goal(&report, "stage1", "fillseq ÷ log-write");
    assert_eq!(fill.values, [0.8, 0.9, 0.75]);
    assert_eq!((fill.median(), fill.met()), (0.8, Some(false)));
    let missing = goal(&report, "stage1", "readmissing, ms for a million entries");
    assert_eq!(missing.values, [25.0, 20.0, 50.0]);
    assert_eq!((missing.median(), missing.met()), (25.0, Some(true)));
    assert_eq!(goal(&report, "stage1", "walk ÷ readmissing").values, [0.8, 0.9, 0.5]);
    assert_eq!(goal(&report, "stage2", "fillseq ÷ hash-log").values, [0.8, 1.0, 0.9]);
    let opening = goal(&report, "stage2", "open-clean, ms");
    assert_eq!((opening.median(), opening.met()), (100.0, Some(true)));
    let all = goals::all(&report);
    assert!(!all.iter().any(|goal| goal.name.starts_with("fillrandom")), "without its rows there is no goal");
}

#[test]
fn a_rival_that_loses_writes_is_none_at_writing_but_one_at_reading() {
    let report = report();
    assert_eq!(goal(&report, "stage2", "fillseq ÷ best rival (rival)").values, [2.0, 2.2, 1.5]);
    assert_eq!(goal(&report, "stage2", "readmissing ÷ best rival (leaky)").values, [3.0, 4.0, 3.0]);
    for text in [markdown::terminal(&report), markdown::markdown(&report)] {
        assert!(text.contains("† leaky lost 7 of 500 acknowledged puts"), "{text}");
        assert!(text.contains("leaky†") && !text.contains("rival†"), "{text}");
    }
}

#[test]
fn everybody_stands_side_by_side_and_against_one() {
    let report = report();
    let side = table::side_by_side(&report).markdown();
    assert!(side.contains("| fillseq | k/s | **800** | 2.00 | 440 | 200 | 2,000 | 500 |"), "{side}");
    assert!(side.contains("| open-clean | ms | – | – | 100 | **65.0** | – | – |"), "{side}");
    assert!(!side.contains("log-write"), "a bound without workloads has no column: {side}");
    let against = table::against(&report, "rival").markdown();
    assert!(against.contains("| fillseq | 3.00 | 0.010 | 2.00 |"), "{against}");
    assert!(against.contains("| open-clean | – | – | 0.500 |"), "less is better there: {against}");
    assert!(!against.contains("growth") && !against.contains("lost"), "{against}");
    assert!(markdown::markdown(&report).contains("ANCHOR: against-rival"));
}

#[test]
fn an_older_report_has_engines_only() -> anyhow::Result<()> {
    let mut json = serde_json::to_value(report())?;
    json.as_object_mut().expect("an object").remove("against");
    json.as_object_mut().expect("an object").remove("measured_once");
    for engine in json["engines"].as_array_mut().expect("a list") {
        engine.as_object_mut().expect("an object").remove("kind");
    }
    let report: Report = serde_json::from_value(json)?;
    assert!(report.engines.iter().all(|engine| engine.kind == Kind::Engine));
    Ok(())
}

#[test]
fn every_table_says_what_it_was_measured_on() {
    let (terminal, markdown) = (markdown::terminal(&report()), markdown::markdown(&report()));
    for text in [&terminal, &markdown] {
        for part in [
            "A & B, 2 cores, 3 GiB",
            "Linux 6",
            "ext4 on /dev/a",
            "rustc 1",
            "release",
            "2026-01-02",
            "1,000,000 entries",
            "values of 100 bytes",
            "seed 42",
            "rounds: 3",
            "on-request",
            "survives a kill",
            "cargo xtask bench --n 1000000",
            "450 … 900",
            "500 of 1,000,000",
            "not applicable: space on memory",
            "one round only, which took 99 s",
        ] {
            assert!(text.contains(part), "«{part}» is missing in\n{text}");
        }
    }
}

#[test]
fn markdown_tables_have_as_many_cells_in_every_row() {
    let report = report();
    let wide = [table::side_by_side(&report), table::against(&report, "rival")];
    let long = [table::engines(&report), table::bounds(&report), table::goals(&report)];
    for grid in long.into_iter().chain(wide) {
        let text = grid.markdown();
        let mut cells = text.lines().map(|line| line.matches('|').count());
        let first = cells.next().expect("a head");
        assert!(first > 3 && cells.all(|count| count == first), "{text}");
    }
}

#[test]
fn every_figure_has_an_anchor_that_mdbook_takes() {
    let text = markdown::figures(&report());
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len() % 3, 0);
    for figure in lines.chunks(3) {
        let name = figure[0].strip_prefix("ANCHOR: ").expect("an anchor");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{name}");
        assert_eq!(figure[2], format!("ANCHOR_END: {name}"));
    }
    assert!(text.contains("ANCHOR: fillseq-stage1\n800 k/s\n"), "{text}");
    assert!(text.contains("ANCHOR: fillseq-over-log-write-stage1\n0.800\n"), "{text}");
    assert!(text.contains("ANCHOR: growth-n-1000-stage1\n11.0 µs\n"), "{text}");
}

#[test]
fn charts_follow_the_page_and_survive_markdown() {
    let charts = chart::all(&report());
    let names: Vec<_> = charts.iter().map(|(name, _)| *name).collect();
    let expected = ["writes.svg", "growth.svg", "readmissing.svg", "open-clean.svg"];
    assert_eq!(names, expected, "a chart without figures is not drawn");
    for (_, svg) in &charts {
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(!svg.contains("\n\n") && svg.contains("<title>") && svg.contains("currentColor"));
        assert!(svg.contains("A &amp; B") && !svg.contains("A & B"), "{svg}");
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }
    // The longest bar is as wide as the chart allows: log-write, whose largest round is the largest of all.
    let writes = &charts[0].1;
    assert!(writes.contains("log-write: beside fillseq (bound)") && writes.contains("H440.0"), "{writes}");
    assert!(writes.contains("fillseq, stage1<") && writes.contains("fillseq, hash-log (bound)"), "{writes}");
    assert!(!writes.contains("rival"), "rivals have charts of their own");
    let missing = &charts[2].1;
    assert!(missing.contains(">stage1<") && missing.contains(">rival<"), "{missing}");
    let alone = chart::all(&Report { engines: report().engines[..3].to_vec(), ..report() });
    assert_eq!(alone.len(), 2, "charts of everybody are for those who compare");
}

#[test]
fn a_saved_number_is_the_number_that_was_measured() {
    // The usual fast way to read a number misses about one in ten by its last bit, which shows where 9.255 is rounded.
    for i in 1..1000u32 {
        let value = 1e6 / f64::from(i) / 2_000.0;
        let mut before = report();
        before.rows = vec![row("fillrandom", "", "stage1", Unit::KiloPerSecond, &[value])];
        let text = serde_json::to_string(&before).expect("a report becomes JSON");
        let after: Report = serde_json::from_str(&text).expect("and is one again");
        assert!(after.rows[0].values[0].to_bits() == value.to_bits(), "{value}");
    }
}
