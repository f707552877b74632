//! What stage 2 says about itself: its figures, and what a get looked at.

use crate::keydir::Location;
use crate::pick::dead_bytes;
use crate::read::Found;
use crate::segment::Segment;
use crate::store::Store;
use contract::{Explanation, Figure, Look, Stats};
use stage1::frame::HEAD_BYTES;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How the opening of a store spent its time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Opening {
    /// Bytes of the mark of the last clean close, if there was one.
    pub(crate) mark_bytes: u64,
    /// All of it.
    pub(crate) time: Duration,
    /// Segments whose keys came from their hint files.
    pub(crate) hints: u64,
    /// The time for reading and loading hints.
    pub(crate) hint_time: Duration,
    /// Segments that were read themselves.
    pub(crate) segments_read: u64,
    /// The time for reading and loading them.
    pub(crate) segment_time: Duration,
}

// ANCHOR: stats
/// Figures of a store, out of what it knows without reading.
pub(crate) fn stats(store: &Store) -> Stats {
    let turn = store.any_turn();
    let segments = store.segments.load();
    let sum = |of: fn(&Segment) -> u64| segments.iter().map(|s| of(s)).sum::<u64>();
    let (log_bytes, hint_bytes) = (sum(Segment::bytes), sum(Segment::hint_file_bytes));
    let hints = sum(|s| u64::from(s.hint_file_bytes() > 0));
    let live_frames = sum(|s| s.live_bytes() - s.tombstone_bytes());
    let reserved = turn.writer.size() - turn.active.bytes();
    let count = segments.iter().count() as u64;
    let mark_bytes = if turn.clean { store.opening.mark_bytes } else { 0 };
    let keys = store.keydir.keys();
    Stats {
        keys: Some(keys),
        live_bytes: Some(live_frames - keys * HEAD_BYTES as u64),
        disk_bytes: log_bytes + reserved + hint_bytes + mark_bytes,
        files: count + hints + u64::from(turn.clean),
        index_bytes: store.keydir.bytes(),
        user_bytes_written: turn.user_bytes,
        bytes_written: store.counts.written_bytes.load(Ordering::Relaxed),
        bytes_read: store.counts.read_bytes.sum(),
        figures: figures(store, count),
    }
}
// ANCHOR_END: stats

fn figures(store: &Store, segments: u64) -> Vec<Figure> {
    let dead = store.shapes().iter().map(|shape| dead_bytes(shape, true)).sum();
    let count = |name, value| Figure { name, value, unit: "count" };
    let bytes = |name, value| Figure { name, value, unit: "bytes" };
    let time = |name, time: Duration| Figure {
        name,
        value: u64::try_from(time.as_micros()).unwrap_or(u64::MAX),
        unit: "us",
    };
    let (counts, opening) = (&store.counts, &store.opening);
    vec![
        count("segments", segments),
        count("open-files", store.handles.open_count() as u64),
        bytes("dead-bytes", dead),
        bytes("unsynced", store.chain.unsynced_bytes()),
        count("syncs", counts.syncs.load(Ordering::Relaxed)),
        count("merges", counts.merges.load(Ordering::Relaxed)),
        count("merge-failures", counts.merge_failures.load(Ordering::Relaxed)),
        time("opening", opening.time),
        count("opening-hints", opening.hints),
        time("opening-hint-time", opening.hint_time),
        count("opening-segments", opening.segments_read),
        time("opening-segment-time", opening.segment_time),
    ]
}

// ANCHOR: explain
/// A get, told.
pub(crate) fn explain(
    store: &Store,
    key: &[u8],
    found: Option<&Found>,
    value: Option<Vec<u8>>,
) -> Explanation {
    let mut looks = vec![probe(store, key)];
    let mut bytes_read = 0;
    if let Some(found) = found
        && let Ok(segment) = found.segments.segment_of(found.at)
    {
        let how = if store.settings.mapped && segment.is_sealed() { "a mapping" } else { "one read" };
        let Location { offset, bytes, .. } = found.at;
        bytes_read = u64::from(bytes);
        looks.push(Look {
            place: segment.log.name.clone(),
            offset,
            bytes: bytes_read,
            what: format!("the entry, by {how}; its checksum fits its place"),
        });
    }
    Explanation { value, looks, bytes_read, entries_passed: u64::from(found.is_some()) }
}

/// What the keydir says.
fn probe(store: &Store, key: &[u8]) -> Look {
    let what = match store.keydir.get(key) {
        None => "not in the keydir: no file is read".to_owned(),
        Some(at) if at.tombstone => {
            "deleted; the tombstone is kept until the oldest segments are merged".to_owned()
        }
        Some(at) => {
            let segments = store.segments.load();
            let name = segments.get(at.segment).map_or("a segment", |segment| &segment.log.name);
            format!("{name}, offset {}, {} bytes", at.offset, at.bytes)
        }
    };
    Look { place: "keydir".into(), offset: 0, bytes: 0, what }
}
// ANCHOR_END: explain
