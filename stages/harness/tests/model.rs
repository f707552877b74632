//! Every engine beside the model: random operations, compared after each one. A failure prints seed and shortest
//! script; `STRATA_SEED=n` replays one seed, `STRATA_CASES=n` runs so many,
//! `STRATA_SCRIPT=FILE` runs a script.

use harness::judge;
use harness::ops::{Shape, text};
use harness::registry::judged;
use harness::seeds::{self, seeds};
use harness::suite;
use harness::world::World;

fn every_engine(test: &str, cases: u64, shape: &Shape, world: fn(u64) -> World) {
    for stage in judged() {
        let seeds = seeds(&format!("{test} on {}", stage.name), cases);
        let replay = format!("cargo test -p harness --test model {test}");
        match suite::model(stage, seeds, shape, world, &replay) {
            Ok(notes) => seeds::not_applicable(test, notes),
            Err(counterexample) => panic!("{counterexample}"),
        }
    }
}

#[test]
fn on_a_map() {
    every_engine("on_a_map", 400, &Shape::default(), |_| World::mem());
}

#[test]
fn on_a_simulated_disk() {
    every_engine("on_a_simulated_disk", 200, &Shape::default(), World::sim);
}

#[test]
fn long_runs_of_small_writes() {
    let shape = Shape { ops: 400, largest_bytes: 64, ..Shape::default() };
    every_engine("long_runs_of_small_writes", 30, &shape, |_| World::mem());
}

/// Scripts for kinds of bugs that other engines had; `STRATA_SCRIPT=FILE` runs your own instead, such as the one that
/// a failure has printed.
#[test]
fn one_script_for_each_class_of_bugs() {
    let own = std::env::var("STRATA_SCRIPT").map(|path| std::fs::read_to_string(path).unwrap());
    let scripts = own.unwrap_or_else(|_| include_str!("bug_classes.txt").into());
    for script in scripts.split("\n\n") {
        let ops = text::parse(script).unwrap();
        for stage in judged() {
            for (seed, world) in [(0, World::mem()), (7, World::sim(7))] {
                if let Err(failure) = judge::run(stage, seed, world, &ops) {
                    panic!("{} breaks {failure}\n{script}", stage.name);
                }
            }
        }
    }
}
