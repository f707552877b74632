//! The crash lab's command line: `cargo xtask crash --engine stage1 --seconds 60 --seed 1`.
//!
//! It is a function of the library, so that a reader's own program can be the crash lab of an engine that has joined.
#![expect(clippy::print_stderr, reason = "it talks to a person at a terminal")]
#![expect(clippy::disallowed_methods, reason = "it runs for a time, and keeps the files of a failure")]

use crate::broken::{self, BROKEN};
use crate::crash::exhaustive::Exhaustive;
use crate::crash::lab::{Outcome, Progress, Search};
use crate::crash::{Plan, story};
use crate::registry::{find, registry};
use crate::{damage, faults};
use contract::Stage;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use vfs::sim::{CrashKind, SimFs};

const HELP: &str = "\
Simulates crashes: runs small workloads on a simulated disk, crashes before every call that changes something, opens
what is left, judges it, goes on, and crashes again, inside the recovery too. Before that it makes a sample of all calls
fail in all ways, and does a sample of all injuries to files at rest.

Usage: cargo xtask crash [OPTIONS]

  --engine NAME     which engine (default stage1), or «all»; also one that keeps nothing, to see what it loses, and
                    any of those that are broken on purpose (--list names them all)
  --exhaustive L    instead of drawing: every workload of at most L operations on two keys, crashed before every call,
                    with every state that the crash can leave, or 1,024 of them where there are more
  --seconds N       how long (default 60)
  --images N        until so many images instead: the same seed then gives the same run on every machine
  --seed N          what everything is drawn from (default 1)
  --kinds K0,K3     only these kinds of crash
                      K0 the process is killed          K4 some pages landed, others hold junk
                      K1 everything landed in order     K5 sizes and bytes landed apart
                      K2 each file a prefix of its own  K6 some names landed
                      K3 some pages landed
  --depth N         how many crashes one after the other (default 4)
  --threads N       how many threads (default: one for each core)
  --keep DIR        write the files of a violation into folders in DIR
  --only-crashes    no failing calls and no injuries before
  --quiet           no progress display
  --list            name the engines
  -h, --help        this text

Exit status: 0 nothing broke, 1 a promise was broken (told on stdout), 2 wrong usage.
";

/// Prints a line. Who reads may have gone, as `head` does: then there is nobody to tell.
macro_rules! say {
    ($($text:tt)*) => { _ = writeln!(std::io::stdout(), $($text)*) };
}

struct Args {
    engine: String,
    seconds: u64,
    images: Option<u64>,
    seed: u64,
    plan: Plan,
    threads: usize,
    keep: Option<PathBuf>,
    quiet: bool,
    only_crashes: bool,
    exhaustive: Option<u32>,
}

