//! The crash lab: crashes a store before every call it makes to the world, opens what is left, and judges it.
//!
//! A *script* is a list of operations for each life of a store: the first life begins with an empty directory, and
//! each later one with what a crash of the life before has left. A life runs to its end on a [`SimFs`]
//! that remembers every call; then each call is taken as the moment of a crash of each kind. From what is left the
//! store is opened, read in every way and verified, and sometimes used again and crashed again: inside the recovery
//! too.
//!
//! **Layout** [`ledger`]: what may be there after a crash. [`verdict`]: what is there, and which promise a difference
//! breaks. [`run`]: one life. [`plan`]: which crashes. [`mod@explore`]: all of them. [`lab`]: many scripts from seeds, on
//! all cores. [`command`]: the command line. [`exhaustive`]: all short scripts. [`shortest`], [`story`]: a broken promise made short, and told.
//!
//! **Invariants**
//! 1. The same stage, seed and plan give the same images and the same verdicts, whatever the number of threads.
//! 2. The judge never looks into a file: it knows what was asked for and what was acknowledged.
//!
//! **Source** Pillai et al., *All File Systems Are Not Created Equal*, OSDI 2014; Mohan et al., *Finding
//! Crash-Consistency Bugs with Bounded Black-Box Crash Testing*, OSDI 2018.

pub mod command;
pub mod exhaustive;
pub mod explore;
pub mod lab;
pub mod ledger;
pub mod plan;
pub mod run;
pub mod shortest;
pub mod story;
pub mod verdict;

use crate::failure::Failure;
use crate::invariant::Invariant;
use crate::ops::{Op, Shape, generate};
pub use explore::{Broken, Moment, Tally, explore};
pub use plan::Plan;
use std::panic::{AssertUnwindSafe, catch_unwind};
use vfs::sim::{Op as Call, SimFs};

/// The operations of each life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// What is done in the first life, then in the second, and so on.
    pub lives: Vec<Vec<Op>>,
}

impl Script {
    /// The script that is `seed`: twelve small operations in the first life, a few in each later one. In every other
    /// some values are larger than two sectors: only then can a crash leave a hole between what landed. In every third
    /// there is upkeep all the time.
    pub fn generate(seed: u64, plan: &Plan) -> Self {
        let small = Shape::small();
        let holes = mix(&[seed, 0x401e]).is_multiple_of(2);
        let shape = Shape { largest_bytes: if holes { 1_500 } else { small.largest_bytes }, ..small };
        let mut lives = vec![generate(seed, &shape)];
        for life in 1..plan.depth {
            // Numbered on from the operations before, so that each life writes values of its own.
            let ops = shape.ops + life * plan.later_ops;
            let all = generate(mix(&[seed, life as u64]), &Shape { ops, ..shape.clone() });
            lives.push(all[ops - plan.later_ops..].to_vec());
        }
        // The death of the process is a crash, and comes everywhere anyway.
        for ops in &mut lives {
            ops.retain(|op| *op != Op::Kill);
            if mix(&[seed, 0x57e9]).is_multiple_of(3) {
                *ops = ops.iter().flat_map(|op| [op.clone(), Op::Step, Op::Step]).collect();
            }
        }
        Self { lives }
    }

    /// What is done in a life, counted from 0.
    pub fn part(&self, life: usize) -> &[Op] {
        self.lives.get(life).map_or(&[], Vec::as_slice)
    }
}

/// One number out of several, spread evenly: the source of every draw, so that a seed is the whole story.
pub fn mix(numbers: &[u64]) -> u64 {
    numbers.iter().fold(0x9e37_79b9_7f4a_7c15, |state, number| {
        let z = (state ^ number).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

/// That nothing in this world has been changed since it was made. A sync changes nothing.
pub fn untouched(fs: &SimFs, by: &str) -> Result<(), Failure> {
    let changes = fs.history().iter().any(|call| !matches!(call.op(), Call::Sync | Call::SyncDir));
    Failure::unless(!changes, Invariant::KeepsUnexplained, || {
        format!("{by} changed the files: {}", fs.story().join(", "))
    })
}

/// Runs a part of a test; a panic of the engine is a failure like any other.
pub fn guard<T>(test: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(test)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word");
        Err(Failure::new(Invariant::NeverPanics, format!("a panic: {said}")))
    })
}
