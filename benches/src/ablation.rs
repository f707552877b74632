//! One thing taken away, or changed, at a time: what it bought, and what it cost.
//!
//! A *variant* is an engine under options, such as `stage3:filter-bits=0`, in a run in which the engine itself took
//! part. Each figure of a variant is told as how many times better it is than the engine's own, round by round: below
//! one is what the thing that was taken away had bought.
//!
//! **Invariants** What the spread would explain is not shown as a difference.

use crate::compare::{Change, Verdict, change};
use crate::report::Report;
use crate::table::{Grid, number};
use anyhow::Result;
use plotters::prelude::*;

/// What is compared: a name that fits over a column, the workload, and the figure.
const COLUMNS: [(&str, &str, &str); 9] = [
    ("puts", "fillrandom", ""),
    ("gets", "readrandom", ""),
    ("hot", "readhot", ""),
    ("absent", "readmissing", ""),
    ("walks", "seekrandom50", ""),
    ("scans", "readseq", ""),
    ("disk", "space", "on disk after overwrite"),
    ("memory", "resident", "at most"),
    ("open", "open-killed", ""),
];

const WIDTH: i32 = 440;
const NAME_WIDTH: i32 = 136;
const ROW_HEIGHT: i32 = 22;
const HEAD_HEIGHT: i32 = 48;
/// A difference of so many times has the strongest colour.
const STRONGEST: f64 = 4.0;
const BETTER: RGBColor = RGBColor(0x3f, 0x86, 0xc6);
const WORSE: RGBColor = RGBColor(0xd0, 0x7a, 0x2d);

/// A variant: the engine's name, the options, and what became of each column's figure.
struct Variant<'a> {
    engine: &'a str,
    options: &'a str,
    changes: Vec<Option<Change>>,
}

/// The variants of a report, and which columns it has figures for.
fn variants(report: &Report) -> (Vec<Variant<'_>>, Vec<&'static str>) {
    let measured = |(_, workload, part): &(&str, &str, &str)| {
        report.rows.iter().any(|row| row.workload == *workload && row.part == *part)
    };
    let columns: Vec<_> = COLUMNS.iter().filter(|column| measured(column)).collect();
    let of = |name: &'_ str| -> Vec<Option<Change>> {
        let engine = name.split(':').next().unwrap_or(name);
        let pair = |(_, workload, part): &&(&str, &str, &str)| {
            Some(change(report.row(workload, part, engine)?, report.row(workload, part, name)?, true))
        };
        columns.iter().map(pair).collect()
    };
    let named = report.engines.iter().filter_map(|engine| {
        let (plain, options) = engine.name.split_once(':')?;
        let changes = of(&engine.name);
        changes.iter().any(Option::is_some).then_some(Variant { engine: plain, options, changes })
    });
    (named.collect(), columns.iter().map(|column| column.0).collect())
}

/// A row for each variant, a column for each figure: how many times better it is than the engine's own. In bold what
/// differs by more than the spread.
pub fn table(report: &Report) -> Grid {
    let (variants, columns) = variants(report);
    let mut grid = Grid::new(&["engine", "with"], &columns, &[]);
    for variant in variants {
        let mut cells = vec![variant.engine.to_owned(), variant.options.to_owned()];
        cells.extend(variant.changes.iter().map(|change| match change {
            Some(change) if differs(change) => format!("**{}**", number(change.times)),
            Some(change) => number(change.times),
            None => "–".into(),
        }));
        grid.push(cells);
    }
    grid
}

fn differs(change: &Change) -> bool {
    matches!(change.verdict, Verdict::Better | Verdict::Worse)
}

/// The same as a picture, for an engine that has three variants or more: blue where a variant is better, orange where
/// it is worse, no colour where the spread would explain it.
pub fn charts(report: &Report) -> Result<Vec<(String, String)>> {
    let (all, columns) = variants(report);
    let mut engines: Vec<&str> = all.iter().map(|variant| variant.engine).collect();
    engines.dedup();
    let mut charts = Vec::new();
    for engine in engines {
        let own: Vec<_> = all.iter().filter(|variant| variant.engine == engine).collect();
        if own.len() > 2 {
            charts.push((format!("variants-{engine}.svg"), draw(engine, &own, &columns)?));
        }
    }
    Ok(charts)
}

fn draw(engine: &str, variants: &[&Variant<'_>], columns: &[&str]) -> Result<String> {
    let height = HEAD_HEIGHT + ROW_HEIGHT * i32::try_from(variants.len())?;
    let size = (u32::try_from(WIDTH)?, u32::try_from(height)?);
    let width = (WIDTH - NAME_WIDTH) / i32::try_from(columns.len().max(1))?;
    let title = format!("{engine} with one thing changed: times better");
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let text = |text: &str, at, size: u32| Text::new(text.to_owned(), at, ("sans-serif", size));
        area.draw(&text(&title, (0, 2), 15))?;
        for (i, column) in (0..).zip(columns) {
            area.draw(&text(column, (NAME_WIDTH + i * width + 2, 28), 10))?;
        }
        for (row, variant) in (0..).zip(variants) {
            let y = HEAD_HEIGHT + row * ROW_HEIGHT;
            area.draw(&text(variant.options, (0, y + 4), 12))?;
            for (i, change) in (0..).zip(&variant.changes) {
                let Some(change) = change else { continue };
                let x = NAME_WIDTH + i * width;
                if differs(change) {
                    let strength = (change.times.ln().abs() / STRONGEST.ln()).min(1.0);
                    let colour = if change.times > 1.0 { BETTER } else { WORSE }.mix(0.15 + 0.6 * strength);
                    let corners = [(x, y), (x + width - 2, y + ROW_HEIGHT - 2)];
                    area.draw(&Rectangle::new(corners, colour.filled()))?;
                }
                area.draw(&text(&cell(change.times), (x + 3, y + 4), 12))?;
            }
        }
        area.present()?;
    }
    Ok(crate::lines::on_the_page(&svg, &title, size))
}

/// Two digits that count: there is room for four characters.
fn cell(times: f64) -> String {
    match times {
        t if t >= 9.95 => format!("{t:.0}"),
        t if t >= 0.995 => format!("{t:.1}"),
        t => format!("{t:.2}").trim_start_matches('0').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_four_characters_at_most() {
        assert_eq!(
            [0.034, 0.5, 0.996, 1.04, 9.96, 123.4].map(cell),
            [".03", ".50", "1.0", "1.0", "10", "123"]
        );
    }
}
