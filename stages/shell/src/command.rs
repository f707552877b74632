//! The commands, in one table: help, flags, completion, other names and dispatch all come from it.
//!
//! A stage's own commands join the table when they are looked up, and from there on are like any other.

mod table;

use crate::failure::Answer;
use crate::session::Session;
use contract::{Call, CommandReport, Engine, Flag, Stage};
use table::COMMANDS;

/// A command of the shell.
#[derive(Clone, Copy)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// Its other names.
    pub(crate) aliases: &'static [&'static str],
    /// What it takes, in order; what stands in brackets may be missing.
    pub(crate) takes: &'static [&'static str],
    /// Whether the last thing it takes is the rest of the line, byte for byte; then it has no flags in a line.
    pub(crate) takes_rest: bool,
    pub(crate) flags: &'static [Flag],
    /// Whether it reports, and so has a flag to do it as JSON.
    pub(crate) reports: bool,
    pub(crate) help: &'static str,
    /// The beginning of a line that it is short for; empty if it is short for none.
    pub(crate) short_for: &'static str,
    pub(crate) run: Run,
}

/// What a command works on.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    Session(fn(&mut Session<'_>, &Call) -> Answer),
    /// The engine of the one stage that has it.
    Engine(fn(&dyn Engine, &Call) -> contract::Result<CommandReport>),
}

/// What every command that reports takes besides its own flags.
static JSON: Flag = Flag { name: "json", value: None, help: "Report as JSON" };

impl Command {
    /// How it is written, for help.
    pub(crate) fn usage(&self) -> String {
        let mut usage = self.name.to_owned();
        for take in self.takes {
            usage = format!("{usage} {take}");
        }
        for flag in self.all_flags() {
            usage = match flag.value {
                Some(value) => format!("{usage} [--{} {value}]", flag.name),
                None => format!("{usage} [--{}]", flag.name),
            };
        }
        usage
    }

    /// One line of help.
    pub(crate) fn about(&self) -> String {
        match self.short_for {
            "" => self.help.to_owned(),
            line => format!("Short for «{line}»"),
        }
    }

    /// Every flag that it has.
    pub(crate) fn all_flags(&self) -> impl Iterator<Item = &'static Flag> {
        self.flags.iter().chain(self.reports.then_some(&JSON))
    }

    /// Its name and its other names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        [self.name].into_iter().chain(self.aliases.iter().copied())
    }

    /// Whether this is one of its names, in upper or lower case.
    fn is(&self, name: &[u8]) -> bool {
        self.names().any(|one| one.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// Every command that a stage's shell has, in the order in which help shows them.
pub(crate) fn commands(stage: &'static Stage) -> impl Iterator<Item = Command> {
    let short = stage.commands.iter().filter_map(move |command| match command.run {
        contract::Run::Line(line) => short(stage, command, line),
        contract::Run::Engine(_) => None,
    });
    whole(stage).chain(short)
}

/// Looks a command up by any of its names, in upper or lower case.
pub(crate) fn find(stage: &'static Stage, name: &[u8]) -> Option<Command> {
    commands(stage).find(|command| command.is(name))
}

/// Those that are short for no other.
fn whole(stage: &'static Stage) -> impl Iterator<Item = Command> {
    let own = stage.commands.iter().filter_map(|command| match command.run {
        contract::Run::Engine(run) => Some(Command {
            name: command.name,
            aliases: command.aliases,
            takes: command.takes,
            takes_rest: false,
            flags: command.flags,
            reports: true,
            help: command.help,
            short_for: "",
            run: Run::Engine(run),
        }),
        contract::Run::Line(_) => None,
    });
    COMMANDS.iter().copied().chain(own)
}

/// The command that a line begins with, without what the line gives it already. `None` if there is no such command
/// or it does not take that.
fn short(stage: &'static Stage, command: &contract::Command, line: &'static str) -> Option<Command> {
    let name = line.split(' ').next()?;
    let target = whole(stage).find(|target| target.is(name.as_bytes()))?;
    let full = Command { name: command.name, aliases: command.aliases, short_for: line, ..target };
    Some(Command { takes: target.takes.get(full.given().args.len()..)?, ..full })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_taken_twice() {
        let mut names: Vec<_> = COMMANDS.iter().flat_map(Command::names).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }
}
