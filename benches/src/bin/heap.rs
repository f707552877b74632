//! Measures single cells of the benchmark with an allocator that counts what is alive.
//!
//! It is a program of its own, so that no other figure pays for the counting. The benchmark starts it.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "a program says what it did")]

use benches::command;
use peak_alloc::PeakAlloc;
use std::process::ExitCode;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.as_slice() {
        [what, spec] => command::inner(what, spec, Some(|| HEAP.current_usage())),
        _ => Err(anyhow::anyhow!("this program is for the benchmark's own use")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::from(3)
        }
    }
}
