//! What can be chosen, and what was.

use contract::{Durability, Kind, OptionSpec, Options, Result, SYNC};
use std::sync::atomic::{AtomicBool, Ordering};

/// The options of stage 1.
pub(crate) static SPECS: [OptionSpec; 4] = [
    SYNC,
    OptionSpec {
        name: "direction",
        kind: Kind::Choice(&["newest-first", "oldest-first"]),
        default: "newest-first",
        help: "where a get begins to scan: oldest-first shows what a log costs without marks",
        live: true,
    },
    OptionSpec {
        name: "chunk-bytes",
        kind: Kind::Bytes { min: 32, max: 64 << 20 },
        default: "256KiB",
        help: "how much a scan reads at a time; it should fit into the processor's second-level cache",
        live: false,
    },
    OptionSpec {
        name: "reserve-bytes",
        kind: Kind::Bytes { min: 0, max: 1 << 30 },
        default: "4MiB",
        help: "room reserved ahead of the log's end where every write is synced; 0 for none",
        live: false,
    },
];

/// The options as the store uses them.
#[derive(Debug)]
pub(crate) struct Settings {
    every_write: AtomicBool,
    oldest_first: AtomicBool,
    pub(crate) chunk_bytes: usize,
    reserve_bytes: u64,
}

impl Settings {
    pub(crate) fn new(options: &Options) -> Result<Self> {
        Ok(Self {
            every_write: AtomicBool::new(options.durability()? == Durability::EveryWrite),
            oldest_first: AtomicBool::new(options.text("direction")? == "oldest-first"),
            chunk_bytes: usize::try_from(options.bytes("chunk-bytes")?).unwrap_or(usize::MAX),
            reserve_bytes: options.bytes("reserve-bytes")?,
        })
    }

    /// Takes over a checked change of a live option.
    pub(crate) fn set(&self, name: &str, value: &str) {
        match name {
            "sync" => self.every_write.store(value == "every-write", Ordering::Relaxed),
            _ => self.oldest_first.store(value == "oldest-first", Ordering::Relaxed),
        }
    }

    pub(crate) fn every_write(&self) -> bool {
        self.every_write.load(Ordering::Relaxed)
    }

    pub(crate) fn oldest_first(&self) -> bool {
        self.oldest_first.load(Ordering::Relaxed)
    }

    /// How much room to reserve at a time: none where writes are not synced one by one.
    pub(crate) fn reserve_bytes(&self) -> u64 {
        if self.every_write() { self.reserve_bytes } else { 0 }
    }
}
