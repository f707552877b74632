//! The world behind every handle of one simulated filesystem: the disk, its history, and whatever is to go wrong.

use super::call::{Act, Call, FileRef, Op};
use super::crash::Loss;
use super::disk::Disk;
use super::fault::{Armed, Effect, Errno, Failure};
use super::rng::Rng;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// See the module.
#[derive(Default)]
pub(super) struct World {
    /// The disk before the first recorded call.
    base: Disk,
    /// The disk now.
    pub(super) disk: Disk,
    pub(super) calls: Vec<Call>,
    /// A disk on the way from `base` to `disk`, and how many calls it has seen: images are usually asked for in
    /// ascending order, so each call is replayed once.
    cursor: Option<(usize, Disk)>,
    pub(super) all_calls: u64,
    pub(super) faults: Vec<Armed>,
    pub(super) struck: u64,
    pub(super) modes: Modes,
    pub(super) locked: bool,
    /// How many handles each inode has.
    handles: BTreeMap<usize, u64>,
    pub(super) losses: Vec<Loss>,
}

/// What makes the world unfriendly without a crash. Off by default.
#[derive(Default)]
pub(super) struct Modes {
    pub(super) short_reads: Option<Rng>,
    pub(super) interrupts: Option<Rng>,
    pub(super) shuffle: Option<Rng>,
    pub(super) max_handles: Option<u64>,
    pub(super) capacity: Option<u64>,
    pub(super) delayed: bool,
}

impl World {
    /// A world that starts here.
    pub(super) fn new(disk: Disk, losses: Vec<Loss>) -> Self {
        Self { base: disk.clone(), disk, losses, ..Self::default() }
    }

    /// Starts the history anew from what is there now.
    pub(super) fn forget(&mut self) {
        self.base = self.disk.clone();
        self.calls.clear();
        self.cursor = None;
    }

    /// Counts a call, and says how it fails if a fault was aimed at it.
    pub(super) fn gate(&mut self, op: Op, names: [&str; 2]) -> Option<Failure> {
        self.all_calls += 1;
        let mut struck = None;
        for fault in &mut self.faults {
            let failure = fault.strike(op, names);
            struck = struck.or(failure);
        }
        self.struck += u64::from(struck.is_some());
        struck
    }

    /// Counts a call that changes nothing.
    pub(super) fn look(&mut self, op: Op, name: &str) -> Result<(), Errno> {
        self.gate(op, [name, ""]).map_or(Ok(()), |failure| Err(failure.error))
    }

    /// Does and records a call that changes something.
    pub(super) fn run(&mut self, act: Act, failure: Option<Failure>) -> io::Result<()> {
        let call = Call { act, failure };
        self.disk.apply(&call);
        self.calls.push(call);
        failure.map_or(Ok(()), |failure| Err(failure.error.into()))
    }

    /// The disk as it was before the call `at`.
    pub(super) fn disk_at(&mut self, at: usize) -> &Disk {
        if at >= self.calls.len() {
            return &self.disk;
        }
        let cursor = self.cursor.take().filter(|(seen, _)| *seen <= at);
        let (seen, mut disk) = cursor.unwrap_or_else(|| (0, self.base.clone()));
        for call in &self.calls[seen..at] {
            disk.apply(call);
        }
        &self.cursor.insert((at, disk)).1
    }

    pub(super) fn file(&self, id: usize) -> FileRef {
        FileRef { id, name: Arc::clone(&self.disk.inodes[id].name) }
    }

    /// Counts a handle of the file with this name; its inode and size.
    pub(super) fn acquire(&mut self, name: &str) -> Result<(usize, u64), Errno> {
        let id = *self.disk.names.get(name).ok_or(Errno::Enoent)?;
        *self.handles.entry(id).or_default() += 1;
        Ok((id, self.disk.inodes[id].visible.len() as u64))
    }

    pub(super) fn release(&mut self, id: usize) {
        if let Some(count) = self.handles.get_mut(&id) {
            *count -= 1;
            if *count == 0 {
                self.handles.remove(&id);
            }
        }
    }

    pub(super) fn open_handles(&self) -> u64 {
        self.handles.values().sum()
    }

    /// Whether one more handle may be opened.
    pub(super) fn handle_room(&self) -> Option<Failure> {
        let full = self.modes.max_handles.is_some_and(|max| self.open_handles() >= max);
        full.then_some(Failure::plain(Errno::Emfile))
    }

    /// How an extension of a file to `size` fails where space is short: an append writes what fits.
    pub(super) fn room(&self, id: usize, offset: u64, len: u64) -> Option<Failure> {
        let capacity = self.modes.capacity.filter(|_| !self.modes.delayed)?;
        let size = self.disk.inodes[id].visible.len() as u64;
        let growth = (offset + len).saturating_sub(size);
        let free = capacity.saturating_sub(self.used());
        let fits = len - growth.saturating_sub(free).min(len);
        (growth > free).then_some(Failure { error: Errno::Enospc, effect: Effect::Partial(fits) })
    }

    /// How a sync fails where allocation was put off until now and space is short.
    pub(super) fn late_room(&self, id: usize) -> Option<Failure> {
        let capacity = self.modes.capacity.filter(|_| self.modes.delayed)?;
        let dirty = !self.disk.inodes[id].pending.is_empty();
        (dirty && self.used() > capacity).then_some(Failure::plain(Errno::Enospc))
    }

    /// The bytes of every file that has a name or a handle.
    fn used(&self) -> u64 {
        let named: u64 = self.disk.names.values().map(|id| self.size(*id)).sum();
        let held = self.handles.keys().filter(|id| {
            let name = &self.disk.inodes[**id].name;
            self.disk.names.get(name) != Some(*id)
        });
        named + held.map(|id| self.size(*id)).sum::<u64>()
    }

    fn size(&self, id: usize) -> u64 {
        self.disk.inodes[id].visible.len() as u64
    }
}
