//! Silent damage to a world at rest: what a disk does to bytes that were once safely on it.

use super::SimFs;
use super::disk::{Inode, to_usize};
use super::fault::Errno;
use super::rng::Rng;
use super::world::World;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// One way in which a file may be damaged. Apply it with [`SimFs::damage`]; foreign and replaced files are
/// [`SimFs::plant`]'s, and a file's own past is [`SimFs::restore`]'s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wound {
    /// Inverts one bit, 0 to 7 from the lowest.
    FlipBit {
        /// The byte's position.
        offset: u64,
        /// The bit's number.
        bit: u8,
    },
    /// Gives one byte a value.
    SetByte {
        /// The byte's position.
        offset: u64,
        /// Its value from now on.
        value: u8,
    },
    /// Zeros the 512-byte sector of this number, as far as the file reaches.
    ZeroSector(u64),
    /// Fills the 512-byte sector of this number with noise.
    JunkSector {
        /// The sector's number.
        sector: u64,
        /// What the noise comes from.
        seed: u64,
    },
    /// Cuts the file to so many bytes.
    Truncate(u64),
    /// Adds so many zeros.
    ExtendZeros(u64),
    /// Adds so many bytes of noise.
    ExtendJunk {
        /// How many.
        bytes: u64,
        /// What the noise comes from.
        seed: u64,
    },
    /// Swaps two blocks of `bytes` bytes: those that begin at `a * bytes` and `b * bytes`. Both must be whole.
    SwapBlocks {
        /// The number of the one.
        a: u64,
        /// The number of the other.
        b: u64,
        /// The size of a block.
        bytes: u64,
    },
    /// Gives this file the content of that one, and that one the content of this.
    SwapWith(String),
    /// Gives this file the content of that one, which must exist.
    CopyOf(String),
    /// Takes the file away.
    Remove,
}

impl SimFs {
    /// A world at rest that holds these files.
    pub fn holding(files: BTreeMap<String, Vec<u8>>) -> Self {
        let fs = Self::new();
        for (name, bytes) in files {
            fs.plant(&name, bytes);
        }
        fs
    }

    /// A copy of every visible file, by name.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let world = self.world();
        let named = world.disk.names.iter();
        named.map(|(name, id)| (name.to_string(), world.disk.inodes[*id].visible.to_vec())).collect()
    }

    /// Puts a durable file of these bytes under `name`, replacing any. The history starts anew.
    pub fn plant(&self, name: &str, bytes: Vec<u8>) {
        let mut world = self.world();
        let name: Arc<str> = name.into();
        let id = world.disk.inodes.len();
        world.disk.inodes.push(Inode::at_rest(&name, Arc::new(bytes)));
        relink(&mut world, &name, Some(id));
    }

    /// What a file held before the mutating call `at_call`, if it was there.
    pub fn file_at(&self, name: &str, at_call: u64) -> Option<Vec<u8>> {
        let mut world = self.world();
        let disk = world.disk_at(to_usize(at_call));
        let id = *disk.names.get(name)?;
        Some(disk.inodes[id].visible.to_vec())
    }

    /// Puts back what a file held before the mutating call `at_call`: one file from an earlier generation among
    /// others of today. `NotFound` if it was not there then. The history starts anew.
    pub fn restore(&self, name: &str, at_call: u64) -> io::Result<()> {
        let bytes = self.file_at(name, at_call).ok_or(Errno::Enoent)?;
        self.plant(name, bytes);
        Ok(())
    }

    /// Damages a file in both layers; whatever was pending in it is durable afterwards. The history starts anew.
    /// `NotFound` if there is no such file, `InvalidInput` where the damage lies outside it; then nothing
    /// happens.
    pub fn damage(&self, name: &str, wound: &Wound) -> io::Result<()> {
        let mut world = self.world();
        let id = *world.disk.names.get(name).ok_or(Errno::Enoent)?;
        match wound {
            Wound::Remove => relink(&mut world, &name.into(), None),
            Wound::SwapWith(other) | Wound::CopyOf(other) => {
                let there = *world.disk.names.get(other.as_str()).ok_or(Errno::Enoent)?;
                let (mine, theirs) = (bytes(&world, id), bytes(&world, there));
                settle(&mut world, id, theirs);
                if matches!(wound, Wound::SwapWith(_)) {
                    settle(&mut world, there, mine);
                }
            }
            _ => {
                let mut bytes = bytes(&world, id);
                wound.inflict(Arc::make_mut(&mut bytes)).ok_or(Errno::Einval)?;
                settle(&mut world, id, bytes);
            }
        }
        world.forget();
        Ok(())
    }
}

