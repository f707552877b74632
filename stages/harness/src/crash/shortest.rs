//! The shortest script, and the plainest crashes, that still break the same promise.

use super::explore::{Broken, Tally, explore};
use super::{Plan, Script};
use crate::shrink::shrink;
use contract::Stage;

/// How many images may be judged in order to find it.
const MAX_IMAGES: u64 = 800_000;
/// How many of them on one script.
const MAX_IMAGES_OF_ONE: u64 = 60_000;

/// Makes every life of a script shorter as long as it breaks the promise that `broken` names.
pub fn shortest(stage: &Stage, script: Script, seed: u64, plan: &Plan, broken: Broken) -> (Script, Broken) {
    let mut left = MAX_IMAGES;
    let mut breaks = |script: &Script, plan: &Plan| {
        let mut left_of_one = MAX_IMAGES_OF_ONE;
        let mut see = |images| {
            left = left.saturating_sub(images);
            left_of_one = left_of_one.saturating_sub(images);
            left > 0 && left_of_one > 0
        };
        let found = explore(stage, script, seed, plan, &mut Tally::default(), &mut see);
        let found = *found?.err()?;
        (found.failure.invariant == broken.failure.invariant).then_some(found)
    };
    let plans = (1..=broken.path.len().max(1)).map(|depth| narrow(plan, &broken, depth));
    let found = plans.into_iter().find_map(|plan| Some((breaks(&script, &plan)?, plan)));
    let Some((mut best, plan)) = found else { return (script, broken) };
    let mut script = script;
    script.lives.truncate(best.path.len().max(1));
    for life in 0..script.lives.len() {
        let ops = shrink(&script.lives[life].clone(), |ops| {
            let mut shorter = script.clone();
            shorter.lives[life] = ops.to_vec();
            let found = breaks(&shorter, &plan);
            let shorter = found.is_some();
            best = found.unwrap_or_else(|| best.clone());
            shorter
        });
        script.lives[life] = ops;
    }
    (script, best)
}

/// So many crashes in a row, of the kinds that led there: first the shallow ones, which are easier to understand.
fn narrow(plan: &Plan, broken: &Broken, depth: usize) -> Plan {
    let mut kinds: Vec<_> = broken.path.iter().map(|moment| moment.crash.kind).collect();
    kinds.sort_by_key(|kind| *kind as u8);
    kinds.dedup();
    let mut profiles: Vec<_> = broken.path.iter().map(|moment| moment.crash.profile).collect();
    profiles.sort_by_key(|profile| *profile as u8);
    profiles.dedup();
    let (later_calls, later_draws) = (4 * plan.later_calls, 4 * plan.later_draws);
    Plan {
        later_kinds: kinds.clone(),
        kinds,
        profiles,
        depth,
        branch: 1,
        later_calls,
        later_draws,
        ..plan.clone()
    }
}
