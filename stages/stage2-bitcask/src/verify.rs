//! Reading and checking every byte, without changing one and without stopping at the first that is wrong.
//!
//! **Invariants** Behind a bad frame the walk goes on at the next frame that verifies in its place, so one damaged
//! byte is one report. A hint file is checked against its segment: as a whole, as opening does, and record by record,
//! which opening spares itself.

use crate::ENGINE;
use crate::apply::locate;
use crate::hint::Hint;
use crate::index::{read_hint, refuse_unless_whole};
use crate::judge::{LogFile, judge, proven};
use crate::names::{Name, SegmentId};
use crate::recover::check_listed;
use crate::store::Store;
use crate::survey::Survey;
use contract::{Error, IoContext, Result, VerifyReport};
use stage1::clean::{self, Listed};
use stage1::files::{CLEAN, aside_name};
use stage1::log::header::HEADER_BYTES;
use stage1::log::{Reader, Stop, Stretch};
use stage1::replay::{Replay, Tail};
use stage1::salvage::CHUNK_BYTES;
use stage1::survey::lock;
use stage1::verify::{add, collect, log};
use std::collections::HashMap;
use vfs::{File, Vfs};

/// Verifies an open store: every segment and every hint, while reads and writes go on.
pub(crate) fn open_store(store: &Store) -> Result<VerifyReport> {
    // No merge takes a segment away meanwhile.
    let _upkeep = store.upkeep();
    let mut report = VerifyReport::default();
    for segment in store.segments.load_full().oldest_first() {
        let log = &segment.log;
        frames(&*log.file, &log.name, log.number, segment.bytes(), &mut report)?;
        if segment.hint_file_bytes() > 0 {
            hint(&*store.vfs, segment.id, &*log.file, &mut report)?;
        }
    }
    Ok(report)
}

/// Verifies a closed store.
pub(crate) fn store(vfs: &dyn Vfs) -> Result<VerifyReport> {
    let _lock = lock(vfs)?;
    let survey = Survey::look(vfs)?;
    let mut report = VerifyReport::default();
    collect(survey.check(), &mut report)?;
    let ends = if survey.clean {
        clean_ends(vfs, &survey, &mut report)?
    } else {
        unclean_ends(vfs, &survey, &mut report)?
    };
    for id in &survey.segments {
        let name = id.log_name();
        let file = vfs.open(&name).during("open", &name)?;
        let end = ends.iter().find(|(known, _)| known == id).map(|(_, end)| *end);
        let end = end.map_or_else(|| file.size().during("stat", &name), Ok)?;
        frames(&*file, &name, id.number(), end, &mut report)?;
        if survey.hints.contains(id) {
            hint(vfs, *id, &*file, &mut report)?;
        }
    }
    notes(&survey, &mut report);
    Ok(report)
}

/// Holds every segment against the mark of a clean close. Everything up to the end of each file counts.
fn clean_ends(vfs: &dyn Vfs, survey: &Survey, report: &mut VerifyReport) -> Result<Vec<(SegmentId, u64)>> {
    let mut listed = Vec::new();
    let read = clean::read(vfs, ENGINE).map(|files| listed = files);
    let checked = read.and_then(|()| check_listed(survey, &listed));
    let none = || Err(Error::corrupt(CLEAN, 24, "lists no segment"));
    collect(checked.and_then(|()| if survey.segments.is_empty() { none() } else { Ok(()) }), report)?;
    for id in &survey.segments {
        let said = listed.iter().find(|file| file.name == id.log_name());
        collect(whole(vfs, *id, said), report)?;
    }
    for file in &listed {
        if let Name::Hint(id) = Name::parse(&file.name) {
            collect(listed_hint(vfs, survey, id), report)?;
        }
    }
    Ok(Vec::new())
}

/// A hint that is listed was there when the store was closed, and spoke for all of its segment.
fn listed_hint(vfs: &dyn Vfs, survey: &Survey, id: SegmentId) -> Result<()> {
    let (name, log) = (id.hint_name(), id.log_name());
    if !survey.hints.contains(&id) {
        return Err(Error::corrupt(&name, 0, "missing; it was there when the store was closed"));
    }
    let file = vfs.open(&log).during("open", &log)?;
    let size = file.size().during("stat", &log)?;
    let covered = read_hint(vfs, id, &*file, None)?.covered_bytes();
    if covered != size {
        return Err(Error::corrupt(&name, 0, format!("speaks for {covered} of the segment's {size} bytes")));
    }
    Ok(())
}

fn whole(vfs: &dyn Vfs, id: SegmentId, listed: Option<&Listed>) -> Result<()> {
    refuse_unless_whole(&replay(vfs, id)?, listed)
}

fn replay(vfs: &dyn Vfs, id: SegmentId) -> Result<Replay> {
    let name = id.log_name();
    let file = vfs.open(&name).during("open", &name)?;
    Replay::read(file, name, id.number(), ENGINE, CHUNK_BYTES)
}

