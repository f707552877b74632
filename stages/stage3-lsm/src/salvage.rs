//! Saving what can be read from a store that refuses to open.
//!
//! **Invariants** The damaged store is read only. Oldest run first, then the logs, so that newer entries win there as they
//! did here. A table that no edit of the manifest names any more is left out, unless the manifest is damaged: then it
//! counts as a run of its own.
//!
//! **Cost** One pass over every file.

use crate::ENGINE;
use crate::found::{Clean, Kind, check_kind, newest_manifest, refuse_without_manifest};
use crate::manifest::edit::Edit;
use crate::manifest::{CHUNK_BYTES, Whole};
use crate::names::{log_name, manifest_name, table_name};
use crate::survey::Survey;
use crate::table;
use contract::{Engine, Error, IoContext, Result, SalvageReport};
use stage1::log::Stretch;
use stage1::log::header::{HEADER_BYTES, Header};
use stage1::salvage::{Saver, walk_past_damage};
use stage1::survey::lock;
use vfs::Vfs;

/// Saves every entry that can be read in `vfs` into another store.
pub(crate) fn store(vfs: &dyn Vfs, into: &dyn Engine) -> Result<SalvageReport> {
    let _lock = lock(vfs)?;
    let survey = Survey::look(vfs)?;
    let mut saver = Saver::new(into);
    if survey.clean {
        saver.lost(Clean::check(vfs, &survey, CHUNK_BYTES).map(drop))?;
    }
    let (whole, is_sound) = what_manifests_say(vfs, &survey, &mut saver)?;
    for number in tables(&survey, &whole, is_sound) {
        let name = table_name(number);
        match vfs.open(&name) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                saver.lost(Err(Error::corrupt(&name, 0, "missing; the manifest names it")))?;
            }
            other => {
                let file = other.during("open", &name)?;
                let lost = table::salvage(&*file, &name, number, &mut |entry| saver.entry(entry))?;
                for damage in lost {
                    saver.add(damage);
                }
            }
        }
    }
    let logs = survey.logs.iter().filter(|number| !is_sound || **number >= whole.log);
    for (i, number) in logs.clone().enumerate() {
        if let Err(stranger) = is_a_log(vfs, *number)? {
            saver.lost(Err(stranger))?;
            continue;
        }
        let torn_is_cut = !survey.clean && i + 1 == logs.clone().count();
        saver.log(vfs, &log_name(*number), *number, ENGINE, torn_is_cut)?;
    }
    saver.finish()
}

/// Whether a file under the name of a log is one, as far as its header can be read.
fn is_a_log(vfs: &dyn Vfs, number: u64) -> Result<Result<()>> {
    let name = log_name(number);
    let file = vfs.open(&name).during("open", &name)?;
    let header = Header::read(&*file, &name, number, ENGINE);
    Ok(header.map_or(Ok(()), |header| check_kind(&header, &name, Kind::WriteAhead)))
}

/// What the edits that can be read add up to, and whether all of them can.
fn what_manifests_say(vfs: &dyn Vfs, survey: &Survey, saver: &mut Saver<'_>) -> Result<(Whole, bool)> {
    let Some(&number) = survey.manifests.last() else {
        saver.lost(refuse_without_manifest(vfs, survey))?;
        return Ok((Whole::default(), false));
    };
    match newest_manifest(vfs, survey) {
        Ok((_, whole)) => return Ok((whole, true)),
        Err(error @ Error::Corrupt { .. }) => saver.lost(Err(error))?,
        Err(error) => return Err(error),
    }
    let name = manifest_name(number);
    let file = vfs.open(&name).during("open", &name)?;
    saver.lost(Header::read(&*file, &name, number, ENGINE).map(drop))?;
    let stretch = Stretch { start: HEADER_BYTES as u64, end: file.size().during("stat", &name)? };
    let mut whole = Whole::default();
    walk_past_damage(&*file, &name, number, stretch, &mut |passed| {
        let mut edit = Edit::default();
        if let Some(entry) = passed.frame().and_then(|frame| frame.entry())
            && edit.read(entry, &name, passed.offset).is_ok()
        {
            whole.apply(&edit);
        }
        Ok(())
    })?;
    Ok((whole, false))
}

/// The tables that hold the store, the oldest run first.
fn tables(survey: &Survey, whole: &Whole, is_sound: bool) -> Vec<u64> {
    let mut all: Vec<(u64, u64)> = whole.tables.iter().map(|table| (table.run, table.number)).collect();
    if !is_sound {
        let unknown = survey.tables.iter().filter(|number| !all.iter().any(|(_, known)| known == *number));
        let unknown: Vec<_> = unknown.map(|number| (*number, *number)).collect();
        all.extend(unknown);
        // Of a table that is not there, nothing can be said: its edit may be an old one.
        all.retain(|(_, number)| survey.tables.contains(number));
    }
    all.sort_unstable();
    all.into_iter().map(|(_, number)| number).collect()
}
