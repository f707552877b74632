//! The scenes: a few threads, each with a few calls, that get into each other's way.
//!
//! **Invariants** A scene ends in any schedule, and has joined its threads by then.
//!
//! **Cost** A schedule is some hundreds to some thousands of steps: the shorter, the more of all possible ones are tried.

use crate::lab::{Lab, done, open_or_closed};
use contract::{Stage, Worker};
use shuttle::thread::{JoinHandle, spawn};
use std::sync::Arc;

/// A scene.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    /// What happens in it.
    pub(crate) what: &'static str,
    pub(crate) play: fn(&'static Stage),
}

/// All scenes.
pub(crate) const SCENES: [Scene; 8] = [
    Scene { name: "group", what: "three writers wait for one device", play: group },
    Scene { name: "beside", what: "gets and scans beside a writer, flush and merge", play: beside },
    Scene { name: "sync", what: "sync, and another durability, beside a writer", play: sync },
    Scene { name: "hold", what: "two scans hold on to files that a compaction replaces", play: hold },
    Scene { name: "close", what: "a close between writes, reads and upkeep", play: close },
    Scene { name: "compact", what: "two compactions at once, beside a writer", play: compact },
    Scene { name: "absent", what: "three want to be the first to write a key", play: absent },
    Scene { name: "attend", what: "upkeep by two writers, while threads come for it", play: attend },
];

/// Starts a thread of the scene.
fn go(lab: &Arc<Lab>, act: impl FnOnce(&Lab) + Send + 'static) -> JoinHandle<()> {
    let lab = Arc::clone(lab);
    spawn(move || act(&lab))
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    }
}

fn group(stage: &'static Stage) {
    let lab = Lab::new(stage, "every-write");
    let writer = |key: usize| {
        go(&lab, move |lab| {
            for _ in 0..2 {
                done(lab.put(key));
                lab.get(key);
            }
        })
    };
    let threads = [writer(2), writer(3), go(&lab, |lab| done(lab.put_pair()))];
    lab.get(2);
    join(threads);
    lab.end();
}

fn beside(stage: &'static Stage) {
    let lab = Lab::new(stage, "on-request");
    let worker = Worker::start(&lab.engine);
    let writer = go(&lab, |lab| (0..6).for_each(|_| done(lab.put_pair())));
    let reader = go(&lab, |lab| {
        for _ in 0..2 {
            lab.get(1);
            lab.scan().into_iter().for_each(crate::lab::Moment::judge);
        }
    });
    join([writer, reader]);
    drop(worker);
    lab.end();
}

fn sync(stage: &'static Stage) {
    let lab = Lab::new(stage, "every-write");
    let writer = go(&lab, |lab| {
        for _ in 0..3 {
            done(lab.put_pair());
            lab.get(0);
        }
    });
    let other = go(&lab, |lab| {
        done(lab.engine.sync());
        done(lab.engine.set_option("sync", "on-request"));
        done(lab.put(2));
        done(lab.engine.sync());
        done(lab.engine.set_option("sync", "every-write"));
        lab.get(2);
    });
    lab.scan().into_iter().for_each(crate::lab::Moment::judge);
    join([writer, other]);
    lab.end();
}

fn hold(stage: &'static Stage) {
    let lab = Lab::new(stage, "on-request");
    (0..2).for_each(|_| done(lab.put_pair()));
    let reader = |lab: &Lab| {
        let moment = lab.scan();
        done(lab.engine.step());
        moment.into_iter().for_each(crate::lab::Moment::judge);
    };
    let first = go(&lab, reader);
    let second = go(&lab, reader);
    let writer = go(&lab, |lab| {
        (0..3).for_each(|_| done(lab.put_pair()));
        done(lab.engine.compact());
    });
    join([first, second, writer]);
    lab.end();
}

// ANCHOR: close
fn close(stage: &'static Stage) {
    let lab = Lab::new(stage, "every-write");
    let worker = Worker::start(&lab.engine);
    let writer = |key: usize| {
        go(&lab, move |lab| {
            for _ in 0..5 {
                if open_or_closed(lab.put(key)).is_none() {
                    return;
                }
            }
        })
    };
    let reader = go(&lab, |lab| {
        lab.get(2);
        lab.scan().into_iter().for_each(crate::lab::Moment::judge);
        lab.get(3);
    });
    let threads = [writer(2), writer(3), reader];
    done(lab.engine.close());
    join(threads);
    drop(worker);
    lab.end();
}
// ANCHOR_END: close

fn compact(stage: &'static Stage) {
    let lab = Lab::new(stage, "on-request");
    let writer = go(&lab, |lab| (0..4).for_each(|_| done(lab.put_pair())));
    let compacting = || go(&lab, |lab| done(lab.engine.compact()));
    let threads = [writer, compacting(), compacting()];
    lab.get(0);
    lab.scan().into_iter().for_each(crate::lab::Moment::judge);
    join(threads);
    lab.end();
}

fn absent(stage: &'static Stage) {
    let lab = Lab::new(stage, "every-write");
    let first = |value: &'static str| {
        let engine = Arc::clone(&lab.engine);
        spawn(move || done(engine.put_if_absent(b"first", value.as_bytes())))
    };
    let threads = [("a", first("a")), ("b", first("b")), ("c", first("c"))];
    let won = threads.map(|(value, thread)| {
        let won = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        won.then_some(value)
    });
    let won: Vec<_> = won.into_iter().flatten().collect();
    let there = done(lab.engine.get(b"first"));
    assert_eq!(won.len(), 1, "{won:?} were told that they were the first");
    assert_eq!(there.as_deref(), won.first().map(|value| value.as_bytes()), "another one's value is there");
    done(lab.engine.delete(b"first"));
    lab.end();
}

// ANCHOR: attend
fn attend(stage: &'static Stage) {
    let lab = Lab::new(stage, "on-request");
    let first = go(&lab, |lab| (0..4).for_each(|_| done(lab.put_pair())));
    let second = go(&lab, |lab| (0..6).for_each(|_| done(lab.put(2))));
    let worker = Worker::start(&lab.engine);
    join([first, second]);
    drop(worker);
    lab.end();
}
// ANCHOR_END: attend
