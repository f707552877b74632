//! A world that sees what is read: reading without end or into far too large a buffer is a panic, and which bytes an
//! opening has seen is remembered. To map a file is to read it, but for an engine with blocks: a table is mapped when it is
//! opened, and its blocks are looked at when somebody asks for them.

use super::Injury;
use crate::faults::hooked::{Hooked, Hooks};
use crate::settings::has_blocks;
use contract::Stage;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use vfs::sim::SimFs;
use vfs::{File, View};

/// More reads than this of a small store are a loop.
const MANY_READS: usize = 100_000;
/// A buffer this much larger than the file was sized by something that was not checked.
const SPARE_BYTES: u64 = 64 << 20;

/// What was read, of each file.
#[derive(Default)]
pub(crate) struct Watch {
    read: Mutex<Read>,
    /// What is mapped is looked at later.
    has_blocks: bool,
}

#[derive(Default)]
struct Read {
    count: usize,
    ranges: BTreeMap<String, Vec<Range<u64>>>,
}

/// The same world, watched.
pub(crate) fn watched(fs: &SimFs, stage: &Stage) -> Arc<Hooked<Watch>> {
    let watch = Watch { has_blocks: has_blocks(stage), ..Watch::default() };
    Arc::new(Hooked::new(Arc::new(fs.clone()), watch))
}

impl Watch {
    /// Whether anybody has read a byte that `injury` may have changed.
    pub(super) fn has_read(&self, injury: &Injury) -> bool {
        let read = self.read();
        let mut ranges =
            read.ranges.iter().flat_map(|(name, all)| all.iter().map(move |range| (name, range)));
        ranges.any(|(name, range)| injury.changes(name, range))
    }

    fn read(&self) -> MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, name: &str, range: Range<u64>) {
        let mut read = self.read();
        read.count += 1;
        assert!(read.count < MANY_READS, "it reads and reads and does not come to an end");
        match read.ranges.get_mut(name) {
            Some(ranges) if ranges.last().is_some_and(|last| last.end == range.start) => {
                if let Some(last) = ranges.last_mut() {
                    last.end = range.end;
                }
            }
            Some(ranges) => ranges.push(range),
            None => drop(read.ranges.insert(name.to_owned(), vec![range])),
        }
    }
}

impl Hooks for Watch {
    fn read_at(&self, file: &dyn File, name: &str, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let size = file.size()?;
        assert!(buf.len() as u64 <= size + SPARE_BYTES, "it reads {} bytes of a file of {size}", buf.len());
        let n = file.read_at(buf, offset)?;
        // Who asks beyond the end has seen where it is.
        let end = if n < buf.len() { u64::MAX } else { offset + n as u64 };
        self.remember(name, offset..end);
        Ok(n)
    }

    fn view(&self, file: &dyn File, name: &str) -> io::Result<View> {
        if !self.has_blocks {
            self.remember(name, 0..u64::MAX);
        }
        file.view()
    }
}
