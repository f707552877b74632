//! What a workload does, to what, and for whom.

use crate::entries::Order;
use crate::ycsb::Mix;

/// Who takes part in a workload besides our engines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Nobody.
    Ours,
    /// The rivals that were asked for.
    Rivals,
    /// They, and the bounds that answer as an engine does.
    Everybody,
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
#[derive(Clone, Copy, PartialEq)]
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
    /// Puts over present keys at a steady pace, whatever it takes the engine.
    Steady,
    /// A delete for each present key, shuffled.
    Delete,
    /// Gets of keys in this order.
    Get(Order),
    /// Gets of present keys by one thread and by two.
    GetByTwo,
    /// Gets of what came in batches, against gets of what came singly.
    GetBatched,
    /// One walk over everything, keys and values, by the cursor.
    Scan,
    /// Walks of 50 pairs, each from a present key.
    Seek,
    /// Gets by one thread beside puts by another, and beside `compact` by a third.
    Beside {
        /// Whether there is a third.
        compacting: bool,
    },
    /// One of YCSB's workloads. All of them share a store, in the order of the table.
    Ycsb(&'static Mix),
    /// Opening the store and one get, after its process closed it or was killed.
    Open {
        /// By SIGKILL.
        killed: bool,
    },
    /// Nothing; puts are looked for after their process was killed.
    Lost,
    /// Nothing; live heap bytes are counted after opening.
    Memory,
    /// Nothing; memory is looked at while a store is filled, overwritten and read.
    Resident,
    /// Nothing; sizes are looked at.
    Space,
    /// Nothing; what the system counts is looked at while a store is filled, overwritten and read.
    Io,
    /// Gets of absent keys, in stores of four sizes.
    Growth,
    /// Gets and puts, with fewer and fewer of the mistakes that flatter.
    Wrong,
    /// A put for each city, in the order of the file.
    PutCities,
    /// Gets of cities drawn at random.
    GetCities,
    /// Scans of the cities of a country drawn at random.
    ScanCountry,
}
