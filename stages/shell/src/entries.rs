//! The commands that read and write entries.

use crate::failure::{Answer, Failure, Outcome};
use crate::grammar::{lossy, show};
use crate::interrupt;
use crate::output::Tone;
use crate::report;
use crate::session::{Pending, Session};
use contract::{Batch, Call, Cursor, Entry, KeyRange, MAX_BATCH_BYTES, check_entry};
use serde_json::json;
use std::io::Write;
use std::ops::Bound;

pub(crate) fn put(s: &mut Session<'_>, call: &Call) -> Answer {
    write(s, Entry { key: &call.args[0], value: Some(&call.args[1]) })
}

pub(crate) fn delete(s: &mut Session<'_>, call: &Call) -> Answer {
    write(s, Entry { key: &call.args[0], value: None })
}

/// Writes an entry, or adds it to the open batch.
fn write(s: &mut Session<'_>, entry: Entry<'_>) -> Answer {
    check_entry(entry)?;
    if let Pending::Open(batch) = &mut s.pending {
        batch.push(entry);
        let bytes = batch.bytes();
        if bytes > MAX_BATCH_BYTES {
            return Err(
                contract::Error::TooLarge { what: "batch", bytes, limit_bytes: MAX_BATCH_BYTES }.into()
            );
        }
        return Ok(Outcome::Done);
    }
    let store = s.store()?;
    match entry.value {
        Some(value) => store.put(entry.key, value)?,
        None => store.delete(entry.key)?,
    }
    s.acknowledge("ok");
    Ok(Outcome::Done)
}

pub(crate) fn get(s: &mut Session<'_>, call: &Call) -> Answer {
    let value = s.store()?.get(&call.args[0])?;
    match &value {
        Some(value) if call.has("raw") => s.output.write_all(value)?,
        _ if s.wants_json(call) => writeln!(s.output, "{}", report::bytes_or_null(value.as_deref()))?,
        Some(value) => writeln!(s.output, "{}", show(value))?,
        None => s.output.remark("(absent)"),
    }
    Ok(found(value.is_some()))
}

pub(crate) fn exists(s: &mut Session<'_>, call: &Call) -> Answer {
    let exists = s.store()?.contains(&call.args[0])?;
    // `true` and `false` are JSON already.
    writeln!(s.output, "{exists}")?;
    Ok(found(exists))
}

pub(crate) fn create(s: &mut Session<'_>, call: &Call) -> Answer {
    s.refuse_in_batch("create")?;
    let absent = s.store()?.put_if_absent(&call.args[0], &call.args[1])?;
    if absent {
        s.acknowledge("ok");
    } else {
        s.output.remark(format_args!("{} has a value already; nothing was changed", show(&call.args[0])));
    }
    Ok(found(absent))
}

fn found(yes: bool) -> Outcome {
    if yes { Outcome::Done } else { Outcome::Absent }
}

// ANCHOR: scan
pub(crate) fn scan(s: &mut Session<'_>, call: &Call) -> Answer {
    let json = s.wants_json(call);
    let mut left = limit(call)?;
    let mut cursor = walk(s, call)?;
    while left > 0 && !interrupt::requested() {
        let Some(key) = cursor.key() else { break };
        if json {
            let key = report::bytes(key);
            writeln!(s.output, "{}", json!({ "key": key, "value": report::bytes(cursor.value()?) }))?;
        } else {
            write!(s.output, "{}\t", show(key))?;
            writeln!(s.output, "{}", show(cursor.value()?))?;
        }
        cursor.advance()?;
        left -= 1;
    }
    interrupt::outcome()
}
// ANCHOR_END: scan

pub(crate) fn count(s: &mut Session<'_>, call: &Call) -> Answer {
    let mut cursor = walk(s, call)?;
    let mut count = 0_u64;
    while cursor.key().is_some() && !interrupt::requested() {
        count += 1;
        cursor.advance()?;
    }
    let outcome = interrupt::outcome()?;
    if s.wants_json(call) {
        writeln!(s.output, "{}", json!({ "count": count }))?;
    } else {
        writeln!(s.output, "{count}")?;
    }
    Ok(outcome)
}

/// A cursor over what START, END and `--prefix` say.
fn walk(s: &mut Session<'_>, call: &Call) -> Result<Box<dyn Cursor>, Failure> {
    let scan = match (call.value("prefix"), call.arg(0)) {
        (Some(_), Some(_)) => return Err(Failure::usage("START and --prefix exclude each other")),
        (Some(prefix), None) => s.store()?.scan_prefix(prefix)?,
        (None, start) => {
            let start = start.map_or(Bound::Unbounded, Bound::Included);
            let end = call.arg(1).map_or(Bound::Unbounded, Bound::Excluded);
            s.store()?.scan(KeyRange::new(start, end))?
        }
    };
    Ok(scan.into_cursor())
}

fn limit(call: &Call) -> Result<u64, Failure> {
    let Some(text) = call.value("limit") else { return Ok(u64::MAX) };
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| Failure::usage(format!("--limit takes a number, not «{}»", lossy(text))))
}

pub(crate) fn sync(s: &mut Session<'_>, _: &Call) -> Answer {
    s.store()?.sync()?;
    s.acknowledge("ok");
    Ok(Outcome::Done)
}

pub(crate) fn batch(s: &mut Session<'_>, _: &Call) -> Answer {
    s.refuse_in_batch("batch")?;
    s.pending = Pending::Open(Batch::new());
    s.acknowledge("a batch is open; reads do not see it before «commit»");
    Ok(Outcome::Done)
}

pub(crate) fn commit(s: &mut Session<'_>, _: &Call) -> Answer {
    match std::mem::take(&mut s.pending) {
        Pending::Open(batch) => {
            if let Err(e) = s.store().and_then(|store| Ok(store.write(&batch)?)) {
                s.output.labelled("note", Tone::Strong, "the batch was not acknowledged, and is discarded");
                return Err(e);
            }
            s.acknowledge(format_args!(
                "{} written together",
                report::count(batch.len() as u64, "entry", "entries")
            ));
            Ok(Outcome::Done)
        }
        Pending::Broken => Err(Failure::usage("there is nothing to commit: the batch was discarded")),
        Pending::None => Err(Failure::usage("there is no batch to commit; «batch» opens one")),
    }
}

pub(crate) fn abort(s: &mut Session<'_>, _: &Call) -> Answer {
    match s.pending {
        Pending::Open(_) => {
            s.discard_batch();
        }
        Pending::Broken => {}
        Pending::None => return Err(Failure::usage("there is no batch to abort; «batch» opens one")),
    }
    s.pending = Pending::None;
    Ok(Outcome::Done)
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of a command")]
pub(crate) fn quit(_: &mut Session<'_>, _: &Call) -> Answer {
    Ok(Outcome::Quit)
}
