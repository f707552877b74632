//! What is not begun any more, and what is given up; who waits for whom, and who hears of what.

mod memory;

use super::*;
use crate::options::{SPECS, Settings};
use crate::recover;
use contract::{Engine, Options};
use std::ops::Bound;
use std::sync::Arc;
use std::thread;
use vfs::MemFs;
use vfs::sim::{Errno, Fault, Op, SimFs};

fn store() -> (MemFs, Store) {
    store_with(&[])
}

fn store_with(set: &[(&str, &str)]) -> (MemFs, Store) {
    let fs = MemFs::new();
    let options =
        set.iter().fold(Options::new(&SPECS), |options, (name, value)| options.with(name, value).unwrap());
    let store = recover::open(Arc::new(fs.clone()), Settings::new(&options).unwrap()).unwrap().0;
    store.put(b"key", b"value").unwrap();
    (fs, store)
}

/// A store that has so many runs that a compaction is due.
fn store_with_a_job() -> (MemFs, Store) {
    let (fs, store) = store_with(&[("fan-out", "2")]);
    while store.due().is_none() {
        store.put(b"key", b"value").unwrap();
        store.flush_all().unwrap();
    }
    (fs, store)
}

/// A store whose next writer has to wait for a flush.
fn full_store() -> (MemFs, Store) {
    let (fs, store) = store_with(&[("memtable-bytes", "8KiB")]);
    for i in 0_u32.. {
        if store.is_over_limit() {
            break;
        }
        store.put(&i.to_le_bytes(), &[7; 100]).unwrap();
    }
    (fs, store)
}

#[test]
fn a_store_that_is_being_closed_ends_what_it_builds() {
    let (fs, store) = store();
    store.upkeep.given_up.store(true, Ordering::Relaxed);
    assert!(matches!(store.flush_all(), Err(Error::Closed)));
    assert!(!fs.contents().keys().any(|name| name.contains(".sst")));
    drop(store.end_upkeep());
    // From then on nobody is in the way, and what close itself flushes is wanted.
    store.flush_all().unwrap();
    assert_eq!(store.state.load().tree.tables().count(), 1);
    assert_eq!(store.get(b"key").unwrap().as_deref(), Some(&b"value"[..]));
}

#[test]
fn a_claim_that_comes_after_the_store_was_closed_is_none() {
    let (_, store) = store();
    store.close().unwrap();
    for kind in [Kind::Flush, Kind::Compact] {
        assert!(matches!(store.try_claim(kind, By::Caller), Err(Error::Closed)));
        assert!(matches!(store.claim(kind), Err(Error::Closed)));
    }
}

/// What the memtable holds, in tables that belong to nobody yet.
fn built(store: &Store) -> crate::build::Output {
    let memtable = Arc::clone(&store.state.load().active);
    store.build(memtable.source(Bound::Unbounded, u64::MAX), |_| true).unwrap()
}

#[test]
fn a_poisoned_store_commits_nothing_and_keeps_nothing_of_it() {
    let (fs, store) = store();
    let before = fs.contents();
    let output = built(&store);
    assert!(fs.contents().len() > before.len());
    store.poisoned_by(Error::Closed);
    let committed = store.commit(None, output, Vec::new(), None, |state, _| state.clone());
    assert!(matches!(committed, Err(Error::Poisoned { .. })));
    assert_eq!(fs.contents(), before);
}

#[test]
fn an_edit_that_makes_no_tree_poisons() {
    let (_, store) = store();
    store.flush_all().unwrap();
    let run = store.state.load().tree.runs[0].number;
    store.put(b"key", b"value").unwrap();
    // A second table with the same key in the same run.
    let output = built(&store);
    let committed = store.commit(Some(run), output, Vec::new(), None, |state, _| state.clone());
    assert!(committed.unwrap_err().is_corrupt() && store.refuse_if_poisoned().is_err());
}

type Call = fn(&Store) -> Result<()>;
type End = fn(&Store);

#[test]
fn who_needs_a_claim_waits_until_it_is_given_back() {
    let calls: [(Kind, Call); 9] = [
        (Kind::Flush, Store::flush_all),
        (Kind::Flush, Store::compact_all),
        (Kind::Compact, Store::compact_all),
        (Kind::Flush, |store| store.verify().map(drop)),
        (Kind::Compact, |store| store.verify().map(drop)),
        (Kind::Flush, Store::close),
        (Kind::Compact, Store::close),
        // Another thread is about to close the store.
        (Kind::Flush, |store| store.closed.set(()).map_err(|()| Error::Closed).and_then(|()| store.close())),
        (Kind::Compact, |store| {
            store.closed.set(()).map_err(|()| Error::Closed).and_then(|()| store.close())
        }),
    ];
    for (i, (kind, call)) in calls.into_iter().enumerate() {
        let (_, store) = store();
        let claim = store.upkeep.try_claim(kind, By::Attendant).unwrap();
        thread::scope(|scope| {
            let caller = scope.spawn(|| call(&store));
            while !caller.is_finished() && !store.upkeep.is_waited_for() {
                thread::yield_now();
            }
            assert!(!caller.is_finished(), "call {i} does not wait");
            drop(claim);
            caller.join().unwrap().unwrap();
        });
    }
}

