//! The one command line of every stage: at a prompt, in a pipe and with arguments, with the same commands.
//!
//! A stage's `main.rs` calls [`main`] with its [`Stage`] and is done. The shell knows an engine only through that
//! value and through the trait; it never asks which one it is.
//!
//! **Layout**
//!
//! ```text
//! cli ──> argv into a call ─────┐
//! prompt, script ──> grammar ───┴─> command ──> entries | transfer | look | options | tour | special ──> output
//!    └─> complete                   (table)     the commands, on a session                           two streams
//! ```
//!
//! **Invariants**
//! 1. Results go to standard output, everything else to standard error.
//! 2. The exit status is 0 for done, 1 for an absent key or a precondition that is not met, 2 for wrong usage, 3 for
//!    a store's error or damage that was found; 130 after Ctrl-C.
//! 3. A closed pipe ends the shell quietly, and with a closed store.
//! 4. Whatever is listed goes out as it is read; no command holds a whole store in memory.
#![forbid(unsafe_code)]
#![cfg(unix)]

mod call;
mod cli;
mod command;
mod complete;
mod entries;
mod failure;
mod grammar;
mod interrupt;
mod look;
mod options;
mod output;
mod place;
mod prompt;
mod report;
mod session;
mod special;
mod tour;
mod transfer;

use cli::Invocation;
use contract::Stage;
use failure::Outcome;
use interrupt::Interruptible;
use output::Output;
use session::{Input, Session};
use std::ffi::OsString;
use std::io::{self, BufReader, IsTerminal, Read, Write};
use std::process::ExitCode;

/// Runs a stage's shell on the process's own arguments and streams.
pub fn main(stage: &'static Stage) -> ExitCode {
    let input = BufReader::with_capacity(64 << 10, Box::new(Interruptible(io::stdin())) as Box<dyn Read>);
    let prompt = io::stdin().is_terminal() && io::stdout().is_terminal();
    ExitCode::from(shell(stage, std::env::args_os(), input, Output::of_process(), prompt))
}

/// Runs a stage's shell on arguments and streams of the caller's choice, as a pipe would, and returns its exit
/// status. The first argument is the program's name.
pub fn run(
    stage: &'static Stage,
    args: impl IntoIterator<Item = impl Into<OsString>>,
    input: impl Read,
    results: impl Write,
    remarks: impl Write,
) -> u8 {
    let input = BufReader::new(Box::new(input) as Box<dyn Read + '_>);
    shell(stage, args.into_iter().map(Into::into), input, Output::new(results, remarks), false)
}

fn shell(
    stage: &'static Stage,
    args: impl Iterator<Item = OsString>,
    input: Input<'_>,
    mut output: Output<'_>,
    prompt: bool,
) -> u8 {
    let invocation = match Invocation::parse(stage, args) {
        Ok(invocation) => invocation,
        Err(refusal) => return refusal.tell(&mut output),
    };
    let mut session = Session::new(stage, invocation.place, input, output);
    session.options = invocation.options;
    session.json = invocation.json;
    session.upkeep = invocation.upkeep;
    let status = match invocation.request {
        Some((command, call)) => match session.run(&command, &call) {
            Ok(Outcome::Done | Outcome::Quit) => 0,
            Ok(Outcome::Absent) => 1,
            Err(failure) => session.fail(&failure, None),
        },
        None if prompt => prompt::run(&mut session),
        None => session.run_script(invocation.keep_going),
    };
    session.end(status)
}
