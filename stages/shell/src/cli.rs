//! The process's arguments: built from the command table and the stage's options, read by clap.
//!
//! What clap reads becomes the same [`Call`] that a line becomes. Arguments are taken as they are: the calling shell
//! has had its own quotes, so ours mean nothing here.

use crate::command::{Command, commands, find};
use crate::options;
use crate::output::Output;
use crate::place::Place;
use crate::session::Upkeep;
use clap::builder::{PossibleValuesParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use contract::{Call, Flag, Kind, OptionSpec, Options, Stage};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What the process was asked to do.
pub(crate) struct Invocation {
    pub(crate) place: Place,
    pub(crate) options: Options,
    pub(crate) json: bool,
    pub(crate) keep_going: bool,
    pub(crate) upkeep: Upkeep,
    /// One command with what it takes; `None`: commands come from the input.
    pub(crate) request: Option<(Command, Call)>,
}

/// Arguments that ask for help, or make no sense.
pub(crate) struct Refusal(clap::Error);

const GRAMMAR: &str = "\
Without a COMMAND, commands are read from the input: at a terminal with a prompt, otherwise one a
line, up to the first error.

A line   Command, key, and for put and create the rest of the line as the value, byte for byte. A
         key or value that starts with \" is quoted, with \\\" \\\\ \\n \\t \\xNN inside. Lines that start
         with # are skipped. Commands may be in upper case. Arguments are taken as they are; after
         -- nothing is a flag.
Output   Results go to standard output, all else to standard error. Valid UTF-8 without control
         characters prints as itself, everything else quoted. With --json a key or value is a
         string if it is valid UTF-8, otherwise {\"hex\": \"…\"}; scan and inspect write one object
         a line.
Files    import and export: key, tab, value, with \\t \\n \\\\ for those bytes inside.
Status   0 done; 1 key absent or precondition not met; 2 wrong usage; 3 store error or damage
         found; 130 interrupted. A script ends with the status of its last command, or with the
         highest of its errors.";

impl Invocation {
    /// Reads the arguments, the first of which is the program's name.
    pub(crate) fn parse(
        stage: &'static Stage,
        args: impl Iterator<Item = OsString>,
    ) -> Result<Self, Refusal> {
        let mut root = root(stage);
        let matches = root.try_get_matches_from_mut(args).map_err(Refusal)?;
        let request = matches.subcommand().and_then(|(name, rest)| {
            let command = find(stage, name.as_bytes())?;
            Some((command, rest))
        });
        let mut options = stage.default_options();
        for spec in stage.options {
            let (before, after) =
                (Some(&matches), request.filter(|(c, _)| takes_option(c, spec)).map(|r| r.1));
            let mut values = [after, before].into_iter().flatten();
            if let Some(value) = values.find_map(|matches| matches.get_one::<String>(spec.name)) {
                options
                    .set(spec.name, value)
                    .map_err(|e| Refusal(root.error(clap::error::ErrorKind::ValueValidation, e)))?;
            }
        }
        let default = || PathBuf::from("data").join(stage.name);
        let place = match matches.get_one::<PathBuf>("dir") {
            None if !stage.persistent => Place::memory(),
            path => Place::directory(&path.cloned().unwrap_or_else(default)),
        };
        Ok(Self {
            place,
            options,
            json: matches.get_flag("json"),
            keep_going: matches.get_flag("keep-going"),
            upkeep: if matches.get_flag("by-hand") { Upkeep::ByHand } else { Upkeep::Beside },
            request: request.map(|(command, rest)| (command, call(&command, rest))),
        })
    }
}

impl Refusal {
    /// Shows the help on the results, or the error on the remarks. Returns the exit status.
    pub(crate) fn tell(&self, output: &mut Output<'_>) -> u8 {
        let text = self.0.render();
        if self.0.use_stderr() {
            output.remark_styled(&text);
            return 2;
        }
        // Nobody left to read the help is no error.
        let _ = if output.colour { write!(output, "{}", text.ansi()) } else { write!(output, "{text}") };
        let _ = output.flush();
        0
    }
}

/// Everything that clap has to know, with each stage's own options and commands.
fn root(stage: &'static Stage) -> clap::Command {
    let place = if stage.persistent { format!("data/{}", stage.name) } else { "memory".into() };
    let mut root = clap::Command::new(stage.name)
        .about(format!("{}: {}", stage.name, stage.title))
        .after_help(GRAMMAR)
        .disable_help_subcommand(true)
        .subcommand_value_name("COMMAND")
        .max_term_width(100)
        .arg(
            Arg::new("dir")
                .long("dir")
                .value_name("DIR")
                .global(true)
                .help(format!("Where the store lies [default: {place}]"))
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(switch("json", "Report as JSON").global(true))
        .arg(switch("keep-going", "Go on after an error in piped input").global(true))
        .arg(switch("by-hand", "Leave background work to the commands step and compact").global(true));
    for spec in stage.options {
        root = root.arg(option(spec));
    }
    root.subcommands(commands(stage).map(|command| subcommand(stage, &command)))
}

fn subcommand(stage: &'static Stage, command: &Command) -> clap::Command {
    let upper = command.names().map(str::to_ascii_uppercase);
    let sub = clap::Command::new(command.name).about(command.about());
    let mut sub = sub.visible_aliases(command.aliases.iter().copied()).aliases(upper);
    for take in command.takes {
        let name = take.trim_matches(['[', ']']);
        let arg = Arg::new(name).required(name == *take).value_parser(value_parser!(OsString));
        // A value such as -5 is a value, unless it is the name of a flag. Where it may be missing, what looks like a flag
        // is a flag that was mistyped; behind `--` everything is a value.
        let required = name == *take;
        sub = sub.arg(arg.allow_hyphen_values(required).allow_negative_numbers(!required));
    }
    for flag in command.flags {
        sub = sub.arg(match flag.value {
            None => switch(flag.name, flag.help),
            Some(value) => Arg::new(flag.name)
                .long(flag.name)
                .value_name(value)
                .allow_hyphen_values(true)
                .value_parser(value_parser!(OsString))
                .help(flag.help),
        });
    }
    sub.args(stage.options.iter().filter(|spec| takes_option(command, spec)).map(option))
}

/// Whether an option may also be given after the command: where no flag of the command has the same name.
fn takes_option(command: &Command, spec: &OptionSpec) -> bool {
    command.flags.iter().all(|flag| flag.name != spec.name)
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

fn option(spec: &'static OptionSpec) -> Arg {
    let (what, parser) = match spec.kind {
        Kind::Choice(choices) => ("CHOICE", ValueParser::from(PossibleValuesParser::new(choices))),
        Kind::Bytes { .. } => ("BYTES", ValueParser::string()),
        Kind::Count { .. } => ("NUMBER", ValueParser::string()),
    };
    let (first, rest) = spec.help.split_at(spec.help.ceil_char_boundary(1));
    let range = match spec.kind {
        // Those are listed anyway.
        Kind::Choice(_) => String::new(),
        _ => format!(" [{}]", options::values(spec)),
    };
    let help = format!("{}{rest} [default: {}]{range}", first.to_uppercase(), spec.default);
    Arg::new(spec.name).long(spec.name).value_name(what).help(help).value_parser(parser)
}

/// What clap read, in the form that a line takes too.
fn call(command: &Command, matches: &ArgMatches) -> Call {
    let args = command.takes.iter().flat_map(|take| values(matches, take.trim_matches(['[', ']'])));
    let flags = command.all_flags().filter_map(|flag| Some((flag.name, flag_value(flag, matches)?)));
    command.complete(Call { args: args.collect(), flags: flags.collect() })
}

fn flag_value(flag: &Flag, matches: &ArgMatches) -> Option<Vec<u8>> {
    match flag.value {
        None => matches.get_flag(flag.name).then(Vec::new),
        Some(_) => matches.get_one::<OsString>(flag.name).map(|value| bytes(value)),
    }
}

fn values(matches: &ArgMatches, name: &str) -> Vec<Vec<u8>> {
    matches.get_many::<OsString>(name).into_iter().flatten().map(|value| bytes(value)).collect()
}

fn bytes(text: &OsStr) -> Vec<u8> {
    text.as_bytes().to_vec()
}
