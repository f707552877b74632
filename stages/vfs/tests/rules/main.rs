//! The rules of durability, each as a test that a kinder world would fail.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod outcomes;
mod tears;

use std::collections::BTreeMap;
use vfs::sim::{Crash, CrashKind, Effect, Errno, Fault, Op, Profile};
use vfs::{SimFs, Vfs, read_full};

type Files = BTreeMap<String, Vec<u8>>;

const SEEDS: u64 = 1_000;
/// The kinds in which names may be lost.
const LOSING_NAMES: [CrashKind; 5] =
    [CrashKind::FilePrefix, CrashKind::Pages, CrashKind::Junk, CrashKind::Sizes, CrashKind::Names];

/// Every image of a crash after the last call, over many seeds.
fn images(fs: &SimFs, kind: CrashKind, profile: Profile) -> impl Iterator<Item = Files> {
    let crash = move |seed| Crash::new(kind, seed).profile(profile);
    (0..SEEDS).map(move |seed| fs.image(fs.calls(), &crash(seed)).contents())
}

fn may(fs: &SimFs, kind: CrashKind, what: impl Fn(&Files) -> bool) -> bool {
    images(fs, kind, Profile::Strict).any(|files| what(&files))
}

fn must(fs: &SimFs, what: impl Fn(&Files) -> bool) -> bool {
    CrashKind::ALL.iter().all(|kind| images(fs, *kind, Profile::Strict).all(|files| what(&files)))
}

/// A world with these durable files.
fn durable(files: &[(&str, &[u8])]) -> SimFs {
    SimFs::holding(files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect())
}

#[test]
fn an_append_is_visible_at_once_and_durable_only_after_sync() {
    let fs = durable(&[("a", b"")]);
    let file = fs.open("a").unwrap();
    file.append(b"hello").unwrap();
    assert_eq!(fs.contents()["a"], b"hello");
    for kind in LOSING_NAMES {
        assert!(may(&fs, kind, |files| files["a"].is_empty()), "{kind:?} never loses the append");
        assert!(may(&fs, kind, |files| files["a"] == b"hello"), "{kind:?} always loses the append");
    }
    file.sync().unwrap();
    assert!(must(&fs, |files| files["a"] == b"hello"));
}

#[test]
fn a_truncation_is_durable_only_after_sync() {
    let fs = durable(&[("a", b"hello")]);
    let file = fs.open("a").unwrap();
    file.truncate(1).unwrap();
    for kind in LOSING_NAMES {
        assert!(may(&fs, kind, |files| files["a"] == b"hello"), "{kind:?}");
        assert!(may(&fs, kind, |files| files["a"] == b"h"), "{kind:?}");
    }
    file.sync().unwrap();
    assert!(must(&fs, |files| files["a"] == b"h"));
}

#[test]
fn sync_covers_one_file_only() {
    let fs = durable(&[("a", b""), ("b", b"")]);
    let (a, b) = (fs.open("a").unwrap(), fs.open("b").unwrap());
    a.append(b"1").unwrap();
    b.append(b"2").unwrap();
    b.sync().unwrap();
    assert!(must(&fs, |files| files["b"] == b"2"));
    assert!(may(&fs, CrashKind::FilePrefix, |files| files["a"].is_empty()), "a later file may land first");
}

#[test]
fn sync_of_a_file_does_not_make_its_name_durable() {
    let fs = SimFs::new();
    let file = fs.create("a").unwrap();
    file.append(b"synced").unwrap();
    file.sync().unwrap();
    for kind in LOSING_NAMES {
        assert!(may(&fs, kind, Files::is_empty), "{kind:?} never loses the name");
        assert!(
            images(&fs, kind, Profile::Strict).all(|f| f.get("a").is_none_or(|bytes| bytes == b"synced"))
        );
        assert!(
            images(&fs, kind, Profile::Lenient).all(|f| f["a"] == b"synced"),
            "{kind:?}: a lenient filesystem commits the name with the file"
        );
    }
    fs.sync_dir().unwrap();
    assert!(must(&fs, |files| files["a"] == b"synced"));
}

#[test]
fn sync_dir_does_not_make_bytes_durable() {
    let fs = SimFs::new();
    fs.create("a").unwrap().append(b"bytes").unwrap();
    fs.sync_dir().unwrap();
    assert!(must(&fs, |files| files.contains_key("a")));
    for kind in LOSING_NAMES {
        assert!(may(&fs, kind, |files| files["a"].is_empty()), "{kind:?}");
    }
}

