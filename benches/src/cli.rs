//! The benchmark's command line.
//!
//! It is a function of the library, so that a reader's own program can be the benchmark of an engine that has joined the
//! registry. The program starts itself again for each cell, so it does nothing besides.
#![expect(clippy::print_stderr, reason = "a program says what it did")]

mod args;

use crate::conduct::{self, Plan};
use crate::engines::Subject;
use crate::pieces::{self, Pieces};
use crate::report::{Report, save_text};
use crate::sweep::{self, Sweep};
use crate::workload;
use crate::{ablation, bounds, chart, command, compare, engines, lines, markdown, page, reopen, rivals};
use anyhow::{Context, Result};
use args::{Cli, CompareArgs, OutputArgs, PiecesArgs, RunArgs, Sub, SweepArgs, effort};
use clap::Parser;
use harness::say::say;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Does what the process's arguments ask for.
pub fn main() -> ExitCode {
    let done = match Cli::parse() {
        Cli { command: Some(Sub::Cell { spec }), .. } => command::inner(conduct::CELL, &spec, None),
        Cli { command: Some(Sub::Filler { spec }), .. } => command::inner(reopen::FILLER, &spec, None),
        Cli { command: Some(Sub::List), .. } => {
            say(listing());
            Ok(())
        }
        Cli { command: Some(Sub::Report(args)), .. } => {
            if Sweep::is_in(&args.file) {
                Sweep::load(&args.file).and_then(|sweep| show_sweep(&sweep, &args.output))
            } else if Pieces::is_in(&args.file) {
                Pieces::load(&args.file).and_then(|pieces| show_pieces(&pieces, &args.output))
            } else {
                Report::load(&args.file).and_then(|report| show(&report, &args.output))
            }
        }
        Cli { command: Some(Sub::Sweep(args)), .. } => swept(&args),
        Cli { command: Some(Sub::Pieces(args)), .. } => collected(&args),
        Cli { command: Some(Sub::Compare(args)), .. } => compared(&args),
        Cli { command: None, run } => measure(&run),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::from(3)
        }
    }
}

fn measure(args: &RunArgs) -> Result<()> {
    if cfg!(debug_assertions) {
        eprintln!(
            "This is not a release build: the figures are good for trying the program, not for comparing."
        );
    }
    let reports = conduct::run(&plan(args), &*stopping()?)?;
    for (report, path) in reports.iter().zip([&args.json, &args.beside_json]) {
        if let Some(path) = path {
            report.save(path)?;
        }
    }
    if let Some(path) = &args.json {
        conduct::done(path)?;
    }
    match reports.as_slice() {
        [report, other] => say(compare::terminal(&compare::all(other, report), false)),
        reports => reports.iter().try_for_each(|report| show(report, &args.output))?,
    }
    Ok(())
}

/// Becomes true when somebody asks the program to end.
fn stopping() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("cannot listen for Ctrl-C")?;
    }
    Ok(stop)
}

fn swept(args: &SweepArgs) -> Result<()> {
    let run = &args.run;
    anyhow::ensure!(run.beside.is_none(), "a sweep measures one build");
    let points = if args.points.is_empty() { args.axis.points() } else { &args.points };
    // What a sweep keeps is whole points.
    let plan = Plan { json: None, resume: false, ..plan(run) };
    let file = (run.json.as_deref(), run.resume);
    let say = |point: &str| eprintln!("{point}");
    let sweep = sweep::run(&plan, (args.axis, points), file, &say, &*stopping()?)?;
    show_sweep(&sweep, &run.output)
}

fn show_sweep(sweep: &Sweep, output: &OutputArgs) -> Result<()> {
    if let Some(path) = &output.markdown {
        save_text(path, &sweep::markdown(sweep))?;
    }
    if let Some(path) = &output.figures {
        save_text(path, &sweep::figures(sweep))?;
    }
    if let Some(dir) = &output.svg {
        for (name, svg) in lines::all(sweep)? {
            save_text(&dir.join(name), &svg)?;
        }
    }
    if let Some(path) = &output.html {
        save_text(path, &page::of_sweep(sweep)?)?;
    }
    say(sweep::terminal(sweep));
    Ok(())
}

fn collected(args: &PiecesArgs) -> Result<()> {
    let pieces = Pieces::collect(&args.folder, "cargo xtask bench pieces")?;
    if let Some(path) = &args.json {
        pieces.save(path)?;
    }
    show_pieces(&pieces, &args.output)
}

