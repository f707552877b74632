//! The command line of stage 1.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    shell::main(&stage1::STAGE)
}
