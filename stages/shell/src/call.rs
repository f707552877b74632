//! What was written after a command's name, read by what the command takes.

use crate::command::Command;
use crate::failure::Failure;
use crate::grammar;

/// What a person wrote after a command's name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) args: Vec<Vec<u8>>,
    pub(crate) flags: Vec<(&'static str, Vec<u8>)>,
}

impl Command {
    /// Reads what follows its name in a line.
    pub(crate) fn parse(&self, text: &[u8]) -> Result<Call, Failure> {
        let call = if self.takes_rest { key_and_rest(text) } else { self.parse_words(text) };
        let call = call.map_err(|what| Failure::usage(format!("{}: {what}", self.name)))?;
        let needed = self.takes.iter().filter(|take| !take.starts_with('[')).count();
        if let Some(missing) = self.takes.get(call.args.len()).filter(|_| call.args.len() < needed) {
            return Err(Failure::usage(format!("{missing} is missing: {}", self.usage())));
        }
        if let Some(extra) = call.args.get(self.takes.len()) {
            let extra = grammar::lossy(extra);
            let hint = if self.takes.is_empty() { "" } else { "; what holds a space is written in quotes" };
            return Err(Failure::usage(format!("«{extra}» is too much: {}{hint}", self.usage())));
        }
        Ok(call)
    }

    /// Words; those that start with `--`, unless quoted, are flags.
    fn parse_words(&self, mut text: &[u8]) -> Result<Call, String> {
        let mut call = Call::default();
        while let Some((word, rest)) = grammar::word(text)? {
            text = rest.unwrap_or_default();
            let Some(flag) = word.bytes.strip_prefix(b"--").filter(|_| !word.quoted) else {
                call.args.push(word.bytes);
                continue;
            };
            let (name, joined) = match flag.iter().position(|&byte| byte == b'=') {
                Some(at) => (&flag[..at], Some(flag[at + 1..].to_vec())),
                None => (flag, None),
            };
            let Some(flag) = self.flags.iter().find(|flag| flag.name.as_bytes() == name) else {
                let name = grammar::lossy(name);
                return Err(format!("there is no --{name}; usage: {}", self.usage()));
            };
            let value = match (flag.value, joined) {
                (None, None) => Vec::new(),
                (None, Some(_)) => return Err(format!("--{} takes no value", flag.name)),
                (Some(_), Some(value)) => value,
                (Some(what), None) => {
                    let (word, rest) =
                        grammar::word(text)?.ok_or_else(|| format!("--{} takes {what}", flag.name))?;
                    text = rest.unwrap_or_default();
                    word.bytes
                }
            };
            call.flags.push((flag.name, value));
        }
        Ok(call)
    }
}

/// A key and the rest of the line.
fn key_and_rest(text: &[u8]) -> Result<Call, String> {
    let mut call = Call::default();
    if let Some((key, rest)) = grammar::word(text)? {
        call.args.push(key.bytes);
        if let Some(rest) = rest {
            call.args.push(grammar::value(rest)?);
        }
    }
    Ok(call)
}

impl Call {
    /// The argument at this place.
    pub(crate) fn arg(&self, at: usize) -> Option<&[u8]> {
        self.args.get(at).map(Vec::as_slice)
    }

    /// The argument at this place, which is a name and so must be text.
    pub(crate) fn text(&self, at: usize) -> Result<Option<&str>, Failure> {
        let text = self.arg(at).map(std::str::from_utf8).transpose();
        text.map_err(|_| Failure::usage("a name must be valid UTF-8"))
    }

    /// Whether a flag is there.
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.value(flag).is_some()
    }

    /// The value of a flag; where it was given twice, the last.
    pub(crate) fn value(&self, flag: &str) -> Option<&[u8]> {
        self.flags.iter().rfind(|(name, _)| *name == flag).map(|(_, value)| value.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Found, find};
    use contract::oracle::STAGE;

    fn parse(line: &str) -> Result<Call, Failure> {
        let (name, rest) = grammar::word(line.as_bytes()).unwrap().unwrap();
        match find(&STAGE, &name.bytes).unwrap() {
            Found::Common(command) => command.parse(rest.unwrap_or_default()),
            Found::Special(_) => unreachable!("the oracle has no commands of its own"),
        }
    }

    #[test]
    fn a_put_takes_a_key_and_the_rest() {
        let call = parse(r#"PUT user:1 {"name":"Alice","age":30}"#).unwrap();
        assert_eq!(call.args, [&b"user:1"[..], br#"{"name":"Alice","age":30}"#]);
        assert_eq!(parse("put --raw --x y").unwrap().args, [&b"--raw"[..], b"--x y"]);
        assert_eq!(parse("put k ").unwrap().args, [&b"k"[..], b""]);
        assert!(parse("put k").is_err());
    }

    #[test]
    fn flags_stand_anywhere_and_quoted_words_are_none() {
        let call = parse(r#"scan --limit 3 a "--limit" --prefix="#).unwrap();
        assert_eq!(call.args, [&b"a"[..], b"--limit"]);
        assert_eq!((call.value("limit"), call.value("prefix")), (Some(&b"3"[..]), Some(&b""[..])));
        assert_eq!(parse(r#"scan --prefix "a b""#).unwrap().value("prefix"), Some(&b"a b"[..]));
        for bad in ["get", "get a b", "get --loud a", "get --raw=1 a", "scan --limit", "stats now"] {
            assert!(matches!(parse(bad), Err(Failure::Usage(_))), "{bad}");
        }
    }
}
