//! A test program of a copy: built, run, and what it says when it fails.
//!
//! **Invariants** One that hangs ends: after so long that no machine which has become busy meanwhile looks like a failure.

use super::copy::Copy;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A package, and one of its test programs; `--lib` for that of the library.
pub type Suite<'a> = (&'a str, &'a str);

/// A test program that takes so many times what it took on the unbroken code, and a minute more, hangs.
const PATIENCE: u32 = 8;

/// How long a test program may take that took `took` on the unbroken code; as long as it likes if that is not known yet.
pub fn patience(took: Option<Duration>) -> Duration {
    took.map_or(Duration::MAX, |took| took * PATIENCE + Duration::from_mins(1))
}

/// How a copy is built.
pub struct Builder {
    /// The copy.
    pub copy: Copy,
    /// What cargo is told in variables.
    pub environment: Vec<(&'static str, OsString)>,
    /// What it is told in arguments.
    pub arguments: Vec<String>,
}

impl Builder {
    /// Builds one test program; cargo says where it is. The inner error is what does not compile.
    pub fn build(&self, (package, program): Suite<'_>) -> io::Result<Result<PathBuf, String>> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["test", "--no-run", "--quiet", "--message-format=json-render-diagnostics"])
            .args(["-p", package])
            .args(if program == "--lib" { vec!["--lib"] } else { vec!["--test", program] })
            .args(&self.arguments)
            .current_dir(&self.copy.root)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()?;
        let messages = String::from_utf8_lossy(&output.stdout);
        // Programs that the tests start are built too, and are no tests.
        let kind = if program == "--lib" { "\"kind\":[\"lib\"]" } else { "\"kind\":[\"test\"]" };
        let mut tests =
            messages.lines().filter(|line| line.contains(kind) && line.contains("\"executable\":\""));
        let path = tests.next().and_then(|line| {
            let (_, rest) = line.split_once("\"executable\":\"")?;
            Some(PathBuf::from(rest.split_once('"')?.0.replace("\\\\", "\\")))
        });
        let errors = String::from_utf8_lossy(&output.stderr);
        Ok(path.filter(|_| output.status.success()).ok_or_else(|| {
            errors.lines().filter(|line| line.starts_with("error")).collect::<Vec<_>>().join("; ")
        }))
    }

    /// Runs a program of `package` in the copy, as if cargo did.
    pub fn run(
        &self,
        package: &str,
        program: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
        patience: Duration,
    ) -> io::Result<End> {
        let folder = self.copy.root.join(match package {
            "stage1" => "stages/stage1-log",
            "stage2" => "stages/stage2-bitcask",
            "stage3" => "stages/stage3-lsm",
            "vfs" => "stages/vfs",
            _ => "stages/harness",
        });
        let child = Command::new(program)
            .args(arguments)
            .current_dir(&folder)
            .env("CARGO_MANIFEST_DIR", &folder)
            .env("RUST_BACKTRACE", "0")
            // What fails where one safeguard is missing says nothing of the others.
            .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true")
            .envs(environment.iter().copied())
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
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        Ok(if output.status.success() { End::Good(said) } else { End::Fails(said) })
    }
}

/// How a program ended.
pub enum End {
    /// Well, and it said this.
    Good(String),
    /// With a failure, and it said this.
    Fails(String),
    /// Not at all.
    Hangs,
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
pub fn noticed(said: &str) -> String {
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    let test = failed(said).or(last).unwrap_or("ended without a word");
    promise(said).map_or_else(|| test.to_owned(), |id| format!("{test} ({id})"))
}

/// The name of the first test that failed, if the program has said it.
pub fn failed(said: &str) -> Option<&str> {
    said.lines().find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
}

/// The promise that a failure names, such as `I4`.
pub fn promise(said: &str) -> Option<&str> {
    let words: Vec<_> = said.split_whitespace().collect();
    words.windows(2).map(|words| words[0]).find(|word| {
        let id = word.strip_prefix('I').unwrap_or_default();
        !id.is_empty() && id.len() <= 2 && id.bytes().all(|byte| byte.is_ascii_digit())
    })
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
