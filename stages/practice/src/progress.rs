//! What a reader's crate remembers: `practice.toml` in its folder.

use crate::exercises::{Exercise, Part, find};
use crate::{Result, place};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FILE: &str = "practice.toml";
const HEAD: &str = "# What `cargo xtask check` remembers of this crate.\n";

/// What is remembered.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The part whose exercises were opened; `None` for an engine that began as the book's first one.
    pub part: Option<String>,
    /// The exercises, by chapter and name, in the order in which they are done.
    pub exercises: Vec<String>,
    /// Those whose tests were green the last time.
    pub done: Vec<String>,
    /// How many hints of each have been shown.
    pub hints: BTreeMap<String, usize>,
}

/// A reader's crate.
#[derive(Debug)]
pub struct Mine {
    /// Its folder.
    pub folder: PathBuf,
    /// What it remembers.
    pub progress: Progress,
}

impl Mine {
    /// The crate of this name, or the one that was checked or made last.
    pub fn find(name: Option<&str>) -> Result<Self> {
        let folder = match name {
            Some(name) => place::mine().join(name),
            None => {
                latest().ok_or("there is no crate of yours yet: cargo xtask practice stage1 makes one")?
            }
        };
        let path = folder.join(FILE);
        if !path.exists() {
            let (name, crates) = (place::shown(&folder), names().join(", "));
            let there = if crates.is_empty() { "none yet".to_owned() } else { crates };
            return Err(format!("{name} is no crate of yours; there are: {there}").into());
        }
        let progress =
            toml::from_str(&place::read(&path)?).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Self { folder, progress })
    }

    /// Its name.
    pub fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The part that it is made from, and its exercises.
    pub fn exercises(&self) -> Result<Option<(Part, Vec<Exercise>)>> {
        let Some(part) = &self.progress.part else { return Ok(None) };
        let (part, mut exercises) = find(part)?;
        exercises.retain(|exercise| self.progress.exercises.contains(&exercise.id()));
        Ok(Some((part, exercises)))
    }

    /// Keeps what it remembers, and that it was the last to be asked for.
    pub fn save(&self) -> Result<()> {
        place::overwrite(&self.folder.join(FILE), &format!("{HEAD}{}", toml::to_string(&self.progress)?))
    }
}

fn latest() -> Option<PathBuf> {
    let crates = place::list(&place::mine()).ok()?.into_iter();
    crates.filter_map(|folder| Some((place::changed(&folder.join(FILE))?, folder))).max().map(|found| found.1)
}

/// The reader's crates.
fn names() -> Vec<String> {
    let folders = place::list(&place::mine()).unwrap_or_default().into_iter();
    let own = folders.filter(|folder| folder.join(FILE).exists());
    let mut names: Vec<_> =
        own.map(|folder| folder.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Whether a crate may have this name: a folder, and a package of cargo's.
pub fn check_name(name: &str) -> Result<()> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(good) {
        return Ok(());
    }
    Err(format!("«{name}» cannot be the name of a crate: small letters, digits and `-`, a letter first")
        .into())
}

/// The package of the crate `name`.
pub fn package(name: &str) -> String {
    if name.starts_with("my-") { name.to_owned() } else { format!("my-{name}") }
}

/// Whether there is something in a folder already.
pub fn is_taken(folder: &Path) -> bool {
    place::list(folder).is_ok_and(|entries| !entries.is_empty())
}
