//! Which pending name operations land.
//!
//! **Invariants** What lands is closed under «came before it on the same name»: a directory entry never shows a later
//! state while an earlier change of it is undone, and a rename ties its two entries together. So a rename is
//! atomic, and every reachable state of the map is one subset.

use super::crash::{Crash, CrashKind, Profile};
use super::disk::{NameChange, NameOp};
use super::rng::Rng;
use std::collections::BTreeSet;
use std::fmt;

/// For each pending operation, whether it landed.
pub(super) fn landed(pending: &[NameOp], crash: &Crash, rng: &mut Rng) -> Vec<bool> {
    if pending.is_empty() {
        return Vec::new();
    }
    let mut landed: Vec<bool> = match crash.names {
        Some(mask) => (0..pending.len()).map(|i| i >= 64 || mask >> i & 1 == 1).collect(),
        None => draw(pending.len(), crash.kind, rng),
    };
    if crash.profile == Profile::Lenient {
        let committed = pending.iter().rposition(|op| op.committed).map_or(0, |i| i + 1);
        landed[..committed].fill(true);
        let cut = landed.iter().position(|landed| !landed).unwrap_or(landed.len());
        landed[cut..].fill(false);
    } else {
        close(pending, &mut landed);
    }
    landed
}

/// A prefix, all, none, or a coin for each.
fn draw(len: usize, kind: CrashKind, rng: &mut Rng) -> Vec<bool> {
    if kind == CrashKind::FilePrefix {
        let cut = rng.index(len + 1);
        return (0..len).map(|i| i < cut).collect();
    }
    match rng.below(4) {
        0 => vec![true; len],
        1 => vec![false; len],
        _ => (0..len).map(|_| rng.coin()).collect(),
    }
}

/// Takes back every operation that comes after a missing one on the same name.
fn close(pending: &[NameOp], landed: &mut [bool]) {
    let mut blocked = BTreeSet::new();
    for (op, landed) in pending.iter().zip(landed) {
        let touched = op.change.touches();
        if !*landed || touched.iter().any(|name| blocked.contains(name)) {
            *landed = false;
            blocked.extend(touched);
        }
    }
}

impl fmt::Display for NameChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link { name, .. } => write!(f, "create {name}"),
            Self::Unlink { name, .. } => write!(f, "remove {name}"),
            Self::Rename { from, to, .. } => write!(f, "rename {from} to {to}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn what_lands_is_closed_under_what_came_before_on_the_same_name() {
        let op = |change| NameOp { change, committed: false };
        let name = |name: &str| -> Arc<str> { name.into() };
        let pending = [
            op(NameChange::Link { name: name("a.tmp"), id: 0 }),
            op(NameChange::Link { name: name("b"), id: 1 }),
            op(NameChange::Rename { from: name("a.tmp"), to: name("a"), id: 0 }),
            op(NameChange::Unlink { name: name("a"), id: 0 }),
            op(NameChange::Unlink { name: name("b"), id: 1 }),
        ];
        let closed = |coins: [u8; 5]| {
            let mut landed = coins.map(|coin| coin == 1);
            close(&pending, &mut landed);
            landed.map(u8::from)
        };
        assert_eq!(closed([1, 1, 1, 1, 1]), [1, 1, 1, 1, 1]);
        assert_eq!(
            closed([0, 1, 1, 1, 1]),
            [0, 1, 0, 0, 1],
            "no rename of what is not there, and no removal of that"
        );
        assert_eq!(closed([1, 0, 1, 1, 1]), [1, 0, 1, 1, 0], "other names do not wait");
        assert_eq!(
            closed([1, 1, 0, 1, 1]),
            [1, 1, 0, 0, 1],
            "a rename blocks the name that it would have given"
        );
        assert_eq!(closed([1, 1, 1, 0, 0]), [1, 1, 1, 0, 0]);
    }
}
