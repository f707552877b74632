//! The commands, in one table: help, flags, completion, other names and dispatch all come from it.

use crate::call::Call;
use crate::failure::Answer;
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
        help: "List the options, or change one until the store is closed",
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

    #[test]
    fn no_name_is_taken_twice() {
        let mut names: Vec<_> =
            COMMANDS.iter().flat_map(|c| [c.name].into_iter().chain(c.aliases.iter().copied())).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }
}
