//! What is not begun any more, and what is given up.

use super::*;
use crate::options::{SPECS, Settings};
use crate::recover;
use contract::{Engine, Options};
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
