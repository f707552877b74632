//! The book: built, shown, and held to the code that it is about.
//!
//! **Layout** [`page`] reads a page's blocks and includes, [`check`] compares them with the tree, [`results`] holds
//! tables to the benchmark's figures, [`transcript`] reads what a page says one can type, [`links`] follows the links
//! of the built pages. `render` and `serve` need mdBook and exist only with the feature `book`: without it, this
//! program starts itself again with it.
//!
//! **Invariants** Nothing in the book is pasted. Code is included by anchor, output is what a program printed, and
//! tables are written by the benchmark; whatever differs fails `--check`.

pub mod check;
pub mod links;
pub mod page;
#[cfg(feature = "book")]
mod render;
pub mod results;
#[cfg(feature = "book")]
mod serve;
pub mod transcript;

use crate::{Failure, workspace};
use std::ffi::OsString;

/// What to do with the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Build {
        open: bool,
    },
    Serve {
        port: u16,
    },
    /// With the transcripts, unless the tests have just run them.
    Check {
        transcripts: bool,
    },
    Update,
}

/// Builds, serves, checks or updates the book.
pub fn run(args: &[OsString]) -> Result<(), Failure> {
    let task = parse(args)?;
    match task {
        Task::Update => return update(),
        // What needs no mdBook fails first. The program that is started next has the feature and comes past here.
        Task::Check { transcripts } if !cfg!(feature = "book") => check_without_rendering(transcripts)?,
        _ => {}
    }
    with_renderer(task, args)
}

fn parse(args: &[OsString]) -> Result<Task, Failure> {
    let mut task = Task::Build { open: false };
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            lexopt::Arg::Long("open") => task = Task::Build { open: true },
            lexopt::Arg::Long("check") => task = Task::Check { transcripts: true },
            lexopt::Arg::Long("no-transcripts") if matches!(task, Task::Check { .. }) => {
                task = Task::Check { transcripts: false };
            }
            lexopt::Arg::Long("update") => task = Task::Update,
            lexopt::Arg::Long("port") => {
                let value = parser.value()?.to_string_lossy().into_owned();
                let port = value.parse().map_err(|_| Failure::Usage(format!("«{value}» is no port")))?;
                task = Task::Serve { port };
            }
            lexopt::Arg::Value(word) if word == "serve" => {
                if !matches!(task, Task::Serve { .. }) {
                    task = Task::Serve { port: 3000 };
                }
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(task)
}

#[cfg(feature = "book")]
fn with_renderer(task: Task, _args: &[OsString]) -> Result<(), Failure> {
    match task {
        Task::Build { open } => render::build_and_tell(open),
        Task::Serve { port } => serve::serve(port),
        Task::Check { .. } => render::check(),
        Task::Update => Ok(()),
    }
}

#[cfg(not(feature = "book"))]
fn with_renderer(_task: Task, args: &[OsString]) -> Result<(), Failure> {
    let mut command = workspace::cargo("run");
    command.args(["--profile", "tool", "--package", "xtask", "--features", "book", "--", "book"]).args(args);
    workspace::pass_on(&mut command)
}

/// Pages against the tree, tables against the benchmark's figures, transcripts against the programs.
fn check_without_rendering(and_transcripts: bool) -> Result<(), Failure> {
    let mut findings = check::book(&workspace::root())?;
    findings.extend(results::check()?);
    for finding in &findings {
        println!("error: {}:{}: {}", finding.file, finding.line, finding.what);
    }
    println!("book: contents, includes and tables: {} errors", findings.len());
    match (findings.is_empty(), and_transcripts) {
        (false, _) => Err(Failure::Code(1)),
        (true, true) => transcripts(None),
        (true, false) => Ok(()),
    }
}

fn update() -> Result<(), Failure> {
    results::update()?;
    transcripts(Some("overwrite"))
}

/// Runs the test that types every transcript again.
fn transcripts(snapshots: Option<&str>) -> Result<(), Failure> {
    let mut tests = workspace::cargo("test");
    tests.args(["--quiet", "--package", "xtask", "--test", "book"]);
    if let Some(action) = snapshots {
        tests.env("SNAPSHOTS", action);
    }
    workspace::pass_on(&mut tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(args: &[&str]) -> Option<Task> {
        parse(&args.iter().map(OsString::from).collect::<Vec<_>>()).ok()
    }

    #[test]
    fn arguments_say_what_to_do() {
        assert_eq!(task(&[]), Some(Task::Build { open: false }));
        assert_eq!(task(&["--open"]), Some(Task::Build { open: true }));
        assert_eq!(task(&["serve"]), Some(Task::Serve { port: 3000 }));
        assert_eq!(task(&["serve", "--port", "8080"]), Some(Task::Serve { port: 8080 }));
        assert_eq!(task(&["--port=1", "serve"]), Some(Task::Serve { port: 1 }));
        assert_eq!(task(&["--check"]), Some(Task::Check { transcripts: true }));
        assert_eq!(task(&["--check", "--no-transcripts"]), Some(Task::Check { transcripts: false }));
        assert_eq!(task(&["--no-transcripts"]), None);
        assert_eq!(task(&["--port", "many"]), None);
        assert_eq!(task(&["--chekc"]), None);
    }
}
