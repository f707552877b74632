//! The damage lab: does to the files of small stores everything that happens to files, and judges what is said.
//!
//! **Layout** [`fixture`]: the stores. [`injury`]: what is done to them, and [`kind`]: what sort of thing that is.
//! [`live`]: the same while they are open. `after`: what must hold once a damaged store has opened. `unread`: where the
//! opening did not need what is damaged. `watch`: who has read what. This file: what must be said.
//!
//! **Invariants**
//! 1. After a clean close every injury is reported, with the right file and a place within one entry of it, or
//!    changes no answer at all.
//! 2. Without a clean close a store opens with a state that it once had, and says what was cut; or it refuses.
//! 3. An opening that has read damage speaks of it. What it does not need it need not read: then verify speaks of it,
//!    and what touches it fails.
//! 4. Whoever refuses changes nothing; `verify` sees what opening saw; `salvage` brings back every entry that the
//!    injury did not touch.
//!
//! **Cost** One verify, one opening, one read of everything and one salvage for each injury.

mod after;
pub mod fixture;
pub mod injury;
pub mod kind;
pub mod live;
mod unread;
mod watch;

use crate::crash::verdict::{self, Pairs};
use crate::crash::{guard, untouched};
use crate::failure::Failure;
use crate::invariant::Invariant;
use contract::{Damage, Engine, Error, KeyRange, RecoveryReport};
pub use fixture::Fixture;
pub use injury::Injury;
pub use kind::{Kind, Leaves};
use std::collections::BTreeMap;
use std::sync::Arc;
use vfs::sim::{Crash, CrashKind, SimFs};
pub(crate) use watch::watched;

/// How the injuries of a fixture were answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Opening refused, and said where.
    pub refused: u64,
    /// Opening succeeded, and no answer had changed.
    pub harmless: u64,
    /// Opening succeeded with an earlier state, as after a crash.
    pub cut: u64,
    /// Opening did not need what was injured: reads of it fail, everything else is right.
    pub unread: u64,
}

impl Tally {
    /// All injuries.
    pub fn injuries(&self) -> u64 {
        self.refused + self.harmless + self.cut + self.unread
    }

    /// Adds another tally.
    pub fn add(&mut self, other: &Self) {
        self.refused += other.refused;
        self.harmless += other.harmless;
        self.cut += other.cut;
        self.unread += other.unread;
    }
}

/// Inflicts every injury on a fixture; `one_in` leaves all but one in so many out, drawn from `seed`.
pub fn every_injury(fixture: &Fixture, seed: u64, one_in: u64) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    let mut number = 0;
    injury::each(fixture, &mut |injury, files| {
        number += 1;
        if !crate::crash::mix(&[seed, number, 0xda4a]).is_multiple_of(one_in) {
            return Ok(());
        }
        let one = guard(|| check(fixture, injury, files))
            .map_err(|failure| failure.at(format_args!("{}, {}", fixture.name, injury.what)))?;
        tally.add(&one);
        Ok(())
    })?;
    Ok(tally)
}

/// Inflicts one injury and judges.
pub fn check(fixture: &Fixture, injury: &Injury, files: BTreeMap<String, Vec<u8>>) -> Result<Tally, Failure> {
    let fs = SimFs::holding(files);
    let verified = verify(fixture, &fs)?;
    let world = watched(&fs, fixture.stage);
    match (fixture.stage.open)(world.clone(), &fixture.options) {
        Err(error) => {
            refused(fixture, injury, &fs, &error, &verified)?;
            salvage(fixture, injury, &fs)?;
            Ok(Tally { refused: 1, ..Tally::default() })
        }
        Ok((engine, report)) => {
            let seen =
                Seen { verified: &verified, report: &report, by_opening: world.hooks().has_read(injury) };
            look_around(fixture, injury, &seen, &fs, &*engine)
        }
    }
}

/// Looks at a store that has opened over an injury.
fn look_around(
    fixture: &Fixture,
    injury: &Injury,
    seen: &Seen<'_>,
    fs: &SimFs,
    engine: &dyn Engine,
) -> Result<Tally, Failure> {
    unread::nothing_else(fixture, injury, seen)?;
    let pairs = match verdict::read(engine, &fixture.ledger) {
        Err(failure) if failure.invariant == Invariant::ErrorsSurface => {
            unread::reads_fail(fixture, injury, seen, fs, engine)?;
            salvage(fixture, injury, &fs.image(0, &Crash::new(CrashKind::ProcessKill, 0)))?;
            return Ok(Tally { unread: 1, ..Tally::default() });
        }
        pairs => pairs?,
    };
    let tally = opened(fixture, injury, fs, &pairs, seen.report)?;
    after::planted_is_kept(fixture, injury, fs, seen.report)?;
    unread::told_of(fixture, injury, seen, engine)?;
    if tally.harmless > 0 {
        after::goes_on(fixture, injury, seen, fs, engine)?;
    }
    Ok(tally)
}

/// What was said of an injury over which a store has opened.
struct Seen<'a> {
    /// By verify, before.
    verified: &'a [Damage],
    /// By the opening.
    report: &'a RecoveryReport,
    /// Whether the opening has read a byte of it.
    by_opening: bool,
}

