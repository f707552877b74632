//! The crash lab's command line: `cargo xtask crash --engine stage1 --seconds 60 --seed 1`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person at a terminal")]
#![expect(clippy::disallowed_methods, reason = "it runs for a time, and keeps the files of a failure")]

use harness::crash::lab::{Outcome, Progress, Search};
use harness::crash::{Plan, story};
use harness::registry::{find, registry};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use vfs::sim::{CrashKind, SimFs};

const HELP: &str = "\
Simulates crashes: runs small workloads on a simulated disk, crashes before every call that changes something, opens
what is left, judges it, goes on, and crashes again, inside the recovery too.

Usage: cargo xtask crash [OPTIONS]

  --engine NAME     which engine (default stage1); also one that keeps nothing, to see what it loses
  --seconds N       how long (default 60)
  --images N        until so many images instead: the same seed then gives the same run on every machine
  --seed N          what everything is drawn from (default 1)
  --kinds K0,K3     only these kinds of crash
                      K0 the process is killed          K4 some pages landed, others hold junk
                      K1 everything landed in order     K5 sizes and bytes landed apart
                      K2 each file a prefix of its own  K6 some names landed
                      K3 some pages landed
  --depth N         how many crashes one after the other (default 3)
  --threads N       how many threads (default: one for each core)
  --keep DIR        write the files of a violation into folders in DIR
  --quiet           no progress display
  -h, --help        this text

Exit status: 0 nothing broke, 1 a promise was broken (told on stdout), 2 wrong usage.
";

struct Args {
    engine: String,
    seconds: u64,
    images: Option<u64>,
    seed: u64,
    plan: Plan,
    threads: usize,
    keep: Option<PathBuf>,
    quiet: bool,
}

fn main() -> ExitCode {
    match parse() {
        Ok(Some(args)) => run(&args),
        Ok(None) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
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
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("engine") => args.engine = parser.value()?.string()?,
            Long("seconds") => args.seconds = parser.value()?.parse()?,
            Long("images") => args.images = Some(parser.value()?.parse()?),
            Long("seed") => args.seed = parser.value()?.parse()?,
            Long("kinds") => args.plan.kinds = kinds(&parser.value()?.string()?)?,
            Long("depth") => args.plan.depth = parser.value()?.parse()?,
            Long("threads") => args.threads = parser.value()?.parse()?,
            Long("keep") => args.keep = Some(parser.value()?.into()),
            Long("quiet") => args.quiet = true,
            Long("help") | Short('h') => return Ok(None),
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

fn run(args: &Args) -> ExitCode {
    let Some(stage) = find(&args.engine) else {
        let names: Vec<_> = registry().iter().map(|stage| stage.name).collect();
        eprintln!("crash: there is no engine «{}»; there are: {}", args.engine, names.join(", "));
        return ExitCode::from(2);
    };
    let search =
        Search { stage, seed: args.seed, plan: &args.plan, images: args.images, threads: args.threads };
    let start = Instant::now();
    let progress = Progress::default();
    let outcome = std::thread::scope(|scope| {
        let search = scope.spawn(|| search.run(&progress));
        watch(args, start, &progress, || search.is_finished());
        search.join()
    });
    let Ok(outcome) = outcome else { return ExitCode::FAILURE };
    let took = start.elapsed();
    if let Some(violation) = &outcome.violation {
        let told = story::tell(stage, violation, &mut |name, image| keep(args.keep.as_deref(), name, image));
        println!(
            "{told}\nAgain: cargo xtask crash --engine {} --seed {} --images 1\n",
            stage.name, violation.seed
        );
    }
    println!("{}", summary(stage.name, &outcome, args.seed, took));
    ExitCode::from(u8::from(outcome.violation.is_some()))
}

/// Shows how far a search is, and stops it when its time is over.
fn watch(args: &Args, start: Instant, progress: &Progress, finished: impl Fn() -> bool) {
    let bar = match args.images {
        _ if args.quiet => ProgressBar::hidden(),
        Some(images) => ProgressBar::new(images),
        None => ProgressBar::new_spinner(),
    };
    let template = if args.images.is_some() {
        "{spinner} {wide_bar} {human_pos}/{human_len} images, {msg}"
    } else {
        "{spinner} {elapsed} {human_pos} images, {msg}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    while !finished() {
        let images = progress.images.load(Ordering::Relaxed);
        bar.set_position(images);
        bar.set_message(format!("{} a second", HumanCount(per_second(images, start.elapsed()))));
        if args.images.is_none() && start.elapsed() >= Duration::from_secs(args.seconds) {
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
         {} refused under torn sectors; violations: {}",
        tally.images(),
        outcome.workloads,
        took.as_secs_f64(),
        per_second(tally.images(), took),
        kinds.join(", "),
        tally.in_recovery,
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
