//! The exercises: for each part of the book a list, beside its chapters.
//!
//! **Layout** `book/src/PART/exercises.toml`: the package whose sources are opened, a stage or one of the tools, and its
//! exercises in the order in which they are done. Each says what is left open, what is to be done, which tests turn green,
//! and three hints.
//!
//! **Invariants** The tests of an exercise need what it leaves open and what those before it left open, and nothing that a
//! later one does.

use crate::{Result, place};
use serde::Deserialize;
use std::path::Path;

/// The exercises of a part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The folder of its chapters, such as `part1`.
    #[serde(skip)]
    pub name: String,
    /// The package whose functions are opened.
    pub package: String,
    /// In the order in which they are done.
    pub exercise: Vec<Exercise>,
}

/// Some functions that a chapter teaches.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exercise {
    /// The chapter, by the name of its page.
    pub chapter: String,
    /// What it is called within its chapter.
    pub name: String,
    /// What is built, in a few words.
    pub title: String,
    /// The source file, from the package's folder.
    pub file: String,
    /// The functions that are left open: `name`, or `Type::name`.
    pub functions: Vec<String>,
    /// What an open function says when it is called.
    pub missing: String,
    /// What is to be done.
    pub task: String,
    /// The tests that turn green: `module::tests::name`, or `tests/FILE.rs::name`.
    pub tests: Vec<String>,
    /// Each says more than the one before.
    pub hints: [String; 3],
}

impl Exercise {
    /// Chapter and name.
    pub fn id(&self) -> String {
        format!("{}/{}", self.chapter, self.name)
    }

    /// What the open `function` says when it is called.
    pub fn says(&self, function: &str) -> String {
        format!("`{function}` is still open ({}): {}", self.id(), self.missing)
    }
}

/// Every part that has exercises, in the book's order.
pub fn parts() -> Result<Vec<Part>> {
    let book = place::root().join("book/src");
    let mut folders: Vec<_> = place::list(&book)?.into_iter().filter(|path| path.is_dir()).collect();
    folders.sort();
    folders.into_iter().filter(|folder| folder.join("exercises.toml").exists()).map(|f| read(&f)).collect()
}

fn read(folder: &Path) -> Result<Part> {
    let path = folder.join("exercises.toml");
    let mut part: Part =
        toml::from_str(&place::read(&path)?).map_err(|e| format!("{}: {e}", path.display()))?;
    part.name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(part)
}

/// What a person means by `stage1`, `part1` or `part1/records`: the part, and the exercises of it.
pub fn find(wanted: &str) -> Result<(Part, Vec<Exercise>)> {
    let (name, chapter) = wanted.split_once('/').map_or((wanted, None), |(n, c)| (n, Some(c)));
    let parts = parts()?;
    let known: Vec<String> = parts.iter().flat_map(names).collect();
    let unknown = || format!("there are no exercises for «{wanted}»; there are: {}", known.join(", "));
    let part =
        parts.into_iter().find(|part| part.name == name || part.package == name).ok_or_else(unknown)?;
    let of_chapter = |exercise: &&Exercise| chapter.is_none_or(|chapter| exercise.chapter == chapter);
    let exercises: Vec<_> = part.exercise.iter().filter(of_chapter).cloned().collect();
    if exercises.is_empty() { Err(unknown().into()) } else { Ok((part, exercises)) }
}

/// What of a part may be asked for: its stage, and each of its chapters.
fn names(part: &Part) -> Vec<String> {
    let mut names = vec![part.package.clone()];
    for exercise in &part.exercise {
        let name = format!("{}/{}", part.name, exercise.chapter);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
