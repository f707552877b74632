//! Where things lie, and how cargo is called on a reader's crate.
#![expect(clippy::disallowed_methods, reason = "it reads the source tree and writes the reader's crates")]

use crate::Result;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's root.
pub fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&here).ancestors().nth(2).map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// The folder of the reader's crates: `stages/mine`, or what `STRATA_MINE` says.
pub fn mine() -> PathBuf {
    std::env::var_os("STRATA_MINE").map_or_else(|| root().join("stages/mine"), PathBuf::from)
}

/// The folder into which the workspace is built.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A path as a person would type it: from the workspace's root if it lies there.
pub fn shown(path: &Path) -> String {
    let mine = mine();
    let (base, before) = if path.starts_with(&mine) { (mine, "stages/mine/") } else { (root(), "") };
    path.strip_prefix(base)
        .map_or_else(|_| path.display().to_string(), |rest| format!("{before}{}", rest.display()))
}

/// The folder of a package of the workspace.
pub fn folder_of(package: &str) -> Result<PathBuf> {
    let manifest: toml::Table = toml::from_str(&read(&root().join("Cargo.toml"))?)?;
    let path = manifest["workspace"]["dependencies"].get(package).and_then(|d| d.get("path"));
    let path = path.and_then(toml::Value::as_str).ok_or_else(|| format!("there is no package {package}"))?;
    Ok(root().join(path))
}

/// Whether a package is an engine: it has a program with a prompt.
pub fn is_engine(package: &str) -> Result<bool> {
    Ok(folder_of(package)?.join("src/main.rs").exists())
}

/// Reads a text, or says which one could not be read.
pub fn read(path: &Path) -> Result<String> {
    Ok(fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", shown(path)))?)
}

/// Writes a source, and leaves alone what is the same already, so that it is not built again.
pub fn write(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) { Ok(()) } else { overwrite(path, text) }
}

/// Writes a text, and the folders above it.
pub fn overwrite(path: &Path, text: &str) -> Result<()> {
    let failed = |e| format!("cannot write {}: {e}", shown(path));
    fs::create_dir_all(path.parent().unwrap_or(path)).map_err(failed)?;
    Ok(fs::write(path, text).map_err(failed)?)
}

/// What lies in a folder.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|e| format!("cannot read {}: {e}", shown(folder)))?;
    Ok(entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<_>>()?)
}

/// Every Rust file under a folder, sorted.
pub fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in list(folder)? {
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// When a file was changed.
pub fn changed(path: &Path) -> Option<std::time::SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// Cargo on the crate in `folder`, from the folder where the person is. What comes from others is built once for the
/// workspace and for all of the reader's crates.
pub fn cargo(verb: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(verb).arg("--quiet").arg("--manifest-path").arg(folder.join("Cargo.toml"));
    command.env("CARGO_TARGET_DIR", target().join("mine")).env("CARGO_BUILD_BUILD_DIR", target());
    command.env_remove("CARGO_MANIFEST_DIR");
    command
}