#[test]
fn a_step_leaves_to_others_what_they_have_claimed() {
    let (fs, store) = store_with_a_job();
    store.put(b"key", b"value").unwrap();
    store.freeze(&mut store.any_turn()).unwrap();
    let files = fs.contents();
    let [flush, compact] =
        [Kind::Flush, Kind::Compact].map(|kind| store.upkeep.try_claim(kind, By::Attendant).unwrap());
    assert!(!store.upkeep_step(By::Caller).unwrap());
    assert_eq!(fs.contents(), files);
    let counts = || (store.state.load().frozen.len(), store.counts.compactions.load(Ordering::Relaxed));
    drop(flush);
    assert!(store.upkeep_step(By::Caller).unwrap() && counts() == (0, 0));
    drop(compact);
    assert!(store.upkeep_step(By::Caller).unwrap() && counts() == (0, 1));
}

/// What is due may have been done before the claim is held.
#[test]
fn what_another_thread_has_compacted_meanwhile_is_not_compacted_again() {
    let (_, store) = store_with_a_job();
    let job = store.due().unwrap();
    thread::scope(|scope| {
        // Who looks for what is due has seen the runs, and gets no further.
        let damaged = store.upkeep.damaged();
        let step = scope.spawn(|| store.upkeep_step(By::Caller));
        (0..5_000).for_each(|_| thread::yield_now());
        store.compact_job(&job, By::Caller).unwrap();
        drop(damaged);
        step.join().unwrap().unwrap();
    });
    assert_eq!(store.get(b"key").unwrap().as_deref(), Some(&b"value"[..]));
}

/// Who attends to the store sleeps until somebody rings.
#[test]
fn whatever_may_give_an_attendant_something_to_do_rings() {
    let calls: [Call; 6] = [
        |store| store.freeze(&mut store.any_turn()),
        // A run more.
        |store| store.flush().map(drop),
        // A run in the place of two.
        |store| {
            store.compact_job(&compaction::everything(&shape(&store.state.load().tree)).unwrap(), By::Caller)
        },
        |store| store.set_option("fan-out", "3"),
        |store| {
            drop(store.poisoned_by(Error::Closed));
            Ok(())
        },
        |store| store.close().or(Ok(())),
    ];
    let (_, store) = store();
    store.flush_all().unwrap();
    store.put(b"key", b"value").unwrap();
    for (i, call) in calls.into_iter().enumerate() {
        let rings = store.upkeep.rings();
        call(&store).unwrap();
        assert!(store.upkeep.rings() > rings, "call {i} rings");
    }
}

/// A file that cannot be removed is in nobody's way.
#[test]
fn memory_is_flushed_also_where_nothing_can_be_removed() {
    let fs = SimFs::new();
    let settings = Settings::new(&Options::new(&SPECS)).unwrap();
    let store = recover::open(Arc::new(fs.clone()), settings).unwrap().0;
    fs.inject(Fault::new(Errno::Eio).on(Op::Remove).for_ever());
    for flushes in 1..4 {
        store.put(b"key", b"value").unwrap();
        store.freeze(&mut store.any_turn()).unwrap();
        // The unit itself may say that something is left; it is done all the same.
        while store.upkeep_step(By::Attendant).is_ok_and(|done| done) {}
        assert_eq!(store.counts.flushes.load(Ordering::Relaxed), flushes);
    }
}

/// Who waits for room hears of a failure by its count.
#[test]
fn a_compaction_that_cannot_read_its_first_block_has_failed_like_any_other() {
    let fs = SimFs::new();
    let options = Options::new(&SPECS).with("fan-out", "2").unwrap();
    let store = recover::open(Arc::new(fs.clone()), Settings::new(&options).unwrap()).unwrap().0;
    while store.due().is_none() {
        store.put(b"key", b"value").unwrap();
        store.flush_all().unwrap();
    }
    fs.inject(Fault::new(Errno::Eio).on(Op::Read).suffix(".sst"));
    store.upkeep_step(By::Attendant).unwrap_err();
    assert_eq!(store.failures(), 1);
}

/// Whoever is about to make room has come to no end, and others attend to the store: nobody does it in his place.
#[test]
fn who_waits_for_room_hears_at_once_that_nobody_may_write_any_more() {
    let ends: [End; 2] = [|store| drop(store.close()), |store| drop(store.poisoned_by(Error::Closed))];
    for end in ends {
        let (_, store) = full_store();
        let (attending, claim) =
            (Attending::to(&store.upkeep), store.upkeep.try_claim(Kind::Flush, By::Attendant).unwrap());
        let rings = store.upkeep.rings();
        thread::scope(|scope| {
            let writer = scope.spawn(|| store.put(b"key", b"value"));
            while !store.upkeep.is_waited_for() {
                thread::yield_now();
            }
            let has_rung = store.upkeep.rings() > rings;
            scope.spawn(|| end(&store));
            let told = writer.join().unwrap();
            assert!(has_rung && matches!(told, Err(Error::Closed | Error::Poisoned { .. })), "{told:?}");
            drop((claim, attending));
        });
    }
}

/// Others attend to the store, and what they have tried has failed.
#[test]
fn who_waits_for_room_tries_once_himself_what_has_failed_for_others() {
    let (_, store) = full_store();
    let attending = Attending::to(&store.upkeep);
    thread::scope(|scope| {
        let writer = scope.spawn(|| store.put(b"key", b"value"));
        while !store.upkeep.is_waited_for() {
            thread::yield_now();
        }
        assert_eq!(store.counts.flushes.load(Ordering::Relaxed), 0);
        store.counts.failures.fetch_add(1, Ordering::Relaxed);
        store.upkeep.ring();
        writer.join().unwrap().unwrap();
        assert!(store.counts.flushes.load(Ordering::Relaxed) > 0);
    });
    drop(attending);
}
