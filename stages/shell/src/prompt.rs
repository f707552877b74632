//! The prompt: a line editor with history and completion, a welcome, and a store that is opened at once.

use crate::complete::Completion;
use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::session::{Pending, Session};
use contract::Stage;
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use std::io::{self, Write};
use std::path::PathBuf;
use vfs::OsFs;

type Prompt = Editor<Completion, FileHistory>;

/// Runs the prompt until the person leaves. Returns the exit status: errors were seen and answered, so it is 0 unless
/// the store cannot be opened or the terminal fails.
pub(crate) fn run(s: &mut Session<'_>) -> u8 {
    s.interactive = true;
    if let Err(failure) = s.store() {
        return s.fail(&failure, None);
    }
    welcome(s);
    let history = history_file(s.stage);
    let completion = Completion { stage: s.stage, engine: s.running() };
    let mut prompt = match editor(completion) {
        Ok(prompt) => prompt,
        Err(e) => return s.fail(&terminal(e), None),
    };
    if let Some(history) = &history {
        // There is none the first time.
        let _ = prompt.load_history(history);
    }
    let status = read_lines(s, &mut prompt);
    if let Some(history) = &history {
        // A history that cannot be kept is no reason to trouble anybody.
        let _ = prompt.save_history(history);
    }
    status
}

fn read_lines(s: &mut Session<'_>, prompt: &mut Prompt) -> u8 {
    loop {
        let sign = if matches!(s.pending, Pending::Open(_)) { " batch> " } else { "> " };
        match prompt.readline(&format!("{}{sign}", s.stage.name)) {
            // What was pasted may be several lines.
            Ok(lines) => {
                for line in lines.lines() {
                    if !run_line(s, line) {
                        return 0;
                    }
                }
                if let Err(e) = s.output.flush() {
                    return s.fail(&e.into(), None);
                }
            }
            Err(ReadlineError::Interrupted) => s.output.remark("(«quit» or Ctrl-D leaves)"),
            Err(ReadlineError::Eof) => return 0,
            Err(e) => return s.fail(&terminal(e), None),
        }
    }
}

/// Runs a line and tells what went wrong; false to leave.
fn run_line(s: &mut Session<'_>, line: &str) -> bool {
    // Under it Ctrl-C ends the command, not the shell.
    let _guard = interrupt::guard();
    match s.run_line(line.as_bytes()) {
        Ok(outcome) => outcome != Outcome::Quit,
        Err(failure) => {
            s.fail(&failure, None);
            true
        }
    }
}

fn terminal(e: ReadlineError) -> Failure {
    Failure::World("the terminal failed".into(), io::Error::other(e))
}

fn welcome(s: &mut Session<'_>) {
    let (name, title, place) = (s.stage.name, s.stage.title, s.place.name.clone());
    s.output.remark(format_args!(
        "{name}, {title}. The data lies in {place}.\n\
         Try: put user:1 {{\"name\":\"Alice\"}} · get user:1 · scan · inspect · tour. «help» lists the rest; Ctrl-D leaves."
    ));
}

fn editor(completion: Completion) -> rustyline::Result<Prompt> {
    let config = Config::builder()
        .auto_add_history(true)
        .completion_type(CompletionType::List)
        .max_history_size(1000)?;
    let mut editor = Editor::with_config(config.build())?;
    editor.set_helper(Some(completion));
    Ok(editor)
}

/// In the folder that the XDG convention gives to what programs remember; `None` where there is no home.
fn history_file(stage: &Stage) -> Option<PathBuf> {
    let given = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder =
        given("XDG_STATE_HOME").or_else(|| Some(given("HOME")?.join(".local/state")))?.join("strata");
    OsFs::create(&folder).ok()?;
    Some(folder.join(format!("{}.history", stage.name)))
}

impl Completer for Completion {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        Ok(self.candidates(&line[..at]))
    }
}

impl Helper for Completion {}
impl Highlighter for Completion {}
impl Hinter for Completion {
    type Hint = String;
}
impl Validator for Completion {}
