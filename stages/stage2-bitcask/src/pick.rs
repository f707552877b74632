//! Which segments to merge: a pure function of their sizes.
//!
//! **Invariants**
//! 1. What is picked are neighbours, so that their union is a run again.
//! 2. A merge that starts at the oldest segment drops tombstones; another one keeps them, whatever else is merged.
//! 3. Upkeep comes to an end: a merge makes one file of several, or a run of a plain segment, and a run alone is never
//!    picked.
//! 4. No merge copies more than its share allows: at 50 percent never more bytes than it gives back.
//! 5. Space is bounded: if all sealed segments together have reached the share, something is picked.
//!
//! **Cost** The square of the number of segments, in additions.

use std::ops::Range;

/// What picking knows of a sealed segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Bytes of its frames and floors.
    pub bytes: u64,
    /// Bytes of the frames that the keydir points at, tombstones included.
    pub live_bytes: u64,
    /// Bytes of the tombstones among them.
    pub tombstone_bytes: u64,
    /// Whether it is a run.
    pub is_run: bool,
}

// ANCHOR: pick
/// The neighbours that give back most, among those whose dead share is at least `dead_percent`; of equals the smallest,
/// of those the oldest. `shapes` are the sealed segments, the oldest first.
pub fn pick(shapes: &[Shape], dead_percent: u64) -> Option<Range<usize>> {
    let mut best: Option<(u64, u64, Range<usize>)> = None;
    for first in 0..shapes.len() {
        let (mut bytes, mut dead) = (0, 0);
        for last in first..shapes.len() {
            bytes += shapes[last].bytes;
            dead += dead_bytes(&shapes[last], first == 0);
            let is_run_alone = first == last && shapes[first].is_run;
            let is_due = dead > 0 && u128::from(dead) * 100 >= u128::from(bytes) * u128::from(dead_percent);
            let is_better = best
                .as_ref()
                .is_none_or(|(most, fewest, _)| dead > *most || (dead == *most && bytes < *fewest));
            if is_due && is_better && !is_run_alone {
                best = Some((dead, bytes, first..last + 1));
            }
        }
    }
    best.map(|(_, _, neighbours)| neighbours)
}

/// Bytes of a segment that a merge gives back.
pub fn dead_bytes(shape: &Shape, from_oldest: bool) -> u64 {
    let kept = if from_oldest { shape.live_bytes - shape.tombstone_bytes } else { shape.live_bytes };
    shape.bytes.saturating_sub(kept)
}
// ANCHOR_END: pick

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(bytes: u64, live_bytes: u64) -> Shape {
        Shape { bytes, live_bytes, tombstone_bytes: 0, is_run: false }
    }

    fn run(bytes: u64, live_bytes: u64) -> Shape {
        Shape { is_run: true, ..plain(bytes, live_bytes) }
    }

    #[test]
    fn only_what_reaches_the_share_is_picked_and_nothing_more_is_copied() {
        assert_eq!(pick(&[], 50), None);
        assert_eq!(pick(&[plain(100, 51)], 50), None);
        assert_eq!(pick(&[plain(100, 50)], 50), Some(0..1));
        assert_eq!(pick(&[plain(100, 100), plain(100, 0), plain(100, 100)], 50), Some(1..2));
        assert_eq!(pick(&[plain(100, 10), plain(100, 20), plain(100, 100)], 50), Some(0..2));
        assert_eq!(pick(&[plain(0, 0), plain(100, 100)], 1), None);
    }

    #[test]
    fn a_run_alone_is_left_and_takes_part_with_a_neighbour() {
        assert_eq!(pick(&[run(100, 0)], 50), None);
        assert_eq!(pick(&[run(100, 0), plain(10, 10)], 50), Some(0..2));
        assert_eq!(pick(&[plain(100, 100), run(100, 50), plain(100, 100)], 50), None);
    }

    #[test]
    fn tombstones_are_dead_only_from_the_oldest_segment_on() {
        let tombstones = Shape { tombstone_bytes: 100, ..plain(100, 100) };
        assert_eq!(pick(&[tombstones], 50), Some(0..1));
        assert_eq!(pick(&[plain(100, 100), tombstones], 51), None);
        assert_eq!(pick(&[plain(100, 100), tombstones], 50), Some(0..2));
    }

    #[test]
    fn merging_until_nothing_is_due_ends_and_leaves_less_than_the_share() {
        // A small generator of its own: the numbers only have to be many and different.
        let mut state = 7u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..200 {
            let mut shapes: Vec<Shape> = (0..=next(12))
                .map(|_| {
                    let (bytes, is_run) = (next(1000), next(2) == 0);
                    let live_bytes = next(bytes + 1);
                    Shape { bytes, live_bytes, tombstone_bytes: next(live_bytes + 1), is_run }
                })
                .collect();
            let mut rounds = 0;
            while let Some(neighbours) = pick(&shapes, 40) {
                let from_oldest = neighbours.start == 0;
                let kept: u64 =
                    shapes[neighbours.clone()].iter().map(|s| s.bytes - dead_bytes(s, from_oldest)).sum();
                let tombstone_bytes = if from_oldest {
                    0
                } else {
                    shapes[neighbours.clone()].iter().map(|s| s.tombstone_bytes).sum()
                };
                let merged = Shape { bytes: kept, live_bytes: kept, tombstone_bytes, is_run: true };
                shapes.splice(neighbours, [merged]);
                rounds += 1;
                assert!(rounds <= 24, "picks for ever: {shapes:?}");
            }
            let bytes: u64 = shapes.iter().map(|s| s.bytes).sum();
            let dead: u64 = shapes.iter().map(|s| dead_bytes(s, true)).sum();
            assert!(shapes.len() == 1 || dead * 100 < bytes * 40 || dead == 0, "{shapes:?}");
        }
    }
}
