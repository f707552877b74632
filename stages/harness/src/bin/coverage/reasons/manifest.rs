//! What never happens in the manifest, and why.

use super::Reason;

pub(crate) static REASONS: &[Reason] = &[];
