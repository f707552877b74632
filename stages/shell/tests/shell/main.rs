//! The shell on the in-memory oracle, through its public function: what is printed where, and with which status.
#![expect(clippy::disallowed_methods, reason = "the file of an import is made here")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod commands;
mod scripts;
mod stages;
mod upkeep;

use contract::{Stage, oracle};
use std::fmt::Write;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) status: u8,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

pub(crate) fn run_on(stage: &'static Stage, args: &[&str], input: impl AsRef<[u8]>) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = ["program"].iter().chain(args);
    let status = shell::run(stage, args, input.as_ref(), &mut out, &mut err);
    Ran { status, out, err: String::from_utf8(err).unwrap() }
}

/// Runs a script, which ends well, and returns its results.
pub(crate) fn results(script: &str) -> String {
    let ran = script_of(&[], script);
    assert_eq!(ran.status, 0, "{}", ran.err);
    String::from_utf8(ran.out).unwrap()
}

pub(crate) fn script_of(args: &[&str], script: &str) -> Ran {
    run_on(&oracle::STAGE, args, script)
}

/// Quotes every byte, so as not to lean on the shell's own quoting.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in bytes {
        write!(text, "\\x{byte:02X}").unwrap();
    }
    text + "\""
}
