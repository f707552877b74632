//! What was written after a command's name, read by what the command takes.

use crate::command::Command;
use crate::failure::Failure;
use crate::grammar;
use contract::Call;

impl Command {
    /// Reads what follows its name in a line, after one separator; `None` where the line ends with the name.
    pub(crate) fn parse(&self, text: Option<&[u8]>) -> Result<Call, Failure> {
        let call = match text {
            _ if self.takes_rest => self.parse_rest(text),
            text => self.parse_words(text.unwrap_or_default()),
        };
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
        Ok(self.complete(call))
    }

    /// What the line that it is short for gives it already: nothing if it is short for none.
    pub(crate) fn given(&self) -> Call {
        let words = self.short_for.split_once(' ').map_or("", |(_, words)| words);
        self.parse_words(words.as_bytes()).unwrap_or_default()
    }

    /// A call together with what is given already.
    pub(crate) fn complete(&self, call: Call) -> Call {
        let mut whole = self.given();
        whole.args.extend(call.args);
        whole.flags.extend(call.flags);
        whole
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
            let Some(flag) = self.all_flags().find(|flag| flag.name.as_bytes() == name) else {
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

    /// Words, and last the rest of the line.
    fn parse_rest(&self, mut text: Option<&[u8]>) -> Result<Call, String> {
        let mut call = Call::default();
        while let Some(rest) = text {
            if call.args.len() + 1 == self.takes.len() {
                call.args.push(grammar::value(rest)?);
                break;
            }
            let Some((word, after)) = grammar::word(rest)? else { break };
            call.args.push(word.bytes);
            text = after;
        }
        Ok(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::find;
    use contract::oracle::STAGE;

    fn parse(line: &str) -> Result<Call, Failure> {
        let (name, rest) = grammar::word(line.as_bytes()).unwrap().unwrap();
        find(&STAGE, &name.bytes).unwrap().parse(rest)
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
