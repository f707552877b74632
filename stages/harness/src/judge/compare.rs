//! The comparisons: what the engine says against what the model knows, and which promise a difference breaks.

use super::{Held, Judge, Last};
use crate::failure::Failure;
use crate::invariant::Invariant;
use crate::ops::text::show_bytes;
use crate::ops::{Op, Range};
use contract::{Error, RecoveryReport, Scan, Stats, VerifyReport};
use std::collections::BTreeSet;
use std::ops::Bound;

type Pairs<'a> = [(&'a [u8], &'a [u8])];

impl Judge {
    /// One key, asked as `op` asks.
    pub(super) fn point(&self, op: &Op, key: &[u8]) -> Result<(), Failure> {
        let got = match op {
            Op::Contains { .. } => {
                let got = self.must_give(op, self.engine.contains(key))?;
                let expected = self.model.get(key).is_some();
                return Failure::unless(got == expected, Invariant::SameAnswers, || {
                    format!("contains {} gave {got}, expected {expected}", show_bytes(key))
                });
            }
            Op::Explain { .. } => self.must_give(op, self.engine.explain(key))?.value,
            _ => self.must_give(op, self.engine.get(key))?,
        };
        self.same(op, key, got.as_deref())
    }

    // ANCHOR: same
    fn same(&self, op: &Op, key: &[u8], got: Option<&[u8]>) -> Result<(), Failure> {
        let expected = self.model.get(key);
        if got == expected {
            return Ok(());
        }
        let ever = |value: &[u8]| self.written.get(key).is_some_and(|values| values.contains(value));
        let invariant = match (expected, got) {
            (_, Some(got)) if !ever(got) => Invariant::NoPhantom,
            (None, _) => Invariant::NoResurrection,
            (Some(_), Some(_)) => Invariant::NewestWins,
            (Some(_), None) => match self.last {
                Last::Write => Invariant::SameAnswers,
                Last::Background | Last::Reopening => Invariant::SameContent,
                Last::Kill => Invariant::Durability,
            },
        };
        let show = |value: Option<&[u8]>| value.map_or("nothing".into(), show_bytes);
        Err(Failure::new(invariant, format!("«{op}» gave {}, expected {}", show(got), show(expected))))
    }
    // ANCHOR_END: same

    /// A range, walked as an iterator and as a cursor that reads every other value.
    pub(super) fn scan(&self, range: &Range) -> Result<(), Failure> {
        let op = Op::Scan(range.clone());
        let expected = self.model.range(range.as_keys());
        let scan = self.must_give(&op, self.engine.scan(range.as_keys()))?;
        iterate(scan, &expected).map_err(|failure| failure.at(format_args!("«{op}»")))?;
        let scan = self.must_give(&op, self.engine.scan(range.as_keys()))?;
        walk(scan, &expected).map_err(|failure| failure.at(format_args!("«{op}» as a cursor")))
    }

    pub(super) fn scan_prefix(&self, prefix: &[u8]) -> Result<(), Failure> {
        let op = Op::ScanPrefix { prefix: prefix.to_vec() };
        let expected: Vec<_> = self.model.pairs().filter(|(key, _)| key.starts_with(prefix)).collect();
        let scan = self.must_give(&op, self.engine.scan_prefix(prefix))?;
        iterate(scan, &expected).map_err(|failure| failure.at(format_args!("«{op}»")))
    }

    /// Begins a scan; most of it is read later.
    pub(super) fn hold(&mut self, range: &Range) -> Result<(), Failure> {
        let op = Op::Hold(range.clone());
        let scan = self.must_give(&op, self.engine.scan(range.as_keys()))?;
        let moment = self.model.clone();
        self.held.push(Held { scan, range: range.clone(), moment, may_be_closed: false });
        Ok(())
    }

    /// Reads all held scans to their end.
    pub(super) fn release(&mut self) -> Result<(), Failure> {
        for held in std::mem::take(&mut self.held) {
            let place = format!("the scan{} that was held", held.range);
            finish(held).map_err(|failure| failure.at(place))?;
        }
        Ok(())
    }

    pub(super) fn verify(&mut self) -> Result<(), Failure> {
        let report: VerifyReport = match self.engine.verify() {
            Err(Error::Unsupported { what }) => {
                self.not_applicable.insert(what.into());
                return Ok(());
            }
            other => self.must_give(&Op::Verify, other)?,
        };
        Failure::unless(report.damage.is_empty(), Invariant::DamageReported, || {
            format!("verify sees damage where there is none: {:?}", report.damage)
        })?;
        Failure::unless(report.entries >= self.model.len() as u64, Invariant::DamageReported, || {
            format!("verify read {} entries of {} live ones", report.entries, self.model.len())
        })
    }

    /// Everything that can be asked: the whole range, every key that ever was and its neighbours, and the figures.
    pub(super) fn everything(&mut self) -> Result<(), Failure> {
        let mut keys: BTreeSet<Vec<u8>> = self.written.keys().cloned().collect();
        keys.extend(self.written.keys().map(|key| [key, &b"\0"[..]].concat()));
        for key in keys {
            self.point(&Op::Get { key: key.clone() }, &key)?;
            self.point(&Op::Contains { key: key.clone() }, &key)?;
        }
        self.scan(&Range { start: Bound::Unbounded, end: Bound::Unbounded })?;
        self.verify()?;
        self.figures()
    }

