//! What can happen to files: every bit, every length, every sector, every file in the place of another.

use super::{Fixture, Kind, Leaves};
use crate::crash::mix;
use crate::failure::Failure;
use std::collections::BTreeMap;
use std::ops::Range;
use vfs::sim::{SimFs, Wound};

/// Something that was done to the files of a store.
#[derive(Clone, Debug)]
pub struct Injury {
    /// In words.
    pub what: String,
    /// What sort of thing it is.
    pub kind: Kind,
    /// The files that are not as they were.
    files: Vec<String>,
    /// Where in them, in bytes.
    at: Range<u64>,
    /// How many entries it touches at most.
    pub entries: u64,
    /// What is left to tell by that something is gone.
    pub leaves: Leaves,
    /// A file that was put there, with its bytes.
    pub planted: Option<(String, Vec<u8>)>,
    /// It must not stop anybody.
    pub harmless: bool,
}

/// An injury that may leave entries which nobody wrote here.
pub const ANYTHING: u64 = u64::MAX;

/// No entry takes fewer bytes than this.
const ENTRY_BYTES: usize = 12;

type Visit<'a> = dyn FnMut(&Injury, BTreeMap<String, Vec<u8>>) -> Result<(), Failure> + 'a;

impl Injury {
    fn new(kind: Kind, file: &str, what: impl std::fmt::Display, at: Range<u64>, entries: u64) -> Self {
        Self {
            what: format!("{file}: {what}"),
            kind,
            files: vec![file.to_owned()],
            at,
            entries,
            leaves: Leaves::Proof,
            planted: None,
            harmless: false,
        }
    }

    /// Which file it is done to, the first one if there are several, and from which byte on.
    pub fn place(&self) -> (&str, u64) {
        (self.files.first().map_or("", String::as_str), self.at.start)
    }

    // ANCHOR: near
    /// Whether a report names this injury, give or take one entry. A file that is not there cannot hold it; but who
    /// misses one because another is there, and says so, has named it, and so has who knows of a missing file only how
    /// its name begins, or how it ends: `*.manifest`.
    pub fn is_near(&self, fixture: &Fixture, file: &str, offset: u64, what: &str) -> bool {
        let slack = fixture.slack(file);
        let here = self.files.iter().any(|name| name == file)
            && offset.saturating_add(slack) >= self.at.start
            && offset <= self.at.end.saturating_add(slack);
        let is_missing = !fixture.files.contains_key(file);
        let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
        let fits = |name: &str| match file.strip_prefix('*') {
            Some(end) => name.ends_with(end),
            None => name.starts_with(stem),
        };
        here || (is_missing && self.files.iter().any(|name| what.contains(name) || fits(name)))
    }
    // ANCHOR_END: near

    /// How many entries may share a checksum with one that it touches: where the engine has blocks, and this is no log, which
    /// has none, as many as there are.
    pub fn entries_of_a_block(&self, fixture: &Fixture) -> u64 {
        let has_blocks = crate::settings::has_blocks(fixture.stage);
        let in_blocks =
            self.entries > 0 && self.files.iter().any(|file| file.rsplit('.').next() != Some("log"));
        if has_blocks && in_blocks { all(fixture) } else { 0 }
    }

    /// Whether it may have changed one of these bytes of `file`.
    pub fn changes(&self, file: &str, bytes: &Range<u64>) -> bool {
        let overlap = bytes.start < self.at.end && self.at.start < bytes.end;
        overlap && self.files.iter().any(|name| name == file)
    }
}

/// Calls `visit` with every injury, and with the files as it leaves them.
pub fn each(fixture: &Fixture, visit: &mut Visit<'_>) -> Result<(), Failure> {
    for (name, bytes) in &fixture.files {
        bits(fixture, name, bytes.len() as u64, visit)?;
        lengths(fixture, name, bytes.len() as u64, visit)?;
        sectors(fixture, name, bytes.len() as u64, visit)?;
        forged(fixture, name, bytes, visit)?;
        replaced(fixture, name, visit)?;
    }
    planted(fixture, visit)
}

fn wounded(fixture: &Fixture, file: &str, wound: &Wound) -> Option<BTreeMap<String, Vec<u8>>> {
    let fs = SimFs::holding(fixture.files.clone());
    fs.damage(file, wound).ok()?;
    Some(fs.contents()).filter(|files| *files != fixture.files)
}

