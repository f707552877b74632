//! Bar charts as SVG, for inclusion in the text of a page.
//!
//! **Invariants** A chart takes its colour of text from the page (`currentColor`), has no background of its own and
//! bars of middle brightness, so that it can be read in light, dark and print. It is 440 wide with text of 14, so
//! that it can be read on a phone. It has no empty line, which would end a block of HTML in Markdown.

use crate::engines::Kind;
use crate::report::{BOUND, Report, Row, Unit};
use crate::table::number;
use std::fmt::Write;

const WIDTH: f64 = 440.0;
const ROW_HEIGHT: f64 = 40.0;
const HEAD_HEIGHT: f64 = 34.0;
const COLOURS: [&str; 5] = ["#3f86c6", "#d07a2d", "#4c9a68", "#9a6bb5", "#b8574f"];

/// A chart's file name and its SVG.
pub type Chart = (&'static str, String);

/// What a chart shows.
struct Picture {
    file: &'static str,
    title: &'static str,
    rows: &'static [&'static str],
    who: Who,
    scale: Scale,
}

/// How long a bar is.
#[derive(Clone, Copy, PartialEq)]
enum Scale {
    /// As long as its value.
    Linear,
    /// A step longer for each factor of ten, with a line at each step: for values of which the largest would hide the
    /// others.
    Tens,
}

/// Whose rows a chart shows.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    /// Our engines and what bounds them, over several workloads.
    Ours,
    /// Everybody, at one workload; drawn where there are rivals.
    Everybody,
}

static PICTURES: &[Picture] = &[
    ours(
        "writes.svg",
        "Writes: thousand entries a second",
        &["fillseq", "fillrandom", "overwrite", "log-write", "fillbatch100", "log-write-batch100"],
    ),
    ours(
        "synced.svg",
        "Synced writes: thousand a second",
        &["fillsync", "fdatasync-growing", "fdatasync-reserved", "fillsync8t", "fdatasync-reserved-8"],
    ),
    Picture {
        scale: Scale::Tens,
        ..ours("growth.svg", "A get of an absent key: µs, tenfold from line to line", &["growth"])
    },
    everybody("fillrandom.svg", "Puts, shuffled: thousand a second", &["fillrandom"]),
    everybody("overwrite.svg", "Puts over present keys: thousand a second", &["overwrite"]),
    everybody("readrandom.svg", "Gets of present keys: thousand a second", &["readrandom"]),
    everybody("readmissing.svg", "Gets of absent keys: thousand a second", &["readmissing"]),
    everybody("readseq.svg", "Pairs of a full scan: thousand a second", &["readseq"]),
    everybody("seekrandom50.svg", "Walks of 50 pairs: thousand a second", &["seekrandom50"]),
    everybody("ycsb-a.svg", "YCSB A, half puts: thousand operations a second", &["ycsb-a"]),
    everybody("open-clean.svg", "Opening a closed store: milliseconds", &["open-clean"]),
];

const fn ours(file: &'static str, title: &'static str, rows: &'static [&'static str]) -> Picture {
    Picture { file, title, rows, who: Who::Ours, scale: Scale::Linear }
}

const fn everybody(file: &'static str, title: &'static str, rows: &'static [&'static str]) -> Picture {
    Picture { file, title, rows, who: Who::Everybody, scale: Scale::Linear }
}

/// Every chart for which the report has figures.
pub fn all(report: &Report) -> Vec<Chart> {
    let rivals = report.engines.iter().any(|engine| engine.kind == Kind::Rival);
    let kind = |row: &Row| report.engine(&row.subject).map_or(Kind::Bound, |engine| engine.kind);
    let of = |picture: &Picture| {
        let shown = |row: &&Row| match picture.who {
            Who::Ours => kind(row) != Kind::Rival,
            Who::Everybody => rivals && row.part.is_empty(),
        };
        let named = |name: &'static str| report.rows.iter().filter(move |row| row.workload == name);
        let rows: Vec<&Row> = picture.rows.iter().flat_map(|name| named(name)).filter(shown).collect();
        (!rows.is_empty()).then(|| (picture.file, bars(picture, &rows, report)))
    };
    PICTURES.iter().filter_map(of).collect()
}

