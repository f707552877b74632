//! Which tests noticed what the last time, so that they are tried first.
//!
//! **Layout** `mutants/noticed` in the target folder: a line for each safeguard, with file, description, package and test
//! program, between tabs. It saves time and decides nothing: lose it, and every test is tried in its order again.

use crate::rules::Suite;
use crate::sites::Site;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// What is remembered.
pub(crate) struct Memory {
    path: PathBuf,
    /// Package and program, by file and description.
    noticed: BTreeMap<String, String>,
}

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

    /// Which of `suites` noticed that this safeguard was missing.
    pub(crate) fn of(&self, site: &Site, suites: &[Suite]) -> Option<Suite> {
        let noticed = self.noticed.get(&key(site))?;
        suites.iter().copied().find(|suite| *noticed == value(*suite))
    }

    /// Remembers which did.
    pub(crate) fn remember(&mut self, site: &Site, by: Suite) -> io::Result<()> {
        self.noticed.insert(key(site), value(by));
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
