//! Other people's engines behind our trait, so that they are measured by the same loop over the same entries.
//!
//! Each is behind a feature of this package, and all are off: nobody compiles them who does not ask. A rival does not
//! know our world, so it opens the directory that its name stands for, and only a real one.
//!
//! **Layout** One file each. All have the same budget: 64 MiB to buffer writes and 64 MiB to cache reads where the two
//! are apart, 128 MiB where they are not; no compression, unless `compression=own` leaves it to those that have one.
//! What a rival cannot do it answers by `Unsupported`, which is a dash in the tables.
//!
//! **Invariants**
//! 1. `on-request` is the fastest setting under which a write is meant to survive the death of the process, or, where
//!    a rival has none, its fastest: then the kill test in the same run says what that costs. `every-write` has the
//!    device confirm each.
//! 2. A scan is a point-in-time view, as for any engine, and a batch is atomic where the rival has batches.

#[cfg(feature = "fjall")]
mod fjall;
#[cfg(feature = "leveldb")]
mod leveldb;
#[cfg(feature = "lmdb")]
mod lmdb;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "rocksdb")]
mod rocksdb;
#[cfg(feature = "sled")]
mod sled;
#[cfg(feature = "tinkv")]
mod tinkv;

use contract::Stage;

/// The features, each of which brings one rival or more.
pub const NAMES: &[&str] = &["rocksdb", "leveldb", "fjall", "redb", "lmdb", "sled", "tinkv"];

/// Those that `--rivals` stands for where it names none: what cargo builds in minutes.
pub const PURE: &str = "fjall,redb,lmdb,sled";
/// Those that `--rivals-native` adds: C++.
pub const NATIVE: &str = "rocksdb,leveldb";

/// The rivals that were compiled in, in the order of the tables.
pub static ALL: &[&Stage] = &[
    #[cfg(feature = "rocksdb")]
    &rocksdb::STAGE,
    #[cfg(feature = "leveldb")]
    &leveldb::STAGE,
    #[cfg(feature = "fjall")]
    &fjall::STAGE,
    #[cfg(feature = "redb")]
    &redb::STAGE,
    #[cfg(feature = "lmdb")]
    &lmdb::STAGE,
    #[cfg(feature = "lmdb")]
    &lmdb::MAPPED,
    #[cfg(feature = "sled")]
    &sled::STAGE,
    #[cfg(feature = "tinkv")]
    &tinkv::STAGE,
];

/// The rivals that a feature brings; none where it is off.
pub fn of(feature: &str) -> impl Iterator<Item = &'static Stage> {
    ALL.iter().copied().filter(move |stage| stage.name.split('-').next() == Some(feature))
}

/// How a rival is opened.
#[cfg(feature = "rival")]
type Open = fn(std::sync::Arc<dyn vfs::Vfs>, &contract::Options) -> contract::Result<contract::Opened>;

/// A rival's place in our table of engines. What only a shell needs is not there.
#[cfg(feature = "rival")]
const fn stage(name: &'static str, title: &'static str, open: Open) -> Stage {
    const CLOSED: contract::Error = contract::Error::Unsupported { what: "looking into a rival's files" };
    static OPTIONS: [contract::OptionSpec; 1] = [contract::SYNC];
    Stage {
        name,
        title,
        persistent: true,
        options: &OPTIONS,
        open,
        inspect: |_, _, _| Err(CLOSED),
        verify: |_| Err(CLOSED),
        salvage: |_, _| Err(CLOSED),
        commands: &[],
        tour: &[],
    }
}

/// The same for a rival that compresses when nobody says otherwise, and may be left to.
#[cfg(any(feature = "fjall", feature = "leveldb", feature = "rocksdb"))]
const fn compressing(name: &'static str, title: &'static str, open: Open) -> Stage {
    static OPTIONS: [contract::OptionSpec; 2] = [contract::SYNC, COMPRESSION];
    const COMPRESSION: contract::OptionSpec = contract::OptionSpec {
        name: "compression",
        kind: contract::Kind::Choice(&["off", "own"]),
        default: "off",
        help: "all store the same bytes, or each compresses as it does when nobody says",
        live: false,
    };
    Stage { options: &OPTIONS, ..stage(name, title, open) }
}

/// Whether a rival is left to compress.
#[cfg(any(feature = "fjall", feature = "leveldb", feature = "rocksdb"))]
fn compresses(options: &contract::Options) -> contract::Result<bool> {
    Ok(options.text("compression")? == "own")
}

/// The keys that a rival takes: fjall ends the process at one that it does not.
#[cfg(any(feature = "fjall", feature = "lmdb"))]
fn fits(key: &[u8], most: usize, over: &'static str) -> contract::Result<()> {
    let what = match key.len() {
        0 => "an empty key",
        length if length > most => over,
        _ => return Ok(()),
    };
    Err(contract::Error::Unsupported { what })
}

/// A rival's own error, as one of the world's: what it has to say, and what was being done.
#[cfg(feature = "rival")]
fn failed<E: std::error::Error + Send + Sync + 'static>(
    action: &'static str,
) -> impl Fn(E) -> contract::Error {
    move |e| contract::Error::Io { file: String::new(), action, source: std::io::Error::other(e) }
}
