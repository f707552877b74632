//! What is measured: every workload once, for the benchmark, for Criterion and for the book.
//!
//! A workload is a value: what lies in the store before, what is then timed, and who takes part. Adding one is adding
//! a line to [`ALL`].
//!
//! **Source** The names are those of LevelDB's `db_bench`, where it has them. YCSB's workloads are as its core package
//! defines them, with one value instead of ten fields: Cooper et al., *Benchmarking Cloud Serving Systems with YCSB*,
//! `SoCC` 2010.

mod action;
mod asked;

pub use action::{Action, Before, Who};
pub use asked::Asked;

use crate::engines::Kind;
use crate::entries::{Entries, Order, Sizes};
use crate::ycsb;
use contract::Durability;
use std::time::Duration;

/// Something that is done to an engine while the watch runs.
#[derive(Clone, Copy)]
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
    /// Options under which it is measured, on engines that have them, each as `name=value`.
    pub with: &'static [&'static str],
    /// Options under which it is measured besides.
    pub under: &'static [&'static str],
    /// Who takes part besides our engines.
    pub who: Who,
}

/// How many fsynced writes are asked for at most: each takes a fraction of a millisecond.
const MOST_SYNCED: u64 = 20_000;
/// How many gets are asked for at most.
const MOST_GETS: u64 = 500_000;
/// Of a small store fewer gets and operations are asked for: so many for each entry.
const MOST_FOR_EACH: u64 = 10;

/// How many walks of 50 pairs are asked for at most.
const MOST_SEEKS: u64 = 50_000;
/// How many puts a kill interrupts.
const MOST_KILLED: u64 = 20_000;

const fn put(order: Order, batch: u64, threads: u64) -> Action {
    Action::Put { order, batch, threads }
}

const fn on_request(name: &'static str, before: Before, timed: Action, help: &'static str) -> Workload {
    let durability = Durability::OnRequest;
    Workload { name, help, durability, before, timed, with: &[], under: &[], who: Who::Ours }
}

const fn every_write(name: &'static str, timed: Action, help: &'static str) -> Workload {
    let durability = Durability::EveryWrite;
    Workload { durability, ..on_request(name, Before::Nothing, timed, help) }
}

impl Workload {
    const fn with_rivals(self) -> Self {
        Self { who: Who::Rivals, ..self }
    }

    const fn with_all(self) -> Self {
        Self { who: Who::Everybody, ..self }
    }

    const fn with(self, with: &'static [&'static str]) -> Self {
        Self { with, ..self }
    }

    /// Measured also by mapped reads, and both in a store of many segments.
    const fn by_mapping(self) -> Self {
        self.with(MANY_SEGMENTS).under(MAPPED)
    }

    /// Measured also under these options.
    const fn under(self, under: &'static [&'static str]) -> Self {
        Self { under, ..self }
    }
}

/// Reads of sealed files by a mapping, in engines that offer it.
const MAPPED: &[&str] = &["reads=mapped"];
/// So many segments that the newest, which is never mapped, is as small a part of a million entries as of a large store.
const MANY_SEGMENTS: &[&str] = &["segment-bytes=16MiB"];
/// No saved index, in engines that save one.
const NO_HINTS: &[&str] = &["hints=off"];
/// Compactions that leave the foreground its share, in engines that have background work.
const HELD_BACK: &[&str] = &["compaction-rate=32MiB"];
/// So small that there is something to merge all the time.
const SMALL_SEGMENTS: &[&str] = &["segment-bytes=8MiB"];

