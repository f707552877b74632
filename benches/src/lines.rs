//! Curves as SVG: what an operation costs, over what changes, both from power of ten to power of ten.
//!
//! **Invariants** As in [`chart`](crate::chart): a chart follows the page's colour of text, has no background and no
//! empty line, and can be read on a phone.

use crate::sweep::{Axis, Curves, Sweep};
use crate::table::number;
use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;

const WIDTH: u32 = 440;
const HEIGHT: u32 = 330;
const TEXT: (&str, u32) = ("sans-serif", 14);
/// A line of the key under the curves.
const KEY_HEIGHT: u32 = 20;
/// Names in a line of the key.
const KEY_COLUMNS: usize = 3;
/// Colours of middle brightness, which can be seen on light and on dark.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0x3f, 0x86, 0xc6),
    RGBColor(0xd0, 0x7a, 0x2d),
    RGBColor(0x4c, 0x9a, 0x68),
    RGBColor(0x9a, 0x6b, 0xb5),
    RGBColor(0xb8, 0x57, 0x4f),
    RGBColor(0x8a, 0x8a, 0x2f),
    RGBColor(0x3a, 0x9c, 0xa6),
    RGBColor(0x8c, 0x8c, 0x8c),
];

/// A chart's file name and its SVG, for every figure that has a curve of two points.
pub fn all(sweep: &Sweep) -> Result<Vec<(String, String)>> {
    let curves = sweep.curves();
    let drawn = curves.iter().filter(|figure| figure.curves.iter().any(|curve| curve.points.len() > 1));
    drawn.map(|figure| Ok((format!("{}.svg", file_name(&figure.name)), draw(sweep, figure)?))).collect()
}

/// Letters, digits and hyphens.
fn file_name(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

fn draw(sweep: &Sweep, figure: &Curves) -> Result<String> {
    let title = format!("{}: {} over {}", figure.name, figure.unit.name(), sweep.axis.title());
    let rows = u32::try_from(figure.curves.len().div_ceil(KEY_COLUMNS))?;
    let height = HEIGHT + rows * KEY_HEIGHT;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        let (plot, key) = area.split_vertically(HEIGHT);
        curves(&plot, sweep, figure, &title)?;
        names(&key, sweep, figure)?;
        area.present()?;
    }
    Ok(on_the_page(&svg, &title, (WIDTH, height)))
}

#[expect(clippy::cast_precision_loss, reason = "places on an axis")]
fn curves(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    sweep: &Sweep,
    figure: &Curves,
    title: &str,
) -> Result<()> {
    let axis = sweep.axis;
    // A logarithm has no zero, where the even keys of a skew lie: that axis is an ordinary one.
    let place = |at: u64| if axis == Axis::Skew { at as f64 / 100.0 } else { at as f64 };
    let points = || figure.curves.iter().flat_map(|curve| &curve.points);
    let range = |of: &dyn Fn(&(u64, f64)) -> f64| {
        points().map(of).fold((f64::INFINITY, 0.0_f64), |(low, high), v| (low.min(v), high.max(v)))
    };
    let (left, right) = range(&|point| place(point.0));
    let (low, high) = range(&|point| point.1);
    let y = (low.max(f64::MIN_POSITIVE) / 1.5..high * 1.5).log_scale();
    let mut builder = ChartBuilder::on(area);
    builder
        .margin(6)
        .margin_right(14)
        .caption(title, ("sans-serif", 15))
        .x_label_area_size(34)
        .y_label_area_size(54);
    macro_rules! plot {
        ($x:expr) => {{
            let mut chart = builder.build_cartesian_2d($x, y)?;
            chart
                .configure_mesh()
                .light_line_style(TRANSPARENT)
                .bold_line_style(BLACK.mix(0.2))
                .axis_style(BLACK.mix(0.6))
                .label_style(TEXT)
                .x_labels(6)
                .y_labels(6)
                .x_label_formatter(&|x| short(*x))
                .y_label_formatter(&|y| short(*y))
                .draw()?;
            for curve in &figure.curves {
                let colour = colour(sweep, &curve.subject);
                let line = curve.points.iter().map(|&(at, cost)| (place(at), cost));
                chart.draw_series(LineSeries::new(line.clone(), colour.stroke_width(2)))?;
                chart.draw_series(line.map(|point| Circle::new(point, 3, colour.filled())))?;
            }
        }};
    }
    if axis == Axis::Skew {
        plot!(left..right);
    } else {
        plot!((left..right).log_scale());
    }
    Ok(())
}

/// An engine's colour, which is the same in all charts of a sweep.
fn colour(sweep: &Sweep, subject: &str) -> RGBColor {
    let engines = sweep.points.first().map_or(&[][..], |point| &point.report.engines);
    let at = engines.iter().position(|engine| engine.name == subject).unwrap_or(0);
    COLOURS[at % COLOURS.len()]
}

/// Whose colour is which.
fn names(area: &DrawingArea<SVGBackend<'_>, Shift>, sweep: &Sweep, figure: &Curves) -> Result<()> {
    let width = i32::try_from(WIDTH)? / i32::try_from(KEY_COLUMNS)?;
    for (i, curve) in figure.curves.iter().enumerate() {
        let (row, column) = (i32::try_from(i / KEY_COLUMNS)?, i32::try_from(i % KEY_COLUMNS)?);
        let (x, y) = (column * width + 8, row * 20 + 4);
        let colour = colour(sweep, &curve.subject);
        area.draw(&Rectangle::new([(x, y + 3), (x + 12, y + 9)], colour.filled()))?;
        area.draw(&Text::new(curve.subject.clone(), (x + 18, y), TEXT))?;
    }
    Ok(())
}

/// A number on an axis: three digits, and thousands and millions as letters.
fn short(value: f64) -> String {
    let (value, letter) = match value {
        v if v >= 1e6 => (v / 1e6, "M"),
        v if v >= 1e3 => (v / 1e3, "k"),
        v => (v, ""),
    };
    let digits = number(value);
    let digits =
        if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
    format!("{digits}{letter}")
}

/// Black becomes the page's colour of text, and the size that of the page's column.
pub(crate) fn on_the_page(svg: &str, title: &str, (width, height): (u32, u32)) -> String {
    let (_, rest) = svg.split_once('>').unwrap_or_default();
    let rest = rest.replace("\"#000000\"", "\"currentColor\"");
    let lines: Vec<&str> = rest.lines().filter(|line| !line.trim().is_empty()).collect();
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {width} {height}\" \
         style=\"max-width:58rem;width:100%\">\n<title>{title}</title>\n{}\n",
        lines.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_on_an_axis_are_short() {
        let shown = [0.05, 0.5, 1.0, 10.0, 1500.0, 10_000.0, 3e6].map(short);
        assert_eq!(shown, ["0.05", "0.5", "1", "10", "1.5k", "10k", "3M"]);
    }

    #[test]
    fn a_chart_has_the_pages_colours_and_no_empty_line() {
        let shown =
            on_the_page("<svg width=\"1\">\n<text fill=\"#000000\">a</text>\n\n</svg>", "a & b", (2, 3));
        assert!(shown.contains("viewBox=\"0 0 2 3\"") && shown.contains("a &amp; b"), "{shown}");
        assert!(
            shown.contains("currentColor") && !shown.contains("\n\n") && shown.ends_with("</svg>\n"),
            "{shown}"
        );
    }
}
