//! What stage 1 says about itself: its figures, and what a get read.

use crate::clean;
use crate::log::{Log, Stretch, Writer};
use crate::newest::Lookup;
use contract::{Explanation, Figure, Look, Stats};

/// What a store has counted since it was opened.
pub(crate) struct Counts {
    /// Whether the mark of a clean close lies in the directory.
    pub(crate) clean: bool,
    pub(crate) entries: u64,
    pub(crate) user_bytes: u64,
    pub(crate) written_bytes: u64,
    pub(crate) read_bytes: u64,
    pub(crate) sync_count: u64,
}

/// Figures of a store, out of what it knows without reading.
pub(crate) fn stats(writer: &Writer, counts: &Counts) -> Stats {
    let log = &writer.log;
    let mark_bytes = if counts.clean { clean::mark_bytes(&[log.name.as_str()]) } else { 0 };
    Stats {
        keys: None,
        live_bytes: None,
        disk_bytes: writer.size() + mark_bytes,
        files: 1 + u64::from(counts.clean),
        index_bytes: log.mark_bytes(),
        user_bytes_written: counts.user_bytes,
        bytes_written: counts.written_bytes,
        bytes_read: counts.read_bytes,
        figures: vec![
            Figure { name: "entries", value: counts.entries, unit: "count" },
            Figure { name: "log-bytes", value: writer.tail().bytes, unit: "bytes" },
            Figure { name: "unsynced", value: log.appended() - log.synced(), unit: "bytes" },
            Figure { name: "syncs", value: counts.sync_count, unit: "count" },
        ],
    }
}

/// A get, told.
pub(crate) fn explain(log: &Log, lookup: &Lookup, value: Option<Vec<u8>>, oldest_first: bool) -> Explanation {
    let last = lookup.stretches.len().saturating_sub(1);
    let look = |(i, stretch): (usize, &Stretch)| Look {
        place: log.name.clone(),
        offset: stretch.start,
        bytes: stretch.end - stretch.start,
        what: match lookup.found {
            Some(found) if i == last && found.live => {
                format!("the newest entry of the key, at {}", found.at.offset)
            }
            Some(found) if i == last => format!("a tombstone of the key, at {}", found.at.offset),
            _ => "no entry of the key".to_owned(),
        },
    };
    let mut looks: Vec<Look> = lookup.stretches.iter().enumerate().map(look).collect();
    if oldest_first && lookup.found.is_some() {
        looks.push(Look {
            place: log.name.clone(),
            offset: 0,
            bytes: 0,
            what: "oldest first: only the end of the log shows which entry is the newest".into(),
        });
    }
    let reread = lookup.found.filter(|found| found.live).map_or(0, |found| found.at.bytes);
    Explanation {
        value,
        looks,
        bytes_read: lookup.bytes_read + reread,
        entries_passed: lookup.entries_passed,
    }
}
