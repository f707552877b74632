//! A report as tables: a grid of text, drawn for the terminal or for Markdown.

mod compare;

pub use compare::{against, headline, production, side_by_side, stages};

use crate::bounds;
use crate::goals;
use crate::ratio::{Aim, Ratio};
use crate::report::{BOUND, Report, Row};
use crate::workload::{self, Workload};
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

/// A table: column heads and rows of as many cells.
pub struct Grid {
    heads: Vec<Head>,
    rows: Vec<Vec<String>>,
}

/// A column's head, and whether its cells are numbers.
struct Head(String, Kind);

fn head(name: &str, kind: Kind) -> Head {
    Head(name.to_owned(), kind)
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Number,
}

impl Grid {
    /// Without rows: columns of text, then of numbers, then of text again.
    pub fn new(first: &[&str], numbers: &[&str], last: &[&str]) -> Self {
        let of = |kind| move |name: &&str| head(name, kind);
        let heads = first.iter().map(of(Kind::Text)).chain(numbers.iter().map(of(Kind::Number)));
        Self { heads: heads.chain(last.iter().map(of(Kind::Text))).collect(), rows: Vec::new() }
    }

    /// One more row, of as many cells as there are columns.
    pub fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// True if it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// For a terminal.
    pub fn terminal(&self) -> String {
        let mut table = Table::new();
        table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
        table.set_header(self.heads.iter().map(|head| &head.0));
        for (at, head) in self.heads.iter().enumerate() {
            if let (Some(column), Kind::Number) = (table.column_mut(at), head.1) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.add_rows(self.rows.iter().map(|row| row.iter().map(|cell| cell.trim_matches('*'))));
        table.to_string()
    }

    /// For Markdown.
    pub fn markdown(&self) -> String {
        let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
        let rule = |head: &Head| if head.1 == Kind::Number { "--:" } else { "---" };
        let mut text = line(self.heads.iter().map(|head| head.0.as_str()).collect());
        text.push_str(&line(self.heads.iter().map(rule).collect()));
        for row in &self.rows {
            text.push_str(&line(row.iter().map(String::as_str).collect()));
        }
        text
    }
}

/// The engines' figures, a row for each workload, part and engine.
pub fn engines(report: &Report) -> Grid {
    use Kind::{Number, Text};
    let heads = vec![
        head("workload", Text),
        head("engine", Text),
        head("median", Number),
        head("", Text),
        head("min … max", Number),
        head("p50 µs", Number),
        head("p99 µs", Number),
        head("operations", Number),
        head("durability", Text),
    ];
    let of_engine = report.rows.iter().filter(|row| !report.is_bound(row));
    let cells = |row: &Row| {
        let mut cells = vec![row.name(), row.subject.clone()];
        cells.extend(figures(row));
        cells
    };
    Grid { heads, rows: of_engine.map(cells).collect() }
}

/// The bounds' figures.
pub fn bounds(report: &Report) -> Grid {
    use Kind::{Number, Text};
    let heads = vec![
        head("bound", Text),
        head("median", Number),
        head("", Text),
        head("min … max", Number),
        head("p50 µs", Number),
        head("p99 µs", Number),
        head("operations", Number),
        head("durability", Text),
    ];
    let of_bound = report.rows.iter().filter(|row| report.is_bound(row));
    let cells = |row: &Row| {
        // One that answers as an engine does has the names of workloads.
        let own = row.subject == BOUND;
        let mut cells = vec![if own { row.name() } else { format!("{}: {}", row.subject, row.name()) }];
        cells.extend(figures(row));
        cells
    };
    Grid { heads, rows: of_bound.map(cells).collect() }
}

/// Median, unit, spread, latencies, operations, durability.
fn figures(row: &Row) -> [String; 7] {
    let (low, high) = row.spread();
    let micros = |value: Option<f64>| value.map_or_else(|| "–".into(), number);
    let ops = match (row.ops, row.of) {
        (1, 1) => "–".into(),
        (ops, of) if ops == of => grouped(ops),
        (ops, of) => format!("{} of {}", grouped(ops), grouped(of)),
    };
    [
        number(row.median()),
        row.unit.name().into(),
        format!("{} … {}", number(low), number(high)),
        micros(row.p50_micros),
        micros(row.p99_micros),
        ops,
        if row.durability.is_empty() { "–".into() } else { row.durability.clone() },
    ]
}

/// What each engine is to reach, and what it does.
pub fn goals(report: &Report) -> Grid {
    use Kind::{Number, Text};
    let heads = vec![
        head("derived", Text),
        head("engine", Text),
        head("median", Number),
        head("min … max", Number),
        head("aim", Number),
        head("met", Text),
    ];
    let cells = |ratio: Ratio| {
        let (low, high) = ratio.spread();
        let aim = match ratio.aim {
            Aim::AtLeast(least) => format!("≥ {least}"),
            Aim::AtMost(most) => format!("≤ {most}"),
            Aim::None => "–".into(),
        };
        let met = ratio.met().map_or("–", |met| if met { "yes" } else { "no" });
        let range = format!("{} … {}", number(low), number(high));
        vec![ratio.name.clone(), ratio.engine.clone(), number(ratio.median()), range, aim, met.into()]
    };
    Grid { heads, rows: goals::all(report).into_iter().map(cells).collect() }
}

/// What each workload and bound of the report times.
pub fn meanings(report: &Report) -> Grid {
    let heads = vec![head("name", Kind::Text), head("what is timed", Kind::Text)];
    let help = |workload: &Workload| match workload.with {
        [] => workload.help.to_owned(),
        with => format!("{}; under {}, where there is such an option", workload.help, with.join(", ")),
    };
    let workloads = workload::ALL.iter().map(|workload| (workload.name, help(workload)));
    let bounds = bounds::ALL.iter().map(|bound| (bound.name, bound.help.to_owned()));
    let measured = |name: &str| report.rows.iter().any(|row| row.workload == name);
    let named = workloads.chain(bounds).filter(|(name, _)| measured(name));
    Grid { heads, rows: named.map(|(name, help)| vec![name.into(), help]).collect() }
}

/// What a reader must know besides, a line each.
pub fn notes(report: &Report) -> Vec<String> {
    let with_note = report.rows.iter().filter(|row| !row.note.is_empty());
    let notes = with_note.map(|row| format!("{} on {}: {}", row.name(), row.subject, row.note));
    let left_out = report.not_applicable.iter().map(|line| format!("not applicable: {line}"));
    let once = report.measured_once.iter().cloned();
    compare::losses(report).into_iter().chain(notes).chain(once).chain(left_out).collect()
}

/// Three significant digits, and all digits before the point.
pub fn number(value: f64) -> String {
    if value >= 1000.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and far below 2^53"
        )]
        return grouped(value.round() as u64);
    }
    let decimals = if value >= 99.95 || value == 0.0 {
        0
    } else if value >= 9.995 {
        1
    } else if value >= 0.9995 {
        2
    } else {
        3
    };
    format!("{value:.decimals$}")
}

/// Digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_count() {
        let shown =
            [0.0, 0.0123, 0.99951, 9.994, 9.996, 99.94, 99.96, 999.4, 1000.0, 1_234_567.0].map(number);
        assert_eq!(shown, ["0", "0.012", "1.00", "9.99", "10.0", "99.9", "100", "999", "1,000", "1,234,567"]);
    }
}
