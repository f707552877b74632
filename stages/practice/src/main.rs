//! What `cargo xtask practice`, `check`, `new` and `mine` start.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    practice::command::main()
}
