//! Every state that a crash can leave, by its number.

use super::{Files, durable, images};
use std::collections::BTreeSet;
use vfs::Vfs;
use vfs::sim::{Crash, CrashKind, Profile, SimFs};

fn all(fs: &SimFs, at: u64) -> BTreeSet<Files> {
    (0..fs.outcomes(at)).map(|n| fs.image(at, &Crash::outcome(n)).contents()).collect()
}

/// Two appends, one of them durable, a name that is pending, and an append to it.
fn busy() -> SimFs {
    let fs = durable(&[("a", b"")]);
    let a = fs.open("a").unwrap();
    a.append(b"old").unwrap();
    a.sync().unwrap();
    a.append(b"new").unwrap();
    let b = fs.create("b").unwrap();
    b.append(b"1").unwrap();
    b.append(b"2").unwrap();
    fs
}

#[test]
fn the_states_are_all_combinations_and_no_other() {
    let fs = busy();
    let end = fs.calls();
    assert_eq!(fs.outcomes(end), 2 * (2 * 2) * (3 * 3), "a name, one pending append, two pending appends");
    let states = all(&fs, end);
    // Of «a»: without the append, with it, its size alone, its bytes alone, which is the first again. Of «b»: absent, or
    // its bytes at three moments by its size at three.
    let of = |name: &str| states.iter().map(|files| files.get(name).cloned()).collect::<BTreeSet<_>>();
    let owned = |states: &[&[u8]]| states.iter().map(|bytes| Some(bytes.to_vec())).collect::<BTreeSet<_>>();
    assert_eq!(of("a"), owned(&[b"old", b"oldnew", b"old\0\0\0"]));
    let mut b = owned(&[b"", b"1", b"12", b"\0", b"\0\0", b"1\0"]);
    b.insert(None);
    assert_eq!(of("b"), b);
    assert_eq!(states.len(), 3 * 7, "each with each");
    // What draws can leave at boundaries is among them.
    let whole = |files: &Files| files["a"].len() != 4 && files["a"].len() != 5;
    let drawn = images(&fs, CrashKind::Names, Profile::Strict).filter(whole);
    assert!(drawn.into_iter().all(|files| states.contains(&files)));
}

#[test]
fn the_call_in_flight_is_done_or_not() {
    let fs = busy();
    // The last append to «b» is in flight: everything that it may do is a state, and so is everything without it.
    let in_flight = fs.calls() - 1;
    assert_eq!(all(&fs, in_flight), all(&fs, fs.calls()));
    // Nothing is pending before the first call but that call.
    let fs = durable(&[]);
    fs.create("a").unwrap();
    assert_eq!(fs.outcomes(0), 2);
    assert_eq!(all(&fs, 0).len(), 2);
    fs.sync_dir().unwrap();
    assert_eq!((fs.outcomes(1), fs.outcomes(2)), (2, 1), "a sync in flight has no effect of its own");
}
