//! What stage 1 says of what no crash and no flipped bit leaves: marks that nobody wrote, numbers that run out, files that get
//! shorter under an open store, and calls that fail where much is copied.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Engine, Entry, Error};
use stage1::clean::{self, Listed};
use stage1::files::CLEAN;
use stage1::frame::{self, Place};
use stage1::log::header::{HEADER_BYTES, Header, Previous, engine_id};
use stage1::replay::{Replay, Tail};
use stage1::{ENGINE, STAGE};
use std::sync::Arc;
use vfs::sim::{Crash, CrashKind, Errno, Fault, Op, SimFs, Wound};
use vfs::{MemFs, Vfs};

fn open(vfs: impl Vfs + 'static) -> contract::Result<Arc<dyn Engine>> {
    (STAGE.open)(Arc::new(vfs), &STAGE.default_options()).map(|(engine, _)| engine)
}

/// A store with one entry, closed cleanly.
fn closed(fs: impl Vfs + Clone + 'static) {
    let engine = open(fs).unwrap();
    engine.put(b"key", b"value").unwrap();
    engine.close().unwrap();
}

#[test]
fn a_mark_that_is_larger_than_any_is_refused_unread() {
    let fs = MemFs::new();
    closed(fs.clone());
    fs.plant(CLEAN, vec![0; (64 << 20) + 1]);
    let error = open(fs).err().unwrap().to_string();
    assert!(error.contains(CLEAN) && error.contains("larger than any mark"), "{error}");
}

#[test]
fn a_mark_that_does_not_list_exactly_one_log_is_damage() {
    let fs = SimFs::new();
    closed(fs.clone());
    let listed = clean::read(&fs, ENGINE).unwrap();
    let another = Listed { name: "000002.log".into(), ..listed[0].clone() };
    for listed in [vec![], vec![listed[0].clone(), another]] {
        fs.remove(CLEAN).unwrap();
        clean::write(&fs, ENGINE, &listed).unwrap();
        let files = fs.contents();
        let error = open(fs.clone()).err().unwrap().to_string();
        assert!(error.contains(CLEAN) && error.contains("not one log"), "{error}");
        assert_eq!(fs.contents(), files);
    }
}

#[test]
fn a_mark_that_somebody_has_removed_is_as_good_as_one_that_the_store_removes() {
    let fs = SimFs::new();
    closed(fs.clone());
    let engine = open(fs.clone()).unwrap();
    fs.remove(CLEAN).unwrap();
    engine.put(b"key", b"another").unwrap();
    engine.close().unwrap();
    drop(engine);
    assert_eq!(open(fs).unwrap().get(b"key").unwrap().as_deref(), Some(&b"another"[..]));
}

#[test]
fn a_foreign_file_that_cannot_be_opened_is_none_of_the_stores_business() {
    let fs = SimFs::new();
    fs.plant("7.txt", b"not ours".to_vec());
    fs.inject(Fault::new(Errno::Eacces).on(Op::Open).file("7.txt").for_ever());
    closed(fs.clone());
    assert!(fs.faults_struck() > 0 && fs.contents().contains_key("7.txt"));
}

/// Nobody writes a floor between two frames of a batch: where one stands, the batch has lost its end.
#[test]
fn a_batch_ends_at_a_floor_and_without_its_last_frame_it_does_not_count() {
    let fs = MemFs::new();
    drop(open(fs.clone()).unwrap());
    let name = "000001.log";
    let mut bytes = fs.contents()[name].clone();
    let place = |bytes: &[u8]| Place { file: 1, offset: bytes.len() as u64 };
    let at = place(&bytes);
    let begin = bytes.len();
    frame::encode(Entry { key: b"key", value: Some(b"value") }, true, &mut bytes);
    frame::move_to(&mut bytes[begin..], None, at);
    let floor_at = bytes.len() as u64;
    bytes.extend_from_slice(&frame::floor(at.offset, place(&bytes)));
    fs.plant(name, bytes);
    let replay = Replay::read(fs.open(name).unwrap(), name.into(), 1, ENGINE, 64).unwrap();
    assert_eq!((replay.entries, replay.end), (0, at.offset));
    let Tail::Torn { offset, why, .. } = &replay.tail else { panic!("{:?}", replay.tail) };
    assert!(*offset == floor_at && why.contains("without its end"), "{offset}: {why}");
}