// ANCHOR: workloads
/// Every workload, in the order of the tables.
pub static ALL: &[Workload] = {
    use Action::{
        Beside, Delete, Get, GetBatched, GetByTwo, GetCities, Growth, Io, Lost, Memory, Open, PutCities,
        Resident, Scan, ScanCountry, Seek, Space, Steady, Wrong, Ycsb,
    };
    use Before::{Cities, Loaded, Nothing};
    use Order::{Absent, Ascending, Drawn, Hot, Shuffled};
    &[
        on_request("fillseq", Nothing, put(Ascending, 1, 1), "puts, keys ascending").with_all(),
        on_request("fillrandom", Nothing, put(Shuffled(0), 1, 1), "puts, every key once, shuffled")
            .with_all(),
        on_request("overwrite", Loaded, put(Shuffled(1), 1, 1), "puts over every present key, shuffled")
            .with_all(),
        on_request("fillbatch100", Nothing, put(Shuffled(0), 100, 1), "entries, in batches of 100, shuffled")
            .with_rivals(),
        every_write("fillsync", put(Shuffled(0), 1, 1), "puts, each on the device before it is acknowledged")
            .with_rivals(),
        every_write("fillsync8t", put(Shuffled(0), 1, 8), "the same by 8 threads, which may share a sync")
            .with_rivals(),
        on_request("readrandom", Loaded, Get(Drawn), "gets of present keys drawn at random")
            .by_mapping()
            .with_all(),
        on_request("readrandom2t", Loaded, GetByTwo, "the same by one thread and by two at the same time")
            .by_mapping()
            .with_all(),
        on_request("readmissing", Loaded, Get(Absent), "gets of absent keys that lie between present ones")
            .with(MANY_SEGMENTS)
            .with_all(),
        on_request(
            "readhot",
            Loaded,
            Get(Hot),
            "gets of present keys, few of them most of the time (Zipf, 0.99)",
        )
        .by_mapping()
        .with_all(),
        on_request(
            "readbatched",
            Nothing,
            GetBatched,
            "gets of what came in batches of 1,000, and of singles",
        ),
        on_request("readseq", Loaded, Scan, "pairs of full ordered scans by the cursor")
            .by_mapping()
            .with_rivals(),
        on_request(
            "seekrandom50",
            Loaded,
            Seek,
            "walks of 50 pairs, each from a present key drawn at random",
        )
        .by_mapping()
        .with_rivals(),
        on_request("rww", Loaded, Beside { compacting: false }, "gets by one thread beside puts by another")
            .under(MAPPED)
            .with_all(),
        on_request("steady", Loaded, Steady, "latencies of puts of which 100 are due in every millisecond")
            .under(HELD_BACK)
            .with_rivals(),
        on_request("deleterandom", Loaded, Delete, "deletes of every present key, shuffled").with_all(),
        on_request(
            "rww-merge",
            Loaded,
            Beside { compacting: true },
            "the same beside `compact`, over and over",
        )
        .with(SMALL_SEGMENTS)
        .under(MAPPED),
        on_request("ycsb-a", Loaded, Ycsb(&ycsb::A), "half gets, half puts over present keys")
            .by_mapping()
            .with_all(),
        on_request("ycsb-b", Loaded, Ycsb(&ycsb::B), "95 % gets, 5 % puts over present keys")
            .by_mapping()
            .with_all(),
        on_request("ycsb-c", Loaded, Ycsb(&ycsb::C), "gets").by_mapping().with_all(),
        on_request("ycsb-d", Loaded, Ycsb(&ycsb::D), "95 % gets of what came last, 5 % puts of new keys")
            .by_mapping()
            .with_all(),
        on_request("ycsb-e", Loaded, Ycsb(&ycsb::E), "95 % walks of up to 100 pairs, 5 % puts of new keys")
            .by_mapping()
            .with_rivals(),
        on_request(
            "ycsb-f",
            Loaded,
            Ycsb(&ycsb::F),
            "half gets, half gets each followed by a put of its key",
        )
        .by_mapping()
        .with_all(),
        on_request("open-clean", Loaded, Open { killed: false }, "opening after a close, and one get")
            .under(NO_HINTS)
            .with_rivals(),
        on_request("open-killed", Loaded, Open { killed: true }, "opening after a kill -9, and one get")
            .under(NO_HINTS)
            .with_rivals(),
        on_request("lost", Nothing, Lost, "acknowledged puts that a kill -9 lost").with_rivals(),
        on_request("memory", Loaded, Memory, "live heap bytes after opening, for each key"),
        on_request("resident", Nothing, Resident, "anonymous memory after writing twice n and reading")
            .with_rivals(),
        on_request("space", Loaded, Space, "bytes on disk and bytes written"),
        on_request("io", Nothing, Io, "bytes of calls and to the device, for each byte of entries")
            .with_rivals(),
        on_request(
            "growth",
            Nothing,
            Growth,
            "gets of absent keys in stores of n/1000, n/100, n/10 and n entries",
        ),
        on_request("wrong", Nothing, Wrong, "gets and puts, mistaken in fewer and fewer ways"),
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

    /// Whether subjects of this kind take part.
    pub fn takes(&self, kind: Kind) -> bool {
        match kind {
            Kind::Engine => true,
            Kind::Rival => self.who != Who::Ours,
            Kind::Bound => self.who == Who::Everybody,
        }
    }

    /// Whether what is timed writes.
    pub fn writes(&self) -> bool {
        match self.timed {
            Action::Put { .. }
            | Action::Delete
            | Action::Steady
            | Action::PutCities
            | Action::Beside { .. } => true,
            Action::Ycsb(mix) => mix.writes(),
            _ => false,
        }
    }

    /// Workloads of one name here are measured by one process, one after the other, in one store: they leave it as it
    /// was, or each goes on where the one before ended.
    pub fn sitting(&self) -> &'static str {
        match (self.before, self.timed) {
            (Before::Loaded, Action::Put { .. } | Action::Delete | Action::Beside { compacting: false }) => {
                "writes"
            }
            // What only reads comes first.
            (
                Before::Loaded,
                Action::Get(_) | Action::GetByTwo | Action::Scan | Action::Seek | Action::Ycsb(_),
            ) => "reads",
            (Before::Cities, _) => "cities",
            _ => self.name,
        }
    }

    /// What the timed action writes or asks for.
    pub fn entries(&self, sizes: Sizes) -> anyhow::Result<Entries> {
        let order = match self.timed {
            Action::Put { order, .. } | Action::Get(order) => order,
            Action::Delete | Action::Steady | Action::Beside { .. } => Order::Shuffled(1),
            Action::PutCities | Action::ScanCountry => return Entries::cities(),
            Action::GetCities => return Ok(Entries::cities()?.drawn(sizes.seed, self.ops(sizes))),
            _ => Order::Drawn,
        };
        Ok(Entries::new(sizes, order, self.ops(sizes)))
    }

    /// How many operations are asked for if time allows.
    pub fn ops(&self, sizes: Sizes) -> u64 {
        match (self.timed, self.durability) {
            (Action::Put { .. }, Durability::EveryWrite) => sizes.n.min(MOST_SYNCED),
            (Action::Put { .. } | Action::Delete | Action::Steady | Action::Beside { .. }, _) => sizes.n,
            (Action::Seek, _) => MOST_SEEKS.min(MOST_FOR_EACH * sizes.n),
            (Action::Lost, _) => sizes.n.min(MOST_KILLED),
            (Action::Ycsb(mix), _) => mix.ops.min(MOST_FOR_EACH * sizes.n),
            _ => MOST_GETS.min(MOST_FOR_EACH * sizes.n),
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

/// The durability class of this name.
pub fn durability_named(name: &str) -> Result<Durability, String> {
    let classes = [Durability::OnRequest, Durability::EveryWrite];
    let found = classes.into_iter().find(|class| durability_name(*class) == name);
    found.ok_or_else(|| format!("there are: {}", classes.map(durability_name).join(", ")))
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
    /// What is asked of every workload besides.
    #[serde(flatten)]
    pub asked: Asked,
}

impl Effort {
    /// When a timed phase ends.
    pub fn limit(&self) -> Duration {
        Duration::from_secs_f64(self.limit_seconds)
    }
}
