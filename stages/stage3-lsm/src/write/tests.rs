//! What waits for its sync, and who left his write to another.

use super::*;
use crate::options::{SPECS, Settings};
use crate::recover;
use contract::{Batch, Engine, Options};
use std::thread;
use vfs::sim::{Crash, CrashKind, Errno, Fault, Op, SimFs};

fn store(fs: &SimFs, set: &[(&str, &str)]) -> Store {
    let options =
        set.iter().fold(Options::new(&SPECS), |options, (name, value)| options.with(name, value).unwrap());
    recover::open(Arc::new(fs.clone()), Settings::new(&options).unwrap()).unwrap().0
}

/// A batch that waits for its sync: of the key, `true` is a put and `false` a delete.
fn pending(key: &[u8], entries: &[bool]) -> Pending {
    let (mut batch, mut frames) = (Batch::new(), Frames::default());
    for put in entries {
        if *put {
            batch.put(key, b"value")
        } else {
            batch.delete(key)
        };
    }
    batch.put(b"another", b"value");
    frames.set_batch(&batch);
    Pending { until: Position::END, frames: frames.bytes().to_vec() }
}

#[test]
fn of_what_waits_for_its_sync_the_newest_entry_of_a_key_counts() {
    let store = store(&SimFs::new(), &[]);
    let mut turn = store.any_turn();
    assert_eq!(turn.is_pending(b"key"), None);
    turn.pending.push_back(pending(b"key", &[true, false]));
    assert_eq!(
        (turn.is_pending(b"key"), turn.is_pending(b"another"), turn.is_pending(b"")),
        (Some(false), Some(true), None)
    );
    turn.pending.push_back(pending(b"key", &[false, true]));
    assert_eq!(turn.is_pending(b"key"), Some(true));
    turn.pending.push_back(pending(b"else", &[false]));
    assert_eq!((turn.is_pending(b"key"), turn.is_pending(b"else")), (Some(true), Some(false)));
    turn.pending.clear();
}

/// Has a put queue behind this thread, which has the turn and appends for it after `before`; and returns what the put says.
fn put_that_queues(store: &Store, key: &[u8], before: impl FnOnce()) -> Result<()> {
    thread::scope(|scope| {
        let mut turn = store.any_turn();
        let put = scope.spawn(|| store.put(key, b"value"));
        while store.queue.lock().unwrap().frames.bytes().is_empty() {
            thread::yield_now();
        }
        before();
        store.append_queue(&mut turn);
        drop(turn);
        put.join().unwrap()
    })
}

#[test]
fn who_queued_waits_for_the_sync_of_what_another_one_has_appended() {
    let fs = SimFs::new();
    let store = store(&fs, &[("sync", "every-write")]);
    put_that_queues(&store, b"key", || {}).unwrap();
    assert_eq!(store.get(b"key").unwrap().as_deref(), Some(&b"value"[..]));
    assert_eq!(store.chain.unsynced_bytes(), 0);
}

#[test]
fn who_queued_is_told_where_another_one_could_not_append() {
    let fs = SimFs::new();
    let store = store(&fs, &[("memtable-bytes", "8KiB")]);
    for i in 0_u32.. {
        if store.is_full(&store.state.load()) {
            break;
        }
        store.put(&i.to_le_bytes(), &[7; 100]).unwrap();
    }
    // The next log cannot be begun, so nothing is appended; nobody knows less than before.
    let no_room = || fs.inject(Fault::new(Errno::Enospc).on(Op::Create).suffix(".log.tmp"));
    let error = put_that_queues(&store, b"key", no_room).unwrap_err();
    assert!(matches!(&error, Error::Io { action: "write to", .. }), "{error}");
    assert_eq!(store.get(b"key").unwrap(), None);
    store.put(b"key", b"value").unwrap();
}

