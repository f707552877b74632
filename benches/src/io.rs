//! What the system counts while a store works, for each byte that a caller wrote or asked for: bytes of write calls
//! and of read calls, and bytes that went to the device. Unlike [`space`](crate::space) it needs no world of ours, so
//! rivals are counted too.
//!
//! **Invariants** Background work that a step has left behind belongs to that step: it is waited for, until nothing
//! was written for half a second, or for half a minute at most.
//!
//! **Source** `proc_pid_io(5)`: `rchar` and `wchar` count calls, whatever the page cache then does; `write_bytes` what
//! was sent to the device, for mapped files when a page becomes dirty. A page that is dirty for long is counted once,
//! however often it is written.

use crate::cell::Spec;
use crate::engines::Subject;
use crate::entries::{Entries, Order};
use crate::report::{Sample, Unit};
use crate::space::{occupied_bytes, put_each, share};
use crate::store::{self, Store};
use crate::{check, timing};
use anyhow::{Context, Result};
use contract::Durability;
use std::sync::Arc;
use vfs::OsFs;

/// How many gets there are at most.
const MOST_GETS: u64 = 100_000;
/// How often nothing may be written before it is quiet, and how often is looked at most, each after 10 ms.
const QUIET_LOOKS: u32 = 50;
const MOST_LOOKS: u32 = 3000;

/// What the system has counted for this process.
#[derive(Clone, Copy)]
struct Counts {
    read_calls: u64,
    write_calls: u64,
    device_writes: u64,
}

/// Fills, overwrites everything once, reads at random; counts each. Nothing where the system does not tell.
pub fn run(subject: &Subject, spec: &Spec) -> Result<Option<Vec<Sample>>> {
    let sizes = spec.effort.sizes;
    if counts().is_none() {
        return Ok(None);
    }
    let store = Store::open(subject, Arc::new(OsFs::create(&spec.dir)?), Durability::OnRequest)?;
    let mut samples = Vec::new();
    let mut times =
        |part: String, bytes: u64, of: u64| samples.push(Sample::new(&part, share(bytes, of), Unit::Times));
    let again = Entries::new(sizes, Order::Shuffled(1), sizes.n);
    for (step, entries) in [("fillrandom", &store::all(sizes)), ("overwrite", &again)] {
        let before = now()?;
        put_each(&*store, entries)?;
        let after = quiet()?;
        times(format!("write calls of {step}"), after.write_calls - before.write_calls, entries.bytes());
        times(
            format!("to the device by {step}"),
            after.device_writes - before.device_writes,
            entries.bytes(),
        );
    }
    let (hints, others) = occupied_bytes(&spec.dir)?;
    times("on disk after overwrite".into(), hints + others, again.bytes());
    let keys = Entries::new(sizes, Order::Redrawn, MOST_GETS.min(10 * sizes.n));
    let before = now()?;
    let gets = timing::repeat(spec.effort.limit(), keys.len(), |i| {
        check::got(&keys, i, store.get(keys.key(i))?.as_deref())
    })?;
    let values = gets.ops * sizes.value_bytes as u64;
    times("read calls of gets".into(), now()?.read_calls - before.read_calls, values);
    store.close()?;
    #[expect(clippy::cast_precision_loss, reason = "a number of files")]
    samples.push(Sample::new("files", files(&spec.dir)? as f64, Unit::Files));
    Ok(Some(samples))
}

/// The counts once nothing is written any more.
fn quiet() -> Result<Counts> {
    let (mut last, mut looks) = (now()?, 0);
    for _ in 0..MOST_LOOKS {
        (0..10).for_each(|_| timing::rest());
        let counts = now()?;
        let same = (counts.write_calls, counts.device_writes) == (last.write_calls, last.device_writes);
        (last, looks) = (counts, if same { looks + 1 } else { 0 });
        if looks == QUIET_LOOKS {
            break;
        }
    }
    Ok(last)
}

fn now() -> Result<Counts> {
    counts().context("the system counted a moment ago")
}

fn counts() -> Option<Counts> {
    let text = std::fs::read_to_string("/proc/self/io").ok()?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line?.trim().parse().ok()
    };
    Some(Counts {
        read_calls: field("rchar")?,
        write_calls: field("wchar")?,
        device_writes: field("write_bytes")?,
    })
}

/// How many files lie under a directory.
#[expect(clippy::disallowed_methods, reason = "looks at a store from outside")]
fn files(dir: &std::path::Path) -> Result<u64> {
    let mut count = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        count += if entry.file_type()?.is_dir() { files(&entry.path())? } else { 1 };
    }
    Ok(count)
}
