//! Gives bytes that nobody would write to everything that reads bytes: `cargo xtask fuzz --target table --seconds 60`.
//!
//! **Layout** [`draw`]: inputs from a seed. [`run`]: one target for a while, watched. [`shortest`]: the shortest input that
//! still fails.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "it talks to a person at a terminal")]
#![expect(clippy::disallowed_methods, reason = "it runs for a time, and keeps the files of a failure")]

/// Prints a line. Who reads may have gone, as `head` does: then there is nobody to tell.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

mod draw;
mod run;
mod shortest;

use harness::fuzz::kept::{from_hex, to_hex};
use harness::fuzz::{self, TARGETS, Target};
use peak_alloc::PeakAlloc;
use run::{Budget, Ended};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Counts what an input takes of memory.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const HELP: &str = "\
Gives bytes that nobody would write to everything that reads bytes: good files of small stores, changed at random, in half
of the cases with checksums that fit the change. Judges what is said of them.

Usage: cargo xtask fuzz [OPTIONS]
       cargo xtask fuzz --guided TARGET [-- FLAGS]    the same under libFuzzer, which follows what an input reaches; needs a
                                                      C++ compiler, runs until stopped or as its FLAGS say, such as
                                                      -max_total_time=60, and keeps its inputs in target/guided

  --target NAME    only this one (may be repeated; --list names them)
  --seconds N      how long in all (default 60)
  --runs N         so many inputs for each target instead: the same seed then gives the same run on every machine
  --seed N         what the inputs are drawn from (default 1)
  --input HEX      only this input, as a failure prints it; needs one --target
  --keep DIR       write the files of a failure, or of --input, into DIR
  --quiet          no progress display
  --list           name the targets
  -h, --help       this text

Exit status: 0 every promise was kept, 1 one was broken (told on stdout), 2 wrong usage.
";

#[derive(Default)]
struct Args {
    targets: Vec<&'static Target>,
    seconds: Option<u64>,
    runs: Option<u64>,
    seed: Option<u64>,
    input: Option<Vec<u8>>,
    keep: Option<PathBuf>,
    quiet: bool,
}

fn main() -> ExitCode {
    // A panic is a finding, and told as one; its own message would only be noise.
    std::panic::set_hook(Box::new(|_| {}));
    let done = parse().and_then(|args| args.map_or(Ok(ExitCode::SUCCESS), |args| all(&args)));
    done.unwrap_or_else(|e| {
        eprintln!("fuzz: {e}\n\n{HELP}");
        ExitCode::from(2)
    })
}

fn parse() -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut args = Args::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("target") => {
                let name = parser.value()?.string()?;
                let unknown = || format!("there is no target «{name}»; --list names them");
                args.targets.push(fuzz::find(&name).ok_or_else(unknown)?);
            }
            Long("seconds") => args.seconds = Some(parser.value()?.parse()?),
            Long("runs") => args.runs = Some(parser.value()?.parse()?),
            Long("seed") => args.seed = Some(parser.value()?.parse()?),
            Long("input") => args.input = Some(from_hex(&parser.value()?.string()?)?),
            Long("keep") => args.keep = Some(parser.value()?.into()),
            Long("quiet") => args.quiet = true,
            Long("list") => {
                for target in &TARGETS {
                    say!("{:<10} {}", target.name, target.what);
                }
                return Ok(None);
            }
            Long("help") | Short('h') => {
                say!("{}", HELP.trim_end());
                return Ok(None);
            }
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(args))
}

fn all(args: &Args) -> Result<ExitCode, lexopt::Error> {
    if let Some(input) = &args.input {
        let [target] = args.targets[..] else { return Err("--input needs one --target".into()) };
        return Ok(one_input(target, input, args.keep.as_deref()));
    }
    let targets: Vec<_> =
        if args.targets.is_empty() { TARGETS.iter().collect() } else { args.targets.clone() };
    let seed = args.seed.unwrap_or(1);
    let each = Duration::from_secs(args.seconds.unwrap_or(60)) / u32::try_from(targets.len()).unwrap_or(1);
    for target in targets {
        let ready = Arc::new(target.ready());
        let budget = args.runs.map_or(Budget::Time(each), Budget::Runs);
        let (input, failure) = match run::run(&ready, seed, &budget, args.quiet) {
            Ended::Kept => continue,
            Ended::Broke(input, failure) => (shortest::shortest(&ready, &input, &failure), failure),
            Ended::Hangs(input, failure) => (input, failure),
        };
        // The shorter input may fail in other words.
        let told = if failure.what == run::HANGS {
            failure
        } else {
            run::check(&ready, &input).err().unwrap_or(failure)
        };
        keep(&ready.files(&input), args.keep.as_deref());
        say!("{} breaks {told}\n", target.name);
        say!("Again: cargo xtask fuzz --target {} --input {}", target.name, to_hex(&input));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn one_input(target: &'static Target, input: &[u8], to: Option<&Path>) -> ExitCode {
    let ready = target.ready();
    keep(&ready.files(input), to);
    match run::check(&ready, input) {
        Ok(verdict) => {
            say!("{}: {}", target.name, verdict.name());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            say!("{} breaks {failure}", target.name);
            ExitCode::FAILURE
        }
    }
}

/// Writes files into a folder, for `inspect` and for whoever wants to look.
fn keep(files: &fuzz::Files, to: Option<&Path>) {
    let Some(to) = to else { return };
    let written = std::fs::create_dir_all(to)
        .and_then(|()| files.iter().try_for_each(|(name, bytes)| std::fs::write(to.join(name), bytes)));
    match written {
        Ok(()) => say!("its files are in {}", to.display()),
        Err(e) => eprintln!("fuzz: cannot write into {}: {e}", to.display()),
    }
}
