//! What a power loss leaves of one file.
//!
//! Everything is said in *moments*. The pending operations of a file are a line in time, divisible down to the byte
//! inside an append. The size that a crash leaves is the size at one moment; each sector holds what it held at one
//! moment. The crash kinds differ only in how they draw the moments, and in what stands where nothing landed.
//!
//! **Invariants** Bytes that no pending operation wrote are the durable ones, and zeros beyond them
//! ([`Profile::Hard`] excepted, in the sector of the last durable byte).
//!
//! **Cost** One copy of the file and one pass over its pending bytes.
//!
//! **Source** `AsyncFileNonDurable` of `FoundationDB`, for pages and sectors.

use super::crash::{Crash, CrashKind, Loss, Profile};
use super::disk::{DataOp, Inode};
use super::rng::Rng;
use std::ops::Range;
use std::sync::Arc;

/// What a device writes or does not write, as far as no power loss is torn inside.
const SECTOR: usize = 512;
/// How many sectors the page cache writes back at a time: 4 KiB.
const SECTORS_PER_PAGE: usize = 8;

/// After the first `ops` pending operations, and `bytes` of the next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    ops: usize,
    bytes: usize,
}

/// What a sector holds: its first `cut` bytes are of a moment, the others of the time before.
#[derive(Clone, Copy)]
struct Sector {
    moment: Moment,
    cut: usize,
}

/// The state of each sector that a pending operation touched.
struct Sectors {
    first: usize,
    states: Vec<Sector>,
    /// The state of those not listed.
    rest: Sector,
}

/// Puts something where nothing landed, and counts.
struct Filler<'a> {
    inode: &'a Inode,
    junk: bool,
    /// What the present run of missing bytes is filled with, where it began and where it ends.
    run: (Fill, usize, usize),
    missing: usize,
    filled: usize,
}

#[derive(Clone, Copy)]
enum Fill {
    Keep,
    Noise,
    /// The file's own bytes from this offset on.
    Older(usize),
}

const START: Moment = Moment { ops: 0, bytes: 0 };

/// What a crash leaves of this file, and what that took away. `exact`: how many pending operations the bytes show, and
/// how many the size, instead of a draw.
pub(super) fn content(
    inode: &Inode,
    crash: &Crash,
    exact: Option<(usize, usize)>,
    rng: &mut Rng,
) -> (Arc<Vec<u8>>, Option<Loss>) {
    if inode.pending.is_empty() && !inode.diverged {
        return (Arc::clone(&inode.durable), None);
    }
    let (size_at, sectors) = match exact {
        Some((bytes, size)) => (Moment { ops: size, bytes: 0 }, everywhere(Moment { ops: bytes, bytes: 0 })),
        None => draw(inode, crash.kind, rng),
    };
    let mut filler = Filler::new(inode, crash.kind == CrashKind::Junk);
    let mut bytes = write_back(inode, &sectors, &mut filler, rng);
    let damaged = if crash.profile == Profile::Hard { damage(inode, &sectors, &mut bytes, rng) } else { 0 };
    bytes.resize(size_at_moment(inode, size_at), 0);
    let loss = Loss::Bytes {
        file: Arc::clone(&inode.name),
        size_before: inode.visible.len() as u64,
        size: bytes.len() as u64,
        missing: filler.missing as u64,
        junk: filler.filled as u64,
        damaged: damaged as u64,
    };
    let changed = filler.missing > 0 || damaged > 0 || bytes.len() != inode.visible.len();
    (Arc::new(bytes), changed.then_some(loss))
}

/// The moment of the size, and those of the sectors.
fn draw(inode: &Inode, kind: CrashKind, rng: &mut Rng) -> (Moment, Sectors) {
    let pending = &inode.pending;
    let size_at = draw_moment(pending, rng);
    match kind {
        CrashKind::Pages | CrashKind::Junk => (size_at, draw_sectors(inode, size_at, rng)),
        CrashKind::Sizes => (size_at, everywhere(draw_moment(pending, rng))),
        CrashKind::Names => {
            let moment = if rng.coin() { Moment { ops: pending.len(), bytes: 0 } } else { START };
            (moment, everywhere(moment))
        }
        _ => (size_at, everywhere(size_at)),
    }
}

