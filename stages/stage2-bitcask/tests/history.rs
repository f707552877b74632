//! Bugs that Bitcasks and others have had, each as a test that fails where the rule against it is taken out.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]
#![expect(clippy::case_sensitive_file_extension_comparisons, reason = "the store's own names have one case")]

use contract::{Engine, Options};
use std::sync::Arc;
use vfs::sim::{Crash, CrashKind, Errno, Fault, Op, SimFs};
use vfs::{MemFs, Vfs};

fn options(set: &[(&str, &str)]) -> Options {
    set.iter()
        .fold(stage2::STAGE.default_options(), |options, (name, value)| options.with(name, value).unwrap())
}

fn open(vfs: &(impl Vfs + Clone + 'static), set: &[(&str, &str)]) -> Arc<dyn Engine> {
    (stage2::STAGE.open)(Arc::new(vfs.clone()), &options(set)).unwrap().0
}

// ANCHOR: tombstone
/// `basho/bitcask`, issue 82.
#[test]
fn the_dead_stay_dead_when_only_their_tombstone_is_merged() {
    let fs = MemFs::new();
    let engine = open(&fs, &[("segment-bytes", "1000")]);
    // Segment 1 is nearly all alive, so no merge is worth taking it.
    for i in 0..9u8 {
        engine.put(&[i], &[i; 80]).unwrap();
    }
    engine.set_option("segment-bytes", "128").unwrap();
    // Segment 2 begins with a tombstone for one of them. All else in it is soon dead.
    engine.delete(&[0]).unwrap();
    for i in 0..4u8 {
        engine.put(b"other", &[i; 10]).unwrap();
    }
    while engine.step().unwrap() {}
    let names = fs.list().unwrap();
    assert!(names.contains(&"000001.log".to_owned()) && names.iter().any(|name| name.starts_with("000002-")));
    drop(engine);
    // Only an opening can bring the dead back: it reads segment 1 again.
    assert_eq!(open(&fs, &[("hints", "off")]).get(&[0]).unwrap(), None);
}
// ANCHOR_END: tombstone

// ANCHOR: power_loss
/// What is left out of a merge must be superseded on the device, not only in memory.
#[test]
fn a_merge_forgets_nothing_that_power_loss_could_need_again() {
    let fs = SimFs::new();
    let engine = open(&fs, &[("segment-bytes", "128")]);
    engine.put(b"JP/Tokyo", &[1; 40]).unwrap();
    engine.sync().unwrap();
    engine.put(b"JP/Osaka", &[2; 40]).unwrap();
    engine.put(b"JP/Tokyo", &[3; 40]).unwrap();
    while engine.step().unwrap() {}
    let names = fs.list().unwrap();
    assert!(names.contains(&"000001-000002.log".to_owned()), "segment 1 was merged: {names:?}");
    for kind in CrashKind::ALL {
        for seed in 0..50 {
            let left = fs.image(fs.calls(), &Crash::new(kind, seed));
            let value = open(&left, &[]).get(b"JP/Tokyo").unwrap();
            assert!(value.is_some(), "{kind:?}, {seed}: it had been synced, and is gone");
        }
    }
}
// ANCHOR_END: power_loss

/// A hint, or a run's own header, says how much of a segment was on the device when it was written. What was appended
/// since, the power may take, also where the segment is full and its successor has been begun.
#[test]
fn what_proves_the_beginning_of_a_segment_proves_nothing_of_its_rest() {
    for closed in [true, false] {
        let mut fs = SimFs::new();
        let engine = open(&fs, &[]);
        engine.put(b"a", b"durable").unwrap();
        engine.sync().unwrap();
        if closed {
            engine.close().unwrap();
        } else {
            fs = fs.image(fs.calls(), &Crash::new(CrashKind::ProcessKill, 0));
        }
        drop(engine);
        let engine = open(&fs, &[("segment-bytes", "400")]);
        for key in [b"b", b"c", b"d", b"e"] {
            engine.put(key, &[key[0]; 120]).unwrap();
        }
        assert_eq!(fs.list().unwrap().iter().filter(|name| name.ends_with(".log")).count(), 2);
        for kind in CrashKind::ALL {
            for seed in 0..100 {
                let left = open(&fs.image(fs.calls(), &Crash::new(kind, seed)), &[]);
                assert_eq!(left.get(b"a").unwrap().as_deref(), Some(&b"durable"[..]), "{kind:?}, {seed}");
                let there = [b"b", b"c", b"d", b"e"].map(|key| left.contains(key).unwrap());
                assert!(there.is_sorted_by(|before, after| before >= after), "{kind:?}, {seed}: {there:?}");
            }
        }
    }
}

/// `PostgreSQL`'s fsync story of 2018: a file was closed before it was synced, and who opened it again to sync it never
/// heard what the device had refused. So a full segment stays open until it is synced; and no more than may be open wait.
#[test]
fn a_full_segment_is_synced_through_the_handle_that_wrote_it() {
    let fs = SimFs::new();
    let engine = open(&fs, &[("segment-bytes", "128"), ("open-files", "4")]);
    let before = fs.open_files();
    for i in 0..40u8 {
        engine.put(&[i], &[i; 100]).unwrap();
        assert!(fs.open_files() <= before + 8, "{} files are open", fs.open_files());
    }
    // Reads of others need the places of whatever may be closed.
    for i in 0..30u8 {
        assert_eq!(engine.get(&[i]).unwrap(), Some(vec![i; 100]));
    }
    fs.inject(Fault::new(Errno::Emfile).on(Op::Open).for_ever());
    engine.sync().unwrap();
    engine.put(b"and on", b"it goes").unwrap();
    fs.clear_faults();
    let left = fs.image(fs.calls(), &Crash::new(CrashKind::Pages, 1));
    assert_eq!(open(&left, &[]).get(&[39]).unwrap(), Some(vec![39; 100]));
}

/// A file that cannot be removed is in nobody's way.
#[test]
fn segments_are_synced_and_merged_also_where_nothing_can_be_removed() {
    let fs = SimFs::new();
    let engine = open(&fs, &[("segment-bytes", "128"), ("merge-dead-percent", "10")]);
    fs.inject(Fault::new(Errno::Eio).on(Op::Remove).for_ever());
    let merges = |engine: &dyn Engine| {
        engine.stats().figures.iter().find(|figure| figure.name == "merges").unwrap().value
    };
    for round in 1..4 {
        let before = merges(&*engine);
        (0..10).for_each(|_| engine.put(b"key", &[round; 100]).unwrap());
        // A unit may say that something is left over; what it was there for is done all the same.
        while engine.step().is_ok_and(|done| done) {}
        assert!(merges(&*engine) > before, "round {round}");
    }
}
