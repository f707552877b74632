//! Everything that happens to files at rest, done to small stores of every engine.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use harness::damage::{Fixture, Tally, every_injury, live};
use harness::registry::persistent;

#[test]
fn every_injury_to_every_small_store() {
    for stage in persistent("every_injury_to_every_small_store") {
        let mut all = Tally::default();
        for fixture in Fixture::all(stage, 0..2).unwrap() {
            let tally = every_injury(&fixture, 1, 1).unwrap_or_else(|e| panic!("{} breaks {e}", stage.name));
            eprintln!("{}: {tally:?}", fixture.name);
            all.add(&tally);
        }
        eprintln!("{}: {} injuries, {all:?}", stage.name, all.injuries());
        assert!(all.refused > 0 && all.harmless > 0 && all.cut > 0, "{all:?}");
    }
}

#[test]
fn every_byte_under_an_open_store() {
    for stage in persistent("every_byte_under_an_open_store") {
        let mut all = Tally::default();
        for fixture in Fixture::all(stage, 0..1).unwrap() {
            all.add(&live::every_byte(&fixture).unwrap_or_else(|e| panic!("{} breaks {e}", stage.name)));
        }
        eprintln!("{}: {all:?}", stage.name);
        assert!(all.refused > 0);
    }
}

/// Folders where files are looked for, on a real filesystem. One that is not named like a file of ours is foreign; one
/// that is must be told of, and never taken for a file.
#[cfg(unix)]
mod folders {
    use contract::Error;
    use harness::registry::persistent;
    use std::sync::Arc;
    use vfs::{OsFs, Vfs as _};

    #[test]
    #[expect(clippy::disallowed_methods, reason = "it makes folders in a real directory")]
    fn are_foreign_or_told_of() {
        for stage in persistent("folders") {
            let dir = tempfile::tempdir().unwrap();
            let world = || Arc::new(OsFs::existing(dir.path()).unwrap());
            let open = || (stage.open)(world(), &stage.default_options());
            std::fs::create_dir(dir.path().join("lost+found")).unwrap();
            let (engine, report) = open().unwrap();
            engine.put(b"k", b"v").unwrap();
            assert_eq!(report.foreign, ["lost+found"]);
            engine.close().unwrap();
            drop(engine);
            let names = world().list().unwrap();
            for name in names.iter().filter(|name| *name != "lost+found") {
                let (file, aside) = (dir.path().join(name), dir.path().join("lost+found").join("kept"));
                std::fs::rename(&file, &aside).unwrap();
                std::fs::create_dir(&file).unwrap();
                match open().map(drop) {
                    Err(Error::Io { file, .. } | Error::Corrupt { file, .. }) => assert_eq!(file, *name),
                    other => panic!("{}: a folder named {name} gave {other:?}", stage.name),
                }
                std::fs::remove_dir(&file).unwrap();
                std::fs::rename(&aside, &file).unwrap();
            }
            assert_eq!(open().unwrap().0.get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
        }
    }
}

/// Lengths and counts as large as their fields can hold, under a checksum that says that they are right, in a process
/// that may take 64 MiB more than it has. A length that is believed before the bytes are there ends it.
#[cfg(target_os = "linux")]
mod forged_lengths {
    use harness::damage::Fixture;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use vfs::sim::SimFs;

    type Files = BTreeMap<String, Vec<u8>>;
    type Forger = fn(&Fixture) -> Vec<Files>;

    /// Says to the test that it is the process that is limited.
    const LIMITED: &str = "STRATA_LIMITED_MEMORY";

    /// How the files of an engine are forged. An engine that is not here has only its raw bytes overwritten, in the test
    /// of all injuries.
    const FORGERS: [(&str, Forger); 1] = [("stage1", forge_stage1)];

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
        let fixtures: Vec<Fixture> =
            stages.iter().flat_map(|stage| Fixture::all(stage, 0..1).unwrap()).collect();
        limit_memory();
        let mut looked_at = 0;
        for fixture in &fixtures {
            let forger = FORGERS.iter().find(|(name, _)| *name == fixture.stage.name);
            for files in forger.map_or(Vec::new(), |(_, forge)| forge(fixture)) {
                look_at(fixture, files);
                looked_at += 1;
            }
        }
        assert!(looked_at > 0);
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
            engine.scan(contract::KeyRange::all()).unwrap().for_each(|pair| drop(pair.unwrap()));
        }
    }

    fn forge_stage1(fixture: &Fixture) -> Vec<Files> {
        use stage1::frame::{self, Place};
        use stage1::log::header::{HEADER_BYTES, Header};
        let mut forged = Vec::new();
        let (name, log) = fixture.files.iter().find(|(name, _)| *name != "CLEAN").unwrap();
        let mut with = |name: &str, bytes: Vec<u8>| {
            let mut files = fixture.files.clone();
            files.insert(name.to_owned(), bytes);
            forged.push(files);
        };
        let number: u64 = name.trim_end_matches(".log").parse().unwrap();
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
                    with(name, [&log[..at], &frame].concat());
                }
            }
        }
        let place = Place { file: number, offset: end as u64 };
        with(name, [&log[..end], &frame::floor(u64::MAX, place)].concat());
        let engine = log[12..24].try_into().unwrap();
        for far in [u64::MAX, 1 << 40] {
            let previous = stage1::log::header::Previous { number: far, bytes: far, last_checksum: 7 };
            let header = Header { engine, number, previous, base_bytes: far }.encode();
            with(name, [&header, &log[HEADER_BYTES..]].concat());
        }
        let Some(mark) = fixture.files.get("CLEAN") else { return forged };
        for start in 8..mark.len() - 4 {
            for width in [1, 4, 8] {
                let mut mark = mark[..mark.len() - 4].to_vec();
                let end = (start + width).min(mark.len());
                mark[start..end].fill(0xff);
                let sum = frame::checksum(&mark);
                with("CLEAN", [&mark[..], &sum.to_le_bytes()].concat());
            }
        }
        forged
    }
}
