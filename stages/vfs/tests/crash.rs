//! Images: every byte, every call, again and again, and never a trace in the live run.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use vfs::sim::{Crash, CrashKind, Effect, Errno, Fault, Op, Profile};
use vfs::{SimFs, Vfs};

/// A little of everything.
fn busy() -> SimFs {
    let fs = SimFs::new();
    let log = fs.create("000001.log").unwrap();
    log.append(b"header").unwrap();
    log.sync().unwrap();
    fs.sync_dir().unwrap();
    log.reserve(700).unwrap();
    for i in 0..5u8 {
        log.append(&[i + 1; 130]).unwrap();
    }
    let tmp = fs.create("000002.tmp").unwrap();
    tmp.append(&[9; 5000]).unwrap();
    tmp.sync().unwrap();
    fs.rename("000002.tmp", "000002.log").unwrap();
    log.truncate(300).unwrap();
    log.append(b"tail").unwrap();
    fs.sync_dir().unwrap();
    fs.remove("000001.log").unwrap();
    fs
}

#[test]
fn a_global_prefix_tears_the_append_in_flight_at_every_byte() {
    let fs = SimFs::new();
    let file = fs.create("a").unwrap();
    file.append(b"first").unwrap();
    file.append(b"second").unwrap();
    assert_eq!([0, 1, 2, 3].map(|at| fs.tears(at)), [1, 6, 7, 1]);
    for (at, done) in [(1, ""), (2, "first")] {
        for tear in 0..fs.tears(at) {
            let image = fs.image(at, &Crash::new(CrashKind::GlobalPrefix, 0).tear(tear));
            let expected = &b"firstsecond"[..done.len() + usize::try_from(tear).unwrap()];
            assert_eq!(image.contents()["a"], expected, "call {at}, tear {tear}");
            assert_eq!(image.losses().is_empty(), tear + 1 == fs.tears(at));
        }
    }
    let drawn = |seed| fs.image(2, &Crash::new(CrashKind::GlobalPrefix, seed)).contents()["a"].len();
    assert_eq!((0..200).map(drawn).collect::<std::collections::BTreeSet<_>>(), (5..=11).collect());
    let untorn = fs.image(2, &Crash::new(CrashKind::ProcessKill, 0));
    assert_eq!(untorn.contents()["a"], b"first");
    let torn = fs.image(2, &Crash::new(CrashKind::ProcessKill, 0).tear(3));
    assert_eq!(torn.contents()["a"], b"firstsec");
}

#[test]
fn one_seed_has_its_own_luck_at_each_call() {
    let fs = SimFs::new();
    let file = fs.create("a").unwrap();
    for _ in 0..20 {
        file.append(&[1; 100]).unwrap();
    }
    let tear = |at| fs.image(at, &Crash::new(CrashKind::GlobalPrefix, 5)).contents()["a"].len() % 100;
    assert!((1..=20).map(tear).collect::<std::collections::BTreeSet<_>>().len() > 10);
}

#[test]
fn a_global_prefix_is_the_state_of_the_world_at_that_call() {
    let steps: [fn(&SimFs); 6] = [
        |fs| drop(fs.create("a").unwrap()),
        |fs| fs.open("a").unwrap().append(b"x").unwrap(),
        |fs| fs.rename("a", "b").unwrap(),
        |fs| fs.open("b").unwrap().truncate(0).unwrap(),
        |fs| fs.open("b").unwrap().reserve(7).unwrap(),
        |fs| fs.remove("b").unwrap(),
    ];
    let fs = SimFs::new();
    let mut states = vec![fs.contents()];
    for step in steps {
        step(&fs);
        states.push(fs.contents());
    }
    let crash = Crash::new(CrashKind::GlobalPrefix, 0).tear(0);
    for at in (0..states.len()).chain((0..states.len()).rev()) {
        assert_eq!(fs.image(at as u64, &crash).contents(), states[at], "call {at}");
    }
}

#[test]
fn a_name_operation_in_flight_may_be_done_or_not() {
    let fs = SimFs::new();
    drop(fs.create("a").unwrap());
    let images: Vec<bool> = (0..50)
        .map(|seed| fs.image(0, &Crash::new(CrashKind::Names, seed)).contents().contains_key("a"))
        .collect();
    assert!(images.contains(&true) && images.contains(&false));
}

#[test]
fn an_image_can_crash_again_and_again() {
    let fs = busy();
    let mut crashed = 0;
    for at in 0..=fs.calls() {
        let first = fs.image(at, &Crash::new(CrashKind::Pages, at));
        let recovery = first.create("recovered").unwrap();
        recovery.append(b"again").unwrap();
        first.sync_dir().unwrap();
        for at in 0..=first.calls() {
            let second = first.image(at, &Crash::new(CrashKind::FilePrefix, at));
            for (name, bytes) in &second.contents() {
                assert!(
                    name == "recovered" || first.contents()[name] == *bytes,
                    "what survived once is durable"
                );
            }
            let third = second.image(second.calls(), &Crash::new(CrashKind::Junk, at));
            assert_eq!(third.contents(), second.contents());
            crashed += 1;
        }
    }
    assert_eq!(crashed, (fs.calls() + 1) * 4);
}

