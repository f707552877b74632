//! A sweep as text: for the terminal, for the book, and every figure by itself.

use super::{Axis, Sweep};
use crate::markdown::{anchor, list, part, provenance};
use crate::table::{Grid, number};
use std::fmt::Write;

/// Everything, for a terminal.
pub fn terminal(sweep: &Sweep) -> String {
    let mut text = String::new();
    for line in origin(sweep) {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(text, "\n{}\n", table(sweep).terminal());
    for line in notes(sweep) {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// Everything, for the book: the parts `machine`, `curves` and `notes`.
pub fn markdown(sweep: &Sweep) -> String {
    let mut text = String::from("<!-- Written by the benchmark. Do not edit: measure again. -->\n\n");
    part(&mut text, "machine", &list(&origin(sweep)));
    part(&mut text, "curves", &table(sweep).markdown());
    part(&mut text, "notes", &list(&notes(sweep)));
    text
}

/// Single figures with their units, an anchor each: what an operation costs at a point, and how the cost grows.
pub fn figures(sweep: &Sweep) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let name = anchor(name);
        let _ = writeln!(text, "ANCHOR: {name}\n{value}\nANCHOR_END: {name}");
    };
    for figure in sweep.curves() {
        for curve in &figure.curves {
            for (at, cost) in &curve.points {
                let name = format!("{} {} {at}", figure.name, curve.subject);
                line(&name, &format!("{} {}", number(*cost), figure.unit.name()));
            }
            if let Some(power) = curve.power() {
                line(&format!("{} {} power", figure.name, curve.subject), &format!("{power:.2}"));
            }
        }
    }
    text
}

/// Where the figures come from. The report of a point says everything; what the axis changes is told as such.
pub fn origin(sweep: &Sweep) -> Vec<String> {
    let Some(point) = sweep.points.last() else { return vec!["nothing was measured yet".into()] };
    let places: Vec<_> = sweep.points.iter().map(|point| sweep.axis.short(point.at)).collect();
    let mut lines = provenance(&point.report);
    lines.insert(0, format!("{}: {}; what follows says the last", sweep.axis.title(), places.join(", ")));
    lines
}

/// All curves: a row for each figure and engine, a column for each point, and the power by which the cost grows.
pub fn table(sweep: &Sweep) -> Grid {
    let points: Vec<String> = sweep.points.iter().map(|point| sweep.axis.short(point.at)).collect();
    let mut columns: Vec<&str> = points.iter().map(String::as_str).collect();
    if sweep.axis != Axis::Skew {
        columns.push("power");
    }
    let mut grid = Grid::new(&["cost", "", "engine"], &columns, &[]);
    for figure in sweep.curves() {
        for curve in &figure.curves {
            let mut cells = vec![figure.name.clone(), figure.unit.name().into(), curve.subject.clone()];
            let cost = |at| curve.at(at).map_or_else(|| "–".into(), number);
            cells.extend(sweep.points.iter().map(|point| cost(point.at)));
            if sweep.axis != Axis::Skew {
                cells.push(curve.power().map_or_else(|| "–".into(), |power| format!("{power:.2}")));
            }
            grid.push(cells);
        }
    }
    grid
}

/// Who stopped where, and who passes whom, a line each.
pub fn notes(sweep: &Sweep) -> Vec<String> {
    let axis = sweep.axis;
    let stopped = sweep.stopped.iter().map(|stopped| {
        let (at, seconds) = (axis.say(stopped.at), number(stopped.seconds));
        format!("{} ends at {at}: a measurement there took {seconds} s", stopped.subject)
    });
    let mut lines: Vec<String> = stopped.collect();
    for figure in sweep.curves() {
        for (before, after, was, is) in figure.crossings() {
            let (before, after) = (axis.short(before), axis.say(after));
            lines.push(format!("{}: {is} passes {was} between {before} and {after}", figure.name));
        }
    }
    let missing = sweep.planned.len() - sweep.points.len();
    if missing > 0 {
        lines.push(format!("{missing} of {} points are missing", sweep.planned.len()));
    }
    lines
}
