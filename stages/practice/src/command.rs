//! What a person may type: `cargo xtask practice`, `check`, `new` and `mine`.
#![expect(clippy::print_stderr, reason = "it talks to a person at a terminal")]

use crate::progress::{Mine, package};
use crate::{Result, check, exercises, make, place, prove};
use lexopt::prelude::*;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

const HELP: &str = "\
A crate of your own, in stages/mine: exercises from the stages and their tools, or an engine that begins with forty lines.

Usage: cargo xtask practice PART [--name NAME]   a crate from a package, with some functions left open
                                                   PART is contract, stage1, stage2, stage3, vfs or benches,
                                                   or a chapter: part2/keydir
       cargo xtask practice --list               which exercises there are
       cargo xtask check [NAME]                  run their tests: what is green, what is red, what is next
                        [NAME] --hint            a hint for what is next; each time one more, three in all
                        [NAME] --solution        what would change your functions into the stage's
       cargo xtask new NAME                      a crate that begins as the book's first engine
       cargo xtask mine NAME shell [ARGUMENTS]   your engine at its prompt
                             judge               before the contract scripts and beside the model
                             crash [ARGUMENTS]   in the crash lab; the arguments of cargo xtask crash
                             bench [ARGUMENTS]   in the benchmark; the arguments of cargo xtask bench
       cargo xtask practice --prove [STAGE]      every exercise is red while open and green once solved;
                                                   with --steps one after the other, as a reader goes

Without NAME it is the crate that was made or checked last. Exit status: 0 all is green, 1 something is not, 2 wrong usage.
";

/// Prints a text. Who reads may have gone, as `head` does: then there is nobody to tell.
fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Does what the process's arguments ask for.
pub fn main() -> ExitCode {
    let mut args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let verb = if args.is_empty() { OsString::from("--help") } else { args.remove(0) };
    let verb = verb.to_string_lossy();
    // What follows `mine NAME WHAT` is for the program that is started.
    let helped = verb != "mine" && args.iter().any(|arg| arg == "--help" || arg == "-h");
    let done = match &*verb {
        _ if helped => Err(Failure::Help),
        "practice" => practice(args),
        "check" => checked(args),
        "new" => new(args),
        "mine" => mine(args),
        _ => Err(Failure::Help),
    };
    match done {
        Ok(code) => code,
        Err(Failure::Help) => {
            say(HELP);
            ExitCode::SUCCESS
        }
        Err(Failure::Usage(e)) => {
            eprintln!("{verb}: {e}\n\n{HELP}");
            ExitCode::from(2)
        }
        Err(Failure::Error(e)) => {
            eprintln!("{verb}: {e}");
            ExitCode::FAILURE
        }
    }
}

enum Failure {
    Help,
    Usage(lexopt::Error),
    Error(crate::Error),
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        Self::Usage(error)
    }
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        Self::Error(error)
    }
}

type Done = std::result::Result<ExitCode, Failure>;

fn practice(args: Vec<OsString>) -> Done {
    let (mut part, mut name, mut list, mut proof, mut steps) = (None::<String>, None, false, false, false);
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("name") => name = Some(parser.value()?.string()?),
            Long("list") => list = true,
            Long("prove") => proof = true,
            Long("steps") => steps = true,
            Value(word) if part.is_none() => part = Some(word.string()?),
            _ => return Err(arg.unexpected().into()),
        }
    }
    if proof {
        prove::all(part.as_deref(), steps, &mut |line| eprintln!("practice: {line}"))?;
    } else if list {
        say(&listed()?);
    } else {
        let wanted = part.ok_or_else(|| lexopt::Error::from("which part? --list names them all"))?;
        let (part, exercises) = exercises::find(&wanted)?;
        let name = name.unwrap_or_else(|| wanted.rsplit('/').next().unwrap_or(&wanted).to_owned());
        let mine = make::practice(&name, &part, &exercises)?;
        say(&made(&mine, &exercises));
    }
    Ok(ExitCode::SUCCESS)
}

/// All exercises, a line each.
fn listed() -> Result<String> {
    let lines = exercises::parts()?.into_iter().flat_map(|part| {
        let line = move |e: &exercises::Exercise| format!("{:8} {:18} {}\n", part.package, e.id(), e.title);
        part.exercise.iter().map(line).collect::<Vec<_>>()
    });
    Ok(lines.collect())
}

