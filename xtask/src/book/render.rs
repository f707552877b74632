//! Builds the book with mdBook, linked in as a library.

use super::links;
use crate::{Failure, workspace};
use mdbook_driver::MDBook;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the built book lies.
pub(super) fn output() -> PathBuf {
    workspace::root().join("book/book")
}

/// Builds the book into `into`.
pub(super) fn build(into: &Path) -> Result<(), String> {
    let mut book = MDBook::load(workspace::root().join("book")).map_err(said)?;
    into.clone_into(&mut book.config.build.build_dir);
    book.build().map_err(said)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn said(error: mdbook_driver::errors::Error) -> String {
    format!("mdBook: {error:#}")
}

/// Builds the book, says where it is, and shows it if asked to.
pub(super) fn build_and_tell(open: bool) -> Result<(), Failure> {
    build(&output())?;
    let index = output().join("index.html");
    println!("book: {}", index.display());
    if open {
        let opener = match std::env::consts::OS {
            "macos" => "open",
            "windows" => "explorer",
            _ => "xdg-open",
        };
        Command::new(opener)
            .arg(&index)
            .spawn()
            .map_err(|e| format!("cannot open a browser with {opener}: {e}"))?;
    }
    Ok(())
}

/// Builds the book into a folder of its own, and fails if a link in it leads nowhere.
pub(super) fn check() -> Result<(), Failure> {
    let dir = output().join(".check");
    build(&dir)?;
    let mut pages = BTreeMap::new();
    for path in workspace::files(&dir, "html") {
        let text = workspace::read(&path)?;
        pages.insert(path, text);
    }
    let broken = links::broken(&dir, &pages);
    for what in &broken {
        println!("error: {what}");
    }
    println!("book: links of {} files: {} errors", pages.len(), broken.len());
    std::fs::remove_dir_all(&dir).map_err(|e| format!("cannot remove {}: {e}", dir.display()))?;
    if broken.is_empty() { Ok(()) } else { Err(Failure::Code(1)) }
}
