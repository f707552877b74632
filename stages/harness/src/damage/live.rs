//! Damage to the files of a store that is open: what was checked at opening may be wrong a moment later.
//!
//! **Invariants** An answer is right or an error. A store that has been damaged is not made whole by a compaction or a
//! close: no fresh checksum is put over bytes that did not match the old one.
//!
//! **Leniency** An engine that passes over a large value without reading it cannot verify the key before it either.
//! Stores with entries of more than [`SMALL_BYTES`] are left out; at opening, everything is read in any case.

use super::after::NEW;
use super::{Fixture, Tally};
use crate::crash::guard;
use crate::crash::verdict;
use crate::failure::Failure;
use crate::invariant::Invariant;
use contract::{Engine, Error, KeyRange};
use std::sync::Arc;
use vfs::sim::{SimFs, Wound};

/// Entries up to this size are verified whenever they are passed, whatever the options, in bytes.
pub const SMALL_BYTES: u64 = 100;

/// Flips one bit of every byte of every file under an open store.
pub fn every_byte(fixture: &Fixture) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    if fixture.frame_bytes > SMALL_BYTES {
        return Ok(tally);
    }
    for (name, bytes) in &fixture.files {
        for offset in 0..bytes.len() as u64 {
            let wound = Wound::FlipBit { offset, bit: u8::try_from(offset % 8).unwrap_or(0) };
            for then in [Then::Close, Then::Write, Then::Compact] {
                let noticed = guard(|| check(fixture, name, &wound, then)).map_err(|failure| {
                    failure
                        .at(format_args!("{}, {name}: {wound} while it is open, then {then:?}", fixture.name))
                })?;
                tally.refused += u64::from(noticed);
                tally.harmless += u64::from(!noticed);
            }
        }
    }
    Ok(tally)
}

/// What is done to the open store once it is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Close,
    Write,
    Compact,
}

/// True if anybody noticed.
fn check(fixture: &Fixture, name: &str, wound: &Wound, then: Then) -> Result<bool, Failure> {
    let fs = SimFs::holding(fixture.files.clone());
    let open = || (fixture.stage.open)(Arc::new(fs.clone()), &fixture.options);
    let cannot = |e| Failure::new(Invariant::SameContent, format!("a sound store does not open: {e}"));
    let (engine, _) = open().map_err(cannot)?;
    // Recovery may have put another file in this one's place.
    if fs.damage(name, wound).is_err() {
        return Ok(false);
    }
    let mut noticed = reads(&*engine, fixture)?;
    noticed |= match then {
        Then::Close => false,
        Then::Write => engine.put(NEW.0, NEW.1).is_err(),
        Then::Compact => engine.compact().is_err(),
    };
    // A compaction has read everything: what it left is sound, or it has said so.
    if then == Then::Compact && !noticed {
        noticed |= reads(&*engine, fixture)?;
    }
    noticed |= engine.close().is_err();
    drop(engine);
    match open() {
        Err(e) if e.is_corrupt() => Ok(true),
        Err(e) => Err(Failure::new(Invariant::DamageReported, format!("afterwards: {e}"))),
        Ok((engine, _)) => Ok(reads(&*engine, fixture)? || noticed),
    }
}

/// Whether anything is refused, or seen by verify; a wrong answer is a failure.
fn reads(engine: &dyn Engine, fixture: &Fixture) -> Result<bool, Failure> {
    let refused = !right_or_refused(engine, fixture)?.is_empty();
    Ok(refused | engine.verify().map_or(true, |report| !report.damage.is_empty()))
}

/// Asks for everything in every way. Answers are right or errors, which are returned.
pub(super) fn right_or_refused(engine: &dyn Engine, fixture: &Fixture) -> Result<Vec<Error>, Failure> {
    let now = &fixture.ledger.now()[0];
    let wrong = |what: String| Err(Failure::new(Invariant::DamageReported, what));
    let mut errors = Vec::new();
    for key in fixture.ledger.written().keys() {
        let shown = crate::ops::text::show_bytes(key);
        match engine.get(key) {
            Ok(got) if got.as_deref() == now.get(key) => {}
            Ok(got) => return wrong(format!("get {shown} gives {got:?}")),
            Err(error) => errors.push(error),
        }
        match engine.contains(key) {
            Ok(got) if got == now.get(key).is_some() => {}
            Ok(got) => return wrong(format!("contains {shown} gives {got}")),
            Err(error) => errors.push(error),
        }
    }
    match engine.scan(KeyRange::all()).and_then(Iterator::collect::<contract::Result<verdict::Pairs>>) {
        Ok(mut pairs) => {
            pairs.retain(|(key, _)| key != NEW.0);
            if !verdict::same(now, &pairs) {
                return wrong(format!("a scan gives {pairs:?}"));
            }
        }
        Err(error) => errors.push(error),
    }
    Ok(errors)
}
