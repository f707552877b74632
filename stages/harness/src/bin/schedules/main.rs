//! Plays readers, writers and upkeep of the engines in one schedule of their threads after the other.
//!
//! **Layout** [`copy`]: the engines, built so that a scheduler decides who goes next. [`play`]: the scenes, played there.
//! [`wounds`]: mistakes that must be found. [`mod@print`]: what comes of it.
//!
//! **Invariants** The same seed and count play the same schedules on every machine.
//!
//! **Cost** A build of the engines, half a minute the first time, and some milliseconds a schedule.
//!
//! **Source** Burckhardt et al., *A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs*, ASPLOS 2010: PCT.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "it talks to a person at a terminal")]
#![expect(clippy::disallowed_methods, reason = "it copies the source tree and times its own steps")]

mod copy;
mod play;
mod print;
mod wounds;

use harness::say::say;
use play::{Player, Run};
use std::path::PathBuf;
use std::process::ExitCode;
use wounds::{WOUNDS, Wound};

const HELP: &str = "\
Plays small scenes of readers, writers and upkeep in one schedule of their threads after the other, and judges each: no
acknowledged write is missing, a scan shows one moment, nobody waits for ever, nobody panics.

Usage: cargo xtask schedules [OPTIONS]

  --engine NAME    stage1, stage2 or stage3 (may be repeated); without it, all of them
  --scene NAME     only this scene (may be repeated); --list names them
  --count N        so many schedules in all, shared among engines, scenes and choosers; 10000 without it
  --seed S         where the dice begin; 1 without it
  --replay FILE    play one schedule again: a file that a failure has left
  --wound NAME     make a mistake in the copy first, and say in how many schedules it is found; --list names them
  --self-check     make one mistake after the other, and fail where one is not found
  --quick          of the mistakes only those that CI makes
  --list           the scenes and the mistakes
  --quiet          no progress
  -h, --help       this text

Half of the schedules choose the next thread at random at every step (random), the other half by priorities that change
at a few steps (pct). The copy and its build lie in the target folder, under schedules. Exit status: 0 nothing was found
(or every mistake was), 1 something was (or a mistake was not), 2 wrong usage, or the stages are not as the copy needs
them.
";

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
struct Args {
    engines: Vec<String>,
    scenes: Vec<String>,
    count: Option<u64>,
    seed: Option<u64>,
    replay: Option<PathBuf>,
    wound: Option<String>,
    self_check: bool,
    quick: bool,
    list: bool,
    quiet: bool,
}

type Error = Box<dyn std::error::Error>;

const ENGINES: [&str; 3] = ["stage1", "stage2", "stage3"];
/// How many schedules a mistake has to show itself.
const CHANCES: u64 = 1_000;

fn main() -> ExitCode {
    let args = match parse() {
        Ok(Some(args)) => args,
        Ok(None) => {
            say(HELP);
            return ExitCode::SUCCESS;
        }
        Err(e) => {
            eprintln!("schedules: {e}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match run(&args) {
        Ok(good) => ExitCode::from(u8::from(!good)),
        Err(e) => {
            eprintln!("schedules: {e}");
            ExitCode::from(2)
        }
    }
}

fn parse() -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut args = Args::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("engine") => {
                let name = parser.value()?.string()?;
                if !ENGINES.contains(&name.as_str()) {
                    return Err(format!(
                        "there is no engine «{name}» to play; there are {}",
                        ENGINES.join(", ")
                    )
                    .into());
                }
                args.engines.push(name);
            }
            Long("scene") => args.scenes.push(parser.value()?.string()?),
            Long("count") => args.count = Some(parser.value()?.parse()?),
            Long("seed") => args.seed = Some(parser.value()?.parse()?),
            Long("replay") => args.replay = Some(parser.value()?.into()),
            Long("wound") => args.wound = Some(parser.value()?.string()?),
            Long("self-check") => args.self_check = true,
            Long("quick") => args.quick = true,
            Long("list") => args.list = true,
            Long("quiet") => args.quiet = true,
            Long("help") | Short('h') => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(args))
}

/// Whether all is as it should be.
fn run(args: &Args) -> Result<bool, Error> {
    let seed = args.seed.unwrap_or(1);
    if args.self_check {
        let wounds: Vec<_> = WOUNDS.iter().filter(|wound| wound.quick || !args.quick).collect();
        let mut good = true;
        for wound in wounds {
            good &= make(wound, args, seed)?;
        }
        // The next build finds the stages whole.
        copy::make(&play::root(), None)?;
        return Ok(good);
    }
    if let Some(name) = &args.wound {
        let wound = WOUNDS.iter().find(|wound| wound.name == name);
        let wound = wound.ok_or_else(|| format!("there is no mistake «{name}»; --list names them"))?;
        return make(wound, args, seed);
    }
    let player = Player::build(None, args.quiet)?;
    let scenes = player.scenes()?;
    if args.list {
        say(print::list(&scenes));
        return Ok(true);
    }
    if let Some(path) = &args.replay {
        let outcome = player.replay(path)?;
        say(print::replayed(path, &outcome));
        return Ok(outcome.failure.is_none());
    }
    let mut names: Vec<&str> = scenes.iter().map(|(name, _)| name.as_str()).collect();
    if let Some(unknown) = args.scenes.iter().find(|scene| !names.contains(&scene.as_str())) {
        return Err(format!("there is no scene «{unknown}»; --list names them").into());
    }
    names.retain(|name| args.scenes.is_empty() || args.scenes.iter().any(|scene| scene == name));
    let engines: Vec<&str> = ENGINES
        .into_iter()
        .filter(|engine| args.engines.is_empty() || args.engines.iter().any(|name| name == engine))
        .collect();
    let runs = play::share(&engines, &names, args.count.unwrap_or(10_000), seed);
    let all = player.play(&runs, args.quiet)?;
    say(print::table(&runs, &all));
    Ok(all.outcomes.iter().all(|outcome| outcome.failure.is_none()))
}

/// Makes a mistake, and says whether it was found.
fn make(wound: &'static Wound, args: &Args, seed: u64) -> Result<bool, Error> {
    let player = Player::build(Some(wound), args.quiet)?;
    let count = args.count.unwrap_or(CHANCES);
    let runs: Vec<Run> = play::share(&[wound.engine], &[wound.scene], count, seed);
    let found = runs.iter().map(|run| player.count(run)).collect::<Result<Vec<_>, _>>()?;
    say(print::found(wound, &runs, &found));
    Ok(found.iter().any(|found| found.failed > 0))
}
