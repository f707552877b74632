//! What lies in a store's directory, before anything is believed or changed.
//!
//! **Invariants** Looking changes nothing. A store of another engine is recognised and refused.

use crate::ENGINE;
use crate::names::{Name, log_name, manifest_name, table_name};
use contract::{Error, IoContext, Result};
use stage1::survey::refuse_other_engines;
use vfs::Vfs;

/// No file that we have made has such a number, nor will it ever.
pub(crate) const MOST_NUMBERS: u64 = 1 << 63;

/// The names in a directory, sorted into what they stand for.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// The manifests' numbers, ascending.
    pub(crate) manifests: Vec<u64>,
    /// The logs' numbers, ascending.
    pub(crate) logs: Vec<u64>,
    /// The tables' numbers, ascending.
    pub(crate) tables: Vec<u64>,
    /// What recovery has set aside, by name.
    pub(crate) asides: Vec<String>,
    /// Files that never got their name.
    pub(crate) unfinished: Vec<String>,
    /// Whether the mark of a clean close is there.
    pub(crate) clean: bool,
    /// Names that are not ours.
    pub(crate) foreign: Vec<String>,
    /// The largest number that a file here has, and its name.
    largest: (u64, String),
}

impl Survey {
    /// Looks at the directory.
    pub(crate) fn look(vfs: &dyn Vfs) -> Result<Self> {
        let mut survey = Self::default();
        for name in vfs.list().during("list", &vfs.location())? {
            let parsed = Name::parse(&name);
            if let Some(number) = parsed.number().filter(|number| *number > survey.largest.0) {
                survey.largest = (number, name.clone());
            }
            match parsed {
                Name::Manifest(number) => survey.manifests.push(number),
                Name::Log(number) => survey.logs.push(number),
                Name::Table(number) => survey.tables.push(number),
                Name::Aside(_) => survey.asides.push(name),
                Name::Unfinished(_) => survey.unfinished.push(name),
                Name::Clean => survey.clean = true,
                Name::Foreign => {
                    refuse_other_engines(vfs, &name, ENGINE)?;
                    survey.foreign.push(name);
                }
            }
        }
        for numbers in [&mut survey.manifests, &mut survey.logs, &mut survey.tables] {
            numbers.sort_unstable();
        }
        for names in [&mut survey.asides, &mut survey.unfinished, &mut survey.foreign] {
            names.sort_unstable();
        }
        Ok(survey)
    }

    /// The names of all manifests, logs and tables.
    pub(crate) fn ours(&self) -> impl Iterator<Item = String> {
        let manifests = self.manifests.iter().map(|number| manifest_name(*number));
        let logs = self.logs.iter().map(|number| log_name(*number));
        manifests.chain(logs).chain(self.tables.iter().map(|number| table_name(*number)))
    }

    // ANCHOR: next_number
    /// A number that no file here has.
    pub(crate) fn next_number(&self) -> Result<u64> {
        let (number, name) = &self.largest;
        // Whoever opens a store takes some numbers, and goes on taking them.
        let next = number.checked_add(1).filter(|next| *next < MOST_NUMBERS);
        next.ok_or_else(|| Error::corrupt(name, 0, "no number comes after this one"))
    }
    // ANCHOR_END: next_number
}
