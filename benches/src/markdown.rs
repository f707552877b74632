//! A report as text: for the terminal, and as Markdown that the book includes.
//!
//! **Layout** Each part of the Markdown stands between `ANCHOR: name` and `ANCHOR_END: name`, so that a chapter can
//! include one: `machine`, `side-by-side`, `stages`, `production`, `engines`, `ratios`, `bounds`, `variants`, `against-NAME`, `meanings`, `notes`. The file of figures has an anchor for
//! each, such as `fillseq-stage1`, whose one line is the figure, so that no number is ever typed into a chapter.

use crate::ablation;
use crate::engines::Kind;
use crate::report::{BOUND, Report};
use crate::table::{self, Grid, grouped, number};
use std::fmt::Write;

/// Everything, for a terminal.
pub fn terminal(report: &Report) -> String {
    let mut text = String::new();
    for line in provenance(report) {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(text, "\n{}", table::engines(report).terminal());
    let mut grids = vec![
        ("Physical bounds, in the same run".to_owned(), table::bounds(report)),
        ("Derived, round by round".to_owned(), table::goals(report)),
        ("Medians, side by side".to_owned(), table::side_by_side(report)),
        ("With one thing changed: times better".to_owned(), ablation::table(report)),
    ];
    for name in &report.against {
        grids.push((format!("How many times {name}, round by round"), table::against(report, name)));
    }
    for (title, grid) in grids.iter().filter(|(_, grid)| !grid.is_empty()) {
        let _ = writeln!(text, "\n{title}\n{}", grid.terminal());
    }
    for line in table::notes(report) {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// Everything, for the book.
pub fn markdown(report: &Report) -> String {
    let mut text = String::from("<!-- Written by the benchmark. Do not edit: measure again. -->\n\n");
    part(&mut text, "machine", &list(&provenance(report)));
    let mut grids: Vec<(String, Grid)> = vec![
        ("side-by-side".into(), table::side_by_side(report)),
        ("headline".into(), table::headline(report)),
        ("stages".into(), table::stages(report)),
        ("production".into(), table::production(report)),
        ("engines".into(), table::engines(report)),
        ("ratios".into(), table::goals(report)),
        ("bounds".into(), table::bounds(report)),
        ("variants".into(), ablation::table(report)),
        ("meanings".into(), table::meanings(report)),
    ];
    let against = |name: &String| (anchor(&format!("against {name}")), table::against(report, name));
    grids.extend(report.against.iter().map(against));
    for (name, grid) in grids.iter().filter(|(_, grid)| !grid.is_empty()) {
        part(&mut text, name, &grid.markdown());
    }
    part(&mut text, "notes", &list(&table::notes(report)));
    text
}

/// Single figures with their units, an anchor each, for inclusion in a sentence.
pub fn figures(report: &Report) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let name = anchor(name);
        let _ = writeln!(text, "ANCHOR: {name}\n{value}\nANCHOR_END: {name}");
    };
    for row in &report.rows {
        let value = format!("{} {}", number(row.median()), row.unit.name());
        line(&format!("{} {}", row.name(), row.subject), &value);
    }
    for ratio in crate::goals::all(report) {
        line(&format!("{} {}", ratio.name, ratio.engine), &number(ratio.median()));
    }
    text
}

/// A name as mdBook takes it for an anchor: letters, digits and single hyphens.
pub(crate) fn anchor(name: &str) -> String {
    let name = name.replace('÷', "over").replace(',', "");
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// Lines as a list.
pub(crate) fn list(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("* {line}\n")).collect();
    lines.concat()
}

pub(crate) fn part(text: &mut String, name: &str, body: &str) {
    let _ = writeln!(text, "<!-- ANCHOR: {name} -->\n\n{body}\n<!-- ANCHOR_END: {name} -->\n");
}

/// Without this a figure means nothing: machine, sizes, seed, durability, repetitions, spread.
pub fn provenance(report: &Report) -> Vec<String> {
    let (machine, effort) = (&report.machine, &report.effort);
    let sizes = effort.sizes;
    let gib = machine.memory_bytes.div_ceil(1 << 30);
    let of = |kind: Kind| {
        let of_kind = report.engines.iter().filter(|engine| engine.kind == kind);
        of_kind.map(|engine| format!("{} ({})", engine.name, engine.title)).collect::<Vec<_>>().join(", ")
    };
    let mut engines = format!("engines: {}; «{BOUND}» rows are measured without an engine", of(Kind::Engine));
    for (title, kind) in [("rivals", Kind::Rival), ("bounds that answer as an engine does", Kind::Bound)] {
        if report.engines.iter().any(|engine| engine.kind == kind) {
            let _ = write!(engines, "; {title}: {}", of(kind));
        }
    }
    let asked: Vec<_> = effort.asked.words().into_iter().map(|word| format!("; {word}")).collect();
    let asked = asked.concat();
    vec![
        format!("{}, {} cores, {gib} GiB of memory, {}, {}", machine.cpu, machine.cores, machine.kernel, machine.filesystem),
        format!("{}, {}; {}", machine.compiler, machine.build, report.date),
        format!(
            "{} entries, keys of {} bytes, values of {} bytes, half compressible; seed {}; page cache warm{asked}",
            grouped(sizes.n),
            crate::entries::KEY_BYTES,
            sizes.value_bytes,
            sizes.seed
        ),
        format!(
            "rounds: {}, a process for each engine, workload and round, or for workloads that share a store, taking turns; median, and smallest … largest of the rounds; a timed phase ends after {} s, and what was done by then is what counts and what is checked",
            effort.rounds, effort.limit_seconds
        ),
        "durability on-request: an acknowledged write survives a kill of the process; every-write: it is on the device before it is acknowledged".into(),
        engines,
        format!("`{}`", report.command),
    ]
}
