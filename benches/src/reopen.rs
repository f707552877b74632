//! Opening a store that another process left behind: closed, or killed.
//!
//! The store is filled by a child of this very program, so that nothing of it is left in this process's memory. The
//! child says when it is done; then it is let go, or killed by SIGKILL. What it had been told is kept must be there.
//!
//! **Invariants**
//! 1. The child closes nothing before it is killed: it stands still in a read of its standard input, which also ends
//!    it should this process die first.
//! 2. An engine of ours that lost an acknowledged put fails the run. Of a rival it is counted.

use crate::cell::Spec;
use crate::engines::{Kind, Subject};
use crate::entries::Entries;
use crate::report::{Sample, Unit};
use crate::store::{self, Store};
use crate::workload::{Action, Workload};
use crate::{check, timing};
use anyhow::{Context, Result, ensure};
use contract::Durability;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use vfs::OsFs;

/// The argument that makes the program fill a store for [`opening`].
pub const FILLER: &str = "filler";
const FULL: &str = "full";

/// Has a store filled and left, opens it and gets one key: the time of both is the figure. Fails if an entry is
/// lost, and answers nothing where a rival lost it.
pub fn opening(subject: &Subject, workload: &Workload, spec: &Spec) -> Result<Option<Vec<Sample>>> {
    have_filled(workload, spec)?;
    let entries = store::all(spec.effort.sizes);
    let (store, took) = timing::once(|| open(subject, spec))?;
    let (first, took_get) = timing::once(|| Ok(store.get(entries.key(0))?))?;
    let whole = check::got(&entries, 0, first.as_deref())
        .and_then(|()| check::holds_exactly(&*store, &entries, spec.effort.sizes.seed));
    match whole {
        Err(_) if subject.kind == Kind::Rival && workload.timed == (Action::Open { killed: true }) => {
            return Ok(None);
        }
        whole => whole?,
    }
    store.close()?;
    let millis = |t: std::time::Duration| t.as_secs_f64() * 1e3;
    Ok(Some(vec![
        Sample::new("", millis(took + took_get), Unit::Millis),
        Sample::new("the opening alone", millis(took), Unit::Millis),
    ]))
}

/// Has puts acknowledged one by one and their process killed; counts how many of them are gone.
pub fn lost(subject: &Subject, workload: &Workload, spec: &Spec) -> Result<Vec<Sample>> {
    have_filled(workload, spec)?;
    let store = open(subject, spec)?;
    let entries = killed_puts(workload, spec);
    let mut lost: u32 = 0;
    for i in 0..entries.len() {
        lost += u32::from(store.get(entries.key(i))?.as_deref() != Some(entries.value(i)));
    }
    ensure!(lost == 0 || subject.kind == Kind::Rival, "a kill lost {lost} acknowledged puts");
    store.close()?;
    let mut sample = Sample::new("", f64::from(lost), Unit::Puts);
    (sample.ops, sample.of) = (entries.len(), entries.len());
    Ok(vec![sample])
}

/// Has a store filled and closed, opens it, and counts what its opening left on the heap; `live` says how much that
/// is at a moment.
pub fn memory(
    subject: &Subject,
    workload: &Workload,
    spec: &Spec,
    live: fn() -> usize,
) -> Result<Vec<Sample>> {
    have_filled(workload, spec)?;
    let vfs = Arc::new(OsFs::create(&spec.dir)?);
    let before = live();
    let store = Store::open(subject, vfs, Durability::OnRequest)?;
    let after = live();
    check::holds_exactly(&*store, &store::all(spec.effort.sizes), spec.effort.sizes.seed)?;
    store.close()?;
    #[expect(clippy::cast_precision_loss, reason = "a ratio of counts needs no 53 bits")]
    let each = after.saturating_sub(before) as f64 / spec.effort.sizes.n as f64;
    Ok(vec![Sample::new("", each, Unit::BytesPerKey)])
}

fn open(subject: &Subject, spec: &Spec) -> Result<Store> {
    Ok(Store::open(subject, Arc::new(OsFs::create(&spec.dir)?), Durability::OnRequest)?)
}

/// Has a child fill the store, and lets it close or kills it, as the workload says.
fn have_filled(workload: &Workload, spec: &Spec) -> Result<()> {
    let killed = matches!(workload.timed, Action::Open { killed: true } | Action::Lost);
    let spec = Spec { workloads: vec![workload.name.into()], ..spec.clone() };
    let mut child = Command::new(std::env::current_exe()?)
        .args([FILLER, &serde_json::to_string(&spec)?])
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
    Ok(())
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
    let subject = Subject::named(&spec.subject)?;
    let workload = Workload::named(spec.workloads.first().context("a workload")?)?;
    let store = open(&subject, spec)?;
    if workload.timed == Action::Lost {
        let entries = killed_puts(workload, spec);
        (0..entries.len()).try_for_each(|i| store.put(entries.key(i), entries.value(i)))?;
    } else {
        store.load(&store::all(spec.effort.sizes), 0)?;
    }
    let mut out = std::io::stdout();
    writeln!(out, "{FULL}")?;
    out.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(store.close()?)
}

fn killed_puts(workload: &Workload, spec: &Spec) -> Entries {
    let sizes = spec.effort.sizes;
    Entries::new(sizes, crate::entries::Order::Shuffled(0), workload.ops(sizes))
}
