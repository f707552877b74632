//! Errors that are aimed, and environments that are unfriendly.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::Arc;
use vfs::sim::{Crash, CrashKind, Effect, Errno, Fault, Lasts, Op};
use vfs::{File, SimFs, Vfs, read_full};

fn kind<T>(result: std::io::Result<T>) -> ErrorKind {
    result.err().unwrap().kind()
}

/// One call of each kind; what failed.
fn one_of_each(fs: &SimFs) -> Vec<Op> {
    let file = SimFs::clone(fs).open("kept").ok();
    let mut failed = Vec::new();
    let mut note = |op, ok: bool| {
        if !ok {
            failed.push(op);
        }
    };
    note(Op::Open, file.is_some());
    if let Some(file) = file {
        note(Op::Size, file.size().is_ok());
        note(Op::Read, file.read_at(&mut [0; 2], 0).is_ok());
        note(Op::View, file.view().is_ok());
        note(Op::Append, file.append(b"x").is_ok());
        note(Op::Truncate, file.truncate(2).is_ok());
        note(Op::Reserve, file.reserve(2).is_ok());
        note(Op::Sync, file.sync().is_ok());
    }
    note(Op::Create, fs.create("new").is_ok());
    note(Op::List, fs.list().is_ok());
    note(Op::SyncDir, fs.sync_dir().is_ok());
    note(Op::Lock, fs.lock().is_ok());
    note(Op::Rename, fs.rename("other", "moved").is_ok());
    note(Op::Remove, fs.remove("gone").is_ok());
    failed
}

fn prepared() -> SimFs {
    let fs = SimFs::new();
    for name in ["kept", "other", "gone"] {
        fs.plant(name, b"content".to_vec());
    }
    fs
}

#[test]
fn every_call_can_be_made_to_fail_alone() {
    let fs = prepared();
    assert_eq!(one_of_each(&fs), []);
    let calls = fs.all_calls();
    assert_eq!(calls, Op::ALL.len() as u64);
    let mut hit = Vec::new();
    for nth in 0..calls {
        let fs = prepared();
        fs.inject(Fault::new(Errno::Eio).nth(nth));
        let failed = one_of_each(&fs);
        assert_eq!((failed.len(), fs.faults_struck()), (1, 1), "call {nth}");
        hit.extend(failed);
    }
    for op in Op::ALL {
        assert!(hit.contains(&op), "{op:?}");
        let fs = prepared();
        fs.inject(Fault::new(Errno::Eio).on(op).for_ever());
        assert_eq!(one_of_each(&fs), [op]);
    }
    let fs = prepared();
    fs.inject(Fault::new(Errno::Erofs).on_mutating().for_ever());
    assert!(one_of_each(&fs).iter().all(|op| op.is_mutating()));
    assert_eq!(fs.contents(), prepared().contents(), "a read-only filesystem");
}

#[test]
fn faults_are_aimed_by_name_count_and_duration() {
    let fs = SimFs::new();
    let (log, hint) = (fs.create("1.log").unwrap(), fs.create("1.hint").unwrap());
    fs.inject(Fault::new(Errno::Eio).on(Op::Append).suffix(".log").nth(1).lasts(Lasts::Times(2)));
    fs.inject(Fault::new(Errno::Enospc).on(Op::Append).file("1.hint"));
    let log: Vec<bool> = (0..5).map(|_| log.append(b"x").is_ok()).collect();
    assert_eq!(log, [true, false, false, true, true]);
    assert_eq!(kind(hint.append(b"x")), ErrorKind::StorageFull);
    hint.append(b"x").unwrap();
    assert_eq!(fs.faults_struck(), 3);

    fs.inject(Fault::new(Errno::Eacces).on(Op::Rename).file("2.log").for_ever());
    assert_eq!(kind(fs.rename("1.log", "2.log")), ErrorKind::PermissionDenied);
    fs.clear_faults();
    fs.rename("1.log", "2.log").unwrap();
    fs.inject(Fault::new(Errno::Eio).on(Op::Sync).file("2.log"));
    fs.inject(Fault::new(Errno::Erofs).on(Op::Sync).for_ever());
    assert_eq!(
        kind(fs.open("2.log").unwrap().sync()),
        ErrorKind::Other,
        "the first fault wins, by the new name"
    );
    assert_eq!(kind(hint.sync()), ErrorKind::ReadOnlyFilesystem);
}

#[test]
fn an_error_keeps_its_kind() {
    for error in Errno::ALL {
        let fs = SimFs::new();
        fs.inject(Fault::new(error).on(Op::List));
        let reported = fs.list().unwrap_err();
        assert_eq!(reported.kind(), error.kind());
        assert!(reported.to_string().starts_with(&format!("{error:?}").to_uppercase()), "{reported}");
    }
}

#[test]
fn a_failed_append_may_leave_any_part_and_does_not_move_the_written_end() {
    for (effect, left) in
        [(Effect::Nothing, 0), (Effect::Partial(2), 2), (Effect::Partial(99), 5), (Effect::Done, 5)]
    {
        let fs = SimFs::new();
        let file = fs.create("a").unwrap();
        fs.inject(Fault::new(Errno::Eio).on(Op::Append).effect(effect));
        file.append(b"12345").unwrap_err();
        assert_eq!(fs.contents()["a"], b"12345"[..left], "{effect:?}");
        file.append(b"ab").unwrap();
        assert_eq!(&fs.contents()["a"][..2], b"ab");
        file.truncate(2).unwrap();
        assert_eq!(fs.contents()["a"], b"ab");
    }
}

