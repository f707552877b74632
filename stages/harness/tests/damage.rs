//! Everything that happens to files at rest, done to small stores of every engine.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use harness::damage::{Fixture, Tally, every_injury, live};
use harness::registry::persistent;
use harness::seeds::side_by_side;
use harness::settings;
use std::sync::{Arc, Mutex};
use vfs::sim::{Crash, CrashKind, SimFs, Wound};

#[test]
fn every_injury_to_every_small_store() {
    for stage in persistent("every_injury_to_every_small_store") {
        let all = Mutex::new(Tally::default());
        // Under one setting of the options everything; under another one in four, for what only that one shows.
        for (seeds, one_in) in [(0..1, 1), (1..2, 4)] {
            side_by_side(Fixture::all(stage, seeds).unwrap(), |fixture| {
                let tally =
                    every_injury(&fixture, 1, one_in).unwrap_or_else(|e| panic!("{} breaks {e}", stage.name));
                eprintln!("{}: {tally:?}", fixture.name);
                all.lock().unwrap().add(&tally);
            });
        }
        let all = all.into_inner().unwrap();
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

/// What was synced, and then one more write, for which a new file may have been begun: that write says what came before it was
/// on the device, wherever the one and the other stand, and whether room was reserved or not.
#[test]
fn a_write_proves_what_was_synced_before_it_also_from_the_next_file() {
    for (stage, room) in persistent("proofs").flat_map(|stage| ["0", "700"].map(|room| (stage, room))) {
        let options = settings::smallest(stage).with("sync", "every-write").unwrap();
        let options = options.with("reserve-bytes", room).unwrap();
        let open = |fs: &SimFs| (stage.open)(Arc::new(fs.clone()), &options).map(|(engine, _)| engine);
        let fs = SimFs::new();
        let engine = open(&fs).unwrap();
        let values = [1, 2, 3].map(|number| [number; 300]);
        for value in &values {
            engine.put(&value[..1], value).unwrap();
        }
        let killed = fs.image(fs.calls(), &Crash::new(CrashKind::ProcessKill, 0)).contents();
        // The newest one has nothing behind it.
        for value in &values[..2] {
            let at = |bytes: &[u8]| bytes.windows(300).position(|bytes| bytes == value);
            let (name, at) = killed.iter().find_map(|(name, bytes)| Some((name, at(bytes)? as u64))).unwrap();
            let hurt = SimFs::holding(killed.clone());
            hurt.damage(name, &Wound::FlipBit { offset: at, bit: 3 }).unwrap();
            let read = open(&hurt).and_then(|engine| engine.get(&value[..1]));
            let told = read.as_ref().is_err_and(|error| error.to_string().contains(name));
            assert!(told, "{}, room {room}: {name} is damaged, and a get says {read:?}", stage.name);
        }
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

#[cfg(target_os = "linux")]
#[path = "damage/forged_lengths.rs"]
mod forged_lengths;
