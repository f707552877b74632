//! Plays scenes of readers, writers and upkeep in many schedules, and judges each.
//!
//! **Layout** [`scenes`]: who does what. [`lab`]: the store, and what a read may show. [`run`]: the schedules.
//!
//! **Invariants** It proves something only where the stages are built on [`scheduled`](../scheduled/index.html), in the
//! copy that `cargo xtask schedules` makes; it finds out whether they are, and refuses otherwise.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "it talks to the program that starts it")]

mod lab;
mod run;
mod scenes;

use contract::Stage;
use run::{Chooser, Outcome};
use scenes::{SCENES, Scene};
use std::path::PathBuf;
use std::process::ExitCode;

static STAGES: [&Stage; 3] = [&stage1::STAGE, &stage2::STAGE, &stage3::STAGE];

struct Args {
    engine: &'static Stage,
    scene: &'static Scene,
    chooser: Chooser,
    seed: u64,
    count: u64,
    replay: Option<PathBuf>,
    kept: PathBuf,
}

fn main() -> ExitCode {
    match parse() {
        Ok(Some(args)) => perform(&args),
        Ok(None) => {
            for scene in &SCENES {
                println!("{}\t{}", scene.name, scene.what);
            }
            ExitCode::SUCCESS
        }
        Err(e) => {
            println!("wrong\t{e}");
            ExitCode::from(2)
        }
    }
}

fn parse() -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut args = Args {
        engine: STAGES[2],
        scene: &SCENES[0],
        chooser: Chooser::Random,
        seed: 1,
        count: 1,
        replay: None,
        kept: PathBuf::from("."),
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("engine") => args.engine = named(STAGES, |stage| stage.name, &parser.value()?.string()?)?,
            Long("scene") => args.scene = named(&SCENES, |scene| scene.name, &parser.value()?.string()?)?,
            Long("chooser") => {
                let both = [Chooser::Random, Chooser::Pct];
                args.chooser = named(both, Chooser::name, &parser.value()?.string()?)?;
            }
            Long("seed") => args.seed = parser.value()?.parse()?,
            Long("count") => args.count = parser.value()?.parse()?,
            Long("replay") => args.replay = Some(parser.value()?.into()),
            Long("kept") => args.kept = parser.value()?.into(),
            Long("list") => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(args))
}

fn named<T: Copy>(
    all: impl IntoIterator<Item = T>,
    name: impl Fn(T) -> &'static str,
    wanted: &str,
) -> Result<T, String> {
    all.into_iter().find(|&one| name(one) == wanted).ok_or_else(|| format!("there is no «{wanted}»"))
}

/// Says in one line what came of it: how many schedules, and what was wrong in the last one.
fn perform(args: &Args) -> ExitCode {
    let Args { engine, scene, chooser, seed, count, .. } = *args;
    let outcome = match &args.replay {
        Some(path) => match std::fs::read_to_string(path) {
            Ok(schedule) => run::replay(engine, scene, schedule.trim(), &args.kept),
            Err(e) => {
                println!("wrong\t{}: {e}", path.display());
                return ExitCode::from(2);
            }
        },
        None => run::explore(engine, scene, chooser, seed, count, &args.kept),
    };
    let Outcome { schedules, failure } = outcome;
    if scheduled::points() == 0 {
        println!("wrong\tthe engines are built on the real library: cargo xtask schedules does better");
        return ExitCode::from(2);
    }
    match failure {
        None => {
            println!("good\t{schedules}");
            ExitCode::SUCCESS
        }
        Some((what, path)) => {
            let what = what.replace(['\n', '\t'], " ");
            println!("bad\t{schedules}\t{}\t{what}", path.display());
            ExitCode::FAILURE
        }
    }
}
