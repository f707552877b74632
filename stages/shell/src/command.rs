//! The commands, in one table: help, flags, completion, other names and dispatch all come from it.

use crate::failure::{Answer, Failure};
use crate::grammar;
use crate::session::Session;
use crate::{entries, look, tour, transfer};
use contract::Stage;

/// A command of every stage's shell.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// Its other names.
    pub(crate) aliases: &'static [&'static str],
    /// What it takes, in order; what stands in brackets may be missing.
    pub(crate) takes: &'static [&'static str],
    /// Whether the last thing it takes is the rest of the line, byte for byte; then it has no flags in a line.
    pub(crate) takes_rest: bool,
    pub(crate) flags: &'static [Flag],
    pub(crate) help: &'static str,
    pub(crate) run: fn(&mut Session<'_>, &Call) -> Answer,
}

/// A flag of a command, written `--name` or, where it takes a value, `--name VALUE` or `--name=VALUE`.
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    pub(crate) value: Option<&'static str>,
    pub(crate) help: &'static str,
}

/// What a person wrote after a command's name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) args: Vec<Vec<u8>>,
    pub(crate) flags: Vec<(&'static str, Vec<u8>)>,
}

/// A command's name as it was resolved.
pub(crate) enum Found {
    /// A command that every stage has.
    Common(&'static Command),
    /// A command that only this stage has.
    Special(&'static contract::Command),
}

const JSON: Flag = Flag { name: "json", value: None, help: "Report as JSON" };
const PREFIX: Flag = Flag { name: "prefix", value: Some("PREFIX"), help: "Only keys that start with PREFIX" };
const RANGE: [&str; 2] = ["[START]", "[END]"];

/// A command without other names, flags or a value: what most rows of the table start from.
const PLAIN: Command = Command {
    name: "",
    aliases: &[],
    takes: &[],
    takes_rest: false,
    flags: &[],
    help: "",
    run: |_, _| Ok(crate::failure::Outcome::Done),
};

/// Every command, in the order in which help shows them.
pub(crate) const COMMANDS: &[Command] = &[
    Command {
        name: "put",
        aliases: &["set", "store"],
        takes: &["KEY", "VALUE"],
        takes_rest: true,
        help: "Give KEY this value",
        run: entries::put,
        ..PLAIN
    },
    Command {
        name: "get",
        takes: &["KEY"],
        flags: &[Flag { name: "raw", value: None, help: "Write the value's bytes and nothing else" }, JSON],
        help: "Show the value of KEY; status 1 if it is absent",
        run: entries::get,
        ..PLAIN
    },
    Command {
        name: "delete",
        aliases: &["del", "rm"],
        takes: &["KEY"],
        help: "Delete KEY, whether it is there or not",
        run: entries::delete,
        ..PLAIN
    },
    Command {
        name: "exists",
        takes: &["KEY"],
        flags: &[JSON],
        help: "Say whether KEY is there; status 1 if it is absent",
        run: entries::exists,
        ..PLAIN
    },
    Command {
        name: "create",
        takes: &["KEY", "VALUE"],
        takes_rest: true,
        help: "Give KEY this value only if it is absent; otherwise change nothing, status 1",
        run: entries::create,
        ..PLAIN
    },
    Command {
        name: "scan",
        takes: &RANGE,
        flags: &[PREFIX, Flag { name: "limit", value: Some("N"), help: "No more than N pairs" }, JSON],
        help: "Show keys and values in order, from START on and before END",
        run: entries::scan,
        ..PLAIN
    },
    Command {
        name: "count",
        takes: &RANGE,
        flags: &[PREFIX, JSON],
        help: "Count the keys, from START on and before END",
        run: entries::count,
        ..PLAIN
    },
    Command {
        name: "import",
        takes: &["FILE"],
        flags: &[JSON],
        help: "Put every line of FILE, «key tab value»; - is standard input",
        run: transfer::import,
        ..PLAIN
    },
    Command {
        name: "export",
        help: "Write every pair as a line that import reads",
        run: transfer::export,
        ..PLAIN
    },
    Command {
        name: "batch",
        help: "Collect the puts and deletes that follow, until commit or abort",
        run: entries::batch,
        ..PLAIN
    },
    Command {
        name: "commit",
        help: "Write the batch: all of it or, after a crash, nothing",
        run: entries::commit,
        ..PLAIN
    },
    Command { name: "abort", help: "Discard the batch", run: entries::abort, ..PLAIN },
    Command {
        name: "sync",
        help: "Return once all writes so far survive power loss",
        run: entries::sync,
        ..PLAIN
    },
    Command {
        name: "compact",
        aliases: &["merge", "compact_segments"],
        flags: &[JSON],
        help: "Bring the store into its smallest shape",
        run: look::compact,
        ..PLAIN
    },
    Command {
        name: "stats",
        flags: &[JSON],
        help: "Show figures that cost no reading",
        run: look::stats,
        ..PLAIN
    },
    Command {
        name: "option",
        takes: &["[NAME]", "[VALUE]"],
        flags: &[JSON],
        help: "List the options, or change one in the running store",
        run: look::option,
        ..PLAIN
    },
    Command {
        name: "explain",
        takes: &["KEY"],
        flags: &[JSON],
        help: "Get KEY, and tell what was looked at to find it; status 1 if it is absent",
        run: look::explain,
        ..PLAIN
    },
    Command {
        name: "inspect",
        takes: &["[FILE]"],
        flags: &[JSON],
        help: "Show the store's files field by field: offset, bytes, name, meaning, checksum verdict",
        run: look::inspect,
        ..PLAIN
    },
    Command {
        name: "verify",
        flags: &[JSON],
        help: "Read and check every byte, also of a store that refuses to open",
        run: look::verify,
        ..PLAIN
    },
    Command {
        name: "salvage",
        takes: &["NEW"],
        flags: &[JSON],
        help: "Write every entry that can be read into a new store in the directory NEW",
        run: look::salvage,
        ..PLAIN
    },
    Command {
        name: "tour",
        flags: &[Flag { name: "no-pause", value: None, help: "Do not wait for Enter" }],
        help: "See in a minute what happens to the bytes on disk, in a temporary store",
        run: tour::tour,
        ..PLAIN
    },
    Command {
        name: "help",
        takes: &["[COMMAND]"],
        help: "Show the commands, or one of them",
        run: look::help,
        ..PLAIN
    },
    Command { name: "quit", aliases: &["exit"], help: "Leave", run: entries::quit, ..PLAIN },
];

impl Command {
    /// How it is written, for help.
    pub(crate) fn usage(&self) -> String {
        let mut usage = self.name.to_owned();
        for take in self.takes {
            usage = format!("{usage} {take}");
        }
        for flag in self.flags {
            usage = match flag.value {
                Some(value) => format!("{usage} [--{} {value}]", flag.name),
                None => format!("{usage} [--{}]", flag.name),
            };
        }
        usage
    }

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

/// Looks a command up by any of its names, in upper or lower case.
pub(crate) fn find(stage: &'static Stage, name: &[u8]) -> Option<Found> {
    let is = |one: &str| one.as_bytes().eq_ignore_ascii_case(name);
    let common = COMMANDS.iter().find(|c| is(c.name) || c.aliases.iter().any(|alias| is(alias)));
    let special = || stage.commands.iter().find(|c| is(c.name) || c.aliases.iter().any(|alias| is(alias)));
    common.map(Found::Common).or_else(|| special().map(Found::Special))
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn no_name_is_taken_twice() {
        let mut names: Vec<_> =
            COMMANDS.iter().flat_map(|c| [c.name].into_iter().chain(c.aliases.iter().copied())).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }
}
