//! Compaction without a disk: `cargo xtask simulate --strategy leveled --workload overwrite`.
//!
//! **Layout** [`args`] reads what is wanted, [`mod@print`] says what came of it; the simulation itself is in stage 3.
#![forbid(unsafe_code)]

mod args;
mod print;

use args::Args;
use stage3::compaction::simulate::figures::{Textbook, ratio};
use stage3::compaction::simulate::{Simulation, Step};
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// Why it ended early.
enum End {
    Usage(String),
    Restless(String),
    Output(io::Error),
}

impl From<lexopt::Error> for End {
    fn from(error: lexopt::Error) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

fn main() -> ExitCode {
    let mut errors = io::stderr().lock();
    let told = match args::parse().and_then(|args| args.map_or_else(help, |args| run(&args))) {
        Ok(()) => return ExitCode::SUCCESS,
        // Whoever read it has seen enough.
        Err(End::Output(error)) if error.kind() == ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
        Err(End::Output(error)) => (format!("cannot write what it came to: {error}"), 1),
        Err(End::Restless(what)) => (what, 1),
        Err(End::Usage(what)) => (format!("{what}\n\n{}", args::HELP), 2),
    };
    // Best effort: there is nobody else to tell.
    let _ = writeln!(errors, "simulate: {}", told.0);
    ExitCode::from(told.1)
}

fn help() -> Result<(), End> {
    Ok(io::stdout().write_all(args::HELP.as_bytes())?)
}

fn run(args: &Args) -> Result<(), End> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut simulation = Simulation::new(args.setup);
    let mut since = Step::default();
    for step in 1..=args.steps {
        let done = simulation.step().map_err(|restless| End::Restless(restless.to_string()))?;
        since.flushed += done.flushed;
        since.compactions += done.compactions;
        since.read += done.read;
        since.written += done.written;
        if step == args.steps || args.every > 0 && step.is_multiple_of(args.every) {
            let done = std::mem::take(&mut since);
            if args.json {
                writeln!(out, "{}", print::step_json(step, &done, &simulation))?;
            } else {
                print::draw(&mut out, step, &done, &simulation)?;
            }
        }
    }
    let figures = simulation.figures();
    let setup = &args.setup;
    let sizes = ratio(figures.live_bytes, u64::from(setup.flush_entries).saturating_mul(setup.entry_bytes));
    let textbook = Textbook::new(&setup.rules, sizes, figures.steps);
    if args.json {
        writeln!(out, "{}", print::figures_json(&figures, &textbook))?;
    } else {
        print::table(&mut out, setup, &figures, &textbook, sizes)?;
    }
    Ok(out.flush()?)
}
