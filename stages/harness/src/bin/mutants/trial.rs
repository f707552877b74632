//! Runs the tests on the copy until one of them fails.

use crate::rules::{Area, Suite};
use harness::workshop::copy::Copy;
use harness::workshop::program::{Builder, End, noticed, patience};
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

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
    pub(crate) builder: Builder,
    took: HashMap<Suite, Duration>,
}

impl Trials {
    /// No test program has been run yet.
    pub(crate) fn new(copy: Copy, target: &Path) -> Self {
        let environment = vec![
            ("CARGO_TARGET_DIR", target.join("mutants").join("target").into()),
            // A build for a test that is run once: nobody steps through it.
            ("CARGO_PROFILE_TEST_DEBUG", "0".into()),
            ("CARGO_PROFILE_DEV_DEBUG", "0".into()),
            ("RUSTFLAGS", "-Awarnings".into()),
        ];
        Self { builder: Builder { copy, environment, arguments: Vec::new() }, took: HashMap::new() }
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
        let program = match self.builder.build(suite)? {
            Ok(program) => program,
            Err(message) => return Ok(Verdict::Unbuilt(message)),
        };
        let mut environment = vec![("STRATA_CASES", "40")];
        environment.extend(area.engine.map(|engine| ("STRATA_ENGINE", engine)));
        let patience = patience(self.took.get(&suite).copied());
        let run = || self.builder.run(suite.0, &program, &[], &environment, patience);
        // ANCHOR: twice
        Ok(match run()? {
            End::Good(_) => Verdict::Survived,
            End::Hangs => Verdict::Killed(suite, format!("{}: it hangs", name(suite))),
            // A test that fails now and then would seem to notice everything, so it has to fail twice.
            End::Fails(said) => match run()? {
                End::Good(_) => Verdict::Survived,
                _ => Verdict::Killed(suite, format!("{}: {}", name(suite), noticed(&said))),
            },
        })
        // ANCHOR_END: twice
    }
}

/// The test program's name.
fn name((package, program): Suite) -> String {
    if program == "--lib" { format!("{package}'s own") } else { program.to_owned() }
}
