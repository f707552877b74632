//! Reading and checking every byte, without changing one and without stopping at the first that is wrong.

use crate::ENGINE;
use crate::found::{Clean, leftovers, live_logs, newest_manifest, open_table, refuse_without_manifest};
use crate::manifest::Whole;
use crate::names::{Name, log_name};
use crate::state::Tree;
use crate::store::Store;
use crate::survey::Survey;
use crate::table::{self, TableReading};
use contract::{IoContext, Result, VerifyReport};
use stage1::log::Stretch;
use stage1::log::header::HEADER_BYTES;
use stage1::replay::{Replay, Tail};
use stage1::salvage::CHUNK_BYTES;
use stage1::survey::lock;
use stage1::verify::{add, collect, log};
use stage2::judge::{LogFile, judge};
use std::sync::Arc;
use vfs::{File, Vfs};

/// Verifies an open store, while reads and writes go on.
pub(crate) fn open_store(store: &Store) -> Result<VerifyReport> {
    // No file is taken away meanwhile.
    let _upkeep = store.hold_upkeep();
    let mut report = VerifyReport::default();
    let (state, writer_log, end) = {
        let turn = store.any_turn();
        (store.state.load_full(), Arc::clone(&turn.writer.log), turn.writer.log.appended())
    };
    for table in state.tree.tables() {
        merge(&mut report, table.verify()?);
    }
    for frozen in &state.frozen {
        let name = log_name(frozen.log);
        let file = store.vfs.open(&name).during("open", &name)?;
        frames(&*file, &name, frozen.log, frozen.log_bytes, &mut report)?;
    }
    frames(&*writer_log.file, &writer_log.name, writer_log.number, end, &mut report)?;
    let manifest = store.manifest();
    let tail = manifest.tail();
    let name = manifest.name();
    let file = store.vfs.open(name).during("open", name)?;
    manifest_frames(&*file, name, tail.number, tail.bytes, &mut report)?;
    Ok(report)
}

/// Verifies a closed store.
pub(crate) fn store(vfs: &dyn Vfs) -> Result<VerifyReport> {
    let _lock = lock(vfs)?;
    let survey = Survey::look(vfs)?;
    let mut report = VerifyReport::default();
    collect(survey.next_number().map(drop), &mut report)?;
    let mut ends = Ends::new();
    let mut found = None;
    if survey.clean {
        match Clean::check(vfs, &survey, CHUNK_BYTES) {
            Ok(clean) => found = Some((clean.manifest, clean.whole)),
            Err(error) => collect(Err(error), &mut report)?,
        }
    } else if survey.manifests.is_empty() {
        collect(refuse_without_manifest(vfs, &survey), &mut report)?;
    } else {
        match unclean(vfs, &survey, &mut report) {
            Ok((manifest, whole, cut)) => (found, ends) = (Some((manifest, whole)), cut),
            Err(error) => collect(Err(error), &mut report)?,
        }
    }
    if let Some((manifest, whole)) = &found {
        check_tables(vfs, manifest, whole, &mut report)?;
    }
    let whole = found.map(|(_, whole)| whole);
    // What goes at the next opening may be in any state.
    let left = whole.as_ref().map_or_else(Vec::new, |whole| leftovers(&survey, whole));
    for name in survey.ours().filter(|name| !left.contains(name)) {
        let file = vfs.open(&name).during("open", &name)?;
        let end = end_of(&ends, &name).map_or_else(|| file.size().during("stat", &name), Ok)?;
        match Name::parse(&name) {
            Name::Manifest(number) => manifest_frames(&*file, &name, number, end, &mut report)?,
            Name::Log(number) => frames(&*file, &name, number, end, &mut report)?,
            Name::Table(number) => merge(&mut report, table::verify(&*file, &name, number)?),
            _ => {}
        }
    }
    notes(&survey, whole.as_ref(), &mut report);
    Ok(report)
}

/// Where files end that were not closed.
type Ends = Vec<(String, u64)>;

