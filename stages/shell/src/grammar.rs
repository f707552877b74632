//! The grammar of a line: words, quotes, and the rest of the line as a value.
//!
//! **Layout** A line is a command's name, then its words. Words are separated by spaces or tabs. A word, or a value,
//! that starts with `"` is quoted and ends at the next `"`; inside, a backslash starts one of `\"`, `\\`, `\n`, `\t`
//! and `\xNN`. Without quotes a backslash is a byte like any other. A value is the rest of the line, byte for byte,
//! after exactly one separator.
//!
//! A line of `import` and `export` is a key, a tab, a value, with `\t`, `\n` and `\\` for the three bytes that would
//! be in the way.
//!
//! **Invariants**
//! 1. What [`quote`] writes, [`word`] and [`value`] read back as the same bytes.
//! 2. What [`tsv_escape`] writes, [`tsv_unescape`] reads back as the same bytes, and it holds no tab and no newline.
//!
//! **Cost** One pass; no allocation but the result.

use std::fmt::Write;

/// A word of a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) bytes: Vec<u8>,
    /// Whether it was quoted: then it is never a flag.
    pub(crate) quoted: bool,
}

/// Takes the first word off `text`; `None` if there is none. What follows it begins after one separator, and is
/// itself `None` if the line ends with the word.
#[expect(clippy::type_complexity, reason = "a word and what follows it, at two call sites")]
pub(crate) fn word(text: &[u8]) -> Result<Option<(Word, Option<&[u8]>)>, String> {
    let text = text.trim_ascii_start();
    if text.is_empty() {
        return Ok(None);
    }
    if text[0] == b'"' {
        let (bytes, rest) = unquote(text)?;
        if rest.first().is_some_and(|byte| !byte.is_ascii_whitespace()) {
            return Err(format!("a space is missing after the closing quote, before «{}»", lossy(rest)));
        }
        return Ok(Some((Word { bytes, quoted: true }, rest.get(1..))));
    }
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    let word = Word { bytes: text[..end].to_vec(), quoted: false };
    Ok(Some((word, text.get(end + 1..))))
}

/// Reads the rest of a line as a value: quoted if it starts with `"`, otherwise byte for byte.
pub(crate) fn value(rest: &[u8]) -> Result<Vec<u8>, String> {
    if rest.first() != Some(&b'"') {
        return Ok(rest.to_vec());
    }
    let (bytes, after) = unquote(rest)?;
    if !after.trim_ascii().is_empty() {
        return Err(format!(
            "a value that starts with \" ends at the next \", but «{}» follows; write \\\" for a quote inside",
            lossy(after)
        ));
    }
    Ok(bytes)
}

/// Reads the quoted text at the start of `text`, which begins with `"`; returns its bytes and what follows.
pub(crate) fn unquote(text: &[u8]) -> Result<(Vec<u8>, &[u8]), String> {
    let mut bytes = Vec::new();
    let mut at = 1;
    loop {
        match text.get(at) {
            None => return Err("the closing quote is missing".into()),
            Some(b'"') => return Ok((bytes, &text[at + 1..])),
            Some(b'\\') => {
                let (byte, len) = escape(&text[at + 1..])?;
                bytes.push(byte);
                at += 1 + len;
            }
            Some(&byte) => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
}

/// Reads what follows a backslash; returns the byte it stands for and how many bytes it took.
fn escape(text: &[u8]) -> Result<(u8, usize), String> {
    match text {
        [b'"', ..] => Ok((b'"', 1)),
        [b'\\', ..] => Ok((b'\\', 1)),
        [b'n', ..] => Ok((b'\n', 1)),
        [b't', ..] => Ok((b'\t', 1)),
        [b'x', high, low, ..] => match (nibble(*high), nibble(*low)) {
            (Some(high), Some(low)) => Ok((high << 4 | low, 3)),
            _ => Err(format!("\\x{} is not a byte: \\x takes two hexadecimal digits", lossy(&text[1..3]))),
        },
        [b'x', ..] => Err("\\x takes two hexadecimal digits".into()),
        _ => {
            let what = lossy(&text[..text.len().min(1)]);
            Err(format!("there is no escape \\{what}; there are \\\" \\\\ \\n \\t \\xNN"))
        }
    }
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok())
}

/// Shows bytes as themselves if they are valid UTF-8 without control characters, otherwise quoted.
pub(crate) fn show(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(char::is_control) => text.to_owned(),
        _ => quote(bytes),
    }
}

/// Writes bytes in quotes, so that they are one word of a line; what can be read as text stays text.
pub(crate) fn quote(bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push('"');
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' => quoted.push_str("\\\""),
                '\\' => quoted.push_str("\\\\"),
                '\n' => quoted.push_str("\\n"),
                '\t' => quoted.push_str("\\t"),
                c if c.is_control() => hex(&mut quoted, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => quoted.push(c),
            }
        }
        hex(&mut quoted, chunk.invalid());
    }
    quoted.push('"');
    quoted
}

fn hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "\\x{byte:02x}");
    }
}

/// Appends `bytes` to `line` with tab, newline and backslash escaped.
pub(crate) fn tsv_escape(bytes: &[u8], line: &mut Vec<u8>) {
    for &byte in bytes {
        match byte {
            b'\t' => line.extend_from_slice(b"\\t"),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\\' => line.extend_from_slice(b"\\\\"),
            byte => line.push(byte),
        }
    }
}

