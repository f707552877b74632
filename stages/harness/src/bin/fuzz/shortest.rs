//! The shortest input that still breaks the same promise, and the plainest of that length.

use crate::run::check;
use harness::failure::Failure;
use harness::fuzz::Ready;

/// How often the target is run at most.
const MAX_RUNS: usize = 5000;

/// Leaves out pieces, from half of the input down to single bytes, and makes zeros of the bytes that are left.
pub(crate) fn shortest(ready: &Ready, input: &[u8], failure: &Failure) -> Vec<u8> {
    let mut runs = 0;
    let mut fails = |input: &[u8]| {
        runs += 1;
        runs <= MAX_RUNS && check(ready, input).is_err_and(|other| other.invariant == failure.invariant)
    };
    let mut best = input.to_vec();
    loop {
        let before = best.clone();
        let mut piece = (best.len() / 2).max(1);
        loop {
            let mut at = 0;
            while at < best.len() {
                let mut shorter = best.clone();
                shorter.drain(at..(at + piece).min(best.len()));
                if fails(&shorter) {
                    best = shorter;
                } else {
                    at += piece;
                }
            }
            if piece == 1 {
                break;
            }
            piece /= 2;
        }
        for at in 0..best.len() {
            let mut plainer = best.clone();
            plainer[at] = 0;
            if best[at] != 0 && fails(&plainer) {
                best = plainer;
            }
        }
        if best == before {
            return best;
        }
    }
}
