//! A report as text: for the terminal, and as Markdown that the book includes.
//!
//! **Layout** Each part of the Markdown stands between `ANCHOR: name` and `ANCHOR_END: name`, so that a chapter can
//! include one: `machine`, `engines`, `ratios`, `bounds`, `meanings`, `notes`. The file of figures has an anchor for
//! each, such as `fillseq-stage1`, whose one line is the figure, so that no number is ever typed into a chapter.

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
    for (title, grid) in [
        ("Physical bounds, in the same run", table::bounds(report)),
        ("Derived, round by round", table::ratios(report)),
    ] {
        if !grid.is_empty() {
            let _ = writeln!(text, "\n{title}\n{}", grid.terminal());
        }
    }
    for line in table::notes(report) {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// Everything, for the book.
pub fn markdown(report: &Report) -> String {
    let mut text = String::from("<!-- Written by the benchmark. Do not edit: measure again. -->\n\n");
    let machine: Vec<String> = provenance(report).iter().map(|line| format!("* {line}\n")).collect();
    part(&mut text, "machine", &machine.concat());
    let grids: [(&str, Grid); 4] = [
        ("engines", table::engines(report)),
        ("ratios", table::ratios(report)),
        ("bounds", table::bounds(report)),
        ("meanings", table::meanings(report)),
    ];
    for (name, grid) in grids {
        if !grid.is_empty() {
            part(&mut text, name, &grid.markdown());
        }
    }
    let notes: Vec<String> = table::notes(report).iter().map(|line| format!("* {line}\n")).collect();
    part(&mut text, "notes", &notes.concat());
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
    for ratio in crate::ratio::all(report) {
        line(&format!("{} {}", ratio.name, ratio.engine), &number(ratio.median()));
    }
    text
}

/// A name as mdBook takes it for an anchor: letters, digits and single hyphens.
fn anchor(name: &str) -> String {
    let name = name.replace('÷', "over").replace(',', "");
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

fn part(text: &mut String, name: &str, body: &str) {
    let _ = writeln!(text, "<!-- ANCHOR: {name} -->\n\n{body}\n<!-- ANCHOR_END: {name} -->\n");
}

/// Without this a figure means nothing: machine, sizes, seed, durability, repetitions, spread.
pub fn provenance(report: &Report) -> Vec<String> {
    let (machine, effort) = (&report.machine, &report.effort);
    let sizes = effort.sizes;
    let gib = machine.memory_bytes.div_ceil(1 << 30);
    let engines: Vec<_> = report.engines.iter().map(|e| format!("{} ({})", e.name, e.title)).collect();
    vec![
        format!("{}, {} cores, {gib} GiB of memory, {}, {}", machine.cpu, machine.cores, machine.kernel, machine.filesystem),
        format!("{}, {}; {}", machine.compiler, machine.build, report.date),
        format!(
            "{} entries, keys of {} bytes, values of {} bytes, half compressible; seed {}; page cache warm",
            grouped(sizes.n),
            crate::entries::KEY_BYTES,
            sizes.value_bytes,
            sizes.seed
        ),
        format!(
            "rounds: {}, a process for each engine, workload and round, taking turns; median, and smallest … largest of the rounds; a timed phase ends after {} s, and the rest of a load is then written in batches",
            effort.rounds, effort.limit_seconds
        ),
        "durability on-request: an acknowledged write survives a kill of the process; every-write: it is on the device before it is acknowledged".into(),
        format!("engines: {}; «{BOUND}» rows are measured without an engine", engines.join(", ")),
        format!("`{}`", report.command),
    ]
}
