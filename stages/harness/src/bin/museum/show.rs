//! Showing exhibits: the copy is broken, built, tested and mended, one after the other.
//!
//! **Invariants** First every test passes on the code as it is: under the same name, with the same variables, once.
//!
//! **Cost** What comes from other people is compiled once, for this and for the workspace's own tests: both build in the
//! same folder. What is the workspace's own is compiled as fast as can be and runs as slowly: each build is used for
//! seconds.

use crate::Error;
use crate::catalogue::{has_test, program};
use crate::exhibit::{Broken, Exhibit};
use harness::workshop::copy::{Copy, target};
use harness::workshop::program::{Builder, End, noticed, patience};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

/// What came of a run.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Run {
    /// In the order of the tour.
    pub(crate) exhibits: Vec<Shown>,
    /// How long it took.
    pub(crate) seconds: f64,
}

/// What came of an exhibit.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Shown {
    pub(crate) number: usize,
    pub(crate) name: String,
    pub(crate) engine: String,
    pub(crate) test: String,
    pub(crate) verdict: Verdict,
    /// What the test took on the broken code.
    pub(crate) seconds: f64,
    /// What the build took.
    pub(crate) build_seconds: f64,
    /// What a general suite found, if one was asked.
    pub(crate) search: Option<Searched>,
}

/// Whether the test has caught it.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// It failed twice; the test, and the promise if it named one.
    Caught(String),
    /// It passed, at least once.
    Survived,
    /// The patch does not fit the code any more.
    Unfit(String),
    /// It does not compile.
    Unbuilt(String),
}

/// What a general suite came to.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Searched {
    /// Which one.
    pub(crate) suite: String,
    /// How many seeds it was given.
    pub(crate) seeds: u64,
    /// The first seed that showed it, and the promise that was broken.
    pub(crate) found: Option<(u64, String)>,
}

impl Shown {
    pub(crate) fn is_caught(&self) -> bool {
        matches!(self.verdict, Verdict::Caught(_))
    }
}

/// Packages that are compiled without optimisation.
const OWN: [&str; 7] = ["contract", "vfs", "stage1", "stage2", "stage3", "shell", "harness"];

/// The copy, and how long each test takes in it.
struct Rooms {
    builder: Builder,
    took: BTreeMap<(String, String), Duration>,
}

/// Shows exhibits, and tells how far it is.
pub(crate) fn all(exhibits: &[&Exhibit], seeds: u64, tell: &mut dyn FnMut(&str)) -> Result<Run, Error> {
    let start = Instant::now();
    let mut rooms = Rooms::new()?;
    tell(&format!("first the code as it is, in {}", rooms.builder.copy.root.display()));
    rooms.learn(exhibits, tell)?;
    let seconds = start.elapsed().as_secs();
    tell(&format!("each test passes there, after {seconds} s; {} exhibits follow", exhibits.len()));
    let mut shown = Vec::new();
    for exhibit in exhibits {
        let one = rooms.show(exhibit, seeds)?;
        tell(&crate::print::line(exhibit, &one));
        shown.push(one);
    }
    Ok(Run { exhibits: shown, seconds: start.elapsed().as_secs_f64() })
}

impl Rooms {
    fn new() -> Result<Self, Error> {
        let target = target();
        let environment = vec![
            ("CARGO_TARGET_DIR", target.join("museum").join("target").into()),
            ("CARGO_BUILD_BUILD_DIR", target.clone().into()),
        ];
        let settings = OWN.iter().flat_map(|package| {
            ["opt-level=0", "debug=false"].map(|setting| format!("profile.dev.package.{package}.{setting}"))
        });
        let arguments = settings.flat_map(|setting| ["--config".to_owned(), setting]).collect();
        let copy = Copy::make(&target, "museum")?;
        Ok(Self { builder: Builder { copy, environment, arguments }, took: BTreeMap::new() })
    }

