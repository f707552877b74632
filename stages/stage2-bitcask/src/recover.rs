//! Opening: what is in the directory becomes segments, a keydir, and a log that can be appended to.
//!
//! **Invariants**
//! 1. After a clean close everything must be as the mark says; anything else is reported and nothing is touched.
//! 2. Without the mark, `judge` says which segments are proven to be on the device, and where among the others the
//!    store ends.
//! 3. What is not proven is never continued: what is accepted of it is copied into one new file, a run that covers all
//!    of them. So stale bytes, failed syncs and a second crash have nothing to act on.
//! 4. What was cut off is set aside if it can be read; all else that goes is covered by the new file.
//!
//! **Cost** The hints; the segments that have none; after a crash the unproven segments once more, to copy them.

use crate::ENGINE;
use crate::clock::Since;
use crate::handles::Handles;
use crate::index::{Loaded, Opener};
use crate::judge::{Judged, LogFile, judge, proven, put_away_behind};
use crate::keydir::Keydir;
use crate::names::{Name, SegmentId};
use crate::options::Settings;
use crate::report::Opening;
use crate::segment::Segments;
use crate::store::Parts;
use crate::survey::Survey;
use contract::{Error, IoContext, RecoveryReport, Result};
use stage1::clean;
use stage1::files::{CLEAN, aside_name};
use stage1::install;
use stage1::log::header::{HEADER_BYTES, Header, Previous};
use stage1::log::{Builder, Marks, Reader, Stretch, Writer};
use stage1::recover::{put_away, remove_leftovers};
use stage1::replay::Replay;
use stage1::survey::lock;
use std::sync::Arc;
use vfs::Vfs;

// ANCHOR: open
/// Opens the store in a directory, or makes one.
pub(crate) fn open(vfs: Arc<dyn Vfs>, settings: Settings) -> Result<(Parts, RecoveryReport)> {
    let since = Since::now();
    let lock = lock(&*vfs)?;
    let survey = Survey::look(&*vfs)?;
    let mut opener = Opener {
        vfs: &vfs,
        settings: &settings,
        handles: Handles::new(Arc::clone(&vfs), settings.open_files),
        keydir: Keydir::new(),
        segments: Vec::new(),
        report: RecoveryReport { foreign: survey.foreign.clone(), ..RecoveryReport::default() },
        opening: Opening::default(),
    };
    let writer = if survey.clean {
        opener.continue_clean(&survey)?
    } else if survey.segments.is_empty() {
        opener.create(&survey)?
    } else {
        opener.replace_unclean(&survey)?
    };
    let Opener { handles, keydir, segments, mut report, mut opening, .. } = opener;
    // A key that is in several hints had room for each.
    keydir.trim();
    remove_leftovers(&*vfs, &survey.all_leftovers(), &mut report)?;
    let Some(active) = segments.last().cloned() else {
        return Err(Error::corrupt(&vfs.location(), 0, "no segment"));
    };
    let next_number = survey.next_number()?.max(active.id.last().saturating_add(1));
    let segments = segments.into_iter().fold(Segments::default(), |all, segment| all.with(segment));
    opening.time = since.elapsed();
    let clean = survey.clean;
    Ok((
        Parts { vfs, settings, handles, lock, keydir, segments, active, writer, clean, next_number, opening },
        report,
    ))
}
// ANCHOR_END: open

