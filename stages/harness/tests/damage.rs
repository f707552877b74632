//! Everything that happens to files at rest, done to small stores of every engine.

use harness::damage::{Fixture, Tally, every_injury};
use harness::registry::persistent;

#[test]
fn every_injury_to_every_small_store() {
    for stage in persistent("every_injury_to_every_small_store") {
        let mut all = Tally::default();
        for fixture in Fixture::all(stage, 0..2).unwrap() {
            let tally = every_injury(&fixture, 1, 1).unwrap_or_else(|e| panic!("{} breaks {e}", stage.name));
            eprintln!("{}: {tally:?}", fixture.name);
            all.add(&tally);
        }
        eprintln!("{}: {} injuries, {all:?}", stage.name, all.injuries());
        assert!(all.refused > 0 && all.harmless > 0 && all.cut > 0, "{all:?}");
    }
}
