//! YCSB's core workloads, A to F: every operation is drawn before the watch starts, with what it must answer.
//!
//! A [`Model`] knows how often each key was written. A [`Plan`] is drawn from it: operations, and beside them the
//! entries that they write or must find. Time may end a plan early, so the model learns afterwards what was done.
//!
//! **Invariants**
//! 1. The same seed and model give the same plan to every engine.
//! 2. A get, and the first pair of a walk, is compared with what was written last; the length of a walk with how many
//!    keys there are. At the end of all, everything is.
//!
//! **Source** The workload files of YCSB's core package (`workloada` to `workloadf`). A to C and F draw keys by Zipf's
//! law, spread over all keys; D draws from the keys that came last; E draws the beginning by Zipf's law and the length
//! evenly from 1 to 100. Ours have one value instead of ten fields, and a walk reads 1 to 100 pairs.

#[cfg(test)]
mod tests;

use crate::check;
use crate::entries::{self, Entries, Random, Sizes, Zipf, small};
use crate::timing::{self, Timed};
use anyhow::Result;
use contract::Engine;
use std::time::Duration;

/// What a workload is made of, in percent; what is missing to a hundred are gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    /// Puts over present keys.
    updates: u64,
    /// Puts of new keys.
    inserts: u64,
    /// Walks.
    walks: u64,
    /// Gets, each followed by a put of its key.
    rewrites: u64,
    /// Whether keys are those that came last, and not any.
    latest: bool,
    /// How many operations are asked for at most.
    pub ops: u64,
}

const GETS: Mix = Mix { updates: 0, inserts: 0, walks: 0, rewrites: 0, latest: false, ops: 200_000 };

/// «Update heavy»: a store of sessions.
pub static A: Mix = Mix { updates: 50, ..GETS };
/// «Read mostly»: tags of photographs.
pub static B: Mix = Mix { updates: 5, ..GETS };
/// «Read only»: profiles of users.
pub static C: Mix = GETS;
/// «Read latest»: what people post.
pub static D: Mix = Mix { inserts: 5, latest: true, ..GETS };
/// «Short ranges»: threads of a conversation.
pub static E: Mix = Mix { inserts: 5, walks: 95, ops: 20_000, ..GETS };
/// «Read-modify-write»: records that users change.
pub static F: Mix = Mix { rewrites: 50, ..GETS };

/// The longest walk, in pairs.
const LONGEST_WALK: u64 = 100;

/// How often each key was written.
#[derive(Clone)]
pub struct Model {
    sizes: Sizes,
    generations: Vec<u64>,
}

/// Operations to be done, in order, and the entries that they write or must find.
pub struct Plan {
    steps: Vec<Step>,
    entries: Entries,
}

struct Step {
    op: Op,
    /// The key, by its number in the model.
    key: u64,
    /// The entry that is found or written.
    entry: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Op {
    Get,
    Put,
    Walk {
        pairs: u64,
    },
    /// A get, then a put of the entry that follows.
    Rewrite,
}

impl Model {
    /// A store as it is after a load.
    pub fn loaded(sizes: Sizes) -> Self {
        Self { sizes, generations: vec![0; small(sizes.n)] }
    }

    /// Draws so many operations. At most n keys are inserted in all: where none is left, there are fewer operations.
    pub fn plan(&self, mix: &Mix, ops: u64) -> Plan {
        let mut random = Random::new(self.sizes.seed ^ mix.salt());
        let zipf = if mix.latest { Zipf::below(self.len(), Zipf::YCSB_THETA) } else { Zipf::spread() };
        let mut after = self.clone();
        let mut plan = Plan { steps: Vec::new(), entries: Entries::none(self.sizes) };
        for _ in 0..ops {
            let (op, is_new) = mix.draw(&mut random);
            let count = after.len();
            let key = match (is_new, mix.latest) {
                (true, _) => count,
                (false, true) => count - 1 - zipf.rank(&mut random),
                (false, false) => entries::mix(zipf.rank(&mut random)) % count,
            };
            if key < 2 * self.sizes.n {
                plan.push(&mut after, op, key);
            }
        }
        plan
    }

    /// Learns that the first `done` operations of a plan were done.
    pub fn done(&mut self, plan: &Plan, done: u64) {
        plan.steps
            .iter()
            .take(small(done))
            .filter(|step| step.op.writes())
            .for_each(|step| self.write(step.key));
    }

    /// Everything that the store holds now.
    pub fn entries(&self) -> Entries {
        let mut all = Entries::none(self.sizes);
        let present = (0..).zip(&self.generations);
        present.for_each(|(key, generation)| all.add(self.sizes, key, *generation));
        all
    }

    fn len(&self) -> u64 {
        self.generations.len() as u64
    }

    fn write(&mut self, key: u64) {
        match self.generations.get_mut(small(key)) {
            Some(generation) => *generation += 1,
            None => self.generations.push(0),
        }
    }
}

impl Mix {
    /// Whether there are puts among the operations.
    pub fn writes(&self) -> bool {
        self.updates + self.inserts + self.rewrites > 0
    }

    /// Whether there are walks among the operations.
    pub fn walks(&self) -> bool {
        self.walks > 0
    }

    /// Different workloads of the same seed are unrelated.
    fn salt(&self) -> u64 {
        100 + (self.updates | self.inserts << 8 | self.walks << 16 | self.rewrites << 24)
    }

    /// The next operation, and whether its key is new.
    fn draw(&self, random: &mut Random) -> (Op, bool) {
        let mut left = random.below(100);
        let walk = Op::Walk { pairs: 1 + random.below(LONGEST_WALK) };
        let parts = [
            (self.updates, Op::Put, false),
            (self.inserts, Op::Put, true),
            (self.walks, walk, false),
            (self.rewrites, Op::Rewrite, false),
        ];
        for (percent, op, is_new) in parts {
            if left < percent {
                return (op, is_new);
            }
            left -= percent;
        }
        (Op::Get, false)
    }
}

impl Op {
    fn writes(self) -> bool {
        matches!(self, Self::Put | Self::Rewrite)
    }
}

impl Plan {
    fn push(&mut self, model: &mut Model, op: Op, key: u64) {
        self.steps.push(Step { op, key, entry: self.entries.len() });
        if op != Op::Put {
            self.entries.add(model.sizes, key, model.generations[small(key)]);
        }
        if op.writes() {
            model.write(key);
            self.entries.add(model.sizes, key, model.generations[small(key)]);
        }
    }

    /// Does the operations until all are done or `limit` is over.
    pub fn run(&self, engine: &dyn Engine, n: u64, limit: Duration) -> Result<Timed> {
        timing::repeat(limit, self.steps.len() as u64, |i| {
            let Step { op, key, entry } = self.steps[small(i)];
            let entries = &self.entries;
            match op {
                Op::Get => check::got(entries, entry, engine.get(entries.key(entry))?.as_deref()),
                Op::Put => Ok(engine.put(entries.key(entry), entries.value(entry))?),
                Op::Walk { pairs } => {
                    let present = n - entries::position(n, key);
                    check::walked(engine, entries, entry, pairs, present)
                }
                Op::Rewrite => {
                    check::got(entries, entry, engine.get(entries.key(entry))?.as_deref())?;
                    Ok(engine.put(entries.key(entry), entries.value(entry + 1))?)
                }
            }
        })
    }

    /// How many operations there are.
    pub fn len(&self) -> u64 {
        self.steps.len() as u64
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}
