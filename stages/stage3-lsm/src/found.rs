//! What is found in a directory: a store that was closed cleanly, held against its mark; or the newest manifest, its
//! tables, and the logs that are not in tables yet.
//!
//! **Invariants** Looking changes nothing. What is missing or not as it must be is damage, told with its file.

use crate::ENGINE;
use crate::manifest::edit::{Added, Edit};
use crate::manifest::{self, Whole};
use crate::names::{Name, log_name, manifest_name, table_name};
use crate::survey::{MOST_NUMBERS, Survey};
use crate::table::{Table, TableReading};
use contract::{Entry, Error, IoContext, Result};
use stage1::clean::{self, Listed};
use stage1::files::CLEAN;
use stage1::log::header::{HEADER_BYTES, Header};
use stage1::log::{Reader, Stretch};
use stage1::recover::mismatch;
use stage1::replay::{Replay, Tail};
use stage2::judge::LogFile;
use std::sync::Arc;
use vfs::Vfs;

/// A store that was closed cleanly, as it was found.
pub(crate) struct Clean {
    pub(crate) manifest: Replay,
    pub(crate) whole: Whole,
    pub(crate) log: Replay,
}

impl Clean {
    // ANCHOR: check_clean
    /// Holds every file against the mark of a clean close.
    pub(crate) fn check(vfs: &dyn Vfs, survey: &Survey, chunk_bytes: usize) -> Result<Self> {
        let listed = clean::read(vfs, ENGINE)?;
        check_listed(survey, &listed)?;
        let whole_log = |name: String, number, chunk_bytes| {
            let file = vfs.open(&name).during("open", &name)?;
            let replay = Replay::read(file, name, number, ENGINE, chunk_bytes)?;
            let said = listed.iter().find(|file| file.name == replay.name);
            match said.and_then(|said| mismatch(&replay, said)) {
                Some((offset, what)) => Err(Error::corrupt(&replay.name, offset, what)),
                None => Ok(replay),
            }
        };
        let (&[manifest], &[log]) = (survey.manifests.as_slice(), survey.logs.as_slice()) else {
            return Err(Error::corrupt(CLEAN, 24, "lists more than one manifest or log, or none"));
        };
        let manifest = whole_log(manifest_name(manifest), manifest, manifest::CHUNK_BYTES)?;
        check_kind(&manifest.header, &manifest.name, Kind::Manifest)?;
        let whole = add_up(&manifest)?;
        let log = whole_log(log_name(log), log, chunk_bytes)?;
        check_kind(&log.header, &log.name, Kind::WriteAhead)?;
        if log.header.number != whole.log {
            let what = format!("the manifest says that {} is the log", log_name(whole.log));
            return Err(Error::corrupt(&log.name, 24, what));
        }
        for added in &whole.tables {
            let name = table_name(added.number);
            let as_listed = |file: &&Listed| {
                file.name == name && file.bytes == added.bytes && file.last_checksum == added.last_checksum
            };
            if !listed.iter().any(|file| as_listed(&file)) {
                return Err(Error::corrupt(&name, 0, "the mark of the clean close and the manifest differ"));
            }
        }
        let is_named = |name: &str| match Name::parse(name) {
            Name::Table(number) => whole.tables.iter().any(|table| table.number == number),
            _ => true,
        };
        if let Some(extra) = listed.iter().find(|file| !is_named(&file.name)) {
            return Err(Error::corrupt(
                &extra.name,
                0,
                "in the mark of the clean close, but not in the manifest",
            ));
        }
        Ok(Self { manifest, whole, log })
    }
    // ANCHOR_END: check_clean
}

/// Every file that was there when the store was closed must be there, and no other.
fn check_listed(survey: &Survey, listed: &[Listed]) -> Result<()> {
    let names: Vec<String> = survey.ours().collect();
    if let Some(missing) = listed.iter().find(|file| !names.contains(&file.name)) {
        return Err(Error::corrupt(
            &missing.name,
            0,
            "missing; CLEAN lists it as there when the store was closed",
        ));
    }
    match names.iter().find(|name| !listed.iter().any(|file| file.name == **name)) {
        Some(extra) => Err(Error::corrupt(extra, 0, "not there when the store was closed")),
        None => Ok(()),
    }
}

