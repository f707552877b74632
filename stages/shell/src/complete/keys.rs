//! Completion of keys: those of the running store that start with what was typed.
//!
//! **Invariants**
//! 1. What is offered is, by the grammar, one word that stands for the key.
//! 2. Not all keys may be offered; what those that are begin with is still never taken for what all begin with.
//! 3. Nobody waits at a prompt: keys are looked up only where a scan is known to be quick.
//!
//! **Cost** One scan over the keys that start with what was typed, of which a few are read.

use super::pair;
use crate::grammar;
use contract::{Engine, Stats};
use rustyline::completion::Pair;

/// As many keys as a person cares to look through.
const OFFERED_KEYS: usize = 40;
/// A scan may have to sort every key in memory. So many take stage 2 a tenth of a second where nothing was typed yet, and
/// a hundredth where the first letters were.
const QUICK_KEYS: u64 = 1 << 20;
/// Where keys are not counted, a scan may have to read everything.
const QUICK_BYTES: u64 = 16 << 20;

/// What a word that was begun like this may become.
pub(super) fn candidates(engine: &dyn Engine, begun: &str) -> Vec<Pair> {
    let Some(prefix) = prefix(begun).filter(|_| is_quick(&engine.stats())) else { return Vec::new() };
    // A store that cannot be read says so when it is asked a question, not here.
    let (keys, more) = first_keys(engine, &prefix).unwrap_or_default();
    // Quotes around one are quotes around all: then they still begin alike, and the prompt can go on to where they
    // differ.
    let quoted = begun.starts_with('"') || !keys.iter().all(|key| is_word(key));
    let word = |key: &Vec<u8>| if quoted { grammar::quote(key) } else { grammar::show(key) };
    let mut candidates: Vec<_> = keys.iter().map(|key| pair(word(key))).collect();
    if more {
        candidates.push(Pair { display: "…".into(), replacement: begun.into() });
    }
    candidates
}

fn is_quick(stats: &Stats) -> bool {
    match stats.keys {
        Some(keys) => keys <= QUICK_KEYS,
        None => stats.disk_bytes <= QUICK_BYTES,
    }
}

/// The first keys that start like this, and whether there are more.
fn first_keys(engine: &dyn Engine, prefix: &[u8]) -> contract::Result<(Vec<Vec<u8>>, bool)> {
    let mut cursor = engine.scan_prefix(prefix)?.into_cursor();
    let mut keys = Vec::new();
    while let Some(key) = cursor.key().filter(|_| keys.len() < OFFERED_KEYS) {
        keys.push(key.to_vec());
        cursor.advance()?;
    }
    Ok((keys, cursor.key().is_some()))
}

/// The bytes of a word as far as it was typed; `None` if no more of it makes it one.
fn prefix(begun: &str) -> Option<Vec<u8>> {
    let begun = begun.as_bytes();
    if begun.first() != Some(&b'"') {
        return Some(begun.to_vec());
    }
    // The quotes are still open, and what comes last may be the beginning of an escape: of `\xNN` up to three bytes.
    (0..begun.len().min(4)).find_map(|cut| {
        let (open, escape) = begun.split_at(begun.len() - cut);
        let closed = [open, b"\""].concat();
        let (bytes, rest) = grammar::unquote(&closed).ok()?;
        // They may have been closed before.
        let whole = matches!(rest, b"" | b"\"") && (escape.is_empty() || escape.starts_with(b"\\"));
        whole.then_some(bytes)
    })
}

/// Whether a key can be written without quotes.
fn is_word(key: &[u8]) -> bool {
    let text =
        std::str::from_utf8(key).is_ok_and(|text| !text.contains(|c: char| c.is_control() || c == ' '));
    text && !key.is_empty() && key[0] != b'"' && !key.starts_with(b"--")
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{Batch, KeyRange, Result, Scan, oracle::Oracle};
    use proptest::prelude::*;

    /// What a word may become in a store with these keys.
    fn words(keys: &[&[u8]], begun: &str) -> Vec<String> {
        let engine = Oracle::default();
        for key in keys {
            engine.put(key, b"v").unwrap();
        }
        candidates(&engine, begun).into_iter().map(|pair| pair.replacement).collect()
    }

    #[test]
    fn a_key_that_needs_quotes_is_quoted_and_so_are_those_beside_it() {
        let cities: [&[u8]; 2] = [b"JP/Tokyo", b"US/New York"];
        assert_eq!(words(&cities, "J"), ["JP/Tokyo "]);
        assert_eq!(words(&cities, "US/N"), [r#""US/New York" "#]);
        assert_eq!(words(&cities, r#""US/New Y"#), [r#""US/New York" "#]);
        assert_eq!(words(&cities, r#""JP/T"#), [r#""JP/Tokyo" "#]);
        assert_eq!(words(&cities, ""), [r#""JP/Tokyo" "#, r#""US/New York" "#]);
        assert_eq!(words(&[b"", b"--x", b"\"", b"\xff"], "").concat(), r#""" "\"" "--x" "\xff" "#);
        for begun in [r#""a\"#, r#""a\x"#, r#""a\x0"#, r#""a\x00"#, r#""a\x00""#] {
            assert_eq!(words(&[b"a\0b"], begun), [r#""a\x00b" "#], "{begun}");
        }
        assert!(words(&cities, r#""J"P"#).is_empty());
    }

    #[test]
    fn what_is_not_listed_is_not_ruled_out() {
        let mut keys: Vec<_> = (0..=OFFERED_KEYS).map(|n| format!("a{n:03}").into_bytes()).collect();
        keys.push(b"ab".to_vec());
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let words = words(&keys, "a");
        assert_eq!((words.len(), words.last().map(String::as_str)), (OFFERED_KEYS + 1, Some("a")));
    }

    /// A store whose figures are what the test says and which must not be scanned if they are large.
    struct Figures(Stats);

    impl Engine for Figures {
        fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>> {
            Ok(None)
        }
        fn write(&self, _: &Batch) -> Result<()> {
            Ok(())
        }
        fn scan(&self, range: KeyRange<'_>) -> Result<Scan> {
            assert!(is_quick(&self.0), "it was scanned");
            let engine = Oracle::default();
            engine.put(b"key", b"")?;
            engine.scan(range)
        }
        fn sync(&self) -> Result<()> {
            Ok(())
        }
        fn stats(&self) -> Stats {
            self.0.clone()
        }
    }

    #[test]
    fn a_scan_that_may_take_long_is_not_begun() {
        for (keys, disk_bytes, offered) in [
            (Some(QUICK_KEYS), u64::MAX, 1),
            (Some(QUICK_KEYS + 1), 0, 0),
            (None, QUICK_BYTES, 1),
            (None, QUICK_BYTES + 1, 0),
        ] {
            let stats = Stats { keys, disk_bytes, ..Stats::default() };
            assert_eq!(candidates(&Figures(stats), "k").len(), offered, "{keys:?} {disk_bytes}");
        }
    }

    proptest! {
        #[test]
        fn what_is_offered_reads_back_as_the_key(keys in prop::collection::btree_set(any::<Vec<u8>>(), 1..9)) {
            let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            for (key, text) in keys.iter().zip(words(&keys, "")) {
                let (word, rest) = grammar::word(text.as_bytes()).unwrap().unwrap();
                prop_assert_eq!((word.bytes.as_slice(), rest), (*key, Some(&b""[..])));
                prop_assert!(word.quoted || !key.starts_with(b"--"));
            }
        }
    }
}
