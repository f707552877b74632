//! What a store may hold after a crash: kept outside the simulated disk, from nothing but what was asked for and what
//! was acknowledged.
//!
//! **Layout** *Points* are the states between steps; a step is one operation, or half of one that closes and opens. A
//! window of points says what a crash at a call may leave:
//!
//! ```text
//!   points   0 ────── synced ─────────── acknowledged ─────── issued
//!                       │  power loss: any of these │              │
//!                       │                           └ process kill ┤
//! ```
//! **Invariants**
//! 1. A point has several states only where a call failed and nobody knows what it did.
//! 2. Everything here is known to the caller of the engine; nothing is read from its files.

use crate::model::Model;
use crate::ops::Op;
use std::collections::{BTreeMap, BTreeSet};

/// What was asked of a store, when, and what became of it.
#[derive(Clone, Debug)]
pub struct Ledger {
    points: Vec<Vec<Model>>,
    /// The operation that led to each point, if it was one.
    ops: Vec<Option<Op>>,
    steps: Vec<Step>,
    /// How many points were there before the first step: those of earlier lives up to what opening found.
    inherited: usize,
    /// The inherited point to which power loss may take the store back.
    floor: usize,
    /// What the store held before the first operation that failed, if one did.
    undoubted: Option<Vec<Model>>,
    /// Whether the store has merged in an earlier life.
    had_merged: bool,
    written: Written,
}

/// Every value that a key was ever given. Also says which keys there are.
pub type Written = BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>>;

/// One operation, as the world outside saw it.
#[derive(Clone, Debug)]
pub struct Step {
    /// What was asked for; `None` where a store was opened.
    pub op: Option<Op>,
    /// The number of mutating calls before it.
    pub began: u64,
    /// The number of mutating calls when it was acknowledged; `None` if it never was.
    pub ended: Option<u64>,
    /// Whether power loss cannot take back what was acknowledged up to here.
    pub durable: bool,
    /// Whether the store has merged or compacted in it.
    pub merged: bool,
}

// ANCHOR: window
/// Which points a crash may leave, each bound included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// The oldest after power loss.
    pub synced: usize,
    /// The oldest after the death of the process.
    pub acknowledged: usize,
    /// The newest.
    pub issued: usize,
}

impl Window {
    /// The oldest that may be left.
    pub fn oldest(&self, process_kill: bool) -> usize {
        if process_kill { self.acknowledged } else { self.synced }
    }
}
// ANCHOR_END: window

impl Ledger {
    /// The ledger of a store that does not exist yet.
    pub fn new() -> Self {
        Self {
            points: vec![vec![Model::new()]],
            ops: vec![None],
            steps: Vec::new(),
            inherited: 1,
            floor: 0,
            undoubted: None,
            had_merged: false,
            written: Written::new(),
        }
    }

    /// The ledger of the life that begins with the point `found` of this one. Power loss may still take it back to
    /// `floor`.
    #[must_use]
    pub fn next_life(&self, found: usize, floor: usize) -> Self {
        Self {
            points: self.points[..=found].to_vec(),
            ops: self.ops[..=found].to_vec(),
            steps: Vec::new(),
            inherited: found + 1,
            floor,
            undoubted: None,
            had_merged: self.has_merged(u64::MAX),
            written: self.written.clone(),
        }
    }

    /// The points.
    pub fn points(&self) -> &[Vec<Model>] {
        &self.points
    }

    /// The steps; step `i` leads to the point `i + inherited`.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Every value that was ever written.
    pub fn written(&self) -> &Written {
        &self.written
    }

    /// The operation that led to the point `at`, if it was one.
    pub fn op_to(&self, at: usize) -> Option<&Op> {
        self.ops.get(at)?.as_ref()
    }

    /// Notes that an operation begins: from now on it may have happened.
    pub fn begin(&mut self, op: Option<&Op>, call: u64) {
        let now = self.points.last().cloned().unwrap_or_default();
        let states = now.into_iter().map(|mut state| {
            if let Some(op) = op {
                state.apply(op);
            }
            state
        });
        self.points.push(states.collect());
        self.ops.push(op.cloned());
        for (key, value) in op.into_iter().flat_map(writes) {
            self.written.entry(key).or_default().extend(value);
        }
        self.steps.push(Step { op: op.cloned(), began: call, ended: None, durable: false, merged: false });
    }

    /// Notes that the last operation was acknowledged, and whether everything up to it is then durable.
    pub fn acknowledge(&mut self, call: u64, durable: bool) {
        if let Some(step) = self.steps.last_mut() {
            (step.ended, step.durable) = (Some(call), durable);
        }
    }

    /// Notes that the last operation merged or compacted.
    pub fn merged(&mut self) {
        if let Some(step) = self.steps.last_mut() {
            step.merged = true;
        }
    }

    /// Whether the store has begun to merge or compact before the call `at_call`, in this life or an earlier one.
    pub fn has_merged(&self, at_call: u64) -> bool {
        self.had_merged || self.steps.iter().any(|step| step.merged && step.began < at_call)
    }

