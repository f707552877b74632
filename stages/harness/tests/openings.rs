//! Openings that fail at any of their calls, of stores in every state that an opening finds: closed, killed, torn, and left
//! by an opening that was killed itself. The next one finds what this one would have found.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Engine, KeyRange, RecoveryReport};
use harness::damage::Fixture;
use harness::registry::persistent;
use harness::seeds::side_by_side;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use vfs::sim::{Crash, CrashKind, Effect, Errno, Fault, Op, SimFs};

type Files = BTreeMap<String, Vec<u8>>;
type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn open(fixture: &Fixture, fs: &SimFs) -> contract::Result<(Arc<dyn Engine>, RecoveryReport)> {
    (fixture.stage.open)(Arc::new(fs.clone()), &fixture.options)
}

fn pairs(fixture: &Fixture, fs: &SimFs) -> contract::Result<Pairs> {
    open(fixture, fs)?.0.scan(KeyRange::all())?.collect()
}

/// The store with a bit of a log flipped so that its opening cuts something off: one for each kind of report.
fn torn(fixture: &Fixture) -> impl Iterator<Item = Files> {
    let mut found = BTreeMap::new();
    for (name, bytes) in fixture.files.iter().filter(|(name, _)| name.contains(".log")) {
        for at in 0..bytes.len() {
            let mut files = fixture.files.clone();
            files.get_mut(name).unwrap()[at] ^= 1;
            let report = open(fixture, &SimFs::holding(files.clone())).map(|(_, report)| report);
            if let Ok(RecoveryReport { cut: Some(cut), set_aside, .. }) = report {
                found.entry((cut.set_aside.is_some(), set_aside.len())).or_insert(files);
            }
        }
    }
    found.into_values()
}

/// Everything that an opening leaves that is killed at any of its calls, the first and the last among them.
fn half_opened(fixture: &Fixture, files: &Files) -> Vec<Files> {
    let fs = SimFs::holding(files.clone());
    let opened = open(fixture, &fs).unwrap();
    let kill = Crash::new(CrashKind::ProcessKill, 0);
    let left = (0..=fs.calls()).map(|call| fs.image(call, &kill).contents()).collect();
    drop(opened);
    left
}

// ANCHOR: fails
/// Lets each call of an opening fail, and of the close behind it; how many that were.
fn each_call_fails(fixture: &Fixture, files: &Files) -> u64 {
    let whole = pairs(fixture, &SimFs::holding(files.clone())).unwrap();
    let mut failed = 0;
    let ways = Op::ALL.into_iter().flat_map(|op| [(op, Effect::Nothing), (op, Effect::Done)]);
    // A call that only looks has done nothing else than fail.
    for (op, effect) in ways.filter(|(op, effect)| op.is_mutating() || *effect == Effect::Nothing) {
        for nth in 0.. {
            let fs = SimFs::holding(files.clone());
            fs.inject(Fault::new(Errno::Eio).on(op).nth(nth).effect(effect));
            drop(open(fixture, &fs));
            if fs.faults_struck() == 0 {
                break;
            }
            fs.clear_faults();
            let found = pairs(fixture, &fs);
            let context = || format!("{}, after {op:?} {nth} failed with effect {effect:?}", fixture.name);
            let found = found.unwrap_or_else(|error| panic!("{}: {error}", context()));
            assert_eq!(found, whole, "{}", context());
            failed += 1;
        }
    }
    failed
}
// ANCHOR_END: fails

#[test]
fn every_call_of_an_opening() {
    for stage in persistent("every_call_of_an_opening") {
        side_by_side(Fixture::all(stage, 0..1).unwrap(), |fixture| {
            // The first opening of all, too.
            let states = [Files::new(), fixture.files.clone()].into_iter().chain(torn(&fixture));
            let states: BTreeSet<Files> = states.flat_map(|files| half_opened(&fixture, &files)).collect();
            let failed: u64 = states.iter().map(|files| each_call_fails(&fixture, files)).sum();
            eprintln!("{}: {} states, {failed} calls", fixture.name, states.len());
            assert!(failed >= 8, "{}: {failed}", fixture.name);
        });
    }
}
