//! Size-tiered: neighbours of a similar size are merged, few times for each entry.
//!
//! **Cost** Each entry is rewritten about once for every factor of [`fan_out`](Rules::fan_out) that the store is larger
//! than a flush. Between merges there may be that many runs of each size, and a get asks them all. Space is bounded by
//! a second rule: once all newer runs together are larger than the oldest, everything is merged. How many runs there are
//! is bounded by a third one, whatever their sizes: as many as there are of each size, times the sizes that there can be.

use super::{Job, Rules, Shape};

// ANCHOR: pick
/// What to merge next.
pub(super) fn pick(shape: &Shape, rules: &Rules) -> Option<Job> {
    let sizes: Vec<u64> = shape.runs.iter().map(super::RunShape::bytes).collect();
    too_much_above_the_oldest(&sizes, rules)
        .or_else(|| similar_neighbours(&sizes, rules))
        .or_else(|| too_many(&sizes, rules))
        .map(|runs| shape.whole_runs(runs))
}

/// Everything, once the runs above the oldest hold more bytes than it does: then half of the store may be dead.
fn too_much_above_the_oldest(sizes: &[u64], rules: &Rules) -> Option<std::ops::Range<usize>> {
    let (oldest, newer) = sizes.split_last()?;
    let due = newer.len() + 1 >= rules.fan_out && newer.iter().sum::<u64>() > *oldest;
    due.then_some(0..sizes.len())
}

/// The newest stretch of as many neighbours as are merged at a time, none of which is larger than one and a half times
/// the average of those before it. What is smaller than half a flush counts as half a flush.
fn similar_neighbours(sizes: &[u64], rules: &Rules) -> Option<std::ops::Range<usize>> {
    let size = |i: usize| u128::from(sizes[i].max(rules.flush_bytes / 2).max(1));
    (0..sizes.len()).find_map(|start| {
        let (mut end, mut sum) = (start, 0);
        while end < sizes.len() && (end == start || 2 * size(end) * (end - start) as u128 <= 3 * sum) {
            sum += size(end);
            end += 1;
        }
        (end - start >= rules.fan_out).then_some(start..end)
    })
}

/// Of more runs than sizes can tell apart, the neighbours that cost least. Where large and small take turns, no stretch
/// is of a similar size, and runs would become ever more.
fn too_many(sizes: &[u64], rules: &Rules) -> Option<std::ops::Range<usize>> {
    let flushes = sizes.iter().sum::<u64>() / rules.flush_bytes.max(1);
    let tiers = 1 + flushes.max(1).ilog(rules.fan_out.max(2) as u64) as usize;
    let stretches = sizes.windows(rules.fan_out).map(|stretch| stretch.iter().sum::<u64>());
    let (start, _) = stretches.enumerate().min_by_key(|(_, bytes)| *bytes)?;
    (sizes.len() > rules.fan_out * tiers).then_some(start..start + rules.fan_out)
}
// ANCHOR_END: pick
