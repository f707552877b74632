//! The benchmark's command line.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program says what it did")]

use anyhow::{Context, Result};
use benches::conduct::{self, Plan};
use benches::engines::Subject;
use benches::entries::Sizes;
use benches::report::{Report, save_text};
use benches::workload::{self, Effort};
use benches::{bounds, chart, command, engines, markdown, reopen, rivals};
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Measures the engines, and beside them what this machine allows.
///
/// Every engine and round has a process of its own for each workload, or for those that share a store; engines, rivals
/// and bounds take turns, and the content of every store is checked in the run that is timed. Results go to standard
/// output, progress to standard error.
#[derive(Parser)]
#[command(name = "bench", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Sub>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Subcommand)]
enum Sub {
    /// Shows a saved report again, and writes what the book includes
    Report(ReportArgs),
    /// Lists engines, workloads and bounds, with what each of them times
    List,
    #[command(name = conduct::CELL, hide = true)]
    Cell { spec: String },
    #[command(name = reopen::FILLER, hide = true)]
    Filler { spec: String },
}

#[derive(Args)]
struct RunArgs {
    #[command(flatten)]
    effort: EffortArgs,
    /// Only this engine, under options if any follow; may be given several times
    #[arg(long, value_name = "NAME[:OPTION=VALUE,…]", value_parser = subject)]
    engine: Vec<Subject>,
    /// Rivals beside the engines, joined by commas; `cargo xtask bench` builds them
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = rival)]
    rivals: Vec<String>,
    /// Compare everybody with this one; may be given several times
    #[arg(long, value_name = "NAME")]
    against: Vec<String>,
    /// Leave the engines' options as they are, also where a workload is measured under others besides
    #[arg(long)]
    defaults_only: bool,
    /// Only this workload and the bounds beside it; may be given several times
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(conduct::workload_names()))]
    workload: Vec<String>,
    /// Leave the bounds out
    #[arg(long)]
    no_bounds: bool,
    /// Where the stores are made; their filesystem is what is measured
    #[arg(long, default_value = "data/bench")]
    dir: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
    /// Also write everything as JSON, whole or not at all
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// How much is done, and how often.
#[derive(Args)]
struct EffortArgs {
    /// A taste: 20,000 entries, one round, half a second for each timed phase
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Seven rounds instead of three
    #[arg(long)]
    full: bool,
    /// Entries [default: 1000000; with --quick 20000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=200_000_000))]
    n: Option<u64>,
    /// Length of a value, in bytes
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=1 << 26))]
    value_bytes: u32,
    /// Where all randomness comes from
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// How often everything is measured [default: 3; with --quick 1, with --full 7]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1000))]
    rounds: Option<u64>,
    /// Seconds after which a timed phase ends, done or not [default: 4; with --quick 0.5]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    limit: Option<f64>,
    /// Seconds after which a rival's workloads are measured in one round only
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds)]
    patience: f64,
}

#[derive(Args)]
struct ReportArgs {
    /// A file that --json wrote
    file: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Args)]
struct OutputArgs {
    /// Also write the tables as Markdown, for the book
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Also write every figure under an anchor of its own, for the book's sentences
    #[arg(long, value_name = "FILE")]
    figures: Option<PathBuf>,
    /// Also write the charts into this directory
    #[arg(long, value_name = "DIR")]
    svg: Option<PathBuf>,
}

fn main() -> ExitCode {
    let done = match Cli::parse() {
        Cli { command: Some(Sub::Cell { spec }), .. } => command::inner(conduct::CELL, &spec, None),
        Cli { command: Some(Sub::Filler { spec }), .. } => command::inner(reopen::FILLER, &spec, None),
        Cli { command: Some(Sub::List), .. } => {
            print!("{}", listing());
            Ok(())
        }
        Cli { command: Some(Sub::Report(args)), .. } => {
            Report::load(&args.file).and_then(|report| show(&report, &args.output))
        }
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
    let plan = plan(args);
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("cannot listen for Ctrl-C")?;
    }
    let report = conduct::run(&plan, &stop)?;
    if let Some(path) = &args.json {
        report.save(path)?;
    }
    show(&report, &args.output)
}

fn effort(args: &EffortArgs) -> Effort {
    let (n, rounds, limit_seconds) = if args.quick { (20_000, 1, 0.5) } else { (1_000_000, 3, 4.0) };
    let rounds = if args.full { 7 } else { rounds };
    let limit_seconds = args.limit.unwrap_or(limit_seconds);
    let sizes = Sizes { n: args.n.unwrap_or(n), value_bytes: args.value_bytes as usize, seed: args.seed };
    Effort { sizes, limit_seconds, rounds: args.rounds.unwrap_or(rounds) }
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
        command: format!("cargo xtask bench {}", words.join(" ")).trim_end().to_owned(),
    }
}

/// The engines, then the rivals, then the bounds that answer as an engine does.
fn subjects(args: &RunArgs) -> Vec<Subject> {
    let plain = |stage: &&'static contract::Stage| Subject::named(stage.name).ok();
    let mut subjects = args.engine.clone();
    if subjects.is_empty() {
        subjects.extend(engines::all().iter().filter_map(plain));
    }
    for feature in &args.rivals {
        subjects.extend(rivals::of(feature).filter_map(|stage| plain(&stage)));
    }
    if !args.no_bounds {
        subjects.extend(bounds::hash_log::ALL.iter().filter_map(plain));
    }
    subjects
}

fn subject(name: &str) -> Result<Subject, String> {
    Subject::named(name).map_err(|e| e.to_string())
}

fn rival(name: &str) -> Result<String, String> {
    if rivals::of(name).next().is_some() {
        return Ok(name.to_owned());
    }
    if rivals::NAMES.contains(&name) {
        return Err(
            "it is not compiled in; `cargo xtask bench` builds the rivals that it is asked for".into()
        );
    }
    Err(format!("there are: {}", rivals::NAMES.join(", ")))
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.001..=3600.0).contains(seconds));
    seconds.ok_or_else(|| "it is between 0.001 and 3600 seconds".to_owned())
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
    }
    print!("{}", markdown::terminal(report));
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
