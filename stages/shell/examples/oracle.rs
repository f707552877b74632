//! A shell on the in-memory oracle: everything works, and nothing outlives the process.

use std::process::ExitCode;

fn main() -> ExitCode {
    shell::main(&contract::oracle::STAGE)
}
