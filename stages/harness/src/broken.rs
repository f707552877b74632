//! Engines with one thing wrong each. A check that does not catch its broken engine checks nothing.
//!
//! Each is a sound engine in a world that lies to it ([`worlds`]), or with one function bent ([`engines`]): what a
//! careless hour would make of it. [`BROKEN`] says which lab must catch it and which promise it breaks.
//!
//! **Source** The rule is RocksDB's, learnt the hard way: a slip in a test had hidden the holes that it was there to
//! find (facebook/rocksdb#7701).

pub mod engines;
pub mod worlds;

use crate::crash::lab::{Progress, Search};
use crate::crash::{Plan, story};
use crate::damage::{Fixture, every_injury};
use crate::faults;
use crate::invariant::Invariant;
use crate::judge;
use crate::ops::Shape;
use crate::world::World;
use contract::{OptionSpec, Options, Result, Stage};
use std::sync::Arc;
use vfs::Vfs;

/// An engine that is wrong on purpose.
pub struct Broken {
    /// The engine.
    pub stage: &'static Stage,
    /// What catches it.
    pub lab: Lab,
    /// What it breaks: the first failure must name one of these.
    pub breaks: &'static [Invariant],
}

/// The ways of looking at an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lab {
    /// [`crate::judge`].
    Model,
    /// [`crate::crash`].
    Crash,
    /// [`crate::faults`].
    Faults,
    /// [`crate::damage`].
    Damage,
}

impl Lab {
    /// Looks at an engine until something breaks: which promise, and the story.
    pub fn first_failure(self, stage: &'static Stage) -> Option<(Invariant, String)> {
        match self {
            Self::Model => (0..200).find_map(|seed| {
                let found = judge::search(stage, seed, &Shape::default(), |_| World::mem(), "").err()?;
                Some((found.failure.invariant, found.to_string()))
            }),
            Self::Crash => {
                let plan = Plan::default();
                let search = Search { stage, seed: 1, plan: &plan, images: Some(200_000), threads: 1 };
                let found = search.run(&Progress::default()).violation?;
                let told = story::tell(stage, &found, &mut |_, _| {});
                Some((found.broken.failure.invariant, told))
            }
            Self::Faults => ["on-request", "every-write"].into_iter().find_map(|sync| {
                let options = faults::busiest_options(stage, sync).ok()?;
                let found = faults::every_call(stage, &options, 1, 1).err()?;
                Some((found.failure.invariant, found.to_string()))
            }),
            Self::Damage => {
                let fixtures = match Fixture::all(stage, 0..1) {
                    Ok(fixtures) => fixtures,
                    Err(failure) => return Some((failure.invariant, failure.to_string())),
                };
                fixtures.iter().find_map(|fixture| {
                    let failure = every_injury(fixture, 1, 1).err()?;
                    Some((failure.invariant, failure.to_string()))
                })
            }
        }
    }
}

/// What a missing sync breaks depends on what the crash meets first: a store that is being made, a recovery, or the
/// entries.
const LOST: &[Invariant] =
    &[Invariant::Durability, Invariant::TornTail, Invariant::FirstOpen, Invariant::RecoveryRepeats];

/// All of them.
pub static BROKEN: [Broken; 14] = [
    Broken { stage: &worlds::SYNC_DOES_NOTHING, lab: Lab::Crash, breaks: LOST },
    Broken { stage: &worlds::SYNC_DIR_DOES_NOTHING, lab: Lab::Crash, breaks: LOST },
    Broken {
        stage: &worlds::APPEND_ERRORS_ARE_SWALLOWED,
        lab: Lab::Faults,
        breaks: &[Invariant::ErrorsSurface],
    },
    Broken {
        stage: &worlds::A_FAILED_SYNC_IS_RETRIED,
        lab: Lab::Faults,
        breaks: &[Invariant::ErrorsSurface],
    },
    Broken { stage: &worlds::A_FAILED_READ_IS_AN_END, lab: Lab::Faults, breaks: &[Invariant::ErrorsSurface] },
    Broken { stage: &worlds::THE_OLD_GOES_BEFORE_THE_NEW_IS_SAFE, lab: Lab::Crash, breaks: LOST },
    Broken { stage: &engines::BATCHES_ARE_SPLIT, lab: Lab::Crash, breaks: &[Invariant::AtomicBatch] },
    Broken { stage: &engines::WRITES_WAIT_IN_MEMORY, lab: Lab::Crash, breaks: &[Invariant::Durability] },
    Broken { stage: &engines::CLOSE_DOES_NOT_SYNC, lab: Lab::Crash, breaks: LOST },
    Broken { stage: &engines::COMPACT_BRINGS_BACK, lab: Lab::Model, breaks: &[Invariant::NoResurrection] },
    Broken {
        stage: &engines::SCAN_LEAKS_ITS_BOUND,
        lab: Lab::Model,
        breaks: &[Invariant::ExactScan, Invariant::OneMoment],
    },
    Broken { stage: &engines::A_CACHE_MIXES_KEYS_UP, lab: Lab::Model, breaks: &[Invariant::NoPhantom] },
    Broken {
        stage: &engines::EMPTY_IS_ABSENT,
        lab: Lab::Model,
        breaks: &[Invariant::SameAnswers, Invariant::NewestWins],
    },
    Broken {
        stage: &engines::DAMAGE_IS_SWEPT_AWAY,
        lab: Lab::Damage,
        breaks: &[Invariant::DamageReported, Invariant::KeepsUnexplained],
    },
];

/// A broken engine by name.
pub fn find(name: &str) -> Option<&'static Broken> {
    BROKEN.iter().find(|broken| broken.stage.name == name)
}

/// A stage like the one that is bent here, but for its name and its opening.
const fn bent(
    name: &'static str,
    title: &'static str,
    open: fn(Arc<dyn Vfs>, &Options) -> Result<contract::Opened>,
) -> Stage {
    const OPTIONS: &[OptionSpec] = stage1::STAGE.options;
    Stage {
        name,
        title,
        persistent: true,
        options: OPTIONS,
        open,
        inspect: stage1::STAGE.inspect,
        verify: stage1::STAGE.verify,
        salvage: stage1::STAGE.salvage,
        commands: &[],
        tour: &[],
    }
}