#[test]
fn the_same_seed_gives_the_same_image() {
    let (one, two) = (busy(), busy());
    let mut different = 0;
    for kind in CrashKind::ALL {
        for profile in [Profile::Strict, Profile::Lenient, Profile::Hard] {
            for at in 0..=one.calls() {
                let crash = Crash::new(kind, at * 31 + 5).profile(profile);
                // The other world is asked in another order: images leave no trace in it.
                let _ = two.image(two.calls() - at, &Crash::new(kind, 1));
                let (a, b) = (one.image(at, &crash), two.image(at, &crash));
                assert_eq!(a.contents(), b.contents());
                assert_eq!(a.losses(), b.losses());
                let other = one.image(at, &Crash { seed: crash.seed + 1, ..crash });
                different += usize::from(other.contents() != a.contents());
            }
        }
    }
    assert!(different > 50, "seeds make a difference: {different}");
}

#[test]
fn the_live_run_goes_on_undisturbed() {
    let fs = SimFs::new();
    let file = fs.create("a").unwrap();
    file.append(b"one").unwrap();
    let (before, calls) = (fs.contents(), fs.all_calls());
    let image = fs.image(1, &Crash::new(CrashKind::Names, 9));
    image.create("foreign").unwrap();
    if let Ok(file) = image.open("a") {
        file.append(b"other").unwrap();
    }
    assert_eq!((fs.contents(), fs.all_calls()), (before, calls));
    file.append(b"two").unwrap();
    assert_eq!(fs.contents()["a"], b"onetwo");
}

#[test]
fn what_is_durable_survives_every_crash() {
    let fs = busy();
    let at = fs.history().iter().rposition(|call| call.op() == Op::SyncDir).unwrap() as u64 + 1;
    for kind in CrashKind::ALL {
        for seed in 0..200 {
            let image = fs.image(at, &Crash::new(kind, seed)).contents();
            assert_eq!(image["000002.log"], [9; 5000], "{kind:?} {seed}");
            assert!(!image.contains_key("000002.tmp"));
            if let Some(log) = image.get("000001.log") {
                assert_eq!(&log[..6], b"header");
            }
        }
    }
}

#[test]
fn calls_and_losses_can_be_read() {
    let fs = SimFs::new();
    let file = fs.create("000001.log").unwrap();
    file.append(&[1; 64]).unwrap();
    fs.inject(Fault::new(Errno::Enospc).on(Op::Append).suffix(".log").effect(Effect::Partial(12)));
    file.append(&[2; 128]).unwrap_err();
    file.reserve(10).unwrap();
    fs.rename("000001.log", "b").unwrap();
    assert!(fs.remove("c").is_err());
    fs.sync_dir().unwrap();
    assert_eq!(
        fs.story(),
        [
            "#0 create 000001.log",
            "#1 append 000001.log 64 bytes at 0",
            "#2 append 000001.log 128 bytes at 64: failed with ENOSPC: no space left, 12 bytes written",
            "#3 reserve 000001.log 10 bytes at 64",
            "#4 rename 000001.log to b",
            "#5 remove c: failed with ENOENT: no such file",
            "#6 sync_dir",
        ]
    );
    assert_eq!(fs.tears(2), 13, "of a failed append, what it wrote can be torn");
    let image = fs.image(2, &Crash::new(CrashKind::GlobalPrefix, 0).tear(5));
    let losses: Vec<String> = image.losses().iter().map(ToString::to_string).collect();
    assert_eq!(losses, ["000001.log: 5 of 12 bytes in flight landed"]);
    let image = fs.image(4, &Crash::new(CrashKind::Names, 0).names(1));
    assert_eq!(image.losses()[0].to_string(), "not landed: rename 000001.log to b");
}

#[test]
fn forgetting_the_history_changes_no_state() {
    let fs = busy();
    let before = fs.contents();
    let crash = Crash::new(CrashKind::Names, 4);
    let _ = fs.image(3, &crash);
    fs.forget();
    assert_eq!((fs.calls(), fs.contents()), (0, before.clone()));
    drop(["4", "5", "6", "7", "8"].map(|name| fs.create(name).unwrap()));
    let later = fs.image(4, &Crash::new(CrashKind::GlobalPrefix, 0)).contents();
    assert_eq!(later.len(), before.len() + 4, "no replay begins in the old history");
    let names: Vec<bool> = (0..50)
        .map(|seed| fs.image(0, &Crash { seed, ..crash }).contents().contains_key("000001.log"))
        .collect();
    assert!(names.contains(&true) && names.contains(&false), "what is pending stays pending");
    assert_eq!(fs.image(0, &Crash::new(CrashKind::GlobalPrefix, 0)).contents(), before);
}
