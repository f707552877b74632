//! Judging what a crash has left: which segments are certainly on the device, and where the others end.
//!
//! **Invariants**
//! 1. A segment is *proven* by a witness that was made only once it was on the device: its own hint, the hint of a later
//!    one, or a run that came later. A run is also its own witness, as far as it was written when it got its name.
//! 2. The other logs count up to the first that is torn, or falls short of what its successor's header says. There the
//!    store ends, and what comes later was never promised to anybody.
//! 3. Unless a floor in a later log says that all before that log was on the device: then it is damage.
//!
//! **Cost** The newest hints are read until one is a witness; then every log behind it. Behind the end another pass,
//! which looks for floors and for what can be read.

use crate::ENGINE;
use crate::index::read_hint;
use crate::survey::Survey;
use contract::{Cut, Error, IoContext, RecoveryReport, Result};
use stage1::files::aside_name;
use stage1::log::header::{ENGINE_BYTES, HEADER_BYTES, Header};
use stage1::log::{Stretch, find_floor, find_frame};
use stage1::replay::{Replay, Tail};
use vfs::Vfs;

/// A log that may count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Its name.
    pub name: String,
    /// Its number.
    pub number: u64,
}

/// Where logs end that were not closed.
pub struct Judged<'l> {
    /// The logs that count, as far as they do.
    pub accepted: Vec<Replay>,
    /// Set where the last of them lacks bytes that its successor knows of. A torn one tells by itself.
    pub cut: Option<Cut>,
    /// The logs behind the end.
    pub behind: &'l [LogFile],
}

// ANCHOR: proven
/// How many of the oldest segments are on the device in full, as the newest witness says. The last segment was the
/// active one, and is never among them.
pub(crate) fn proven(vfs: &dyn Vfs, survey: &Survey) -> Result<usize> {
    let mut next: Option<Header> = None;
    for (i, id) in survey.segments.iter().enumerate().rev() {
        let name = id.log_name();
        let file = vfs.open(&name).during("open", &name)?;
        let header = Header::read(&*file, &name, id.number(), ENGINE)?;
        let size = file.size().during("stat", &name)?;
        let hint = match survey.hints.contains(id).then(|| read_hint(vfs, *id, &*file, None)).transpose() {
            // A hint that cannot be read says nothing. Whoever needs it finds out, and reports it.
            Err(Error::Corrupt { .. }) => None,
            other => other?,
        };
        let witnessed = hint.as_ref().is_some_and(|hint| hint.covered_bytes() == size)
            || (id.is_run() && header.base_bytes == size);
        // It may have been appended to since: then the next segment knows of more.
        let ended_so =
            next.is_some_and(|next| next.previous.number != id.number() || next.previous.bytes == size);
        if witnessed && ended_so {
            return Ok(i + 1);
        }
        if hint.is_some() || id.is_run() {
            return Ok(i);
        }
        next = Some(header);
    }
    Ok(0)
}
// ANCHOR_END: proven

// ANCHOR: judge
/// Reads logs, the oldest first, up to where they end.
pub fn judge<'l>(
    vfs: &dyn Vfs,
    engine: [u8; ENGINE_BYTES],
    logs: &'l [LogFile],
    chunk_bytes: usize,
) -> Result<Judged<'l>> {
    let mut judged = Judged { accepted: Vec::new(), cut: None, behind: &[] };
    for (i, LogFile { name, number }) in logs.iter().enumerate() {
        let file = vfs.open(name).during("open", name)?;
        let replay = Replay::read(file, name.clone(), *number, engine, chunk_bytes)?;
        if let Some(damage) = replay.damage() {
            return Err(damage);
        }
        judged.cut = judged.accepted.last().map_or(Ok(None), |before| falls_short(before, &replay.header))?;
        if judged.cut.is_some() {
            judged.behind = &logs[i..];
            break;
        }
        let torn = matches!(replay.tail, Tail::Torn { .. });
        judged.accepted.push(replay);
        if torn {
            judged.behind = &logs[i + 1..];
            break;
        }
    }
    refuse_if_durable(vfs, &judged)?;
    Ok(judged)
}
// ANCHOR_END: judge

// ANCHOR: falls_short
/// Where a log ends before what its successor says it had. A longer or a different one never was its predecessor.
fn falls_short(log: &Replay, next: &Header) -> Result<Option<Cut>> {
    let said = next.previous;
    if said.number != log.header.number || said.bytes == log.end && said.last_checksum == log.last_checksum {
        return Ok(None);
    }
    if said.bytes > log.end {
        let why = format!("the next log says that this one had {} bytes", said.bytes);
        return Ok(Some(Cut { file: log.name.clone(), offset: log.end, bytes: 0, why, set_aside: None }));
    }
    let what =
        format!("the next log says that this one ends at {} with {:08x}", said.bytes, said.last_checksum);
    Err(Error::corrupt(&log.name, said.bytes.min(log.end), what))
}
// ANCHOR_END: falls_short

// ANCHOR: refuse_if_durable
/// A floor behind the end says that what is missing was on the device.
fn refuse_if_durable(vfs: &dyn Vfs, judged: &Judged<'_>) -> Result<()> {
    let Some(last) = judged.accepted.last() else { return Ok(()) };
    for LogFile { name, number } in judged.behind {
        let file = vfs.open(name).during("open", name)?;
        let whole = Stretch { start: HEADER_BYTES as u64, end: file.size().during("stat", name)? };
        let Some((at, _)) = find_floor(&*file, name, *number, whole, 0)? else { continue };
        let (offset, why) = match (&last.tail, &judged.cut) {
            (Tail::Torn { offset, why, .. }, _) => (*offset, why.as_str()),
            (_, Some(cut)) => (cut.offset, cut.why.as_str()),
            _ => (last.end, "the log ends here"),
        };
        let what = format!("{why}; the floor at {at} of {name} says that this log was on the device");
        return Err(Error::corrupt(&last.name, offset, what));
    }
    Ok(())
}
// ANCHOR_END: refuse_if_durable

// ANCHOR: put_away
/// Removes the logs behind the end, or sets them aside if entries in them can be read. What was cut off before has been
/// reported already.
pub fn put_away_behind(vfs: &dyn Vfs, behind: &[LogFile], report: &mut RecoveryReport) -> Result<()> {
    for LogFile { name, number } in behind {
        let file = vfs.open(name).during("open", name)?;
        let whole = Stretch { start: HEADER_BYTES as u64, end: file.size().during("stat", name)? };
        if let Some(cut) = &mut report.cut {
            cut.bytes += whole.end.saturating_sub(whole.start);
        }
        if find_frame(&*file, name, *number, whole)?.is_some() {
            let aside = aside_name(name);
            vfs.rename(name, &aside).during("rename", name)?;
            vfs.sync_dir().during("sync", &vfs.location())?;
            report.set_aside.push(aside);
        } else {
            vfs.remove(name).during("remove", name)?;
        }
    }
    Ok(())
}
// ANCHOR_END: put_away
