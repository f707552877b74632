//! What must be said where an opening did not need what is damaged: a saved index that is read from its original
//! instead, a file whose index is sound and that is not read until somebody asks for what is in it.
//!
//! **Invariants**
//! 1. What opening and verify say lies where the injury is, and nowhere else.
//! 2. An opening that has read damage has said so, or it is no damage.
//! 3. What lies in the damaged place cannot be read; everything else can. No write, no compaction and no second
//!    opening makes a wrong answer of an error.

use super::after::NEW;
use super::live::right_or_refused;
use super::{Fixture, Injury, Seen};
use crate::failure::Failure;
use crate::invariant::Invariant;
use contract::{Damage, Engine, Error};
use std::sync::Arc;
use vfs::sim::{Crash, CrashKind, SimFs};

fn unless(holds: bool, what: impl FnOnce() -> String) -> Result<(), Failure> {
    Failure::unless(holds, Invariant::DamageReported, what)
}

/// Whether a report names the injury.
pub(super) fn is_near(fixture: &Fixture, injury: &Injury, damage: &Damage) -> bool {
    injury.is_near(fixture, &damage.file, damage.offset, &damage.what)
}

/// Whether an error does.
pub(super) fn names(fixture: &Fixture, injury: &Injury, error: &Error) -> bool {
    matches!(error, Error::Corrupt { file, offset, what } if injury.is_near(fixture, file, *offset, what))
}

/// What opening could not use lies where the injury is, and verify has seen it too.
pub(super) fn nothing_else(fixture: &Fixture, injury: &Injury, seen: &Seen<'_>) -> Result<(), Failure> {
    let replaced = &seen.report.replaced;
    unless(replaced.iter().all(|damage| is_near(fixture, injury, damage)), || {
        format!("opening points elsewhere: {replaced:?}")
    })?;
    let noticed = replaced.is_empty() || seen.verified.iter().any(|d| is_near(fixture, injury, d));
    unless(noticed, || format!("opening says {replaced:?}, but verify says {:?}", seen.verified))
}

/// Every answer is right. If verify still sees something, somebody must have told of it.
pub(super) fn told_of(
    fixture: &Fixture,
    injury: &Injury,
    seen: &Seen<'_>,
    engine: &dyn Engine,
) -> Result<(), Failure> {
    let left = match engine.verify() {
        Err(Error::Unsupported { .. }) => return Ok(()),
        Err(e) => return unless(false, || format!("opened, but verify fails: {e}")),
        Ok(report) => report.damage,
    };
    unless(left.iter().all(|damage| is_near(fixture, injury, damage)), || {
        format!("opened, and verify sees what is not there: {left:?}")
    })?;
    let said = !seen.report.replaced.is_empty();
    unless(left.is_empty() || said || !seen.by_opening, || {
        format!("opened without a word, but verify says {left:?}")
    })?;
    unless(left.is_empty() || !seen.verified.is_empty(), || {
        format!("verify sees it only once the store is open: {left:?}")
    })?;
    let gone = left.is_empty() && !said && seen.report.cut.is_none();
    unless(seen.verified.is_empty() || !gone, || {
        format!("verify said {:?}; opening said nothing, and now it is gone", seen.verified)
    })
}

/// Some reads fail. Those that touch the damage, and for that reason.
pub(super) fn reads_fail(
    fixture: &Fixture,
    injury: &Injury,
    seen: &Seen<'_>,
    fs: &SimFs,
    engine: &dyn Engine,
) -> Result<(), Failure> {
    refused_here(fixture, injury, engine)?;
    unless(!seen.by_opening, || {
        "opened without a word over what it has read, and now reads fail".to_owned()
    })?;
    unless(seen.verified.iter().any(|d| is_near(fixture, injury, d)), || {
        format!("reads fail, but verify said before: {:?}", seen.verified)
    })?;
    let now = engine.verify().map(|report| report.damage);
    unless(now.as_ref().is_ok_and(|d| d.iter().any(|d| is_near(fixture, injury, d))), || {
        format!("reads fail, but verify says {now:?}")
    })?;
    let put = engine.put(NEW.0, NEW.1);
    unless(put.is_ok(), || format!("opened over damage, but takes no write: {put:?}"))?;
    match engine.compact() {
        Ok(()) | Err(Error::Corrupt { .. }) => {}
        Err(e) => return unless(false, || format!("compaction over damage says: {e}")),
    }
    refused_here(fixture, injury, engine).map_err(|failure| failure.at("after a compaction"))?;
    let killed = fs.image(fs.calls(), &Crash::new(CrashKind::ProcessKill, 0));
    match (fixture.stage.open)(Arc::new(killed), &fixture.options) {
        Ok((engine, _)) => {
            right_or_refused(&*engine, fixture).map_err(|failure| failure.at("after a kill"))?;
            let new = engine.get(NEW.0).ok().flatten();
            unless(new.as_deref() == Some(NEW.1), || format!("a kill later the new write is {new:?}"))
        }
        Err(e) if names(fixture, injury, &e) => Ok(()),
        Err(e) => unless(false, || format!("a kill later it does not open: {e}")),
    }
}

/// Every answer is right or refused, and every refusal names the place.
fn refused_here(fixture: &Fixture, injury: &Injury, engine: &dyn Engine) -> Result<(), Failure> {
    for error in right_or_refused(engine, fixture)? {
        unless(names(fixture, injury, &error), || format!("a read of what is damaged says: {error}"))?;
    }
    Ok(())
}