    /// Figures that can be checked against what was done and against the files.
    fn figures(&mut self) -> Result<(), Failure> {
        let now = self.engine.stats();
        if now == Stats::default() {
            self.not_applicable.insert(format!("figures: {} has none", self.stage.name));
            return Ok(());
        }
        let then = std::mem::replace(&mut self.since_opening.stats, now.clone());
        let live: u64 = self.model.pairs().map(|(key, value)| (key.len() + value.len()) as u64).sum();
        let files = self.world.contents().len() as u64;
        let checks = [
            ("disk bytes", now.disk_bytes, self.world.bytes()),
            ("files", now.files, files),
            ("bytes that callers wrote", now.user_bytes_written, self.since_opening.user_bytes),
            ("keys", now.keys.unwrap_or(self.model.len() as u64), self.model.len() as u64),
            ("live bytes", now.live_bytes.unwrap_or(live), live),
            ("bytes written, never less", now.bytes_written, now.bytes_written.max(then.bytes_written)),
            ("bytes read, never less", now.bytes_read, now.bytes_read.max(then.bytes_read)),
        ];
        for (name, got, expected) in checks {
            Failure::unless(got == expected, Invariant::Bounded, || {
                format!("the figures say {got} {name}, but it is {expected}")
            })?;
        }
        Ok(())
    }
}

/// What opening must say after `op`, where nothing was damaged. `wrote`: the last owner wrote something.
pub(super) fn report(op: &Op, wrote: bool, report: &RecoveryReport) -> Result<(), Failure> {
    let clean = match op {
        Op::Kill => report.clean && !wrote,
        _ => true,
    };
    let expected = RecoveryReport {
        created: false,
        clean,
        files: report.files,
        entries: report.entries,
        bytes_read: report.bytes_read,
        ..RecoveryReport::default()
    };
    Failure::unless(*report == expected, Invariant::TornTail, || {
        format!("opening after «{op}» reported {report:?}, expected {expected:?}")
    })
}

fn finish(held: Held) -> Result<(), Failure> {
    let expected = held.moment.range(held.range.as_keys());
    if !held.may_be_closed {
        return iterate(held.scan, &expected).map_err(as_moment);
    }
    // The store was closed in between. Each pair must still be right; the walk may end in «closed», never silently.
    let mut pairs = expected.iter();
    for item in held.scan {
        match item {
            Err(Error::Closed) => return Ok(()),
            other => same_pair(other, pairs.next()).map_err(as_moment)?,
        }
    }
    same_end(pairs.next()).map_err(as_moment)
}

fn as_moment(failure: Failure) -> Failure {
    Failure { invariant: Invariant::OneMoment, ..failure }
}

/// Reads a scan to its end and compares it with what must come.
pub fn iterate(mut scan: Scan, expected: &Pairs<'_>) -> Result<(), Failure> {
    let mut pairs = expected.iter();
    for item in scan.by_ref() {
        same_pair(item, pairs.next())?;
    }
    same_end(pairs.next())?;
    Failure::unless(scan.next().is_none(), Invariant::ExactScan, || "a scan went on after its end".into())
}

/// The same by cursor. Every other value is not read: a walk over keys must not need them.
pub fn walk(scan: Scan, expected: &Pairs<'_>) -> Result<(), Failure> {
    let mut cursor = scan.into_cursor();
    let io = |e: Error| Failure::new(Invariant::SameAnswers, format!("a cursor failed: {e}"));
    for (i, (key, value)) in expected.iter().enumerate() {
        let here = cursor.key().map(<[u8]>::to_vec);
        let read = if i % 2 == 0 { Some(cursor.value().map_err(io)?.to_vec()) } else { None };
        let got = here.map(|key| (key, read.unwrap_or_else(|| value.to_vec())));
        match got {
            None => same_end(Some(&(key, value)))?,
            Some(got) => same_pair(Ok(got), Some(&(key, value)))?,
        }
        cursor.advance().map_err(io)?;
    }
    Failure::unless(cursor.key().is_none(), Invariant::ExactScan, || "a cursor went past its range".into())?;
    let past = cursor.value().map_err(io)?;
    Failure::unless(past.is_empty(), Invariant::ExactScan, || format!("past the end there is {past:?}"))
}

fn same_pair(
    got: contract::Result<(Vec<u8>, Vec<u8>)>,
    expected: Option<&(&[u8], &[u8])>,
) -> Result<(), Failure> {
    let show = |(key, value): (&[u8], &[u8])| format!("{}={}", show_bytes(key), show_bytes(value));
    let (key, value) = got
        .map_err(|e| Failure::new(Invariant::SameAnswers, format!("a scan failed in a sound store: {e}")))?;
    let got = (key.as_slice(), value.as_slice());
    Failure::unless(Some(&got) == expected, Invariant::ExactScan, || {
        let expected = expected.map_or("the end".into(), |pair| show(*pair));
        format!("a scan gave {}, expected {expected}", show(got))
    })
}

fn same_end(missing: Option<&(&[u8], &[u8])>) -> Result<(), Failure> {
    missing.map_or(Ok(()), |(key, _)| {
        Err(Failure::new(Invariant::ExactScan, format!("a scan ended before {}", show_bytes(key))))
    })
}
