//! Compaction: the live entries are written into a new log, and the new log takes the old one's place.
//!
//! **Invariants**
//! 1. Until the new log has its name nothing has changed; a failure before that leaves the store as it was.
//! 2. Once it has, the old log is never read again, whatever happens to its removal.
//! 3. Entries keep their order and their checksums, which are mixed for the new place and not computed again.
//!
//! **Cost** Reads the log twice and writes its live part once. Writers wait; readers go on in the old log.

use crate::ENGINE;
use crate::files::log_name;
use crate::install;
use crate::log::header::{HEADER_BYTES, Header, Previous};
use crate::log::{Builder, Built, Log, Marks, Reader};
use crate::newest::Live;
use contract::{KeyRange, Result};
use vfs::Vfs;

/// A compacted log that has no name yet.
pub(crate) struct Compacted {
    pub(crate) header: Header,
    pub(crate) built: Built,
    pub(crate) entries: u64,
    pub(crate) bytes_read: u64,
}

// ANCHOR: build
/// Writes what is live in `log` into an unfinished log `number`; `None` if everything in it is live.
pub(crate) fn build(vfs: &dyn Vfs, log: &Log, tail: Previous, number: u64) -> Result<Option<Compacted>> {
    let live = Live::collect(log, tail.bytes, KeyRange::all())?;
    let locations = live.locations();
    let live_bytes: u64 = locations.iter().map(|at| at.bytes).sum();
    let header =
        Header { engine: ENGINE, number, previous: tail, base_bytes: HEADER_BYTES as u64 + live_bytes };
    if header.base_bytes == tail.bytes {
        return Ok(None);
    }
    let name = log_name(number);
    let file = install::begin(vfs, &name)?;
    let built = Builder::new(file, name.clone(), &header, Marks::new(log.chunk_bytes));
    let copied = copy(log, tail.bytes, &locations, built);
    if copied.is_err() {
        // Best effort: what cannot be removed now goes at the next opening, and the error that counts is the first.
        let _ = vfs.remove(&install::unfinished_name(&name));
    }
    let (built, bytes_read) = copied?;
    let bytes_read = bytes_read + live.bytes_read;
    Ok(Some(Compacted { header, built, entries: locations.len() as u64, bytes_read }))
}
// ANCHOR_END: build

// ANCHOR: copy
fn copy(
    log: &Log,
    end: u64,
    locations: &[crate::log::Location],
    mut builder: Builder,
) -> Result<(Built, u64)> {
    let mut reader = Reader::new(log, log.stretch(end), Vec::new());
    let mut wanted = locations.iter().peekable();
    while let Some(passed) = reader.next_frame().map_err(|stop| stop.into_error(&log.name))? {
        if wanted.next_if(|at| **at == passed.at()).is_some()
            && let Some(frame) = passed.frame()
        {
            builder.push(&frame, log.place(passed.offset))?;
        }
    }
    let bytes_read = reader.bytes_read();
    Ok((builder.finish()?, bytes_read))
}
// ANCHOR_END: copy
