//! A broken promise, told: what was asked for, what reached the disk, what the crash took, what the store says.

use super::Plan;
use super::explore::{Moment, Tally, explore, follow};
use super::lab::Violation;
use super::run::Run;
use crate::ops::text;
use contract::Stage;
use std::fmt::Write as _;
use vfs::sim::{Crash, CrashKind, Profile, SimFs};

/// Tells a violation. The files of each life, as the crash left them, go to `keep`, with a name for each.
pub fn tell(stage: &Stage, violation: &Violation, keep: &mut dyn FnMut(&str, &SimFs)) -> String {
    let Violation { seed, script, broken } = violation;
    let mut text = format!("{} breaks {}\n", stage.name, broken.failure);
    let count: usize = script.lives.iter().map(Vec::len).sum();
    let plural = if count == 1 { "" } else { "s" };
    let _ = write!(text, "\nThe shortest script ({count} operation{plural}, seed {seed}):\n");
    for (life, ops) in script.lives.iter().enumerate().take(broken.path.len().max(1)) {
        if life > 0 {
            text.push_str("  (crash, then in what was left:)\n");
        }
        for line in text::to_text(ops).lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    let mut life = 0;
    let _ = follow(stage, script, *seed, &broken.path, &mut |run, image| {
        let moment = broken.path.get(life).filter(|_| image.is_some());
        tell_life(&mut text, life, run, moment.zip(image));
        if let Some(image) = image {
            keep(&format!("crash-{}", life + 1), image);
        }
        life += 1;
    });
    if names_alone_are_missing(stage, violation) {
        text.push_str(
            "\nOn a filesystem that lands names in order, and with a sync of their file, nothing breaks here: what is \
             missing is a sync of the directory.\n",
        );
    }
    text
}

/// Whether the same script breaks nothing where names land as on ext4.
fn names_alone_are_missing(stage: &Stage, violation: &Violation) -> bool {
    let Violation { seed, script, broken } = violation;
    let strict = broken.path.last().is_some_and(|moment| moment.crash.profile == Profile::Strict);
    let depth = broken.path.len();
    let plan = Plan { profiles: vec![Profile::Lenient], depth, branch: 1, ..Plan::default() };
    let mut left = 20_000u64;
    let mut see = |images| {
        left = left.saturating_sub(images);
        left > 0
    };
    let explored = explore(stage, script, *seed, &plan, &mut Tally::default(), &mut see);
    strict && matches!(explored, Some(Ok(())))
}

fn tell_life(text: &mut String, life: usize, run: &Run<'_>, crash: Option<(&Moment, &SimFs)>) {
    let what = if life == 0 { "The calls to the world" } else { "Recovery, and on" };
    let _ = write!(text, "\n{what}:\n");
    let story = run.fs.story();
    let end = crash.map_or(u64::MAX, |(moment, _)| moment.at_call);
    let mut shown = 0;
    for step in run.ledger.steps().iter().take_while(|step| step.began <= end) {
        let name = step.op.as_ref().map_or("open".to_owned(), ToString::to_string);
        let state = match step.ended {
            Some(ended) if ended <= end && step.durable => "acknowledged, durable",
            Some(ended) if ended <= end => "acknowledged",
            _ => "in flight",
        };
        let _ = writeln!(text, "  {name:<48} {state}");
        let last = step.ended.unwrap_or(u64::MAX).min(end).min(story.len() as u64);
        for line in story.iter().take(usize::try_from(last).unwrap_or(usize::MAX)).skip(shown) {
            let _ = writeln!(text, "      {line}");
        }
        shown = shown.max(usize::try_from(last).unwrap_or(usize::MAX));
    }
    let Some((moment, image)) = crash else { return };
    let next = story.get(usize::try_from(end).unwrap_or(usize::MAX));
    let before = next.map_or("after the last call".to_owned(), |call| format!("before {call}"));
    let _ = writeln!(text, "  ── crash {before}: {}", name(&moment.crash));
    for loss in image.losses() {
        let _ = writeln!(text, "      {loss}");
    }
    let files: Vec<_> =
        image.contents().iter().map(|(name, bytes)| format!("{name} ({} bytes)", bytes.len())).collect();
    let files = if files.is_empty() { "no file".to_owned() } else { files.join(", ") };
    let _ = writeln!(text, "      left on the disk: {files}");
}

/// A crash in words.
pub fn name(crash: &Crash) -> String {
    let what = match crash.kind {
        CrashKind::ProcessKill => "the process is killed",
        CrashKind::GlobalPrefix => "power loss, everything landed in order",
        CrashKind::FilePrefix => "power loss, each file a prefix of its own",
        CrashKind::Pages => "power loss, some pages landed",
        CrashKind::Junk => "power loss, some pages landed, others hold junk",
        CrashKind::Sizes => "power loss, sizes and bytes landed apart",
        CrashKind::Names => "power loss, some names landed",
    };
    let rules = match crash.profile {
        Profile::Strict => "",
        Profile::Lenient => ", names in order",
        Profile::Hard => ", sectors torn",
    };
    format!("K{} ({what}{rules})", crash.kind as u8)
}
