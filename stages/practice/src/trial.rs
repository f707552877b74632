//! The tests of a reader's crate: built, and each run in a process of its own.
//!
//! **Invariants** A test that ends its process, or never ends, is a test that failed, and takes no other with it.
#![expect(clippy::disallowed_methods, reason = "a test that hangs is ended by the clock")]

use crate::{Result, place};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long one test may take. The slowest takes a second.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a test came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It passed.
    Green,
    /// It failed, where and with these words.
    Red(String),
    /// There is no such test.
    Absent,
}

/// The test programs of a crate, by their names: `--lib`, or a file in `tests`.
pub struct Programs(BTreeMap<String, PathBuf>);

/// The program that holds a test, and what the test is called there.
pub fn split(test: &str) -> (&str, &str) {
    let own = test.strip_prefix("tests/").and_then(|rest| rest.split_once(".rs::"));
    own.unwrap_or(("--lib", test))
}

impl Programs {
    /// Builds the programs that hold `tests`; `None` if they do not compile, which cargo has told.
    pub fn build(folder: &Path, tests: &[&str]) -> Result<Option<Self>> {
        let wanted: BTreeSet<&str> = tests.iter().map(|test| split(test).0).collect();
        let mut command = place::cargo("test", folder);
        command.args(["--no-run", "--no-default-features", "--message-format=json-render-diagnostics"]);
        for program in &wanted {
            command.args(if *program == "--lib" { vec!["--lib"] } else { vec!["--test", program] });
        }
        let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Ok(None);
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        let find = |program: &str| {
            let marks = match program {
                "--lib" => vec!["\"kind\":[\"lib\"]".to_owned()],
                test => vec!["\"kind\":[\"test\"]".to_owned(), format!("\"name\":\"{test}\"")],
            };
            messages.lines().filter(|line| marks.iter().all(|mark| line.contains(mark))).find_map(executable)
        };
        let built = wanted.iter().map(|program| {
            let path = find(program).ok_or_else(|| format!("cargo does not say where {program} is"))?;
            Ok(((*program).to_owned(), path))
        });
        built.collect::<Result<_>>().map(|programs| Some(Self(programs)))
    }

    /// Runs tests, as many at a time as there are cores; the outcomes are in their order.
    pub fn run(&self, folder: &Path, tests: &[&str]) -> Result<Vec<Outcome>> {
        let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(vec![None; tests.len()]));
        let work = || -> std::io::Result<()> {
            while let Some((i, test)) =
                Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, tests.get(i)?)))
            {
                let (program, name) = split(test);
                let outcome = run(&self.0[program], folder, name)?;
                if let Ok(mut outcomes) = outcomes.lock() {
                    outcomes[i] = Some(outcome);
                }
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().unwrap_or(Ok(())))
        })?;
        let outcomes = outcomes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or(Outcome::Absent)).collect())
    }
}

/// The program in a message of cargo's.
fn executable(message: &str) -> Option<PathBuf> {
    let (_, rest) = message.split_once("\"executable\":\"")?;
    Some(PathBuf::from(rest.split_once('"')?.0.replace("\\\\", "\\")))
}

fn run(program: &Path, folder: &Path, test: &str) -> std::io::Result<Outcome> {
    let mut child = Command::new(program)
        .args(["--exact", "--nocapture", test])
        .current_dir(folder)
        .env("CARGO_MANIFEST_DIR", folder)
        .env("RUST_BACKTRACE", "0")
        .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // Both streams are read meanwhile: a full pipe would stop a test that says much.
    let (out, err) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        let out = scope.spawn(|| text(out));
        let err = scope.spawn(|| text(err));
        let ended = wait(&mut child);
        let said = [out.join().unwrap_or_default(), err.join().unwrap_or_default()].concat();
        Ok(match ended? {
            None => Outcome::Red(format!("does not end: stopped after {} s", PATIENCE.as_secs())),
            Some(true) if said.contains("running 0 tests") => Outcome::Absent,
            Some(true) => Outcome::Green,
            Some(false) => Outcome::Red(words(&said)),
        })
    })
}

fn text(from: Option<impl std::io::Read>) -> String {
    let mut bytes = Vec::new();
    // What could be read is what there is to say.
    let _ = from.map(|mut from| from.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether a process ended well; `None` if it had to be ended.
fn wait(child: &mut Child) -> std::io::Result<Option<bool>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// Where and with what words a test failed: its first panic, or the error that it returned.
fn words(said: &str) -> String {
    let mut lines = said.lines().skip_while(|line| !line.contains("panicked at ")).peekable();
    let Some(place) = lines.next().and_then(|line| line.split("panicked at ").nth(1)) else {
        let error = said.lines().find(|line| line.starts_with("Error: "));
        return error.unwrap_or("it ended without a word").to_owned();
    };
    // The column helps nobody.
    let place = place.trim_end_matches(':').rsplit_once(':').map_or(place, |(place, _)| place);
    let ends = |line: &&str| {
        !line.starts_with("note: ") && !line.starts_with("test ") && !line.starts_with("thread '")
    };
    let message: Vec<&str> =
        lines.take_while(ends).map(str::trim_end).filter(|line| !line.is_empty()).collect();
    format!("{place}: {}", message.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_has_a_program() {
        assert_eq!(split("frame::tests::a"), ("--lib", "frame::tests::a"));
        assert_eq!(split("tests/store.rs::b"), ("store", "b"));
    }

    #[test]
    fn the_first_panic_counts_and_so_does_an_error() {
        let said = "running 1 test\n\nthread 'x' (7) panicked at src/a.rs:3:9:\nassertion failed\n  left: 1\nnote: run with\n\
                    thread 'x' panicked at src/b.rs:1:1:\nlater\n";
        assert_eq!(words(said), "src/a.rs:3: assertion failed\n  left: 1");
        assert_eq!(words("running 1 test\nError: Closed\n"), "Error: Closed");
        assert_eq!(words("fatal\n"), "it ended without a word");
    }
}
