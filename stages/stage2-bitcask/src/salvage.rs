//! Saving what can be read from a store that refuses to open.
//!
//! **Invariants** The damaged store is read only. Oldest entry first, so that newer ones win there as they did here;
//! what a run has replaced is left out, unless the run cannot be recognised.
//!
//! **Cost** One pass over every segment; behind each bad frame a search for the next good one.

use crate::ENGINE;
use crate::names::SegmentId;
use crate::recover::check_listed;
use crate::survey::Survey;
use contract::{Engine, Error, IoContext, Result, SalvageReport};
use stage1::clean;
use stage1::log::header::Header;
use stage1::salvage::Saver;
use stage1::survey::lock;
use vfs::Vfs;

/// Saves every entry that can be read in `vfs` into another store.
pub(crate) fn store(vfs: &dyn Vfs, into: &dyn Engine) -> Result<SalvageReport> {
    let _lock = lock(vfs)?;
    let survey = Survey::look(vfs)?;
    let mut saver = Saver::new(into);
    saver.lost(survey.check())?;
    if survey.clean {
        saver.lost(clean::read(vfs, ENGINE).and_then(|listed| check_listed(&survey, &listed)))?;
    }
    let segments = readable(vfs, &survey)?;
    for (i, id) in segments.iter().enumerate() {
        let torn_is_cut = !survey.clean && i + 1 == segments.len();
        saver.log(vfs, &id.log_name(), id.number(), ENGINE, torn_is_cut)?;
    }
    saver.finish()
}

/// The segments that hold the store, the oldest first: those that count, and those that were replaced by a run whose
/// header cannot be read.
fn readable(vfs: &dyn Vfs, survey: &Survey) -> Result<Vec<SegmentId>> {
    let mut all = survey.segments.clone();
    for replaced in &survey.replaced {
        let by = survey.segments.iter().find(|id| id.replaces(*replaced));
        if let Some(run) = by
            && !is_recognised(vfs, *run)?
        {
            all.push(*replaced);
        }
    }
    all.sort_unstable_by_key(|id| (id.first(), id.last()));
    Ok(all)
}

fn is_recognised(vfs: &dyn Vfs, id: SegmentId) -> Result<bool> {
    let name = id.log_name();
    let file = vfs.open(&name).during("open", &name)?;
    match Header::read(&*file, &name, id.number(), ENGINE) {
        Ok(_) => Ok(true),
        Err(Error::Corrupt { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
