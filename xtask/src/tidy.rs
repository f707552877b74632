//! Checks of the source that neither rustfmt nor clippy can make, each with a message that says what to do.
//!
//! **Layout** Every check is a pure function from text to findings: [`source`] looks at one file, [`modules`] at all
//! files of a package, [`manifest`] at `Cargo.toml`s. This file only reads the tree and prints.
//!
//! **Source** The idea is rust-analyzer's and TigerBeetle's: a rule that is not checked is a wish.

pub mod manifest;
pub mod modules;
pub mod source;

use crate::{Failure, workspace};
use std::collections::BTreeMap;
use std::path::Path;

/// Something that is not as the project wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, from the workspace's root.
    pub file: String,
    /// The line, counted from one; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub what: String,
    /// Said, but no reason to fail.
    pub warning: bool,
}

impl Finding {
    /// A finding that fails the check.
    pub fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into(), warning: false }
    }
}

/// A package of the workspace with every text that a check looks at.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// Its folder, from the workspace's root.
    pub dir: String,
    /// Its `Cargo.toml`.
    pub manifest: String,
    /// Its `.rs` files: path from the workspace's root, and text.
    pub sources: BTreeMap<String, String>,
}

/// Checks the whole workspace, prints what was found, and fails if any of it is more than a warning.
pub fn run() -> Result<(), Failure> {
    let root = workspace::root();
    let root_manifest = workspace::read(&root.join("Cargo.toml"))?;
    let mut findings = manifest::root(&root_manifest);
    let mut files = 0;
    let members = manifest::members(&root_manifest);
    for dir in &members {
        let package = load(&root, dir, &members)?;
        files += package.sources.len();
        findings.extend(manifest::member(&package));
        findings.extend(modules::unreachable(&package));
        findings.extend(package.sources.iter().flat_map(|(path, text)| source::check(path, text)));
    }
    for finding in &findings {
        let kind = if finding.warning { "warning" } else { "error" };
        println!("{kind}: {}:{}: {}", finding.file, finding.line, finding.what);
    }
    let errors = findings.iter().filter(|finding| !finding.warning).count();
    println!("tidy: {files} files, {errors} errors, {} warnings", findings.len() - errors);
    if errors == 0 { Ok(()) } else { Err(Failure::Code(1)) }
}

fn load(root: &Path, dir: &str, members: &[String]) -> Result<Package, String> {
    let folder = root.join(dir);
    let mut package = Package {
        dir: dir.to_owned(),
        manifest: workspace::read(&folder.join("Cargo.toml"))?,
        ..Package::default()
    };
    // A package may lie in another's folder.
    let inner: Vec<_> = members.iter().map(|member| root.join(member)).collect();
    let elsewhere = |path: &Path| {
        inner.iter().any(|other| *other != folder && other.starts_with(&folder) && path.starts_with(other))
    };
    for path in workspace::files(&folder, "rs").into_iter().filter(|path| !elsewhere(path)) {
        package.sources.insert(workspace::name(&path), workspace::read(&path)?);
    }
    Ok(package)
}
