//! A run: one scene, one scheduler, many schedules.

use crate::scenes::Scene;
use contract::Stage;
use shuttle::scheduler::Scheduler;
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a scene may take of a coroutine's memory, in bytes.
const STACK_BYTES: usize = 256 << 10;
/// More steps than any scene takes: one that takes more runs in circles.
const MOST_STEPS: usize = 300_000;
/// How often a schedule of PCT takes the turn from the thread that has it, at a step drawn beforehand, plus one.
const DEPTH: usize = 3;

/// How the next thread is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chooser {
    /// Anybody, at every step.
    Random,
    /// Whoever has the highest priority; priorities are drawn, and change at a few drawn steps.
    Pct,
}

impl Chooser {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Pct => "pct",
        }
    }
}

/// What came of a run.
pub(crate) struct Outcome {
    /// How many schedules were played, the failed one among them.
    pub(crate) schedules: u64,
    /// What was wrong in the last one, and the file that says how it went.
    pub(crate) failure: Option<(String, PathBuf)>,
}

/// Plays `scene` in up to `count` schedules, until one fails. A failed one is kept in the folder `kept`.
pub(crate) fn explore(
    stage: &'static Stage,
    scene: &'static Scene,
    chooser: Chooser,
    seed: u64,
    count: u64,
    kept: &Path,
) -> Outcome {
    let iterations = usize::try_from(count).unwrap_or(usize::MAX);
    match chooser {
        Chooser::Random => {
            let scheduler = shuttle::scheduler::RandomScheduler::new_from_seed(seed, iterations);
            play(scheduler, stage, scene, kept)
        }
        Chooser::Pct => {
            let scheduler = shuttle::scheduler::PctScheduler::new_from_seed(seed, DEPTH, iterations);
            play(scheduler, stage, scene, kept)
        }
    }
}

/// Plays one schedule again.
pub(crate) fn replay(stage: &'static Stage, scene: &'static Scene, schedule: &str, kept: &Path) -> Outcome {
    let mut scheduler = shuttle::scheduler::ReplayScheduler::new_from_encoded(schedule);
    scheduler.set_allow_incomplete();
    play(scheduler, stage, scene, kept)
}

fn play(
    scheduler: impl Scheduler + 'static,
    stage: &'static Stage,
    scene: &'static Scene,
    kept: &Path,
) -> Outcome {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.max_steps = MaxSteps::FailAfter(MOST_STEPS);
    config.silence_warnings = true;
    config.failure_persistence = FailurePersistence::File(Some(kept.to_owned()));
    let played = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&played);
    let runner = Runner::new(scheduler, config);
    let result = catch_unwind(AssertUnwindSafe(|| {
        runner.run(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            (scene.play)(stage);
        })
    }));
    let played = played.load(Ordering::Relaxed);
    let failure = result.err().map(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a word");
        (text.to_owned(), kept.join("schedule000.txt"))
    });
    Outcome { schedules: played, failure }
}