#[test]
fn name_operations_may_report_failure_and_be_done() {
    let fs = prepared();
    fs.inject(Fault::new(Errno::Eio).on_mutating().lasts(Lasts::Times(4)).effect(Effect::Done));
    assert!(fs.create("new").is_err());
    fs.rename("other", "moved").unwrap_err();
    fs.remove("gone").unwrap_err();
    fs.sync_dir().unwrap_err();
    for seed in 0..100 {
        let image = fs.image(fs.calls(), &Crash::new(CrashKind::Names, seed)).contents();
        assert_eq!(image.keys().collect::<Vec<_>>(), ["kept", "moved", "new"]);
    }
    assert_eq!(fs.open_files(), 0);
}

#[test]
fn a_refused_sync_dir_leaves_names_pending() {
    let fs = SimFs::new();
    drop(fs.create("a").unwrap());
    fs.inject(Fault::new(Errno::Einval).on(Op::SyncDir));
    assert_eq!(kind(fs.sync_dir()), ErrorKind::InvalidInput);
    assert!(fs.image(fs.calls(), &Crash::new(CrashKind::Names, 0).names(0)).contents().is_empty());
}

#[test]
fn a_full_disk_takes_what_fits() {
    let fs = SimFs::new();
    fs.capacity(Some(10));
    let (a, b) = (fs.create("a").unwrap(), fs.create("b").unwrap());
    a.append(b"123456").unwrap();
    assert_eq!(kind(b.append(b"abcdef")), ErrorKind::StorageFull);
    assert_eq!(fs.contents()["b"], b"abcd");
    assert_eq!(kind(a.reserve(1)), ErrorKind::StorageFull);
    b.append(b"wxyz").unwrap();
    fs.remove("a").unwrap();
    assert_eq!(kind(b.append(b"e")), ErrorKind::StorageFull, "an open file keeps its room");
    drop(a);
    b.append(b"efghij").unwrap();
    assert_eq!(fs.contents()["b"], b"wxyzefghij");
    fs.capacity(None);
    b.append(b"k").unwrap();
}

#[test]
fn delayed_allocation_reports_at_sync() {
    let fs = SimFs::new();
    fs.capacity(Some(3));
    fs.delayed_allocation(true);
    let file = fs.create("a").unwrap();
    fs.sync_dir().unwrap();
    file.append(b"12").unwrap();
    file.sync().unwrap();
    file.append(b"345").unwrap();
    assert_eq!(kind(file.sync()), ErrorKind::StorageFull);
    file.sync().unwrap();
    let image = fs.image(fs.calls(), &Crash::new(CrashKind::GlobalPrefix, 0));
    assert_eq!(image.contents()["a"], b"12");
}

#[test]
fn reads_may_be_short_and_interrupted() {
    let fs = prepared();
    fs.short_reads(Some(1));
    fs.interrupt_reads(Some(2));
    let file: Arc<dyn File> = fs.open("kept").unwrap();
    let (mut lens, mut interrupted) = (BTreeSet::new(), 0);
    for _ in 0..500 {
        match file.read_at(&mut [0; 7], 0) {
            Ok(n) => drop(lens.insert(n)),
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::Interrupted);
                interrupted += 1;
            }
        }
        let mut buf = [0; 9];
        assert_eq!(read_full(&*file, &mut buf, 0).unwrap(), 7);
        assert_eq!(&buf[..7], b"content");
    }
    assert_eq!(lens, (1..=7).collect());
    assert!(interrupted > 50);
    fs.short_reads(None);
    fs.interrupt_reads(None);
    assert_eq!(file.read_at(&mut [0; 7], 0).unwrap(), 7);
}

#[test]
fn lists_may_be_shuffled() {
    let fs = prepared();
    fs.shuffle_lists(Some(3));
    let orders: BTreeSet<Vec<String>> = (0..100).map(|_| fs.list().unwrap()).collect();
    assert_eq!(orders.len(), 6);
    fs.shuffle_lists(None);
    assert_eq!(fs.list().unwrap(), ["gone", "kept", "other"]);
}

#[test]
fn descriptors_may_run_out() {
    let fs = prepared();
    fs.max_open_files(Some(2));
    let (one, _two) = (fs.open("kept").unwrap(), fs.open("kept").unwrap());
    assert!(fs.open("other").is_err());
    assert!(fs.create("new").is_err());
    assert_eq!((fs.open_files(), fs.contents().contains_key("new")), (2, false));
    drop(one);
    fs.open("other").unwrap();
    assert_eq!(fs.open_files(), 1);
}

#[test]
fn absurd_sizes_are_refused_not_allocated() {
    let fs = prepared();
    let file = fs.open("kept").unwrap();
    assert_eq!(kind(file.truncate(u64::MAX)), ErrorKind::InvalidInput);
    assert_eq!(kind(file.reserve(u64::MAX)), ErrorKind::InvalidInput);
    assert_eq!(fs.contents()["kept"], b"content");
}
