//! Runs the tests on the copy until one of them fails.

use crate::memory::Witness;
use crate::rules::{Area, Suite};
use crate::switch;
use harness::workshop::copy::Copy;
use harness::workshop::program::{Builder, End, failed, noticed, patience};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What became of a mutant.
pub(crate) enum Verdict {
    /// A test noticed: which, and what it said.
    Killed(Witness, String),
    /// No test noticed.
    Survived,
    /// This test program did not end.
    Hangs(Suite),
    /// It does not compile, so it shows nothing.
    Unbuilt(String),
}

/// The copy, the folder in which it is built, and each test program: where it is, and how long it takes.
pub(crate) struct Trials {
    pub(crate) builder: Builder,
    programs: HashMap<Suite, PathBuf>,
    took: HashMap<Suite, Duration>,
}

/// What is out while a test runs.
#[derive(Clone, Copy)]
pub(crate) enum Out {
    /// Nothing.
    Nothing,
    /// The site of this number, by asking.
    Asked(usize),
    /// What the copy's sources no longer say: the programs are built anew.
    Written,
}

impl Trials {
    /// No test program has been built yet.
    pub(crate) fn new(copy: Copy, target: &Path) -> Self {
        let environment = vec![
            ("CARGO_TARGET_DIR", target.join("mutants").join("target").into()),
            // A build for a test that is run once: nobody steps through it.
            ("CARGO_PROFILE_TEST_DEBUG", "0".into()),
            ("CARGO_PROFILE_DEV_DEBUG", "0".into()),
            ("RUSTFLAGS", "-Awarnings".into()),
        ];
        let builder = Builder { copy, environment, arguments: Vec::new() };
        Self { builder, programs: HashMap::new(), took: HashMap::new() }
    }

    /// Builds and runs the tests of an area with nothing out, and learns how long they take.
    pub(crate) fn learn(&mut self, area: &Area) -> io::Result<Verdict> {
        for suite in area.suites {
            match self.builder.build(*suite)? {
                Ok(program) => self.programs.insert(*suite, program),
                Err(message) => return Ok(Verdict::Unbuilt(message)),
            };
            let start = Instant::now();
            match self.test(area, *suite, Out::Nothing)? {
                Verdict::Survived => {
                    let took = self.took.entry(*suite).or_default();
                    *took = start.elapsed().max(*took);
                }
                other => return Ok(other),
            }
        }
        Ok(Verdict::Survived)
    }

    /// Runs the tests that can notice a change in an area until one does: first the one that did so the last time.
    pub(crate) fn run(&self, area: &Area, out: Out, likely: Option<Witness>) -> io::Result<Verdict> {
        let likely_suite = likely.as_ref().map(|(suite, _)| *suite);
        if let Some((suite, Some(test))) = likely {
            let program = match self.program(suite, out)? {
                Ok(program) => program,
                Err(message) => return Ok(Verdict::Unbuilt(message)),
            };
            let alone = || self.play(area, suite, &program, &[&test, "--exact"], out);
            if let (End::Fails(said), End::Fails(_)) = (alone()?, alone()?) {
                return Ok(killed(suite, &said));
            }
        }
        let others = area.suites.iter().filter(|suite| Some(**suite) != likely_suite);
        let mut hung = None;
        for suite in likely_suite.iter().chain(others) {
            match self.test(area, *suite, out)? {
                Verdict::Survived => {}
                Verdict::Hangs(suite) => hung = Some(suite),
                other => return Ok(other),
            }
        }
        // On a busy machine a test may take long, so a hang counts only where nothing else notices, and twice.
        match hung.map(|suite| self.test(area, suite, out)).transpose()? {
            Some(Verdict::Hangs(suite)) => {
                Ok(Verdict::Killed((suite, None), format!("{}: it hangs", name(suite))))
            }
            other => Ok(other.unwrap_or(Verdict::Survived)),
        }
    }

    fn test(&self, area: &Area, suite: Suite, out: Out) -> io::Result<Verdict> {
        let program = match self.program(suite, out)? {
            Ok(program) => program,
            Err(message) => return Ok(Verdict::Unbuilt(message)),
        };
        let run = |arguments: &[&str]| self.play(area, suite, &program, arguments, out);
        // ANCHOR: twice
        let said = match run(&[])? {
            End::Good(_) => return Ok(Verdict::Survived),
            End::Hangs => return Ok(Verdict::Hangs(suite)),
            End::Fails(said) => said,
        };
        // A test that fails now and then would seem to notice everything, so it has to fail twice: by itself, or among
        // the others once more.
        let fails_alone = match failed(&said) {
            Some(test) => !matches!(run(&[test, "--exact"])?, End::Good(_)),
            None => false,
        };
        let fails_again = fails_alone || !matches!(run(&[])?, End::Good(_));
        Ok(if fails_again { killed(suite, &said) } else { Verdict::Survived })
        // ANCHOR_END: twice
    }

    /// Where a test program is; it is built anew if the sources have changed. The inner error is what does not compile.
    fn program(&self, suite: Suite, out: Out) -> io::Result<Result<PathBuf, String>> {
        match (out, self.programs.get(&suite)) {
            (Out::Nothing | Out::Asked(_), Some(program)) => Ok(Ok(program.clone())),
            _ => self.builder.build(suite),
        }
    }

    fn play(
        &self,
        area: &Area,
        suite: Suite,
        program: &Path,
        arguments: &[&str],
        out: Out,
    ) -> io::Result<End> {
        let number = if let Out::Asked(number) = out { number.to_string() } else { String::new() };
        let mut environment = vec![("STRATA_CASES", "40"), (switch::VARIABLE, number.as_str())];
        environment.extend(area.engine.map(|engine| ("STRATA_ENGINE", engine)));
        let patience = patience(self.took.get(&suite).copied());
        self.builder.run(suite.0, program, arguments, &environment, patience)
    }
}

fn killed(suite: Suite, said: &str) -> Verdict {
    Verdict::Killed((suite, failed(said).map(str::to_owned)), format!("{}: {}", name(suite), noticed(said)))
}

/// The test program's name.
fn name((package, program): Suite) -> String {
    if program == "--lib" { format!("{package}'s own") } else { program.to_owned() }
}
