//! Manifests that nobody wrote, with checksums that fit: what they say cannot be, and opening says so as verify does.
#![expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the store writes its names in lower case"
)]
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Engine, Entry};
use stage1::clean::{self, Listed};
use stage1::files::CLEAN;
use stage1::frame::{self, Place};
use stage3::{ENGINE, STAGE};
use std::sync::Arc;
use vfs::Vfs;
use vfs::sim::SimFs;

type Edit<'a> = (&'a [u8], Vec<u64>);

fn open(fs: &SimFs) -> contract::Result<Arc<dyn Engine>> {
    (STAGE.open)(Arc::new(fs.clone()), &STAGE.default_options()).map(|(engine, _)| engine)
}

fn manifest(fs: &SimFs) -> (String, Vec<u8>) {
    fs.contents().into_iter().find(|(name, _)| name.ends_with(".manifest")).unwrap()
}

/// The table with the largest number: it, its bytes, and its last checksum.
fn newest_table(fs: &SimFs) -> (u64, Vec<u8>, u32) {
    let (name, bytes) = fs.contents().into_iter().rfind(|(name, _)| name.ends_with(".sst")).unwrap();
    let last = u32::from_le_bytes(*bytes.last_chunk().unwrap());
    (name[..6].parse().unwrap(), bytes, last)
}

/// A store with one table, closed cleanly.
fn store() -> SimFs {
    let fs = SimFs::new();
    filled(&fs);
    fs
}

fn filled(fs: &SimFs) {
    let engine = open(fs).unwrap();
    engine.put(b"k", b"v").unwrap();
    engine.compact().unwrap();
    engine.close().unwrap();
}

/// Lets the manifest go on with entries that nobody wrote, and takes the mark of the clean close away.
fn forge(fs: &SimFs, edits: &[Edit<'_>]) {
    let (name, mut bytes) = manifest(fs);
    let number = u64::from_le_bytes(bytes[24..32].try_into().unwrap());
    for (key, value) in edits {
        let value: Vec<u8> = value.iter().flat_map(|number| number.to_le_bytes()).collect();
        let at = bytes.len();
        frame::encode(Entry { key, value: Some(&value) }, false, &mut bytes);
        frame::move_to(&mut bytes[at..], None, Place { file: number, offset: at as u64 });
    }
    fs.remove(CLEAN).unwrap();
    fs.plant(&name, bytes);
}

/// Opening and verify say this about that file, and change nothing.
fn refused(fs: &SimFs, file: &str, what: &str) {
    let files = fs.contents();
    let error = open(fs).err().unwrap().to_string();
    assert!(error.contains(file) && error.contains(what), "{error}");
    let damage = (STAGE.verify)(fs).unwrap().damage;
    assert!(damage.iter().any(|damage| damage.file == file && damage.what.contains(what)), "{damage:?}");
    assert_eq!(fs.contents(), files);
}

#[test]
fn a_manifest_that_goes_on_with_what_can_be_is_believed() {
    let fs = store();
    forge(&fs, &[(b"next", vec![1 << 40])]);
    assert_eq!(open(&fs).unwrap().get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
}

/// The next opening would refuse what this one writes, or a flush would be older than what it hides, or a compaction would take
/// a file from another run.
#[test]
fn a_manifest_that_names_what_cannot_be_is_damage() {
    let (table, bytes, sum) = newest_table(&store());
    let added = |run, table| (&b"added"[..], vec![run, table, bytes.len() as u64, u64::from(sum)]);
    for (edit, what) in [
        ((&b"next"[..], vec![1 << 63]), "no number comes after"),
        ((b"next", vec![u64::MAX]), "no number comes after"),
        (added(1 << 32, table + 1), "not yet"),
        (added(1, 1 << 32), "not yet"),
        (added(1, table), "twice"),
        ((b"log", vec![0]), "names no log"),
        ((b"else", vec![0]), "not an edit"),
    ] {
        let fs = store();
        forge(&fs, &[edit]);
        refused(&fs, &manifest(&fs).0, what);
    }
}

#[test]
fn tables_of_one_run_that_overlap_are_damage_to_verify_too() {
    let fs = store();
    let (first, ..) = newest_table(&fs);
    let first_file = fs.contents()[&format!("{first:06}.sst")].clone();
    filled(&fs);
    let (second, bytes, sum) = newest_table(&fs);
    assert_ne!(first, second);
    // The compaction has merged the first into the second: back it comes, into the run of the second.
    let first_sum = u32::from_le_bytes(*first_file.last_chunk().unwrap());
    let run = first;
    let (first_bytes, bytes) = (first_file.len() as u64, bytes.len() as u64);
    fs.plant(&format!("{first:06}.sst"), first_file);
    forge(
        &fs,
        &[
            (b"removed", vec![second]),
            (b"added", vec![run, first, first_bytes, u64::from(first_sum)]),
            (b"added", vec![run, second, bytes, u64::from(sum)]),
        ],
    );
    refused(&fs, &format!("{second:06}.sst"), "overlap");
}

/// Opened, such a table would stay, and the next mark would not list it.
#[test]
fn a_clean_store_has_no_table_that_its_manifest_does_not_name() {
    let fs = store();
    let (table, ..) = newest_table(&fs);
    forge(&fs, &[(b"removed", vec![table])]);
    let (manifest, bytes) = manifest(&fs);
    // The last frame is the one that was forged: a head of twelve bytes, a key of seven, eight of a number.
    let forged_at = bytes.len() - 27;
    let sum = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let files = fs.contents();
    let listed = files.iter().map(|(name, bytes)| {
        let at = if *name == manifest { forged_at } else { bytes.len() - 4 };
        Listed { name: name.clone(), bytes: bytes.len() as u64, last_checksum: sum(bytes, at) }
    });
    clean::write(&fs, ENGINE, &listed.collect::<Vec<_>>()).unwrap();
    let fs = SimFs::holding(fs.contents());
    refused(&fs, &format!("{table:06}.sst"), "not in the manifest");
}
