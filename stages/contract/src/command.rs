//! The shell commands that one stage has and others have not: a table of values, as its options are.
//!
//! The shell reads what was typed, at the prompt, in a pipe or as arguments, and calls a command with a checked
//! [`Call`]. It also measures the time, for engines have no clock, and shows the [`CommandReport`] as text or as JSON.

use crate::{Engine, Error, Figure, Result};

/// A shell command that one stage has and others have not.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// What it takes, in order; what stands in brackets may be missing: `KEY`, `[FILE]`. What is called `KEY` is
    /// completed at the prompt.
    pub takes: &'static [&'static str],
    /// Its flags. Every command has `--json` besides.
    pub flags: &'static [Flag],
    /// One line of help.
    pub help: &'static str,
    /// What it does.
    pub run: Run,
}

/// A flag of a command, written `--name` or, where it takes a value, `--name VALUE` or `--name=VALUE`.
#[derive(Debug)]
pub struct Flag {
    /// Its name, without the dashes.
    pub name: &'static str,
    /// What its value is called in help; `None` for a switch.
    pub value: Option<&'static str>,
    /// A few words of help.
    pub help: &'static str,
}

/// What a command does.
#[derive(Clone, Copy, Debug)]
pub enum Run {
    /// Works on the engine, which is downcast to the one that the command belongs to.
    Engine(fn(&dyn Engine, &Call) -> Result<CommandReport>),
    /// Does what a line does that begins like this, such as `option segment-bytes`. Its flags, and what is left to
    /// take, are those of the line's own command.
    Line(&'static str),
}

impl Command {
    /// A name for the beginning of a line: `set_threshold` for `option segment-bytes`.
    pub const fn short_for(name: &'static str, line: &'static str) -> Self {
        Self { name, aliases: &[], takes: &[], flags: &[], help: "", run: Run::Line(line) }
    }
}

/// What a person wrote after a command's name. It has what the command needs and nothing that it does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// What it takes, in order, as bytes.
    pub args: Vec<Vec<u8>>,
    /// The flags that were given, in order, with their values; a switch has an empty one.
    pub flags: Vec<(&'static str, Vec<u8>)>,
}

impl Call {
    /// The argument at this place.
    pub fn arg(&self, at: usize) -> Option<&[u8]> {
        self.args.get(at).map(Vec::as_slice)
    }

    /// The argument at this place, which is a name: refused if it is not valid UTF-8.
    pub fn text(&self, at: usize) -> Result<Option<&str>> {
        let text = self.arg(at).map(std::str::from_utf8).transpose();
        text.map_err(|_| Error::BadOption { what: "a name must be valid UTF-8".into() })
    }

    /// Whether a flag is there.
    pub fn has(&self, flag: &str) -> bool {
        self.value(flag).is_some()
    }

    /// The value of a flag; where it was given twice, the last.
    pub fn value(&self, flag: &str) -> Option<&[u8]> {
        self.flags.iter().rfind(|(name, _)| *name == flag).map(|(_, value)| value.as_slice())
    }
}

/// What a command has to say. The shell adds how long it took.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommandReport {
    /// What happened, a line each.
    pub lines: Vec<String>,
    /// What was counted and measured.
    pub figures: Vec<Figure>,
    /// What a check found that should be otherwise, a line each; the exit status is then 3.
    pub wrong: Vec<String>,
}
