//! Runs the tests on the copy until one of them fails.

use crate::copy::Copy;
use crate::rules::{Area, Suite};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A test program that takes so many times what it took on the unbroken code, and a minute more, hangs, which is a way
/// of noticing. So many that no machine that has become busy meanwhile looks like a catch.
const PATIENCE: u32 = 8;

/// What became of a mutant.
pub(crate) enum Verdict {
    /// A test noticed: in which test program, which, and what it said.
    Killed(Suite, String),
    /// No test noticed.
    Survived,
    /// It does not compile, so it shows nothing.
    Unbuilt(String),
}

/// The copy, the folder in which it is built, and how long each test program takes.
pub(crate) struct Trials {
    pub(crate) copy: Copy,
    target: PathBuf,
    took: HashMap<Suite, Duration>,
}

impl Trials {
    /// No test program has been run yet.
    pub(crate) fn new(copy: Copy, target: &Path) -> Self {
        Self { copy, target: target.to_owned(), took: HashMap::new() }
    }

    /// Runs the tests of an area on the code as it is, and learns how long they take.
    pub(crate) fn learn(&mut self, area: &Area) -> io::Result<Verdict> {
        for suite in area.suites {
            let start = Instant::now();
            match self.test(area, *suite)? {
                Verdict::Survived => self.took.insert(*suite, start.elapsed()),
                other => return Ok(other),
            };
        }
        Ok(Verdict::Survived)
    }

    /// Runs the tests that can notice a change in an area until one does; those first that did so the last time.
    pub(crate) fn run(&self, area: &Area, likely: Option<Suite>) -> io::Result<Verdict> {
        let others = area.suites.iter().filter(|suite| Some(**suite) != likely);
        for suite in likely.iter().chain(others) {
            match self.test(area, *suite)? {
                Verdict::Survived => {}
                other => return Ok(other),
            }
        }
        Ok(Verdict::Survived)
    }

    fn test(&self, area: &Area, suite: Suite) -> io::Result<Verdict> {
        let program = match build(&self.copy, &self.target, suite)? {
            Ok(program) => program,
            Err(message) => return Ok(Verdict::Unbuilt(message)),
        };
        // Not learnt yet: the first run is given all the time that it takes.
        let patience =
            self.took.get(&suite).map_or(Duration::MAX, |took| *took * PATIENCE + Duration::from_mins(1));
        Ok(match execute(&self.copy, &program, area, suite, patience)? {
            End::Good => Verdict::Survived,
            End::Hangs => Verdict::Killed(suite, format!("{}: it hangs", name(suite))),
            // A test that fails now and then would seem to notice everything, so it has to fail twice.
            End::Fails(noticed) => match execute(&self.copy, &program, area, suite, patience)? {
                End::Good => Verdict::Survived,
                _ => Verdict::Killed(suite, format!("{}: {noticed}", name(suite))),
            },
        })
    }
}

/// Builds one test program; cargo says where it is.
fn build(copy: &Copy, target: &Path, (package, program): Suite) -> io::Result<Result<PathBuf, String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["test", "--no-run", "--quiet", "--message-format=json-render-diagnostics"])
        .args(["-p", package])
        .args(if program == "--lib" { vec!["--lib"] } else { vec!["--test", program] })
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
    let kind = if program == "--lib" { "\"kind\":[\"lib\"]" } else { "\"kind\":[\"test\"]" };
    let mut tests = messages.lines().filter(|line| line.contains(kind) && line.contains("\"executable\":\""));
    let path = tests.next().and_then(|line| {
        let (_, rest) = line.split_once("\"executable\":\"")?;
        Some(PathBuf::from(rest.split_once('"')?.0.replace("\\\\", "\\")))
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    Ok(path.filter(|_| output.status.success()).ok_or_else(|| {
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
fn execute(
    copy: &Copy,
    program: &Path,
    area: &Area,
    (package, _): Suite,
    patience: Duration,
) -> io::Result<End> {
    let package = match package {
        "stage1" => "stages/stage1-log",
        "stage2" => "stages/stage2-bitcask",
        "stage3" => "stages/stage3-lsm",
        "vfs" => "stages/vfs",
        _ => "stages/harness",
    };
    let child = Command::new(program)
        .current_dir(copy.root.join(package))
        .env("CARGO_MANIFEST_DIR", copy.root.join(package))
        .env("STRATA_CASES", "40")
        // What fails where one safeguard is missing says nothing of the others.
        .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true")
        .envs(area.engine.map(|engine| ("STRATA_ENGINE", engine)))
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let id = child.id();
    let (done, ended) = mpsc::channel();
    let waiting = std::thread::Builder::new().spawn(move || done.send(child.wait_with_output()))?;
    let Ok(output) = ended.recv_timeout(patience) else {
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
fn name((package, program): Suite) -> String {
    if program == "--lib" { format!("{package}'s own") } else { program.to_owned() }
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