/// Every sector holds what it held at one moment.
fn everywhere(moment: Moment) -> Sectors {
    Sectors { first: 0, states: Vec::new(), rest: Sector { moment, cut: SECTOR } }
}

/// Often the end, sometimes the start, else between two operations or at any byte inside one.
fn draw_moment(pending: &[DataOp], rng: &mut Rng) -> Moment {
    let style = rng.below(8);
    let ops = match style {
        0..=2 => pending.len(),
        3 => 0,
        _ => rng.index(pending.len() + 1),
    };
    let bytes = match pending.get(ops) {
        Some(DataOp::Write { len, .. }) if style > 5 => rng.index(*len),
        _ => 0,
    };
    Moment { ops, bytes }
}

/// Page by page: landed, missing, of an earlier moment, or torn into sectors.
fn draw_sectors(inode: &Inode, top: Moment, rng: &mut Rng) -> Sectors {
    let touched = touched(inode);
    let first = touched.start / SECTOR / SECTORS_PER_PAGE * SECTORS_PER_PAGE;
    let count = if touched.is_empty() { 0 } else { touched.end.div_ceil(SECTOR) - first };
    let landed = Sector { moment: top, cut: SECTOR };
    let missing = Sector { moment: START, cut: SECTOR };
    let mut states = Vec::with_capacity(count + SECTORS_PER_PAGE);
    let landing_odds = rng.below(4);
    while states.len() < count {
        if rng.below(4) < landing_odds {
            states.extend([landed; SECTORS_PER_PAGE]);
            continue;
        }
        match rng.below(4) {
            0 => states.extend([missing; SECTORS_PER_PAGE]),
            1 => {
                let moment = draw_moment(&inode.pending, rng).min(top);
                states.extend([Sector { moment, cut: SECTOR }; SECTORS_PER_PAGE]);
            }
            _ => states.extend((0..SECTORS_PER_PAGE).map(|_| match rng.below(4) {
                0 | 1 => landed,
                2 => missing,
                _ => Sector { moment: top, cut: rng.index(SECTOR) },
            })),
        }
    }
    Sectors { first, states, rest: landed }
}

/// The range that holds every byte written by a pending operation.
fn touched(inode: &Inode) -> Range<usize> {
    let (mut start, mut end) = (usize::MAX, 0);
    let mut size = inode.durable.len();
    for op in &inode.pending {
        let written = match *op {
            DataOp::Write { offset, len, .. } => offset..offset + len,
            DataOp::Truncate(len) => len..size,
            DataOp::Reserve(_) => 0..0,
        };
        if !written.is_empty() {
            (start, end) = (start.min(written.start), end.max(written.end));
        }
        size = op.size_after(size);
    }
    start..end
}

/// The durable bytes with what landed of the pending operations; as long as the file was at its longest.
fn write_back(inode: &Inode, sectors: &Sectors, filler: &mut Filler<'_>, rng: &mut Rng) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(inode.visible.len().max(inode.durable.len()));
    bytes.extend_from_slice(&inode.durable);
    let mut size = bytes.len();
    for (k, op) in inode.pending.iter().enumerate() {
        match op {
            DataOp::Write { offset, data, len } => {
                let end = offset + len;
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                for chunk in by_sector(*offset..end) {
                    let kept = sectors.kept(k, *offset, &chunk);
                    let from = chunk.start - offset;
                    bytes[chunk.start..chunk.start + kept].copy_from_slice(&data[from..from + kept]);
                    filler.fill(&mut bytes, chunk.start + kept..chunk.end, rng);
                }
            }
            DataOp::Truncate(len) => {
                for chunk in by_sector(*len..size) {
                    let kept = sectors.kept(k, *len, &chunk);
                    bytes[chunk.start..chunk.start + kept].fill(0);
                }
            }
            DataOp::Reserve(_) => {}
        }
        size = op.size_after(size);
        if bytes.len() < size {
            bytes.resize(size, 0);
        }
    }
    bytes
}

