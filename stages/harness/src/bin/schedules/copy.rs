//! A copy of the stages whose threads and locks ask a scheduler who goes next.
//!
//! **Layout** A workspace of its own in the target folder: the stages, what they stand on, and the program that plays
//! scenes with them. Each stage's root gets a line which puts `scheduled` where it says `std`.
//!
//! **Invariants**
//! 1. No other line of a stage is changed, but for a wound, if one is asked for.
//! 2. What would get past the line makes the copy fail: `core::sync`, and crates with locks or threads of their own.

use crate::Error;
use crate::wounds::Wound;
use harness::workshop::copy::{files, workspace};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The packages that are built on `scheduled`.
const PLAYED: [&str; 5] =
    ["stages/contract", "stages/vfs", "stages/stage1-log", "stages/stage2-bitcask", "stages/stage3-lsm"];
/// What plays them.
const PLAYERS: [&str; 2] = ["stages/schedules", "stages/schedules/std"];
// ANCHOR: line
/// What a stage's root gets.
const LINE: &str = "\n#[macro_use]\nextern crate scheduled as std;\n";
// ANCHOR_END: line
/// And where it knows `arc_swap`.
const SWAP: &str = "extern crate scheduled as arc_swap;\n";
/// Locks and threads that the line would not reach.
const PAST: [&str; 5] = ["core::sync", "parking_lot::", "crossbeam", "rayon::", "once_cell::"];

/// Writes the copy into `root`, with or without a wound; files that are as they were keep their time.
pub(crate) fn make(root: &Path, wound: Option<&Wound>) -> Result<(), Error> {
    let mut texts = BTreeMap::new();
    texts.insert(PathBuf::from("Cargo.lock"), read(&workspace().join("Cargo.lock"))?);
    texts.insert(PathBuf::from("Cargo.toml"), manifest(&read(&workspace().join("Cargo.toml"))?)?);
    for package in PLAYED.into_iter().chain(PLAYERS) {
        let folder = workspace().join(package);
        for path in files(&folder.join("src"))?.into_iter().chain([folder.join("Cargo.toml")]) {
            let name = path.strip_prefix(workspace())?.to_owned();
            texts.insert(name, read(&path)?);
        }
    }
    for package in PLAYED {
        schedule(&mut texts, package)?;
    }
    if let Some(wound) = wound {
        let path = Path::new(wound.path);
        let text = texts.get(path).ok_or_else(|| format!("{}: no such file is copied", wound.path))?;
        texts.insert(path.to_owned(), wound.made_in(text)?);
    }
    let mut stale = if root.exists() { files(root)? } else { Vec::new() };
    for (name, text) in &texts {
        let path = root.join(name);
        stale.retain(|other| *other != path);
        let is_lock = name.as_os_str() == "Cargo.lock" && path.exists();
        if !is_lock && fs::read(&path).ok().as_deref() != Some(text.as_bytes()) {
            fs::create_dir_all(path.parent().unwrap_or(root))?;
            fs::write(&path, text)?;
        }
    }
    for path in stale {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Puts `scheduled` where a package says `std`.
fn schedule(texts: &mut BTreeMap<PathBuf, String>, package: &str) -> Result<(), Error> {
    for (name, text) in texts.iter().filter(|(name, _)| name.starts_with(package)) {
        if let Some(past) = PAST.iter().find(|past| text.contains(**past)) {
            return Err(format!("{}: `{past}` gets past the scheduler", name.display()).into());
        }
    }
    let mut get = |name: &str| {
        let text = texts.remove_entry(&Path::new(package).join(name));
        text.ok_or_else(|| format!("{package} has no {name}"))
    };
    let ((root, mut text), (manifest, settings)) = (get("src/lib.rs")?, get("Cargo.toml")?);
    let (settings, swaps) = library(&settings)?;
    text.push_str(LINE);
    if swaps {
        text.push_str(SWAP);
    }
    texts.extend([(root, text), (manifest, settings)]);
    Ok(())
}

/// A stage's manifest for its library alone, on `scheduled`; and whether it has known `arc_swap`.
fn library(text: &str) -> Result<(String, bool), Error> {
    let mut table: toml::Table = text.parse()?;
    for needless in ["bin", "features", "dev-dependencies", "example", "lints"] {
        table.remove(needless);
    }
    let strange = || "a stage's manifest is not as the scheduler needs it";
    let part =
        |table: &mut toml::Table, name| table.get_mut(name).and_then(toml::Value::as_table_mut).cloned();
    let mut package = part(&mut table, "package").ok_or_else(strange)?;
    package.insert("autobins".to_owned(), toml::Value::Boolean(false));
    let mut known = part(&mut table, "dependencies").ok_or_else(strange)?;
    known.remove("shell");
    let swaps = known.remove("arc-swap").is_some();
    let from_above = toml::Table::from_iter([("workspace".to_owned(), toml::Value::Boolean(true))]);
    known.insert("scheduled".to_owned(), toml::Value::Table(from_above));
    table.insert("package".to_owned(), toml::Value::Table(package));
    table.insert("dependencies".to_owned(), toml::Value::Table(known));
    Ok((toml::to_string(&table)?, swaps))
}

/// The workspace's manifest for these packages only: the engines without their shells.
fn manifest(text: &str) -> Result<String, Error> {
    let mut table: toml::Table = text.parse()?;
    let strange = || "the workspace's manifest is not as the scheduler needs it";
    let workspace = table.get_mut("workspace").and_then(toml::Value::as_table_mut).ok_or_else(strange)?;
    workspace.remove("exclude");
    workspace.remove("default-members");
    let members = PLAYED.into_iter().chain(PLAYERS).map(|name| toml::Value::from(name.to_owned())).collect();
    workspace.insert("members".to_owned(), toml::Value::Array(members));
    let known = workspace.get_mut("dependencies").and_then(toml::Value::as_table_mut).ok_or_else(strange)?;
    for stage in ["stage1", "stage2", "stage3"] {
        let stage = known.get_mut(stage).and_then(toml::Value::as_table_mut).ok_or_else(strange)?;
        stage.insert("default-features".to_owned(), toml::Value::Boolean(false));
    }
    Ok(toml::to_string(&table)?)
}

fn read(path: &Path) -> Result<String, Error> {
    Ok(fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?)
}
