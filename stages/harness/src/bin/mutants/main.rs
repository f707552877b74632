//! Takes one safeguard at a time out of a copy of the code, and sees which test notices.
//!
//! **Layout** [`rules`]: what is taken out. [`sites`]: where. [`trial`]: the tests, in a copy in the target folder; the code
//! itself is never touched. [`memory`]: which of them noticed the last time.
//!
//! **Cost** A build of what depends on the changed file and a run of the tests until one fails: half a minute each where
//! it is known which will, up to three the first time.
//!
//! **Source** `DeMillo`, Lipton and Sayward, *Hints on Test Data Selection*, IEEE Computer 1978.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person at a terminal")]
#![expect(clippy::disallowed_methods, reason = "it times its own steps")]

mod memory;
mod rules;
mod sites;
mod trial;

use harness::workshop::copy::{self, Copy};
use memory::Memory;
use rules::{AREAS, Area};
use sites::Site;
use std::process::ExitCode;
use std::time::Instant;
use trial::{Trials, Verdict};

const HELP: &str = "\
Takes one safeguard at a time out of a copy of the code, a sync, a lock, a comparison, and runs the tests until one of
them notices. A safeguard that goes unnoticed is a failure.

Usage: cargo xtask mutants [OPTIONS]

  --list         show what would be taken out, and where
  --only TEXT    only where file, line or description says TEXT; may be repeated
  -h, --help     this text

The copy and its build lie in the target folder, under mutants. Exit status: 0 every one was noticed, 1 some were not,
2 wrong usage, or the tables do not fit the code: each place that says sync, lock or checksum must be in them.
";

struct Args {
    list: bool,
    only: Vec<String>,
}

fn main() -> ExitCode {
    let args = match parse() {
        Ok(Some(args)) => args,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(e) => {
            eprintln!("mutants: {e}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    run(&args).unwrap_or_else(|e| {
        eprintln!("mutants: {e}");
        ExitCode::from(2)
    })
}

fn parse() -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut args = Args { list: false, only: Vec::new() };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("list") => args.list = true,
            Long("only") => args.only.push(parser.value()?.string()?),
            Long("help") | Short('h') => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(args))
}

fn run(args: &Args) -> std::io::Result<ExitCode> {
    let sources = sites::sources()?;
    let (sites, passed) = match sites::find(&sources) {
        Ok(found) => found,
        Err(problems) => {
            eprintln!("mutants: the tables do not fit the code:\n  {}", problems.join("\n  "));
            return Ok(ExitCode::from(2));
        }
    };
    let wanted =
        |site: &&Site| args.only.is_empty() || args.only.iter().any(|text| name(site).contains(text));
    let sites: Vec<&Site> = sites.iter().filter(wanted).collect();
    if args.list {
        for site in &sites {
            println!("{}", name(site));
        }
        println!("\nsays a watched word and decides nothing:");
        for line in &passed {
            println!("{}  ({})", line.line, line.exempt.reason);
        }
        println!(
            "\n{} places to take a safeguard out of, {} lines that decide nothing",
            sites.len(),
            passed.len()
        );
        return Ok(ExitCode::SUCCESS);
    }
    let target = copy::target();
    let mut trials = Trials::new(Copy::make(&target, "mutants")?, &target);
    let start = Instant::now();
    eprintln!("mutants: first the code as it is, in {}", trials.builder.copy.root.display());
    for area in AREAS.into_iter().filter(|area| sites.iter().any(|site| is_in(area, site))) {
        match trials.learn(area)? {
            Verdict::Survived => {}
            Verdict::Killed(_, test) => {
                return Err(std::io::Error::other(format!("the code as it is fails {test}")));
            }
            Verdict::Unbuilt(error) => return Err(std::io::Error::other(error)),
        }
    }
    eprintln!("mutants: it passes, after {} s; {} places follow", start.elapsed().as_secs(), sites.len());
    let mut bad = 0_usize;
    let mut memory = Memory::read(&target)?;
    for (i, site) in sites.iter().enumerate() {
        let verdict = mutate(&trials, site, &sources, &memory)?;
        match &verdict.0 {
            Verdict::Killed(suite, _) => memory.remember(site, *suite)?,
            _ => bad += 1,
        }
        println!("{:>2}/{} {}", i + 1, sites.len(), tell(site, &verdict));
    }
    println!(
        "{} safeguards taken out one by one, {} noticed by a test, {bad} not, in {} s",
        sites.len(),
        sites.len() - bad,
        start.elapsed().as_secs()
    );
    Ok(ExitCode::from(u8::from(bad > 0)))
}

fn is_in(area: &Area, site: &Site) -> bool {
    Area::of(&site.path).is_some_and(|of| std::ptr::eq(of, area))
}

/// Breaks the copy, runs the tests, and mends it.
fn mutate(
    trials: &Trials,
    site: &Site,
    sources: &[sites::Source],
    memory: &Memory,
) -> std::io::Result<(Verdict, u64)> {
    let start = Instant::now();
    trials.builder.copy.write(&site.path, &site.mutated)?;
    let verdict = Area::of(&site.path)
        .map_or(Ok(Verdict::Survived), |area| trials.run(area, memory.of(site, area.suites)));
    if let Some(source) = sources.iter().find(|source| source.path == site.path) {
        trials.builder.copy.write(&site.path, &source.text)?;
    }
    Ok((verdict?, start.elapsed().as_secs()))
}

fn name(site: &Site) -> String {
    format!("{}:{}  {}", site.path, site.line, site.rule.what)
}

fn tell(site: &Site, (verdict, seconds): &(Verdict, u64)) -> String {
    match verdict {
        Verdict::Killed(_, test) => format!("{:<88} {seconds:>4} s  noticed by {test}", name(site)),
        Verdict::Survived => format!("{:<88} {seconds:>4} s  SURVIVED: no test notices", name(site)),
        Verdict::Unbuilt(error) => format!("{:<88} {seconds:>4} s  DOES NOT COMPILE: {error}", name(site)),
    }
}
