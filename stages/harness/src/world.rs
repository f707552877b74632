//! The two worlds without a real disk, behind one face: the fast one and the one that can crash.

use std::collections::BTreeMap;
use std::sync::Arc;
use vfs::sim::{Crash, CrashKind, SimFs};
use vfs::{MemFs, Vfs};

/// A directory in memory.
#[derive(Clone)]
pub enum World {
    /// A map.
    Mem(MemFs),
    /// A simulated disk.
    Sim(SimFs),
}

impl World {
    /// An empty map.
    pub fn mem() -> Self {
        Self::Mem(MemFs::new())
    }

    /// An empty simulated disk that does what a real one may: short and interrupted reads, lists in any order.
    pub fn sim(seed: u64) -> Self {
        Self::Sim(restless(SimFs::new(), seed))
    }

    /// The world as an engine takes it.
    pub fn vfs(&self) -> Arc<dyn Vfs> {
        match self {
            Self::Mem(fs) => Arc::new(fs.clone()),
            Self::Sim(fs) => Arc::new(fs.clone()),
        }
    }

    /// A copy of every file, by name.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        match self {
            Self::Mem(fs) => fs.contents(),
            Self::Sim(fs) => fs.contents(),
        }
    }

    /// The bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.contents().values().map(|file| file.len() as u64).sum()
    }

    /// Puts a file of these bytes under `name`, replacing any.
    pub fn plant(&self, name: &str, bytes: Vec<u8>) {
        match self {
            Self::Mem(fs) => fs.plant(name, bytes),
            Self::Sim(fs) => fs.plant(name, bytes),
        }
    }

    /// What the next process finds if this one dies now: every file as the operating system has it, and no lock. The
    /// live store goes on in the old world.
    #[must_use]
    pub fn after_kill(&self, seed: u64) -> Self {
        match self {
            Self::Mem(_) => {
                let copy = MemFs::new();
                for (name, bytes) in self.contents() {
                    copy.plant(&name, bytes);
                }
                Self::Mem(copy)
            }
            Self::Sim(fs) => {
                let crash = Crash::new(CrashKind::ProcessKill, seed);
                Self::Sim(restless(fs.image(fs.calls(), &crash), seed))
            }
        }
    }
}

fn restless(fs: SimFs, seed: u64) -> SimFs {
    let on = |bit: u32| (seed >> bit & 1 == 1).then_some(seed);
    fs.short_reads(on(0));
    fs.interrupt_reads(on(1));
    fs.shuffle_lists(on(2));
    fs
}
