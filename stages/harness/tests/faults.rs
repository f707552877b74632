//! Every call to the world fails, once, twice and for ever, in every way in which a disk fails it.

use harness::crash::run::tiny_options;
use harness::faults;
use harness::registry::persistent;

#[test]
fn every_failing_call() {
    for stage in persistent("every_failing_call") {
        for sync in ["on-request", "every-write"] {
            let options = tiny_options(stage, 1).with("sync", sync).unwrap();
            match faults::every_call(stage, &options, 1, 1) {
                Ok(tally) => eprintln!("{} {sync}: {tally:?}", stage.name),
                Err(counterexample) => panic!("{counterexample}"),
            }
        }
    }
}
