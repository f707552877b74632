//! Aimed errors: which call fails, how, for how long, and what it did all the same.

use super::call::Op;
use std::fmt;
use std::io::{self, ErrorKind};

/// One aimed error. Hand it to [`SimFs::inject`](super::SimFs::inject).
///
/// ```
/// use vfs::sim::{Effect, Errno, Fault, Op};
/// // The third append to any log writes 7 bytes and fails; the one after it works again.
/// let fault = Fault::new(Errno::Enospc).on(Op::Append).suffix(".log").nth(2).effect(Effect::Partial(7));
/// # let _ = fault;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which calls are counted.
    pub on: On,
    /// Which files are counted.
    pub file: Aim,
    /// How many counted calls pass before the first that fails: 0 is the next one.
    pub nth: u64,
    /// What the caller is told.
    pub error: Errno,
    /// How many counted calls fail from then on.
    pub lasts: Lasts,
    /// What the failing call did all the same.
    pub effect: Effect,
}

/// Which calls a [`Fault`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Every call that can fail, reads too.
    Any,
    /// Every call that changes something: see [`Op::is_mutating`].
    Mutating,
    /// Calls of this kind.
    Only(Op),
}

/// Which files a [`Fault`] counts. A rename counts for its old and its new name; a file that was renamed counts
/// under its new name, and one that was removed under its last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Every file, and also the calls that name none: list, lock, `sync_dir`.
    Any,
    /// The file of this name.
    Name(String),
    /// Every file whose name ends so.
    Suffix(String),
}

/// How long a [`Fault`] lasts once it has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// One call.
    Once,
    /// This many calls.
    Times(u64),
    /// Until [`SimFs::clear_faults`](super::SimFs::clear_faults).
    ForEver,
}

/// What a failing call did all the same. Calls that change nothing have no effect to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing. A failed **sync** is never as harmless as that: the file's pending pages become clean, so they are
    /// not durable and no later sync makes them so, while reads go on serving the new bytes (variant A). A failed
    /// **`sync_dir`** leaves its name operations pending.
    Nothing,
    /// An append wrote this many bytes; a sync made this many of the file's pending operations durable and lost
    /// the others. For other calls the same as `Nothing`.
    Partial(u64),
    /// All of it: the call reported failure and had succeeded.
    Done,
    /// A sync lost the pending pages, and reads serve the old bytes and the old size at once (variant B). For other
    /// calls the same as `Nothing`.
    Reverted,
}

/// The errors that the world can report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errno {
    /// The device failed.
    Eio,
    /// No space left.
    Enospc,
    /// The quota is used up.
    Edquot,
    /// A signal came in between.
    Eintr,
    /// Too many open files.
    Emfile,
    /// Not permitted.
    Eacces,
    /// The filesystem is read-only.
    Erofs,
    /// Not supported here; what some filesystems say to a directory sync.
    Einval,
    /// No such file.
    Enoent,
    /// The name is taken.
    Eexist,
}

impl Fault {
    /// The next call of any kind on any file fails, once, and does nothing.
    pub fn new(error: Errno) -> Self {
        Self { on: On::Any, file: Aim::Any, nth: 0, error, lasts: Lasts::Once, effect: Effect::Nothing }
    }

    /// Counts only calls of this kind.
    #[must_use]
    pub fn on(self, op: Op) -> Self {
        Self { on: On::Only(op), ..self }
    }

    /// Counts only calls that change something.
    #[must_use]
    pub fn on_mutating(self) -> Self {
        Self { on: On::Mutating, ..self }
    }

    /// Counts only calls on the file of this name.
    #[must_use]
    pub fn file(self, name: impl Into<String>) -> Self {
        Self { file: Aim::Name(name.into()), ..self }
    }

    /// Counts only calls on files whose names end so.
    #[must_use]
    pub fn suffix(self, suffix: impl Into<String>) -> Self {
        Self { file: Aim::Suffix(suffix.into()), ..self }
    }