/// What the next opening will accept of a store that was not closed: the manifest, its sum, and where files end.
fn unclean(vfs: &dyn Vfs, survey: &Survey, report: &mut VerifyReport) -> Result<(Replay, Whole, Ends)> {
    let (manifest, whole) = newest_manifest(vfs, survey)?;
    let mut ends = vec![(manifest.name.clone(), manifest.end)];
    torn(&manifest, report);
    let logs: Vec<LogFile> = live_logs(vfs, survey, &manifest, &whole)?;
    let judged = judge(vfs, ENGINE, &logs, CHUNK_BYTES)?;
    for replay in &judged.accepted {
        torn(replay, report);
        ends.push((replay.name.clone(), replay.end));
    }
    if let Some(cut) = &judged.cut {
        report.notes.push(format!("{}: cut at {}: {}", cut.file, cut.offset, cut.why));
    }
    for file in judged.behind {
        report.notes.push(format!("{}: behind the cut; opening sets it aside", file.name));
        ends.push((file.name.clone(), HEADER_BYTES as u64));
    }
    Ok((manifest, whole, ends))
}

fn torn(replay: &Replay, report: &mut VerifyReport) {
    if let Tail::Torn { offset, why, bytes } = &replay.tail {
        let (name, end) = (&replay.name, replay.end);
        report.notes.push(format!(
            "{name}: torn tail: {bytes} bytes at {end}, {why} at {offset}; opening cuts them off"
        ));
    }
}

fn end_of(ends: &[(String, u64)], name: &str) -> Option<u64> {
    ends.iter().find(|(known, _)| known == name).map(|(_, end)| *end)
}

/// Every table must be there and be the one that the manifest means, and together they must be a tree, as when the store is
/// opened.
fn check_tables(vfs: &dyn Vfs, manifest: &Replay, whole: &Whole, report: &mut VerifyReport) -> Result<()> {
    let reading = Arc::new(TableReading::default());
    let mut tables = Vec::new();
    for added in &whole.tables {
        match open_table(vfs, added, manifest, &reading) {
            Ok(table) => tables.push((added.run, Arc::new(table))),
            Err(error) => collect(Err(error), report)?,
        }
    }
    collect(Tree::default().with(&[], tables).map(drop), report)
}

/// Reads and checks the frames of a log up to `end`.
fn frames(file: &dyn File, name: &str, number: u64, end: u64, report: &mut VerifyReport) -> Result<()> {
    collect(stage1::log::header::Header::read(file, name, number, ENGINE).map(drop), report)?;
    let found = log(file, name, number, Stretch { start: HEADER_BYTES as u64, end })?;
    merge(report, VerifyReport { bytes_read: found.bytes_read + HEADER_BYTES as u64, ..found });
    Ok(())
}

/// The same for a manifest, whose entries are no entries of the store.
fn manifest_frames(
    file: &dyn File,
    name: &str,
    number: u64,
    end: u64,
    report: &mut VerifyReport,
) -> Result<()> {
    let entries = report.entries;
    frames(file, name, number, end, report)?;
    report.entries = entries;
    Ok(())
}

fn merge(report: &mut VerifyReport, found: VerifyReport) {
    report.entries += found.entries;
    report.bytes_read += found.bytes_read;
    for damage in found.damage {
        add(report, damage);
    }
    report.notes.extend(found.notes);
}

/// What a person may want to know and that is no damage.
fn notes(survey: &Survey, whole: Option<&Whole>, report: &mut VerifyReport) {
    for name in &survey.asides {
        report.notes.push(format!("{name}: what recovery cut off and could still be read"));
    }
    report.notes.extend(survey.foreign.iter().map(|name| format!("{name}: not ours, left alone")));
    let left = whole.map_or_else(|| survey.unfinished.clone(), |whole| leftovers(survey, whole));
    report.notes.extend(left.iter().map(|name| format!("{name}: left over, goes at the next opening")));
    if survey.manifests.is_empty() && !survey.clean && report.damage.is_empty() {
        report.notes.push("no store here yet".into());
    }
}
