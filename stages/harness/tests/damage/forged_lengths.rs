//! Lengths and counts as large as their fields can hold, under a checksum that says that they are right, in a process
//! that may take 64 MiB more than it has. A length that is believed before the bytes are there ends it.

use harness::damage::Fixture;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use stage1::frame::{self, Place};
use stage1::log::header::{HEADER_BYTES, Header, Previous};
use std::collections::BTreeMap;
use std::sync::Arc;
use vfs::sim::SimFs;

type Files = BTreeMap<String, Vec<u8>>;
type Forger = fn(&[u8]) -> Vec<Vec<u8>>;

/// Says to the test that it is the process that is limited.
const LIMITED: &str = "STRATA_LIMITED_MEMORY";

/// How files are forged, by the end of their names. A file that is not here has only its raw bytes overwritten, in the
/// test of all injuries.
const FORGERS: [(&str, Forger); 3] = [(".log", log), ("CLEAN", mark), (".hint", hint)];

#[test]
fn take_no_memory() {
    if std::env::var_os(LIMITED).is_some() {
        return look_at_forgeries();
    }
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "forged_lengths::take_no_memory", "--nocapture"])
        .env(LIMITED, "1")
        .status()
        .unwrap();
    assert!(status.success(), "I10: a forged length was believed: {status}");
}

fn look_at_forgeries() {
    let stages: Vec<_> = harness::registry::persistent("forged lengths").collect();
    let fixtures: Vec<Fixture> = stages.iter().flat_map(|stage| Fixture::all(stage, 0..2).unwrap()).collect();
    limit_memory();
    let mut looked_at = BTreeMap::new();
    for fixture in &fixtures {
        for (name, bytes) in &fixture.files {
            let Some((end, forge)) = FORGERS.iter().find(|(end, _)| name.ends_with(end)) else { continue };
            for forged in forge(bytes) {
                let mut files = fixture.files.clone();
                files.insert(name.clone(), forged);
                look_at(fixture, files);
                *looked_at.entry(*end).or_insert(0) += 1;
            }
        }
    }
    // One engine alone need not have every kind of file.
    let alone = stages.len() == 1;
    assert!(looked_at.len() == FORGERS.len() || alone && !looked_at.is_empty(), "{looked_at:?}");
}

fn limit_memory() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let kib: u64 = size.trim().trim_end_matches(" kB").parse().unwrap();
    let current = Some((kib << 10) + (64 << 20));
    setrlimit(Resource::As, Rlimit { current, ..getrlimit(Resource::As) }).unwrap();
    assert!(Vec::<u8>::new().try_reserve_exact(256 << 20).is_err(), "the limit does not hold");
}

fn look_at(fixture: &Fixture, files: Files) {
    let fs = SimFs::holding(files);
    let into = Arc::new(SimFs::new());
    let (engine, _) = (fixture.stage.open)(into, &fixture.options).unwrap();
    drop((fixture.stage.inspect)(&fs, None, &mut |_| true));
    drop((fixture.stage.verify)(&fs));
    drop((fixture.stage.salvage)(&fs, &*engine));
    if let Ok((engine, _)) = (fixture.stage.open)(Arc::new(fs), &fixture.options) {
        engine.scan(contract::KeyRange::all()).unwrap().for_each(drop);
    }
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// A frame whose lengths are too large, at the end and in the place of the first; a floor that states too much; a header
/// with a predecessor and a base that cannot be.
fn log(log: &[u8]) -> Vec<Vec<u8>> {
    let mut forged = Vec::new();
    let number = u64_at(log, 24);
    let end = log.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for (key, value) in
        [(65_536u32, 1u32 << 30), (0, 1 << 30), (65_536, 0), (0xff_ffff, u32::MAX), (3, u32::MAX)]
    {
        for (tag, at) in [1u8, 2, 0x81].into_iter().flat_map(|tag| [(tag, end), (tag, HEADER_BYTES)]) {
            let mut frame = vec![0; frame::HEAD_BYTES];
            frame[4..8].copy_from_slice(&(u32::from(tag) | key << 8).to_le_bytes());
            frame[8..12].copy_from_slice(&value.to_le_bytes());
            let sum = frame::checksum(&frame[4..]);
            frame[..4].copy_from_slice(&sum.to_le_bytes());
            for placed in [false, true] {
                if placed {
                    frame::move_to(&mut frame, None, Place { file: number, offset: at as u64 });
                }
                forged.push([&log[..at], &frame].concat());
            }
        }
    }
    let place = Place { file: number, offset: end as u64 };
    forged.push([&log[..end], &frame::floor(u64::MAX, place)].concat());
    let engine = log[12..24].try_into().unwrap();
    for far in [u64::MAX, 1 << 40] {
        let previous = Previous { number: far, bytes: far, last_checksum: 7 };
        let header = Header { engine, number, previous, base_bytes: far }.encode();
        forged.push([&header, &log[HEADER_BYTES..]].concat());
    }
    forged
}

/// Every number that a mark may hold, as large as it can be.
fn mark(mark: &[u8]) -> Vec<Vec<u8>> {
    let mut forged = Vec::new();
    for (start, width) in (8..mark.len() - 4).flat_map(|start| [1, 4, 8].map(|width| (start, width))) {
        let mut mark = mark[..mark.len() - 4].to_vec();
        let end = (start + width).min(mark.len());
        mark[start..end].fill(0xff);
        let sum = frame::checksum(&mark);
        forged.push([&mark[..], &sum.to_le_bytes()].concat());
    }
    forged
}

/// Where a hint's header ends, and what it says: which segment, and how much of it.
const HINT_HEADER_BYTES: usize = 64;
const SEGMENT_AT: usize = 24;
const COVERED_AT: usize = 32;

/// Every number of a hint's header and every number in its records, as large as it can be, and sums that fit.
fn hint(hint: &[u8]) -> Vec<Vec<u8>> {
    let mut forged = Vec::new();
    for (start, width) in (8..hint.len() - 4).flat_map(|start| [1, 2, 4, 8].map(|width| (start, width))) {
        for value in [0xff, 0x7f] {
            let mut hint = hint.to_vec();
            let limit = if start < HINT_HEADER_BYTES - 4 { HINT_HEADER_BYTES - 4 } else { hint.len() - 4 };
            hint[start..(start + width).min(limit)].fill(value);
            let header = frame::checksum(&hint[..HINT_HEADER_BYTES - 4]);
            hint[HINT_HEADER_BYTES - 4..HINT_HEADER_BYTES].copy_from_slice(&header.to_le_bytes());
            let end = hint.len() - 4;
            let place = Place { file: u64_at(&hint, SEGMENT_AT), offset: u64_at(&hint, COVERED_AT) };
            let records = place.mix(frame::checksum(&hint[HINT_HEADER_BYTES..end]));
            hint[end..].copy_from_slice(&records.to_le_bytes());
            forged.push(hint);
        }
    }
    forged
}