/// Damages, by a coin for each append that did not land whole, bytes before it in its first sector.
fn damage(inode: &Inode, sectors: &Sectors, bytes: &mut [u8], rng: &mut Rng) -> usize {
    let mut damaged = 0;
    for (k, op) in inode.pending.iter().enumerate() {
        let DataOp::Write { offset, len, .. } = *op else { continue };
        let torn = by_sector(offset..offset + len).any(|chunk| sectors.kept(k, offset, &chunk) < chunk.len());
        let head = offset / SECTOR * SECTOR..offset;
        if torn && !head.is_empty() && rng.coin() {
            let from = head.start + rng.index(head.len());
            rng.fill(&mut bytes[from..offset]);
            damaged += offset - from;
        }
    }
    damaged
}

fn size_at_moment(inode: &Inode, moment: Moment) -> usize {
    let size = inode.pending[..moment.ops].iter().fold(inode.durable.len(), |size, op| op.size_after(size));
    match inode.pending.get(moment.ops) {
        Some(DataOp::Write { offset, .. }) if moment.bytes > 0 => size.max(offset + moment.bytes),
        _ => size,
    }
}

/// A range in pieces that each lie in one sector.
fn by_sector(range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let start = at;
        at = range.end.min((start / SECTOR + 1) * SECTOR);
        (start < range.end).then_some(start..at)
    })
}

impl Sectors {
    /// How many bytes landed of the piece `chunk` of the pending operation `k`, which began at `offset`.
    fn kept(&self, k: usize, offset: usize, chunk: &Range<usize>) -> usize {
        let index = (chunk.start / SECTOR).wrapping_sub(self.first);
        let Sector { moment, cut } = self.states.get(index).copied().unwrap_or(self.rest);
        let end = match k.cmp(&moment.ops) {
            std::cmp::Ordering::Less => chunk.end,
            std::cmp::Ordering::Equal => chunk.end.min(offset + moment.bytes),
            std::cmp::Ordering::Greater => return 0,
        };
        end.min(chunk.start / SECTOR * SECTOR + cut).saturating_sub(chunk.start)
    }
}

impl<'a> Filler<'a> {
    fn new(inode: &'a Inode, junk: bool) -> Self {
        Self { inode, junk, run: (Fill::Keep, 0, 0), missing: 0, filled: 0 }
    }

    /// Fills what is missing of an append. Neighbouring pieces are one run, so that older records come whole.
    fn fill(&mut self, bytes: &mut [u8], missing: Range<usize>, rng: &mut Rng) {
        if missing.is_empty() {
            return;
        }
        self.missing += missing.len();
        if !self.junk {
            return;
        }
        if self.run.2 != missing.start {
            self.run = (self.draw(missing.start, rng), missing.start, missing.start);
        }
        self.run.2 = missing.end;
        match self.run.0 {
            Fill::Keep => {}
            Fill::Noise => {
                rng.fill(&mut bytes[missing.clone()]);
                self.filled += missing.len();
            }
            Fill::Older(from) => {
                let older = self.inode.visible.get(from + missing.start - self.run.1..).unwrap_or_default();
                let n = missing.len().min(older.len());
                bytes[missing.start..missing.start + n].copy_from_slice(&older[..n]);
                self.filled += n;
            }
        }
    }

    fn draw(&self, at: usize, rng: &mut Rng) -> Fill {
        let earlier = self.inode.starts.partition_point(|start| *start < at);
        match rng.below(4) {
            0 => Fill::Keep,
            1 => Fill::Noise,
            // The first record of a file is often unlike the others, so it has its own draw.
            2 if at > 0 => Fill::Older(0),
            _ if earlier > 0 => Fill::Older(self.inode.starts[rng.index(earlier)]),
            _ => Fill::Noise,
        }
    }
}