/// Does what the process's arguments ask for.
pub fn main() -> ExitCode {
    match parse() {
        Ok(Some(args)) => every_engine(&args),
        Ok(None) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("crash: {e}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

fn parse() -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut args = Args {
        engine: "stage1".to_owned(),
        seconds: 60,
        images: None,
        seed: 1,
        plan: Plan::default(),
        threads: cores,
        keep: None,
        quiet: false,
        only_crashes: false,
        exhaustive: None,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("engine") => args.engine = parser.value()?.string()?,
            Long("seconds") => args.seconds = parser.value()?.parse()?,
            Long("exhaustive") => args.exhaustive = Some(parser.value()?.parse()?),
            Long("images") => args.images = Some(parser.value()?.parse()?),
            Long("seed") => args.seed = parser.value()?.parse()?,
            Long("kinds") => args.plan.kinds = kinds(&parser.value()?.string()?)?,
            Long("depth") => args.plan.depth = parser.value()?.parse()?,
            Long("threads") => args.threads = parser.value()?.parse()?,
            Long("keep") => args.keep = Some(parser.value()?.into()),
            Long("quiet") => args.quiet = true,
            Long("only-crashes") => args.only_crashes = true,
            Long("list") => {
                list();
                return Ok(None);
            }
            Long("help") | Short('h') => {
                say!("{}", HELP.trim_end());
                return Ok(None);
            }
            _ => return Err(arg.unexpected()),
        }
    }
    args.plan.later_kinds.clone_from(&args.plan.kinds);
    Ok(Some(args))
}

fn kinds(text: &str) -> Result<Vec<CrashKind>, lexopt::Error> {
    let kind = |name: &str| {
        let all = CrashKind::ALL.iter();
        let found = all.copied().find(|kind| format!("K{}", *kind as u8).eq_ignore_ascii_case(name));
        found.ok_or_else(|| lexopt::Error::from(format!("there is no kind «{name}»: K0 to K6")))
    };
    text.split(',').map(kind).collect()
}

fn list() {
    for stage in registry() {
        say!("{:<36} {}", stage.name, stage.title);
    }
    for broken in &BROKEN {
        say!("{:<36} broken on purpose: {}", broken.stage.name, broken.stage.title);
    }
}

/// One engine, or all that keep anything, one after the other until one breaks a promise.
fn every_engine(args: &Args) -> ExitCode {
    if args.engine == "all" {
        let mut persistent = registry().iter().filter(|stage| stage.persistent);
        let good = persistent.all(|stage| run(args, stage) == ExitCode::SUCCESS);
        return ExitCode::from(u8::from(!good));
    }
    let Some(stage) = find(&args.engine).or_else(|| Some(broken::find(&args.engine)?.stage)) else {
        eprintln!("crash: there is no engine «{}»; --list names them", args.engine);
        return ExitCode::from(2);
    };
    run(args, stage)
}

fn run(args: &Args, stage: &'static Stage) -> ExitCode {
    if let Some(longest) = args.exhaustive {
        return exhaust(args, stage, longest);
    }
    let start = Instant::now();
    let sampled =
        if args.only_crashes || !stage.persistent { Ok(String::new()) } else { sample(stage, args.seed) };
    let sampled = match sampled {
        Ok(sampled) => sampled,
        Err(told) => {
            say!("{told}\n\n{}: violations: 1 (seed {})", stage.name, args.seed);
            return ExitCode::FAILURE;
        }
    };
    let search =
        Search { stage, seed: args.seed, plan: &args.plan, images: args.images, threads: args.threads };
    let crashes = Instant::now();
    let progress = Progress::default();
    let outcome = std::thread::scope(|scope| {
        let search = scope.spawn(|| search.run(&progress));
        let end = match args.images {
            Some(images) => End::Images(images),
            None => End::At(start + Duration::from_secs(args.seconds)),
        };
        watch(args.quiet, &end, crashes, &progress, || search.is_finished());
        search.join()
    });
    let Ok(outcome) = outcome else { return ExitCode::FAILURE };
    let took = crashes.elapsed();
    if let Some(violation) = &outcome.violation {
        let told = story::tell(stage, violation, &mut |name, image| keep(args.keep.as_deref(), name, image));
        say!(
            "{told}\nAgain: cargo xtask crash --engine {} --only-crashes --seed {} --images 1{}\n",
            stage.name,
            violation.seed,
            more_flags(args)
        );
    }
    say!("{}{sampled}", summary(stage.name, &outcome, args.seed, took));
    ExitCode::from(u8::from(outcome.violation.is_some()))
}

/// Tries every short workload.
fn exhaust(args: &Args, stage: &'static Stage, longest: u32) -> ExitCode {
    let all = Exhaustive { stage, seed: args.seed, longest, threads: args.threads };
    let (progress, start) = (Progress::default(), Instant::now());
    let outcome = std::thread::scope(|scope| {
        let search = scope.spawn(|| all.run(&progress));
        watch(args.quiet, &End::Workloads(all.words()), start, &progress, || search.is_finished());
        search.join()
    });
    let Ok(outcome) = outcome else { return ExitCode::FAILURE };
    let took = start.elapsed();
    if let Some(violation) = &outcome.violation {
        let told = story::tell(stage, violation, &mut |name, image| keep(args.keep.as_deref(), name, image));
        let (engine, seed) = (stage.name, args.seed);
        say!("{told}\nAgain: cargo xtask crash --engine {engine} --exhaustive {longest} --seed {seed}\n");
    }
    say!(
        "{}: every workload of at most {longest} operations: {} workloads, {} images, {} more equal to one of them, \
         in {:.1} s, {} a second (seed {}); violations: {}",
        stage.name,
        outcome.workloads,
        outcome.tally.images(),
        outcome.tally.equal,
        took.as_secs_f64(),
        per_second(outcome.tally.images(), took),
        args.seed,
        u8::from(outcome.violation.is_some()),
    );
    ExitCode::from(u8::from(outcome.violation.is_some()))
}

/// The flags that decide what a seed means.
fn more_flags(args: &Args) -> String {
    let default = Plan::default();
    let kinds: Vec<_> = args.plan.kinds.iter().map(|kind| format!("K{}", *kind as u8)).collect();
    let kinds = (args.plan.kinds != default.kinds).then(|| format!(" --kinds {}", kinds.join(",")));
    let depth = (args.plan.depth != default.depth).then(|| format!(" --depth {}", args.plan.depth));
    [kinds, depth].into_iter().flatten().collect()
}

/// One in so many calls that fail, and one in so many injuries: what is left to the tests, in another draw.
const ONE_IN: u64 = 8;

/// A sample of failing calls and of injuries; `Err` is a broken promise, told.
fn sample(stage: &'static Stage, seed: u64) -> Result<String, String> {
    let sync = if seed.is_multiple_of(2) { "every-write" } else { "on-request" };
    let options = faults::busiest_options(stage, sync).map_err(|e| e.to_string())?;
    let calls = faults::every_call(stage, &options, seed, ONE_IN).map_err(|e| e.to_string())?;
    let mut injuries = damage::Tally::default();
    for fixture in damage::Fixture::all(stage, seed..seed + 1).map_err(|e| e.to_string())? {
        let tally = damage::every_injury(&fixture, seed, ONE_IN);
        injuries.add(&tally.map_err(|e| format!("{} breaks {e}", stage.name))?);
    }
    Ok(format!("; {} failing calls, {} injuries", calls.struck, injuries.injuries()))
}

/// When a search ends.
enum End {
    /// With so many images.
    Images(u64),
    /// With so many workloads.
    Workloads(u64),
    /// At this time.
    At(Instant),
}

/// Shows how far a search is, and stops it when its time is over.
fn watch(quiet: bool, end: &End, began: Instant, progress: &Progress, finished: impl Fn() -> bool) {
    let bar = match end {
        _ if quiet => ProgressBar::hidden(),
        End::Images(count) | End::Workloads(count) => ProgressBar::new(*count),
        End::At(_) => ProgressBar::new_spinner(),
    };
    let template = match end {
        End::Images(_) => "{spinner} {wide_bar} {human_pos}/{human_len} images, {msg}",
        End::Workloads(_) => "{spinner} {wide_bar} {human_pos}/{human_len} workloads, {eta} left, {msg}",
        End::At(_) => "{spinner} {elapsed} {human_pos} images, {msg}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    while !finished() {
        let images = progress.images.load(Ordering::Relaxed);
        let workloads = progress.workloads.load(Ordering::Relaxed);
        bar.set_position(if matches!(end, End::Workloads(_)) { workloads } else { images });
        bar.set_message(format!("{} images a second", HumanCount(per_second(images, began.elapsed()))));
        if matches!(end, End::At(end) if Instant::now() >= *end) {
            progress.stop.store(true, Ordering::Relaxed);
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    bar.finish_and_clear();
}

fn per_second(images: u64, took: Duration) -> u64 {
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    images.saturating_mul(1000) / millis
}

fn summary(engine: &str, outcome: &Outcome, seed: u64, took: Duration) -> String {
    let tally = &outcome.tally;
    let kinds: Vec<_> = tally.by_kind.iter().enumerate().map(|(k, n)| format!("K{k} {n}")).collect();
    format!(
        "{engine}: {} images of {} workloads in {:.1} s, {} a second (seed {seed}); {}; {} inside a recovery (K7), \
         {} inside a merge, {} refused under torn sectors; violations: {}",
        tally.images(),
        outcome.workloads,
        took.as_secs_f64(),
        per_second(tally.images(), took),
        kinds.join(", "),
        tally.in_recovery,
        tally.in_merge,
        tally.refused,
        u8::from(outcome.violation.is_some()),
    )
}

/// Writes the files of an image into a folder.
fn keep(dir: Option<&Path>, name: &str, image: &SimFs) {
    let Some(dir) = dir.map(|dir| dir.join(name)) else { return };
    let written = std::fs::create_dir_all(&dir).and_then(|()| {
        image.contents().iter().try_for_each(|(file, bytes)| std::fs::write(dir.join(file), bytes))
    });
    match written {
        Ok(()) => eprintln!("crash: the files are in {}", dir.display()),
        Err(e) => eprintln!("crash: cannot keep the files in {}: {e}", dir.display()),
    }
}
