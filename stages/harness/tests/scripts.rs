//! Contract scripts on every engine, under every option, in both worlds without a disk: the answers are the same for
//! all, and are recorded. Persistent engines show their bytes in a second record, which documents their format.
//!
//! To accept a change, run with `INSTA_UPDATE=always` and read the difference before committing it.

use contract::Stage;
use harness::invariant::Invariant;
use harness::registry::{judged, persistent};
use harness::script::{self, Transcript};
use harness::settings;
use harness::world::World;

/// The second line of a script may ask for the record of bytes, the first for a store that lasts.
const LASTS: &str = "# needs a store that lasts";
const BYTES: &str = "# shows its bytes";

fn on_every_engine(name: &str, script: &str) {
    let lasts = script.starts_with(LASTS);
    let stages: Vec<&'static Stage> = if lasts { persistent(name).collect() } else { judged().collect() };
    let Some((first, _)) = stages.split_first() else { return };
    let expected = run(first, &first.default_options(), World::mem(), script).answers;
    insta::assert_snapshot!(name, expected);
    for stage in &stages {
        for options in settings::variants(stage) {
            for (which, world) in [("map", World::mem()), ("simulated disk", World::sim(7))] {
                let answers = run(stage, &options, world, script).answers;
                let difference = first_difference(&expected, &answers);
                assert!(
                    difference.is_none(),
                    "{} on a {which} with {} breaks {}\n  script {name}: {}",
                    stage.name,
                    settings::show(&options),
                    Invariant::SameAnswers,
                    difference.unwrap_or_default()
                );
            }
        }
        if script.contains(BYTES) {
            let bytes = run(stage, &stage.default_options(), World::mem(), script).bytes;
            insta::assert_snapshot!(format!("{name}@{}", stage.name), bytes);
        }
    }
}

fn run(stage: &'static Stage, options: &contract::Options, world: World, script: &str) -> Transcript {
    script::run(stage, options, world, script).unwrap_or_else(|what| panic!("{}: {what}", stage.name))
}

/// The first line that differs, with the command it answers.
fn first_difference(expected: &str, got: &str) -> Option<String> {
    let mut command = "";
    let mut lines = got.lines();
    for line in expected.lines() {
        let other = lines.next().unwrap_or("the end");
        if other != line {
            return Some(format!("after «{command}» expected «{}», got «{}»", line.trim(), other.trim()));
        }
        command = if line.starts_with(' ') { command } else { line };
    }
    lines.next().map(|more| format!("after «{command}» there is more: «{}»", more.trim()))
}

macro_rules! scripts {
    ($($name:ident)*) => { $(
        #[test]
        fn $name() {
            on_every_engine(stringify!($name), include_str!(concat!("scripts/", stringify!($name), ".txt")));
        }
    )* };
}

scripts! {
    values batches scans moments absent limits compacting
    lives owners settings_change tails layout foreign
}
