//! The mark of a clean close: one small file that lists every file of the store, as it must be at the next opening.
//!
//! **Layout** All numbers are little-endian.
//! ```text
//!   0         8         12        24        28
//!   ┌─────────┬─────────┬─────────┬─────────┬──────────────────────────────────────────────┬────────┐
//!   │"strataC\n"│ version │ engine  │ count   │ count × (name len u8, name, len u64, last u32) │ crc32c │
//!   │ 8 bytes │ u32     │ 12 bytes│ u32     │                                              │ u32    │
//!   └─────────┴─────────┴─────────┴─────────┴──────────────────────────────────────────────┴────────┘
//! ```
//! **Invariants**
//! 1. While the mark is there, every file is as long as it says and ends with the checksum that it says. The first
//!    write after an opening removes it, durably, before it appends.
//! 2. So with the mark a short log is damage, and without it a torn tail: this file is what tells them apart.
//!
//! **Cost** Two syncs at close, one directory sync at the first write.

use crate::files::CLEAN;
use crate::frame;
use crate::install;
use crate::log::header::{ENGINE_BYTES, VERSION, check_engine};
use contract::{Error, IoContext, Result};
use vfs::{Vfs, read_full};

const MAGIC: [u8; 8] = *b"strataC\n";
const FIXED_BYTES: usize = 28;
/// No store has a mark of more than this; a larger file is not read into memory.
const MAX_BYTES: u64 = 64 << 20;

/// A file as the mark describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The last checksum in it.
    pub last_checksum: u32,
}

// ANCHOR: write
/// Installs the mark.
pub fn write(vfs: &dyn Vfs, engine: [u8; ENGINE_BYTES], files: &[Listed]) -> Result<()> {
    let file = install::begin(vfs, CLEAN)?;
    file.append(&encode(engine, files)).during("append to", CLEAN)?;
    install::commit(vfs, &*file, CLEAN)
}
// ANCHOR_END: write

/// How large a mark is that lists files of these names, in bytes.
pub fn mark_bytes(names: &[&str]) -> u64 {
    let listed: usize = names.iter().map(|name| 1 + name.len() + 8 + 4).sum();
    (FIXED_BYTES + listed + 4) as u64
}

// ANCHOR: remove
/// Removes the mark, durably. A mark that is gone already is as good.
pub fn remove(vfs: &dyn Vfs) -> Result<()> {
    match vfs.remove(CLEAN) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        other => other.during("remove", CLEAN)?,
    }
    vfs.sync_dir().during("sync", &vfs.location())
}
// ANCHOR_END: remove

/// Reads the mark that `engine` left.
pub fn read(vfs: &dyn Vfs, engine: [u8; ENGINE_BYTES]) -> Result<Vec<Listed>> {
    let (found, version, files) = parse(&read_bytes(vfs)?)?;
    check_engine(CLEAN, found, version, engine)?;
    Ok(files)
}

/// The mark's bytes as they are.
pub(crate) fn read_bytes(vfs: &dyn Vfs) -> Result<Vec<u8>> {
    let file = vfs.open(CLEAN).during("open", CLEAN)?;
    let size = file.size().during("stat", CLEAN)?;
    if size > MAX_BYTES {
        return Err(Error::corrupt(CLEAN, MAX_BYTES, "larger than any mark"));
    }
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    let n = read_full(&*file, &mut bytes, 0).during("read", CLEAN)?;
    bytes.truncate(n);
    Ok(bytes)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a store has fewer than 2^32 files with names under 256 bytes"
)]
fn encode(engine: [u8; ENGINE_BYTES], files: &[Listed]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&engine);
    bytes.extend_from_slice(&(files.len() as u32).to_le_bytes());
    for file in files {
        bytes.push(file.name.len() as u8);
        bytes.extend_from_slice(file.name.as_bytes());
        bytes.extend_from_slice(&file.bytes.to_le_bytes());
        bytes.extend_from_slice(&file.last_checksum.to_le_bytes());
    }
    bytes.extend_from_slice(&frame::checksum(&bytes).to_le_bytes());
    bytes
}

/// Engine, version and files of a mark whose checksum matches.
pub(crate) fn parse(bytes: &[u8]) -> Result<([u8; ENGINE_BYTES], u32, Vec<Listed>)> {
    let damaged = |offset: usize, what: &str| Error::corrupt(CLEAN, offset as u64, what);
    let (body, checksum) = bytes.split_last_chunk().ok_or_else(|| damaged(0, "too short for a mark"))?;
    if body.len() < FIXED_BYTES || body[..8] != MAGIC {
        return Err(damaged(0, "not a mark of a clean close"));
    }
    if frame::checksum(body) != u32::from_le_bytes(*checksum) {
        return Err(damaged(body.len(), "checksum mismatch"));
    }
    let mut rest = Rest(&body[8..]);
    let truncated = || damaged(body.len(), "shorter than its count");
    let version = u32::from_le_bytes(rest.take().ok_or_else(truncated)?);
    let engine = rest.take().ok_or_else(truncated)?;
    let count = u32::from_le_bytes(rest.take().ok_or_else(truncated)?);
    let mut files = Vec::new();
    for _ in 0..count {
        files.push(rest.listed().ok_or_else(truncated)?);
    }
    if !rest.0.is_empty() {
        return Err(damaged(body.len() - rest.0.len(), "longer than its count"));
    }
    Ok((engine, version, files))
}

/// What is left to parse.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn listed(&mut self) -> Option<Listed> {
        let [len] = self.take()?;
        let (name, rest) = self.0.split_at_checked(usize::from(len))?;
        self.0 = rest;
        let name = String::from_utf8(name.to_vec()).ok()?;
        let bytes = u64::from_le_bytes(self.take()?);
        Some(Listed { name, bytes, last_checksum: u32::from_le_bytes(self.take()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::header::engine_id;

    #[test]
    fn a_mark_comes_back_and_no_damage_to_it_is_believed() {
        let listed = |n: u64| Listed { name: format!("{n:06}.log"), bytes: n * 100, last_checksum: 7 };
        let files = [listed(1), listed(2)];
        let good = encode(engine_id("stage1"), &files);
        assert_eq!(good.len() as u64, mark_bytes(&["000001.log", "000002.log"]));
        assert_eq!(parse(&good).unwrap().2, files);
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&bad).unwrap_err().is_corrupt(), "bit {bit}");
        }
        for len in 0..good.len() {
            assert!(parse(&good[..len]).unwrap_err().is_corrupt(), "length {len}");
        }
    }

    #[test]
    fn a_count_that_is_not_that_of_the_files_is_damage_under_any_checksum() {
        let listed = |n: u64| Listed { name: format!("{n:06}.log"), bytes: n * 100, last_checksum: 7 };
        let good = encode(engine_id("stage1"), &[listed(1), listed(2)]);
        for count in [0u8, 1, 3, 255] {
            let mut body = good[..good.len() - 4].to_vec();
            body[24] = count;
            let sum = frame::checksum(&body);
            let forged = [&body[..], &sum.to_le_bytes()].concat();
            assert!(parse(&forged).unwrap_err().is_corrupt(), "count {count}");
        }
    }
}
