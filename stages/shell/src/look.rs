//! The commands that look inside: figures, files, damage, options.

use crate::command::{commands, find};
use crate::failure::{Answer, Failure, Outcome};
use crate::grammar::lossy;
use crate::interrupt;
use crate::output::{Output, Tone};
use crate::place::Place;
use crate::report;
use crate::session::Session;
use contract::{Call, Error, Field, Verdict};
use serde_json::json;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub(crate) fn compact(s: &mut Session<'_>, call: &Call) -> Answer {
    s.refuse_in_batch("compact")?;
    let store = s.store()?;
    let before = store.stats().disk_bytes;
    store.compact()?;
    let after = store.stats().disk_bytes;
    if s.wants_json(call) {
        writeln!(s.output, "{}", json!({ "disk_bytes_before": before, "disk_bytes": after }))?;
    } else {
        writeln!(s.output, "{} on disk before, {} after", report::size(before), report::size(after))?;
    }
    Ok(Outcome::Done)
}

pub(crate) fn step(s: &mut Session<'_>, call: &Call) -> Answer {
    s.refuse_in_batch("step")?;
    let worked = s.store()?.step()?;
    if s.wants_json(call) {
        writeln!(s.output, "{}", json!({ "worked": worked }))?;
    } else {
        writeln!(
            s.output,
            "{}",
            if worked { "one unit of work was done" } else { "there was nothing to do" }
        )?;
    }
    Ok(Outcome::Done)
}

pub(crate) fn stats(s: &mut Session<'_>, call: &Call) -> Answer {
    let stats = s.store()?.stats();
    if s.wants_json(call) {
        let mut figures = report::stats_json(&stats);
        figures["opening"] = s.recovery().map(report::recovery_json).into();
        writeln!(s.output, "{figures}")?;
    } else {
        s.output.table(&report::stats(&stats))?;
    }
    Ok(Outcome::Done)
}

pub(crate) fn explain(s: &mut Session<'_>, call: &Call) -> Answer {
    let explanation = s.store()?.explain(&call.args[0])?;
    if s.wants_json(call) {
        writeln!(s.output, "{}", report::explanation_json(&explanation))?;
    } else {
        s.output.table(&report::explanation(&explanation))?;
    }
    Ok(if explanation.value.is_some() { Outcome::Done } else { Outcome::Absent })
}

// ANCHOR: inspect
pub(crate) fn inspect(s: &mut Session<'_>, call: &Call) -> Answer {
    let files = s.files()?;
    let json = s.wants_json(call);
    let mut printer = Printer { output: &mut s.output, json, file: String::new(), bad_count: 0 };
    let mut written = Ok(());
    let walked = (s.stage.inspect)(&*files, call.text(0)?, &mut |field| {
        written = printer.field(field);
        written.is_ok() && !interrupt::requested()
    });
    let bad_count = printer.bad_count;
    written?;
    walked?;
    match bad_count {
        0 => interrupt::outcome(),
        _ => Err(Failure::Told),
    }
}
// ANCHOR_END: inspect

/// Shows fields as they come.
struct Printer<'s, 'a> {
    output: &'s mut Output<'a>,
    json: bool,
    /// The file of the last field.
    file: String,
    bad_count: u64,
}

/// How many of a field's bytes are shown.
const SHOWN_BYTES: usize = 8;

impl Printer<'_, '_> {
    fn field(&mut self, field: &Field) -> io::Result<()> {
        self.bad_count += u64::from(matches!(field.verdict, Verdict::Bad(_)));
        if self.json {
            return writeln!(self.output, "{}", report::field_json(field));
        }
        if self.file != field.file {
            let gap = if self.file.is_empty() { "" } else { "\n" };
            self.file.clone_from(&field.file);
            let title = self.output.paint(&field.file, Tone::Strong);
            writeln!(self.output, "{gap}{title}")?;
        }
        let shown = &field.bytes[..field.bytes.len().min(SHOWN_BYTES)];
        let more = if field.len > shown.len() as u64 { "…" } else { "" };
        let raw = report::hex(shown, " ") + more;
        let verdict = match &field.verdict {
            Verdict::None => String::new(),
            Verdict::Good => self.output.paint("  ok", Tone::Good),
            Verdict::Bad(why) => self.output.paint(format_args!("  BAD: {why}"), Tone::Bad),
        };
        let (offset, name, meaning) = (field.offset, field.name, &field.meaning);
        writeln!(self.output, "{offset:>10}  {raw:<24}  {name:<12}  {meaning}{verdict}")
    }
}

