//! The crash lab's command line, for the engines of this workspace.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    harness::crash::command::main()
}
