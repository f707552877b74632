//! Takes one safeguard at a time out of a copy of the code, and sees which test notices.
//!
//! **Layout** [`rules`]: what is taken out. [`sites`]: where. [`switch`]: all of it in one build. [`trial`]: the tests, in a
//! copy in the target folder; the code itself is never touched. [`memory`]: which of them noticed the last time.
//! [`record`]: what became of each.
//!
//! **Cost** One build and one run of all tests; then for each safeguard a run of the tests until one fails: seconds where
//! it is known which will, up to some minutes the first time. The few that cannot be asked for take a build each.
//!
//! **Source** `DeMillo`, Lipton and Sayward, *Hints on Test Data Selection*, IEEE Computer 1978.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "it talks to a person at a terminal")]
#![expect(clippy::disallowed_methods, reason = "it times its own steps")]

mod memory;
mod record;
mod rules;
mod sites;
mod switch;
mod trial;

use harness::say::say;
use harness::workshop::copy::{self, Copy};
use memory::Memory;
use record::{Record, Row};
use rules::{AREAS, Area};
use sites::{Site, Source};
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;
use switch::Switched;
use trial::{Out, Trials, Verdict};

const HELP: &str = "\
Takes one safeguard at a time out of a copy of the code, a sync, a lock, a comparison, and runs the tests until one of
them notices. A safeguard that goes unnoticed is a failure.

Usage: cargo xtask mutants [OPTIONS]

  --list           show what would be taken out, and where
  --only TEXT      only where file, line or description says TEXT; may be repeated
  --jobs N         how many are tried beside each other; 1 unless told. Worth it for what hangs: it waits for minutes
  --record FILE    keep in FILE, as JSON, what became of each; those that FILE holds are not tried again, unless the code
                   or the tests have changed
  --stricter       the tests have changed and have only become stricter: what one of them noticed stays noticed, what none
                   did is tried again
  --markdown FILE  no run: the book's table, from such a file
  -h, --help       this text

The copy and its build lie in the target folder, under mutants. Exit status: 0 every one was noticed, 1 some were not,
2 wrong usage, or the tables do not fit the code: each place that says sync, lock or checksum must be in them.
";