/// Another owner is no failure of the world, and the other way round.
#[test]
fn a_lock_that_cannot_be_asked_for_is_told_as_an_error_of_the_world() {
    let fs = SimFs::new();
    let engine = open(fs.clone()).unwrap();
    assert!(matches!(open(fs.clone()), Err(Error::Locked { .. })));
    drop(engine);
    fs.inject(Fault::new(Errno::Eio).on(Op::Lock));
    assert!(matches!(open(fs), Err(Error::Io { action: "lock", .. })));
}

#[test]
fn a_log_of_another_engine_under_a_name_of_ours_is_told_of() {
    let fs = SimFs::new();
    let engine = engine_id("stage2");
    let header = Header { engine, number: 1, previous: Previous::default(), base_bytes: HEADER_BYTES as u64 };
    fs.plant("000001.log", header.encode().to_vec());
    let error = open(fs).err().unwrap();
    assert!(matches!(error, Error::WrongStore { .. }) && error.to_string().contains("stage2"), "{error}");
}

#[test]
fn what_was_set_aside_without_the_log_that_replaced_it_and_the_last_number_are_refused() {
    for (name, what) in [
        ("000001.log.aside", "the log that replaced this one is missing"),
        ("18446744073709551615.log", "no number comes after"),
        ("18446744073709551615.log.aside", "no number comes after"),
    ] {
        let fs = SimFs::new();
        if name.ends_with("5.log.aside") {
            closed(fs.clone());
            fs.plant(name, Vec::new());
        } else if what.starts_with("no") {
            let header = Header {
                engine: ENGINE,
                number: u64::MAX,
                previous: Previous::default(),
                base_bytes: HEADER_BYTES as u64,
            };
            fs.plant(name, header.encode().to_vec());
        } else {
            fs.plant(name, Vec::new());
        }
        let files = fs.contents();
        let error = open(fs.clone()).err().unwrap().to_string();
        assert!(error.contains(&name[..20.min(name.len())]) && error.contains(what), "{error}");
        assert_eq!(fs.contents(), files);
    }
}

#[test]
fn a_mark_that_ends_anywhere_is_damage_under_any_checksum() {
    let fs = SimFs::new();
    closed(fs.clone());
    let mut files = fs.contents();
    let mark = files.remove(CLEAN).unwrap();
    for len in 0..mark.len() - 4 {
        let fs = SimFs::holding(files.clone());
        fs.plant(CLEAN, [&mark[..len], &frame::checksum(&mark[..len]).to_le_bytes()].concat());
        assert!(open(fs).err().unwrap().is_corrupt(), "{len}");
    }
}

/// Zeros at a log's end are room that was reserved. Not after a close, which has given it back.
#[test]
fn a_log_that_was_closed_and_ends_in_zeros_has_lost_entries() {
    let fs = SimFs::new();
    closed(fs.clone());
    let mut bytes = fs.contents()["000001.log"].clone();
    bytes[HEADER_BYTES..].fill(0);
    fs.plant("000001.log", bytes);
    let error = open(fs).err().unwrap().to_string();
    assert!(error.contains("000001.log") && error.contains("the entries end here"), "{error}");
}

#[test]
fn a_log_that_gets_shorter_under_an_open_store_is_damage() {
    let fs = SimFs::new();
    let options = STAGE.default_options().with("chunk-bytes", "64").unwrap();
    let (engine, _) = (STAGE.open)(Arc::new(fs.clone()), &options).unwrap();
    engine.put(b"key", &[7; 300]).unwrap();
    fs.damage("000001.log", &Wound::Truncate(200)).unwrap();
    let error = engine.get(b"key").unwrap_err().to_string();
    assert!(error.contains("000001.log") && error.contains("the file ends within it"), "{error}");
}

