//! Which test noticed what the last time, so that it is tried first.
//!
//! **Layout** `mutants/noticed` in the target folder: a line for each safeguard, with file, description, package, test
//! program and test, between tabs. It saves time and decides nothing: lose it, and every test is tried in its order again.

use crate::rules::Suite;
use crate::sites::Site;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// What is remembered.
pub(crate) struct Memory {
    path: PathBuf,
    /// Package, program and test, by file and description.
    noticed: BTreeMap<String, String>,
}

/// Who noticed: a test program, and the test if it has a name.
pub(crate) type Witness = (Suite, Option<String>);

impl Memory {
    /// What earlier runs have left in this target folder.
    pub(crate) fn read(target: &Path) -> io::Result<Self> {
        let path = target.join("mutants").join("noticed");
        let text = match fs::read_to_string(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
            other => other?,
        };
        let entry = |line: &str| {
            let (end, _) = line.match_indices('\t').nth(1)?;
            Some((line[..end].to_owned(), line[end + 1..].to_owned()))
        };
        Ok(Self { path, noticed: text.lines().filter_map(entry).collect() })
    }

    /// Which of the `known` suites noticed that this safeguard was missing, and by which test.
    pub(crate) fn of(&self, place: &Site, known: &[Suite]) -> Option<Witness> {
        let noticed = self.noticed.get(&key(place))?;
        let (program, test) = noticed.rsplit_once('\t')?;
        let suite = known.iter().copied().find(|suite| *program == value(*suite))?;
        Some((suite, Some(test.to_owned()).filter(|test| !test.is_empty())))
    }

    /// Remembers which did.
    pub(crate) fn remember(&mut self, site: &Site, by: &Witness) -> io::Result<()> {
        let test = by.1.as_deref().unwrap_or_default();
        self.noticed.insert(key(site), format!("{}\t{test}", value(by.0)));
        let lines: Vec<_> = self.noticed.iter().map(|(key, value)| format!("{key}\t{value}\n")).collect();
        fs::write(&self.path, lines.concat())
    }
}

fn key(site: &Site) -> String {
    format!("{}\t{}", site.path, site.rule.what)
}

fn value((package, program): Suite) -> String {
    format!("{package}\t{program}")
}
