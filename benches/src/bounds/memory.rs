//! Bounds of reading: what moving a cached log through the processor costs by itself.
#![expect(clippy::disallowed_methods, reason = "bounds call the operating system directly")]

use super::{HEADER_BYTES, first_frame, frame};
use crate::entries::{Entries, KEY_BYTES, Order, Random, Sizes};
use crate::report::{Sample, Unit};
use crate::timing;
use crate::workload::Effort;
use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::hint::black_box;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

const STREAM_BYTES: usize = 1 << 20;
const CHUNK_BYTES: usize = 256 << 10;
/// A key of the length of the others that no entry has.
const MISSING: &[u8; KEY_BYTES] = b"0000000000000001";

/// Memory to read into that begins on a cache line: where it lies at 16 bytes past one, as a large allocation does by
/// itself, the kernel's copy takes nearly twice as long.
struct Memory {
    bytes: Vec<u8>,
    len: usize,
}

impl Memory {
    const LINE_BYTES: usize = 64;

    fn new(len: usize) -> Self {
        Self { bytes: vec![0; len + Self::LINE_BYTES], len }
    }

    fn bytes(&mut self) -> &mut [u8] {
        let skipped = self.bytes.as_ptr().align_offset(Self::LINE_BYTES);
        &mut self.bytes[skipped..][..self.len]
    }
}

/// The log that a fill would leave, as bytes.
fn log_bytes(sizes: Sizes) -> Vec<u8> {
    let entries = Entries::new(sizes, Order::Shuffled(0), sizes.n);
    let mut bytes = Vec::new();
    for i in 0..entries.len() {
        frame(&mut bytes, &entries, i);
    }
    bytes
}

/// The same as a file, in the page cache, written as the puts of a fill write it: one call a frame. A file that was
/// written in one piece lies in the cache in larger pieces, and reading those is much faster.
fn log_file(sizes: Sizes, dir: &Path) -> Result<(File, u64)> {
    let entries = Entries::new(sizes, Order::Shuffled(0), sizes.n);
    let path = dir.join("log");
    let mut file = File::create_new(&path)?;
    let (mut bytes, mut len) = (Vec::new(), 0);
    for i in 0..entries.len() {
        bytes.clear();
        frame(&mut bytes, &entries, i);
        file.write_all(&bytes)?;
        len += bytes.len() as u64;
    }
    Ok((File::open(&path)?, len))
}

pub(super) fn read_stream(effort: &Effort, dir: &Path) -> Result<Vec<Sample>> {
    let (mut file, len) = log_file(effort.sizes, dir)?;
    let mut memory = Memory::new(STREAM_BYTES);
    let buffer = memory.bytes();
    bandwidth(effort, len, || {
        file.seek(SeekFrom::Start(0))?;
        let mut seen = 0;
        loop {
            match file.read(buffer)? {
                0 => return Ok(seen),
                n => seen += n as u64,
            }
            black_box(&*buffer);
        }
    })
}

pub(super) fn read_chunks(effort: &Effort, dir: &Path) -> Result<Vec<Sample>> {
    let (file, len) = log_file(effort.sizes, dir)?;
    let mut memory = Memory::new(CHUNK_BYTES);
    let buffer = memory.bytes();
    bandwidth(effort, len, || {
        let mut seen = 0;
        loop {
            match file.read_at(buffer, seen)? {
                0 => return Ok(seen),
                n => seen += n as u64,
            }
            black_box(&*buffer);
        }
    })
}

pub(super) fn walk(effort: &Effort, _: &Path) -> Result<Vec<Sample>> {
    let log = log_bytes(effort.sizes);
    per_million(effort, || Ok(walk_frames(&log, |_, _| true)?.frames))
}

pub(super) fn walk_checked(effort: &Effort, _: &Path) -> Result<Vec<Sample>> {
    let log = log_bytes(effort.sizes);
    per_million(effort, || Ok(walk_frames(&log, checksum_matches)?.frames))
}

pub(super) fn walk_chunks(effort: &Effort, dir: &Path) -> Result<Vec<Sample>> {
    walk_file(effort, dir, |_, _| true)
}

