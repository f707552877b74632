//! Random operations on an engine and a model side by side, and the shortest script of what fails.

use crate::Args;
use contract::Stage;
use harness::failure::{Counterexample, Failure};
use harness::judge;
use harness::model::Model;
use harness::ops::{Op, Shape, generate, text};
use harness::seeds::side_by_side;
use harness::shrink::shrink;
use harness::world::World;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// How many lists of operations are tried if nobody says how many.
const SEEDS: u64 = 200;

/// What is tried where somebody wants many operations: long lists of small ones, in which a store grows old.
const LONG: Shape = Shape { ops: 400, largest_bytes: 64, reopens: true, reads: true };

/// True if every promise was kept.
pub(crate) fn run(stage: &'static Stage, args: &Args) -> Result<bool, lexopt::Error> {
    let seed = args.seed.unwrap_or(0);
    if let Some(path) = &args.script {
        let script = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let ops = text::parse(&script).map_err(|e| format!("{}: {e}", path.display()))?;
        return Ok(replay(stage, seed, &ops));
    }
    let (lists, shape) = match args.operations {
        Some(operations) => (operations.div_ceil(LONG.ops as u64), LONG),
        None => (args.seeds.unwrap_or(SEEDS), Shape::default()),
    };
    let seeds = args.seed.map_or(0..lists, |seed| seed..seed + 1);
    if let Some((seed, failure)) = first(stage, seeds.clone(), &shape) {
        let ops = generate(seed, &shape);
        say!("seed {seed}: {} operations, and {} is broken", ops.len(), failure.invariant.id());
        say!("{}", shortest(stage, seed, &ops, failure, args));
        return Ok(false);
    }
    let lists = seeds.end - seeds.start;
    say!("{}: {lists} lists of {} operations, and every answer is the model's", stage.name, shape.ops);
    Ok(true)
}

/// The first list that breaks a promise, and how: the same on every machine, however many lists are tried at a time.
fn first(stage: &'static Stage, seeds: Range<u64>, shape: &Shape) -> Option<(u64, Failure)> {
    let found = Mutex::new(None::<(u64, Failure)>);
    side_by_side(seeds, |seed| {
        let found = || found.lock().unwrap_or_else(PoisonError::into_inner);
        if found().as_ref().is_some_and(|(first, _)| *first < seed) {
            return;
        }
        if let Err(failure) = judge::run(stage, seed, World::mem(), &generate(seed, shape)) {
            let mut found = found();
            if found.as_ref().is_none_or(|(first, _)| seed < *first) {
                *found = Some((seed, failure));
            }
        }
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The shortest script that breaks the same promise.
fn shortest(stage: &'static Stage, seed: u64, ops: &[Op], first: Failure, args: &Args) -> Counterexample {
    let (mut runs, mut failure) = (0_u32, first);
    let shortest = shrink(ops, |ops| {
        runs += 1;
        match judge::run(stage, seed, World::mem(), ops) {
            Err(found) if found.invariant == failure.invariant => {
                if args.steps {
                    say!("  run {runs:>3}  {}", summary(ops));
                }
                failure = found;
                true
            }
            _ => false,
        }
    });
    say!("shrunk in {runs} runs");
    let long = args.operations.map_or(String::new(), |operations| format!(" --operations {operations}"));
    let replay = format!("cargo xtask judge model --engine {} --seed {seed}{long}", stage.name);
    Counterexample { stage: stage.name, seed, ops: shortest, failure, replay }
}

/// A list in a line: all of it once it is short.
fn summary(ops: &[Op]) -> String {
    if ops.len() > 2 {
        return format!("{} operations", ops.len());
    }
    let shown: Vec<_> = ops.iter().map(ToString::to_string).collect();
    format!("{} operations: {}", ops.len(), shown.join(" | "))
}

fn pair(key: &[u8], value: &[u8]) -> String {
    format!("{}={}", text::show_bytes(key), text::show_bytes(value))
}

/// Runs a script, and tells what the store must hold after each operation.
fn replay(stage: &'static Stage, seed: u64, ops: &[Op]) -> bool {
    for (op, model) in ops.iter().zip(Model::history(ops).iter().skip(1)) {
        let held: Vec<_> = model.pairs().map(|(key, value)| pair(key, value)).collect();
        let line = format!("  {:<32} {}", op.to_string(), held.join(" "));
        say!("{}", line.trim_end());
    }
    match judge::run(stage, seed, World::mem(), ops) {
        Ok(_) => say!("{}: every answer is the model's", stage.name),
        Err(failure) => {
            say!("{} breaks {failure}", stage.name);
            return false;
        }
    }
    true
}
