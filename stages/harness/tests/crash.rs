//! Every engine that keeps anything, crashed before every call with every kind of crash, and again during recovery.
//!
//! Fixed seeds, a few seconds. `cargo xtask crash` does the same for as long as you like.

use contract::oracle;
use harness::crash::lab::{Progress, Search};
use harness::crash::{Plan, Script, Tally, explore, story};
use harness::invariant::Invariant;
use harness::ops::text;
use harness::registry::persistent;

#[test]
fn every_crash_at_every_call() {
    for stage in persistent("every_crash_at_every_call") {
        let plan = Plan::default();
        let search = Search { stage, seed: 1, plan: &plan, images: Some(150_000), threads: 2 };
        let outcome = search.run(&Progress::default());
        if let Some(violation) = &outcome.violation {
            panic!("{}", story::tell(stage, violation, &mut |_, _| {}));
        }
        eprintln!("{}: {:?}", stage.name, outcome.tally);
        assert!(outcome.tally.by_kind.iter().all(|images| *images > 0) && outcome.tally.in_recovery > 0);
    }
}

/// Whatever three operations do to two keys, in every order. Most bugs of crash consistency need no more.
#[test]
fn every_short_workload() {
    let alphabet = text::parse(
        "put a 1\nput b 2\ndelete a\nbatch put a 3 ; delete b ; put b 4\nput-if-absent a 5\nsync\ncompact\nclose\n",
    )
    .unwrap();
    let plan = Plan { draws: 1, tears: 48, depth: 1, ..Plan::default() };
    for stage in persistent("every_short_workload") {
        let mut tally = Tally::default();
        for number in 0..alphabet.len().pow(3) {
            let digits = [number, number / alphabet.len(), number / alphabet.len().pow(2)];
            let ops = digits.map(|digit| alphabet[digit % alphabet.len()].clone());
            let script = Script { lives: vec![ops.to_vec()] };
            let explored = explore(stage, &script, number as u64, &plan, &mut tally, &mut |_| true);
            if let Some(Err(broken)) = explored {
                panic!("{}: {}{:?}", broken.failure, text::to_text(script.part(0)), broken.path);
            }
        }
        eprintln!("{}: {} images", stage.name, tally.images());
        assert!(tally.images() > 50_000, "{tally:?}");
    }
}

#[test]
fn a_seed_is_its_run_on_any_number_of_threads() {
    for stage in persistent("a_seed_is_its_run_on_any_number_of_threads") {
        let plan = Plan::default();
        let run = |seed, threads| {
            let search = Search { stage, seed, plan: &plan, images: Some(20_000), threads };
            let outcome = search.run(&Progress::default());
            (outcome.tally, outcome.workloads)
        };
        assert_eq!(run(5, 1), run(5, 3));
        assert_ne!(run(5, 1), run(6, 1));
    }
}

/// An engine that keeps nothing is not judged by the other tests; asked for by name, it is shown what it loses.
#[test]
fn the_engine_in_memory_is_shown_what_it_loses() {
    let plan = Plan::default();
    let search = Search { stage: &oracle::STAGE, seed: 1, plan: &plan, images: Some(1), threads: 1 };
    let violation = search.run(&Progress::default()).violation.unwrap();
    assert_eq!(violation.broken.failure.invariant, Invariant::Durability);
    assert_eq!(violation.script.lives.concat().len(), 1, "one operation is enough");
    let told = story::tell(&oracle::STAGE, &violation, &mut |_, _| {});
    for words in ["oracle breaks I1 durability", "the store holds nothing at all", "the process is killed"] {
        assert!(told.contains(words), "{told}");
    }
}