    /// Runs every test on the code as it is.
    fn learn(&mut self, exhibits: &[&Exhibit], tell: &mut dyn FnMut(&str)) -> Result<(), Error> {
        let tests: BTreeSet<_> = exhibits.iter().map(|e| (e.engine.as_str(), e.test.as_str())).collect();
        for (engine, test) in tests {
            if !has_test(test)? {
                return Err(format!("there is no test «{test}»").into());
            }
            let (suite, path) = program(test);
            let built = self.builder.build(("harness", suite))?;
            let start = Instant::now();
            match self.test(&built?, engine, path, Duration::MAX)? {
                // A name that is not that of one test would pass for all that is broken.
                End::Good(said) if said.contains("test result: ok. 1 passed") => {}
                End::Good(said) => return Err(format!("{test} is not one test: {said}").into()),
                End::Fails(said) => return Err(format!("the code as it is fails {}", noticed(&said)).into()),
                End::Hangs => return Err(format!("the code as it is hangs in {test}").into()),
            }
            let took = start.elapsed();
            tell(&format!("   {engine} passes {test}, {:.1} s", took.as_secs_f64()));
            self.took.insert((engine.to_owned(), test.to_owned()), took);
        }
        Ok(())
    }

    fn test(&self, program: &Path, engine: &str, path: &str, patience: Duration) -> std::io::Result<End> {
        self.builder.run("harness", program, &[path, "--exact"], &[("STRATA_ENGINE", engine)], patience)
    }

    /// Breaks the copy, tests it, and mends it.
    fn show(&self, exhibit: &Exhibit, seeds: u64) -> Result<Shown, Error> {
        let mut shown = Shown {
            number: exhibit.number,
            name: exhibit.name.clone(),
            engine: exhibit.engine.clone(),
            test: exhibit.test.clone(),
            verdict: Verdict::Survived,
            seconds: 0.0,
            build_seconds: 0.0,
            search: None,
        };
        let broken = match exhibit.broken() {
            Ok(broken) => broken,
            Err(error) => {
                shown.verdict = Verdict::Unfit(error.to_string());
                return Ok(shown);
            }
        };
        self.write(&broken, |file| &file.text)?;
        let looked = self.look(exhibit, seeds, &mut shown);
        self.write(&broken, |file| &file.sound)?;
        looked.map(|()| shown)
    }

    fn write(&self, broken: &[Broken], text: fn(&Broken) -> &str) -> std::io::Result<()> {
        broken.iter().try_for_each(|file| self.builder.copy.write(&file.path, text(file)))
    }

    /// Builds and tests what is broken.
    fn look(&self, exhibit: &Exhibit, seeds: u64, shown: &mut Shown) -> Result<(), Error> {
        let (suite, path) = program(&exhibit.test);
        let start = Instant::now();
        let built = self.builder.build(("harness", suite))?;
        shown.build_seconds = start.elapsed().as_secs_f64();
        let program = match built {
            Ok(program) => program,
            Err(error) => {
                shown.verdict = Verdict::Unbuilt(error);
                return Ok(());
            }
        };
        let patience = patience(self.took.get(&(exhibit.engine.clone(), exhibit.test.clone())).copied());
        let start = Instant::now();
        let ends = [(); 2].map(|()| self.test(&program, &exhibit.engine, path, patience));
        shown.seconds = start.elapsed().as_secs_f64() / 2.0;
        // A test that fails now and then would seem to catch everything, so it has to fail twice.
        let mut said = Vec::new();
        for end in ends {
            match end? {
                End::Good(_) => return Ok(()),
                End::Hangs => said.push("it hangs".to_owned()),
                End::Fails(words) => said.push(noticed(&words)),
            }
        }
        shown.verdict = Verdict::Caught(said.swap_remove(0));
        if seeds > 0
            && let Some(search) = exhibit.search
        {
            shown.search = Some(self.hunt(search.name(), &exhibit.engine, seeds)?);
        }
        Ok(())
    }

    /// Lets a general suite look for what is broken. It is built already: cargo builds a package's programs with its tests.
    fn hunt(&self, suite: &str, engine: &str, seeds: u64) -> Result<Searched, Error> {
        let program =
            target().join("museum/target/debug").join(format!("hunt{}", std::env::consts::EXE_SUFFIX));
        let count = seeds.to_string();
        let end = self.builder.run("harness", &program, &[suite, engine, &count], &[], Duration::MAX)?;
        let found = match end {
            End::Good(_) => None,
            End::Fails(said) => {
                let words = said.trim().split_once(' ');
                let found = words.and_then(|(seed, promise)| Some((seed.parse().ok()?, promise.to_owned())));
                Some(found.ok_or_else(|| format!("hunt {suite} {engine} said: {said}"))?)
            }
            End::Hangs => return Err(format!("hunt {suite} {engine} hangs").into()),
        };
        Ok(Searched { suite: suite.to_owned(), seeds, found })
    }
}