pub(crate) fn verify(s: &mut Session<'_>, call: &Call) -> Answer {
    let report = match s.running() {
        Some(engine) => engine.verify()?,
        None => (s.stage.verify)(&*s.files()?)?,
    };
    if s.wants_json(call) {
        writeln!(s.output, "{}", report::verify_json(&report))?;
    } else {
        for line in report::damage(&report.damage) {
            let label = s.output.paint("damaged", Tone::Bad);
            writeln!(s.output, "{label}: {line}")?;
        }
        for note in &report.notes {
            writeln!(s.output, "note: {note}")?;
        }
        writeln!(s.output, "{}", report::verdict(&report))?;
    }
    if report.damage.is_empty() { Ok(Outcome::Done) } else { Err(Failure::Told) }
}

pub(crate) fn salvage(s: &mut Session<'_>, call: &Call) -> Answer {
    let files = s.files()?;
    let new = Place::directory(Path::new(OsStr::from_bytes(&call.args[0])));
    if !new.is_vacant() {
        return Err(Failure::usage(format!(
            "{} is not empty; salvage writes into a new directory",
            new.name
        )));
    }
    // A store that somebody has open cannot be salvaged: find that out before anything is made.
    drop(files.lock().map_err(|e| locked(&s.place, e))?);
    let (engine, _) = (s.stage.open)(new.create()?, &s.stage.default_options())?;
    let salvaged = (s.stage.salvage)(&*files, &*engine);
    engine.close()?;
    let report = salvaged?;
    if s.wants_json(call) {
        writeln!(s.output, "{}", report::salvage_json(&report))?;
    } else {
        for line in report::damage(&report.lost) {
            let label = s.output.paint("lost", Tone::Bad);
            writeln!(s.output, "{label}: {line}")?;
        }
        writeln!(s.output, "{}", report::salvage(&report, &new.name))?;
    }
    if report.lost.is_empty() { Ok(Outcome::Done) } else { Err(Failure::Told) }
}

fn locked(place: &Place, e: io::Error) -> Failure {
    match e.kind() {
        io::ErrorKind::WouldBlock => Error::Locked { location: place.name.clone() }.into(),
        _ => Failure::World(format!("cannot lock {}", place.name), e),
    }
}

pub(crate) fn help(s: &mut Session<'_>, call: &Call) -> Answer {
    if let Some(name) = call.arg(0) {
        let command = find(s.stage, name);
        let command =
            command.ok_or_else(|| Failure::usage(format!("there is no command «{}»", lossy(name))))?;
        writeln!(s.output, "{}\n    {}", command.usage(), command.about())?;
        for flag in command.flags {
            let left = format!("--{} {}", flag.name, flag.value.unwrap_or_default());
            writeln!(s.output, "    {left:<18} {}", flag.help)?;
        }
        if !command.aliases.is_empty() {
            writeln!(s.output, "    Also: {}", command.aliases.join(", "))?;
        }
        return Ok(Outcome::Done);
    }
    for command in commands(s.stage) {
        let left = format!("{} {}", command.name, command.takes.join(" "));
        writeln!(s.output, "  {left:<22} {}", command.about())?;
    }
    writeln!(
        s.output,
        "\nA value is the rest of the line; one that starts with \" is quoted, with \\\" \\\\ \\n \\t \\xNN inside."
    )?;
    writeln!(
        s.output,
        "«help COMMAND» shows flags and other names; «{} --help» shows all else.",
        s.stage.name
    )?;
    Ok(Outcome::Done)
}
