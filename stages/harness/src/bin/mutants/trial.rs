//! Runs the tests on the copy until one of them fails.

use crate::copy::Copy;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// What is run, the quickest to tell first: arguments of `cargo test`.
const SUITES: [&[&str]; 9] = [
    &["-p", "stage1", "--lib"],
    &["-p", "stage1", "--test", "store"],
    &["-p", "harness", "--test", "faults"],
    &["-p", "harness", "--test", "damage"],
    &["-p", "harness", "--test", "crash"],
    &["-p", "harness", "--test", "owners"],
    &["-p", "harness", "--test", "syncs"],
    &["-p", "harness", "--test", "model"],
    &["-p", "harness", "--test", "threads"],
];

/// What is run for the real filesystem.
const SUITES_OF_OS: [&[&str]; 3] = [
    &["-p", "vfs", "--test", "os"],
    &["-p", "harness", "--test", "faults"],
    &["-p", "harness", "--test", "owners"],
];

/// A test that has not ended by then hangs, which is a way of noticing.
const PATIENCE: Duration = Duration::from_mins(2);

/// What became of a mutant.
pub(crate) enum Verdict {
    /// A test noticed: which, and what it said.
    Killed(String),
    /// No test noticed.
    Survived,
    /// It does not compile, so it shows nothing.
    Unbuilt(String),
}

/// Runs the tests that can notice a change of `path`.
pub(crate) fn run(copy: &Copy, target: &Path, path: &str) -> io::Result<Verdict> {
    let suites: &[&[&str]] = if path.ends_with("os.rs") { &SUITES_OF_OS } else { &SUITES };
    for suite in suites {
        let program = match build(copy, target, suite)? {
            Ok(program) => program,
            Err(message) => return Ok(Verdict::Unbuilt(message)),
        };
        match execute(copy, &program, suite)? {
            End::Good => {}
            End::Hangs => return Ok(Verdict::Killed(format!("{name}: it hangs", name = name(suite)))),
            // A test that fails now and then would seem to notice everything, so it has to fail twice.
            End::Fails(noticed) => {
                if !matches!(execute(copy, &program, suite)?, End::Good) {
                    return Ok(Verdict::Killed(format!("{}: {noticed}", name(suite))));
                }
            }
        }
    }
    Ok(Verdict::Survived)
}

/// Builds one test program; cargo says where it is.
fn build(copy: &Copy, target: &Path, suite: &[&str]) -> io::Result<Result<PathBuf, String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["test", "--no-run", "--quiet", "--message-format=json-render-diagnostics"])
        .args(suite)
        .current_dir(&copy.root)
        .env("CARGO_TARGET_DIR", target.join("mutants").join("target"))
        // A build for a test that is run once: nobody steps through it.
        .env("CARGO_PROFILE_TEST_DEBUG", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("RUSTFLAGS", "-Awarnings")
        .stdin(Stdio::null())
        .output()?;
    let messages = String::from_utf8_lossy(&output.stdout);
    // Programs that the tests start are built too, and are no tests.
    let kind = if suite.contains(&"--lib") { "\"kind\":[\"lib\"]" } else { "\"kind\":[\"test\"]" };
    let mut tests = messages.lines().filter(|line| line.contains(kind) && line.contains("\"executable\":\""));
    let program = tests.next().and_then(|line| {
        let (_, rest) = line.split_once("\"executable\":\"")?;
        Some(PathBuf::from(rest.split_once('"')?.0.replace("\\\\", "\\")))
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    Ok(program.filter(|_| output.status.success()).ok_or_else(|| {
        errors.lines().filter(|line| line.starts_with("error")).collect::<Vec<_>>().join("; ")
    }))
}

/// How a test program ended.
enum End {
    Good,
    Fails(String),
    Hangs,
}

/// Runs a test program.
fn execute(copy: &Copy, program: &Path, suite: &[&str]) -> io::Result<End> {
    let package = if suite.contains(&"stage1") { "stages/stage1-log" } else { "stages/harness" };
    let package = if suite.contains(&"vfs") { "stages/vfs" } else { package };
    let child = Command::new(program)
        .current_dir(copy.root.join(package))
        .env("CARGO_MANIFEST_DIR", copy.root.join(package))
        .env("STRATA_CASES", "40")
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let id = child.id();
    let (done, ended) = mpsc::channel();
    let waiting = std::thread::Builder::new().spawn(move || done.send(child.wait_with_output()))?;
    let Ok(output) = ended.recv_timeout(PATIENCE) else {
        kill(id);
        drop(waiting.join());
        return Ok(End::Hangs);
    };
    let output = output?;
    if output.status.success() {
        return Ok(End::Good);
    }
    let said = [output.stdout, output.stderr].concat();
    Ok(End::Fails(noticed(&String::from_utf8_lossy(&said))))
}

/// The test program's name.
fn name<'a>(suite: &[&'a str]) -> &'a str {
    suite.last().copied().unwrap_or_default().trim_start_matches("--")
}

#[cfg(unix)]
fn kill(id: u32) {
    let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill(_: u32) {}

/// The first test that failed, and the promise that it named.
fn noticed(said: &str) -> String {
    let failed = said.lines().find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    let promise = said.split_whitespace().collect::<Vec<_>>().windows(2).find_map(|words| {
        let id = words[0].strip_prefix('I')?;
        (!id.is_empty() && id.len() <= 2 && id.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| words[0].to_owned())
    });
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    let test = failed.or(last).unwrap_or("ended without a word");
    promise.map_or_else(|| test.to_owned(), |id| format!("{test} ({id})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_and_the_promise_are_read_from_what_a_test_program_says() {
        let said =
            "running 2 tests\ntest a ... ok\ntest b::c ... FAILED\nstage1 breaks I14 recovery repeats: x\n";
        assert_eq!(noticed(said), "b::c (I14)");
        assert_eq!(noticed("test d ... FAILED\nIn 2 ways\n"), "d");
    }
}