fn inflict(
    fixture: &Fixture,
    file: &str,
    wound: &Wound,
    injury: &Injury,
    visit: &mut Visit<'_>,
) -> Result<(), Failure> {
    wounded(fixture, file, wound).map_or(Ok(()), |files| visit(injury, files))
}

fn bits(fixture: &Fixture, name: &str, size: u64, visit: &mut Visit<'_>) -> Result<(), Failure> {
    for offset in 0..size {
        for bit in 0..8 {
            let wound = Wound::FlipBit { offset, bit };
            let injury = Injury::new(Kind::Bit, name, &wound, offset..offset + 1, 1);
            inflict(fixture, name, &wound, &injury, visit)?;
        }
    }
    Ok(())
}

fn lengths(fixture: &Fixture, name: &str, size: u64, visit: &mut Visit<'_>) -> Result<(), Failure> {
    for len in 0..size {
        let wound = Wound::Truncate(len);
        let injury = Injury::new(Kind::Length, name, &wound, len..len + 1, all(fixture));
        let injury = Injury { leaves: Leaves::Nothing, ..injury };
        inflict(fixture, name, &wound, &injury, visit)?;
    }
    for bytes in [1, 7, 12, 13, 20, 64, 512, 4096] {
        for wound in [Wound::ExtendZeros(bytes), Wound::ExtendJunk { bytes, seed: bytes }] {
            let injury = Injury::new(Kind::Length, name, &wound, size..size + bytes, 0);
            inflict(fixture, name, &wound, &injury, visit)?;
        }
    }
    Ok(())
}

fn sectors(fixture: &Fixture, name: &str, size: u64, visit: &mut Visit<'_>) -> Result<(), Failure> {
    for sector in 0..size.div_ceil(512) {
        let at = sector * 512..size.min((sector + 1) * 512);
        let junk = (0..4).map(|seed| Wound::JunkSector { sector, seed });
        for wound in std::iter::once(Wound::ZeroSector(sector)).chain(junk) {
            // Where zeros reach the end of the file, it may have been room that was never written.
            let to_the_end = at.end == size && matches!(wound, Wound::ZeroSector(_));
            let leaves = if to_the_end { Leaves::Nothing } else { Leaves::Trace };
            let injury = Injury::new(Kind::Sector, name, &wound, at.clone(), all(fixture));
            inflict(fixture, name, &wound, &Injury { leaves, ..injury }, visit)?;
        }
    }
    Ok(())
}

/// Numbers as large as they can be, wherever a number may stand.
fn forged(fixture: &Fixture, name: &str, bytes: &[u8], visit: &mut Visit<'_>) -> Result<(), Failure> {
    for start in 0..bytes.len() {
        for width in [1, 3, 4, 8] {
            for value in [0xff, 0x7f, 0x00] {
                let end = (start + width).min(bytes.len());
                let mut forged = bytes.to_vec();
                forged[start..end].fill(value);
                if forged == bytes {
                    continue;
                }
                let what = format!("bytes {start}..{end} set to {value:#04x}");
                // An entry may be no longer than these bytes, so two may be hit, or three.
                let injury = Injury::new(Kind::Number, name, what, changed(bytes, &forged), 3);
                let injury =
                    Injury { leaves: if width > 1 { Leaves::Trace } else { Leaves::Proof }, ..injury };
                let mut files = fixture.files.clone();
                files.insert(name.to_owned(), forged);
                visit(&injury, files)?;
            }
        }
    }
    Ok(())
}

/// From the first byte that differs to the last: where a forged number has the same bytes, nothing has happened.
fn changed(before: &[u8], after: &[u8]) -> Range<u64> {
    let differs = |(before, after): (&u8, &u8)| before != after;
    let first = before.iter().zip(after).position(differs).unwrap_or(0);
    let last = before.iter().zip(after).rposition(differs).unwrap_or(first);
    first as u64..last as u64 + 1
}

