//! What is recorded of a call: enough to do it again, and a line to read.

use super::fault::{Effect, Errno, Failure};
use std::fmt;
use std::sync::Arc;

/// The calls of [`Vfs`](crate::Vfs) and [`File`](crate::File) that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// [`Vfs::create`](crate::Vfs::create).
    Create,
    /// [`Vfs::open`](crate::Vfs::open).
    Open,
    /// [`Vfs::rename`](crate::Vfs::rename).
    Rename,
    /// [`Vfs::remove`](crate::Vfs::remove).
    Remove,
    /// [`Vfs::list`](crate::Vfs::list).
    List,
    /// [`Vfs::sync_dir`](crate::Vfs::sync_dir).
    SyncDir,
    /// [`Vfs::lock`](crate::Vfs::lock).
    Lock,
    /// [`File::size`](crate::File::size).
    Size,
    /// [`File::read_at`](crate::File::read_at).
    Read,
    /// [`File::view`](crate::File::view).
    View,
    /// [`File::append`](crate::File::append).
    Append,
    /// [`File::truncate`](crate::File::truncate).
    Truncate,
    /// [`File::reserve`](crate::File::reserve).
    Reserve,
    /// [`File::sync`](crate::File::sync).
    Sync,
}

impl Op {
    /// Every kind of call.
    pub const ALL: [Self; 14] = [
        Self::Create,
        Self::Open,
        Self::Rename,
        Self::Remove,
        Self::List,
        Self::SyncDir,
        Self::Lock,
        Self::Size,
        Self::Read,
        Self::View,
        Self::Append,
        Self::Truncate,
        Self::Reserve,
        Self::Sync,
    ];

    /// Whether calls of this kind are recorded, and are crash points: create, append, truncate, reserve, sync,
    /// rename, remove and `sync_dir`.
    pub fn is_mutating(self) -> bool {
        !matches!(self, Self::Open | Self::List | Self::Lock | Self::Size | Self::Read | Self::View)
    }
}

/// One recorded call: `append 000001.log 128 bytes at 64`. Calls that failed are recorded too.
#[derive(Clone, Debug)]
pub struct Call {
    pub(super) act: Act,
    pub(super) failure: Option<Failure>,
}

/// An inode, and the name under which it was known.
#[derive(Clone, Debug)]
pub(super) struct FileRef {
    pub(super) id: usize,
    pub(super) name: Arc<str>,
}

/// What was asked for.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Create { name: Arc<str> },
    Rename { from: Arc<str>, to: Arc<str> },
    Remove { name: Arc<str> },
    SyncDir,
    Append { file: FileRef, offset: u64, data: Arc<[u8]> },
    Truncate { file: FileRef, len: u64 },
    Reserve { file: FileRef, offset: u64, bytes: u64 },
    Sync { file: FileRef },
}

impl Call {
    /// Which call it was.
    pub fn op(&self) -> Op {
        match self.act {
            Act::Create { .. } => Op::Create,
            Act::Rename { .. } => Op::Rename,
            Act::Remove { .. } => Op::Remove,
            Act::SyncDir => Op::SyncDir,
            Act::Append { .. } => Op::Append,
            Act::Truncate { .. } => Op::Truncate,
            Act::Reserve { .. } => Op::Reserve,
            Act::Sync { .. } => Op::Sync,
        }
    }

    /// The file it was about, by the name it had then; of a rename the old name; of `sync_dir` none.
    pub fn file(&self) -> Option<&str> {
        match &self.act {
            Act::Create { name } | Act::Remove { name } | Act::Rename { from: name, .. } => Some(name),
            Act::Append { file, .. }
            | Act::Truncate { file, .. }
            | Act::Reserve { file, .. }
            | Act::Sync { file } => Some(&file.name),
            Act::SyncDir => None,
        }
    }

    /// The error that the caller got, if it got one.
    pub fn error(&self) -> Option<Errno> {
        self.failure.map(|f| f.error)
    }

    /// What it did, whatever it reported.
    pub(super) fn effect(&self) -> Effect {
        self.failure.map_or(Effect::Done, |f| f.effect)
    }

    /// How many bytes it appended, whatever it reported.
    pub(super) fn appended(&self) -> u64 {
        let Act::Append { data, .. } = &self.act else { return 0 };
        match self.effect() {
            Effect::Done => data.len() as u64,
            Effect::Partial(n) => n.min(data.len() as u64),
            Effect::Nothing | Effect::Reverted => 0,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.act {
            Act::Create { name } => write!(f, "create {name}"),
            Act::Rename { from, to } => write!(f, "rename {from} to {to}"),
            Act::Remove { name } => write!(f, "remove {name}"),
            Act::SyncDir => write!(f, "sync_dir"),
            Act::Append { file, offset, data } => {
                write!(f, "append {} {} bytes at {offset}", file.name, data.len())
            }
            Act::Truncate { file, len } => write!(f, "truncate {} to {len} bytes", file.name),
            Act::Reserve { file, offset, bytes } => {
                write!(f, "reserve {} {bytes} bytes at {offset}", file.name)
            }
            Act::Sync { file } => write!(f, "sync {}", file.name),
        }?;
        let Some(failure) = self.failure else { return Ok(()) };
        write!(f, ": failed with {}", failure.error)?;
        match (self.op(), failure.effect) {
            (Op::Append, Effect::Partial(_)) => write!(f, ", {} bytes written", self.appended()),
            (Op::Sync, Effect::Nothing) => write!(f, ", pages lost, new bytes still served"),
            (Op::Sync, Effect::Reverted) => write!(f, ", pages lost, old bytes served"),
            (Op::Sync, Effect::Partial(n)) => write!(f, ", all but {n} operations lost"),
            (_, Effect::Done) => write!(f, ", yet done"),
            _ => Ok(()),
        }
    }
}
