//! A whole store, changed: verified, inspected, opened, and whatever it comes to, used and opened again.
//!
//! **Invariants** Who means it can forge a store that says anything; what it says must still hold together. `verify` is the
//! arbiter: where it finds nothing, no later call may find something. Where it does, an error may come at any time, and
//! names a file; a panic or a loop may never come.

use super::part::shown_whole;
use super::seal::Seal;
use super::{Case, Verdict};
use crate::crash::untouched;
use crate::crash::verdict::{self, Pairs};
use crate::damage::{Fixture, watched};
use crate::failure::Failure;
use crate::invariant::Invariant;
use contract::{Engine, Error, KeyRange};
use std::collections::BTreeSet;
use std::sync::Arc;
use vfs::sim::{Crash, CrashKind, SimFs};

/// A key that no small store has.
const NEW: &[u8] = b"~new";
/// More work than this is behind no small store.
const MAX_STEPS: usize = 200;

// ANCHOR: directory
/// What must hold of a changed store.
pub(super) fn judge(case: &Case<'_>) -> Result<Verdict, Failure> {
    let Some(fixture) = &case.donor.fixture else { return Ok(Verdict::Refused) };
    let fs = SimFs::holding(case.files.clone());
    let sound = verified_sound(fixture, &fs)? && !tells_lies(fixture, case);
    let store = Store { fixture, case, sound };
    store.inspected(&fs)?;
    let (engine, report) = match (fixture.stage.open)(watched(&fs, fixture.stage), &fixture.options) {
        Ok(opened) => opened,
        Err(error) => return store.is_refused(&fs, &error),
    };
    let Some(pairs) = store.read(&*engine)? else {
        store.saved(&fs)?;
        return Ok(Verdict::Doubted);
    };
    store.is_plausible(&pairs, &format!("{report:?}"))?;
    store.goes_on(&fs, &*engine, pairs)
}
// ANCHOR_END: directory

/// Whether somebody has forged what is believed without being compared, while its checksums fit: the records of a hint, which
/// `verify` does not hold against the segment, and what the logs of a store that was closed say of each other, which
/// counts only after the next crash.
fn tells_lies(fixture: &Fixture, case: &Case<'_>) -> bool {
    let of_kind = |ending: &'static str| case.files.iter().filter(move |(name, _)| name.ends_with(ending));
    let is_forged = |ending| of_kind(ending).any(|(name, now)| fixture.files.get(name) != Some(now));
    let is_chain = fixture.clean && of_kind(".log").count() > 1;
    let has_hint = of_kind(".hint").next().is_some();
    let lies = is_forged(".hint") || ((has_hint || is_chain) && is_forged(".log"));
    case.seal != Seal::Nothing && lies
}

/// Whether verify finds nothing wrong.
fn verified_sound(fixture: &Fixture, fs: &SimFs) -> Result<bool, Failure> {
    let report = (fixture.stage.verify)(&*watched(fs, fixture.stage));
    untouched(fs, "verify")?;
    match report {
        Ok(report) => Ok(report.damage.is_empty()),
        Err(Error::WrongStore { .. }) => Ok(false),
        Err(e) => Err(Failure::new(Invariant::DamageReported, format!("verify gives up: {e}"))),
    }
}

struct Store<'a> {
    fixture: &'a Fixture,
    case: &'a Case<'a>,
    /// Verify has found nothing wrong with it, and it tells no lies that verify does not look for.
    sound: bool,
}

