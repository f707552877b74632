//! Where things lie in the source tree, and how cargo is called.

use crate::Failure;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the workspace's `Cargo.toml`.
pub fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    PathBuf::from(here).parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that started us, called on this workspace from the folder where the person is.
pub fn cargo(verb: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(verb).arg("--manifest-path").arg(root().join("Cargo.toml"));
    command
}

/// Runs a program of the workspace, built for release, and passes its exit code on.
pub fn run_release(package: &str, bin: &str, args: &[OsString]) -> Result<(), Failure> {
    let mut command = cargo("run");
    command.args(["--release", "--package", package, "--bin", bin, "--"]).args(args);
    pass_on(&mut command)
}

/// The same in the build that the tests use, for a program that has nothing to compute.
pub fn run(package: &str, bin: &str, args: &[OsString]) -> Result<(), Failure> {
    let mut command = cargo("run");
    command.args(["--quiet", "--package", package, "--bin", bin, "--"]).args(args);
    pass_on(&mut command)
}

/// Runs a child in our terminal. If it fails, its exit code becomes ours.
pub fn pass_on(command: &mut Command) -> Result<(), Failure> {
    let status =
        command.status().map_err(|e| format!("cannot run {}: {e}", command.get_program().display()))?;
    match status.code() {
        Some(0) => Ok(()),
        code => Err(Failure::Code(code.and_then(|c| u8::try_from(c).ok()).unwrap_or(1))),
    }
}

/// Reads a text file, or says which one could not be read.
pub fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))
}

/// Every file under `dir` whose name ends in `.extension`, sorted; nothing where there is no such folder.
pub fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A path as it is said to a person: from the workspace's root, with `/`.
pub fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}
