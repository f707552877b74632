//! Opening a store that another process left behind: closed, or killed.
//!
//! The store is filled by a child of this very program, so that nothing of it is left in this process's memory. The
//! child says when it is done; then it is let go, or killed by SIGKILL. What it had been told is kept must be there.
//!
//! **Invariants** The child closes nothing before it is killed: it stands still in a read of its standard input,
//! which also ends it should this process die first.

use crate::cell::{self, Spec};
use crate::report::{Sample, Unit};
use crate::{check, engines, timing};
use anyhow::{Context, Result, ensure};
use contract::{Durability, Stage};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use vfs::OsFs;

/// The argument that makes the program fill a store for [`run`].
pub const FILLER: &str = "filler";
const FULL: &str = "full";

/// Has a store filled and left, opens it and gets one key: the time of both is the figure. Fails if an entry is
/// lost.
pub fn run(stage: &Stage, killed: bool, spec: &Spec) -> Result<Vec<Sample>> {
    let mut child = Command::new(std::env::current_exe()?)
        .args([FILLER, &serde_json::to_string(spec)?])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the process that fills the store")?;
    let filled = wait_until_full(&mut child);
    if killed || filled.is_err() {
        child.kill()?;
    }
    // Closing its standard input lets it go on to its end.
    drop(child.stdin.take());
    let status = child.wait()?;
    filled?;
    ensure!(killed || status.success(), "the process that fills the store failed: {status}");

    let entries = cell::all(spec.effort.sizes);
    let ((engine, opened), took) = timing::once(|| {
        let vfs = Arc::new(OsFs::create(&spec.dir)?);
        let (engine, opened) = timing::once(|| cell::open(stage, vfs, Durability::OnRequest))?;
        check::got(&entries, 0, engine.get(entries.key(0))?.as_deref())?;
        Ok((engine, opened))
    })?;
    check::holds_exactly(&*engine, &entries, spec.effort.sizes.seed)?;
    engine.close()?;
    let millis = |t: std::time::Duration| t.as_secs_f64() * 1e3;
    Ok(vec![
        Sample::new("", millis(took), Unit::Millis),
        Sample::new("the opening alone", millis(opened), Unit::Millis),
    ])
}

fn wait_until_full(child: &mut Child) -> Result<()> {
    let said = child.stdout.take().context("no standard output")?;
    let mut line = String::new();
    BufReader::new(said).read_line(&mut line)?;
    ensure!(line.trim_end() == FULL, "the process that fills the store ended early");
    Ok(())
}

/// What the child does: fills the store, says so, and closes it once its standard input ends.
pub fn fill(spec: &Spec) -> Result<()> {
    let stage = engines::named(&spec.subject)?;
    let engine = cell::open(stage, Arc::new(OsFs::create(&spec.dir)?), Durability::OnRequest)?;
    cell::load(&*engine, &cell::all(spec.effort.sizes), 0)?;
    let mut out = std::io::stdout();
    writeln!(out, "{FULL}")?;
    out.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(engine.close()?)
}
