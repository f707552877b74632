//! What stage 1 says about itself: its figures, and what a get read.

use crate::clean;
use crate::log::{Log, Stretch, Writer};
use crate::newest::Lookup;
use crate::store::Counters;
use contract::{Explanation, Figure, Look, Stats};
use std::sync::atomic::{AtomicU64, Ordering};

/// Figures of a store, out of what it knows without reading.
pub(crate) fn stats(writer: &Writer, clean: bool, counters: &Counters) -> Stats {
    let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let mark_bytes = if clean { clean::mark_bytes(&[writer.log.name.as_str()]) } else { 0 };
    Stats {
        keys: None,
        live_bytes: None,
        disk_bytes: writer.size() + mark_bytes,
        files: 1 + u64::from(clean),
        index_bytes: writer.log.mark_bytes(),
        user_bytes_written: get(&counters.user_bytes),
        bytes_written: get(&counters.written),
        bytes_read: get(&counters.read),
        figures: vec![
            Figure { name: "entries", value: get(&counters.entries), unit: "count" },
            Figure { name: "log-bytes", value: writer.tail().bytes, unit: "bytes" },
            Figure { name: "unsynced", value: writer.log.appended() - writer.log.synced(), unit: "bytes" },
            Figure { name: "syncs", value: get(&counters.sync_count), unit: "count" },
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
