//! Inputs that are kept: those that once showed a mistake, and one of each kind besides. The tests try them again.
//!
//! **Layout** A text file for each, `fuzz/kept/TARGET/NAME.txt` in this package: lines of why it is kept, each behind a `#`; a
//! line `expect` with what becomes of it; the input in hexadecimal digits, of which blanks and ends of lines count nothing.
//!
//! **Invariants** What becomes of an input is part of it. So a change to the small stores, after which an input is
//! about something else, does not go by unnoticed.

use super::{TARGETS, Target, Verdict};

/// An input that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What must become of it.
    pub expect: Verdict,
    /// The input.
    pub input: Vec<u8>,
}

impl Kept {
    /// Reads one, or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut expect = None;
        let mut input = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix("expect ") {
                let found = Verdict::ALL.into_iter().find(|verdict| verdict.name() == name.trim());
                expect = Some(found.ok_or_else(|| format!("there is no verdict «{name}»"))?);
            } else {
                input.extend(from_hex(line)?);
            }
        }
        Ok(Self { expect: expect.ok_or("no line says what to expect")?, input })
    }
}

/// Bytes as hexadecimal digits.
pub fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}

/// Hexadecimal digits as bytes; blanks are skipped.
pub fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok();
    let wrong = || format!("these are not hexadecimal digits, two for a byte: «{text}»");
    let whole = digits.len().is_multiple_of(2) && digits.iter().all(char::is_ascii_hexdigit);
    digits.chunks(2).map(|pair| byte(pair).filter(|_| whole).ok_or_else(wrong)).collect()
}

/// The folder of a target's kept inputs.
pub fn folder(target: &Target) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/kept").join(target.name)
}

/// Every target's folder, for a test that no input lies where nobody tries it.
pub fn folders() -> impl Iterator<Item = (&'static Target, std::path::PathBuf)> {
    TARGETS.iter().map(|target| (target, folder(target)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_come_back_and_others_are_refused() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(from_hex(&to_hex(&bytes)).unwrap(), bytes);
        assert_eq!(from_hex("0 1\n02").unwrap(), [1, 2]);
        for wrong in ["0", "0g", "+1"] {
            from_hex(wrong).unwrap_err();
        }
    }

    #[test]
    fn a_kept_input_says_why_and_what_to_expect() {
        let kept = Kept::parse("# why\nexpect taken\n00 01\nff\n").unwrap();
        assert_eq!(kept, Kept { expect: Verdict::Taken, input: vec![0, 1, 255] });
        assert!(Kept::parse("00").unwrap_err().contains("expect"));
        assert!(Kept::parse("expect joy").unwrap_err().contains("joy"));
    }
}