/// The file as it was once, as another is, or not at all.
fn replaced(fixture: &Fixture, name: &str, visit: &mut Visit<'_>) -> Result<(), Failure> {
    let whole = |what: &str| Injury {
        leaves: Leaves::Nothing,
        ..Injury::new(Kind::File, name, what, 0..u64::MAX, all(fixture))
    };
    for (i, older) in fixture.past.get(name).into_iter().flatten().enumerate() {
        let mut files = fixture.files.clone();
        if files.insert(name.to_owned(), older.clone()).as_ref() != Some(older) {
            let mut injury = whole(&format!("as it was once ({i}, {} bytes)", older.len()));
            if fixture.is_derived(name) {
                // It does not fit the others any more, and either may be the stranger.
                injury.files.extend(fixture.files.keys().cloned());
            }
            visit(&injury, files)?;
        }
    }
    // Where both end with the same entry nobody can tell them apart, and nothing in either is damaged.
    let ends_alike = |twin: &&Vec<u8>| {
        let end = |bytes: &[u8]| bytes.last_chunk::<ENTRY_BYTES>().copied();
        fixture.files.get(name).is_some_and(|file| end(file) == end(twin))
    };
    if let Some(twin) = fixture.twin.get(name).filter(|twin| fixture.clean && !ends_alike(twin)) {
        // Every entry in it is sound; only the mark and the file do not belong together, and either may be the stranger.
        let mut injury =
            Injury { entries: ANYTHING, ..whole("replaced by that of a store with other values") };
        injury.files.extend(fixture.files.keys().cloned());
        let mut files = fixture.files.clone();
        if files.insert(name.to_owned(), twin.clone()).as_ref() != Some(twin) {
            visit(&injury, files)?;
        }
    }
    for other in fixture.files.keys().filter(|other| *other != name) {
        for wound in [Wound::CopyOf(other.clone()), Wound::SwapWith(other.clone())] {
            let mut injury = whole(&wound.to_string());
            injury.files.push(other.clone());
            inflict(fixture, name, &wound, &injury, visit)?;
        }
    }
    inflict(fixture, name, &Wound::Remove, &whole("removed"), visit)
}

/// Names that a person, an editor or a filesystem leaves; and names of ours that are not there.
fn planted(fixture: &Fixture, visit: &mut Visit<'_>) -> Result<(), Failure> {
    let plant = |name: &str, bytes: &[u8]| {
        let mut files = fixture.files.clone();
        files.insert(name.to_owned(), bytes.to_vec());
        files
    };
    let junk: Vec<u8> = (0..100).map(|i| mix(&[i]).to_le_bytes()[0]).collect();
    let contents = || fixture.files.values().cloned().chain([Vec::new(), junk.clone()]);
    for name in ["notes.txt", ".nfs0001", "lost+found", "Bücher", "CURRENT~", "x"] {
        for bytes in contents() {
            let what = format!("planted, {} bytes", bytes.len());
            let planted = Some((name.to_owned(), bytes.clone()));
            let injury =
                Injury { harmless: true, planted, ..Injury::new(Kind::Planted, name, what, 0..u64::MAX, 0) };
            visit(&injury, plant(name, &bytes))?;
        }
    }
    let suffixes: std::collections::BTreeSet<_> = fixture
        .past
        .keys()
        .filter_map(|name| name.split_once('.'))
        .map(|(_, rest)| format!(".{rest}"))
        .collect();
    for suffix in suffixes {
        for stem in [
            "0",
            "1",
            "000000",
            "000002",
            "000003",
            "000009",
            "999999",
            "1000000",
            "18446744073709551614",
            "18446744073709551615",
            "99999999999999999999",
            "-1",
            "a",
        ] {
            let name = format!("{stem}{suffix}");
            for bytes in contents().filter(|_| !fixture.files.contains_key(&name)) {
                let what = format!("planted, {} bytes", bytes.len());
                let planted = Some((name.clone(), bytes.clone()));
                let injury = Injury { planted, ..Injury::new(Kind::Planted, &name, what, 0..u64::MAX, 0) };
                visit(&injury, plant(&name, &bytes))?;
            }
        }
    }
    // A file that was there once and was replaced since.
    for (name, older) in fixture.past.iter().filter(|(name, _)| !fixture.files.contains_key(*name)) {
        for bytes in older {
            let what = format!("put back as it was once, {} bytes", bytes.len());
            visit(&Injury::new(Kind::Planted, name, what, 0..u64::MAX, 0), plant(name, bytes))?;
        }
    }
    Ok(())
}

fn all(fixture: &Fixture) -> u64 {
    fixture.ledger.written().len() as u64
}
