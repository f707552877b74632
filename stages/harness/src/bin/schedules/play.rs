//! The program that plays scenes: built in the copy, and started once for each engine, scene and chooser.

use crate::wounds::Wound;
use crate::{Error, copy};
use harness::workshop::copy::target;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What is played runs for seconds, and is built anew for each mistake: half the optimisation is the shorter way.
const FAST: &str = "profile.dev.opt-level = 1";

/// One scene by one engine, and how its schedules are chosen.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) engine: String,
    pub(crate) scene: String,
    pub(crate) chooser: &'static str,
    pub(crate) seed: u64,
    pub(crate) count: u64,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) schedules: u64,
    /// What was wrong, and the schedule in which it was.
    pub(crate) failure: Option<(String, PathBuf)>,
}

/// What came of all.
pub(crate) struct Played {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) time: Duration,
}

/// How often a mistake was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) schedules: u64,
    pub(crate) failed: u64,
    /// The first schedule that failed, from 1 on, and what was said of it.
    pub(crate) first: Option<(u64, String)>,
}

/// Where the copy lies.
pub(crate) fn root() -> PathBuf {
    folder().join("copy")
}

fn folder() -> PathBuf {
    target().join("schedules")
}

/// Every engine in every scene with both choosers, each with the same share of `count`.
pub(crate) fn share(engines: &[&str], scenes: &[&str], count: u64, seed: u64) -> Vec<Run> {
    const CHOOSERS: [&str; 2] = ["random", "pct"];
    let count = count.div_ceil((engines.len() * scenes.len() * CHOOSERS.len()) as u64);
    let mut runs = Vec::new();
    for engine in engines {
        for scene in scenes {
            runs.extend(CHOOSERS.map(|chooser| Run {
                engine: (*engine).to_owned(),
                scene: (*scene).to_owned(),
                chooser,
                seed,
                count,
            }));
        }
    }
    runs
}

/// The program, built.
pub(crate) struct Player {
    program: PathBuf,
}

impl Player {
    /// Makes the copy, with or without a wound, and builds the program in it.
    pub(crate) fn build(wound: Option<&Wound>, quiet: bool) -> Result<Self, Error> {
        let root = root();
        copy::make(&root, wound)?;
        if !quiet {
            eprintln!("schedules: builds the engines on the scheduler, in {}", root.display());
        }
        let build = folder().join("build");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--package", "schedules", "--config", FAST])
            .current_dir(&root)
            .env("CARGO_TARGET_DIR", &build)
            .stdin(Stdio::null())
            .status()?;
        if !status.success() {
            return Err("the copy does not build".into());
        }
        let name = format!("player{}", std::env::consts::EXE_SUFFIX);
        Ok(Self { program: build.join("debug").join(name) })
    }

    /// The scenes, and what happens in each.
    pub(crate) fn scenes(&self) -> Result<Vec<(String, String)>, Error> {
        let output = Command::new(&self.program).arg("--list").output()?;
        let text = String::from_utf8(output.stdout)?;
        let line = |line: &str| line.split_once('\t').map(|(name, what)| (name.to_owned(), what.to_owned()));
        Ok(text.lines().filter_map(line).collect())
    }

