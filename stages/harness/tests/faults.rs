//! Every call to the world fails, once, twice and for ever, in every way in which a disk fails it; and the real world
//! passes on what the kernel says.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use harness::faults;
use harness::gate::{Event, Gate};
use harness::invariant::Invariant;
use harness::registry::persistent;
use harness::seeds::side_by_side;
use harness::settings;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use vfs::sim::{Crash, CrashKind, Errno, Fault, Op, SimFs};

#[test]
fn every_failing_call() {
    for stage in persistent("every_failing_call") {
        side_by_side(["on-request", "every-write"], |sync| {
            let options = faults::busiest_options(stage, sync).unwrap();
            match faults::every_call(stage, &options, 1, 1) {
                Ok(tally) => {
                    eprintln!("{} with {}: {tally:?}", stage.name, settings::show(&options));
                    assert!(tally.struck > 1000, "{tally:?}");
                }
                Err(counterexample) => panic!("{counterexample}"),
            }
        });
    }
}

/// What takes longer does not happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// One thread syncs for all who wait. If its sync fails, asking again would succeed and prove nothing: the pages are
/// lost. So all who waited must hear of it.
#[test]
fn a_failed_sync_fails_all_who_waited_for_it() {
    for stage in persistent("a_failed_sync_fails_all_who_waited_for_it") {
        let fs = SimFs::new();
        let (gate, events) = Gate::new(fs.clone());
        let options = stage.default_options().with("sync", "every-write").unwrap();
        let (engine, _) = (stage.open)(Arc::new(gate.clone()), &options).unwrap();
        engine.put(b"before", b"v").unwrap();
        thread::scope(|scope| {
            let wait_for = |wanted| {
                while events.recv_timeout(PATIENCE).expect("the store does not sync") != wanted {}
            };
            while events.try_recv().is_ok() {}
            let shut = gate.shut();
            let first = scope.spawn(|| engine.put(b"first", b"v"));
            wait_for(Event::SyncWaits);
            let second = scope.spawn(|| engine.put(b"second", b"v"));
            wait_for(Event::Appended);
            fs.inject(Fault::new(Errno::Eio).on(Op::Sync));
            drop(shut);
            for (name, put) in [("first", first.join().unwrap()), ("second", second.join().unwrap())] {
                assert!(put.is_err(), "{}: {} acknowledged the {name}", Invariant::FailedWrite, stage.name);
            }
        });
        assert_eq!(fs.faults_struck(), 1);
        let image = fs.image(fs.calls(), &Crash::new(CrashKind::GlobalPrefix, 0));
        let (engine, _) = (stage.open)(Arc::new(image), &options).unwrap();
        assert_eq!(engine.get(b"before").unwrap().as_deref(), Some(&b"v"[..]));
    }
}

/// Some files and folders of a Linux system refuse to be synced, and one is always full. An error from them proves
/// that the kernel was asked, without a tool that watches system calls: take the call away, and the error is gone.
#[cfg(target_os = "linux")]
mod the_kernel_is_asked {
    use std::io::ErrorKind;
    use std::path::Path;
    use vfs::{OsFs, Vfs as _};

    /// A folder whose sync the kernel refuses: nothing in it lies on a device.
    fn unsyncable() -> Option<&'static Path> {
        let path = Path::new("/proc/self/task");
        if !path.is_dir() {
            harness::seeds::not_applicable("the kernel is asked", ["there is no /proc here"]);
            return None;
        }
        Some(path)
    }

    fn full_disk() -> (tempfile::TempDir, OsFs) {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", dir.path().join("full")).unwrap();
        let fs = OsFs::existing(dir.path()).unwrap();
        (dir, fs)
    }

    #[test]
    fn to_sync_a_file() {
        let (_dir, fs) = full_disk();
        let error = fs.open("full").unwrap().sync().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }

    #[test]
    fn to_append() {
        let (_dir, fs) = full_disk();
        let error = fs.open("full").unwrap().append(b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    }

    #[test]
    fn to_sync_a_directory() {
        let Some(path) = unsyncable() else { return };
        let error = OsFs::existing(path).unwrap().sync_dir().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }

    /// Nothing needs to be made here, but an earlier attempt may have died before its sync: so the parent is synced all
    /// the same, and this one refuses.
    #[test]
    fn to_sync_the_parent_of_a_store() {
        let Some(path) = unsyncable() else { return };
        let error = OsFs::create(path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }

    #[test]
    fn and_what_it_says_reaches_the_engine_s_caller() {
        let (_dir, fs) = full_disk();
        let file = fs.open("full").unwrap();
        assert!(file.truncate(0).is_err() || file.append(b"x").is_err());
        // A folder that takes no file at all.
        let Some(path) = unsyncable() else { return };
        let world = std::sync::Arc::new(OsFs::existing(path).unwrap());
        for stage in harness::registry::persistent("the kernel is asked") {
            let opened = (stage.open)(world.clone(), &stage.default_options());
            let refused = opened.and_then(|(engine, _)| engine.put(b"k", b"v"));
            assert!(matches!(refused, Err(contract::Error::Io { .. })), "{refused:?}");
        }
    }
}
