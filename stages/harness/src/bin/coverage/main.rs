//! Branch coverage: which branches of the log, the recovery, the manifest and the compaction the tests take both ways, and
//! which they do not, each of these with its reason.
//!
//! **Layout** [`areas`]: which files are asked after, and which tests are run. [`tools`]: the compiler and the tools that
//! count. [`measure`]: the tests, built so that they count, and run. [`counts`]: what was counted, one span of a file
//! after the other. [`account`]: what never happened, held against [`reasons`]. [`mod@print`]: what comes of it, for a
//! person, a program and the book.
//!
//! **Invariants**
//! 1. What never happened has a reason, or is a failure; a reason for what does happen is one, too.
//! 2. Code that only tests have counts for nothing.
//! 3. Generic code counts once, however many copies of it there are: what one of them did has happened.
//!
//! **Cost** A build of everything by another compiler, and a run of the tests that counts each step they take.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "it talks to a person at a terminal")]
#![expect(
    clippy::disallowed_methods,
    reason = "it reads the source tree, keeps what was counted and times its steps"
)]

mod account;
mod areas;
mod counts;
mod measure;
mod print;
mod reasons;
#[cfg(test)]
mod tests;
mod tools;

use account::Record;
use harness::say::say;
use harness::workshop::copy::target;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tools::Tools;

const HELP: &str = "\
Runs the tests in a build that counts, and says which branches of the log, the recovery, the manifest and the compaction
were taken both ways. One that was not must have its reason in the table beside this program.

Usage: cargo xtask coverage [OPTIONS]

  --last           run no test: what was counted the last time, held against the reasons as they are now
  --json FILE      and write what came of it to FILE, as JSON
  --markdown FILE  no run: the book's tables, from what a run has written as JSON
  -h, --help       this text

Stable Rust counts no branches, so this is no part of CI. It needs
  rustup toolchain install nightly --component llvm-tools

The build and what was counted lie in the target folder, under coverage. Exit status: 0 what never happened has a reason,
1 something has none, a reason is of no use, or a test fails, 2 wrong usage, or the compiler or its tools are missing.
";

type Error = Box<dyn std::error::Error>;

#[derive(Default)]
struct Args {
    last: bool,
    json: Option<PathBuf>,
    markdown: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = match parse() {
        Ok(Some(args)) => args,
        Ok(None) => {
            say(HELP);
            return ExitCode::SUCCESS;
        }
        Err(e) => {
            eprintln!("coverage: {e}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    run(&args).unwrap_or_else(|e| {
        eprintln!("coverage: {e}");
        ExitCode::FAILURE
    })
}

fn parse() -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut args = Args::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("last") => args.last = true,
            Long("json") => args.json = Some(parser.value()?.into()),
            Long("markdown") => args.markdown = Some(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(args))
}

fn run(args: &Args) -> Result<ExitCode, Error> {
    if let Some(json) = &args.markdown {
        let record: Record = serde_json::from_str(&read(json)?)?;
        say(print::markdown(&record));
        return Ok(ExitCode::SUCCESS);
    }
    let place = target().join("coverage");
    let Some(tools) = Tools::find() else {
        eprintln!("coverage: {}", tools::MISSING);
        return Ok(ExitCode::from(2));
    };
    fs::create_dir_all(&place)?;
    let run = measure::all(&tools, &place, !args.last, &mut |line| eprintln!("coverage: {line}"))?;
    let (record, useless) = account::account(&run, &reasons::TABLES)?;
    if let Some(path) = &args.json {
        fs::write(path, serde_json::to_string_pretty(&record)? + "\n")?;
    }
    say(print::terminal(&record, &useless));
    Ok(ExitCode::from(u8::from(record.unexplained() > 0 || !useless.is_empty())))
}

fn read(path: &Path) -> Result<String, Error> {
    Ok(fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?)
}
