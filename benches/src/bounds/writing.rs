//! Bounds of writing: what handing a frame to the operating system, or to the device, costs by itself.
#![expect(clippy::disallowed_methods, reason = "bounds call the operating system directly")]

use super::{HEADER_BYTES, frame};
use crate::entries::{Entries, KEY_BYTES, Order};
use crate::report::Sample;
use crate::timing;
use crate::workload::{Effort, Workload};
use anyhow::{Result, ensure};
use std::fs::File;
use std::io::Write;
use std::path::Path;

pub(super) fn log_write(effort: &Effort, dir: &Path) -> Result<Vec<Sample>> {
    let entries = Entries::new(effort.sizes, Order::Shuffled(0), effort.sizes.n);
    append(effort, dir, &entries, 1, After::Nothing)
}

pub(super) fn log_batches(effort: &Effort, dir: &Path) -> Result<Vec<Sample>> {
    let entries = Entries::new(effort.sizes, Order::Shuffled(0), effort.sizes.n);
    append(effort, dir, &entries, 100, After::Nothing)
}

pub(super) fn sync_each(effort: &Effort, dir: &Path) -> Result<Vec<Sample>> {
    append(effort, dir, &synced_entries(effort)?, 1, After::Sync)
}

pub(super) fn sync_reserved(effort: &Effort, dir: &Path) -> Result<Vec<Sample>> {
    append(effort, dir, &synced_entries(effort)?, 1, After::SyncReserved)
}

pub(super) fn sync_groups(effort: &Effort, dir: &Path) -> Result<Vec<Sample>> {
    append(effort, dir, &synced_entries(effort)?, 8, After::SyncReserved)
}

fn synced_entries(effort: &Effort) -> Result<Entries> {
    Workload::named("fillsync")?.entries(effort.sizes)
}

#[derive(Clone, Copy, PartialEq)]
enum After {
    Nothing,
    Sync,
    SyncReserved,
}

fn append(effort: &Effort, dir: &Path, entries: &Entries, batch: u64, after: After) -> Result<Vec<Sample>> {
    let path = dir.join("log");
    let mut file = File::create_new(&path)?;
    let all_bytes = entries.bytes() + entries.len() * HEADER_BYTES as u64;
    let mut note = "";
    if after == After::SyncReserved && !reserve(&file, all_bytes)? {
        note = "this filesystem does not reserve";
    }
    let mut buffer = Vec::new();
    let mut written = 0;
    let timed = timing::repeat(effort.limit(), entries.len().div_ceil(batch), |op| {
        buffer.clear();
        for i in op * batch..((op + 1) * batch).min(entries.len()) {
            frame(&mut buffer, entries, i);
        }
        file.write_all(&buffer)?;
        written += buffer.len() as u64;
        if after != After::Nothing {
            file.sync_data()?;
        }
        Ok(())
    })?;
    check(&path, entries, written)?;
    let mut sample = Sample::rate(&timed, entries.len(), batch);
    sample.ops = sample.ops.min(entries.len());
    Ok(vec![if note.is_empty() { sample } else { sample.noted(note) }])
}

/// The file begins with the frames, whole and in order.
fn check(path: &Path, entries: &Entries, written: u64) -> Result<()> {
    let bytes = std::fs::read(path)?;
    let mut rest = &bytes[..usize::try_from(written)?];
    let mut expected = Vec::with_capacity(HEADER_BYTES + KEY_BYTES);
    for i in 0..entries.len() {
        if rest.is_empty() {
            break;
        }
        expected.clear();
        frame(&mut expected, entries, i);
        ensure!(rest.starts_with(&expected), "frame {i} is not what was written");
        rest = &rest[expected.len()..];
    }
    ensure!(rest.is_empty(), "{} bytes after the last frame", rest.len());
    Ok(())
}

/// Extends the file by zeros; false where that cannot be done.
#[cfg(target_os = "linux")]
fn reserve(file: &File, bytes: u64) -> Result<bool> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        Ok(()) => Ok(file.sync_all().map(|()| true)?),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as where it can fail")]
fn reserve(_: &File, _: u64) -> Result<bool> {
    Ok(false)
}
