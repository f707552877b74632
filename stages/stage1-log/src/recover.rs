//! Opening: what is in the directory becomes a log that can be appended to.
//!
//! **Invariants**
//! 1. After a clean close everything must be as the mark says; anything else is reported and nothing is touched.
//! 2. Without the mark the newest log counts. It is never edited and never continued: what is accepted of it is
//!    copied into a new file, which is installed in one step. So stale bytes, failed syncs and a second crash at any
//!    moment of the first recovery have nothing to act on.
//! 3. The old file is removed, or set aside if what was cut off it can be read: no byte is destroyed that is not
//!    either copied or explained.
//!
//! **Cost** One pass over the log; after a crash another one to copy it.

use crate::clean::{self, Listed};
use crate::files::{CLEAN, aside_name, log_name};
use crate::install;
use crate::log::header::{HEADER_BYTES, Header, Previous};
use crate::log::{Builder, Built, Log, Marks, Reader, Stretch, Writer, find_frame};
use crate::options::Settings;
use crate::replay::{Replay, Tail};
use crate::survey::{Survey, lock};
use crate::{ENGINE, store::Parts};
use contract::{Cut, Error, IoContext, RecoveryReport, Result};
use std::sync::Arc;
use vfs::Vfs;

// ANCHOR: open
/// Opens the store in a directory, or makes one.
pub(crate) fn open(vfs: Arc<dyn Vfs>, settings: Settings) -> Result<(Parts, RecoveryReport)> {
    let lock = lock(&*vfs)?;
    let survey = Survey::take(&*vfs, ENGINE)?;
    let mut report = RecoveryReport { foreign: survey.foreign.clone(), ..RecoveryReport::default() };
    let writer = if survey.clean {
        continue_clean(&*vfs, &survey, &settings, &mut report)?
    } else if let Some((&newest, older)) = survey.logs.split_last() {
        replace_unclean(&*vfs, &survey, newest, older, &settings, &mut report)?
    } else {
        create(&*vfs, &survey, &settings, &mut report)?
    };
    remove_leftovers(&*vfs, &survey.unfinished, &mut report)?;
    let next_number = survey.next_number()?.max(writer.log.number + 1);
    let entries = report.entries;
    Ok((Parts { vfs, settings, lock, writer, clean: survey.clean, next_number, entries }, report))
}
// ANCHOR_END: open

/// Reads log `number` to its end.
pub(crate) fn replay(vfs: &dyn Vfs, number: u64, chunk_bytes: usize) -> Result<Replay> {
    let name = log_name(number);
    let file = vfs.open(&name).during("open", &name)?;
    Replay::read(file, name, number, ENGINE, chunk_bytes)
}

/// The first log of a new store.
fn create(
    vfs: &dyn Vfs,
    survey: &Survey,
    settings: &Settings,
    report: &mut RecoveryReport,
) -> Result<Writer> {
    if let Some(&number) = survey.asides.first() {
        // Recovery sets a log aside only once the new one is there.
        return Err(Error::corrupt(
            &aside_name(&log_name(number)),
            0,
            "the log that replaced this one is missing",
        ));
    }
    report.created = true;
    let header = Header {
        engine: ENGINE,
        number: survey.next_number()?,
        previous: Previous::default(),
        base_bytes: HEADER_BYTES as u64,
    };
    let name = log_name(header.number);
    let marks = Marks::new(settings.chunk_bytes);
    let built = Builder::new(install::begin(vfs, &name)?, name, &header, marks).finish()?;
    install_log(vfs, built, &header)
}

/// Gives a built log its name and makes it the one to append to.
pub fn install_log(vfs: &dyn Vfs, built: Built, header: &Header) -> Result<Writer> {
    let name = log_name(header.number);
    install::commit(vfs, &*built.file, &name)?;
    let log = Log::new(built.file, name, header.number, built.bytes, built.marks);
    Ok(Writer::new(Arc::new(log), built.last_checksum, header.base_bytes))
}

/// A store that was closed cleanly: everything must match.
fn continue_clean(
    vfs: &dyn Vfs,
    survey: &Survey,
    settings: &Settings,
    report: &mut RecoveryReport,
) -> Result<Writer> {
    let replay = check_clean(vfs, survey, settings.chunk_bytes)?;
    report.clean = true;
    note(&replay, report);
    let (base, last_checksum) = (replay.header.base_bytes, replay.last_checksum);
    let log = Log::new(replay.file, replay.name, replay.header.number, replay.end, replay.marks);
    Ok(Writer::new(Arc::new(log), last_checksum, base))
}

/// Reads a store that has the mark of a clean close, and holds the mark against it.
pub(crate) fn check_clean(vfs: &dyn Vfs, survey: &Survey, chunk_bytes: usize) -> Result<Replay> {
    let listed = clean::read(vfs, ENGINE)?;
    let [log] = listed.as_slice() else {
        return Err(Error::corrupt(CLEAN, 24, format!("lists {} files, not one log", listed.len())));
    };
    if let Some(extra) = survey.logs.iter().map(|&n| log_name(n)).find(|name| *name != log.name) {
        return Err(Error::corrupt(&extra, 0, "not there when the store was closed"));
    }
    let Some(&number) = survey.logs.first() else {
        return Err(Error::corrupt(&log.name, 0, "missing; it was there when the store was closed"));
    };
    let replay = replay(vfs, number, chunk_bytes)?;
    match mismatch(&replay, log) {
        Some((offset, what)) => Err(Error::corrupt(&replay.name, offset, what)),
        None => Ok(replay),
    }
}

