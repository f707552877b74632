//! Holds what a store says against what it may say, and names the promise that is broken.

use super::ledger::{Ledger, Window, writes};
use crate::failure::Failure;
use crate::invariant::Invariant;
use crate::model::Model;
use crate::ops::Op;
use crate::ops::text::show_bytes;
use contract::{Engine, KeyRange};
use std::collections::{BTreeMap, BTreeSet};

/// What a scan of everything gave.
pub type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

// ANCHOR: judge
/// Reads everything by a scan, and every key by get and contains. `Ok` is the newest point in the window that looks
/// like this.
pub fn judge(
    engine: &dyn Engine,
    ledger: &Ledger,
    window: Window,
    process_kill: bool,
) -> Result<usize, Failure> {
    let pairs = read(engine, ledger)?;
    let oldest = window.oldest(process_kill);
    let found = (oldest..=window.issued).rev().find(|&at| is_at(ledger, at, &pairs));
    found.ok_or_else(|| explain(ledger, window, process_kill, &pairs))
}
// ANCHOR_END: judge

/// Reads everything by a scan, and holds get and contains of every key that there ever was against it.
pub fn read(engine: &dyn Engine, ledger: &Ledger) -> Result<Pairs, Failure> {
    let refused = |what: &str, e| {
        Failure::new(Invariant::ErrorsSurface, format!("{what} fails in a store that has just opened: {e}"))
    };
    let scan = engine.scan(KeyRange::all()).map_err(|e| refused("scan", e))?;
    let pairs = scan.collect::<contract::Result<Pairs>>().map_err(|e| refused("scan", e))?;
    let ascending = pairs.windows(2).all(|two| two[0].0 < two[1].0);
    Failure::unless(ascending, Invariant::ExactScan, || {
        format!("a scan is out of order: {}", show(pairs.iter().map(|(k, v)| (k.as_slice(), v.as_slice()))))
    })?;
    for key in ledger.written().keys() {
        let scanned = pairs.binary_search_by(|(k, _)| k.cmp(key)).ok().map(|i| &pairs[i].1);
        let got = engine.get(key).map_err(|e| refused("get", e))?;
        Failure::unless(got.as_ref() == scanned, Invariant::ExactScan, || {
            format!(
                "get {} gives {}, a scan {}",
                show_bytes(key),
                value(got.as_deref()),
                value(scanned.map(Vec::as_slice))
            )
        })?;
        let contains = engine.contains(key).map_err(|e| refused("contains", e))?;
        Failure::unless(contains == scanned.is_some(), Invariant::ExactScan, || {
            format!(
                "contains {} gives {contains}, a scan {}",
                show_bytes(key),
                value(scanned.map(Vec::as_slice))
            )
        })?;
    }
    Ok(pairs)
}

fn is_at(ledger: &Ledger, at: usize, pairs: &Pairs) -> bool {
    ledger.points().get(at).is_some_and(|states| states.iter().any(|state| same(state, pairs)))
}

/// Whether a model holds exactly these pairs.
pub fn same(state: &Model, pairs: &Pairs) -> bool {
    state.len() == pairs.len()
        && state
            .pairs()
            .zip(pairs)
            .all(|(expected, (key, value))| expected == (key.as_slice(), value.as_slice()))
}

/// Which promise is broken by a store that holds `pairs`, and how.
fn explain(ledger: &Ledger, window: Window, process_kill: bool, pairs: &Pairs) -> Failure {
    let oldest = window.oldest(process_kill);
    let (invariant, why) = classify(ledger, oldest, window.issued, pairs);
    let promise = match (process_kill, oldest) {
        (true, _) => "acknowledged",
        (false, _) => "made durable",
    };
    let allowed: Vec<String> = (oldest..=window.issued)
        .flat_map(|at| &ledger.points()[at])
        .map(|state| show(state.pairs()))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let holds = show(pairs.iter().map(|(key, value)| (key.as_slice(), value.as_slice())));
    let upto = ledger.op_to(oldest);
    let upto = upto.map_or("what opening found".to_owned(), |op| format!("«{op}»"));
    Failure::new(
        invariant,
        format!(
            "{why}\n  the store holds {holds}\n  allowed is   {}\n  since everything up to {upto} was {promise}",
            allowed.join("\n  or           ")
        ),
    )
}

fn classify(ledger: &Ledger, oldest: usize, newest: usize, pairs: &Pairs) -> (Invariant, String) {
    let never =
        |(key, value): &&(Vec<u8>, Vec<u8>)| !ledger.written().get(key).is_some_and(|v| v.contains(value));
    if let Some((key, value)) = pairs.iter().find(never) {
        let pair = format!("{}={}", show_bytes(key), show_bytes(value));
        return (Invariant::NoPhantom, format!("nobody ever wrote {pair}"));
    }
    if (0..oldest).any(|at| is_at(ledger, at, pairs)) {
        return (Invariant::Durability, "what was promised to stay is gone".to_owned());
    }
    if let Some(at) = (0..newest).find(|&at| is_half_a_batch(ledger, at, pairs)) {
        let op = ledger.op_to(at + 1);
        let batch = op.map_or(String::new(), |op| format!(" of «{op}»"));
        return (Invariant::AtomicBatch, format!("a part{batch} is there, and a part is not"));
    }
    let deleted = |(key, _): &&(Vec<u8>, Vec<u8>)| {
        (oldest..=newest).all(|at| ledger.points()[at].iter().all(|state| state.get(key).is_none()))
    };
    if let Some((key, _)) = pairs.iter().find(deleted) {
        return (Invariant::NoResurrection, format!("{} was deleted and is back", show_bytes(key)));
    }
    (Invariant::Prefix, "no prefix of the operations leads here".to_owned())
}

/// Whether `pairs` is the point `at` with some entries of the batch that follows and without others.
fn is_half_a_batch(ledger: &Ledger, at: usize, pairs: &Pairs) -> bool {
    let Some(op @ Op::Batch(batch)) = ledger.op_to(at + 1) else { return false };
    let entries = writes(op);
    let held: BTreeMap<&[u8], &[u8]> =
        pairs.iter().map(|(key, value)| (key.as_slice(), value.as_slice())).collect();
    batch.len() > 1
        && ledger.points()[at].iter().any(|before| {
            ledger.written().keys().all(|key| {
                let here = held.get(key.as_slice()).copied();
                here == before.get(key) || entries.iter().any(|(k, v)| k == key && v.as_deref() == here)
            })
        })
}

fn value(value: Option<&[u8]>) -> String {
    value.map_or("nothing".into(), show_bytes)
}

fn show<'a>(pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> String {
    let shown: Vec<_> =
        pairs.map(|(key, value)| format!("{}={}", show_bytes(key), show_bytes(value))).collect();
    if shown.is_empty() { "nothing at all".to_owned() } else { shown.join(" ") }
}
