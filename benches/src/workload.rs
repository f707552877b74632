//! What is measured: every workload once, for the benchmark, for Criterion and for the book.
//!
//! A workload is a value: what lies in the store before, and what is then timed. Adding one is adding a line to
//! [`ALL`].

use crate::entries::{Entries, Order, Sizes};
use contract::Durability;
use std::time::Duration;

/// Something that is done to an engine while the watch runs.
pub struct Workload {
    /// Its name; as in LevelDB's `db_bench` where that has it.
    pub name: &'static str,
    /// What is timed.
    pub help: &'static str,
    /// When a write is acknowledged.
    pub durability: Durability,
    /// What lies in the store before.
    pub before: Before,
    /// What is timed.
    pub timed: Action,
}

/// What lies in a store before the watch starts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// n entries, written in shuffled order, in batches.
    Loaded,
    /// The cities of the world.
    Cities,
}

/// What is timed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Writes of entries in this order.
    Put {
        /// In which order.
        order: Order,
        /// Entries in a batch; 1 is a plain put.
        batch: u64,
        /// Threads that write at the same time.
        threads: u64,
    },
    /// Gets of keys in this order.
    Get(Order),
    /// One walk over everything, keys and values, by the cursor.
    Scan,
    /// Opening the store and one get, after its process closed it or was killed.
    Open {
        /// By SIGKILL.
        killed: bool,
    },
    /// Nothing; sizes are looked at.
    Space,
    /// Gets of absent keys, in stores of four sizes.
    Growth,
    /// A put for each city, in the order of the file.
    PutCities,
    /// Gets of cities drawn at random.
    GetCities,
    /// Scans of the cities of a country drawn at random.
    ScanCountry,
}

/// How many fsynced writes are asked for at most: each takes a fraction of a millisecond.
const MOST_SYNCED: u64 = 20_000;
/// How many gets are asked for at most.
const MOST_GETS: u64 = 500_000;

const fn put(order: Order, batch: u64, threads: u64) -> Action {
    Action::Put { order, batch, threads }
}

const fn on_request(name: &'static str, before: Before, timed: Action, help: &'static str) -> Workload {
    Workload { name, help, durability: Durability::OnRequest, before, timed }
}

const fn every_write(name: &'static str, timed: Action, help: &'static str) -> Workload {
    Workload { name, help, durability: Durability::EveryWrite, before: Before::Nothing, timed }
}

// ANCHOR: workloads
/// Every workload, in the order of the tables.
pub static ALL: &[Workload] = {
    use Action::{Get, GetCities, Growth, Open, PutCities, Scan, ScanCountry, Space};
    use Before::{Cities, Loaded, Nothing};
    use Order::{Absent, Ascending, Drawn, Shuffled};
    &[
        on_request("fillseq", Nothing, put(Ascending, 1, 1), "puts, keys ascending"),
        on_request("fillrandom", Nothing, put(Shuffled(0), 1, 1), "puts, every key once, shuffled"),
        on_request("overwrite", Loaded, put(Shuffled(1), 1, 1), "puts over every present key, shuffled"),
        on_request("fillbatch100", Nothing, put(Shuffled(0), 100, 1), "entries, in batches of 100, shuffled"),
        every_write("fillsync", put(Shuffled(0), 1, 1), "puts, each on the device before it is acknowledged"),
        every_write("fillsync8t", put(Shuffled(0), 1, 8), "the same by 8 threads, which may share a sync"),
        on_request("readrandom", Loaded, Get(Drawn), "gets of present keys drawn at random"),
        on_request("readmissing", Loaded, Get(Absent), "gets of absent keys that lie between present ones"),
        on_request("readseq", Loaded, Scan, "pairs of full ordered scans by the cursor"),
        on_request("open-clean", Loaded, Open { killed: false }, "opening after a close, and one get"),
        on_request("open-killed", Loaded, Open { killed: true }, "opening after a kill -9, and one get"),
        on_request("space", Loaded, Space, "bytes on disk and bytes written"),
        on_request(
            "growth",
            Nothing,
            Growth,
            "gets of absent keys in stores of n/1000, n/100, n/10 and n entries",
        ),
        on_request("cities-put", Nothing, PutCities, "puts of cities.tsv, a line each"),
        on_request("cities-get", Cities, GetCities, "gets of cities drawn at random"),
        on_request(
            "cities-scan",
            Cities,
            ScanCountry,
            "prefix scans, all cities of a country drawn at random",
        ),
    ]
};
// ANCHOR_END: workloads

impl Workload {
    /// The workload of this name.
    pub fn named(name: &str) -> anyhow::Result<&'static Self> {
        ALL.iter().find(|workload| workload.name == name).ok_or_else(|| {
            let names: Vec<_> = ALL.iter().map(|workload| workload.name).collect();
            anyhow::anyhow!("there is no workload «{name}»; there are: {}", names.join(", "))
        })
    }

    /// What the timed action writes or asks for.
    pub fn entries(&self, sizes: Sizes) -> anyhow::Result<Entries> {
        Ok(match self.timed {
            Action::Put { order, .. } | Action::Get(order) => Entries::new(sizes, order, self.ops(sizes)),
            Action::PutCities | Action::ScanCountry => Entries::cities()?,
            Action::GetCities => Entries::cities()?.drawn(sizes.seed, MOST_GETS),
            Action::Scan | Action::Open { .. } | Action::Space | Action::Growth => {
                Entries::new(sizes, Order::Drawn, 1)
            }
        })
    }

    /// How many entries are written or asked for if time allows.
    pub fn ops(&self, sizes: Sizes) -> u64 {
        match (self.timed, self.durability) {
            (Action::Put { .. }, Durability::EveryWrite) => sizes.n.min(MOST_SYNCED),
            (Action::Put { .. }, Durability::OnRequest) => sizes.n,
            _ => MOST_GETS,
        }
    }
}

/// The durability class in the words of the project.
pub fn durability_name(durability: Durability) -> &'static str {
    match durability {
        Durability::OnRequest => "on-request",
        Durability::EveryWrite => "every-write",
    }
}

/// How much is done, and how often.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Effort {
    /// What is written.
    #[serde(flatten)]
    pub sizes: Sizes,
    /// A timed phase ends after this many seconds, done or not.
    pub limit_seconds: f64,
    /// How often everything is measured.
    pub rounds: u64,
}

impl Effort {
    /// When a timed phase ends.
    pub fn limit(&self) -> Duration {
        Duration::from_secs_f64(self.limit_seconds)
    }
}
