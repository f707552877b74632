//! From a report to JSON and back, to tables, ratios and charts.

use benches::entries::Sizes;
use benches::machine::Machine;
use benches::report::{BOUND, EngineInfo, Report, Row, SCHEMA, Unit};
use benches::workload::Effort;
use benches::{chart, markdown, ratio, table};

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
    let engine =
        |name: &str, persistent| EngineInfo { name: name.into(), title: "an <engine>".into(), persistent };
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
        },
        engines: vec![engine("slow", true), engine("memory", false)],
        rows: vec![
            row("fillseq", "", "slow", Unit::KiloPerSecond, &[800.0, 450.0, 900.0]),
            row("fillseq", "", "memory", Unit::KiloPerSecond, &[1.0, 2.0, 3.0]),
            row("readmissing", "", "slow", Unit::KiloPerSecond, &[0.04, 0.05, 0.02]),
            row("growth", "n = 1,000", "slow", Unit::Micros, &[10.0, 11.0, 12.0]),
            row("log-write", "beside fillseq", BOUND, Unit::KiloPerSecond, &[1000.0, 500.0, 1200.0]),
            row("walk", "", BOUND, Unit::Millis, &[20.0, 18.0, 25.0]),
        ],
        not_applicable: vec!["space on memory: it keeps nothing on disk".into()],
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

#[test]
fn ratios_are_taken_round_by_round_for_engines_that_keep_what_they_are_told() {
    let ratios = ratio::all(&report());
    assert!(ratios.iter().all(|ratio| ratio.engine == "slow"));
    let of = |name: &str| ratios.iter().find(|ratio| ratio.name.starts_with(name)).expect("a ratio");
    let fill = of("fillseq");
    assert_eq!(fill.values, [0.8, 0.9, 0.75]);
    assert_eq!((fill.median(), fill.met()), (0.8, Some(false)));
    let missing = of("readmissing, ms");
    assert_eq!(missing.values, [25.0, 20.0, 50.0]);
    assert_eq!((missing.median(), missing.met()), (25.0, Some(true)));
    assert_eq!(of("walk ÷").values, [0.8, 0.9, 0.5]);
    assert!(
        !ratios.iter().any(|ratio| ratio.name.starts_with("fillrandom")),
        "without its rows there is no ratio"
    );
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
        ] {
            assert!(text.contains(part), "«{part}» is missing in\n{text}");
        }
    }
}

#[test]
fn markdown_tables_have_as_many_cells_in_every_row() {
    for grid in [table::engines(&report()), table::bounds(&report()), table::ratios(&report())] {
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
    assert!(text.contains("ANCHOR: fillseq-slow\n800 k/s\n"), "{text}");
    assert!(text.contains("ANCHOR: fillseq-over-log-write-slow\n0.800\n"), "{text}");
    assert!(text.contains("ANCHOR: growth-n-1000-slow\n11.0 µs\n"), "{text}");
}

#[test]
fn charts_follow_the_page_and_survive_markdown() {
    let charts = chart::all(&report());
    let names: Vec<_> = charts.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["writes.svg", "growth.svg"], "a chart without figures is not drawn");
    for (_, svg) in &charts {
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(!svg.contains("\n\n") && svg.contains("<title>") && svg.contains("currentColor"));
        assert!(svg.contains("A &amp; B") && !svg.contains("A & B"), "{svg}");
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }
    // The longest bar is as wide as the chart allows: log-write, whose largest round is the largest of all.
    let writes = &charts[0].1;
    assert!(writes.contains("log-write: beside fillseq (bound)") && writes.contains("H440.0"), "{writes}");
}