/// The first opening installs the log and then the manifest. Whatever else is there without a manifest is what is left of a
/// store that has lost it. Nothing says what number it had.
pub(crate) fn refuse_without_manifest(vfs: &dyn Vfs, survey: &Survey) -> Result<()> {
    let missing = |file: &str| Err(Error::corrupt("*.manifest", 0, format!("missing; {file} goes with one")));
    if let Some(number) = survey.tables.first() {
        return missing(&table_name(*number));
    }
    if let Some(aside) = survey.asides.first() {
        return missing(aside);
    }
    for name in survey.logs.iter().map(|number| log_name(*number)) {
        let file = vfs.open(&name).during("open", &name)?;
        if file.size().during("stat", &name)? != HEADER_BYTES as u64 {
            return missing(&name);
        }
    }
    Ok(())
}

/// The manifest that counts, and what it adds up to.
pub(crate) fn newest_manifest(vfs: &dyn Vfs, survey: &Survey) -> Result<(Replay, Whole)> {
    let number = survey.manifests.last().copied().unwrap_or_default();
    let name = manifest_name(number);
    let file = vfs.open(&name).during("open", &name)?;
    let replay = Replay::read(file, name, number, ENGINE, manifest::CHUNK_BYTES)?;
    if let Some(damage) = replay.damage() {
        return Err(damage);
    }
    check_kind(&replay.header, &replay.name, Kind::Manifest)?;
    let whole = add_up(&replay)?;
    Ok((replay, whole))
}

/// The two kinds of logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Manifest,
    WriteAhead,
}

/// That a log is of this kind. Both are stage 1's logs, and a copy of one under a name of the other would be taken for
/// it: what is an edit there is an entry here. But a write-ahead log gets its name when it is empty, and a manifest when
/// it has said everything.
pub(crate) fn check_kind(header: &Header, name: &str, kind: Kind) -> Result<()> {
    let is = if header.base_bytes == HEADER_BYTES as u64 { Kind::WriteAhead } else { Kind::Manifest };
    match (kind, is) {
        (Kind::Manifest, Kind::WriteAhead) => Err(Error::corrupt(name, 52, "a write-ahead log, no manifest")),
        (Kind::WriteAhead, Kind::Manifest) => Err(Error::corrupt(name, 52, "a manifest, no write-ahead log")),
        _ => Ok(()),
    }
}

// ANCHOR: add_up
/// What the accepted edits of a manifest add up to.
pub(crate) fn add_up(manifest: &Replay) -> Result<Whole> {
    let (mut whole, mut edit) = (Whole::default(), Edit::default());
    each_entry(manifest, manifest::CHUNK_BYTES, |entry, offset, more| {
        edit.read(entry, &manifest.name, offset)?;
        if !more {
            whole.apply(&std::mem::take(&mut edit));
        }
        Ok(())
    })?;
    believable(&whole).map_err(|what| Error::corrupt(&manifest.name, manifest.end, what))?;
    Ok(whole)
}
// ANCHOR_END: add_up

// ANCHOR: believable
/// What a manifest cannot add up to, though every checksum in it fits.
fn believable(whole: &Whole) -> std::result::Result<(), &'static str> {
    let mut numbers: Vec<u64> = whole.tables.iter().map(|table| table.number).collect();
    numbers.sort_unstable();
    if whole.log == 0 {
        Err("names no log")
    } else if whole.next >= MOST_NUMBERS {
        Err("no number comes after those that it names")
    } else if whole.tables.iter().any(|table| table.run.max(table.number) >= whole.next) {
        // The next flush would be older than such a run.
        Err("names a table or a run that is not yet")
    } else if numbers.windows(2).any(|two| two[0] == two[1]) {
        // A compaction of the one would take the file from the other.
        Err("names a table twice")
    } else {
        Ok(())
    }
}
// ANCHOR_END: believable

