//! Tables with a column for each subject: everybody side by side, and everybody against one of them.

use super::{Grid, Kind, grouped, head, number};
use crate::engines::Kind as SubjectKind;
use crate::ratio::{self, Ratio};
use crate::report::{EngineInfo, Report, Row, Unit, median};

/// A row for each workload and part, a column for each subject: medians, the best engine or rival in bold. A dash is
/// what was not measured, and a dagger a subject that lost acknowledged writes when it was killed.
pub fn side_by_side(report: &Report) -> Grid {
    columns(report, |_| true, |_| true)
}

/// The same in small: engines and rivals as they are by default, and of each workload the figure that has its name.
pub fn headline(report: &Report) -> Grid {
    let plain = |engine: &EngineInfo| engine.kind != SubjectKind::Bound && !engine.name.contains(':');
    columns(report, plain, |row| row.part.is_empty() && row.unit.is_time() && has_rival(report, row))
}

/// The same for our engines as they are by default: the stages, and what they are measured against.
pub fn stages(report: &Report) -> Grid {
    columns(report, |engine| engine.kind == SubjectKind::Engine && !engine.name.contains(':'), |_| true)
}

/// The same for rivals, and of ours for the last; rows in which a rival was measured.
pub fn production(report: &Report) -> Grid {
    let ours = report.engines.iter().filter(|engine| engine.kind == SubjectKind::Engine && engine.persistent);
    let last = ours.filter_map(|engine| engine.name.split(':').next()).next_back().unwrap_or_default();
    let wanted = |engine: &EngineInfo| {
        engine.kind == SubjectKind::Rival || engine.name.split(':').next() == Some(last)
    };
    columns(report, wanted, |row| has_rival(report, row))
}

/// Whether a rival was measured in this row.
fn has_rival(report: &Report, row: &Row) -> bool {
    let mut rivals = report.engines.iter().filter(|engine| engine.kind == SubjectKind::Rival);
    rivals.any(|rival| report.row(&row.workload, &row.part, &rival.name).is_some())
}

/// A column for each subject that is wanted, a row for each that is and in which one of them was measured.
fn columns(report: &Report, wanted: impl Fn(&EngineInfo) -> bool, shown: impl Fn(&Row) -> bool) -> Grid {
    let engines: Vec<_> = report.engines.iter().filter(|engine| wanted(engine)).collect();
    let mut heads = vec![head("workload", Kind::Text), head("", Kind::Text)];
    heads.extend(engines.iter().map(|engine| head(&marked(report, &engine.name), Kind::Number)));
    let cells = |first: &&Row| {
        let row = |name: &str| report.row(&first.workload, &first.part, name);
        let best = best(report, first, &engines);
        let cell = |name: &str| match row(name) {
            Some(row) if best == Some(name) => format!("**{}**", number(row.median())),
            Some(row) => number(row.median()),
            None => "–".into(),
        };
        let mut cells = vec![first.name(), first.unit.name().into()];
        cells.extend(engines.iter().map(|engine| cell(&engine.name)));
        cells
    };
    let measured =
        |first: &&Row| engines.iter().any(|e| report.row(&first.workload, &first.part, &e.name).is_some());
    let rows = firsts(report).into_iter().filter(|first| shown(first)).filter(measured);
    Grid { heads, rows: rows.map(|first| cells(&first)).collect() }
}

/// The same, as how many times better than `name` each subject is: the median of the rounds' ratios, and of which
/// rounds, where they disagree on who is better.
pub fn against(report: &Report, name: &str) -> Grid {
    let others: Vec<_> = report.engines.iter().filter(|engine| engine.name != name).collect();
    let mut heads = vec![head(&format!("times {name}"), Kind::Text)];
    heads.extend(others.iter().map(|engine| head(&marked(report, &engine.name), Kind::Number)));
    let ratios = ratio::against(report, name);
    let of =
        |row: &str, engine: &str| ratios.iter().find(|ratio| ratio.name == row && ratio.engine == engine);
    let mut rows = Vec::new();
    for first in firsts(report) {
        let row = first.name();
        let found: Vec<_> = others.iter().map(|engine| of(&row, &engine.name)).collect();
        if found.iter().any(Option::is_some) {
            let cells = found.into_iter().map(|ratio| ratio.map_or_else(|| "–".into(), times));
            rows.push(std::iter::once(row).chain(cells).collect());
        }
    }
    Grid { heads, rows }
}

/// Who lost acknowledged writes, and how many: what the daggers mean.
pub(super) fn losses(report: &Report) -> Vec<String> {
    let lossy = report.engines.iter().filter(|engine| report.lost(&engine.name));
    let line = |row: &Row| {
        let lost = grouped_count(median(&row.values));
        format!("† {} lost {lost} of {} acknowledged puts when it was killed", row.subject, grouped(row.ops))
    };
    lossy.filter_map(|engine| report.row("lost", "", &engine.name)).map(line).collect()
}

/// The first row of each workload and part that engines or rivals were measured in.
fn firsts(report: &Report) -> Vec<&Row> {
    let mut firsts: Vec<&Row> = Vec::new();
    for row in report.rows.iter().filter(|row| report.engine(&row.subject).is_some()) {
        if !firsts.iter().any(|first| first.workload == row.workload && first.part == row.part) {
            firsts.push(row);
        }
    }
    firsts
}

/// The engine or rival among these that is best at a row; nobody where fewer than two were measured.
fn best<'a>(report: &Report, first: &Row, engines: &[&'a EngineInfo]) -> Option<&'a str> {
    let counts = |engine: &&&EngineInfo| {
        engine.kind != SubjectKind::Bound && engine.persistent && !report.lost(&engine.name)
    };
    let measured = engines.iter().filter(counts).filter_map(|engine| {
        let value = report.row(&first.workload, &first.part, &engine.name)?.median();
        Some((engine.name.as_str(), if first.unit.more_is_better() { value } else { -value }))
    });
    let measured: Vec<_> = measured.collect();
    if measured.len() < 2 || matches!(first.unit, Unit::Times | Unit::Puts | Unit::Files) {
        return None;
    }
    measured.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(name, _)| *name)
}

fn marked(report: &Report, name: &str) -> String {
    if report.lost(name) { format!("{name}†") } else { name.to_owned() }
}

fn times(ratio: &Ratio) -> String {
    number(ratio.median())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, far below 2^53")]
fn grouped_count(count: f64) -> String {
    grouped(count.round() as u64)
}
