//! What came of it.

use stage3::compaction::simulate::draw::grouped;
use stage3::compaction::simulate::figures::{Figures, Textbook, formulas};
use stage3::compaction::simulate::{Setup, Simulation, Step};
use std::io::{self, Write};

/// What the last steps did, and the tree.
pub(crate) fn draw(out: &mut impl Write, step: u64, done: &Step, simulation: &Simulation) -> io::Result<()> {
    let compactions = if done.compactions == 1 { "compaction" } else { "compactions" };
    writeln!(
        out,
        "after flush {step}: {} {compactions} read {} entries and wrote {}",
        grouped(done.compactions),
        grouped(done.read),
        grouped(done.written)
    )?;
    for line in simulation.draw() {
        writeln!(out, "  {line}")?;
    }
    writeln!(out)
}

/// The figures beside the textbook's.
pub(crate) fn table(
    out: &mut impl Write,
    setup: &Setup,
    figures: &Figures,
    textbook: &Textbook,
    sizes: f64,
) -> io::Result<()> {
    let [write, asked, space] = formulas(setup.rules.strategy);
    let two = |value: f64| format!("{value:.2}");
    let mut line = |what: &str, end: &str, average: &str, textbook: &str, formula: &str| {
        let line = format!("{what:<37} {end:>7} {average:>8} {textbook:>9}  {formula}");
        writeln!(out, "{}", line.trim_end())
    };
    line("", "at end", "average", "textbook", "")?;
    line("written, for each byte put", &two(figures.write_amplification()), "", &two(textbook.write), write)?;
    line(
        "runs that a get of an absent key asks",
        &two(figures.asked),
        &two(figures.asked_average),
        &two(textbook.asked),
        asked,
    )?;
    line(
        "in tables, for each live byte",
        &two(figures.space_amplification()),
        &two(figures.space_average),
        &two(textbook.space),
        space,
    )?;
    let (fan_out, level_ratio) = (setup.rules.fan_out, setup.rules.level_ratio);
    writeln!(
        out,
        "D÷F = {sizes:.1} flushes of live data, T = fan-out {fan_out}, R = level-ratio {level_ratio}"
    )
}

/// The same as [`draw`], as an object.
pub(crate) fn step_json(step: u64, done: &Step, simulation: &Simulation) -> String {
    let Step { flushed, compactions, read, written } = done;
    let runs: Vec<String> = simulation.shape().runs.iter().zip(simulation.entries()).map(run_json).collect();
    format!(
        r#"{{"step":{step},"flushed":{flushed},"compactions":{compactions},"read":{read},"written":{written},"runs":[{}]}}"#,
        runs.join(",")
    )
}

fn run_json((run, entries): (&stage3::compaction::RunShape, u64)) -> String {
    let (number, tables, bytes) = (run.number, run.tables.len(), run.bytes());
    format!(r#"{{"run":{number},"tables":{tables},"entries":{entries},"bytes":{bytes}}}"#)
}

/// The same as [`table`], as an object.
pub(crate) fn figures_json(figures: &Figures, textbook: &Textbook) -> String {
    let mut fields = vec![
        ("write_amplification", format!("{:.4}", figures.write_amplification())),
        ("runs_asked", format!("{:.4}", figures.asked)),
        ("runs_asked_average", format!("{:.4}", figures.asked_average)),
        ("space_amplification", format!("{:.4}", figures.space_amplification())),
        ("space_amplification_average", format!("{:.4}", figures.space_average)),
        ("textbook_write_amplification", format!("{:.4}", textbook.write)),
        ("textbook_runs_asked", format!("{:.4}", textbook.asked)),
        ("textbook_space_amplification", format!("{:.4}", textbook.space)),
    ];
    let counts = [
        ("steps", figures.steps),
        ("runs", figures.runs),
        ("tables", figures.tables),
        ("user_bytes", figures.user_bytes),
        ("flushed_bytes", figures.flushed_bytes),
        ("compactions", figures.compactions),
        ("compacted_from_bytes", figures.compacted_from_bytes),
        ("compacted_into_bytes", figures.compacted_into_bytes),
        ("tree_bytes", figures.tree_bytes),
        ("live_bytes", figures.live_bytes),
    ];
    fields.extend(counts.map(|(name, count)| (name, count.to_string())));
    let fields: Vec<String> =
        fields.into_iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
    format!("{{{}}}", fields.join(","))
}
