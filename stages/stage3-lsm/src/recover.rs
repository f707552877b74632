//! Opening: what is in the directory becomes a tree, a memtable, and logs that can be appended to.
//!
//! **Invariants**
//! 1. After a clean close everything must be as the mark says; anything else is reported and nothing is touched.
//! 2. Without the mark, the newest manifest counts, and of it what is whole. Its tables must be there. Its logs are
//!    judged as stage 2 judges segments.
//! 3. A log or a manifest that was not closed is never continued. What it says moves: a manifest's edits into a new
//!    manifest, a log's entries into a memtable, and that is flushed before anybody may write.
//! 4. Opening twice is as good as once: until the flush's edit is on the device, the old logs count.
//!
//! **Cost** The manifest; index and filter of every table; after a crash one pass over the logs, and a flush of what they
//! hold.

use crate::ENGINE;
use crate::cache::BlockCache;
use crate::found::{
    Clean, each_entry, leftovers, live_logs, newest_manifest, open_table, part_strangers,
    refuse_without_manifest,
};
use crate::manifest::{Manifest, Whole};
use crate::memtable::Memtable;
use crate::names::log_name;
use crate::options::Settings;
use crate::state::Tree;
use crate::store::{Parts, Recovered, Store};
use crate::survey::Survey;
use crate::table::TableReading;
use crate::write::{build_log, name_log};
use contract::{IoContext, RecoveryReport, Result};
use stage1::clean;
use stage1::files::aside_name;
use stage1::log::header::Previous;
use stage1::log::{Log, Writer};
use stage1::recover::{note, put_away, remove_leftovers};
use stage1::replay::Replay;
use stage1::survey::lock;
use stage2::judge::{Judged, judge, put_away_behind};
use std::sync::Arc;
use vfs::{DirLock, Vfs};

/// What is known while a store is being opened.
struct Opener {
    vfs: Arc<dyn Vfs>,
    settings: Settings,
    reading: Arc<TableReading>,
    survey: Survey,
    report: RecoveryReport,
    /// The number of the next file.
    next: u64,
}

// ANCHOR: open
/// Opens the store in a directory, or makes one.
pub(crate) fn open(vfs: Arc<dyn Vfs>, settings: Settings) -> Result<(Store, RecoveryReport)> {
    let lock = lock(&*vfs)?;
    let survey = Survey::look(&*vfs)?;
    let next = survey.next_number()?;
    let cache = (settings.cache_bytes > 0).then(|| Arc::new(BlockCache::new(settings.cache_bytes)));
    let reading = Arc::new(TableReading { cache, mapped: settings.mapped, ..TableReading::default() });
    let report = RecoveryReport { foreign: survey.foreign.clone(), ..RecoveryReport::default() };
    let opener = Opener { vfs, settings, reading, survey, report, next };
    if opener.survey.clean {
        opener.continue_clean(lock)
    } else if opener.survey.manifests.is_empty() {
        opener.create(lock)
    } else {
        opener.replace_unclean(lock)
    }
}
// ANCHOR_END: open

impl Opener {
    /// The first log and the first manifest of a new store.
    fn create(mut self, lock: DirLock) -> Result<(Store, RecoveryReport)> {
        refuse_without_manifest(&*self.vfs, &self.survey)?;
        self.report.created = true;
        let writer = self.begin_log()?;
        let whole = Whole { log: writer.log.number, next: self.next, ..Whole::default() };
        let manifest = self.begin_manifest(whole, Previous::default())?;
        let logs: Vec<String> = self.survey.logs.iter().map(|number| log_name(*number)).collect();
        remove_leftovers(&*self.vfs, &[logs, self.survey.unfinished.clone()].concat(), &mut self.report)?;
        Ok(self.store(lock, Tree::default(), Memtable::new(), writer, manifest, Vec::new()))
    }

    // ANCHOR: continue_clean
    /// A store that was closed cleanly: everything must match.
    fn continue_clean(mut self, lock: DirLock) -> Result<(Store, RecoveryReport)> {
        let Clean { manifest, whole, log } =
            Clean::check(&*self.vfs, &self.survey, self.settings.chunk_bytes)?;
        self.report.clean = true;
        self.note_manifest(&manifest);
        note(&log, &mut self.report);
        let tree = self.open_tables(&manifest, &whole)?;
        let memtable = Memtable::new();
        self.fill(&memtable, &log)?;
        remove_leftovers(&*self.vfs, &self.survey.unfinished, &mut self.report)?;
        self.next = self.next.max(whole.next);
        let manifest = Manifest::new(continued(manifest), whole);
        Ok(self.store(lock, tree, memtable, continued(log), manifest, Vec::new()))
    }
    // ANCHOR_END: continue_clean

