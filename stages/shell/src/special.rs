//! The commands that one stage has and others have not: run on its engine, timed, and their report shown.

use crate::failure::{Answer, Failure, Outcome};
use crate::output::Tone;
use crate::report;
use crate::session::Session;
use contract::{Call, CommandReport, Engine};
use std::io::Write;
use std::time::Instant;

/// Runs one.
pub(crate) fn run(
    s: &mut Session<'_>,
    work: fn(&dyn Engine, &Call) -> contract::Result<CommandReport>,
    call: &Call,
) -> Answer {
    let store = s.store()?;
    let begun = now();
    let told = work(&*store, call)?;
    let took = s.timed.then(|| begun.elapsed());
    if s.wants_json(call) {
        writeln!(s.output, "{}", report::command_json(&told, took))?;
    } else {
        for line in &told.lines {
            writeln!(s.output, "{line}")?;
        }
        for line in &told.wrong {
            let label = s.output.paint("wrong", Tone::Bad);
            writeln!(s.output, "{label}: {line}")?;
        }
        let mut rows: Vec<_> = told.figures.iter().map(report::figure).collect();
        rows.extend(took.map(|took| ("time".into(), report::duration(took))));
        s.output.table(&rows)?;
    }
    if told.wrong.is_empty() { Ok(Outcome::Done) } else { Err(Failure::Told) }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a command took is told to a person, and decides nothing"
)]
fn now() -> Instant {
    Instant::now()
}
