//! What an opening meets that no crash and no flipped bit leaves: marks that nobody wrote, names that cannot be opened, and a
//! mark that is gone already.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Engine, Entry, Error};
use stage1::clean::{self, Listed};
use stage1::files::CLEAN;
use stage1::frame::{self, Place};
use stage1::replay::{Replay, Tail};
use stage1::{ENGINE, STAGE};
use std::sync::Arc;
use vfs::sim::{Errno, Fault, Op, SimFs};
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