// ANCHOR: mismatch
/// Where and how a log differs from what the mark of a clean close says.
pub fn mismatch(replay: &Replay, listed: &Listed) -> Option<(u64, String)> {
    let closed_with = |what: &str| format!("{what}; it was closed with {} bytes", listed.bytes);
    match &replay.tail {
        Tail::Damaged(damage) => Some((damage.offset, damage.what.clone())),
        Tail::Torn { offset, why, .. } => Some((*offset, closed_with(why))),
        Tail::Whole if replay.size != listed.bytes => {
            let what = format!("the file has {} bytes", replay.size);
            Some((replay.size.min(listed.bytes), closed_with(&what)))
        }
        Tail::Whole if replay.end != listed.bytes => Some((replay.end, closed_with("the entries end here"))),
        Tail::Whole if replay.last_checksum != listed.last_checksum => {
            Some((replay.end, "the last checksum is not the one it was closed with".into()))
        }
        Tail::Whole => None,
    }
}
// ANCHOR_END: mismatch

// ANCHOR: replace_unclean
/// A store whose owner died: what is accepted moves into a new log.
fn replace_unclean(
    vfs: &dyn Vfs,
    survey: &Survey,
    newest: u64,
    older: &[u64],
    settings: &Settings,
    report: &mut RecoveryReport,
) -> Result<Writer> {
    let replay = replay(vfs, newest, settings.chunk_bytes)?;
    if let Some(damage) = replay.damage() {
        return Err(damage);
    }
    note(&replay, report);
    let superseded = superseded(vfs, &replay.header, older)?;
    // What we saw may be the work of a process that was killed before it synced the directory. We are about to act
    // on it, so it must not be taken back afterwards.
    vfs.sync_dir().during("sync", &vfs.location())?;
    let header = Header {
        engine: ENGINE,
        number: survey.next_number()?,
        previous: Previous { number: newest, bytes: replay.end, last_checksum: replay.last_checksum },
        base_bytes: HEADER_BYTES as u64 + replay.entry_bytes,
    };
    let built = copy(vfs, &replay, &header, settings.chunk_bytes)?;
    let writer = install_log(vfs, built, &header)?;
    // Oldest first, and each for good before the one that explains it goes.
    install::remove_chain(vfs, superseded.iter().map(String::as_str))?;
    if !superseded.is_empty() {
        vfs.sync_dir().during("sync", &vfs.location())?;
    }
    report.leftovers_removed.extend(superseded);
    put_away(vfs, &replay, report)?;
    Ok(writer)
}
// ANCHOR_END: replace_unclean

/// Copies the accepted entries of a log into a new one.
fn copy(vfs: &dyn Vfs, replay: &Replay, header: &Header, chunk_bytes: usize) -> Result<Built> {
    let name = log_name(header.number);
    let mut builder = Builder::new(install::begin(vfs, &name)?, name, header, Marks::new(chunk_bytes));
    let stretch = Stretch { start: HEADER_BYTES as u64, end: replay.end };
    let number = replay.header.number;
    let mut reader = Reader::over(&*replay.file, &replay.name, number, stretch, chunk_bytes, Vec::new());
    builder.push_all(&mut reader, &replay.name, |_, _| ())?;
    builder.finish()
}

/// The names of the older logs, the oldest first. The chain of headers must explain each of them: it was replaced by
/// the next. One that it does not explain never was this store's, or was put back by somebody.
fn superseded(vfs: &dyn Vfs, newest: &Header, older: &[u64]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut expected = newest.previous.number;
    for &number in older.iter().rev() {
        let name = log_name(number);
        if number != expected {
            let what = "an older log that the store did not leave here; move it away to open the store";
            return Err(Error::corrupt(&name, 0, what));
        }
        let file = vfs.open(&name).during("open", &name)?;
        expected = match Header::read(&*file, &name, number, ENGINE) {
            Ok(header) => header.previous.number,
            // A damaged log that was replaced anyway: its own number is explained, what it would explain is not.
            Err(Error::Corrupt { .. }) => 0,
            Err(error) => return Err(error),
        };
        names.push(name);
    }
    names.reverse();
    Ok(names)
}

// ANCHOR: put_away
/// Removes a log that has been copied, or sets it aside if entries behind the cut can be read.
pub fn put_away(vfs: &dyn Vfs, replay: &Replay, report: &mut RecoveryReport) -> Result<()> {
    let Tail::Torn { offset, why, bytes } = &replay.tail else {
        return vfs.remove(&replay.name).during("remove", &replay.name);
    };
    let behind = Stretch { start: offset + 1, end: replay.size };
    let readable = find_frame(&*replay.file, &replay.name, replay.header.number, behind)?.is_some();
    let set_aside = readable.then(|| aside_name(&replay.name));
    match &set_aside {
        Some(aside) => {
            vfs.rename(&replay.name, aside).during("rename", &replay.name)?;
            vfs.sync_dir().during("sync", &vfs.location())?;
        }
        None => vfs.remove(&replay.name).during("remove", &replay.name)?,
    }
    let (file, why) = (replay.name.clone(), why.clone());
    report.cut = Some(Cut { file, offset: replay.end, bytes: *bytes, why, set_aside });
    Ok(())
}
// ANCHOR_END: put_away

/// Removes files that a crash has left behind, and reports them.
pub fn remove_leftovers(vfs: &dyn Vfs, names: &[String], report: &mut RecoveryReport) -> Result<()> {
    for name in names {
        match vfs.remove(name) {
            // A new file of the same name has taken its place meanwhile and has got its own.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            other => other.during("remove", name)?,
        }
        report.leftovers_removed.push(name.clone());
    }
    Ok(())
}

/// Adds what was read to the report of an opening.
pub fn note(replay: &Replay, report: &mut RecoveryReport) {
    report.files += 1;
    report.entries += replay.entries;
    report.bytes_read += replay.bytes_read;
}
