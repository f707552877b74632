//! The exhibits: a list, and beside it for each a patch and a placard.
//!
//! **Layout** In `stages/harness/museum`: `exhibits.toml`, the list, in the order of the tour; `NAME.patch`, a unified
//! diff against the sources, which makes the mistake again; `NAME.md`, the placard, which the book includes.

use crate::Error;
use crate::catalogue;
use diffy::patch_set::{FileOperation, ParseOptions, PatchSet};
use harness::workshop::copy::workspace;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// A mistake that somebody has made, to be made again.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exhibit {
    /// Its place in the tour, from 1 on.
    #[serde(skip_deserializing)]
    pub(crate) number: usize,
    /// What its files are called.
    pub(crate) name: String,
    /// What went wrong, in a few words.
    pub(crate) title: String,
    /// The class of bugs, as the catalogue calls it.
    pub(crate) class: String,
    /// Where it happened, as the catalogue says.
    #[serde(skip_deserializing)]
    pub(crate) place: String,
    /// The engine that is judged.
    pub(crate) engine: String,
    /// The test that must catch it, by its path in the harness's tests.
    pub(crate) test: String,
    /// The general suite that looks for it.
    pub(crate) search: Option<Search>,
    /// Whether CI shows it.
    #[serde(default)]
    pub(crate) quick: bool,
}

/// A general suite, which knows nothing of this mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Search {
    Model,
    Crash,
    Faults,
    Damage,
}

impl Search {
    /// As `hunt` calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Crash => "crash",
            Self::Faults => "faults",
            Self::Damage => "damage",
        }
    }
}

#[derive(Deserialize)]
struct List {
    exhibit: Vec<Exhibit>,
}

/// The folder in which the exhibits lie.
pub(crate) fn folder() -> PathBuf {
    workspace().join("stages/harness/museum")
}

/// All exhibits, in the order of the tour.
pub(crate) fn all() -> Result<Vec<Exhibit>, Error> {
    let path = folder().join("exhibits.toml");
    let List { exhibit: mut exhibits } =
        toml::from_str(&read(&path)?).map_err(|e| format!("{}: {e}", path.display()))?;
    let classes = catalogue::classes()?;
    for (i, exhibit) in exhibits.iter_mut().enumerate() {
        let class = classes.iter().find(|class| class.name == exhibit.class);
        let unknown = || format!("{}: the catalogue has no class «{}»", exhibit.name, exhibit.class);
        exhibit.place.clone_from(&class.ok_or_else(unknown)?.place);
        exhibit.number = i + 1;
    }
    Ok(exhibits)
}

/// A source file after the mistake.
pub(crate) struct Broken {
    /// Its path from the workspace's root.
    pub(crate) path: String,
    /// Its text with the mistake.
    pub(crate) text: String,
    /// Its text without.
    pub(crate) sound: String,
}

impl Exhibit {
    /// Whether a person means it by `text`.
    pub(crate) fn is_called(&self, text: &str) -> bool {
        self.number.to_string() == text
            || [&self.name, &self.title, &self.test, &self.engine].into_iter().any(|word| word.contains(text))
    }

    /// Its patch as text.
    pub(crate) fn patch(&self) -> Result<String, Error> {
        read(&folder().join(format!("{}.patch", self.name)))
    }

    /// The files that the patch changes; an error where it does not fit the sources of today.
    pub(crate) fn broken(&self) -> Result<Vec<Broken>, Error> {
        let patch = self.patch()?;
        let mut broken = Vec::new();
        for file in PatchSet::parse(&patch, ParseOptions::unidiff()) {
            let file = file.map_err(|e| format!("{}.patch: {e}", self.name))?;
            let operation = file.operation().strip_prefix(1);
            let (FileOperation::Modify { original, modified }, Some(hunks)) =
                (operation, file.patch().as_text())
            else {
                return Err(format!("{}.patch does more than change a text", self.name).into());
            };
            if original != modified {
                return Err(format!("{}.patch gives {original} another name", self.name).into());
            }
            let sound = read(&workspace().join(&*original))?;
            let text = diffy::apply(&sound, hunks)
                .map_err(|e| format!("{}.patch does not fit {original} any more: {e}", self.name))?;
            broken.push(Broken { path: original.into_owned(), text, sound });
        }
        if broken.is_empty() {
            Err(format!("{}.patch changes nothing", self.name).into())
        } else {
            Ok(broken)
        }
    }
}

pub(crate) fn read(path: &Path) -> Result<String, Error> {
    Ok(fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?)
}