/// Gives every accepted entry of a log to `each`, with its offset and whether its batch goes on.
pub(crate) fn each_entry(
    log: &Replay,
    chunk_bytes: usize,
    mut each: impl FnMut(Entry<'_>, u64, bool) -> Result<()>,
) -> Result<()> {
    let stretch = Stretch { start: HEADER_BYTES as u64, end: log.end };
    let mut reader = Reader::over(&*log.file, &log.name, log.header.number, stretch, chunk_bytes, Vec::new());
    while let Some(passed) = reader.next_frame().map_err(|stop| stop.into_error(&log.name))? {
        if let Some(entry) = passed.frame().and_then(|frame| frame.entry()) {
            each(entry, passed.offset, passed.head.more)?;
        }
    }
    Ok(())
}

/// That a file is not there which a manifest needs. A file goes only once the edit that drops it is on the device. So
/// where the manifest ends torn, what is torn may be that very edit, and damaged: nothing behind it would tell.
fn missing_file(name: &str, manifest: &Replay) -> Error {
    let torn = match &manifest.tail {
        Tail::Torn { offset, why, .. } => {
            format!(", unless what stood at {offset} says otherwise, which cannot be read ({why})")
        }
        _ => String::new(),
    };
    Error::corrupt(name, 0, format!("missing; {} needs it{torn}", manifest.name))
}

/// A table of the manifest must be there and be what it says.
pub(crate) fn open_table(
    vfs: &dyn Vfs,
    added: &Added,
    manifest: &Replay,
    reading: &Arc<TableReading>,
) -> Result<Table> {
    let name = table_name(added.number);
    let file = match vfs.open(&name) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(missing_file(&name, manifest)),
        other => other.during("open", &name)?,
    };
    let size = file.size().during("stat", &name)?;
    if size != added.bytes {
        let what = format!("it has {size} bytes; the manifest says {}", added.bytes);
        return Err(Error::corrupt(&name, size.min(added.bytes), what));
    }
    let table = Table::open(file, name, added.number, reading)?;
    if table.last_checksum() != added.last_checksum {
        return Err(Error::corrupt(
            table.name(),
            size,
            "its last checksum is not the one the manifest knows",
        ));
    }
    Ok(table)
}

// ANCHOR: live_logs
/// The logs that are not in tables yet, the oldest first. Each names the one before it: a gap is a missing file.
pub(crate) fn live_logs(
    vfs: &dyn Vfs,
    survey: &Survey,
    manifest: &Replay,
    whole: &Whole,
) -> Result<Vec<LogFile>> {
    let numbers = survey.logs.iter().copied().filter(|number| *number >= whole.log);
    let logs: Vec<_> = numbers.map(|number| LogFile { name: log_name(number), number }).collect();
    let missing = |number| Err(missing_file(&log_name(number), manifest));
    if logs.first().is_none_or(|first| first.number != whole.log) {
        return missing(whole.log);
    }
    let mut before = None;
    for LogFile { name, number } in &logs {
        let file = vfs.open(name).during("open", name)?;
        let header = Header::read(&*file, name, *number, ENGINE)?;
        check_kind(&header, name, Kind::WriteAhead)?;
        // 0: an opening began it, and came no further.
        let previous = header.previous.number;
        if previous != 0 && before.is_some_and(|before| previous != before) {
            return missing(previous);
        }
        before = Some(*number);
    }
    Ok(logs)
}
// ANCHOR_END: live_logs

/// Of leftovers, the tables that are none, and the rest. A table of ours is whole as soon as it has its name, so these come
/// from somewhere else.
pub(crate) fn part_strangers(vfs: &dyn Vfs, leftovers: Vec<String>) -> Result<(Vec<String>, Vec<String>)> {
    let reading = Arc::new(TableReading::default());
    let (mut strangers, mut ours) = (Vec::new(), Vec::new());
    for name in leftovers {
        let Name::Table(number) = Name::parse(&name) else {
            ours.push(name);
            continue;
        };
        let file = vfs.open(&name).during("open", &name)?;
        match Table::open(file, name.clone(), number, &reading) {
            Ok(_) => ours.push(name),
            Err(Error::Corrupt { .. } | Error::WrongStore { .. }) => strangers.push(name),
            Err(error) => return Err(error),
        }
    }
    Ok((strangers, ours))
}

/// What a crash has left behind: files that the manifest does not need, or that never got their name.
pub(crate) fn leftovers(survey: &Survey, whole: &Whole) -> Vec<String> {
    let in_tree = |number: &&u64| whole.tables.iter().any(|table| table.number == **number);
    let tables = survey.tables.iter().filter(|number| !in_tree(number)).map(|n| table_name(*n));
    let logs = survey.logs.iter().filter(|number| **number < whole.log).map(|n| log_name(*n));
    let manifests = survey.manifests.iter().rev().skip(1).map(|n| manifest_name(*n));
    tables.chain(logs).chain(manifests).chain(survey.unfinished.iter().cloned()).collect()
}

#[cfg(test)]
mod tests;
