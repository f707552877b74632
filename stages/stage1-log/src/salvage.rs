//! Saving what can be read from a store that refuses to open.
//!
//! **Invariants**
//! 1. The damaged store is read only; what is saved goes into another one.
//! 2. Oldest entry first, so that newer ones win there as they did here. What a crash tore off was never promised to
//!    anybody, and what an older log still holds may have been deleted since: neither is brought back.
//!
//! **Cost** One pass over the log; behind each bad frame a search for the next good one.

use crate::ENGINE;
use crate::clean;
use crate::files::log_name;
use crate::log::header::{ENGINE_BYTES, HEADER_BYTES, Header};
use crate::log::{Passed, Reader, Stop, Stretch, find_frame, last_non_zero};
use crate::recover::check_clean;
use crate::replay::{Replay, Tail};
use crate::survey::{Survey, lock};
use contract::{Batch, Damage, Engine, Entry, Error, IoContext, Result, SalvageReport};
use std::sync::Arc;
use vfs::{File, Vfs};

/// How much is read at a time, in bytes.
pub const CHUNK_BYTES: usize = 256 << 10;
/// How much is saved with one write, in bytes.
const BATCH_BYTES: u64 = 1 << 20;

/// Saves every entry that can be read in `vfs` into another store.
pub(crate) fn store(vfs: &dyn Vfs, into: &dyn Engine) -> Result<SalvageReport> {
    let _lock = lock(vfs)?;
    let survey = Survey::take(vfs, ENGINE)?;
    let mut saver = Saver::new(into);
    if survey.clean {
        saver.lost(check_clean(vfs, &survey, CHUNK_BYTES).map(drop))?;
    }
    for number in current_logs(vfs, &survey)? {
        saver.log(vfs, &log_name(number), number, ENGINE, !survey.clean)?;
    }
    saver.finish()
}

/// The logs that hold the store: the one that the mark of a clean close lists, or else the newest whose header can be
/// read and any newer one. A log that these replaced knows nothing of what was deleted later; it would bring it back.
fn current_logs(vfs: &dyn Vfs, survey: &Survey) -> Result<Vec<u64>> {
    let listed = match survey.clean.then(|| clean::read(vfs, ENGINE)).transpose() {
        Err(Error::Corrupt { .. }) => None,
        other => other?,
    };
    let is_listed = |number: &&u64| listed.iter().flatten().any(|file| file.name == log_name(**number));
    if let Some(&number) = survey.logs.iter().find(is_listed) {
        return Ok(vec![number]);
    }
    let mut newest_first = Vec::new();
    for &number in survey.logs.iter().rev() {
        newest_first.push(number);
        let name = log_name(number);
        let file = vfs.open(&name).during("open", &name)?;
        match Header::read(&*file, &name, number, ENGINE) {
            Ok(_) => break,
            Err(Error::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    newest_first.reverse();
    Ok(newest_first)
}

/// Writes what can be read into another store, and remembers what cannot.
pub struct Saver<'a> {
    into: &'a dyn Engine,
    batch: Batch,
    report: SalvageReport,
}

impl<'a> Saver<'a> {
    /// Nothing is saved yet.
    pub fn new(into: &'a dyn Engine) -> Self {
        Self { into, batch: Batch::new(), report: SalvageReport::default() }
    }

    /// Saves every entry of log `number`. Where `torn_is_cut`, a torn tail is left out: a crash took it before it was
    /// promised to anybody.
    pub fn log(
        &mut self,
        vfs: &dyn Vfs,
        name: &str,
        number: u64,
        engine: [u8; ENGINE_BYTES],
        torn_is_cut: bool,
    ) -> Result<()> {
        let file = vfs.open(name).during("open", name)?;
        let mut end = file.size().during("stat", name)?;
        // A header that cannot be read takes no entry with it: their places need only the file's number.
        self.lost(Header::read(&*file, name, number, engine).map(drop))?;
        match Replay::read(Arc::clone(&file), name.to_owned(), number, engine, CHUNK_BYTES) {
            Ok(replay) if torn_is_cut && matches!(replay.tail, Tail::Torn { .. }) => end = replay.end,
            Ok(_) | Err(Error::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
        let stretch = Stretch { start: HEADER_BYTES as u64, end };
        let lost = walk_past_damage(&*file, name, number, stretch, &mut |passed| self.save(passed))?;
        for damage in lost {
            self.add(damage);
        }
        Ok(())
    }

    /// Makes what was saved durable, and says what it was.
    pub fn finish(mut self) -> Result<SalvageReport> {
        self.flush()?;
        self.into.sync()?;
        Ok(self.report)
    }

    fn save(&mut self, passed: &Passed<'_>) -> Result<()> {
        passed.frame().and_then(|frame| frame.entry()).map_or(Ok(()), |entry| self.entry(entry))
    }

    /// Saves one entry.
    pub fn entry(&mut self, entry: Entry<'_>) -> Result<()> {
        self.batch.push(entry);
        self.report.entries += 1;
        self.report.bytes += (entry.key.len() + entry.value.map_or(0, <[u8]>::len)) as u64;
        if self.batch.bytes() >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.into.write(&self.batch)?;
        self.batch.clear();
        Ok(())
    }

    /// Lists damage as lost; other errors stay errors.
    pub fn lost(&mut self, result: Result<()>) -> Result<()> {
        match result {
            Err(Error::Corrupt { file, offset, what }) => self.add(Damage { file, offset, what }),
            other => other?,
        }
        Ok(())
    }

    /// Lists what is lost; of what is known already, the later finding is the closer look.
    pub fn add(&mut self, damage: Damage) {
        let known = self.report.lost.iter_mut().find(|d| d.file == damage.file && d.offset == damage.offset);
        match known {
            Some(known) => *known = damage,
            None => self.report.lost.push(damage),
        }
    }
}

// ANCHOR: walk_past_damage
/// Walks a stretch past everything that is damaged, gives every good frame to `each`, and returns what was damaged.
pub fn walk_past_damage(
    file: &dyn File,
    name: &str,
    number: u64,
    stretch: Stretch,
    each: &mut dyn FnMut(&Passed<'_>) -> Result<()>,
) -> Result<Vec<Damage>> {
    let (mut damage, mut start, mut buffer) = (Vec::new(), stretch.start, Vec::new());
    loop {
        let rest = Stretch { start, end: stretch.end };
        let mut reader = Reader::over(file, name, number, rest, CHUNK_BYTES, buffer);
        let (offset, what) = loop {
            match reader.next_frame() {
                Ok(Some(passed)) => each(&passed)?,
                Ok(None) => return Ok(damage),
                Err(Stop::Bad { offset, what }) => break (offset, what),
                Err(Stop::Failed(error)) => return Err(error),
            }
        };
        buffer = reader.into_buffer();
        let next = find_frame(file, name, number, Stretch { start: offset + 1, end: stretch.end })?;
        let rest = Stretch { start: offset, end: stretch.end };
        if next.is_none() && last_non_zero(file, name, rest)? == offset {
            return Ok(damage); // Reserved room: nothing was ever here.
        }
        let lost = next.unwrap_or(stretch.end) - offset;
        damage.push(Damage {
            file: name.to_owned(),
            offset,
            what: format!("{what}; {lost} bytes cannot be read"),
        });
        match next {
            Some(offset) => start = offset,
            None => return Ok(damage),
        }
    }
}
// ANCHOR_END: walk_past_damage
