//! Standard output of the programs that judge: results go there, also into pipes.
#![expect(clippy::print_stderr, reason = "where the output cannot be written, this is the only other place")]

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::exit;

/// Writes to standard output. Who read there may have seen enough and gone; then the program ends without a word, with
/// status 1, for it has not said everything. Where the output cannot be written otherwise, it says so and ends.
pub fn say(text: impl Display) {
    let mut out = io::stdout().lock();
    if let Err(error) = write!(out, "{text}").and_then(|()| out.flush()) {
        if error.kind() != ErrorKind::BrokenPipe {
            eprintln!("cannot write the output: {error}");
        }
        exit(1);
    }
}
