//! What can be chosen, and what was.

use contract::{Durability, Kind, OptionSpec, Options, Result, SYNC, parse_bytes};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The options of stage 2.
pub(crate) static SPECS: [OptionSpec; 8] = [
    SYNC,
    OptionSpec {
        name: "segment-bytes",
        kind: Kind::Bytes { min: 128, max: 1 << 38 },
        default: "64MiB",
        help: "how large the active segment grows before a new one is begun",
        live: true,
    },
    OptionSpec {
        name: "merge-dead-percent",
        kind: Kind::Count { min: 1, max: 100 },
        default: "50",
        help: "neighbouring segments are merged once this share of their bytes is dead",
        live: true,
    },
    OptionSpec {
        name: "reads",
        kind: Kind::Choice(&["pread", "mapped"]),
        default: "pread",
        help: "how sealed segments are read; mapped is faster, but an I/O error is a signal then, not a result",
        live: false,
    },
    OptionSpec {
        name: "hints",
        kind: Kind::Choice(&["on", "off"]),
        default: "on",
        help: "whether hint files are written, and read when opening",
        live: false,
    },
    OptionSpec {
        name: "open-files",
        kind: Kind::Count { min: 1, max: 1 << 20 },
        default: "256",
        help: "how many sealed segments are kept open for reading at the same time",
        live: false,
    },
    OptionSpec {
        name: "chunk-bytes",
        kind: Kind::Bytes { min: 32, max: 64 << 20 },
        default: "256KiB",
        help: "how much is read at a time where a whole segment is read",
        live: false,
    },
    OptionSpec {
        name: "reserve-bytes",
        kind: Kind::Bytes { min: 0, max: 1 << 30 },
        default: "4MiB",
        help: "room reserved ahead of the active segment's end where every write is synced; 0 for none",
        live: false,
    },
];

/// The options as the store uses them.
#[derive(Debug)]
pub(crate) struct Settings {
    every_write: AtomicBool,
    segment_bytes: AtomicU64,
    merge_dead_percent: AtomicU64,
    pub(crate) mapped: bool,
    pub(crate) hints: bool,
    pub(crate) open_files: usize,
    pub(crate) chunk_bytes: usize,
    reserve_bytes: u64,
}

impl Settings {
    pub(crate) fn new(options: &Options) -> Result<Self> {
        let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Ok(Self {
            every_write: AtomicBool::new(options.durability()? == Durability::EveryWrite),
            segment_bytes: AtomicU64::new(options.bytes("segment-bytes")?),
            merge_dead_percent: AtomicU64::new(options.count("merge-dead-percent")?),
            mapped: options.text("reads")? == "mapped",
            hints: options.text("hints")? == "on",
            open_files: size(options.count("open-files")?),
            chunk_bytes: size(options.bytes("chunk-bytes")?),
            reserve_bytes: options.bytes("reserve-bytes")?,
        })
    }

    /// Takes over a checked change of a live option.
    pub(crate) fn set(&self, name: &str, value: &str) -> Result<()> {
        match name {
            "segment-bytes" => self.segment_bytes.store(parse_bytes(value)?, Ordering::Relaxed),
            "merge-dead-percent" => self.merge_dead_percent.store(parse_bytes(value)?, Ordering::Relaxed),
            _ => self.every_write.store(value == "every-write", Ordering::Relaxed),
        }
        Ok(())
    }

    pub(crate) fn every_write(&self) -> bool {
        self.every_write.load(Ordering::Relaxed)
    }

    pub(crate) fn segment_bytes(&self) -> u64 {
        self.segment_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn merge_dead_percent(&self) -> u64 {
        self.merge_dead_percent.load(Ordering::Relaxed)
    }

    /// How much room to reserve at a time: none where writes are not synced one by one.
    pub(crate) fn reserve_bytes(&self) -> u64 {
        if self.every_write() { self.reserve_bytes } else { 0 }
    }
}