fn show_pieces(pieces: &Pieces, output: &OutputArgs) -> Result<()> {
    if let Some(path) = &output.markdown {
        save_text(path, &pieces::markdown(pieces))?;
    }
    if let Some(path) = &output.figures {
        save_text(path, &pieces::figures(pieces))?;
    }
    if let Some(path) = &output.html {
        save_text(path, &page::of_pieces(pieces))?;
    }
    say(pieces::terminal(pieces));
    Ok(())
}

fn compared(args: &CompareArgs) -> Result<()> {
    let changes = compare::all(&Report::load(&args.before)?, &Report::load(&args.after)?);
    if args.json {
        say(serde_json::to_string_pretty(&changes)? + "\n");
    } else {
        say(compare::terminal(&changes, args.changed));
    }
    Ok(())
}

fn plan(args: &RunArgs) -> Plan {
    let workloads = match args.workload.as_slice() {
        [] => conduct::workload_names().into_iter().map(str::to_owned).collect(),
        given => given.to_vec(),
    };
    let words: Vec<String> = std::env::args().skip(1).collect();
    Plan {
        subjects: subjects(args),
        variants: !args.defaults_only,
        workloads,
        against: args.against.clone(),
        bounds: !args.no_bounds,
        effort: effort(&args.effort),
        patience: Duration::from_secs_f64(args.effort.patience),
        dir: args.dir.clone(),
        command: format!("{} {}", program(), words.join(" ")).trim_end().to_owned(),
        beside: args.beside.clone(),
        json: args.json.clone(),
        resume: args.resume,
    }
}

/// What starts this program. It may be a crate of the reader's own that has joined its engine; `cargo run` says which.
fn program() -> String {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    match (folder.parent(), folder.file_name()) {
        (Some(place), Some(name)) if place.ends_with("stages/mine") => {
            format!("cargo xtask mine {} bench", name.display())
        }
        _ => "cargo xtask bench".to_owned(),
    }
}

/// The engines, then the rivals, then the bounds that answer as an engine does.
fn subjects(args: &RunArgs) -> Vec<Subject> {
    let plain = |stage: &&'static contract::Stage| Subject::named(stage.name).ok();
    let mut subjects = args.engine.clone();
    if subjects.is_empty() {
        subjects.extend(engines::all().iter().filter_map(plain));
    }
    let native = rivals::NATIVE.split(',').filter(|_| args.rivals_native);
    for feature in args.rivals.iter().map(String::as_str).chain(native) {
        subjects.extend(rivals::of(feature).filter_map(|stage| plain(&stage)));
    }
    if !args.no_bounds {
        subjects.extend(bounds::hash_log::ALL.iter().filter_map(plain));
    }
    subjects
}

fn show(report: &Report, output: &OutputArgs) -> Result<()> {
    if let Some(path) = &output.markdown {
        save_text(path, &markdown::markdown(report))?;
    }
    if let Some(path) = &output.figures {
        save_text(path, &markdown::figures(report))?;
    }
    if let Some(dir) = &output.svg {
        for (name, svg) in chart::all(report) {
            save_text(&dir.join(name), &svg)?;
        }
        for (name, svg) in ablation::charts(report)? {
            save_text(&dir.join(name), &svg)?;
        }
    }
    if let Some(path) = &output.html {
        save_text(path, &page::of_report(report)?)?;
    }
    say(markdown::terminal(report));
    Ok(())
}

fn listing() -> String {
    let titles = |stages: &[&'static contract::Stage]| stages.iter().map(|s| (s.name, s.title)).collect();
    let workloads = workload::ALL.iter().map(|workload| (workload.name, workload.help));
    let bounds = bounds::ALL.iter().map(|bound| (bound.name, bound.help));
    let section = |title: &str, lines: Vec<(&str, &str)>| {
        let lines: Vec<_> = lines.iter().map(|(name, help)| format!("  {name:22}{help}\n")).collect();
        format!("{title}\n{}", lines.concat())
    };
    [
        section("Engines", titles(engines::all())),
        section("Rivals that are compiled in", titles(rivals::ALL)),
        section("Workloads", workloads.collect()),
        section("Bounds, measured without an engine", bounds.collect()),
        section("Bounds that answer as an engine does", titles(bounds::hash_log::ALL)),
    ]
    .join("\n")
}