#[test]
fn a_rename_may_show_a_file_whose_bytes_are_not_there() {
    let fs = durable(&[("current", b"old")]);
    fs.create("tmp").unwrap().append(b"new").unwrap();
    fs.rename("tmp", "current").unwrap();
    for kind in LOSING_NAMES {
        assert!(may(&fs, kind, |files| files["current"].is_empty()), "{kind:?}: empty");
        assert!(may(&fs, kind, |files| files["current"] == b"old"), "{kind:?}: undone");
    }
    assert!(may(&fs, CrashKind::FilePrefix, |files| files["current"] == b"ne"), "partial");
}

#[test]
fn a_rename_is_atomic_but_pending_until_sync_dir() {
    let fs = durable(&[("current", b"old"), ("tmp", b"new")]);
    fs.rename("tmp", "current").unwrap();
    let undone = |files: &Files| files.len() == 2 && files["current"] == b"old" && files["tmp"] == b"new";
    let done = |files: &Files| files.len() == 1 && files["current"] == b"new";
    assert!(must(&fs, |files| undone(files) || done(files)));
    for kind in LOSING_NAMES {
        assert!(may(&fs, kind, undone) && may(&fs, kind, done), "{kind:?}");
    }
    fs.sync_dir().unwrap();
    assert!(must(&fs, done));
}

#[test]
fn removed_files_may_come_back() {
    let fs = durable(&[("a", b"kept"), ("b", b"")]);
    fs.remove("a").unwrap();
    for kind in LOSING_NAMES {
        assert!(may(&fs, kind, |files| files.get("a").is_some_and(|bytes| bytes == b"kept")), "{kind:?}");
        assert!(may(&fs, kind, |files| !files.contains_key("a")), "{kind:?}");
    }
    fs.sync_dir().unwrap();
    assert!(must(&fs, |files| !files.contains_key("a")));
}

#[test]
fn names_land_out_of_order_unless_sync_dir_separates_them() {
    let later_first = |files: &Files| files["current"] == b"old" && !files.contains_key("manifest");
    let run = |sync: bool| {
        let fs = durable(&[("current", b"old"), ("tmp", b"new"), ("manifest", b"")]);
        fs.rename("tmp", "current").unwrap();
        if sync {
            fs.sync_dir().unwrap();
        }
        fs.remove("manifest").unwrap();
        fs
    };
    assert!(may(&run(false), CrashKind::Names, later_first), "an unlink may land before a rename");
    assert!(!images(&run(false), CrashKind::Names, Profile::Lenient).any(|files| later_first(&files)));
    assert!(must(&run(true), |files| !later_first(files)));
}

#[test]
fn operations_on_one_name_land_in_order() {
    let fs = durable(&[("a", b"1")]);
    fs.rename("a", "b").unwrap();
    fs.create("a").unwrap();
    assert!(must(&fs, |files| files.values().any(|bytes| bytes == b"1")), "an atomic rename loses no file");
}