    // ANCHOR: replace_unclean
    /// A store whose owner died.
    fn replace_unclean(mut self, lock: DirLock) -> Result<(Store, RecoveryReport)> {
        let vfs = Arc::clone(&self.vfs);
        let (old_manifest, whole) = newest_manifest(&*vfs, &self.survey)?;
        self.note_manifest(&old_manifest);
        self.next = self.next.max(whole.next);
        let tree = self.open_tables(&old_manifest, &whole)?;
        let logs = live_logs(&*vfs, &self.survey, &old_manifest, &whole)?;
        let Judged { accepted, cut, behind } = judge(&*vfs, ENGINE, &logs, self.settings.chunk_bytes)?;
        self.report.cut = cut;
        let recovered = self.recover(&accepted)?;
        // What we saw may be the work of a process that was killed before it synced the directory. We are about to act
        // on it, so it must not be taken back afterwards.
        vfs.sync_dir().during("sync", &vfs.location())?;
        let leftovers = part_strangers(&*vfs, leftovers(&self.survey, &whole))?;
        let writer = self.begin_log()?;
        let log = if recovered.is_empty() { writer.log.number } else { whole.log };
        let whole = Whole { next: self.next, log, ..whole };
        let previous = Previous {
            number: old_manifest.header.number,
            bytes: old_manifest.end,
            last_checksum: old_manifest.last_checksum,
        };
        let manifest = self.begin_manifest(whole, previous)?;
        let (store, mut report) = self.store(lock, tree, Memtable::new(), writer, manifest, recovered);
        let finish = || {
            store.flush_recovered()?;
            put_away(&*vfs, &old_manifest, &mut report)?;
            accepted.iter().try_for_each(|log| put_away(&*vfs, log, &mut report))?;
            put_away_behind(&*vfs, behind, &mut report)?;
            let (strangers, leftovers) = leftovers;
            set_aside(&*vfs, &strangers, &mut report)?;
            remove_leftovers(&*vfs, &leftovers, &mut report)
        };
        // A store that is not whole must not be closed as if it were.
        finish().map_err(|error| store.poisoned_by(error))?;
        Ok((store, report))
    }

    /// What logs hold, as memtables: as many logs in one as there is room for. The oldest first.
    fn recover(&mut self, accepted: &[Replay]) -> Result<Vec<Recovered>> {
        let mut recovered: Vec<Recovered> = Vec::new();
        for log in accepted {
            note(log, &mut self.report);
            let full = |last: &Recovered| last.memtable.filled_bytes() >= self.settings.active_bytes();
            if recovered.last().is_none_or(full) {
                recovered.push(Recovered { memtable: Arc::new(Memtable::new()), log: log.header.number });
            }
            if let Some(last) = recovered.last() {
                self.fill(&last.memtable, log)?;
            }
        }
        recovered.retain(|recovered| recovered.memtable.entries() > 0);
        Ok(recovered)
    }
    // ANCHOR_END: replace_unclean

    /// Puts the accepted entries of a log into a memtable.
    fn fill(&self, memtable: &Memtable, log: &Replay) -> Result<()> {
        each_entry(log, self.settings.chunk_bytes, |entry, _, _| {
            memtable.apply(std::iter::once(entry), 1, None);
            Ok(())
        })
    }

    /// The entries of a manifest are no entries of the store.
    fn note_manifest(&mut self, manifest: &Replay) {
        self.report.files += 1;
        self.report.bytes_read += manifest.bytes_read;
    }

    fn open_tables(&mut self, manifest: &Replay, whole: &Whole) -> Result<Tree> {
        let mut tables = Vec::new();
        for added in &whole.tables {
            let table = open_table(&*self.vfs, added, manifest, &self.reading)?;
            tables.push((added.run, Arc::new(table)));
            self.report.files += 1;
        }
        Tree::default().with(&[], tables)
    }

    fn begin_log(&mut self) -> Result<Writer> {
        let number = self.next;
        self.next += 1;
        let built = build_log(&*self.vfs, number, Previous::default(), self.settings.chunk_bytes)?;
        let base = built.bytes;
        let writer = name_log(&*self.vfs, built, number)?;
        writer.log.note_synced(base);
        Ok(writer)
    }

    fn begin_manifest(&mut self, whole: Whole, previous: Previous) -> Result<Manifest> {
        self.next = whole.next + 1;
        Manifest::install(&*self.vfs, whole, previous)
    }

    fn store(
        self,
        lock: DirLock,
        tree: Tree,
        memtable: Memtable,
        writer: Writer,
        manifest: Manifest,
        recovered: Vec<Recovered>,
    ) -> (Store, RecoveryReport) {
        let Self { vfs, settings, reading, survey, report, next } = self;
        let clean = report.clean;
        let names: Vec<_> = if clean { survey.ours().collect() } else { Vec::new() };
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let mark_bytes = clean::mark_bytes(&names);
        let parts = Parts {
            vfs,
            settings,
            reading,
            lock,
            tree,
            memtable,
            writer,
            manifest,
            clean,
            next_number: next,
            recovered,
            mark_bytes,
        };
        (Store::new(parts), report)
    }
}

/// Keeps what lies under names of ours and is not ours.
fn set_aside(vfs: &dyn Vfs, names: &[String], report: &mut RecoveryReport) -> Result<()> {
    for name in names {
        let aside = aside_name(name);
        vfs.rename(name, &aside).during("rename", name)?;
        report.set_aside.push(aside);
    }
    if names.is_empty() { Ok(()) } else { vfs.sync_dir().during("sync", &vfs.location()) }
}

/// A log that was closed cleanly, to be appended to.
fn continued(replay: Replay) -> Writer {
    let (base, last_checksum) = (replay.header.base_bytes, replay.last_checksum);
    let log = Log::new(replay.file, replay.name, replay.header.number, replay.end, replay.marks);
    Writer::new(Arc::new(log), last_checksum, base)
}
