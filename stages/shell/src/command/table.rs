//! The table of the commands that every stage has.

use super::{Command, Run};
use crate::failure::Outcome;
use crate::{entries, look, options, tour, transfer};
use contract::Flag;

const PREFIX: Flag = Flag { name: "prefix", value: Some("PREFIX"), help: "Only keys that start with PREFIX" };
const RANGE: [&str; 2] = ["[START]", "[END]"];

/// A command without other names, flags or a value: what most rows of the table start from.
const PLAIN: Command = Command {
    name: "",
    aliases: &[],
    takes: &[],
    takes_rest: false,
    flags: &[],
    reports: false,
    help: "",
    short_for: "",
    run: Run::Session(|_, _| Ok(Outcome::Done)),
};

/// Every command, in the order in which help shows them.
pub(crate) const COMMANDS: &[Command] = &[
    Command {
        name: "put",
        aliases: &["set", "store"],
        takes: &["KEY", "VALUE"],
        takes_rest: true,
        help: "Give KEY this value",
        run: Run::Session(entries::put),
        ..PLAIN
    },
    Command {
        name: "get",
        takes: &["KEY"],
        flags: &[Flag { name: "raw", value: None, help: "Write the value's bytes and nothing else" }],
        reports: true,
        help: "Show the value of KEY; status 1 if it is absent",
        run: Run::Session(entries::get),
        ..PLAIN
    },
    Command {
        name: "delete",
        aliases: &["del", "rm"],
        takes: &["KEY"],
        help: "Delete KEY, whether it is there or not",
        run: Run::Session(entries::delete),
        ..PLAIN
    },
    Command {
        name: "exists",
        takes: &["KEY"],
        reports: true,
        help: "Say whether KEY is there; status 1 if it is absent",
        run: Run::Session(entries::exists),
        ..PLAIN
    },
    Command {
        name: "create",
        takes: &["KEY", "VALUE"],
        takes_rest: true,
        help: "Give KEY this value only if it is absent; otherwise change nothing, status 1",
        run: Run::Session(entries::create),
        ..PLAIN
    },
    Command {
        name: "scan",
        takes: &RANGE,
        flags: &[PREFIX, Flag { name: "limit", value: Some("N"), help: "No more than N pairs" }],
        reports: true,
        help: "Show keys and values in order, from START on and before END",
        run: Run::Session(entries::scan),
        ..PLAIN
    },
    Command {
        name: "count",
        takes: &RANGE,
        flags: &[PREFIX],
        reports: true,
        help: "Count the keys, from START on and before END",
        run: Run::Session(entries::count),
        ..PLAIN
    },
    Command {
        name: "import",
        takes: &["FILE"],
        reports: true,
        help: "Put every line of FILE, «key tab value»; - is standard input",
        run: Run::Session(transfer::import),
        ..PLAIN
    },
    Command {
        name: "export",
        help: "Write every pair as a line that import reads",
        run: Run::Session(transfer::export),
        ..PLAIN
    },
    Command {
        name: "batch",
        help: "Collect the puts and deletes that follow, until commit or abort",
        run: Run::Session(entries::batch),
        ..PLAIN
    },
    Command {
        name: "commit",
        help: "Write the batch: all of it or, after a crash, nothing",
        run: Run::Session(entries::commit),
        ..PLAIN
    },
    Command { name: "abort", help: "Discard the batch", run: Run::Session(entries::abort), ..PLAIN },
    Command {
        name: "sync",
        help: "Return once all writes so far survive power loss",
        run: Run::Session(entries::sync),
        ..PLAIN
    },
    Command {
        name: "compact",
        aliases: &["merge", "compact_segments"],
        reports: true,
        help: "Bring the store into its smallest shape",
        run: Run::Session(look::compact),
        ..PLAIN
    },
    Command {
        name: "step",
        reports: true,
        help: "Do one unit of background work now, and say whether there was any",
        run: Run::Session(look::step),
        ..PLAIN
    },
    Command {
        name: "stats",
        reports: true,
        help: "Show figures that cost no reading",
        run: Run::Session(look::stats),
        ..PLAIN
    },
    Command {
        name: "option",
        takes: &["[NAME]", "[VALUE]"],
        reports: true,
        help: "List the options, or change one until the store is closed",
        run: Run::Session(options::option),
        ..PLAIN
    },
    Command {
        name: "explain",
        takes: &["KEY"],
        reports: true,
        help: "Get KEY, and tell what was looked at to find it; status 1 if it is absent",
        run: Run::Session(look::explain),
        ..PLAIN
    },
    Command {
        name: "inspect",
        takes: &["[FILE]"],
        reports: true,
        help: "Show the store's files field by field: offset, bytes, name, meaning, checksum verdict",
        run: Run::Session(look::inspect),
        ..PLAIN
    },
    Command {
        name: "verify",
        reports: true,
        help: "Read and check every byte, also of a store that refuses to open",
        run: Run::Session(look::verify),
        ..PLAIN
    },
    Command {
        name: "salvage",
        takes: &["NEW"],
        reports: true,
        help: "Write every entry that can be read into a new store in the directory NEW",
        run: Run::Session(look::salvage),
        ..PLAIN
    },
    Command {
        name: "tour",
        flags: &[Flag { name: "no-pause", value: None, help: "Do not wait for Enter" }],
        help: "See in a minute what happens to the bytes on disk, in a temporary store",
        run: Run::Session(tour::tour),
        ..PLAIN
    },
    Command {
        name: "help",
        takes: &["[COMMAND]"],
        help: "Show the commands, or one of them",
        run: Run::Session(look::help),
        ..PLAIN
    },
    Command { name: "quit", aliases: &["exit"], help: "Leave", run: Run::Session(entries::quit), ..PLAIN },
];
