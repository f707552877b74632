//! What can be chosen, and what was.

use contract::{Durability, Kind, OptionSpec, Options, Result, SYNC, parse_bytes};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The options of stage 3.
pub(crate) static SPECS: [OptionSpec; 17] = [
    SYNC,
    OptionSpec {
        name: "memtable-bytes",
        kind: Kind::Bytes { min: 256, max: 1 << 30 },
        default: "64MiB",
        help: "memory for what is not in tables yet: half for the active memtable, half for those being flushed",
        live: true,
    },
    OptionSpec {
        name: "table-bytes",
        kind: Kind::Bytes { min: 128, max: 1 << 38 },
        default: "64MiB",
        help: "how large a table grows before a flush or a compaction begins another one",
        live: true,
    },
    OptionSpec {
        name: "block-bytes",
        kind: Kind::Bytes { min: 32, max: 64 << 10 },
        default: "4KiB",
        help: "how large a block of a table is, before compression",
        live: false,
    },
    OptionSpec {
        name: "compression",
        kind: Kind::Choice(&["none", "lz4"]),
        default: "none",
        help: "how the blocks of new tables are compressed",
        live: false,
    },
    OptionSpec {
        name: "filter-bits",
        kind: Kind::Count { min: 0, max: 64 },
        default: "10",
        help: "bits of bloom filter for each key of a new table; 0 for no filter",
        live: false,
    },
    OptionSpec {
        name: "fingerprints",
        kind: Kind::Choice(&["on", "off"]),
        default: "on",
        help: "whether blocks of new tables have a byte of each key's hash, by which a get finds its entry",
        live: false,
    },
    OptionSpec {
        name: "reads",
        kind: Kind::Choice(&["pread", "mapped"]),
        default: "pread",
        help: "how tables are read; mapped is faster, but an I/O error is a signal then, not a result",
        live: false,
    },
    OptionSpec {
        name: "cache-bytes",
        kind: Kind::Bytes { min: 0, max: 1 << 40 },
        default: "64MiB",
        help: "memory for blocks that were read; 0 for no cache",
        live: false,
    },
    OptionSpec {
        name: "strategy",
        kind: Kind::Choice(&["tiered", "leveled", "off"]),
        default: "tiered",
        help: "which runs are merged, and when",
        live: true,
    },
    OptionSpec {
        name: "fan-out",
        kind: Kind::Count { min: 2, max: 100 },
        default: "4",
        help: "how many runs of a similar size are merged at a time",
        live: true,
    },
    OptionSpec {
        name: "level-ratio",
        kind: Kind::Count { min: 2, max: 100 },
        default: "10",
        help: "how many times larger than the level above it a level may be, where the strategy is leveled",
        live: true,
    },
    OptionSpec {
        name: "max-runs",
        kind: Kind::Count { min: 1, max: 10_000 },
        default: "40",
        help: "writers wait for compaction while there are more runs than this",
        live: true,
    },
    OptionSpec {
        name: "compaction-rate",
        kind: Kind::Bytes { min: 0, max: 1 << 40 },
        default: "0",
        help: "bytes that compaction in the background merges a second, unless runs pile up; 0 for no limit",
        live: true,
    },
    OptionSpec {
        name: "manifest-bytes",
        kind: Kind::Bytes { min: 64, max: 1 << 30 },
        default: "1MiB",
        help: "how far the manifest grows before a new one is begun",
        live: false,
    },
    OptionSpec {
        name: "chunk-bytes",
        kind: Kind::Bytes { min: 32, max: 64 << 20 },
        default: "256KiB",
        help: "how much of a log is read at a time when a store is opened",
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

/// Which runs are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Neighbours of a similar size.
    Tiered,
    /// Each level into the next, a table at a time.
    Leveled,
    /// None, but by `compact`.
    Off,
}

/// The options as the store uses them.
#[derive(Debug)]
pub(crate) struct Settings {
    every_write: AtomicBool,
    memtable_bytes: AtomicU64,
    table_bytes: AtomicU64,
    pub(crate) block_bytes: usize,
    pub(crate) lz4: bool,
    pub(crate) filter_bits: u32,
    pub(crate) fingerprints: bool,
    pub(crate) mapped: bool,
    pub(crate) cache_bytes: u64,
    /// Index of the strategy among its names.
    strategy: AtomicU64,
    fan_out: AtomicU64,
    level_ratio: AtomicU64,
    max_runs: AtomicU64,
    compaction_rate: AtomicU64,
    pub(crate) manifest_bytes: u64,
    pub(crate) chunk_bytes: usize,
    reserve_bytes: u64,
}

impl Settings {
    pub(crate) fn new(options: &Options) -> Result<Self> {
        let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Ok(Self {
            every_write: AtomicBool::new(options.durability()? == Durability::EveryWrite),
            memtable_bytes: AtomicU64::new(options.bytes("memtable-bytes")?),
            table_bytes: AtomicU64::new(options.bytes("table-bytes")?),
            block_bytes: size(options.bytes("block-bytes")?),
            lz4: options.text("compression")? == "lz4",
            filter_bits: u32::try_from(options.count("filter-bits")?).unwrap_or(u32::MAX),
            fingerprints: options.text("fingerprints")? == "on",
            mapped: options.text("reads")? == "mapped",
            cache_bytes: options.bytes("cache-bytes")?,
            strategy: AtomicU64::new(strategy(options.text("strategy")?)),
            fan_out: AtomicU64::new(options.count("fan-out")?),
            level_ratio: AtomicU64::new(options.count("level-ratio")?),
            max_runs: AtomicU64::new(options.count("max-runs")?),
            compaction_rate: AtomicU64::new(options.bytes("compaction-rate")?),
            manifest_bytes: options.bytes("manifest-bytes")?,
            chunk_bytes: size(options.bytes("chunk-bytes")?),
            reserve_bytes: options.bytes("reserve-bytes")?,
        })
    }

    /// Takes over a checked change of a live option.
    pub(crate) fn set(&self, name: &str, value: &str) -> Result<()> {
        let number = match name {
            "memtable-bytes" => &self.memtable_bytes,
            "table-bytes" => &self.table_bytes,
            "fan-out" => &self.fan_out,
            "level-ratio" => &self.level_ratio,
            "max-runs" => &self.max_runs,
            "compaction-rate" => &self.compaction_rate,
            "strategy" => {
                self.strategy.store(strategy(value), Ordering::Relaxed);
                return Ok(());
            }
            _ => {
                self.every_write.store(value == "every-write", Ordering::Relaxed);
                return Ok(());
            }
        };
        number.store(parse_bytes(value)?, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn every_write(&self) -> bool {
        self.every_write.load(Ordering::Relaxed)
    }

    /// How large the active memtable grows: half of what memtables may take, for the other half is being flushed.
    pub(crate) fn active_bytes(&self) -> u64 {
        self.memtable_bytes.load(Ordering::Relaxed) / 2
    }

    pub(crate) fn table_bytes(&self) -> u64 {
        self.table_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn strategy(&self) -> Strategy {
        match self.strategy.load(Ordering::Relaxed) {
            0 => Strategy::Tiered,
            1 => Strategy::Leveled,
            _ => Strategy::Off,
        }
    }

    pub(crate) fn fan_out(&self) -> usize {
        usize::try_from(self.fan_out.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }

    pub(crate) fn level_ratio(&self) -> u64 {
        self.level_ratio.load(Ordering::Relaxed)
    }

    pub(crate) fn max_runs(&self) -> usize {
        usize::try_from(self.max_runs.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }

    /// Bytes a second that a compaction in the background may merge; 0 for any number.
    pub(crate) fn compaction_rate(&self) -> u64 {
        self.compaction_rate.load(Ordering::Relaxed)
    }

    /// How much room to reserve at a time: none where writes are not synced one by one.
    pub(crate) fn reserve_bytes(&self) -> u64 {
        if self.every_write() { self.reserve_bytes } else { 0 }
    }
}

fn strategy(name: &str) -> u64 {
    match name {
        "tiered" => 0,
        "leveled" => 1,
        _ => 2,
    }
}
