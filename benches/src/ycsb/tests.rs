//! What plans are made of, and that a model follows what was done.

use super::*;
use crate::engines::Subject;
use crate::store::{self, Store};
use contract::Durability;
use std::collections::BTreeMap;
use std::sync::Arc;
use vfs::MemFs;

const SIZES: Sizes = Sizes { n: 1000, value_bytes: 20, seed: 7 };

#[test]
fn each_mix_is_as_it_is_defined() {
    let mut random = Random::new(1);
    let shares = |mix: &Mix, random: &mut Random| {
        let mut counts = [0; 5];
        for _ in 0..20_000 {
            let at = match mix.draw(random) {
                (Op::Get, _) => 0,
                (Op::Put, false) => 1,
                (Op::Put, true) => 2,
                (Op::Walk { .. }, _) => 3,
                (Op::Rewrite, _) => 4,
            };
            counts[at] += 1;
        }
        counts.map(|count: u32| (count + 100) / 200)
    };
    let expected = [
        (&A, [50, 50, 0, 0, 0]),
        (&B, [95, 5, 0, 0, 0]),
        (&C, [100, 0, 0, 0, 0]),
        (&D, [95, 0, 5, 0, 0]),
        (&E, [0, 0, 5, 95, 0]),
        (&F, [50, 0, 0, 0, 50]),
    ];
    for (mix, expected) in expected {
        let seen = shares(mix, &mut random);
        assert!(seen.iter().zip(expected).all(|(&a, b): (&u32, u32)| a.abs_diff(b) <= 1), "{seen:?}");
    }
}

#[test]
fn the_latest_keys_are_read_most() {
    let plan = Model::loaded(SIZES).plan(&D, 2000);
    let mut newest = SIZES.n;
    let mut ages = BTreeMap::<u64, u32>::new();
    for step in &plan.steps {
        match step.op {
            Op::Put => newest += 1,
            _ => *ages.entry(newest - 1 - step.key).or_default() += 1,
        }
    }
    assert!(newest > SIZES.n + 50, "keys are inserted");
    let young: u32 = ages.range(..10).map(|(_, count)| count).sum();
    assert!(young > 600, "{young} of some 1900 reads are of the ten newest keys");
}

/// Runs all workloads on one store, the second of them cut short, and compares everything at the end.
#[test]
fn what_was_done_of_a_plan_is_what_the_store_holds() -> Result<()> {
    let store = Store::open(&Subject::named("oracle")?, Arc::new(MemFs::new()), Durability::OnRequest)?;
    store.load(&store::all(SIZES), 0)?;
    let mut model = Model::loaded(SIZES);
    for (mix, ops) in [(&A, 3000), (&D, 2000), (&F, 1000), (&E, 500), (&A, 17)] {
        let mut plan = model.plan(mix, ops);
        plan.steps.truncate(plan.steps.len() * 3 / 4);
        let timed = plan.run(&*store, SIZES.n, Duration::MAX)?;
        assert_eq!(timed.ops, ops * 3 / 4);
        model.done(&plan, timed.ops);
    }
    check::holds_exactly(&*store, &model.entries(), 1)?;
    let plan = model.plan(&A, 100);
    model.done(&plan, 10);
    assert!(check::holds_exactly(&*store, &model.entries(), 1).is_err(), "ten operations are missing");
    Ok(())
}