/// Undoes [`tsv_escape`], into `bytes`, which is emptied first.
pub(crate) fn tsv_unescape(field: &[u8], bytes: &mut Vec<u8>) -> Result<(), String> {
    bytes.clear();
    let mut rest = field;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        bytes.extend_from_slice(&rest[..at]);
        bytes.push(match rest.get(at + 1) {
            Some(b't') => b'\t',
            Some(b'n') => b'\n',
            Some(b'\\') => b'\\',
            Some(_) => {
                let what = lossy(&rest[at + 1..at + 2]);
                return Err(format!("there is no escape \\{what}; a backslash itself is written \\\\"));
            }
            None => return Err("a lone backslash at the end; a backslash itself is written \\\\".into()),
        });
        rest = &rest[at + 2..];
    }
    bytes.extend_from_slice(rest);
    Ok(())
}

/// Splits a line of an import at its first tab.
pub(crate) fn tsv_split(line: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let tab = line.iter().position(|&byte| byte == b'\t');
    let tab = tab.ok_or("there is no tab between a key and a value")?;
    Ok((&line[..tab], &line[tab + 1..]))
}

/// For messages: bytes as text, whatever they are.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(40)];
    String::from_utf8_lossy(shown).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(mut text: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        let mut words = Vec::new();
        while let Some((word, rest)) = word(text)? {
            words.push(word.bytes);
            text = rest.unwrap_or_default();
        }
        Ok(words)
    }

    #[test]
    fn words_are_split_at_blanks_and_quotes_hold_them_together() {
        assert_eq!(words(b"  a\tb \"c d\" \"\" e\\n ").unwrap(), [&b"a"[..], b"b", b"c d", b"", b"e\\n"]);
        assert_eq!(words(br#""\"\\\n\t\x00\xfF""#).unwrap(), [b"\"\\\n\t\0\xff"]);
    }

    #[test]
    fn a_value_is_the_rest_of_the_line_after_one_separator() {
        let (key, rest) = word(b"k  two spaces ").unwrap().unwrap();
        assert_eq!((key.bytes.as_slice(), rest), (&b"k"[..], Some(&b" two spaces "[..])));
        assert_eq!(value(br#"{"a":"b\n"} "#).unwrap(), br#"{"a":"b\n"} "#);
        assert_eq!(value(br#""a b" "#).unwrap(), b"a b");
        assert_eq!(word(b"k").unwrap().unwrap().1, None);
        assert_eq!(word(b"k ").unwrap().unwrap().1, Some(&b""[..]));
    }

    #[test]
    fn what_is_not_in_the_grammar_is_refused() {
        for bad in [&b"\"open"[..], b"\"a\"b", br#""\q""#, br#""\x1""#, br#""\xg0""#, b"\"\\"] {
            assert!(word(bad).is_err(), "{}", lossy(bad));
        }
        assert!(value(br#""a" b"#).is_err());
        assert!(tsv_split(b"no tab").is_err());
        assert!(tsv_unescape(b"a\\", &mut Vec::new()).is_err());
        assert!(tsv_unescape(b"a\\x", &mut Vec::new()).is_err());
    }

    #[test]
    fn text_shows_as_itself_and_all_else_escaped() {
        assert_eq!(show(br#"{"name":"Alice"}"#), r#"{"name":"Alice"}"#);
        assert_eq!(show("JP/Tōkyō \\n".as_bytes()), "JP/Tōkyō \\n");
        assert_eq!(show(b"a\nb"), r#""a\nb""#);
        assert_eq!(show(b"caf\xc3\xa9 \xff\x1b"), r#""café \xff\x1b""#);
        assert_eq!(show("\u{85}".as_bytes()), r#""\xc2\x85""#);
    }

    proptest! {
        #[test]
        fn quoting_is_undone_by_reading(bytes: Vec<u8>) {
            let quoted = quote(&bytes);
            prop_assert!(!quoted.contains(char::is_control));
            let (word, rest) = word(quoted.as_bytes()).unwrap().unwrap();
            prop_assert_eq!(&word.bytes, &bytes);
            prop_assert!(word.quoted && rest.is_none());
            prop_assert_eq!(value(quoted.as_bytes()).unwrap(), bytes);
        }

        #[test]
        fn an_exported_line_is_imported_as_the_same_bytes(key: Vec<u8>, value: Vec<u8>) {
            let mut line = Vec::new();
            tsv_escape(&key, &mut line);
            line.push(b'\t');
            tsv_escape(&value, &mut line);
            prop_assert!(!line.contains(&b'\n'));
            let (key_field, value_field) = tsv_split(&line).unwrap();
            let mut bytes = Vec::new();
            tsv_unescape(key_field, &mut bytes).unwrap();
            prop_assert_eq!(&bytes, &key);
            tsv_unescape(value_field, &mut bytes).unwrap();
            prop_assert_eq!(bytes, value);
        }

        #[test]
        fn no_line_is_too_strange_to_be_answered(line: Vec<u8>) {
            let _ = words(&line);
            let _ = value(&line);
            let _ = tsv_unescape(&line, &mut Vec::new());
        }
    }
}
