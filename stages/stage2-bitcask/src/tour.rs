//! The tour: a key moves through the active segment, a roll, a hint and a merge.

use contract::TourStep;

/// The steps, in order.
pub(crate) static STEPS: [TourStep; 1] = [TourStep { say: "", run: &["files"] }];
