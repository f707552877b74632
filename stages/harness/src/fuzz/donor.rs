//! Good files to begin with: those that the stages make of small stores, under some settings of their options.

use crate::damage::Fixture;
use contract::{Batch, Entry, Stage};
use stage1::frame::{self, Place};
use std::collections::BTreeMap;

/// Files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Where the frame of the target `frame` lies.
pub(super) const FRAME_PLACE: Place = Place { file: 1, offset: 64 };
/// What the one file of that target is called; a name that no store has.
pub(super) const FRAME: &str = "frame";
/// The same for a log's header.
pub(super) const HEADER: &str = "header";

/// The settings under which the small stores are made.
const SETTINGS: std::ops::Range<u64> = 0..3;

/// A good file, or a good store.
pub struct Donor {
    /// What it is, in words.
    pub(super) name: String,
    /// Its files.
    pub(super) files: Files,
    /// It is a store: files may go, or take each other's place.
    pub(super) whole: bool,
    /// Only files whose names end so are changed.
    changes: &'static str,
    /// The store that it is, and its past.
    pub(super) fixture: Option<Fixture>,
}

impl Donor {
    /// A single file.
    pub(super) fn part(name: impl Into<String>, file: &str, bytes: Vec<u8>) -> Self {
        let files = Files::from([(file.to_owned(), bytes)]);
        Self { name: name.into(), files, whole: false, changes: "", fixture: None }
    }

    fn store(fixture: Fixture, changes: &'static str) -> Self {
        let (name, files) = (fixture.name.clone(), fixture.files.clone());
        Self { name, files, whole: changes.is_empty(), changes, fixture: Some(fixture) }
    }

    /// Whether an input may change this file.
    pub(super) fn may_change(&self, file: &str) -> bool {
        file.ends_with(self.changes)
    }
}

/// The small stores of an engine. One that cannot be made is missing here, and the damage lab says why.
fn fixtures(stage: &'static Stage) -> Vec<Fixture> {
    Fixture::all(stage, SETTINGS).unwrap_or_default()
}

/// Every different file of some small stores whose name ends in `ending`.
fn files_of(stages: &[&'static Stage], ending: &str) -> Vec<Donor> {
    let mut found = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for fixture in stages.iter().flat_map(|stage| fixtures(stage)) {
        for (name, bytes) in &fixture.files {
            if name.ends_with(ending) && seen.insert(bytes.clone()) {
                found.push(Donor::part(format!("{name} of {}", fixture.name), name, bytes.clone()));
            }
        }
    }
    found
}

fn stores(stage: &'static Stage, changes: &'static str) -> Vec<Donor> {
    let stores = fixtures(stage).into_iter().map(|fixture| Donor::store(fixture, changes));
    stores.filter(|donor| donor.files.keys().any(|file| donor.may_change(file))).collect()
}

pub(super) fn stage1() -> Vec<Donor> {
    stores(&stage1::STAGE, "")
}

pub(super) fn stage2() -> Vec<Donor> {
    stores(&stage2::STAGE, "")
}

pub(super) fn stage3() -> Vec<Donor> {
    stores(&stage3::STAGE, "")
}

pub(super) fn manifests() -> Vec<Donor> {
    stores(&stage3::STAGE, ".manifest")
}

pub(super) fn logs() -> Vec<Donor> {
    files_of(&[&stage1::STAGE, &stage2::STAGE], ".log")
}

pub(super) fn marks() -> Vec<Donor> {
    files_of(&[&stage1::STAGE, &stage2::STAGE, &stage3::STAGE], "CLEAN")
}

pub(super) fn hints() -> Vec<Donor> {
    files_of(&[&stage2::STAGE], ".hint")
}

pub(super) fn tables() -> Vec<Donor> {
    files_of(&[&stage3::STAGE], ".sst")
}

pub(super) fn headers() -> Vec<Donor> {
    let mut headers = logs();
    for donor in &mut headers {
        let bytes = donor.files.pop_first().map_or(Vec::new(), |(_, bytes)| bytes);
        donor.files.insert(HEADER.to_owned(), bytes.into_iter().take(64).collect());
    }
    headers
}

pub(super) fn frames() -> Vec<Donor> {
    let mut frames = Vec::new();
    for (key, value) in
        [(&b"a"[..], Some(&b"1"[..])), (b"key", None), (b"", Some(b"")), (b"k", Some(&[7; 300]))]
    {
        for more in [false, true] {
            let mut bytes = Vec::new();
            frame::encode(Entry { key, value }, more, &mut bytes);
            frame::move_to(&mut bytes, None, FRAME_PLACE);
            frames.push(bytes);
        }
    }
    frames.push(frame::floor(64, FRAME_PLACE).to_vec());
    frames.into_iter().map(|bytes| Donor::part("a frame", FRAME, bytes)).collect()
}

/// A byte that says how many probes, and the lines.
pub(super) fn filters() -> Vec<Donor> {
    let filter = |keys: u64, bits| {
        let mut filter = stage3::bloom::Filter::new(keys, bits);
        (0..keys).for_each(|key| filter.insert(stage3::bloom::hash(&key.to_le_bytes())));
        Donor::part("a filter", "filter", [&[filter.probes()][..], &filter.encode()].concat())
    };
    [(0, 10), (1, 10), (20, 10), (200, 12), (20, 64)]
        .into_iter()
        .map(|(keys, bits)| filter(keys, bits))
        .collect()
}

/// A byte that says whether it is compressed, and the payload.
pub(super) fn blocks() -> Vec<Donor> {
    let mut batch = Batch::new();
    for i in 0..9u8 {
        batch.put(&[b'k', i], &[i; 9]);
        batch.delete(&[b'l', i]);
    }
    super::table::payloads(&batch).into_iter().map(|bytes| Donor::part("a block", "block", bytes)).collect()
}
