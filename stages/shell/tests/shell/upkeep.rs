//! The thread that does a store's background work, and what becomes of the store at the end.

use crate::run_on;
use crate::stages::plain;
use contract::{Engine, Error, RecoveryReport, Result, Stage, oracle};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// The oracle with upkeep: its thread waits until the store is closed.
#[derive(Default)]
struct Attended {
    oracle: oracle::Oracle,
    closed: Mutex<bool>,
    closing: Condvar,
    steps_left: AtomicU64,
}

static ATTENDING: AtomicU64 = AtomicU64::new(0);
static ATTENDED: AtomicU64 = AtomicU64::new(0);
static CLOSED: AtomicU64 = AtomicU64::new(0);
/// The tests that count share these counters.
static ALONE: Mutex<()> = Mutex::new(());

impl Engine for Attended {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.oracle.get(key)
    }
    fn write(&self, batch: &contract::Batch) -> Result<()> {
        self.oracle.write(batch)
    }
    fn scan(&self, range: contract::KeyRange<'_>) -> Result<contract::Scan> {
        self.oracle.scan(range)
    }
    fn sync(&self) -> Result<()> {
        Ok(())
    }
    fn step(&self) -> Result<bool> {
        Ok(self
            .steps_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok())
    }
    fn attend(&self) {
        ATTENDING.fetch_add(1, Ordering::SeqCst);
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        while !*closed {
            closed = self.closing.wait(closed).unwrap_or_else(PoisonError::into_inner);
        }
        ATTENDED.fetch_add(1, Ordering::SeqCst);
    }
    fn close(&self) -> Result<()> {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        self.closing.notify_all();
        if std::mem::replace(&mut *closed, true) {
            return Ok(());
        }
        CLOSED.fetch_add(1, Ordering::SeqCst);
        Err(Error::corrupt("a.log", 7, "as a test"))
    }
}

static CLOSING: Stage = Stage {
    open: |_, _| {
        let engine = Attended { steps_left: AtomicU64::new(2), ..Attended::default() };
        Ok((Arc::new(engine), RecoveryReport::default()))
    },
    tour: &[contract::TourStep { say: "Work.", run: &["step", "step", "step"] }],
    ..plain()
};

#[test]
fn what_is_open_is_attended_to_and_closed() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for script in ["put a 1", "nonsense after\nput", "get a\nquit"] {
        let before = [&ATTENDING, &ATTENDED, &CLOSED].map(|count| count.load(Ordering::SeqCst));
        let ran = run_on(&CLOSING, &["--keep-going"], format!("put a 1\n{script}"));
        assert_eq!(ran.status, 3);
        assert!(ran.err.contains("a.log is damaged at offset 7"), "{}", ran.err);
        let after = [&ATTENDING, &ATTENDED, &CLOSED].map(|count| count.load(Ordering::SeqCst));
        assert_eq!(after, before.map(|count| count + 1), "attended to, and nobody attends any more");
    }
}

#[test]
fn background_work_is_done_by_hand_on_request_and_in_the_tour() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = ATTENDING.load(Ordering::SeqCst);
    let ran = run_on(&CLOSING, &["--by-hand"], "step\nstep --json\nSTEP\nstep --json");
    let expected =
        "one unit of work was done\n{\"worked\":true}\nthere was nothing to do\n{\"worked\":false}\n";
    assert_eq!(String::from_utf8_lossy(&ran.out), expected);
    let ran = run_on(&CLOSING, &["--by-hand", "tour"], "");
    assert_eq!(String::from_utf8_lossy(&ran.out).matches("one unit of work was done").count(), 2);
    assert_eq!(ATTENDING.load(Ordering::SeqCst), before);
}
