//! A handle on a simulated file.

use super::call::{Act, FileRef, Op};
use super::fault::Errno;
use super::world::World;
use crate::{File, View};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The largest file that this world holds: what a test asks for by mistake must not take the machine down.
const MAX_BYTES: u64 = 1 << 30;

/// A handle. The written end is its own, as a file descriptor's offset is.
pub(super) struct SimFile {
    world: Arc<Mutex<World>>,
    id: usize,
    end: AtomicU64,
}

/// Bytes as they were when the view was taken; a later change of the file copies them first.
struct Snapshot(Arc<Vec<u8>>);

impl AsRef<[u8]> for Snapshot {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl SimFile {
    /// A handle that the world has counted already.
    pub(super) fn new(world: Arc<Mutex<World>>, id: usize, end: u64) -> Self {
        Self { world, id, end: AtomicU64::new(end) }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The world, after it has counted a call that changes nothing.
    fn look(&self, op: Op) -> Result<(MutexGuard<'_, World>, Arc<Vec<u8>>), Errno> {
        let mut world = self.world();
        let file = world.file(self.id);
        world.look(op, &file.name)?;
        let bytes = Arc::clone(&world.disk.inodes[self.id].visible);
        Ok((world, bytes))
    }

    fn end(&self) -> u64 {
        self.end.load(Ordering::Relaxed)
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        self.world().release(self.id);
    }
}

impl File for SimFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.look(Op::Size)?.1.len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let (mut world, bytes) = self.look(Op::Read)?;
        if world.modes.interrupts.as_mut().is_some_and(|rng| rng.below(3) == 0) {
            return Err(Errno::Eintr.into());
        }
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let mut n = buf.len().min(bytes.len() - start);
        if let Some(rng) = world.modes.short_reads.as_mut().filter(|_| n > 1) {
            n = match rng.below(4) {
                0 => 1,
                1 => n,
                _ => 1 + rng.index(n),
            };
        }
        buf[..n].copy_from_slice(&bytes[start..start + n]);
        Ok(n)
    }

    fn append(&self, data: &[u8]) -> io::Result<()> {
        let mut world = self.world();
        let (file, offset) = (world.file(self.id), self.end());
        let end = limit(offset, data.len() as u64)?;
        let failure = world
            .gate(Op::Append, [&file.name, ""])
            .or_else(|| world.room(self.id, offset, data.len() as u64));
        world.run(Act::Append { file, offset, data: Arc::from(data) }, failure)?;
        self.end.store(end, Ordering::Relaxed);
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let mut world = self.world();
        let file = world.file(self.id);
        limit(len, 0)?;
        let failure = world.gate(Op::Truncate, [&file.name, ""]);
        world.run(Act::Truncate { file, len }, failure)?;
        self.end.store(len, Ordering::Relaxed);
        Ok(())
    }

    fn reserve(&self, bytes: u64) -> io::Result<()> {
        let mut world = self.world();
        let (file, offset) = (world.file(self.id), self.end());
        limit(offset, bytes)?;
        let failure =
            world.gate(Op::Reserve, [&file.name, ""]).or_else(|| world.room(self.id, offset, bytes));
        world.run(Act::Reserve { file, offset, bytes }, failure)
    }

    fn sync(&self) -> io::Result<()> {
        let mut world = self.world();
        let file: FileRef = world.file(self.id);
        let failure = world.gate(Op::Sync, [&file.name, ""]).or_else(|| world.late_room(self.id));
        world.run(Act::Sync { file }, failure)
    }

    fn view(&self) -> io::Result<View> {
        Ok(View::new(Snapshot(self.look(Op::View)?.1)))
    }
}

/// The sum, if this world can hold a file of that size.
fn limit(offset: u64, bytes: u64) -> io::Result<u64> {
    offset.checked_add(bytes).filter(|end| *end <= MAX_BYTES).ok_or_else(|| Errno::Einval.into())
}
