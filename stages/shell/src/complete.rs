//! Completion at the prompt: commands, and after a command its flags and what it takes, such as keys of the store.
//!
//! **Invariants** What is offered is one word of the grammar.

mod keys;

use crate::command::{Command, commands, find};
use crate::grammar::{self, Word};
use crate::options;
use contract::{Engine, OptionSpec, Stage};
use rustyline::completion::Pair;
use std::sync::Arc;

/// Completes the lines of a stage's shell.
pub(crate) struct Completion {
    pub(crate) stage: &'static Stage,
    /// Whose keys are offered: none where it is missing.
    pub(crate) engine: Option<Arc<dyn Engine>>,
}

/// A line up to the cursor.
struct Typed<'a> {
    /// The words that are whole.
    words: Vec<Word>,
    /// The word at the cursor, as far as it was typed; it may be empty.
    begun: &'a str,
}

/// What may stand at the cursor.
enum Wanted {
    Command,
    Key,
    Option,
    ValueOf(&'static OptionSpec),
    /// Nobody can know.
    Anything,
}

impl Completion {
    /// What the word at the end of `line` may become, and where that word starts.
    pub(crate) fn candidates(&self, line: &str) -> (usize, Vec<Pair>) {
        let typed = Typed::read(line);
        let start = line.len() - typed.begun.len();
        let Some((first, words)) = typed.words.split_first() else {
            return (start, self.commands(typed.begun));
        };
        let Some(command) = find(self.stage, &first.bytes) else { return (start, Vec::new()) };
        let flags = || command.all_flags().map(|flag| format!("--{}", flag.name));
        if typed.begun.starts_with("--") && !command.takes_rest {
            return (start, names(flags(), typed.begun));
        }
        let candidates = match self.wanted(&command, words) {
            Wanted::Command => self.commands(typed.begun),
            Wanted::Key => {
                self.engine.as_ref().map_or(Vec::new(), |engine| keys::candidates(&**engine, typed.begun))
            }
            Wanted::Option => names(self.stage.options.iter().map(|spec| spec.name.to_owned()), typed.begun),
            Wanted::ValueOf(spec) => names(options::examples(spec), typed.begun),
            Wanted::Anything if command.takes_rest => Vec::new(),
            Wanted::Anything => names(flags(), typed.begun),
        };
        (start, candidates)
    }

    /// What comes next after a command and these words.
    fn wanted(&self, command: &Command, words: &[Word]) -> Wanted {
        let mut args = command.given().args;
        let given_count = args.len();
        let mut value_of_flag = None;
        for word in words {
            let flag = word.bytes.strip_prefix(b"--").filter(|_| !word.quoted && !command.takes_rest);
            match (value_of_flag.take(), flag) {
                (Some(_), _) => {}
                (None, None) => args.push(word.bytes.clone()),
                (None, Some(name)) => {
                    let flag = command.all_flags().find(|flag| flag.name.as_bytes() == name);
                    value_of_flag = flag.and_then(|flag| flag.value);
                }
            }
        }
        let take = value_of_flag.or_else(|| command.takes.get(args.len() - given_count).copied());
        match take.unwrap_or_default().trim_matches(['[', ']']) {
            "COMMAND" => Wanted::Command,
            "KEY" | "START" | "END" | "PREFIX" => Wanted::Key,
            "NAME" => Wanted::Option,
            "VALUE" if !command.takes_rest => {
                let name = args.last().map(Vec::as_slice);
                let spec = self.stage.options.iter().find(|spec| Some(spec.name.as_bytes()) == name);
                spec.map_or(Wanted::Anything, Wanted::ValueOf)
            }
            _ => Wanted::Anything,
        }
    }

    /// Names of commands; their other names only where nothing else fits.
    fn commands(&self, begun: &str) -> Vec<Pair> {
        let first = names(commands(self.stage).map(|command| command.name.to_owned()), begun);
        if !first.is_empty() {
            return first;
        }
        let others = commands(self.stage).flat_map(|command| command.aliases);
        names(others.map(|&name| name.to_owned()), begun)
    }
}

impl<'a> Typed<'a> {
    fn read(line: &'a str) -> Self {
        let mut words = Vec::new();
        let mut rest = line;
        // A word with nothing after it is still being typed, and so is one in quotes that are not closed.
        while let Ok(Some((word, Some(after)))) = grammar::word(rest.as_bytes()) {
            words.push(word);
            rest = &line[line.len() - after.len()..];
        }
        Self { words, begun: rest.trim_ascii_start() }
    }
}

/// Those that start like this, in upper or lower case.
fn names(names: impl IntoIterator<Item = String>, begun: &str) -> Vec<Pair> {
    let begun = begun.to_ascii_lowercase();
    names.into_iter().filter(|name| name.to_ascii_lowercase().starts_with(&begun)).map(pair).collect()
}

/// A word, after which the next may begin.
fn pair(word: String) -> Pair {
    Pair { replacement: format!("{word} "), display: word }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::oracle::{Oracle, STAGE};
    use proptest::prelude::*;

    /// What a line becomes with each candidate, in a store with three cities.
    fn lines(line: &str) -> Vec<String> {
        let engine = Arc::new(Oracle::default());
        for city in ["FR/Paris", "JP/Kyoto", "JP/Tokyo"] {
            engine.put(city.as_bytes(), b"{}").unwrap();
        }
        let (start, candidates) = Completion { stage: &STAGE, engine: Some(engine) }.candidates(line);
        candidates.iter().map(|pair| format!("{}{}", &line[..start], pair.replacement)).collect()
    }

    #[test]
    fn commands_come_first_then_flags_and_what_they_take() {
        assert!(lines("").contains(&"scan ".into()));
        assert_eq!(lines(" SC"), [" scan "]);
        assert_eq!(lines("compact_"), ["compact_segments "], "another name, where nothing else fits");
        assert_eq!(lines("SCAN --l"), ["SCAN --limit "]);
        assert_eq!(lines("option "), ["option sync "]);
        assert_eq!(lines("option sync e"), ["option sync every-write "]);
        assert_eq!(lines("help co"), ["help count ", "help commit ", "help compact "]);
        assert_eq!(lines("stats "), ["stats --json "]);
        assert!(lines("nonsense ").is_empty());
    }

    #[test]
    fn keys_of_the_store_are_completed_wherever_a_key_may_stand() {
        for line in [
            "get JP/",
            "DEL JP/",
            "exists JP/",
            "explain JP/",
            "put JP/",
            "create JP/",
            "scan JP/",
            "count FR JP/",
            "scan --prefix JP/",
            "get --raw JP/",
            "scan --limit 3 JP/",
            "get \"JP/",
        ] {
            let lines = lines(line);
            assert!(lines.len() == 2 && lines.iter().all(|found| found.starts_with(line)), "{lines:?}");
        }
        assert_eq!(lines("get JP/T"), ["get JP/Tokyo "]);
        for line in
            ["JP", "get K", "put JP/Tokyo J", "get JP/Tokyo ", "import J", "scan --limit J", "scan a b J"]
        {
            assert_eq!(lines(line).iter().filter(|line| line.contains("JP/K")).count(), 0, "{line}");
        }
        assert!(Completion { stage: &STAGE, engine: None }.candidates("get ").1.is_empty());
    }

    proptest! {
        #[test]
        fn no_line_is_too_strange_to_be_completed(line: String) {
            lines(&line);
        }
    }
}