impl Store<'_> {
    fn inspected(&self, fs: &SimFs) -> Result<(), Failure> {
        for (name, bytes) in &self.case.files {
            let world = watched(fs, self.fixture.stage);
            let show = |sink: &mut contract::FieldSink<'_>| {
                (self.fixture.stage.inspect)(&*world, Some(name), sink).map(|()| true)
            };
            shown_whole(name, bytes.len(), show)?;
        }
        untouched(fs, "inspect")
    }

    /// The opening refused: it names a file of the store, verify has seen it too, and nothing has changed.
    fn is_refused(&self, fs: &SimFs, error: &Error) -> Result<Verdict, Failure> {
        let (Error::Corrupt { file, .. } | Error::WrongStore { file, .. }) = error else {
            return Err(Failure::new(Invariant::DamageReported, format!("opening says: {error}")));
        };
        Failure::unless(!file.is_empty(), Invariant::DamageReported, || {
            format!("a refusal names no file: {error}")
        })?;
        Failure::unless(!self.sound, Invariant::DamageReported, || {
            format!("opening refuses ({error}), and verify finds nothing")
        })?;
        untouched(fs, "an opening that refused")?;
        self.saved(fs)?;
        Ok(Verdict::Refused)
    }

    /// Everything that can be saved was once put, unless somebody forged it.
    fn saved(&self, fs: &SimFs) -> Result<(), Failure> {
        let gives_up = |e| Failure::new(Invariant::DamageReported, format!("salvage gives up: {e}"));
        let fs = fs.image(0, &Crash::new(CrashKind::ProcessKill, 0));
        let (into, _) =
            (self.fixture.stage.open)(Arc::new(SimFs::new()), &self.fixture.options).map_err(gives_up)?;
        match (self.fixture.stage.salvage)(&*watched(&fs, self.fixture.stage), &*into) {
            Err(Error::WrongStore { .. }) if self.case.seal != Seal::Nothing => return Ok(()),
            other => other.map_err(gives_up)?,
        };
        untouched(&fs, "salvage")?;
        let saved = into.scan(KeyRange::all()).and_then(Iterator::collect).map_err(gives_up)?;
        self.holds_no_phantom(&saved)
    }

    /// All pairs, if everything can be read. A scan and the gets give the same.
    fn read(&self, engine: &dyn Engine) -> Result<Option<Pairs>, Failure> {
        let scanned = engine.scan(KeyRange::all()).and_then(Iterator::collect::<contract::Result<Pairs>>);
        let mut keys: BTreeSet<&[u8]> = self.fixture.ledger.written().keys().map(Vec::as_slice).collect();
        let mut whole = scanned.is_ok();
        self.may_fail(scanned.as_ref().err())?;
        if let Ok(pairs) = &scanned {
            keys.extend(pairs.iter().map(|(key, _)| key.as_slice()));
            let ascending = pairs.windows(2).all(|two| two[0].0 < two[1].0);
            Failure::unless(ascending || !self.sound, Invariant::ExactScan, || {
                format!("a scan is out of order: {pairs:?}")
            })?;
        }
        for key in keys {
            let (got, contains) = (engine.get(key), engine.contains(key));
            self.may_fail(got.as_ref().err().or(contains.as_ref().err()))?;
            whole &= got.is_ok() && contains.is_ok();
            let (Ok(pairs), Ok(got), Ok(contains)) = (&scanned, got, contains) else { continue };
            let there = pairs.iter().find(|(other, _)| other == key).map(|(_, value)| value);
            let agree = got.as_ref() == there && contains == there.is_some();
            Failure::unless(agree || self.forged_unsound(), Invariant::ExactScan, || {
                format!("get {key:02x?} gives {got:?}, contains {contains}, a scan {there:?}")
            })?;
        }
        Ok(scanned.ok().filter(|_| whole))
    }

    /// A read failed, if this is an error: it must be damage with a file, and verify must have seen some.
    fn may_fail(&self, error: Option<&Error>) -> Result<(), Failure> {
        let Some(error) = error else { return Ok(()) };
        let named = match error {
            Error::Corrupt { file, .. } => !file.is_empty(),
            // An error before this one, which was named.
            Error::Poisoned { .. } => true,
            _ => false,
        };
        // A store whose numbers are forged may take the last of them, and then there is no next.
        let at_the_end =
            matches!(error, Error::Corrupt { what, .. } if what.starts_with("no number comes after"));
        let may = !self.sound || (at_the_end && self.case.seal != Seal::Nothing);
        Failure::unless(named && may, Invariant::ErrorsSurface, || {
            format!(
                "a read fails with «{error}», verify found {}",
                if self.sound { "nothing" } else { "damage" }
            )
        })
    }

    /// Somebody has made checksums fit, and verify has noticed all the same.
    fn forged_unsound(&self) -> bool {
        self.case.seal != Seal::Nothing && !self.sound
    }

    // ANCHOR: plausible
    /// Where no checksum was mended, the store is as it once was; after a clean close, as it was then. If the mark of the close
    /// is gone as well, damage at the end looks like a tear, of a log on whose end a merge may have relied: then nothing is
    /// known but that every value was once put.
    fn is_plausible(&self, pairs: &Pairs, report: &str) -> Result<(), Failure> {
        if self.case.seal != Seal::Nothing {
            return Ok(());
        }
        self.holds_no_phantom(pairs)?;
        let points = self.fixture.ledger.points();
        let point = (0..points.len()).rev().find(|&at| verdict::same(&points[at][0], pairs));
        let is_closed = self.fixture.clean && self.case.files.contains_key("CLEAN");
        let holds = match point {
            Some(point) => point == points.len() - 1 || !is_closed,
            None => self.fixture.clean && !is_closed,
        };
        let invariant = if is_closed { Invariant::DamageReported } else { Invariant::Prefix };
        Failure::unless(holds, invariant, || format!("opened with {pairs:?}, the report is {report}"))
    }
    // ANCHOR_END: plausible

    fn holds_no_phantom(&self, pairs: &Pairs) -> Result<(), Failure> {
        let written = self.fixture.ledger.written();
        let was_put =
            |(key, value): &(Vec<u8>, Vec<u8>)| written.get(key).is_some_and(|values| values.contains(value));
        let phantom = pairs.iter().find(|pair| !was_put(pair));
        Failure::unless(phantom.is_none() || self.case.seal != Seal::Nothing, Invariant::NoPhantom, || {
            format!("nobody ever put {phantom:?}")
        })
    }

    /// It takes a write, is kept up, compacted and closed; killed before that or after, it opens with the same.
    fn goes_on(&self, fs: &SimFs, engine: &dyn Engine, mut pairs: Pairs) -> Result<Verdict, Failure> {
        let mut doubts = 0;
        let mut may = |result: contract::Result<()>| {
            doubts += u32::from(result.is_err());
            self.may_fail(result.as_ref().err()).map(|()| result.is_ok())
        };
        if may(engine.put(NEW, b"1"))? {
            pairs.retain(|(key, _)| key != NEW);
            let at = pairs.partition_point(|(key, _)| key.as_slice() < NEW);
            pairs.insert(at, (NEW.to_vec(), b"1".to_vec()));
        }
        let killed = fs.image(fs.calls(), &Crash::new(CrashKind::ProcessKill, 0));
        may(self.kept_up(engine))?;
        may(engine.compact())?;
        if let Some(after) = self.read(engine)? {
            self.is_same(&pairs, &after, "a compaction")?;
        }
        may(engine.close())?;
        for (image, what) in [(&killed, "a kill"), (fs, "a close")] {
            match (self.fixture.stage.open)(watched(image, self.fixture.stage), &self.fixture.options) {
                Err(error) => drop(may(Err(error))?),
                Ok((again, _)) => match self.read(&*again)? {
                    Some(after) => self.is_same(&pairs, &after, what)?,
                    None => drop(may(Ok(()))?),
                },
            }
        }
        Ok(if doubts == 0 && self.sound { Verdict::Taken } else { Verdict::Doubted })
    }

    fn kept_up(&self, engine: &dyn Engine) -> contract::Result<()> {
        for _ in 0..MAX_STEPS {
            if !engine.step()? {
                return Ok(());
            }
        }
        let file = self.fixture.name.clone();
        Err(Error::Io { file, action: "step", source: std::io::Error::other("it does not come to rest") })
    }

    fn is_same(&self, before: &Pairs, after: &Pairs, what: &str) -> Result<(), Failure> {
        Failure::unless(before == after || self.forged_unsound(), Invariant::SameContent, || {
            format!("before {what} it held {before:?}, and after it {after:?}")
        })
    }
}
