//! A benchmark that is wrong in several ways, and the same with one mistake after the other mended: what each of them
//! is worth.
//!
//! **Layout** Gets, then puts. Each figure mends one more mistake than the one before it; the last is what the tables
//! of the book show.

use crate::cell::Spec;
use crate::check;
use crate::engines::Subject;
use crate::entries::{Entries, Order, Sizes};
use crate::report::Sample;
use crate::store::{self, Store};
use crate::timing;
use anyhow::Result;
use contract::Durability;
use std::hint::black_box;
use std::sync::Arc;
use vfs::OsFs;

/// Entries of a store that is too small, and how often it is asked.
const FEW: u64 = 10_000;
const GETS: u64 = 200_000;

// ANCHOR: wrong
/// Gets and puts, from what flatters most to what is meant.
pub fn run(subject: &Subject, spec: &Spec) -> Result<Vec<Sample>> {
    let mut samples = gets(subject, spec)?;
    samples.extend(puts(subject, spec)?);
    Ok(samples)
}

fn gets(subject: &Subject, spec: &Spec) -> Result<Vec<Sample>> {
    let limit = spec.effort.limit() / 4;
    let few = Sizes { n: FEW.min(spec.effort.sizes.n), ..spec.effort.sizes };
    let mut samples = Vec::new();
    let mut timed = |name: &str, store: &Store, keys: &Entries, compared: bool| -> Result<()> {
        let timed = timing::repeat(limit, GETS, |i| {
            let i = i % keys.len();
            let value = store.get(keys.key(i))?;
            if compared {
                return check::got(keys, i, value.as_deref());
            }
            black_box(value);
            Ok(())
        })?;
        samples.push(Sample::rate(&timed, timed.ops, 1).part(name));
        Ok(())
    };
    let small = open(subject, spec, "few", Durability::OnRequest)?;
    small.load(&store::all(few), 0)?;
    timed("gets of one key", &small, &Entries::new(few, Order::Ascending, 1), false)?;
    timed("of 10,000 keys, in order", &small, &Entries::new(few, Order::Ascending, few.n), false)?;
    timed("in random order", &small, &Entries::new(few, Order::Drawn, GETS), false)?;
    small.close()?;
    let large = open(subject, spec, "all", Durability::OnRequest)?;
    large.load(&store::all(spec.effort.sizes), 0)?;
    // Keys that were asked for a moment ago would be found in a cache.
    let keys = || Entries::new(spec.effort.sizes, Order::Drawn, 2 * GETS);
    timed("of all n keys", &large, &keys().part(0, GETS), false)?;
    timed("each value compared", &large, &keys().part(GETS, 2 * GETS), true)?;
    large.close()?;
    Ok(samples)
}

fn puts(subject: &Subject, spec: &Spec) -> Result<Vec<Sample>> {
    let sizes = spec.effort.sizes;
    let few = FEW.min(sizes.n);
    let mut samples = Vec::new();
    let plans = [
        ("puts of 10,000 keys, in order", Order::Ascending, few, Durability::OnRequest),
        ("puts in random order", Order::Shuffled(0), few, Durability::OnRequest),
        ("puts of all n keys", Order::Shuffled(0), sizes.n, Durability::OnRequest),
        ("puts until they are on the device", Order::Shuffled(0), few, Durability::EveryWrite),
    ];
    for (at, (name, order, count, durability)) in plans.into_iter().enumerate() {
        let store = open(subject, spec, &format!("puts-{at}"), durability)?;
        let entries = Entries::new(sizes, order, count);
        let timed =
            timing::repeat(spec.effort.limit(), count, |i| Ok(store.put(entries.key(i), entries.value(i))?))?;
        check::holds_exactly(&*store, &entries.part(0, timed.ops), sizes.seed)?;
        store.close()?;
        samples.push(Sample::rate(&timed, count, 1).part(name));
    }
    Ok(samples)
}
// ANCHOR_END: wrong

fn open(subject: &Subject, spec: &Spec, name: &str, durability: Durability) -> Result<Store> {
    Ok(Store::open(subject, Arc::new(OsFs::create(spec.dir.join(name))?), durability)?)
}
