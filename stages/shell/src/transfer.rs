//! `import` and `export`: lines of key, tab, value.
//!
//! **Invariants**
//! 1. An entry that was acknowledged stays, whatever ends the import: a bad line, Ctrl-C, the death of the process.
//! 2. Lines go in order, in batches, so that what is there after any end is a prefix of the file.
//! 3. Export, then import, is the identity for any bytes.

use crate::failure::{Answer, Failure, Outcome};
use crate::grammar::{tsv_escape, tsv_split, tsv_unescape};
use crate::interrupt::{self, Interruptible};
use crate::output::Tone;
use crate::report;
use crate::session::{MAX_LINE_BYTES, Session};
use contract::{Batch, Call, Engine, Entry, KeyRange, check_entry};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use serde_json::json;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// A batch is written when it has this many entries: enough that the write, not the call, is what costs.
const BATCH_ENTRIES: usize = 256;
/// Or this many bytes, so that large values need little memory.
const BATCH_BYTES: u64 = 1 << 20;

pub(crate) fn import(s: &mut Session<'_>, call: &Call) -> Answer {
    s.refuse_in_batch("import")?;
    let name = &call.args[0];
    let from_input = name == b"-";
    let file = if from_input { None } else { Some(open(Path::new(OsStr::from_bytes(name)))?) };
    let total_bytes = file.as_ref().and_then(|file| file.metadata().ok()).map(|m| m.len());
    let _guard = interrupt::guard();
    let mut import = Import::new(s.store()?, progress(total_bytes));
    let result = match file {
        None => import.run(&mut s.input),
        Some(file) => import.run(&mut BufReader::with_capacity(256 << 10, Interruptible(file))),
    };
    import.bar.finish_and_clear();
    let entries = report::count(import.entries, "entry", "entries");
    match result {
        Ok(()) => {}
        Err(Failure::Interrupted(_)) => {
            return Err(Failure::Interrupted(format!("interrupted; the store has {entries} of this import")));
        }
        Err(failure) => {
            s.output.labelled("note", Tone::Strong, format_args!("the store has {entries} of this import"));
            return Err(failure);
        }
    }
    tell(s, call, &import)?;
    Ok(Outcome::Done)
}

fn tell(s: &mut Session<'_>, call: &Call, import: &Import) -> Result<(), Failure> {
    let seconds = import.bar.elapsed().as_secs_f64();
    if s.wants_json(call) {
        let report = json!({ "entries": import.entries, "bytes": import.bytes, "seconds": seconds });
        writeln!(s.output, "{report}")?;
        return Ok(());
    }
    writeln!(s.output, "{} imported", report::count(import.entries, "entry", "entries"))?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate for people to read"
    )]
    let rate = |n: u64| (n as f64 / seconds.max(1e-9)) as u64;
    s.output.remark(format_args!(
        "{seconds:.2} s, {}/s, {} entries/s",
        HumanBytes(rate(import.bytes)),
        HumanCount(rate(import.entries))
    ));
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the file of an import is the caller's, and outside every store"
)]
fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|e| Failure::usage(format!("cannot open {}: {e}", path.display())))
}

/// A bar where the end is known, otherwise a count; hidden where standard error is not a terminal.
fn progress(total_bytes: Option<u64>) -> ProgressBar {
    let (bar, template) = match total_bytes {
        Some(bytes) if bytes > 0 => {
            (ProgressBar::new(bytes), "{bar:32} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left  {msg}")
        }
        _ => (ProgressBar::no_length(), "{spinner} {bytes}, {bytes_per_sec}  {msg}"),
    };
    // A template that does not parse leaves the default style.
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// An import at work.
struct Import {
    store: Arc<dyn Engine>,
    bar: ProgressBar,
    batch: Batch,
    /// Acknowledged.
    entries: u64,
    /// Of keys and values, acknowledged.
    bytes: u64,
    lines: u64,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Import {
    fn new(store: Arc<dyn Engine>, bar: ProgressBar) -> Self {
        let (key, value) = (Vec::new(), Vec::new());
        Self { store, bar, batch: Batch::new(), entries: 0, bytes: 0, lines: 0, key, value }
    }

    /// Puts every line, and writes what it has whatever ends it.
    fn run(&mut self, input: &mut impl BufRead) -> Result<(), Failure> {
        let read = self.read(input);
        self.write()?;
        read
    }

    fn read(&mut self, input: &mut impl BufRead) -> Result<(), Failure> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = input.take(MAX_LINE_BYTES).read_until(b'\n', &mut line);
            let bytes = read.map_err(|e| Failure::World("cannot read the import".into(), e))?;
            // Before the line is used: Ctrl-C may have ended it in its middle.
            if interrupt::requested() {
                return Err(Failure::Interrupted("interrupted".into()));
            }
            if bytes == 0 {
                return Ok(());
            }
            self.lines += 1;
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            self.add(line).map_err(|e| Failure::usage(format!("line {} of the import: {e}", self.lines)))?;
            self.bar.inc(bytes as u64);
            if self.batch.len() >= BATCH_ENTRIES || self.batch.bytes() >= BATCH_BYTES {
                self.write()?;
            }
        }
    }

    fn add(&mut self, line: &[u8]) -> Result<(), String> {
        let (key, value) = tsv_split(line)?;
        tsv_unescape(key, &mut self.key)?;
        tsv_unescape(value, &mut self.value)?;
        let entry = Entry { key: &self.key, value: Some(&self.value) };
        check_entry(entry).map_err(|e| e.to_string())?;
        self.batch.push(entry);
        Ok(())
    }

    fn write(&mut self) -> Result<(), Failure> {
        if !self.batch.is_empty() {
            self.store.write(&self.batch)?;
            self.entries += self.batch.len() as u64;
            self.bytes += self.batch.bytes();
            self.batch.clear();
            self.bar.set_message(format!("{} entries", HumanCount(self.entries)));
        }
        Ok(())
    }
}

pub(crate) fn export(s: &mut Session<'_>, _: &Call) -> Answer {
    let mut cursor = s.store()?.scan(KeyRange::all())?.into_cursor();
    let mut line = Vec::new();
    while let Some(key) = cursor.key() {
        line.clear();
        tsv_escape(key, &mut line);
        line.push(b'\t');
        tsv_escape(cursor.value()?, &mut line);
        line.push(b'\n');
        s.output.write_all(&line)?;
        if interrupt::requested() {
            break;
        }
        cursor.advance()?;
    }
    interrupt::outcome()
}