/// A bar for each row, one below the other, each under its name and value.
fn bars(picture: &Picture, rows: &[&Row], report: &Report) -> String {
    let (title, axis) = (picture.title, Axis::of(picture.scale, rows));
    #[expect(clippy::cast_precision_loss, reason = "a chart has some ten rows")]
    let top_of = |at: usize| HEAD_HEIGHT + at as f64 * ROW_HEIGHT;
    let height = top_of(rows.len());
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {WIDTH} {height}\" \
         style=\"max-width:58rem;width:100%\" font-family=\"system-ui,sans-serif\" font-size=\"14\" fill=\"currentColor\">\n\
         <title>{}</title>\n<desc>{}</desc>\n<text y=\"18\" font-weight=\"bold\">{}</text>\n",
        escaped(title),
        escaped(&format!("{}, {}; made by: {}", report.machine.cpu, report.date, report.command)),
        escaped(title),
    );
    let one_workload = rows.iter().all(|row| row.workload == rows[0].workload);
    for x in axis.lines() {
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {HEAD_HEIGHT}V{height}\" stroke=\"currentColor\" opacity=\"0.2\"/>"
        );
    }
    for (at, row) in rows.iter().enumerate() {
        let (low, high) = row.spread();
        let x = |value: f64| axis.x(value);
        let (text_y, bar_y) = (top_of(at) + 14.0, top_of(at) + 20.0);
        let name = label(row, one_workload, report);
        let _ = writeln!(
            svg,
            "<text y=\"{text_y}\">{}</text><text x=\"{WIDTH}\" y=\"{text_y}\" text-anchor=\"end\">{}</text>",
            escaped(&name),
            value_text(row),
        );
        let _ = writeln!(
            svg,
            "<rect y=\"{bar_y}\" width=\"{:.1}\" height=\"10\" rx=\"2\" {}/>",
            x(row.median()).max(1.0),
            paint(row, report),
        );
        // The spread over rounds, as a line through the bar's end.
        let middle = bar_y + 5.0;
        let _ = writeln!(
            svg,
            "<path d=\"M{:.1} {middle}H{:.1}\" stroke=\"currentColor\" stroke-width=\"2\"/>",
            x(low),
            x(high)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Where values lie: from `least`, which is at the left end, to `most`, at the right.
struct Axis {
    scale: Scale,
    least: f64,
    most: f64,
}

impl Axis {
    fn of(scale: Scale, rows: &[&Row]) -> Self {
        let most = rows.iter().map(|row| row.spread().1).fold(f64::MIN_POSITIVE, f64::max);
        let least = rows.iter().map(|row| row.spread().0).fold(most, f64::min).max(f64::MIN_POSITIVE);
        // The shortest bar is to be seen: it begins below a power of ten.
        Self { scale, least: 10_f64.powf((least / 2.0).log10().floor()), most }
    }

    fn x(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => value / self.most * WIDTH,
            Scale::Tens => (value / self.least).log10().max(0.0) / (self.most / self.least).log10() * WIDTH,
        }
    }

    /// Where the powers of ten lie, if they are shown.
    fn lines(&self) -> impl Iterator<Item = f64> {
        let shown = (self.scale == Scale::Tens).then_some(self.least);
        std::iter::successors(shown, |at| Some(at * 10.0))
            .take_while(|at| *at <= self.most)
            .map(|at| self.x(at))
    }
}

/// Whose bar it is, and of what, unless all are of one workload.
fn label(row: &Row, one_workload: bool, report: &Report) -> String {
    let what = if one_workload { row.part.clone() } else { row.name() };
    let who = if row.subject == BOUND { "" } else { row.subject.as_str() };
    let name =
        if what.is_empty() || who.is_empty() { format!("{what}{who}") } else { format!("{what}, {who}") };
    if report.is_bound(row) { format!("{name} (bound)") } else { name }
}

fn value_text(row: &Row) -> String {
    match row.unit {
        Unit::KiloPerSecond => number(row.median()),
        unit => format!("{} {}", number(row.median()), unit.name()),
    }
}

fn paint(row: &Row, report: &Report) -> String {
    match report.engines.iter().position(|engine| engine.name == row.subject && engine.kind != Kind::Bound) {
        Some(at) => format!("fill=\"{}\"", COLOURS[at % COLOURS.len()]),
        None => "fill-opacity=\"0.35\"".into(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
