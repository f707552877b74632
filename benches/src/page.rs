//! A run as one HTML file: tables and charts, everything inside, so that it opens without a network.

use crate::pieces::Pieces;
use crate::report::Report;
use crate::sweep::{self, Sweep};
use crate::table::{self, Grid};
use crate::{ablation, chart, lines, markdown};
use anyhow::Result;
use pulldown_cmark::{Options, Parser, html};
use std::fmt::Write;

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>Strata: what was measured here</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 1rem; }
h1, h2 { line-height: 1.2; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); white-space: nowrap; }
th { text-align: left; }
th:first-child, td:first-child { position: sticky; left: 0; background: Canvas; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 2rem; }
code { overflow-wrap: anywhere; }
summary { cursor: pointer; font-weight: bold; margin: 1rem 0; }
@media (max-width: 40rem) {
  table { font-size: 12px; }
  th, td { padding: .15rem .3rem; }
  th:first-child, td:first-child { min-width: 6rem; max-width: 8rem; white-space: normal; }
}
@media print { details { display: block; } body { max-width: none; } .wide { overflow: visible; } table { font-size: 7px; } }
</style>
</head>
<body>
";

/// The page of a report.
pub fn of_report(report: &Report) -> Result<String> {
    let mut page = begun("What was measured here", &markdown::provenance(report));
    let mut charts: Vec<String> = chart::all(report).into_iter().map(|(_, svg)| svg).collect();
    charts.extend(ablation::charts(report)?.into_iter().map(|(_, svg)| svg));
    section(&mut page, "Medians, side by side", &table::side_by_side(report));
    drawn(&mut page, &charts);
    section(&mut page, "With one thing changed: times better", &ablation::table(report));
    section(&mut page, "What each stage is to reach", &table::goals(report));
    for name in &report.against {
        section(&mut page, &format!("How many times {name}, round by round"), &table::against(report, name));
    }
    folded(&mut page, "Every figure, with its spread", &table::engines(report));
    folded(&mut page, "What the machine allows, without an engine", &table::bounds(report));
    folded(&mut page, "What is timed", &table::meanings(report));
    list(&mut page, &table::notes(report));
    Ok(page + "</body>\n</html>\n")
}

/// The page of a sweep.
pub fn of_sweep(sweep: &Sweep) -> Result<String> {
    let mut page = begun(&format!("Cost over {}", sweep.axis.title()), &sweep::origin(sweep));
    let charts: Vec<String> = lines::all(sweep)?.into_iter().map(|(_, svg)| svg).collect();
    drawn(&mut page, &charts);
    section(&mut page, "What an operation costs", &sweep::table(sweep));
    list(&mut page, &sweep::notes(sweep));
    Ok(page + "</body>\n</html>\n")
}

/// The page of pieces.
pub fn of_pieces(pieces: &Pieces) -> String {
    let mut page = begun("The pieces by themselves", &pieces.origin());
    pieces.groups().iter().for_each(|group| section(&mut page, group, &pieces.table(group)));
    list(&mut page, &pieces.notes());
    page + "</body>\n</html>\n"
}

fn begun(title: &str, origin: &[String]) -> String {
    let mut page = format!("{HEAD}<h1>{title}</h1>\n");
    list(&mut page, origin);
    page
}

fn list(page: &mut String, lines: &[String]) {
    html::push_html(page, Parser::new(&markdown::list(lines)));
}

fn section(page: &mut String, title: &str, grid: &Grid) {
    if !grid.is_empty() {
        let _ = writeln!(page, "<h2>{title}</h2>");
        rows(page, grid);
    }
}

/// A section that a reader opens.
fn folded(page: &mut String, title: &str, grid: &Grid) {
    if !grid.is_empty() {
        let _ = writeln!(page, "<details><summary>{title}</summary>");
        rows(page, grid);
        page.push_str("</details>\n");
    }
}

fn rows(page: &mut String, grid: &Grid) {
    page.push_str("<div class=\"wide\">\n");
    html::push_html(page, Parser::new_ext(&grid.markdown(), Options::ENABLE_TABLES));
    page.push_str("</div>\n");
}

fn drawn(page: &mut String, charts: &[String]) {
    if !charts.is_empty() {
        let _ = writeln!(page, "<div class=\"charts\">\n{}</div>", charts.concat());
    }
}
