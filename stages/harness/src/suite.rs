//! The contract's suite for one engine: every script, and the model. Our tests call it, and so do those of an engine in
//! another package.
//!
//! **Invariants** A script's answers are the oracle's, under every option and in both worlds without a disk (I22).

use crate::failure::Counterexample;
use crate::invariant::Invariant;
use crate::judge::{self, NotApplicable};
use crate::ops::Shape;
use crate::world::World;
use crate::{script, seeds, settings};
use contract::{Stage, oracle};

macro_rules! scripts {
    ($($name:ident)*) => {
        &[$((stringify!($name), include_str!(concat!("../tests/scripts/", stringify!($name), ".txt")))),*]
    };
}

/// The contract scripts: name and text.
pub const SCRIPTS: &[(&str, &str)] = scripts! {
    values batches scans moments absent limits compacting
    lives owners settings_change tails layout foreign
};

/// What the first line of a script says that needs a store which outlives its process.
const LASTS: &str = "# needs a store that lasts";

/// Whether a script needs a store that outlives its process.
pub fn lasts(script: &str) -> bool {
    script.starts_with(LASTS)
}

/// Runs a script on an engine, under every option and on both worlds.
///
/// # Panics
/// If an answer is not as `expected`: with the first that differs.
pub fn compare(stage: &'static Stage, name: &str, script: &str, expected: &str) {
    for options in settings::variants(stage) {
        for (which, world) in [("map", World::mem()), ("simulated disk", World::sim(7))] {
            let transcript = script::run(stage, &options, world, script);
            let answers = transcript.unwrap_or_else(|what| panic!("{}: {what}", stage.name)).answers;
            let difference = first_difference(expected, &answers);
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
}

/// Every script on an engine; what the oracle or, where files are needed, stage 1 answers is right. One that does not
/// apply is named on stderr.
///
/// # Panics
/// If an answer is not right.
pub fn every_script(stage: &'static Stage) {
    for (name, script) in SCRIPTS {
        let right = if lasts(script) { &stage1::STAGE } else { &oracle::STAGE };
        if lasts(script) && !stage.persistent {
            seeds::not_applicable(name, [format!("{} keeps nothing", stage.name)]);
            continue;
        }
        let expected = script::run(right, &right.default_options(), World::mem(), script);
        compare(stage, name, script, &expected.unwrap_or_else(|what| panic!("{name}: {what}")).answers);
    }
}

/// Random operations on an engine beside the model, one run for each seed. A failure has its shortest script; `replay`
/// is the command that shows it again.
pub fn model(
    stage: &'static Stage,
    seeds: std::ops::Range<u64>,
    shape: &Shape,
    world: fn(u64) -> World,
    replay: &str,
) -> Result<NotApplicable, Box<Counterexample>> {
    let mut not_applicable = NotApplicable::new();
    for seed in seeds {
        not_applicable.extend(judge::search(stage, seed, shape, world, replay)?);
    }
    Ok(not_applicable)
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
