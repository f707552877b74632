//! The one error of all stages.

use std::fmt;
use std::io;

/// The result of every fallible call of an engine.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong, with what a person needs to do something about it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The world refused an operation on a file.
    Io {
        /// The file, or the directory's location.
        file: String,
        /// What was tried: a verb such as `append` or `sync`.
        action: &'static str,
        /// What the world said.
        source: io::Error,
    },
    /// Bytes are not what was written: missing, changed, or never ours.
    Corrupt {
        /// The damaged file.
        file: String,
        /// Where in it the damage was noticed, in bytes.
        offset: u64,
        /// What was expected and what was found.
        what: String,
    },
    /// A key, value or batch is over its limit. Nothing was written.
    TooLarge {
        /// Which of them: `key`, `value` or `batch`.
        what: &'static str,
        /// Its size in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// Another owner has the store open.
    Locked {
        /// The store's directory.
        location: String,
    },
    /// The store was closed; open it again.
    Closed,
    /// An earlier append, sync or commit failed, so nobody knows what is on the device. Reads go on; writes are
    /// refused until the store is opened again, which finds out.
    Poisoned {
        /// The first failure.
        cause: String,
    },
    /// The directory holds another engine's store, or a newer format. Nothing was touched.
    WrongStore {
        /// The file that says so.
        file: String,
        /// What wrote it, and what opens it.
        what: String,
    },
    /// An option's name or value makes no sense.
    BadOption {
        /// What is wrong, and what would be right.
        what: String,
    },
    /// This engine cannot do that. A check that meets it is «not applicable», never «passed».
    Unsupported {
        /// What was asked for.
        what: &'static str,
    },
}

impl Error {
    /// Damage in `file` at `offset`.
    pub fn corrupt(file: &str, offset: u64, what: impl Into<String>) -> Self {
        Self::Corrupt { file: file.to_owned(), offset, what: what.into() }
    }

    /// True for damage: what `inspect` and `verify` would show too.
    pub fn is_corrupt(&self) -> bool {
        matches!(self, Self::Corrupt { .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { file, action, source } => write!(f, "cannot {action} {file}: {source}"),
            Self::Corrupt { file, offset, what } => write!(f, "{file} is damaged at offset {offset}: {what}"),
            Self::TooLarge { what, bytes, limit_bytes } => {
                write!(f, "the {what} has {bytes} bytes; the limit is {limit_bytes}")
            }
            Self::Locked { location } => write!(f, "{location} is open in another process or handle"),
            Self::Closed => write!(f, "the store is closed"),
            Self::Poisoned { cause } => write!(
                f,
                "writes are refused since an earlier failure ({cause}); reads go on; reopen the store to write again"
            ),
            Self::WrongStore { file, what } => write!(f, "{file}: {what}"),
            Self::BadOption { what } => write!(f, "{what}"),
            Self::Unsupported { what } => write!(f, "this engine does not support {what}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Adds to an [`io::Error`] what was tried on which file.
pub trait IoContext<T> {
    /// Turns an error of the world into one of ours.
    fn during(self, action: &'static str, file: &str) -> Result<T>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn during(self, action: &'static str, file: &str) -> Result<T> {
        self.map_err(|source| Error::Io { file: file.to_owned(), action, source })
    }
}
