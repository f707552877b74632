//! Contract scripts on every engine, under every option, in both worlds without a disk: the answers are the same for
//! all, and are recorded. Persistent engines show their bytes in a second record, which documents their format.
//!
//! To accept a change, run with `INSTA_UPDATE=always` and read the difference before committing it.

use contract::Stage;
use harness::registry::{judged, persistent};
use harness::script::{self, Transcript};
use harness::suite::{self, SCRIPTS};
use harness::world::World;

/// The second line of a script may ask for the record of bytes.
const BYTES: &str = "# shows its bytes";

fn on_every_engine(name: &str) {
    let script = SCRIPTS.iter().find(|script| script.0 == name).expect("a script has this name").1;
    let lasts = suite::lasts(script);
    let stages: Vec<&'static Stage> = if lasts { persistent(name).collect() } else { judged().collect() };
    let Some((first, _)) = stages.split_first() else { return };
    let expected = run(first, script).answers;
    insta::assert_snapshot!(name, expected);
    for stage in &stages {
        suite::compare(stage, name, script, &expected);
        if script.contains(BYTES) {
            insta::assert_snapshot!(format!("{name}@{}", stage.name), run(stage, script).bytes);
        }
    }
}

fn run(stage: &'static Stage, script: &str) -> Transcript {
    script::run(stage, &stage.default_options(), World::mem(), script)
        .unwrap_or_else(|what| panic!("{}: {what}", stage.name))
}

macro_rules! scripts {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                on_every_engine(stringify!($name));
            }
        )*

        #[test]
        fn every_script_is_run() {
            assert_eq!(SCRIPTS.iter().map(|script| script.0).collect::<Vec<_>>(), [$(stringify!($name)),*]);
        }
    };
}

scripts! {
    values batches scans moments absent limits compacting
    lives owners settings_change tails layout foreign
}
