//! How a command ends, and the exit status that it becomes.

use contract::Error;
use std::fmt;
use std::io;

/// How a command ended that was not refused and did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did what it was asked. Status 0.
    Done,
    /// The key is absent, or a precondition is not met. An answer, not an error. Status 1.
    Absent,
    /// The person wants to leave. The status stays what it was.
    Quit,
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was asked wrongly. Status 2.
    Usage(String),
    /// The store refused or failed. Status 3, or 2 where the asking was wrong.
    Store(Error),
    /// Damage was found, or the store failed, and all there is to say has been said. Status 3.
    Told,
    /// Something outside the store failed: the file of an import, a full disk behind the output. Status 3.
    World(String, io::Error),
    /// Nobody reads the output any more. Ends quietly: status 0.
    PipeClosed,
    /// Ctrl-C, and what it left. Status 130, as shells have it.
    Interrupted(String),
}

/// What a command returns.
pub(crate) type Answer = Result<Outcome, Failure>;

impl Failure {
    /// Wrong usage.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::Usage(what.into())
    }

    /// The exit status that this becomes.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::PipeClosed => 0,
            Self::Usage(_)
            | Self::Store(Error::TooLarge { .. } | Error::BadOption { .. } | Error::Unsupported { .. }) => 2,
            Self::Store(_) | Self::Told | Self::World(..) => 3,
            Self::Interrupted(_) => 130,
        }
    }

    /// The line that tells it, with the way out; `None` where nothing is to be said.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Self::Usage(what) | Self::Interrupted(what) => Some(what.clone()),
            Self::Store(e) => Some(format!("{e}{}", way_out(e))),
            Self::World(what, e) => Some(format!("{what}: {e}")),
            Self::Told | Self::PipeClosed => None,
        }
    }
}

/// What a person can do about it, where the error itself does not say.
fn way_out(error: &Error) -> &'static str {
    match error {
        Error::Corrupt { .. } => {
            " («verify» lists the damage, «inspect» shows it, «salvage NEW» saves the rest; nothing was changed)"
        }
        Error::Locked { .. } => "; close it there, or choose another directory with --dir",
        _ => "",
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Self::Store(e)
    }
}

/// An error of the output: every other place says what it was doing.
impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Self {
        match e.kind() {
            io::ErrorKind::BrokenPipe => Self::PipeClosed,
            _ => Self::World("cannot write the output".into(), e),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message().unwrap_or_default())
    }
}