/// Where each segment of a store that was not closed ends, as the next opening will see it.
fn unclean_ends(vfs: &dyn Vfs, survey: &Survey, report: &mut VerifyReport) -> Result<Vec<(SegmentId, u64)>> {
    let proven = match proven(vfs, survey) {
        Err(Error::Corrupt { file, offset, what }) => {
            collect(Err(Error::Corrupt { file, offset, what }), report)?;
            survey.segments.len()
        }
        other => other?,
    };
    let (proven, doubtful) = survey.segments.split_at(proven);
    for id in proven {
        collect(whole(vfs, *id, None), report)?;
    }
    let logs: Vec<LogFile> = doubtful.iter().map(|id| id.log_file()).collect();
    let judged = match judge(vfs, ENGINE, &logs, CHUNK_BYTES) {
        Err(error) => {
            collect(Err(error), report)?;
            return Ok(Vec::new());
        }
        Ok(judged) => judged,
    };
    for replay in &judged.accepted {
        if let Tail::Torn { offset, why, bytes } = &replay.tail {
            let (name, end) = (&replay.name, replay.end);
            report.notes.push(format!(
                "{name}: torn tail: {bytes} bytes at {end}, {why} at {offset}; opening cuts them off"
            ));
        }
    }
    if let Some(cut) = &judged.cut {
        report.notes.push(format!("{}: cut at {}: {}", cut.file, cut.offset, cut.why));
    }
    for log in judged.behind {
        report.notes.push(format!("{}: behind the cut; opening sets it aside", log.name));
    }
    let ends = judged.accepted.iter().map(|replay| replay.end);
    Ok(doubtful.iter().copied().zip(ends.chain(std::iter::repeat(HEADER_BYTES as u64))).collect())
}

/// Reads and checks the frames of a segment up to `end`.
fn frames(file: &dyn File, name: &str, number: u64, end: u64, report: &mut VerifyReport) -> Result<()> {
    let found = log(file, name, number, Stretch { start: HEADER_BYTES as u64, end })?;
    report.entries += found.entries;
    report.bytes_read += HEADER_BYTES as u64 + found.bytes_read;
    found.damage.into_iter().for_each(|damage| add(report, damage));
    Ok(())
}

fn hint(vfs: &dyn Vfs, id: SegmentId, segment: &dyn File, report: &mut VerifyReport) -> Result<()> {
    let held = read_hint(vfs, id, segment, None).and_then(|hint| {
        report.bytes_read += hint.file_bytes();
        hold_against(&hint, id, segment)
    });
    collect(held, report)
}

// ANCHOR: hold_against
/// Holds a hint against the entries of its segment. It tells of entries that are there, in their order, and leaves one
/// out only if it tells of a later one of the same key. Where the segment is damaged there is nothing to hold it against.
fn hold_against(hint: &Hint, id: SegmentId, segment: &dyn File) -> Result<()> {
    let (log, start) = (id.log_name(), HEADER_BYTES as u64);
    let newest: HashMap<&[u8], u64> =
        hint.records().map(|record| (record.key, record.location().offset)).collect();
    let mut records = hint.records().peekable();
    let stretch = Stretch { start, end: hint.covered_bytes() };
    let mut reader = Reader::over(segment, &log, id.number(), stretch, CHUNK_BYTES, Vec::new());
    let wrong = |what: String| Err(Error::corrupt(&id.hint_name(), 0, what));
    loop {
        let passed = match reader.next_frame() {
            Ok(Some(passed)) if passed.is_entry() => passed,
            Ok(Some(_)) => continue,
            Ok(None) => break,
            Err(Stop::Bad { .. }) => return Ok(()),
            Err(stop) => return Err(stop.into_error(&log)),
        };
        let at = locate(&passed.head, 0, passed.offset);
        match records.next_if(|record| record.location().offset <= at.offset) {
            Some(record) if (record.key, record.location()) == (passed.key(), at) => {}
            Some(record) => {
                let offset = record.location().offset;
                return wrong(format!("tells of an entry at {offset} that is not there"));
            }
            None if newest.get(passed.key()).is_some_and(|newest| *newest > at.offset) => {}
            None => return wrong(format!("says nothing of the entry at {}", at.offset)),
        }
    }
    match records.next() {
        None => Ok(()),
        Some(record) => wrong(format!("tells of an entry at {} that is not there", record.location().offset)),
    }
}
// ANCHOR_END: hold_against

/// What a person may want to know and that is no damage.
fn notes(survey: &Survey, report: &mut VerifyReport) {
    for id in &survey.asides {
        let name = aside_name(&id.log_name());
        report.notes.push(format!("{name}: what recovery cut off and could still be read"));
    }
    report.notes.extend(survey.foreign.iter().map(|name| format!("{name}: not ours, left alone")));
    let leftovers = survey.all_leftovers();
    report.notes.extend(leftovers.iter().map(|name| format!("{name}: left over, goes at the next opening")));
    if survey.segments.is_empty() && !survey.clean {
        report.notes.push("no store here yet".into());
    }
}