pub(super) fn walk_chunks_checked(effort: &Effort, dir: &Path) -> Result<Vec<Sample>> {
    walk_file(effort, dir, checksum_matches)
}

fn walk_file(effort: &Effort, dir: &Path, good: impl Fn(&[u8], u32) -> bool + Copy) -> Result<Vec<Sample>> {
    let (file, _) = log_file(effort.sizes, dir)?;
    let mut memory = Memory::new(CHUNK_BYTES.max(4 * (effort.sizes.value_bytes + HEADER_BYTES + KEY_BYTES)));
    let buffer = memory.bytes();
    per_million(effort, || {
        let (mut offset, mut frames) = (0, 0);
        loop {
            let got = file.read_at(buffer, offset)?;
            let walked = walk_frames(&buffer[..got], good)?;
            if walked.frames == 0 {
                ensure!(got == 0, "{got} bytes after the last frame");
                return Ok(frames);
            }
            frames += walked.frames;
            // A frame that the chunk cuts is read again, whole, at the start of the next.
            offset += walked.bytes as u64;
        }
    })
}

fn checksum_matches(body: &[u8], stored: u32) -> bool {
    crc_fast::crc32_iscsi(body) == stored
}

struct Walked {
    frames: u64,
    bytes: usize,
}

/// Passes over whole frames, compares their keys with the missing one, and has each checked.
fn walk_frames(log: &[u8], good: impl Fn(&[u8], u32) -> bool) -> Result<Walked> {
    let mut walked = Walked { frames: 0, bytes: 0 };
    let missing = black_box(MISSING.as_slice());
    while let Some((key, len)) = first_frame(&log[walked.bytes..]) {
        ensure!(key != missing, "found what was never written");
        let (stored, body) = log[walked.bytes..walked.bytes + len].split_first_chunk().context("a header")?;
        ensure!(good(body, u32::from_le_bytes(*stored)), "a frame changed in memory");
        walked.frames += 1;
        walked.bytes += len;
    }
    Ok(walked)
}

pub(super) fn pread_record(effort: &Effort, dir: &Path) -> Result<Vec<Sample>> {
    let (file, len) = log_file(effort.sizes, dir)?;
    let frame_bytes = len / effort.sizes.n;
    let mut random = Random::new(effort.sizes.seed);
    let mut buffer = vec![0; usize::try_from(frame_bytes)?];
    let ops = 500_000;
    let timed = timing::repeat(effort.limit(), ops, |_| {
        file.read_exact_at(&mut buffer, random.below(effort.sizes.n) * frame_bytes)?;
        ensure!(first_frame(&buffer).is_some(), "no frame there");
        Ok(())
    })?;
    Ok(vec![Sample::rate(&timed, ops, 1)])
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no 53 bits")]
fn bandwidth(effort: &Effort, len: u64, mut pass: impl FnMut() -> Result<u64>) -> Result<Vec<Sample>> {
    let (took, passes) = timing::median_of_repeats(effort.limit() / 4, || {
        let seen = pass()?;
        ensure!(seen == len, "read {seen} of {len} bytes");
        Ok(())
    })?;
    let mut sample = Sample::new("", len as f64 / took.as_secs_f64() / 1e9, Unit::GigabytesPerSecond);
    (sample.ops, sample.of) = (passes, passes);
    Ok(vec![sample])
}

/// The time of a pass, scaled to a million entries.
#[expect(clippy::cast_precision_loss, reason = "a time needs no 53 bits")]
fn per_million(effort: &Effort, mut pass: impl FnMut() -> Result<u64>) -> Result<Vec<Sample>> {
    let n = effort.sizes.n;
    let (took, passes) = timing::median_of_repeats(effort.limit() / 4, || {
        let frames = pass()?;
        ensure!(frames == n, "{frames} of {n} frames");
        Ok(())
    })?;
    let mut sample = Sample::new("", took.as_secs_f64() * 1e3 / (n as f64 / 1e6), Unit::Millis);
    (sample.ops, sample.of) = (passes, passes);
    Ok(vec![sample])
}