#[test]
fn every_subset_of_pending_names_can_be_asked_for() {
    let fs = durable(&[("a", b""), ("b", b""), ("c", b"")]);
    for name in ["a", "b", "c"] {
        fs.remove(name).unwrap();
    }
    assert_eq!(fs.pending_names(fs.calls()), 3);
    assert_eq!(fs.pending_names(0), 1, "the call in flight counts");
    for mask in 0..8 {
        let left = fs.image(fs.calls(), &Crash::new(CrashKind::Names, 0).names(mask)).contents();
        let expected: Vec<&str> = ["a", "b", "c"]
            .into_iter()
            .enumerate()
            .filter(|(i, _)| mask >> i & 1 == 0)
            .map(|(_, n)| n)
            .collect();
        assert_eq!(left.keys().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn locks_die_with_the_process_and_dropping_is_not_syncing() {
    let fs = durable(&[("a", b"")]);
    let lock = fs.lock().unwrap();
    let file = fs.open("a").unwrap();
    file.append(b"x").unwrap();
    drop(file);
    for kind in CrashKind::ALL {
        let image = fs.image(fs.calls(), &Crash::new(kind, 3));
        assert!(image.lock().is_ok(), "{kind:?}");
        assert_eq!(image.open_files(), 0);
    }
    assert!(fs.lock().is_err());
    drop(lock);
    assert!(may(&fs, CrashKind::FilePrefix, |files| files["a"].is_empty()));
}

#[test]
fn a_killed_process_leaves_the_page_cache_which_a_power_cut_can_still_take() {
    let fs = SimFs::new();
    fs.create("a").unwrap().append(b"cached").unwrap();
    let killed = fs.image(fs.calls(), &Crash::new(CrashKind::ProcessKill, 0));
    assert_eq!(killed.contents()["a"], b"cached");
    assert_eq!(killed.calls(), 0);
    assert!(may(&killed, CrashKind::Names, Files::is_empty));
    assert!(may(&killed, CrashKind::FilePrefix, |files| files.get("a").is_some_and(Vec::is_empty)));
    killed.open("a").unwrap().sync().unwrap();
    killed.sync_dir().unwrap();
    assert!(must(&killed, |files| files["a"] == b"cached"), "a sync after the restart covers it");
}

/// A failed sync of `lost` behind durable `kept`.
fn failed_sync(effect: Effect) -> (SimFs, std::sync::Arc<dyn vfs::File>) {
    let fs = durable(&[("a", b"kept")]);
    let file = fs.open("a").unwrap();
    file.append(b"lost").unwrap();
    fs.inject(Fault::new(Errno::Eio).on(Op::Sync).effect(effect));
    assert!(file.sync().is_err());
    (fs, file)
}

#[test]
fn a_sync_that_succeeds_after_a_failed_one_proves_nothing() {
    for effect in [Effect::Nothing, Effect::Reverted] {
        let (fs, file) = failed_sync(effect);
        file.sync().unwrap();
        for kind in CrashKind::ALL.into_iter().filter(|kind| *kind != CrashKind::ProcessKill) {
            assert!(images(&fs, kind, Profile::Strict).all(|files| files["a"] == b"kept"), "{kind:?}");
        }
    }
}

#[test]
fn what_is_appended_after_a_failed_sync_lands_behind_a_hole() {
    let (fs, file) = failed_sync(Effect::Nothing);
    file.append(b"more").unwrap();
    file.sync().unwrap();
    assert_eq!(fs.contents()["a"], b"keptlostmore");
    let image = fs.image(fs.calls(), &Crash::new(CrashKind::GlobalPrefix, 0));
    assert_eq!(image.contents()["a"], b"kept\0\0\0\0more");
}

#[test]
fn after_a_failed_sync_reads_serve_the_new_bytes_or_the_old() {
    let (served, _) = failed_sync(Effect::Nothing);
    assert_eq!(served.contents()["a"], b"keptlost");
    let killed: Vec<Files> = images(&served, CrashKind::ProcessKill, Profile::Strict).collect();
    assert!(killed.iter().any(|files| files["a"] == b"kept"), "clean pages may be evicted");
    assert!(killed.iter().any(|files| files["a"] == b"keptlost"), "and may stay");
    let (reverted, file) = failed_sync(Effect::Reverted);
    assert_eq!(file.size().unwrap(), 4);
    assert_eq!(read_full(&*file, &mut [0; 8], 0).unwrap(), 4);
    assert_eq!(reverted.contents()["a"], b"kept");
}

#[test]
fn a_sync_may_report_failure_and_have_succeeded() {
    let (fs, _) = failed_sync(Effect::Done);
    assert!(must(&fs, |files| files["a"] == b"keptlost"));
    let (fs, file) = failed_sync(Effect::Partial(0));
    file.sync().unwrap();
    assert!(images(&fs, CrashKind::Names, Profile::Strict).all(|files| files["a"] == b"kept"));
}

#[test]
fn a_file_prefix_is_a_prefix_of_the_names_too() {
    let fs = durable(&[("a", b""), ("b", b"")]);
    fs.remove("a").unwrap();
    fs.remove("b").unwrap();
    let later_only = |files: &Files| files.contains_key("a") && !files.contains_key("b");
    assert!(!may(&fs, CrashKind::FilePrefix, later_only));
    for kind in [CrashKind::Pages, CrashKind::Junk, CrashKind::Sizes, CrashKind::Names] {
        assert!(may(&fs, kind, later_only), "{kind:?}");
    }
}

#[test]
fn however_many_names_are_pending_all_or_none_may_land() {
    let fs = SimFs::new();
    for i in 0..40 {
        drop(fs.create(&format!("{i}")).unwrap());
    }
    for kind in LOSING_NAMES {
        assert!(may(&fs, kind, Files::is_empty) && may(&fs, kind, |files| files.len() == 40), "{kind:?}");
    }
}
