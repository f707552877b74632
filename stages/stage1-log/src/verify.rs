//! Reading and checking every byte, without changing one and without stopping at the first that is wrong.
//!
//! **Invariants** Behind a bad frame the walk goes on at the next frame that verifies in its place, so one damaged
//! byte is one report.

use crate::ENGINE;
use crate::log::Stretch;
use crate::log::header::HEADER_BYTES;
use crate::recover::{check_clean, replay};
use crate::replay::Tail;
use crate::salvage::{CHUNK_BYTES, walk_past_damage};
use crate::survey::{Survey, lock};
use contract::{Damage, Error, Result, VerifyReport};
use vfs::{File, Vfs};

/// Verifies a closed store: its mark if there is one, and every log.
pub(crate) fn store(vfs: &dyn Vfs) -> Result<VerifyReport> {
    let _lock = lock(vfs)?;
    let survey = Survey::take(vfs, ENGINE)?;
    let mut report = VerifyReport::default();
    if survey.clean {
        collect(check_clean(vfs, &survey, CHUNK_BYTES).map(drop), &mut report)?;
    }
    for &number in &survey.logs {
        collect(one_log(vfs, number, survey.clean, &mut report), &mut report)?;
    }
    for &number in &survey.asides {
        report.notes.push(format!("{number:06}.log.aside: what recovery cut off and could still be read"));
    }
    report.notes.extend(survey.foreign.iter().map(|name| format!("{name}: not ours, left alone")));
    report
        .notes
        .extend(survey.unfinished.iter().map(|name| format!("{name}: unfinished, goes at the next opening")));
    if survey.logs.is_empty() && !survey.clean {
        report.notes.push("no store here yet".into());
    }
    Ok(report)
}

fn one_log(vfs: &dyn Vfs, number: u64, clean: bool, report: &mut VerifyReport) -> Result<()> {
    let replay = replay(vfs, number, CHUNK_BYTES)?;
    report.bytes_read += HEADER_BYTES as u64;
    let end = match &replay.tail {
        Tail::Torn { offset, why, bytes } if !clean => {
            let (name, end) = (&replay.name, replay.end);
            let what = format!(
                "{name}: torn tail: {bytes} bytes at {end}, {why} at {offset}; opening cuts them off"
            );
            report.notes.push(what);
            replay.end
        }
        Tail::Whole => replay.end,
        _ => replay.size,
    };
    if let Some(error) = replay.damage() {
        collect(Err(error), report)?;
    }
    let found = log(&*replay.file, &replay.name, number, Stretch { start: HEADER_BYTES as u64, end })?;
    report.entries += found.entries;
    report.bytes_read += found.bytes_read;
    for damage in found.damage {
        add(report, damage);
    }
    Ok(())
}

/// Verifies a stretch of an open file.
pub fn log(file: &dyn File, name: &str, number: u64, stretch: Stretch) -> Result<VerifyReport> {
    let mut report = VerifyReport::default();
    let damage = walk_past_damage(file, name, number, stretch, &mut |passed| {
        report.entries += u64::from(passed.is_entry());
        report.bytes_read += passed.at().bytes;
        Ok(())
    })?;
    report.damage = damage;
    Ok(report)
}

/// Turns damage into a line of the report; other errors stay errors.
pub fn collect(result: Result<()>, report: &mut VerifyReport) -> Result<()> {
    match result {
        Err(Error::Corrupt { file, offset, what }) => add(report, Damage { file, offset, what }),
        other => other?,
    }
    Ok(())
}

/// Two checks may find the same damage; it is told once.
pub fn add(report: &mut VerifyReport, damage: Damage) {
    if !report.damage.iter().any(|known| known.file == damage.file && known.offset == damage.offset) {
        report.damage.push(damage);
    }
}