    /// Whether a crash before the call `at_call` takes effect comes into the middle of a merge or a compaction.
    pub fn is_merging(&self, at_call: u64) -> bool {
        let inside = |step: &Step| step.began < at_call && step.ended.is_none_or(|ended| at_call < ended);
        self.steps.iter().any(|step| step.merged && inside(step))
    }

    /// Notes that the last operation failed: it may have happened or not, and what comes later is in the same doubt.
    pub fn failed(&mut self) {
        let at = self.points.len() - 1;
        let before = self.points[at - 1].clone();
        self.undoubted.get_or_insert_with(|| before.clone());
        for state in before {
            if !self.points[at].contains(&state) {
                self.points[at].push(state);
            }
        }
    }

    /// Notes that the store was opened: what was in doubt is decided, and nobody has said how. `lost`: bytes that no
    /// sync had covered may be gone, without a crash.
    pub fn opened(&mut self, lost: bool) {
        self.undoubted = None;
        let synced = self.window(u64::MAX).synced;
        let newest = self.points.len() - 1;
        for at in if lost { synced..newest } else { newest..newest } {
            for state in self.points[at].clone() {
                if !self.points[newest].contains(&state) {
                    self.points[newest].push(state);
                }
            }
        }
    }

    /// Notes that the last operation was refused before it had any effect.
    pub fn refused(&mut self) {
        let at = self.points.len() - 1;
        self.points[at] = self.points[at - 1].clone();
    }

    /// Notes that the store accepts another write, the last operation: then what failed before must have been undone.
    pub fn the_doubtful_was_undone(&mut self) {
        let (Some(mut states), Some(op)) = (self.undoubted.take(), self.ops.last().cloned().flatten()) else {
            return;
        };
        for state in &mut states {
            state.apply(&op);
        }
        *self.points.last_mut().unwrap_or(&mut Vec::new()) = states;
    }

    /// What the store may hold now.
    pub fn now(&self) -> &[Model] {
        self.points.last().map_or(&[], Vec::as_slice)
    }

    /// What a crash before the call `at_call` takes effect may leave.
    pub fn window(&self, at_call: u64) -> Window {
        let mut window =
            Window { synced: self.floor, acknowledged: self.inherited - 1, issued: self.inherited - 1 };
        for (i, step) in self.steps.iter().enumerate() {
            let point = self.inherited + i;
            if step.began <= at_call {
                window.issued = point;
            }
            if step.ended.is_some_and(|ended| ended <= at_call) {
                window.acknowledged = point;
                if step.durable {
                    window.synced = point;
                }
            }
        }
        window
    }

    /// Whether nothing but the first opening of this life has been acknowledged before the call `at_call`.
    pub fn is_opening(&self, at_call: u64) -> bool {
        self.window(at_call).acknowledged <= self.inherited
    }

    /// Before this many calls the first opening was not over.
    pub fn opened_at(&self) -> u64 {
        self.steps.first().map_or(0, |step| step.ended.unwrap_or(u64::MAX))
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new()
    }
}

/// The keys that an operation writes, each with the value that it gives, if any.
pub fn writes(op: &Op) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    match op {
        Op::Put { key, value } | Op::PutIfAbsent { key, value } => vec![(key.clone(), Some(value.clone()))],
        Op::Delete { key } => vec![(key.clone(), None)],
        Op::Batch(batch) => {
            batch.iter().map(|entry| (entry.key.to_vec(), entry.value.map(<[u8]>::to_vec))).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::text::parse;

    fn ledger(script: &str) -> Ledger {
        // Every operation makes two calls.
        let mut ledger = Ledger::new();
        for (i, op) in parse(script).unwrap().iter().enumerate() {
            ledger.begin(Some(op), 2 * i as u64);
            ledger.acknowledge(2 * (i as u64 + 1), op.makes_durable());
        }
        ledger
    }

    #[test]
    fn a_window_runs_from_the_last_sync_to_the_operation_in_flight() {
        let ledger = ledger("put a 1\nsync\nput a 2\ndelete a\n");
        let window = |call| {
            let w = ledger.window(call);
            (w.synced, w.acknowledged, w.issued)
        };
        assert_eq!(window(0), (0, 0, 1));
        assert_eq!(window(1), (0, 0, 1));
        assert_eq!(window(2), (0, 1, 2));
        assert_eq!(window(4), (2, 2, 3));
        assert_eq!(window(7), (2, 3, 4));
        assert_eq!(window(8), (2, 4, 4));
    }

    #[test]
    fn a_failed_operation_leaves_both_states_and_so_does_what_follows() {
        let mut ledger = Ledger::new();
        for line in ["put a 1", "put b 2"] {
            ledger.begin(parse(line).unwrap().first(), 0);
            if line == "put a 1" {
                ledger.failed();
            }
        }
        let shown: Vec<_> = ledger.points().iter().map(|states| format!("{states:?}")).collect();
        assert_eq!(shown, ["[{}]", r#"[{"a=1"}, {}]"#, r#"[{"a=1", "b=2"}, {"b=2"}]"#]);
    }
}