    /// Plays all runs, as many at the same time as there are cores; results in their order.
    pub(crate) fn play(&self, runs: &[Run], quiet: bool) -> Result<Played, Error> {
        let start = Instant::now();
        let outcomes = Mutex::new(vec![Outcome::default(); runs.len()]);
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let work = || -> Result<(), String> {
            while let Some((at, run)) = {
                let at = next.fetch_add(1, Ordering::Relaxed);
                runs.get(at).map(|run| (at, run))
            } {
                let outcome = self.once(run).map_err(|e| e.to_string())?;
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                let mut outcomes = outcomes.lock().map_err(|e| e.to_string())?;
                outcomes[at] = outcome;
                if !quiet {
                    let so_far: u64 = outcomes.iter().map(|outcome| outcome.schedules).sum();
                    let seconds = start.elapsed().as_secs();
                    eprint!("\rschedules: {done} of {} runs, {so_far} schedules, {seconds} s ", runs.len());
                    let _ = std::io::stderr().flush();
                }
            }
            Ok(())
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })?;
        if !quiet {
            eprintln!();
        }
        let outcomes = outcomes.into_inner().map_err(|e| e.to_string())?;
        Ok(Played { outcomes, time: start.elapsed() })
    }

    /// Plays one run. A schedule that fails is kept under a name that says how to play it again.
    fn once(&self, run: &Run) -> Result<Outcome, Error> {
        let name = format!("{}.{}.{}.{}", run.engine, run.scene, run.chooser, run.seed);
        let kept = folder().join("kept").join(&name);
        let mut outcome = self.start(run, None, &kept)?;
        if let Some((_, path)) = &mut outcome.failure {
            let better = folder().join(format!("{name}.schedule"));
            fs::rename(&*path, &better)?;
            *path = better;
        }
        Ok(outcome)
    }

    /// Plays a kept schedule again.
    pub(crate) fn replay(&self, path: &Path) -> Result<Outcome, Error> {
        let path = fs::canonicalize(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let strange =
            || format!("{name} does not begin with an engine and a scene, as in stage3.close.pct.1.schedule");
        let (engine, rest) = name.split_once('.').ok_or_else(strange)?;
        let (scene, _) = rest.split_once('.').ok_or_else(strange)?;
        let run =
            Run { engine: engine.to_owned(), scene: scene.to_owned(), chooser: "random", seed: 1, count: 1 };
        self.start(&run, Some(&path), &folder().join("kept").join("replay"))
    }

    /// Plays a run to its end, whatever fails, and counts: after a failure it goes on with another seed.
    pub(crate) fn count(&self, run: &Run) -> Result<Found, Error> {
        let mut found = Found::default();
        let mut rest = run.clone();
        while rest.count > 0 {
            let outcome = self.start(&rest, None, &folder().join("kept").join("wounds"))?;
            found.schedules += outcome.schedules;
            rest.count = rest.count.saturating_sub(outcome.schedules.max(1));
            rest.seed += 1_000;
            if let Some((what, _)) = outcome.failure {
                found.failed += 1;
                found.first.get_or_insert((found.schedules, what));
            }
        }
        Ok(found)
    }

    fn start(&self, run: &Run, replay: Option<&Path>, kept: &Path) -> Result<Outcome, Error> {
        let _ = fs::remove_dir_all(kept);
        fs::create_dir_all(kept)?;
        let mut command = Command::new(&self.program);
        command.args(["--engine", &run.engine, "--scene", &run.scene, "--chooser", run.chooser]);
        command.args(["--seed", &run.seed.to_string(), "--count", &run.count.to_string()]);
        command.arg("--kept").arg(kept);
        if let Some(replay) = replay {
            command.arg("--replay").arg(replay);
        }
        let output = command.env("RUST_BACKTRACE", "0").stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let fields: Vec<&str> = said.trim_end().split('\t').collect();
        match fields.as_slice() {
            ["good", schedules] => Ok(Outcome { schedules: schedules.parse()?, failure: None }),
            ["bad", schedules, path, what] => Ok(Outcome {
                schedules: schedules.parse()?,
                failure: Some(((*what).to_owned(), PathBuf::from(path))),
            }),
            _ => {
                let errors = String::from_utf8_lossy(&output.stderr);
                Err(format!("the player ended with {}: {said}{errors}", output.status).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_shared_evenly_and_none_is_left_over() {
        let runs = share(&["stage2", "stage3"], &["group", "close", "hold"], 100, 7);
        assert_eq!(runs.len(), 12);
        assert!(runs.iter().all(|run| run.count == 9 && run.seed == 7));
        assert_eq!((runs[2].scene.as_str(), runs[2].chooser, runs[3].chooser), ("close", "random", "pct"));
    }
}