/// So much that it is written in several pieces, and the first of them fails.
#[test]
fn a_copy_that_fails_in_its_middle_leaves_the_log_as_it_was() {
    let large = vec![7; 3 << 19];
    let fs = SimFs::new();
    let engine = open(fs.clone()).unwrap();
    engine.put(b"key", b"old").unwrap();
    engine.put(b"key", &large).unwrap();
    let fail = |fs: &SimFs| fs.inject(Fault::new(Errno::Enospc).on(Op::Append).suffix(".tmp"));
    fail(&fs);
    assert!(matches!(engine.compact(), Err(Error::Io { .. })));
    assert_eq!(engine.get(b"key").unwrap().as_ref(), Some(&large));
    let killed = fs.image(fs.calls(), &Crash::new(CrashKind::ProcessKill, 0));
    fail(&killed);
    assert!(matches!(open(killed.clone()), Err(Error::Io { .. })));
    assert_eq!(open(killed).unwrap().get(b"key").unwrap(), Some(large));
}

#[test]
fn a_mark_that_cannot_be_removed_ends_a_compaction_before_it_changes_anything() {
    let fs = SimFs::new();
    closed(fs.clone());
    let engine = open(fs.clone()).unwrap();
    engine.put(b"key", b"dead from now on").unwrap();
    engine.close().unwrap();
    let engine = open(fs.clone()).unwrap();
    fs.inject(Fault::new(Errno::Eio).on(Op::Remove).file(CLEAN));
    assert!(matches!(engine.compact(), Err(Error::Io { .. })));
    assert!(matches!(engine.compact(), Err(Error::Poisoned { .. })));
    drop(engine);
    assert_eq!(open(fs).unwrap().get(b"key").unwrap().as_deref(), Some(&b"dead from now on"[..]));
}

/// Of all that a kill leaves in the middle of an opening, the state with the most logs.
fn most_logs(fs: &SimFs) -> SimFs {
    let before = fs.calls();
    let opened = open(fs.clone()).unwrap();
    let kill = Crash::new(CrashKind::ProcessKill, 0);
    let left = (before..=fs.calls()).map(|call| SimFs::holding(fs.image(call, &kill).contents()));
    let logs = |fs: &SimFs| fs.contents().keys().filter(|name| name.ends_with("log")).count();
    let most = left.max_by_key(logs).unwrap();
    drop(opened);
    most
}

/// Two openings have died, each with its log in place and the one before it not yet removed.
#[test]
fn older_logs_that_were_replaced_go_one_after_the_other_and_a_failure_keeps_what_explains_the_rest() {
    let fs = SimFs::new();
    open(fs.clone()).unwrap().put(b"key", b"value").unwrap();
    let fs = SimFs::holding(fs.contents());
    fs.remove(CLEAN).unwrap();
    let three = most_logs(&most_logs(&fs)).contents();
    assert_eq!(three.len(), 3, "{:?}", three.keys());
    for op in [Op::Open, Op::Read, Op::Remove, Op::SyncDir] {
        for nth in 0.. {
            let fs = SimFs::holding(three.clone());
            fs.inject(Fault::new(Errno::Eio).on(op).nth(nth));
            drop(open(fs.clone()));
            if fs.faults_struck() == 0 {
                assert!(nth >= 3, "{op:?}: {nth}");
                break;
            }
            fs.clear_faults();
            assert_eq!(
                open(fs).unwrap().get(b"key").unwrap().as_deref(),
                Some(&b"value"[..]),
                "{op:?} {nth}"
            );
        }
    }
    // The oldest is explained by its number, whatever has become of it. What the one behind it would explain is not.
    for (name, opens) in three.keys().zip([true, false]) {
        let fs = SimFs::holding(three.clone());
        fs.damage(name, &Wound::FlipBit { offset: 30, bit: 0 }).unwrap();
        assert_eq!(open(fs).is_ok(), opens, "{name}");
    }
}

#[test]
fn a_log_that_cannot_be_removed_is_in_nobodys_way_but_that_of_the_mark() {
    let fs = SimFs::new();
    let engine = open(fs.clone()).unwrap();
    engine.put(b"key", b"old").unwrap();
    engine.put(b"key", b"new").unwrap();
    fs.inject(Fault::new(Errno::Eacces).on(Op::Remove).for_ever());
    assert!(matches!(engine.compact(), Err(Error::Io { action: "remove", .. })));
    engine.put(b"key", b"newest").unwrap();
    assert!(matches!(engine.close(), Err(Error::Io { action: "remove", .. })));
    fs.clear_faults();
    assert!(!fs.contents().contains_key(CLEAN));
    assert_eq!(open(fs).unwrap().get(b"key").unwrap().as_deref(), Some(&b"newest"[..]));
}
