//! The command line of stage 3.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    shell::main(&stage3::STAGE)
}
