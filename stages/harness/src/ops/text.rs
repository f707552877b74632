//! Operations as lines of text, and back: what a failure prints is what a replay reads.
//!
//! **Layout** One operation a line, words between spaces. `#` begins a comment.
//!
//! ```text
//! put KEY VALUE        put-if-absent KEY VALUE      delete KEY
//! get KEY              contains KEY                 explain KEY
//! batch put KEY VALUE ; delete KEY ; …              scan-prefix KEY
//! scan >=KEY <KEY      hold >KEY <=KEY              either bound may be left out
//! release  sync  compact  step  verify  close  drop  kill
//! ```
//!
//! A word of bytes is pieces joined by `+`. A piece is plain letters, digits and `_ - . / : ~`, or quoted with `\"`,
//! `\\` and `\xNN` inside, and `*N` repeats it: `"\x00"*4096+end`. An empty word is `""`.
//!
//! **Invariants** `parse(to_text(ops)) == ops` for every list of operations.

mod read;

use super::{Op, Range};
use contract::Batch;
use std::fmt::{self, Write as _};
use std::ops::Bound;

pub(crate) use read::{Word, op, words};

/// A line that makes no sense.
#[derive(Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Which line, counted from 1; 0 where there is only one.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for ParseError {}

/// One operation a line.
pub fn to_text(ops: &[Op]) -> String {
    ops.iter().fold(String::new(), |mut text, op| {
        writeln!(text, "{op}").expect("writing to a string cannot fail");
        text
    })
}

/// Reads operations, one a line; empty lines and comments are skipped.
pub fn parse(text: &str) -> Result<Vec<Op>, ParseError> {
    let mut ops = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let words = words(line).map_err(|what| ParseError { line: i + 1, what })?;
        if !words.is_empty() {
            ops.push(op(&words).map_err(|what| ParseError { line: i + 1, what })?);
        }
    }
    Ok(ops)
}

/// Bytes as a word that [`parse`] reads back.
pub fn show_bytes(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "\"\"".into();
    }
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let run = rest.iter().take_while(|byte| **byte == first).count();
        if run > LONG_RUN {
            pieces.push(format!("{}*{run}", piece(&[first])));
            rest = &rest[run..];
            continue;
        }
        let stop = (1..rest.len()).find(|&i| starts_long_run(&rest[i..])).unwrap_or(rest.len());
        pieces.push(piece(&rest[..stop]));
        rest = &rest[stop..];
    }
    pieces.join("+")
}

/// Equal bytes in a row that are worth a `*N`.
const LONG_RUN: usize = 8;

fn starts_long_run(bytes: &[u8]) -> bool {
    bytes.len() > LONG_RUN && bytes[..=LONG_RUN].iter().all(|byte| *byte == bytes[0])
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-./:~".contains(&byte)
}

fn piece(bytes: &[u8]) -> String {
    if bytes.iter().all(|byte| is_plain(*byte)) {
        return bytes.iter().map(|byte| char::from(*byte)).collect();
    }
    let mut text = String::from("\"");
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => write!(text, "\\x{byte:02x}").expect("writing to a string cannot fail"),
        }
    }
    text.push('"');
    text
}

pub(super) fn show(op: &Op, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let b = show_bytes;
    match op {
        Op::Put { key, value } => write!(f, "put {} {}", b(key), b(value)),
        Op::Delete { key } => write!(f, "delete {}", b(key)),
        Op::Batch(batch) => show_batch(batch, f),
        Op::PutIfAbsent { key, value } => write!(f, "put-if-absent {} {}", b(key), b(value)),
        Op::Get { key } => write!(f, "get {}", b(key)),
        Op::Contains { key } => write!(f, "contains {}", b(key)),
        Op::Explain { key } => write!(f, "explain {}", b(key)),
        Op::Scan(range) => write!(f, "scan{range}"),
        Op::ScanPrefix { prefix } => write!(f, "scan-prefix {}", b(prefix)),
        Op::Hold(range) => write!(f, "hold{range}"),
        _ => f.write_str(BARE.iter().find(|(_, bare)| bare == op).map_or("", |(name, _)| name)),
    }
}

/// The operations that are one word.
const BARE: [(&str, Op); 8] = [
    ("release", Op::Release),
    ("sync", Op::Sync),
    ("compact", Op::Compact),
    ("step", Op::Step),
    ("verify", Op::Verify),
    ("close", Op::Close),
    ("drop", Op::Drop),
    ("kill", Op::Kill),
];

fn show_batch(batch: &Batch, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("batch")?;
    for (i, entry) in batch.iter().enumerate() {
        let semicolon = if i == 0 { "" } else { " ;" };
        match entry.value {
            Some(value) => write!(f, "{semicolon} put {} {}", show_bytes(entry.key), show_bytes(value))?,
            None => write!(f, "{semicolon} delete {}", show_bytes(entry.key))?,
        }
    }
    Ok(())
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.start {
            Bound::Included(key) => write!(f, " >={}", show_bytes(key))?,
            Bound::Excluded(key) => write!(f, " >{}", show_bytes(key))?,
            Bound::Unbounded => {}
        }
        match &self.end {
            Bound::Included(key) => write!(f, " <={}", show_bytes(key)),
            Bound::Excluded(key) => write!(f, " <{}", show_bytes(key)),
            Bound::Unbounded => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Shape, generate};

    #[test]
    fn what_is_printed_reads_back() {
        for seed in 0..300 {
            let ops = generate(seed, &Shape::default());
            let text = to_text(&ops);
            assert_eq!(parse(&text).as_ref(), Ok(&ops), "seed {seed}:\n{text}");
        }
    }

    #[test]
    fn long_runs_are_short_and_odd_bytes_are_quoted() {
        let bytes = [&b"a b\"\\"[..], &[0; 4096], b"\xff+*"].concat();
        assert_eq!(show_bytes(&bytes), r#""a b\"\\"+"\x00"*4096+"\xff+*""#);
        assert_eq!(show_bytes(b""), r#""""#);
        assert_eq!(show_bytes(b"JP/Tokyo"), "JP/Tokyo");
    }

    #[test]
    fn nonsense_is_refused_with_its_line() {
        for line in ["putt a b", "put a", "put \"a b", "scan a", "sync now", "put a b|c", "put \"\\q\" a"] {
            let error = parse(&format!("sync\n\n{line}  # here\n")).unwrap_err();
            assert_eq!(error.line, 3, "{line}: {error}");
        }
    }
}
