//! The process's arguments: built from the command table and the stage's options, read by clap.
//!
//! What clap reads becomes the same [`Call`] that a line becomes. Arguments are taken as they are: the calling shell
//! has had its own quotes, so ours mean nothing here.

use crate::call::Call;
use crate::command::{COMMANDS, Command, Flag, Found, find};
use crate::failure::Answer;
use crate::output::Output;
use crate::place::Place;
use crate::session::Session;
use clap::builder::{PossibleValuesParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use contract::{Kind, OptionSpec, Options, Stage};
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
    /// `None`: commands come from the input.
    pub(crate) request: Option<Request>,
}

/// One command with what it takes.
pub(crate) enum Request {
    Common(&'static Command, Call),
    Special(&'static contract::Command, Vec<Vec<u8>>),
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
        let mut options = stage.default_options();
        for spec in stage.options {
            if let Some(value) = matches.get_one::<String>(spec.name) {
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
            request: matches.subcommand().and_then(|(name, rest)| Request::from_matches(stage, name, rest)),
        })
    }
}

impl Request {
    fn from_matches(stage: &'static Stage, name: &str, matches: &ArgMatches) -> Option<Self> {
        Some(match find(stage, name.as_bytes())? {
            Found::Common(command) => Self::Common(command, call(command, matches)),
            Found::Special(command) => Self::Special(command, values(matches, "ARGS")),
        })
    }

    /// Runs it.
    pub(crate) fn run(&self, session: &mut Session<'_>) -> Answer {
        match self {
            Self::Common(command, call) => (command.run)(session, call),
            Self::Special(command, words) => session.run_special(command, words),
        }
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
            global("dir", "DIR", format!("Where the store lies [default: {place}]"))
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(switch("json", "Report as JSON").global(true))
        .arg(switch("keep-going", "Go on after an error in piped input").global(true));
    for spec in stage.options {
        root = root.arg(option(spec));
    }
    for command in COMMANDS {
        root = root.subcommand(common(command));
    }
    for command in stage.commands.iter().filter(|c| is_special(stage, c.name)) {
        let words = Arg::new("ARGS").num_args(0..).value_parser(value_parser!(OsString)).help(command.usage);
        root = root.subcommand(named(command.name, command.aliases).about(command.help).arg(words));
    }
    root
}

/// Whether a stage's command is not hidden by one that all stages have.
fn is_special(stage: &'static Stage, name: &str) -> bool {
    matches!(find(stage, name.as_bytes()), Some(Found::Special(_)))
}

fn named(name: &'static str, aliases: &'static [&'static str]) -> clap::Command {
    let upper = aliases.iter().chain([&name]).map(|name| name.to_ascii_uppercase());
    clap::Command::new(name).visible_aliases(aliases.iter().copied()).aliases(upper)
}

fn common(command: &'static Command) -> clap::Command {
    let mut sub = named(command.name, command.aliases).about(command.help);
    for take in command.takes {
        let name = take.trim_matches(['[', ']']);
        let arg = Arg::new(name).required(name == *take).value_parser(value_parser!(OsString));
        // A value such as -5 is a value, unless it is the name of a flag.
        sub = sub.arg(arg.allow_hyphen_values(true));
    }
    for flag in command.flags.iter().filter(|flag| flag.name != "json") {
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
    sub
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

fn global(name: &'static str, value: &'static str, help: String) -> Arg {
    Arg::new(name).long(name).value_name(value).global(true).help(help)
}

fn option(spec: &'static OptionSpec) -> Arg {
    let (what, parser) = match spec.kind {
        Kind::Choice(choices) => ("CHOICE", ValueParser::from(PossibleValuesParser::new(choices))),
        Kind::Bytes { .. } => ("BYTES", ValueParser::string()),
        Kind::Count { .. } => ("COUNT", ValueParser::string()),
    };
    let (first, rest) = spec.help.split_at(spec.help.ceil_char_boundary(1));
    let help = format!("{}{rest} [default: {}]", first.to_uppercase(), spec.default);
    global(spec.name, what, help).value_parser(parser)
}

/// What clap read, in the form that a line takes too.
fn call(command: &Command, matches: &ArgMatches) -> Call {
    let args = command.takes.iter().flat_map(|take| values(matches, take.trim_matches(['[', ']'])));
    let flags = command.flags.iter().filter_map(|flag| Some((flag.name, flag_value(flag, matches)?)));
    Call { args: args.collect(), flags: flags.collect() }
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
