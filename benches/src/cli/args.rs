//! The command line: what may be asked, and what is said about it.

use crate::engines::Subject;
use crate::entries::Sizes;
use crate::sweep::Axis;
use crate::workload::{self, Asked, Effort};
use crate::{conduct, reopen, rivals};
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use contract::Durability;
use std::path::PathBuf;

/// Measures the engines, and beside them what this machine allows.
///
/// Every engine and round has a process of its own for each workload, or for those that share a store; engines, rivals
/// and bounds take turns, and the content of every store is checked in the run that is timed. Results go to standard
/// output, progress to standard error.
#[derive(Parser)]
#[command(name = "bench", args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Sub>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Subcommand)]
pub(crate) enum Sub {
    /// Shows a saved report again, and writes what the book includes
    Report(ReportArgs),
    /// Measures at one size after another: cost as a curve
    Sweep(Box<SweepArgs>),
    /// Collects what Criterion measured of the pieces; `cargo xtask bench pieces` measures them first
    Pieces(PiecesArgs),
    /// Says what became faster from one report to another, and what cannot be told apart
    Compare(CompareArgs),
    /// Lists engines, workloads and bounds, with what each of them times
    List,
    #[command(name = conduct::CELL, hide = true)]
    Cell { spec: String },
    #[command(name = reopen::FILLER, hide = true)]
    Filler { spec: String },
}

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) effort: EffortArgs,
    /// Only this engine, under options if any follow; may be given several times
    #[arg(long, value_name = "NAME[:OPTION=VALUE,…]", value_parser = subject)]
    pub(crate) engine: Vec<Subject>,
    /// Rivals beside the engines, joined by commas, or without names those in Rust and LMDB; `cargo xtask bench`
    /// builds them
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = rival)]
    #[arg(num_args = 0..=1, default_missing_value = rivals::PURE)]
    pub(crate) rivals: Vec<String>,
    /// RocksDB and LevelDB too, which are C++ and take half an hour to compile
    #[arg(long)]
    pub(crate) rivals_native: bool,
    /// Compare everybody with this one; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) against: Vec<String>,
    /// Leave the engines' options as they are, also where a workload is measured under others besides
    #[arg(long)]
    pub(crate) defaults_only: bool,
    /// Only this workload and the bounds beside it; may be given several times
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(conduct::workload_names()))]
    pub(crate) workload: Vec<String>,
    /// Leave the bounds out
    #[arg(long)]
    pub(crate) no_bounds: bool,
    /// Where the stores are made; their filesystem is what is measured
    #[arg(long, default_value = "data/bench")]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Also write everything as JSON, whole or not at all; FILE.part holds what is measured until then
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Go on with a run that was interrupted; the other arguments are the same
    #[arg(long, requires = "json")]
    pub(crate) resume: bool,
    /// Measure everything by another build of this program too, in turns, so that `compare` sees the same hour
    #[arg(long, value_name = "PROGRAM", requires = "beside_json")]
    pub(crate) beside: Option<PathBuf>,
    /// Where the other build's report goes
    #[arg(long, value_name = "FILE", requires_all = ["beside", "json"])]
    pub(crate) beside_json: Option<PathBuf>,
}

/// How much is done, and how often.
#[derive(Args)]
pub(crate) struct EffortArgs {
    /// A taste: 20,000 entries, one round, half a second for each timed phase
    #[arg(long, conflicts_with = "full")]
    pub(crate) quick: bool,
    /// Seven rounds instead of three
    #[arg(long)]
    pub(crate) full: bool,
    /// Entries [default: 1000000; with --quick 20000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=200_000_000))]
    pub(crate) n: Option<u64>,
    /// Length of a value, in bytes
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=1 << 26))]
    pub(crate) value_bytes: u32,
    /// Where all randomness comes from
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// How often everything is measured [default: 3; with --quick 1, with --full 7]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) rounds: Option<u64>,
    /// Seconds after which a timed phase ends, done or not [default: 4; with --quick 0.5]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) limit: Option<f64>,
    /// So many threads put, one by one, or get, in the place of a workload's own number
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=256))]
    pub(crate) threads: Option<u64>,
    /// When a write is acknowledged, in the place of what a workload says: on-request or every-write
    #[arg(long, value_name = "CLASS", value_parser = workload::durability_named)]
    pub(crate) durability: Option<Durability>,
    /// Zipf's constant of hot keys, from 0, all equally often, to 0.99
    #[arg(long, value_parser = skew)]
    pub(crate) skew: Option<u32>,
    /// Seconds after which a rival's workloads are measured in one round only
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds)]
    pub(crate) patience: f64,
}

#[derive(Args)]
pub(crate) struct ReportArgs {
    /// A file that --json wrote
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args)]
pub(crate) struct SweepArgs {
    /// What changes from point to point
    #[arg(value_enum)]
    pub(crate) axis: Axis,
    /// The points, joined by commas; of skew in hundredths
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    pub(crate) points: Vec<u64>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Args)]
pub(crate) struct PiecesArgs {
    /// The folder that Criterion wrote into
    pub(crate) folder: PathBuf,
    /// Also write everything as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args)]
pub(crate) struct CompareArgs {
    /// The report of the earlier build
    pub(crate) before: PathBuf,
    /// The report of the later one
    pub(crate) after: PathBuf,
    /// Only rows that differ
    #[arg(long)]
    pub(crate) changed: bool,
    /// As JSON, for scripts
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct OutputArgs {
    /// Also write the tables as Markdown, for the book
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// Also write every figure under an anchor of its own, for the book's sentences
    #[arg(long, value_name = "FILE")]
    pub(crate) figures: Option<PathBuf>,
    /// Also write the charts into this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) svg: Option<PathBuf>,
    /// Also write tables and charts as one page, which opens without a network
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

/// How much, and how often.
pub(crate) fn effort(args: &EffortArgs) -> Effort {
    let (n, rounds, limit_seconds) = if args.quick { (20_000, 1, 0.5) } else { (1_000_000, 3, 4.0) };
    let rounds = if args.full { 7 } else { rounds };
    let limit_seconds = args.limit.unwrap_or(limit_seconds);
    let sizes = Sizes { n: args.n.unwrap_or(n), value_bytes: args.value_bytes as usize, seed: args.seed };
    let asked = Asked { threads: args.threads, durability: args.durability, skew_hundredths: args.skew };
    Effort { sizes, limit_seconds, rounds: args.rounds.unwrap_or(rounds), asked }
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

/// Hundredths, as a whole number.
fn skew(text: &str) -> Result<u32, String> {
    let hundredths =
        text.parse::<f64>().ok().filter(|skew| (0.0..=0.99).contains(skew)).map(|skew| skew * 100.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 99")]
    hundredths.map(|skew| skew.round() as u32).ok_or_else(|| "it is between 0 and 0.99".to_owned())
}
