//! Operations as values: made from a seed, applied to any engine, printed and read back as text.
//!
//! **Layout** [`mod@generate`] makes lists of them from a seed, [`text`] turns them into lines and back.

pub mod generate;
pub mod text;

use contract::{Batch, Engine, KeyRange, Result, Scan};
use std::fmt;
use std::ops::Bound;

pub use generate::{Shape, generate};

/// One thing that a user of a store does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Gives a key a value.
    Put {
        /// The key.
        key: Vec<u8>,
        /// The value.
        value: Vec<u8>,
    },
    /// Deletes a key, present or not.
    Delete {
        /// The key.
        key: Vec<u8>,
    },
    /// Several puts and deletes at once.
    Batch(Batch),
    /// Gives a key a value if it has none.
    PutIfAbsent {
        /// The key.
        key: Vec<u8>,
        /// The value.
        value: Vec<u8>,
    },
    /// Reads a key.
    Get {
        /// The key.
        key: Vec<u8>,
    },
    /// Asks whether a key has a value.
    Contains {
        /// The key.
        key: Vec<u8>,
    },
    /// Reads a key and asks how.
    Explain {
        /// The key.
        key: Vec<u8>,
    },
    /// Reads a range.
    Scan(Range),
    /// Reads all keys of a prefix.
    ScanPrefix {
        /// The prefix.
        prefix: Vec<u8>,
    },
    /// Begins to read a range, and goes on only at [`Op::Release`]: what is done in between must not show.
    Hold(Range),
    /// Reads every held scan to its end.
    Release,
    /// Makes everything durable.
    Sync,
    /// Brings the store into its smallest shape.
    Compact,
    /// Does one unit of background work.
    Step,
    /// Reads and checks every byte.
    Verify,
    /// Closes the store and opens it again.
    Close,
    /// Drops the last handle without a word, and opens the store again.
    Drop,
    /// The process dies, the operating system does not: the store is opened from the files as they are.
    Kill,
}

/// A range that owns its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// Where it starts.
    pub start: Bound<Vec<u8>>,
    /// Where it ends.
    pub end: Bound<Vec<u8>>,
}

impl Range {
    /// The range as engines take it.
    pub fn as_keys(&self) -> KeyRange<'_> {
        KeyRange::new(self.start.as_ref().map(Vec::as_slice), self.end.as_ref().map(Vec::as_slice))
    }
}

impl Op {
    /// Whether it may change what the store holds.
    pub fn writes(&self) -> bool {
        matches!(self, Self::Put { .. } | Self::Delete { .. } | Self::Batch(_) | Self::PutIfAbsent { .. })
    }

    /// Whether the store must be opened again after it.
    pub fn reopens(&self) -> bool {
        matches!(self, Self::Close | Self::Drop | Self::Kill)
    }

    /// Whether everything before it is durable once it has returned success.
    pub fn makes_durable(&self) -> bool {
        matches!(self, Self::Sync | Self::Close)
    }

    /// The bytes of keys and values that it hands to the store.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Put { key, value } | Self::PutIfAbsent { key, value } => (key.len() + value.len()) as u64,
            Self::Delete { key } => key.len() as u64,
            Self::Batch(batch) => batch.bytes(),
            _ => 0,
        }
    }
}

/// Does `op` to an engine and lets the answers go. Reads are read to their end, so that an error anywhere surfaces.
/// [`Op::Close`] closes; to open again, and all of [`Op::Drop`], [`Op::Kill`] and held scans, is the caller's part.
pub fn apply(engine: &dyn Engine, op: &Op) -> Result<()> {
    match op {
        Op::Put { key, value } => engine.put(key, value),
        Op::Delete { key } => engine.delete(key),
        Op::Batch(batch) => engine.write(batch),
        Op::PutIfAbsent { key, value } => engine.put_if_absent(key, value).map(drop),
        Op::Get { key } => engine.get(key).map(drop),
        Op::Contains { key } => engine.contains(key).map(drop),
        Op::Explain { key } => engine.explain(key).map(drop),
        Op::Scan(range) | Op::Hold(range) => drain(engine.scan(range.as_keys())?),
        Op::ScanPrefix { prefix } => drain(engine.scan_prefix(prefix)?),
        Op::Sync => engine.sync(),
        Op::Compact => engine.compact(),
        Op::Step => engine.step().map(drop),
        Op::Verify => engine.verify().map(drop),
        Op::Close => engine.close(),
        Op::Release | Op::Drop | Op::Kill => Ok(()),
    }
}

fn drain(scan: Scan) -> Result<()> {
    for pair in scan {
        pair?;
    }
    Ok(())
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::show(self, f)
    }
}