impl Opener<'_> {
    /// The first segment of a new store.
    fn create(&mut self, survey: &Survey) -> Result<Writer> {
        if let Some(id) = survey.asides.first() {
            // Recovery sets a log aside only once the new one is there.
            let what = "the log that replaced this one is missing";
            return Err(Error::corrupt(&aside_name(&id.log_name()), 0, what));
        }
        survey.check()?;
        self.report.created = true;
        let id = SegmentId::plain(survey.next_number()?);
        self.install(id, Previous::default(), &[])
    }

    // ANCHOR: continue_clean
    /// A store that was closed cleanly: everything must match.
    fn continue_clean(&mut self, survey: &Survey) -> Result<Writer> {
        let listed = clean::read(&**self.vfs, ENGINE)?;
        check_listed(survey, &listed)?;
        survey.check()?;
        self.reserve(&survey.hints)?;
        let mut active = None;
        for id in &survey.segments {
            seal(active.as_ref());
            active = Some(self.load(*id, survey.hints.contains(id), &listed)?);
        }
        self.report.clean = true;
        let names: Vec<_> = listed.iter().map(|file| file.name.as_str()).collect();
        self.opening.mark_bytes = clean::mark_bytes(&names);
        let Some(Loaded { segment, last_checksum, base_bytes }) = active else {
            return Err(Error::corrupt(CLEAN, 24, "lists no segment"));
        };
        Ok(Writer::new(Arc::clone(&segment.log), last_checksum, base_bytes))
    }
    // ANCHOR_END: continue_clean

    // ANCHOR: replace_unclean
    /// A store whose owner died: what is not proven to be on the device moves into a new file.
    fn replace_unclean(&mut self, survey: &Survey) -> Result<Writer> {
        survey.check()?;
        let (proven, doubtful) = survey.segments.split_at(proven(&**self.vfs, survey)?);
        self.reserve(&survey.hints)?;
        for id in proven {
            let loaded = self.load(*id, survey.hints.contains(id), &[])?;
            seal(Some(&loaded));
        }
        let logs: Vec<LogFile> = doubtful.iter().map(|id| id.log_file()).collect();
        let Judged { accepted, cut, behind } = judge(&**self.vfs, ENGINE, &logs, self.settings.chunk_bytes)?;
        self.report.cut = cut;
        let first = doubtful.first().map_or(1, |id| id.first());
        let id = SegmentId::run(first, survey.next_number()?);
        let previous = Previous { number: u64::from(first) - 1, ..Previous::default() };
        // This syncs the directory too, before anything is taken away: so what a process did that was killed before it
        // synced the directory, and that we have acted on, is not taken back.
        let writer = self.install(id, previous, &accepted)?;
        for replay in &accepted {
            put_away(&**self.vfs, replay, &mut self.report)?;
        }
        put_away_behind(&**self.vfs, behind, &mut self.report)?;
        for id in doubtful.iter().filter(|id| survey.hints.contains(id)) {
            let name = id.hint_name();
            if let Some(replay) = accepted.iter().find(|replay| replay.name == id.log_name()) {
                // Nobody needs it any more, but if it is damaged that is said before it goes.
                self.believable_hint(*id, &*replay.file, None)?;
            }
            self.vfs.remove(&name).during("remove", &name)?;
        }
        Ok(writer)
    }
    // ANCHOR_END: replace_unclean

    // ANCHOR: install
    /// Installs a segment that holds what was accepted, and makes it the active one.
    fn install(&mut self, id: SegmentId, previous: Previous, accepted: &[Replay]) -> Result<Writer> {
        let entry_bytes: u64 = accepted.iter().map(|replay| replay.entry_bytes).sum();
        let base_bytes = HEADER_BYTES as u64 + entry_bytes;
        let header = Header { engine: ENGINE, number: id.number(), previous, base_bytes };
        let name = id.log_name();
        let chunk_bytes = self.settings.chunk_bytes;
        let file = install::begin(&**self.vfs, &name)?;
        let mut builder = Builder::new(file, name.clone(), &header, Marks::new(chunk_bytes));
        for replay in accepted {
            let stretch = Stretch { start: HEADER_BYTES as u64, end: replay.end };
            let number = replay.header.number;
            let mut reader =
                Reader::over(&*replay.file, &replay.name, number, stretch, chunk_bytes, Vec::new());
            builder.push_all(&mut reader, &replay.name, |_, _| ())?;
            stage1::recover::note(replay, &mut self.report);
        }
        let built = builder.finish()?;
        install::commit(&**self.vfs, &*built.file, &name)?;
        let segment = self.add(id, built.file, built.bytes, built.marks);
        self.index(&segment)?;
        Ok(Writer::new(Arc::clone(&segment.log), built.last_checksum, base_bytes))
    }
    // ANCHOR_END: install
}

/// Every segment that was there when the store was closed must be there, and no other.
pub(crate) fn check_listed(survey: &Survey, listed: &[clean::Listed]) -> Result<()> {
    let names: Vec<String> = survey.segments.iter().chain(&survey.replaced).map(|id| id.log_name()).collect();
    let is_log = |file: &&clean::Listed| matches!(Name::parse(&file.name), Name::Log(_));
    if let Some(missing) = listed.iter().filter(is_log).find(|file| !names.contains(&file.name)) {
        return Err(Error::corrupt(&missing.name, 0, "missing; it was there when the store was closed"));
    }
    match names.iter().find(|name| !listed.iter().any(|file| file.name == **name)) {
        Some(extra) => Err(Error::corrupt(extra, 0, "not there when the store was closed")),
        None => Ok(()),
    }
}

fn seal(loaded: Option<&Loaded>) {
    if let Some(loaded) = loaded {
        loaded.segment.seal(loaded.last_checksum);
        loaded.segment.release();
    }
}
