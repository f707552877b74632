//! The command line of stage 2.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    shell::main(&stage2::STAGE)
}
