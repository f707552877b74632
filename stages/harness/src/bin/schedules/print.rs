//! What came of it, for a person and for the book.

use crate::play::{Found, Outcome, Played, Run};
use crate::wounds::{WOUNDS, Wound};
use std::fmt::Write;
use std::path::Path;

/// The scenes and the mistakes.
pub(crate) fn list(scenes: &[(String, String)]) -> String {
    let mut text = String::from("scenes:\n");
    for (name, what) in scenes {
        let _ = writeln!(text, "  {name:<8} {what}");
    }
    text.push_str("mistakes that --self-check makes:\n");
    for wound in &WOUNDS {
        let _ = writeln!(text, "  {:<8} {}, {}: {}", wound.name, wound.engine, wound.scene, wound.what);
    }
    text
}

/// A line for each engine and scene, and one for each failure.
pub(crate) fn table(runs: &[Run], played: &Played) -> String {
    let mut text = format!("{:<8} {:<8} {:>8} {:>8}\n", "engine", "scene", "random", "pct");
    for (runs, outcomes) in runs.chunks(2).zip(played.outcomes.chunks(2)) {
        let _ = write!(text, "{:<8} {:<8}", runs[0].engine, runs[0].scene);
        for outcome in outcomes {
            let _ = write!(text, " {:>8}", outcome.schedules);
        }
        text.push('\n');
    }
    for (run, outcome) in runs.iter().zip(&played.outcomes) {
        text.push_str(&failure(run, outcome));
    }
    let schedules: u64 = played.outcomes.iter().map(|outcome| outcome.schedules).sum();
    let failed = played.outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    let seconds = played.time.as_secs_f64();
    let verdict = if failed == 0 { "nothing found".to_owned() } else { format!("{failed} runs failed") };
    let _ = writeln!(text, "{schedules} schedules in {seconds:.1} s: {verdict}");
    text
}

fn failure(run: &Run, outcome: &Outcome) -> String {
    let Some((what, path)) = &outcome.failure else { return String::new() };
    format!(
        "\n{} fails in scene {}, at schedule {} of {} with seed {}:\n  {what}\nplay it again: cargo xtask schedules --replay {}\n\n",
        run.engine,
        run.scene,
        outcome.schedules,
        run.chooser,
        run.seed,
        path.display()
    )
}

/// What a schedule came to that was played again.
pub(crate) fn replayed(path: &Path, outcome: &Outcome) -> String {
    match &outcome.failure {
        Some((what, _)) => format!("{}: fails again\n  {what}\n", path.display()),
        None => format!("{}: does not fail any more\n", path.display()),
    }
}

/// In how many schedules a mistake was found.
pub(crate) fn found(wound: &Wound, runs: &[Run], found: &[Found]) -> String {
    let mut text = format!("{} ({}, {}): {}\n", wound.name, wound.engine, wound.scene, wound.what);
    for (run, found) in runs.iter().zip(found) {
        let _ =
            write!(text, "  {:<6} found in {} of {} schedules", run.chooser, found.failed, found.schedules);
        if let Some((first, what)) = &found.first {
            let _ = write!(text, ", first in number {first}: {what}");
        }
        text.push('\n');
    }
    text
}
