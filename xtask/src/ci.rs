//! Every check that must hold before a change is let in, in the order in which it is cheapest to fail.
//!
//! **Cost** The tests and clippy dominate; each step says its time, and a table at the end sums up.

use crate::{Failure, workspace};
use std::ffi::OsString;
use std::process::Command;
use std::time::{Duration, Instant};

struct Step {
    name: &'static str,
    /// The command, or why there is nothing to run here.
    command: fn() -> Result<Command, String>,
}

/// The engines that the benchmark measures beside ours, as far as they are built in a minute or two.
const RIVALS: &str = "benches/fjall,benches/redb,benches/lmdb,benches/sled,benches/tinkv";

const STEPS: &[Step] = &[
    Step { name: "fmt", command: || Ok(cargo("fmt", &["--all", "--check"])) },
    // With what is optional and compiles without C++: the book's renderer and most of the engines beside ours.
    Step {
        name: "clippy",
        command: || {
            let mut command = cargo("clippy", &["--workspace", "--all-targets", "--features", "xtask/book"]);
            command.args(["--features", RIVALS, "--", "-D", "warnings"]);
            Ok(command)
        },
    },
    Step { name: "test", command: || Ok(cargo("test", &["--workspace"])) },
    Step {
        name: "doc",
        command: || {
            let mut command = cargo("doc", &["--workspace", "--no-deps"]);
            command.env("RUSTDOCFLAGS", "-D warnings");
            Ok(command)
        },
    },
    Step { name: "tidy", command: || xtask(&["tidy"]) },
    // The tests have typed its transcripts.
    Step { name: "book", command: || xtask(&["book", "--check", "--no-transcripts"]) },
    Step { name: "rivals", command: || Ok(rivals()) },
    Step { name: "model", command: || Ok(model()) },
    Step { name: "crash", command: || Ok(crash()) },
    Step { name: "fuzz", command: || Ok(fuzz()) },
    Step { name: "museum", command: || Ok(museum()) },
    Step { name: "schedules", command: || Ok(schedules(&["--count", "10000", "--seed", "1"])) },
    // The same program proves that it would find something.
    Step { name: "wounds", command: || Ok(schedules(&["--self-check", "--quick"])) },
    Step { name: "practice", command: || xtask(&["practice", "--prove"]) },
    Step { name: "wasm32", command: wasm32 },
];

/// Runs all steps, or all but those skipped, and fails at the end if one of them failed.
pub fn run(args: &[OsString]) -> Result<(), Failure> {
    let mut skipped: Vec<String> = Vec::new();
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            lexopt::Arg::Long("skip") => skipped.push(parser.value()?.to_string_lossy().into_owned()),
            lexopt::Arg::Long("list") => {
                for step in STEPS {
                    println!("{}", step.name);
                }
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if let Some(unknown) = skipped.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        return Err(Failure::Usage(format!("there is no step «{unknown}»; --list names them")));
    }
    let results: Vec<(&str, Outcome)> = STEPS
        .iter()
        .map(|step| {
            let skip = skipped.iter().any(|name| name == step.name);
            (step.name, if skip { Outcome::Skipped("as asked".to_owned()) } else { perform(step) })
        })
        .collect();
    println!("\n{:<12} {:>8}", "step", "time");
    for (name, outcome) in &results {
        println!("{name:<12} {outcome}");
    }
    let failed: Vec<_> =
        results.iter().filter(|(_, o)| matches!(o, Outcome::Failed(_))).map(|(name, _)| *name).collect();
    if failed.is_empty() { Ok(()) } else { Err(Failure::Message(format!("failed: {}", failed.join(", ")))) }
}

enum Outcome {
    Passed(Duration),
    Failed(Duration),
    Skipped(String),
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Passed(time) => write!(f, "{:>7.1}s  passed", time.as_secs_f64()),
            Self::Failed(time) => write!(f, "{:>7.1}s  FAILED", time.as_secs_f64()),
            Self::Skipped(why) => write!(f, "{:>8}  skipped: {why}", ""),
        }
    }
}

fn perform(step: &Step) -> Outcome {
    println!("\n== {}", step.name);
    let mut command = match (step.command)() {
        Ok(command) => command,
        Err(why) => {
            println!("skipped: {why}");
            return Outcome::Skipped(why);
        }
    };
    let start = Instant::now();
    let status = command.stdin(std::process::Stdio::null()).status();
    let time = start.elapsed();
    if status.is_ok_and(|s| s.success()) { Outcome::Passed(time) } else { Outcome::Failed(time) }
}

fn cargo(verb: &str, args: &[&str]) -> Command {
    let mut command = workspace::cargo(verb);
    command.args(args);
    command
}

/// One of our own commands, by the program that is running now.
fn xtask(args: &[&str]) -> Result<Command, String> {
    let program = std::env::current_exe().map_err(|e| format!("cannot find this program: {e}"))?;
    let mut command = Command::new(program);
    command.args(args);
    Ok(command)
}

/// Rivals, too, answer as the contract says.
fn rivals() -> Command {
    cargo("test", &["--package", "benches", "--features", RIVALS, "--test", "contract"])
}

/// A million operations for each engine, beside the model.
fn model() -> Command {
    let args = ["--package", "harness", "--bin", "judge", "--", "model", "--engine", "all"];
    let mut command = cargo("run", &args);
    command.args(["--operations", "1000000"]);
    command
}

/// A run that is the same on every machine: bounded by images and not by time. It uses the build that the tests use,
/// whose overflow checks and debug assertions are on.
fn crash() -> Command {
    let args = ["--package", "harness", "--bin", "crash", "--", "--engine", "stage1", "--seed", "1"];
    let mut command = cargo("run", &args);
    command.args(["--images", "250000", "--quiet"]);
    command
}

/// The same for the fuzzer: so many inputs for each target, the same on every machine.
fn fuzz() -> Command {
    let args = ["--package", "harness", "--bin", "fuzz", "--", "--seed", "1", "--runs", "5000", "--quiet"];
    cargo("run", &args)
}

/// A few exhibits, each of another engine or another kind, that need one test program and are built in seconds. Which ones
/// is said in their list.
fn museum() -> Command {
    cargo("run", &["--package", "harness", "--bin", "museum", "--", "--quick"])
}

/// Readers, writers and upkeep in many schedules: the same on every machine, bounded by their number.
fn schedules(args: &[&str]) -> Command {
    let mut command = cargo("run", &["--package", "harness", "--bin", "schedules", "--", "--quiet"]);
    command.args(args);
    command
}

/// The libraries that are to live in a browser one day compile for it today, if the target is installed here.
fn wasm32() -> Result<Command, String> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|e| format!("cannot ask rustc: {e}"))?;
    let dir = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if dir.is_empty() || !std::path::Path::new(&dir).is_dir() {
        return Err(format!("{TARGET} is not installed"));
    }
    let mut args = vec!["--target", TARGET, "--no-default-features"];
    for package in ["contract", "vfs", "stage1"] {
        args.extend(["--package", package]);
    }
    args.push("--lib");
    Ok(cargo("check", &args))
}
