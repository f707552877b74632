//! Fuzzing: our own driver, or libFuzzer, which is built only when it is asked for.
//!
//! **Invariants** The driver is what CI runs, and needs nothing but the workspace. libFuzzer needs a C++ compiler, and its
//! crate is downloaded; its build lies in a folder of its own, since every crate is compiled anew there, so that it tells
//! which branches an input takes.
//!
//! **Source** The flags are those that `cargo fuzz` gives to rustc for a build without a sanitizer.

use crate::{Failure, workspace};
use std::ffi::OsString;
use std::process::Command;

/// What makes the compiler count branches and comparisons.
const COUNTED: &str = "--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1 \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Runs the driver, or one target under libFuzzer: `--guided TARGET -- LIBFUZZER'S FLAGS`.
pub fn run(args: &[OsString]) -> Result<(), Failure> {
    match args {
        // In the build whose overflow checks and debug assertions are on: what they notice is a finding too.
        [first, ..] if first != "--guided" => workspace::run("harness", "fuzz", args),
        [] => workspace::run("harness", "fuzz", args),
        [_, target, rest @ ..] => guided(target, rest.strip_prefix(&["--".into()]).unwrap_or(rest)),
        [_] => Err(Failure::Usage("--guided needs the name of a target".to_owned())),
    }
}

fn guided(target: &OsString, flags: &[OsString]) -> Result<(), Failure> {
    let place = workspace::target().join("guided");
    // Inputs that reached something new stay here, and the next run begins with them.
    let found = place.join("inputs").join(target);
    std::fs::create_dir_all(&found).map_err(|e| format!("cannot make {}: {e}", found.display()))?;
    let mut prefix = OsString::from("-artifact_prefix=");
    prefix.push(place.join("failed-"));
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["run", "--quiet", "--release", "--target", &host()?, "--manifest-path"])
        .arg(workspace::root().join("stages/guided/Cargo.toml"))
        .arg("--target-dir")
        .arg(&place)
        .arg("--")
        .args([found.into_os_string(), prefix])
        .args(flags)
        .env("RUSTFLAGS", COUNTED)
        .env("STRATA_FUZZ_TARGET", target);
    workspace::pass_on(&mut command)
}

/// The machine that we are on. Named to cargo, its build scripts are compiled without our flags.
fn host() -> Result<String, String> {
    let output = Command::new("rustc").arg("-vV").output().map_err(|e| format!("cannot ask rustc: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(ToOwned::to_owned).ok_or_else(|| "rustc does not say what machine this is".to_owned())
}
