//! The shortest script, and the plainest crashes, that still break the same promise.

use super::explore::{Broken, Tally, explore};
use super::{Plan, Script};
use crate::shrink::shrink;
use contract::Stage;

/// How many images may be judged in order to find it.
const MAX_IMAGES: u64 = 400_000;

/// Makes every life of a script shorter as long as it breaks the promise that `broken` names.
pub fn shortest(stage: &Stage, script: Script, seed: u64, plan: &Plan, broken: Broken) -> (Script, Broken) {
    let narrow = narrow(plan, &broken);
    let mut images = 0;
    let mut breaks = |script: &Script| {
        if images >= MAX_IMAGES {
            return None;
        }
        let mut tally = Tally::default();
        let found = explore(stage, script, seed, &narrow, &mut tally, &mut |_| true);
        images += tally.images();
        let found = *found?.err()?;
        (found.failure.invariant == broken.failure.invariant).then_some(found)
    };
    let Some(mut best) = breaks(&script) else { return (script, broken) };
    let mut script = script;
    script.lives.truncate(best.path.len().max(1));
    for life in 0..script.lives.len() {
        let ops = shrink(&script.lives[life].clone(), |ops| {
            let mut shorter = script.clone();
            shorter.lives[life] = ops.to_vec();
            breaks(&shorter).is_some()
        });
        script.lives[life] = ops;
    }
    if let Some(found) = explore(stage, &script, seed, &narrow, &mut Tally::default(), &mut |_| true) {
        best = found.err().map_or(best, |found| *found);
    }
    (script, best)
}

/// Only crashes like those that led there, but all of them.
fn narrow(plan: &Plan, broken: &Broken) -> Plan {
    let kinds = |path: &[super::Moment]| {
        let mut kinds: Vec<_> = path.iter().map(|moment| moment.crash.kind).collect();
        kinds.dedup();
        kinds
    };
    let mut profiles: Vec<_> = broken.path.iter().map(|moment| moment.crash.profile).collect();
    profiles.dedup();
    let first = broken.path.len().min(1);
    Plan {
        kinds: kinds(&broken.path[..first]),
        later_kinds: kinds(&broken.path[first..]),
        profiles,
        depth: broken.path.len(),
        branch: 1,
        later_draws: 4 * plan.later_draws,
        ..plan.clone()
    }
}
