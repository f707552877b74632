//! Looks for a broken promise with one of the general suites, seed by seed, and says which seed was the first to show it.
//!
//! ```text
//! hunt SUITE STAGE SEEDS      SUITE is model, crash, faults or damage; the seeds are 1 to SEEDS
//! ```
//! It says «SEED PROMISE» and ends with status 1, or says nothing and ends with 0.
//!
//! **Cost** A seed is one script beside the model, every crash of one script, one in eight of all failing calls, or one in
//! eight of all injuries.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "who started it reads what it says")]

use contract::Stage;
use harness::crash::{Plan, Script, Tally, explore};
use harness::damage::{Fixture, every_injury};
use harness::invariant::Invariant;
use harness::ops::{Shape, generate};
use harness::world::World;
use harness::{faults, judge, registry};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// One in so many failing calls and injuries is tried for a seed.
const ONE_IN: u64 = 8;

type Suite = fn(&'static Stage, u64) -> Option<Invariant>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let parsed = match words[..] {
        [suite, stage, seeds] => suite_of(suite).zip(registry::find(stage)).zip(seeds.parse().ok()),
        _ => None,
    };
    let Some(((suite, stage), seeds)) = parsed else {
        eprintln!("hunt: hunt model|crash|faults|damage STAGE SEEDS");
        return ExitCode::from(2);
    };
    // A panic is a finding; its message would only be noise.
    std::panic::set_hook(Box::new(|_| {}));
    let found = (1..=seeds).find_map(|seed| {
        let looked = catch_unwind(AssertUnwindSafe(|| suite(stage, seed)));
        Some((seed, looked.unwrap_or(Some(Invariant::NeverPanics))?))
    });
    match found {
        Some((seed, promise)) => {
            println!("{seed} {}", promise.id());
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

fn suite_of(name: &str) -> Option<Suite> {
    Some(match name {
        "model" => model,
        "crash" => crash,
        "faults" => fail,
        "damage" => damage,
        _ => return None,
    })
}

fn model(stage: &'static Stage, seed: u64) -> Option<Invariant> {
    let world = if seed.is_multiple_of(2) { World::mem() } else { World::sim(seed) };
    let failure = judge::run(stage, seed, world, &generate(seed, &Shape::default())).err()?;
    Some(failure.invariant)
}

fn crash(stage: &'static Stage, seed: u64) -> Option<Invariant> {
    let plan = Plan::default();
    let script = Script::generate(seed, &plan);
    let explored = explore(stage, &script, seed, &plan, &mut Tally::default(), &mut |_| true);
    Some(explored?.err()?.failure.invariant)
}

fn fail(stage: &'static Stage, seed: u64) -> Option<Invariant> {
    let sync = if seed.is_multiple_of(2) { "every-write" } else { "on-request" };
    let Ok(options) = faults::busiest_options(stage, sync) else { return Some(Invariant::ErrorsSurface) };
    Some(faults::every_call(stage, &options, seed, ONE_IN).err()?.failure.invariant)
}

fn damage(stage: &'static Stage, seed: u64) -> Option<Invariant> {
    let fixtures = match Fixture::all(stage, seed..seed + 1) {
        Ok(fixtures) => fixtures,
        Err(failure) => return Some(failure.invariant),
    };
    fixtures.iter().find_map(|fixture| Some(every_injury(fixture, seed, ONE_IN).err()?.invariant))
}