/// What has been made.
fn made(mine: &Mine, exercises: &[exercises::Exercise]) -> String {
    let (folder, name, count) = (place::shown(&mine.folder), mine.name(), exercises.len());
    let what = if count == 1 { "exercise".to_owned() } else { format!("{count} exercises") };
    let mut text = format!("{folder} is yours. Open in it, {what}:\n\n");
    for exercise in exercises {
        let functions = exercise.functions.join(", ");
        let _ = writeln!(text, "  {:18} {:34} {}", exercise.id(), exercise.file, functions);
    }
    text + &format!("\nIt compiles. What is to be done first: cargo xtask check {name}\n")
}

fn checked(args: Vec<OsString>) -> Done {
    let (mut name, mut hint, mut solution) = (None, false, false);
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("hint") => hint = true,
            Long("solution") => solution = true,
            Value(word) if name.is_none() => name = Some(word.string()?),
            _ => return Err(arg.unexpected().into()),
        }
    }
    let mut mine = Mine::find(name.as_deref())?;
    let Some((part, exercises)) = mine.exercises()? else {
        return judged(&mine, &[]);
    };
    if hint {
        say(&check::hint(&mut mine, &exercises)?);
    } else if solution {
        say(&check::solution(&mine, &part, &exercises)?);
    } else {
        let report = check::run(&mut mine, &part, &exercises)?;
        say(&report.text);
        return Ok(ExitCode::from(u8::from(!report.good)));
    }
    Ok(ExitCode::SUCCESS)
}

fn new(args: Vec<OsString>) -> Done {
    let mut name = None;
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Value(word) if name.is_none() => name = Some(word.string()?),
            _ => return Err(arg.unexpected().into()),
        }
    }
    let name: String = name.ok_or_else(|| lexopt::Error::from("what is it called?"))?;
    let mine = make::engine(&name)?;
    let folder = place::shown(&mine.folder);
    say(&format!(
        "{folder} is yours: a whole engine over a map, in src/lib.rs. It passes the suite and keeps nothing.\n\n\
         \x20 cargo xtask check {name}          contract scripts, and the model\n\
         \x20 cargo xtask mine {name} shell     at its own prompt\n\
         \x20 cargo xtask mine {name} crash     what it loses\n\
         \x20 cargo xtask mine {name} bench     how fast it is\n"
    ));
    Ok(ExitCode::SUCCESS)
}

fn mine(args: Vec<OsString>) -> Done {
    let mut args = args.into_iter();
    let mut word = || args.next().map(|word| word.to_string_lossy().into_owned());
    let (Some(name), Some(what)) = (word(), word()) else { return Err(Failure::Help) };
    let mine = Mine::find(Some(&name))?;
    let args: Vec<OsString> = args.collect();
    if !mine.folder.join("runner").exists() {
        return Err(Failure::Error(
            format!("{name} is no engine: cargo xtask check {name} is what it has").into(),
        ));
    }
    match what.as_str() {
        "shell" => started(&mine, "shell", &package(&name), &args, false),
        "judge" => judged(&mine, &args),
        "crash" => started(&mine, "judge", "crash", &args, true),
        "bench" => started(&mine, "bench", "bench", &args, true),
        _ => Err(Failure::Usage(format!("«{what}» is not shell, judge, crash or bench").into())),
    }
}

/// Arguments that name an engine themselves, or ask for something that is of no engine.
const UNNAMED: [&str; 7] = ["--engine", "--list", "--help", "-h", "list", "report", "compare"];

/// Starts a program of a crate. Judges are built for release, and told which engine it is about unless the arguments say it.
fn started(mine: &Mine, feature: &str, program: &str, args: &[OsString], release: bool) -> Done {
    let mut command = place::cargo("run", &mine.folder);
    command.args(["--no-default-features", "--features", feature, "--bin", program]);
    if release {
        command.arg("--release");
    }
    command.arg("--").args(args);
    // Behind the arguments, since the first of them may be a command, such as `sweep`.
    if release && !args.iter().any(|arg| UNNAMED.iter().any(|word| arg == word)) {
        command.args(["--engine", &package(&mine.name())]);
    }
    ended(&mut command)
}

/// Runs the suite of all engines on this one.
fn judged(mine: &Mine, args: &[OsString]) -> Done {
    let mut command = place::cargo("test", &mine.folder);
    command.args(["--no-default-features", "--features", "judge", "--test", "judged", "--"]);
    mine.save()?;
    ended(command.args(args))
}

fn ended(command: &mut std::process::Command) -> Done {
    let status = command.status().map_err(|e| Failure::Error(e.into()))?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}
