//! What must hold after a damaged store has opened: nothing that it passed over is a trap for later.
//!
//! **Invariants**
//! 1. A store that opened takes a write and keeps it, also over the death of its process.
//! 2. A file that somebody put there and that the engine did not make is still there.
//! 3. What recovery cut off and could still be read lies where the report says, also after a power failure.

use super::{Fixture, Injury, Seen, unread};
use crate::crash::verdict::{self, Pairs};
use crate::failure::Failure;
use crate::invariant::Invariant;
use contract::{Engine, KeyRange, RecoveryReport};
use std::sync::Arc;
use vfs::sim::{Crash, CrashKind, SimFs};

/// A key that no fixture has.
pub(super) const NEW: (&[u8], &[u8]) = (b"a key of its own", b"new");

/// Writes to a store that has opened over an injury, kills it, and looks whether it opens and has everything.
pub(super) fn goes_on(
    fixture: &Fixture,
    injury: &Injury,
    seen: &Seen<'_>,
    fs: &SimFs,
    engine: &dyn Engine,
) -> Result<(), Failure> {
    let broken = |what: String| Failure::new(Invariant::DamageReported, format!("opened, but {what}"));
    engine.put(NEW.0, NEW.1).map_err(|e| broken(format!("takes no write: {e}")))?;
    let killed = fs.image(fs.calls(), &Crash::new(CrashKind::ProcessKill, 0));
    let engine = match (fixture.stage.open)(Arc::new(killed), &fixture.options) {
        Ok((engine, _)) => engine,
        // After a crash more must be read than after a close, and verify has seen it all the time.
        Err(e) if !seen.by_opening && unread::names(fixture, injury, &e) && !seen.verified.is_empty() => {
            return Ok(());
        }
        Err(e) => return Err(broken(format!("does not open again after a write and a kill: {e}"))),
    };
    let scan = engine.scan(KeyRange::all()).map_err(|e| broken(format!("cannot be read: {e}")))?;
    let mut pairs: Pairs =
        scan.collect::<contract::Result<_>>().map_err(|e| broken(format!("cannot be read: {e}")))?;
    let new = pairs.iter().position(|(key, value)| (key.as_slice(), value.as_slice()) == NEW);
    let new = new.ok_or_else(|| broken("loses the write that follows".to_owned()))?;
    pairs.remove(new);
    Failure::unless(verdict::same(&fixture.ledger.now()[0], &pairs), Invariant::DamageReported, || {
        format!("opened, but a write and a kill later it holds {pairs:?}")
    })
}

/// A planted file is nobody's to remove. The exceptions are a name that only unfinished files of the engine bear; and,
/// if the opening says what it did, a saved index, or a name from where the store has replaced its own file before.
pub(super) fn planted_is_kept(
    fixture: &Fixture,
    injury: &Injury,
    fs: &SimFs,
    report: &RecoveryReport,
) -> Result<(), Failure> {
    let Some((name, bytes)) = &injury.planted else { return Ok(()) };
    let parts = |name: &str| {
        let (stem, suffix) = name.split_once('.').unwrap_or((name, ""));
        (stem.to_owned(), suffix.to_owned())
    };
    let (stem, suffix) = parts(name);
    let passing = fixture.past.keys().any(|past| parts(past).1 == suffix)
        && fixture.files.keys().all(|file| parts(file).1 != suffix);
    let told = report.leftovers_removed.contains(name) || report.replaced.iter().any(|d| d.file == *name);
    let mut alike = fixture.files.keys().filter(|file| parts(file).1 == suffix).peekable();
    let saved = alike.peek().is_some() && alike.all(|file| fixture.is_derived(file));
    let replaced = told && (saved || fixture.past.keys().any(|past| parts(past).0 == stem));
    let kept = fs.contents().values().any(|file| file == bytes);
    Failure::unless(passing || replaced || kept, Invariant::KeepsUnexplained, || {
        format!("opening removed {name}, which it did not make: {report:?}")
    })
}

/// Where one entry was hit and others behind it were cut off with it, these can still be read, and must be kept.
pub(super) fn cut_is_kept(
    fixture: &Fixture,
    injury: &Injury,
    fs: &SimFs,
    point: usize,
    report: &RecoveryReport,
) -> Result<(), Failure> {
    let broken = |what: String| Err(Failure::new(Invariant::KeepsUnexplained, what));
    let newest = fixture.ledger.points().len() - 1;
    let wrote = |at: &usize| fixture.ledger.op_to(*at).is_some_and(|op| op.writes() && op.bytes() > 0);
    let lost_writes = (point + 1..=newest).filter(wrote).count();
    let Some(cut) = &report.cut else { return Ok(()) };
    let asides: Vec<_> = cut.set_aside.iter().chain(&report.set_aside).collect();
    if asides.is_empty() && injury.entries == 1 && lost_writes > 1 {
        return broken(format!("{lost_writes} writes are cut off, one is damaged, and no copy is kept"));
    }
    let power_loss = fs.image(fs.calls(), &Crash::new(CrashKind::Names, 0).names(0)).contents();
    match asides.into_iter().find(|aside| !power_loss.contains_key(*aside)) {
        Some(aside) => {
            broken(format!("power loss takes {aside}, in which the report says the cut part lies"))
        }
        None => Ok(()),
    }
}
