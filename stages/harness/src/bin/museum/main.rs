//! The museum of bugs: rebuilds one historical mistake after the other in a copy of the code, and sees it caught.
//!
//! **Layout** [`exhibit`]: what is shown, as it lies in `stages/harness/museum`. [`catalogue`]: what the catalogue of bugs
//! and the tests say of it. [`show`]: a copy in the target folder, broken, built and tested. [`mod@print`]: what comes of it,
//! for a person, a program and the book.
//!
//! **Invariants**
//! 1. An exhibit counts only if its test passes on the code as it is, and fails twice on the broken code.
//! 2. A patch that does not apply or does not compile fails as a survivor does: a museum of what could not happen any more
//!    would prove nothing.
//!
//! **Cost** A build of what depends on the broken file for each exhibit, and two runs of one test.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "it talks to a person at a terminal")]
#![expect(clippy::disallowed_methods, reason = "it times its own steps")]

mod catalogue;
mod exhibit;
mod print;
mod show;
#[cfg(test)]
mod tests;

use exhibit::Exhibit;
use harness::say::say;
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
Rebuilds mistakes that trusted stores have made, one at a time, in a copy of the code, and runs the test that must catch
each of them. One that gets through is a failure.

Usage: cargo xtask museum [OPTIONS]

  --list           show the exhibits: number, name, engine, where it happened, the test
  --only TEXT      only exhibits whose number is TEXT, or whose name, title or test says TEXT; may be repeated
  --quick          only those that CI shows
  --seeds N        and let the exhibit's general suite look for it, with the seeds 1 to N
  --json           say as JSON what came of it
  --markdown FILE  no run: the book's tables, from what a run has said as JSON
  -h, --help       this text

The copy and its build lie in the target folder, under museum. Exit status: 0 every one was caught, 1 some were not,
2 wrong usage.
";

#[derive(Default)]
struct Args {
    list: bool,
    json: bool,
    quick: bool,
    only: Vec<String>,
    seeds: u64,
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
            eprintln!("museum: {e}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    run(&args).unwrap_or_else(|e| {
        eprintln!("museum: {e}");
        ExitCode::FAILURE
    })
}

fn parse() -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut args = Args::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("list") => args.list = true,
            Long("json") => args.json = true,
            Long("quick") => args.quick = true,
            Long("only") => args.only.push(parser.value()?.string()?),
            Long("seeds") => args.seeds = parser.value()?.parse()?,
            Long("markdown") => args.markdown = Some(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(args))
}

type Error = Box<dyn std::error::Error>;

fn run(args: &Args) -> Result<ExitCode, Error> {
    let all = exhibit::all()?;
    if let Some(record) = &args.markdown {
        say(print::markdown(&all, record)?);
        return Ok(ExitCode::SUCCESS);
    }
    let wanted = |exhibit: &&Exhibit| {
        let named = args.only.is_empty() || args.only.iter().any(|text| exhibit.is_called(text));
        named && (exhibit.quick || !args.quick)
    };
    let exhibits: Vec<&Exhibit> = all.iter().filter(wanted).collect();
    if exhibits.is_empty() {
        eprintln!("museum: no exhibit is called so; --list names them");
        return Ok(ExitCode::from(2));
    }
    if args.list {
        if args.json {
            say(serde_json::to_string_pretty(&exhibits)? + "\n");
        } else {
            say(print::list(&exhibits));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let shown = show::all(&exhibits, args.seeds, &mut |line| eprintln!("museum: {line}"))?;
    if args.json {
        say(serde_json::to_string_pretty(&shown)? + "\n");
    } else {
        say(print::summary(&shown) + "\n");
    }
    Ok(ExitCode::from(u8::from(shown.exhibits.iter().any(|shown| !shown.is_caught()))))
}