    /// Lets this many counted calls pass first.
    #[must_use]
    pub fn nth(self, nth: u64) -> Self {
        Self { nth, ..self }
    }

    /// Fails for so long.
    #[must_use]
    pub fn lasts(self, lasts: Lasts) -> Self {
        Self { lasts, ..self }
    }

    /// Fails from then on.
    #[must_use]
    pub fn for_ever(self) -> Self {
        self.lasts(Lasts::ForEver)
    }

    /// Has this effect although it fails.
    #[must_use]
    pub fn effect(self, effect: Effect) -> Self {
        Self { effect, ..self }
    }
}

/// How a call failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    pub(super) error: Errno,
    pub(super) effect: Effect,
}

impl Failure {
    /// A failure that changed nothing.
    pub(super) fn plain(error: Errno) -> Self {
        Self { error, effect: Effect::Nothing }
    }
}

/// A fault and the number of calls it has counted.
#[derive(Clone)]
pub(super) struct Armed {
    fault: Fault,
    seen: u64,
}

impl Armed {
    pub(super) fn new(fault: Fault) -> Self {
        Self { fault, seen: 0 }
    }

    /// Counts this call if it is aimed at, and says how it fails if its turn has come.
    pub(super) fn strike(&mut self, op: Op, names: [&str; 2]) -> Option<Failure> {
        let counted = match self.fault.on {
            On::Any => true,
            On::Mutating => op.is_mutating(),
            On::Only(only) => only == op,
        };
        let aimed = match &self.fault.file {
            Aim::Any => true,
            Aim::Name(name) => names.contains(&name.as_str()),
            Aim::Suffix(suffix) => names.iter().any(|n| !n.is_empty() && n.ends_with(suffix.as_str())),
        };
        if !counted || !aimed {
            return None;
        }
        let turn = self.seen;
        self.seen += 1;
        let times = match self.fault.lasts {
            Lasts::Once => 1,
            Lasts::Times(n) => n,
            Lasts::ForEver => u64::MAX,
        };
        let struck = turn >= self.fault.nth && turn - self.fault.nth < times;
        struck.then_some(Failure { error: self.fault.error, effect: self.fault.effect })
    }
}

impl Errno {
    /// Every error, for tests that try them all.
    pub const ALL: [Self; 10] = [
        Self::Eio,
        Self::Enospc,
        Self::Edquot,
        Self::Eintr,
        Self::Emfile,
        Self::Eacces,
        Self::Erofs,
        Self::Einval,
        Self::Enoent,
        Self::Eexist,
    ];

    /// The kind that the standard library gives the same error of a real filesystem, as far as it can be named.
    pub fn kind(self) -> ErrorKind {
        match self {
            Self::Eio | Self::Emfile => ErrorKind::Other,
            Self::Enospc => ErrorKind::StorageFull,
            Self::Edquot => ErrorKind::QuotaExceeded,
            Self::Eintr => ErrorKind::Interrupted,
            Self::Eacces => ErrorKind::PermissionDenied,
            Self::Erofs => ErrorKind::ReadOnlyFilesystem,
            Self::Einval => ErrorKind::InvalidInput,
            Self::Enoent => ErrorKind::NotFound,
            Self::Eexist => ErrorKind::AlreadyExists,
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eio => "EIO: the device failed",
            Self::Enospc => "ENOSPC: no space left",
            Self::Edquot => "EDQUOT: the quota is used up",
            Self::Eintr => "EINTR: interrupted",
            Self::Emfile => "EMFILE: too many open files",
            Self::Eacces => "EACCES: not permitted",
            Self::Erofs => "EROFS: read-only filesystem",
            Self::Einval => "EINVAL: not supported",
            Self::Enoent => "ENOENT: no such file",
            Self::Eexist => "EEXIST: the name is taken",
        })
    }
}

impl std::error::Error for Errno {}

impl From<Errno> for io::Error {
    fn from(error: Errno) -> Self {
        Self::new(error.kind(), error)
    }
}