#[derive(Default)]
struct Args {
    list: bool,
    only: Vec<String>,
    jobs: Option<NonZeroUsize>,
    record: Option<PathBuf>,
    stricter: bool,
    markdown: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = match parse() {
        Ok(Some(args)) => args,
        Ok(None) => {
            say(HELP);
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
    let mut args = Args::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("list") => args.list = true,
            Long("only") => args.only.push(parser.value()?.string()?),
            Long("jobs") => args.jobs = Some(parser.value()?.parse::<NonZeroUsize>()?),
            Long("record") => args.record = Some(parser.value()?.into()),
            Long("stricter") => args.stricter = true,
            Long("markdown") => args.markdown = Some(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    if args.stricter && args.record.is_none() {
        return Err("--stricter is about what a --record holds; name its file".into());
    }
    Ok(Some(args))
}

fn run(args: &Args) -> std::io::Result<ExitCode> {
    if let Some(file) = &args.markdown {
        say(record::markdown(file)?);
        return Ok(ExitCode::SUCCESS);
    }
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
    let chosen: Vec<&Site> = sites.iter().filter(wanted).collect();
    if args.list {
        list(&chosen, &passed);
        return Ok(ExitCode::SUCCESS);
    }
    let file = args.record.as_deref();
    let mut record = Record::read(file, sites.len(), args.stricter)?;
    let left: Vec<&Site> = chosen.iter().copied().filter(|site| record.of(site).is_none()).collect();
    if left.len() < chosen.len() {
        eprintln!("mutants: {} are in the record already", chosen.len() - left.len());
    }
    let start = Instant::now();
    if !left.is_empty() {
        take_out(&left, &sources, &mut record, args)?;
    }
    let bad = chosen.iter().filter(|site| !record.of(site).is_some_and(Row::is_noticed)).count();
    say(format_args!(
        "{} safeguards taken out one by one, {} noticed by a test, {bad} not, in {} s\n",
        chosen.len(),
        chosen.len() - bad,
        start.elapsed().as_secs()
    ));
    Ok(ExitCode::from(u8::from(bad > 0)))
}

fn list(sites: &[&Site], passed: &[sites::Passed]) {
    for site in sites {
        say(name(site) + "\n");
    }
    say("\nsays a watched word and decides nothing:\n");
    for line in passed {
        say(format_args!("{}  ({})\n", line.line, line.exempt.reason));
    }
    say(format_args!(
        "\n{} places to take a safeguard out of, {} lines that decide nothing\n",
        sites.len(),
        passed.len()
    ));
}

/// Takes each out by itself, and says what became of it.
fn take_out(sites: &[&Site], sources: &[Source], record: &mut Record, args: &Args) -> std::io::Result<()> {
    let target = copy::target();
    let question = std::fs::read_to_string(copy::workspace().join(switch::asked_of()))?;
    let switched = switch::all(sources, sites, question);
    let mut trials = Trials::new(Copy::with(&target, "mutants", &switched.texts)?, &target);
    let start = Instant::now();
    eprintln!("mutants: first the code as it is, in {}", trials.builder.copy.root.display());
    for area in AREAS.into_iter().filter(|area| sites.iter().any(|site| is_in(area, site))) {
        match trials.learn(area)? {
            Verdict::Survived => {}
            Verdict::Killed(_, test) => {
                return Err(std::io::Error::other(format!("the code as it is fails {test}")));
            }
            Verdict::Hangs((_, program)) => {
                return Err(std::io::Error::other(format!("{program} does not end on the code as it is")));
            }
            Verdict::Unbuilt(error) => return Err(std::io::Error::other(error)),
        }
    }
    eprintln!("mutants: it passes, after {} s; {} places follow", start.elapsed().as_secs(), sites.len());
    let notes = Notes { memory: Memory::read(&target)?, record, file: args.record.as_deref(), tried: 0 };
    let notes = Mutex::new(notes);
    // Those that need a build of their own leave other programs behind, so they come last, and alone.
    let (asked, written): (Vec<_>, Vec<_>) =
        sites.iter().enumerate().partition(|(number, _)| switched.sites.contains(number));
    let next = AtomicUsize::new(0);
    let work = || -> std::io::Result<()> {
        while let Some((number, site)) = asked.get(next.fetch_add(1, Ordering::Relaxed)) {
            try_one(&trials, site, Out::Asked(*number), &notes)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> =
            (0..args.jobs.map_or(1, NonZeroUsize::get)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })?;
    for (_, site) in written {
        trials.builder.copy.write(&site.path, &site.mutated)?;
        let tried = try_one(&trials, site, Out::Written, &notes);
        restore(&trials, site, sources, &switched)?;
        tried?;
    }
    Ok(())
}

/// What is noted of those that were tried.
struct Notes<'a> {
    memory: Memory,
    record: &'a mut Record,
    file: Option<&'a Path>,
    tried: usize,
}

/// Runs the tests without one safeguard, and says and notes what became of it.
fn try_one(trials: &Trials, site: &Site, out: Out, notes: &Mutex<Notes<'_>>) -> std::io::Result<()> {
    let notes = || notes.lock().unwrap_or_else(PoisonError::into_inner);
    let start = Instant::now();
    let verdict = match Area::of(&site.path) {
        Some(area) => {
            let likely = notes().memory.of(site, area.suites);
            trials.run(area, out, likely)?
        }
        None => Verdict::Survived,
    };
    let seconds = start.elapsed().as_secs_f64();
    let mut notes = notes();
    let (by, problem) = match verdict {
        Verdict::Killed(witness, test) => {
            notes.memory.remember(site, &witness)?;
            (Some(test), None)
        }
        Verdict::Survived | Verdict::Hangs(_) => (None, Some("SURVIVED: no test notices".to_owned())),
        Verdict::Unbuilt(error) => (None, Some(format!("DOES NOT COMPILE: {error}"))),
    };
    let outcome = by.as_ref().map(|test| format!("noticed by {test}")).or_else(|| problem.clone());
    notes.tried += 1;
    say(format_args!(
        "{:>3} {:<88} {seconds:>4.0} s  {}\n",
        notes.tried,
        name(site),
        outcome.unwrap_or_default()
    ));
    let file = notes.file;
    notes.record.add(Row::new(site, by, problem, seconds), file)
}

fn is_in(area: &Area, site: &Site) -> bool {
    Area::of(&site.path).is_some_and(|of| std::ptr::eq(of, area))
}

/// Mends the copy.
fn restore(trials: &Trials, site: &Site, sources: &[Source], switched: &Switched) -> std::io::Result<()> {
    let asking = switched.texts.get(&site.path);
    let plain = || sources.iter().find(|source| source.path == site.path).map(|source| &source.text);
    asking.or_else(plain).map_or(Ok(()), |text| trials.builder.copy.write(&site.path, text))
}

fn name(site: &Site) -> String {
    format!("{}:{}  {}", site.path, site.line, site.rule.what)
}
