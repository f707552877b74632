//! Every engine that keeps anything, crashed before every call with every kind of crash, and again during recovery.

use harness::crash::lab::{Progress, Search};
use harness::crash::{Plan, story};
use harness::registry::persistent;

#[test]
fn every_crash_at_every_call() {
    for stage in persistent("every_crash_at_every_call") {
        let plan = Plan::default();
        let search = Search { stage, seed: 1, plan: &plan, images: Some(100_000), threads: 2 };
        let outcome = search.run(&Progress::default());
        if let Some(violation) = &outcome.violation {
            panic!("{}", story::tell(stage, violation, &mut |_, _| {}));
        }
        eprintln!("{}: {:?}", stage.name, outcome.tally);
    }
}
