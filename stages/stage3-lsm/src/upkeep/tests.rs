//! What is not begun any more, and what is given up.

use super::*;
use crate::options::{SPECS, Settings};
use crate::recover;
use contract::{Engine, Options};
use std::ops::Bound;
use std::sync::Arc;
use vfs::MemFs;

fn store() -> (MemFs, Store) {
    let fs = MemFs::new();
    let settings = Settings::new(&Options::new(&SPECS)).unwrap();
    let store = recover::open(Arc::new(fs.clone()), settings).unwrap().0;
    store.put(b"key", b"value").unwrap();
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
        assert!(matches!(store.try_claim(kind), Err(Error::Closed)));
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
