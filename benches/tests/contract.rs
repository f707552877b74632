//! The contract, asked of everybody who is measured: what an engine of ours must answer, a rival must answer too, or
//! say that it cannot. Only rivals that were compiled in take part: `cargo xtask bench contract --rivals fjall,redb`.
//!
//! The operations are those with which the harness judges our engines, made from a seed, and so is the model. What is
//! left out is what the contract asks of our files: reports of recoveries, damage, statistics.

use benches::{engines, rivals};
use contract::{Engine, Error, Stage};
use harness::model::Model;
use harness::ops::{self, Op, Shape, generate};
use harness::seeds::seeds;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use vfs::OsFs;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// What a rival said it cannot do.
type Cannot = BTreeSet<String>;

/// What was answered; nothing where it is not among what it can do.
fn told<T>(result: contract::Result<T>, what: &str, cannot: &mut Cannot) -> Option<T> {
    match result {
        Ok(answer) => Some(answer),
        Err(Error::Unsupported { what }) => {
            cannot.insert(what.to_owned());
            None
        }
        Err(e) => panic!("«{what}»: {e}"),
    }
}

fn pairs(scan: contract::Scan) -> contract::Result<Pairs> {
    scan.collect()
}

fn open(stage: &Stage, dir: &Path) -> Arc<dyn Engine> {
    let vfs = Arc::new(OsFs::create(dir).expect("a directory"));
    (stage.open)(vfs, &stage.default_options()).unwrap_or_else(|e| panic!("{} opens: {e}", stage.name)).0
}

/// Lives through operations beside the model, in a store that is closed and opened where they say so.
fn live(stage: &Stage, seed: u64, cannot: &mut Cannot) {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut engine, mut model) = (open(stage, dir.path()), Model::new());
    for (i, op) in generate(seed, &Shape::default()).iter().enumerate() {
        let at = format!("{}, seed {seed}, operation {i}, {op}", stage.name);
        match op {
            op if op.writes() => {
                let done = told(ops::apply(&*engine, op), &at, cannot);
                if done.is_some() {
                    model.apply(op);
                }
            }
            Op::Get { key } => {
                let found = told(engine.get(key), &at, cannot);
                assert!(found.is_none_or(|value| value.as_deref() == model.get(key)), "{at}");
            }
            Op::Contains { key } => {
                let found = told(engine.contains(key), &at, cannot);
                assert!(found.is_none_or(|is| is == model.get(key).is_some()), "{at}");
            }
            Op::Scan(range) => {
                let found = told(engine.scan(range.as_keys()).and_then(pairs), &at, cannot);
                let expected = owned(model.range(range.as_keys()));
                assert!(found.is_none_or(|found| found == expected), "{at}");
            }
            Op::ScanPrefix { prefix } => {
                let found = told(engine.scan_prefix(prefix).and_then(pairs), &at, cannot);
                let expected: Vec<_> = model.pairs().filter(|(key, _)| key.starts_with(prefix)).collect();
                assert!(found.is_none_or(|found| found == owned(expected)), "{at}");
            }
            op if op.reopens() => {
                told(engine.close(), &at, cannot);
                drop(engine);
                engine = open(stage, dir.path());
                everything(&*engine, &model, &at, cannot);
            }
            Op::Sync => drop(told(engine.sync(), &at, cannot)),
            // What holds scans, compacts or tells of itself is ours.
            _ => {}
        }
    }
    everything(&*engine, &model, "at the end", cannot);
}

fn everything(engine: &dyn Engine, model: &Model, at: &str, cannot: &mut Cannot) {
    for (key, value) in model.pairs() {
        let found = told(engine.get(key), at, cannot);
        assert!(found.is_none_or(|found| found.as_deref() == Some(value)), "{at}: {key:?}");
    }
    let found = told(engine.scan(contract::KeyRange::all()).and_then(pairs), at, cannot);
    assert!(found.is_none_or(|found| found == owned(model.pairs().collect())), "{at}: a full scan");
}

fn owned(pairs: Vec<(&[u8], &[u8])>) -> Pairs {
    pairs.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

#[test]
fn rivals_answer_as_the_contract_says() {
    let mut asked = rivals::ALL.to_vec();
    // The oracle and ours too: a test of rivals that nobody compiled in would show nothing.
    asked.extend(engines::all());
    for stage in asked.into_iter().filter(|stage| stage.persistent) {
        let mut cannot = Cannot::new();
        for seed in seeds(stage.name, 12) {
            live(stage, seed, &mut cannot);
        }
        if !cannot.is_empty() {
            eprintln!("{} cannot: {}", stage.name, cannot.into_iter().collect::<Vec<_>>().join("; "));
        }
    }
}
