//! The tour: a narrated walk that runs real commands on a temporary store and shows what they did to the bytes.
//!
//! **Layout** Each stage brings its own steps: a paragraph, then lines in the grammar of the prompt. Two lines exist
//! only here. `files` lists the store's files. `crash N` does what the death of the process does: it copies the files
//! as they are, tears the last N bytes off the newest log of the copy, abandons the running store, and opens the copy.
//!
//! **Invariants** The output is the same each time: no clock, no random number and no temporary path is in it, and no
//! background work is done but by a step that says so.

use crate::failure::{Answer, Failure};
use crate::grammar;
use crate::interrupt;
use crate::output::Tone;
use crate::place::Place;
use crate::session::{Input, Session, Upkeep};
use contract::{Call, IoContext, TourStep};
use std::io::{BufRead, BufReader, Write};
use tempfile::TempDir;
use vfs::{Vfs, read_full};

/// How wide the narration is set.
const WIDTH: usize = 78;

pub(crate) fn tour(s: &mut Session<'_>, call: &Call) -> Answer {
    if s.stage.tour.is_empty() {
        return Err(Failure::usage(format!("{} has no tour", s.stage.name)));
    }
    let home = TempDir::with_prefix("strata-tour-")
        .map_err(|e| Failure::World("cannot make a temporary directory for the tour".into(), e))?;
    // Ctrl-C then ends the tour, and its temporary directory goes with it.
    let _guard = interrupt::guard();
    let pause = s.output.terminal && !call.has("no-pause");
    let input: Input<'_> = BufReader::new(Box::new(&mut s.input));
    let mut session = Session::new(s.stage, place(&home, 0), input, s.output.merged());
    (session.upkeep, session.timed) = (Upkeep::ByHand, false);
    let mut tour = Tour { session, home, lives: 0 };
    let steps = s.stage.tour;
    for (at, step) in steps.iter().enumerate() {
        tour.step(step, at + 1, steps.len())?;
        let goes_on = !pause || at + 1 == steps.len() || wait_for_enter(&mut tour.session)?;
        if interrupt::requested() || !goes_on {
            break;
        }
    }
    match tour.session.end(0) {
        0 => interrupt::outcome(),
        _ => Err(Failure::Told),
    }
}

/// Where the store of one life of the tour lies, by a name that is the same each time.
fn place(home: &TempDir, life: u32) -> Place {
    Place::directory(&home.path().join(life.to_string())).called("the tour's store")
}

/// Waits until the person goes on; false if they have seen enough.
fn wait_for_enter(session: &mut Session<'_>) -> Result<bool, Failure> {
    let hint = session.output.paint("— Enter goes on, Ctrl-D ends the tour —", Tone::Quiet);
    write!(session.output, "\n{hint}")?;
    session.output.flush()?;
    let read = session.input.read_line(&mut String::new());
    Ok(read.map_err(|e| Failure::World("cannot read the terminal".into(), e))? > 0)
}

struct Tour<'a> {
    session: Session<'a>,
    home: TempDir,
    /// How often the store has crashed.
    lives: u32,
}

impl Tour<'_> {
    fn step(&mut self, step: &TourStep, number: usize, of: usize) -> Result<(), Failure> {
        let gap = if number == 1 { "" } else { "\n" };
        let title = self.session.output.paint(format_args!("({number} of {of})"), Tone::Quiet);
        writeln!(self.session.output, "{gap}{title}")?;
        for (at, paragraph) in step.say.split("\n\n").enumerate() {
            let gap = if at == 0 { "" } else { "\n" };
            writeln!(self.session.output, "{gap}{}", wrap(paragraph).join("\n"))?;
        }
        for line in step.run {
            let shown = self.session.output.paint(line, Tone::Strong);
            writeln!(self.session.output, "\n{}> {shown}", self.session.stage.name)?;
            self.line(line)?;
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<(), Failure> {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("files", "") => self.files(),
            ("crash", torn) => {
                let torn = torn.parse().map_err(|_| Failure::usage("crash takes a number of bytes"))?;
                self.crash(torn)
            }
            _ => self.session.run_line(line.as_bytes()).map(drop).or_else(|failure| match failure {
                // A tour may show damage; it must not break.
                Failure::Told => Ok(()),
                other => Err(other),
            }),
        }
    }

    fn files(&mut self) -> Result<(), Failure> {
        // Opens the store, which makes its first file.
        self.session.store()?;
        let files = self.session.files()?;
        for name in files.list().during("list", "the tour's store")? {
            let bytes = files.open(&name).and_then(|file| file.size()).during("open", &name)?;
            writeln!(self.session.output, "{bytes:>10} bytes  {}", grammar::show(name.as_bytes()))?;
        }
        Ok(())
    }

    fn crash(&mut self, torn_bytes: u64) -> Result<(), Failure> {
        self.session.store()?;
        self.lives += 1;
        let next = place(&self.home, self.lives);
        copy(&*self.session.files()?, &*next.create()?, torn_bytes)?;
        self.session.abandon(next);
        let opened = self.session.store().map(drop);
        if opened.is_ok() {
            writeln!(self.session.output, "The process died; the store is open again.")?;
        }
        opened
    }
}

/// Copies every file, the newest log without its last bytes.
fn copy(from: &dyn Vfs, to: &dyn Vfs, torn_bytes: u64) -> contract::Result<()> {
    let names = from.list().during("list", "the tour's store")?;
    let newest_log = names.iter().rfind(|name| name.strip_suffix(".log").is_some());
    for name in &names {
        let source = from.open(name).during("open", name)?;
        let mut bytes = vec![0; usize::try_from(source.size().during("size", name)?).unwrap_or(usize::MAX)];
        read_full(&*source, &mut bytes, 0).during("read", name)?;
        if Some(name) == newest_log {
            let torn = usize::try_from(torn_bytes).unwrap_or(usize::MAX);
            bytes.truncate(bytes.len().saturating_sub(torn));
        }
        let copy = to.create(name).during("create", name)?;
        copy.append(&bytes).during("append", name)?;
    }
    Ok(())
}

/// Breaks a paragraph into lines.
fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > WIDTH {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_is_set_within_the_width_and_loses_no_word() {
        let text = "word ".repeat(60);
        let lines = wrap(&text);
        assert!(lines.len() > 3 && lines.iter().all(|line| line.len() <= WIDTH));
        assert_eq!(lines.join(" "), text.trim());
    }
}
