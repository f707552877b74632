//! The shortest script that still fails: what a person can hold in the head.
//!
//! First whole stretches of operations are left out, from half of the list down to single ones; then each operation
//! that is left is made plainer. Both go on until nothing more can be had, or the budget is used up.
//!
//! **Cost** O(n log n) runs of the test where most operations do not matter, O(n²) at worst, and never more than
//! [`MAX_RUNS`].
//!
//! **Source** Zeller and Hildebrandt, *Simplifying and Isolating Failure-Inducing Input*, TSE 2002.

use crate::ops::{Op, Range};
use contract::Batch;
use std::ops::Bound;

/// How often the test is run at most.
pub const MAX_RUNS: usize = 3000;

/// The shortest list like `ops`, which fails, that still fails.
pub fn shrink(ops: &[Op], mut fails: impl FnMut(&[Op]) -> bool) -> Vec<Op> {
    let mut left = MAX_RUNS;
    let mut still_fails = |ops: &[Op]| {
        left = left.saturating_sub(1);
        left > 0 && fails(ops)
    };
    let mut best = ops.to_vec();
    loop {
        let before = best.clone();
        leave_out(&mut best, &mut still_fails);
        make_plainer(&mut best, &mut still_fails);
        if best == before {
            return best;
        }
    }
}

// ANCHOR: leave_out
fn leave_out(best: &mut Vec<Op>, fails: &mut impl FnMut(&[Op]) -> bool) {
    let mut stretch = best.len().div_ceil(2);
    while stretch > 0 {
        let mut start = 0;
        while start < best.len() {
            let end = (start + stretch).min(best.len());
            let shorter = [&best[..start], &best[end..]].concat();
            if fails(&shorter) {
                *best = shorter;
            } else {
                start = end;
            }
        }
        stretch /= 2;
    }
}
// ANCHOR_END: leave_out

fn make_plainer(best: &mut [Op], fails: &mut impl FnMut(&[Op]) -> bool) {
    for i in 0..best.len() {
        while let Some(plainer) = plainer(&best[i]).into_iter().find(|op| {
            let mut ops = best.to_vec();
            ops[i] = op.clone();
            fails(&ops)
        }) {
            best[i] = plainer;
        }
    }
}

/// Operations that are a step plainer than `op`, the plainest first. No chain of steps goes on without end.
fn plainer(op: &Op) -> Vec<Op> {
    match op {
        Op::Put { key, value } => pairs(key, value).map(|(key, value)| Op::Put { key, value }).collect(),
        Op::PutIfAbsent { key, value } => {
            let put = Op::Put { key: key.clone(), value: value.clone() };
            let same = pairs(key, value).map(|(key, value)| Op::PutIfAbsent { key, value });
            std::iter::once(put).chain(same).collect()
        }
        Op::Delete { key } => shorter(key).map(|key| Op::Delete { key }).collect(),
        Op::Batch(batch) => batches(batch),
        Op::Get { key } => shorter(key).map(|key| Op::Get { key }).collect(),
        Op::Contains { key } => shorter(key).map(|key| Op::Contains { key }).collect(),
        Op::Explain { key } => shorter(key).map(|key| Op::Explain { key }).collect(),
        Op::ScanPrefix { prefix } => shorter(prefix).map(|prefix| Op::ScanPrefix { prefix }).collect(),
        Op::Scan(range) => ranges(range).map(Op::Scan).collect(),
        Op::Hold(range) => ranges(range).map(Op::Hold).collect(),
        _ => Vec::new(),
    }
}

fn shorter(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + use<> {
    let len = bytes.len();
    let cuts = [0, 1, len / 2, len.saturating_sub(1)];
    let mut plain: Vec<_> = cuts.into_iter().filter(|n| *n < len).map(|n| bytes[..n].to_vec()).collect();
    plain.dedup();
    plain.into_iter()
}

fn pairs(key: &[u8], value: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + use<> {
    let (k, v) = (key.to_vec(), value.to_vec());
    let values = shorter(value).map(move |value| (k.clone(), value));
    values.chain(shorter(key).map(move |key| (key, v.clone())))
}

fn batches(batch: &Batch) -> Vec<Op> {
    let entries: Vec<_> = batch.iter().collect();
    let mut plain = Vec::new();
    if let [entry] = entries[..] {
        let key = entry.key.to_vec();
        plain.push(match entry.value {
            Some(value) => Op::Put { key, value: value.to_vec() },
            None => Op::Delete { key },
        });
    }
    for left_out in 0..entries.len() {
        let mut batch = Batch::new();
        for (i, entry) in entries.iter().enumerate() {
            if i != left_out {
                batch.push(*entry);
            }
        }
        plain.push(Op::Batch(batch));
    }
    plain
}

fn ranges(range: &Range) -> impl Iterator<Item = Range> + use<> {
    let open = |bound: &Bound<Vec<u8>>| (*bound != Bound::Unbounded).then_some(Bound::Unbounded);
    let (start, end) = (range.start.clone(), range.end.clone());
    let starts = open(&start).map(|start| Range { start, end: end.clone() });
    let ends = open(&end).map(|end| Range { start: start.clone(), end });
    starts.into_iter().chain(ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Shape, generate, text};

    #[test]
    fn only_what_matters_is_left() {
        // «Fails» if some key is put and, later, a compaction follows a delete.
        let fails = |ops: &[Op]| {
            let mut rest = ops.iter();
            rest.any(|op| matches!(op, Op::Put { .. }))
                && rest.any(|op| matches!(op, Op::Delete { .. }))
                && rest.any(|op| *op == Op::Compact)
        };
        let shape = Shape { ops: 300, ..Shape::default() };
        let failing: Vec<_> = (0..10).map(|seed| generate(seed, &shape)).filter(|ops| fails(ops)).collect();
        assert!(!failing.is_empty());
        for ops in failing {
            assert_eq!(text::to_text(&shrink(&ops, fails)), "put \"\" \"\"\ndelete \"\"\ncompact\n");
        }
    }

    #[test]
    fn a_batch_becomes_what_it_must_be() {
        let ops = text::parse("batch put a 1 ; delete b ; put c 333\nhold >=a <=c\n").unwrap();
        let fails =
            |ops: &[Op]| matches!(&ops.first(), Some(Op::Batch(b)) if b.iter().any(|e| e.key == b"c"));
        assert_eq!(text::to_text(&shrink(&ops, fails)), "batch put c 333\n");
        let fails = |ops: &[Op]| matches!(&ops.first(), Some(op) if op.bytes() >= 3);
        assert_eq!(text::to_text(&shrink(&ops, fails)), "put c 33\n");
    }
}
