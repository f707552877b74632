//! The project's own commands: everything CI does, the book, the benchmark, the crash lab, the simulator, the judge,
//! the fuzzer, the museum, branch coverage, and tidiness.
//!
//! | module | what it does |
//! |---|---|
//! | [`ci`] | runs every check, one after another, and says how long each took |
//! | [`tidy`] | checks the source for what neither rustfmt nor clippy can see |
//! | [`book`] | builds the book, shows it, and finds where it and the code have drifted apart |
//! | [`mod@bench`] | builds the benchmark, with rivals if asked, and knows the runs that the book shows |
//! | [`fuzz`] | the fuzzer, by itself or under libFuzzer |
//! | [`workspace`] | where things lie, and how cargo is called |
//!
//! **Invariants** Compiles in seconds, since every command waits for it. What is heavy, mdBook above all, is behind
//! the feature `book`, and is built only when the book is asked for.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person at a terminal")]
#![expect(clippy::disallowed_methods, reason = "it reads and writes the source tree and times its own steps")]

pub mod bench;
pub mod book;
pub mod ci;
pub mod fuzz;
pub mod tidy;
pub mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

const HELP: &str = "\
The project's own commands.

Usage: cargo xtask COMMAND [ARGUMENTS]

  ci      run every check that CI runs, and say how long each took
            --skip STEP       leave a step out (may be repeated); --list names them
  book    build the book into book/book
            --open            and show it in a browser
            serve [--port N]  serve it, and rebuild it when a page is asked for after a change
            --check           fail where book and code have drifted apart
            --update          rewrite the transcripts and tables from what the programs say now
  bench   measure the engines (built for release); cargo xtask bench --help tells the rest
            --rivals LIST     and beside them fjall, redb, lmdb, sled, tinkv, rocksdb, or some of these
            stage1, stage2, stage3  the runs whose figures the book shows; what follows changes them
            contract --rivals  what the contract asks of our engines, asked of these
            pieces            memtable, table, filter, cache, keydir, log and checksum by themselves, by Criterion
  crash   simulate crashes (built for release); cargo xtask crash --help tells the rest
  simulate  run a compaction strategy over a workload without a disk; cargo xtask simulate --help tells the rest
  judge   an engine beside the model, or its files under every injury; cargo xtask judge --help tells the rest
  fuzz    bytes that nobody would write, for everything that reads bytes; cargo xtask fuzz --help tells the rest
  mutants take one safeguard at a time out of a copy of the code, and see which test notices
  coverage  which branches the tests take both ways, and why not the others (needs nightly); --help tells the rest
  museum  make old mistakes of other stores again, in a copy of the code, and see each caught; --help tells the rest
  schedules  play readers, writers and upkeep in one schedule of their threads after the other; --help tells the rest
  practice  make a crate of your own from a stage, with functions left open; --help tells the rest
  check   run the exercises' tests in it: what is green, what is red, what is next (--hint, --solution)
  new     make a crate of your own that begins as the book's first engine
  mine    your engine at its shell, before the judge, in the crash lab, in the benchmark
  tidy    check the source for what neither rustfmt nor clippy can see
  help    this text
";

/// What a command came to: done, failed with a message, or failed after having said why.
#[derive(Debug)]
pub enum Failure {
    /// The arguments make no sense.
    Usage(String),
    /// What went wrong, not yet printed.
    Message(String),
    /// A child's exit code, to be passed on; it has printed its own message.
    Code(u8),
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Message(message)
    }
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        Self::Usage(error.to_string())
    }
}

/// Runs one command: 0 done, 1 a check failed, 2 wrong usage, else what the child returned.
pub fn run(args: Vec<OsString>) -> ExitCode {
    match dispatch(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Code(code)) => ExitCode::from(code),
        Err(Failure::Message(message)) => {
            eprintln!("xtask: {message}");
            ExitCode::from(1)
        }
        Err(Failure::Usage(message)) => {
            eprintln!("xtask: {message}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

/// The commands that are programs of their own have their own help.
const OWN_HELP: [&str; 13] = [
    "bench",
    "crash",
    "simulate",
    "judge",
    "fuzz",
    "schedules",
    "mutants",
    "coverage",
    "museum",
    "practice",
    "check",
    "new",
    "mine",
];

fn dispatch(args: Vec<OsString>) -> Result<(), Failure> {
    let mut args = args.into_iter();
    let command = args.next().unwrap_or_else(|| "help".into());
    let rest: Vec<OsString> = args.collect();
    let own_help = OWN_HELP.contains(&command.to_string_lossy().as_ref());
    if !own_help && rest.iter().any(|arg| arg == "--help" || arg == "-h") {
        print!("{HELP}");
        return Ok(());
    }
    match command.to_string_lossy().as_ref() {
        "ci" => ci::run(&rest),
        "book" => book::run(&rest),
        "tidy" => tidy::run(),
        "bench" => bench::run(&rest),
        "crash" => workspace::run_release("harness", "crash", &rest),
        "simulate" => workspace::run_release("harness", "simulate", &rest),
        "judge" => workspace::run_release("harness", "judge", &rest),
        "fuzz" => fuzz::run(&rest),
        "mutants" => workspace::run_release("harness", "mutants", &rest),
        "coverage" => workspace::run("harness", "coverage", &rest),
        "museum" => workspace::run("harness", "museum", &rest),
        "schedules" => workspace::run("harness", "schedules", &rest),
        own @ ("practice" | "check" | "new" | "mine") => {
            let args: Vec<OsString> = std::iter::once(own.into()).chain(rest).collect();
            workspace::run("practice", "practice", &args)
        }
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(Failure::Usage(format!("there is no command «{other}»"))),
    }
}
