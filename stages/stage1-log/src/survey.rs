//! What lies in a store's directory, before anything is believed or changed.
//!
//! **Invariants** Looking changes nothing. A store of another engine is recognised and refused, also where all that
//! is left of it is a file with a foreign name and a log's first bytes.

use crate::files::Name;
use crate::log::header::{ENGINE_BYTES, HEADER_BYTES, Header, check_engine};
use contract::{Error, IoContext, Result};
use vfs::{DirLock, Vfs, read_full};

/// The names in a directory, sorted into what they stand for.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// The logs' numbers, ascending.
    pub(crate) logs: Vec<u64>,
    /// The numbers of logs that were set aside.
    pub(crate) asides: Vec<u64>,
    /// Files that never got their name.
    pub(crate) unfinished: Vec<String>,
    /// Whether the mark of a clean close is there.
    pub(crate) clean: bool,
    /// Names that are not ours.
    pub(crate) foreign: Vec<String>,
    /// The largest number that a log has ever had here, and its name. What is unfinished never had its number.
    largest: (u64, String),
}

impl Survey {
    /// Looks at the directory.
    pub(crate) fn take(vfs: &dyn Vfs, engine: [u8; ENGINE_BYTES]) -> Result<Self> {
        let mut survey = Self::default();
        for name in vfs.list().during("list", &vfs.location())? {
            let parsed = Name::parse(&name);
            if let Name::Log(number) | Name::Aside(number) = parsed
                && number > survey.largest.0
            {
                survey.largest = (number, name.clone());
            }
            match parsed {
                Name::Log(number) => survey.logs.push(number),
                Name::Aside(number) => survey.asides.push(number),
                Name::Unfinished(_) => survey.unfinished.push(name),
                Name::Clean => survey.clean = true,
                Name::Foreign => {
                    refuse_other_engines(vfs, &name, engine)?;
                    survey.foreign.push(name);
                }
            }
        }
        survey.logs.sort_unstable();
        survey.foreign.sort_unstable();
        survey.unfinished.sort_unstable();
        Ok(survey)
    }

    /// A number that no file here has ever had.
    pub(crate) fn next_number(&self) -> Result<u64> {
        let (number, name) = &self.largest;
        number.checked_add(1).ok_or_else(|| Error::corrupt(name, 0, "no number comes after this one"))
    }
}

/// Takes the directory's lock.
pub fn lock(vfs: &dyn Vfs) -> Result<DirLock> {
    vfs.lock().map_err(|source| match source.kind() {
        std::io::ErrorKind::WouldBlock => Error::Locked { location: vfs.location() },
        _ => Error::Io { file: vfs.location(), action: "lock", source },
    })
}

/// A numbered file that is no log of ours by name may be one of another engine's by content.
pub fn refuse_other_engines(vfs: &dyn Vfs, name: &str, engine: [u8; ENGINE_BYTES]) -> Result<()> {
    if !name.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(());
    }
    let mut head = [0; HEADER_BYTES];
    // What cannot be opened or read under a foreign name is none of our business.
    let Ok(n) = vfs.open(name).and_then(|file| read_full(&*file, &mut head, 0)) else { return Ok(()) };
    match Header::parse(&head[..n], name) {
        Ok((header, version)) if header.engine != engine => {
            check_engine(name, header.engine, version, engine)
        }
        _ => Ok(()),
    }
}