fn verify(fixture: &Fixture, fs: &SimFs) -> Result<Vec<Damage>, Failure> {
    let report = match (fixture.stage.verify)(&*watched(fs, fixture.stage)) {
        Ok(report) => report.damage,
        Err(e) => return Err(Failure::new(Invariant::DamageReported, format!("verify gives up: {e}"))),
    };
    untouched(fs, "verify")?;
    Ok(report)
}

/// Opening refused: it must say where, change nothing, and verify must see it too.
fn refused(
    fixture: &Fixture,
    injury: &Injury,
    fs: &SimFs,
    error: &Error,
    verified: &[Damage],
) -> Result<(), Failure> {
    let Error::Corrupt { file, offset, what } = error else {
        return Err(Failure::new(Invariant::DamageReported, format!("opening says: {error}")));
    };
    let near = injury.is_near(fixture, file, *offset, what);
    Failure::unless(near, Invariant::DamageReported, || format!("opening points elsewhere: {error}"))?;
    let seen = verified.iter().any(|damage| unread::is_near(fixture, injury, damage));
    Failure::unless(seen, Invariant::DamageReported, || {
        format!("opening refuses ({error}), but verify says {verified:?}")
    })?;
    untouched(fs, "an opening that refused")?;
    Failure::unless(!injury.harmless, Invariant::Bounded, || format!("a foreign file stops it: {error}"))
}

// ANCHOR: opened
/// Opening succeeded: everything is as it was, or, after a crash, as it was at some time.
fn opened(
    fixture: &Fixture,
    injury: &Injury,
    fs: &SimFs,
    pairs: &Pairs,
    report: &RecoveryReport,
) -> Result<Tally, Failure> {
    let points = fixture.ledger.points();
    let newest = points.len() - 1;
    let point = (0..=newest).rev().find(|&at| verdict::same(&points[at][0], pairs));
    if point == Some(newest) {
        return Ok(Tally { harmless: 1, ..Tally::default() });
    }
    let broken = |invariant, what: &str| {
        Err(Failure::new(invariant, format!("opened {what}: it holds {pairs:?}, the report is {report:?}")))
    };
    let Some(point) = point else {
        let phantom = pairs.iter().any(|(key, value)| {
            !fixture.ledger.written().get(key).is_some_and(|values| values.contains(value))
        });
        let invariant = if phantom { Invariant::NoPhantom } else { Invariant::Prefix };
        return broken(invariant, "with what it never held");
    };
    if fixture.clean {
        return broken(Invariant::DamageReported, "without a word after a clean close");
    }
    if point < fixture.proven && injury.leaves < Leaves::Trace {
        return broken(Invariant::DamageReported, "without what a later write proves to be durable");
    }
    if report.cut.is_none() && injury.leaves < Leaves::Nothing {
        return broken(Invariant::TornTail, "with less and did not say so");
    }
    after::cut_is_kept(fixture, injury, fs, point, report)?;
    Ok(Tally { cut: 1, ..Tally::default() })
}
// ANCHOR_END: opened

/// What the injury did not touch can be saved, and stays saved.
fn salvage(fixture: &Fixture, injury: &Injury, fs: &SimFs) -> Result<(), Failure> {
    let gives_up = |e| Failure::new(Invariant::DamageReported, format!("salvage gives up: {e}"));
    let into = SimFs::new();
    let open = |fs: &SimFs| (fixture.stage.open)(Arc::new(fs.clone()), &fixture.options).map_err(gives_up);
    let engine = open(&into)?.0;
    (fixture.stage.salvage)(&*watched(fs, fixture.stage), &*engine).map_err(gives_up)?;
    let saved = everything(&*engine).map_err(gives_up)?;
    untouched(fs, "salvage")?;
    for seed in 0..3 {
        let power_loss = into.image(into.calls(), &Crash::new(CrashKind::Names, seed).names(0));
        let kept = everything(&*open(&power_loss)?.0).map_err(gives_up)?;
        Failure::unless(kept == saved, Invariant::Durability, || {
            format!("power loss after a salvage takes what was saved: {kept:?}")
        })?;
    }
    if injury.entries == injury::ANYTHING {
        return Ok(());
    }
    let written = fixture.ledger.written();
    let phantom = saved.iter().find(|(key, value)| !written.get(*key).is_some_and(|v| v.contains(*value)));
    Failure::unless(phantom.is_none(), Invariant::NoPhantom, || format!("salvage made up {phantom:?}"))?;
    let now = &fixture.ledger.now()[0];
    let differ = written.keys().filter(|key| saved.get(*key).map(Vec::as_slice) != now.get(key)).count();
    let touched = injury.entries.max(injury.entries_of_a_block(fixture));
    Failure::unless(differ as u64 <= touched, Invariant::DamageReported, || {
        format!("salvage loses {differ} keys, the injury touches {touched} entries at most")
    })
}

fn everything(engine: &dyn Engine) -> contract::Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    engine.scan(KeyRange::all())?.collect()
}