fn bytes(world: &World, id: usize) -> Arc<Vec<u8>> {
    Arc::clone(&world.disk.inodes[id].visible)
}

/// Gives a file these bytes in both layers.
fn settle(world: &mut World, id: usize, bytes: Arc<Vec<u8>>) {
    let name = Arc::clone(&world.disk.inodes[id].name);
    world.disk.inodes[id] = Inode::at_rest(&name, bytes);
}

/// Gives a name to another inode, or to none, in both layers.
fn relink(world: &mut World, name: &Arc<str>, id: Option<usize>) {
    let disk = &mut world.disk;
    for map in [&mut disk.names, &mut disk.durable_names] {
        match id {
            Some(id) => drop(Arc::make_mut(map).insert(Arc::clone(name), id)),
            None => drop(Arc::make_mut(map).remove(name)),
        }
    }
    disk.pending_names.retain(|op| !op.change.touches().contains(&name));
    world.forget();
}

impl Wound {
    /// Changes the bytes, or says that it cannot.
    fn inflict(&self, bytes: &mut Vec<u8>) -> Option<()> {
        match *self {
            Self::FlipBit { offset, bit } => {
                *bytes.get_mut(to_usize(offset))? ^= 1u8.checked_shl(bit.into())?;
            }
            Self::SetByte { offset, value } => *bytes.get_mut(to_usize(offset))? = value,
            Self::ZeroSector(n) => sector(bytes, n)?.fill(0),
            Self::JunkSector { sector: n, seed } => Rng::new(seed, n).fill(sector(bytes, n)?),
            Self::Truncate(len) => {
                bytes.get(to_usize(len)..)?;
                bytes.truncate(to_usize(len));
            }
            Self::ExtendZeros(n) => bytes.resize(bytes.len().checked_add(to_usize(n))?, 0),
            Self::ExtendJunk { bytes: n, seed } => {
                let end = bytes.len();
                bytes.resize(end.checked_add(to_usize(n))?, 0);
                Rng::new(seed, n).fill(&mut bytes[end..]);
            }
            Self::SwapBlocks { a, b, bytes: size } => {
                let (a, b) = (block(a, size)?, block(b, size)?);
                bytes.get(a.start.max(b.start)..a.end.max(b.end))?;
                for (x, y) in a.zip(b) {
                    bytes.swap(x, y);
                }
            }
            Self::SwapWith(_) | Self::CopyOf(_) | Self::Remove => return None,
        }
        Some(())
    }
}

fn sector(bytes: &mut [u8], number: u64) -> Option<&mut [u8]> {
    let Range { start, end } = block(number, 512)?;
    let end = end.min(bytes.len());
    bytes.get_mut(start..end).filter(|sector| !sector.is_empty())
}

fn block(number: u64, size: u64) -> Option<Range<usize>> {
    let start = usize::try_from(number.checked_mul(size)?).ok()?;
    Some(start..start.checked_add(usize::try_from(size).ok()?)?)
}

impl fmt::Display for Wound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FlipBit { offset, bit } => write!(f, "bit {bit} of byte {offset} flipped"),
            Self::SetByte { offset, value } => write!(f, "byte {offset} set to {value:#04x}"),
            Self::ZeroSector(n) => write!(f, "sector {n} zeroed"),
            Self::JunkSector { sector, .. } => write!(f, "sector {sector} filled with noise"),
            Self::Truncate(len) => write!(f, "cut to {len} bytes"),
            Self::ExtendZeros(n) => write!(f, "{n} zeros added"),
            Self::ExtendJunk { bytes, .. } => write!(f, "{bytes} bytes of noise added"),
            Self::SwapBlocks { a, b, bytes } => write!(f, "blocks {a} and {b} of {bytes} bytes swapped"),
            Self::SwapWith(other) => write!(f, "content swapped with {other}"),
            Self::CopyOf(other) => write!(f, "content replaced by that of {other}"),
            Self::Remove => write!(f, "removed"),
        }
    }
}
