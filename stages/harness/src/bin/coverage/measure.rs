//! The tests, built so that they count, and run; and what they have counted, read by LLVM's tools.
//!
//! **Layout** Under `coverage` in the target folder: `target`, the build; `profiles`, what each program has counted.
//!
//! **Invariants**
//! 1. Only the stages and the harness count: what they stand on is built as always.
//! 2. Counters are atomic. Threads that add beside each other lose steps otherwise, and where the compiler has left out a
//!    counter that follows from two others, a lost step makes a branch seem taken that never was.
//! 3. A test that fails ends it: nobody knows what it would have reached.
//!
//! **Source** The flag for atomic counters is the one that cargo-llvm-cov sets.

use crate::Error;
use crate::areas::{JUDGES, STAGES};
use crate::counts::{self, Run};
use crate::tools::{Tools, nightly};
use harness::workshop::copy::workspace;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What makes the compiler count.
const COUNTED: &str = r#"["-Cinstrument-coverage", "-Zcoverage-options=branch", "-Cllvm-args=--instrprof-atomic-counter-update-all"]"#;

/// Builds and counts, and tells how far it is. Runs the tests, or adds up what they have counted the last time.
pub(crate) fn all(tools: &Tools, place: &Path, runs: bool, tell: &mut dyn FnMut(&str)) -> Result<Run, Error> {
    let start = Instant::now();
    let profiles = place.join("profiles");
    if runs && profiles.exists() {
        fs::remove_dir_all(&profiles)?;
    }
    let mut programs = Vec::new();
    for suites in suites() {
        tell(&format!("building with {}: cargo test {}", tools.compiler, suites.join(" ")));
        programs.extend(build(place, &suites)?);
        if !runs {
            continue;
        }
        tell(&format!("running, {} s after the start", start.elapsed().as_secs()));
        // A name for each program and not for each process: they add up in one file.
        let counted = profiles.join("%m.profraw");
        let mut tests = cargo(place, &suites);
        tests.args(["--quiet", "--no-fail-fast"]).env("LLVM_PROFILE_FILE", counted).stdin(Stdio::null());
        if !tests.status()?.success() {
            return Err("a test fails".into());
        }
    }
    tell(&format!("adding up, {} s after the start", start.elapsed().as_secs()));
    let files = counts::read(&export(tools, place, &profiles, &programs)?, &workspace())?;
    Ok(Run { compiler: tools.compiler.clone(), files })
}

/// What cargo is told to test, one after the other: the stages' own tests, then the harness's.
fn suites() -> [Vec<&'static str>; 2] {
    let packages = STAGES.iter().flat_map(|(package, _)| ["--package", package]);
    let judges = JUDGES.iter().flat_map(|judge| ["--test", judge]);
    [
        packages.chain(["--lib", "--tests"]).collect(),
        ["--package", "harness"].into_iter().chain(judges).collect(),
    ]
}

fn cargo(place: &Path, suites: &[&str]) -> Command {
    let mut command = nightly("cargo");
    command.args(["test", "-Zprofile-rustflags", "--manifest-path"]).arg(workspace().join("Cargo.toml"));
    for package in STAGES.iter().map(|(package, _)| *package).chain(["harness"]) {
        command.arg("--config").arg(format!("profile.dev.package.{package}.rustflags={COUNTED}"));
    }
    command.args(["--config", "profile.dev.debug=false"]).args(suites);
    command.env("CARGO_TARGET_DIR", place.join("target")).env("CARGO_INCREMENTAL", "0");
    command
}

/// Builds test programs; cargo says where they are.
fn build(place: &Path, suites: &[&str]) -> Result<Vec<PathBuf>, Error> {
    let mut command = cargo(place, suites);
    command
        .args(["--no-run", "--quiet", "--message-format=json-render-diagnostics"])
        .stderr(Stdio::inherit());
    let output = command.output()?;
    if !output.status.success() {
        return Err("the tests do not compile".into());
    }
    let mut programs = Vec::new();
    for line in output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let message: serde_json::Value = serde_json::from_slice(line)?;
        if message["profile"]["test"] == true {
            programs.extend(message["executable"].as_str().map(PathBuf::from));
        }
    }
    Ok(programs)
}

/// What was counted, as LLVM's tools tell it.
fn export(tools: &Tools, place: &Path, profiles: &Path, programs: &[PathBuf]) -> Result<Vec<u8>, Error> {
    let merged = place.join("merged.profdata");
    let mut merge = tools.llvm("llvm-profdata");
    merge.args(["merge", "--sparse", "--output"]).arg(&merged).arg(profiles);
    if !merge.status()?.success() {
        return Err("llvm-profdata cannot add up what was counted".into());
    }
    let mut export = tools.llvm("llvm-cov");
    export.args(["export", "--skip-expansions", "--instr-profile"]).arg(&merged);
    export.args(programs.iter().flat_map(|program| ["--object".as_ref(), program.as_os_str()]));
    let output = export.stderr(Stdio::inherit()).output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err("llvm-cov cannot read what was counted".into())
    }
}
