//! Where results and remarks go: results to one stream, everything else to the other.
//!
//! **Invariants**
//! 1. A remark is written after every result that came before it, also where both streams are one terminal.
//! 2. A remark that nobody can read is no error; a result that cannot be written is.
//! 3. Results carry bytes that are not ours, so they are never filtered; colour is put in only where it is wanted.

use clap::builder::StyledStr;
use clap::builder::styling::{AnsiColor, Effects, Style};
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};

/// The two streams.
pub(crate) struct Output<'a> {
    results: BufWriter<Box<dyn Write + 'a>>,
    /// `None`: remarks join the results, as in the tour.
    remarks: Option<Box<dyn Write + 'a>>,
    /// Whether results may be coloured.
    pub(crate) colour: bool,
    /// Whether remarks may be coloured.
    remark_colour: bool,
    /// Whether a person reads along and can answer.
    pub(crate) terminal: bool,
}

/// How a piece of text is set off.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tone {
    Good,
    Bad,
    Strong,
    Quiet,
}

impl<'a> Output<'a> {
    /// Results and remarks to two writers, without colour.
    pub(crate) fn new(results: impl Write + 'a, remarks: impl Write + 'a) -> Self {
        Self {
            results: BufWriter::with_capacity(64 << 10, Box::new(results)),
            remarks: Some(Box::new(remarks)),
            colour: false,
            remark_colour: false,
            terminal: false,
        }
    }

    /// The process's own streams, coloured where they are terminals and nobody objects.
    pub(crate) fn of_process() -> Output<'static> {
        let mut output = Output::new(io::stdout(), io::stderr());
        output.terminal = io::stdout().is_terminal() && io::stdin().is_terminal();
        let wanted = colour_is_wanted();
        output.colour = wanted && io::stdout().is_terminal();
        output.remark_colour = wanted && io::stderr().is_terminal();
        output
    }

    /// The same results; remarks join them.
    pub(crate) fn merged(&mut self) -> Output<'_> {
        let (colour, terminal) = (self.colour, self.terminal);
        let results = BufWriter::new(Box::new(self) as Box<dyn Write>);
        Output { results, remarks: None, colour, remark_colour: colour, terminal }
    }

    /// Writes a remark on a line of its own.
    pub(crate) fn remark(&mut self, text: impl Display) {
        // A broken output is reported by the command that meets it, not here.
        let _ = self.results.flush();
        let remarks: &mut dyn Write = match &mut self.remarks {
            Some(remarks) => remarks,
            None => &mut self.results,
        };
        let _ = writeln!(remarks, "{text}");
        let _ = remarks.flush();
    }

    /// Writes a remark that begins with a word in colour: `error: …`, `note: …`.
    pub(crate) fn labelled(&mut self, label: &str, tone: Tone, text: impl Display) {
        let label = paint(label, tone, self.remark_colour);
        self.remark(format_args!("{label}: {text}"));
    }

    /// Writes clap's text as a remark, in its colours where remarks may be coloured.
    pub(crate) fn remark_styled(&mut self, text: &StyledStr) {
        let text = if self.remark_colour { text.ansi().to_string() } else { text.to_string() };
        self.remark(text.trim_end());
    }

    /// Writes two columns.
    pub(crate) fn table(&mut self, rows: &[(String, String)]) -> io::Result<()> {
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        rows.iter().try_for_each(|(name, value)| writeln!(self, "{name:<width$}  {value}"))
    }

    /// Sets text off where results are coloured.
    pub(crate) fn paint(&self, text: impl Display, tone: Tone) -> String {
        paint(text, tone, self.colour)
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.results.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.results.flush()
    }
}

fn paint(text: impl Display, tone: Tone, colour: bool) -> String {
    let style = match tone {
        _ if !colour => Style::new(),
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Bad => AnsiColor::Red.on_default().effects(Effects::BOLD),
        Tone::Strong => Style::new().bold(),
        Tone::Quiet => Style::new().dimmed(),
    };
    format!("{style}{text}{style:#}")
}

/// By the convention of no-color.org.
fn colour_is_wanted() -> bool {
    let objection = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !objection && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_follow_the_results_before_them() {
        let mut all = Vec::new();
        let mut output = Output::new(&mut all, io::sink());
        let mut merged = output.merged();
        writeln!(merged, "one").unwrap();
        merged.remark("two");
        writeln!(merged, "three").unwrap();
        drop(merged);
        drop(output);
        assert_eq!(all, b"one\ntwo\nthree\n");
    }

    #[test]
    fn without_colour_there_is_no_escape() {
        assert_eq!(paint("x", Tone::Bad, false), "x");
        assert!(paint("x", Tone::Bad, true).starts_with('\x1b'));
    }
}