#[test]
fn one_full_memtable_at_a_time_waits_for_its_flush() {
    let store = store(&SimFs::new(), &[("memtable-bytes", "8KiB")]);
    let (mut turn, mut frames) = (store.any_turn(), Frames::default());
    for i in 0_u32..500 {
        // Past the place where a writer would wait for room.
        frames.set_entry(Entry { key: &i.to_le_bytes(), value: Some(&[7; 100]) });
        store.append_in(&mut turn, &mut frames).unwrap();
    }
    let state = store.state.load();
    assert_eq!((store.is_full(&state), state.frozen.len()), (true, 1));
}

/// Appends a put, and leaves its sync to others.
fn append(store: &Store, key: &[u8]) {
    let mut frames = Frames::default();
    frames.set_entry(Entry { key, value: Some(b"value") });
    store.append_in(&mut store.any_turn(), &mut frames).unwrap();
}

#[test]
fn what_waits_for_its_sync_is_synced_and_seen_before_whatever_comes_next() {
    let calls: [fn(&Store) -> Result<()>; 3] = [
        |store| store.put_if_absent(b"key", b"another").map(|is_new| assert!(!is_new)),
        |store| store.set_option("sync", "on-request"),
        |store| store.freeze(&mut store.any_turn()),
    ];
    for (i, call) in calls.into_iter().enumerate() {
        let store = store(&SimFs::new(), &[("sync", "every-write")]);
        append(&store, b"key");
        store.apply_pending(&mut store.any_turn());
        assert_eq!(store.get(b"key").unwrap(), None, "not synced yet");
        call(&store).unwrap();
        assert_eq!(store.get(b"key").unwrap().as_deref(), Some(&b"value"[..]), "call {i}");
        // A log that has been begun may have nothing but its header.
        assert!(store.chain.unsynced_bytes() <= HEADER_BYTES as u64, "call {i}");
    }
}

#[test]
fn what_waits_for_its_sync_when_the_store_is_poisoned_is_not_synced_any_more() {
    let store = store(&SimFs::new(), &[("sync", "every-write")]);
    append(&store, b"key");
    drop(store.poisoned_by(Error::Closed));
    assert!(matches!(store.make_durable(store.chain.end()), Err(Error::Poisoned { .. })));
    assert_eq!(store.get(b"key").unwrap(), None);
}

/// A log may be full, and the next one be written, before anything of either is on the device.
#[test]
fn a_log_that_follows_one_that_is_not_synced_says_nothing_of_it() {
    let fs = SimFs::new();
    let first = store(&fs, &[]);
    first.put(b"a", &[7; 9_000]).unwrap();
    first.freeze(&mut first.any_turn()).unwrap();
    first.put(b"b", b"value").unwrap();
    let crashes = || CrashKind::ALL.into_iter().flat_map(|kind| (0..20).map(move |seed| (kind, seed)));
    let left = |(kind, seed)| {
        let left = store(&fs.image(fs.calls(), &Crash::new(kind, seed)), &[]);
        [b"a", b"b"].map(|key| left.contains(key).unwrap())
    };
    for crash in crashes() {
        assert_ne!(left(crash), [false, true], "{crash:?}");
    }
    first.sync().unwrap();
    for crash in crashes() {
        assert_eq!(left(crash), [true, true], "{crash:?}");
    }
}

/// He had the turn before the store was closed, so he may end; and the memtable that he fills belongs into the mark.
#[test]
fn who_begins_a_memtable_while_the_store_is_closed_leaves_no_log_that_the_mark_does_not_list() {
    let fs = SimFs::new();
    let first = store(&fs, &[]);
    first.put(b"key", b"value").unwrap();
    thread::scope(|scope| {
        let mut turn = first.turn().unwrap();
        let close = scope.spawn(|| first.close());
        while first.closed.get().is_none() {
            thread::yield_now();
        }
        // It goes on as far as it can without the turn.
        (0..1_000).for_each(|_| thread::yield_now());
        first.freeze(&mut turn).unwrap();
        drop(turn);
        close.join().unwrap().unwrap();
    });
    drop(first);
    assert_eq!(store(&fs, &[]).get(b"key").unwrap().as_deref(), Some(&b"value"[..]));
}
