//! A world in which somebody else acts before a call that a test names: what is a race elsewhere is a choice here.

use harness::faults::hooked::Hooks;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use vfs::sim::Op as Call;

/// What takes longer does not happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Lets another thread act before the call of a number, and waits until it is done.
pub(crate) struct Meddler {
    state: Mutex<State>,
    /// Which calls count, by their kind and their file.
    counts: fn(Call, &str) -> bool,
}

struct State {
    /// How many calls are still let through; `None` while nobody is to act.
    left: Option<u64>,
    /// Gone once nobody will act any more.
    act: Option<Sender<()>>,
    acted: Receiver<()>,
}

impl Meddler {
    /// The meddler, and what the acting thread waits for and answers with.
    pub(crate) fn new() -> (Self, Receiver<()>, Sender<()>) {
        Self::among(|_, _| true)
    }

    /// The same for one who acts before certain calls only.
    pub(crate) fn among(counts: fn(Call, &str) -> bool) -> (Self, Receiver<()>, Sender<()>) {
        let ((act, wanted), (done, acted)) = (channel(), channel());
        (Self { state: Mutex::new(State { left: None, act: Some(act), acted }), counts }, wanted, done)
    }

    /// Acts before the call `number` from now on, counted from 0.
    pub(crate) fn arm(&self, number: u64) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).left = Some(number);
    }

    /// Ends it for good. True if it has come to act.
    pub(crate) fn disarm(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.act = None;
        state.left.take().is_none()
    }
}

impl Hooks for Meddler {
    fn before(&self, call: Call, name: &str) -> io::Result<()> {
        if call == Call::Open || !(self.counts)(call, name) {
            // While a file is opened, others wait that open or close one: a moment, and no deadlock but here.
            return Ok(());
        }
        // Who acts makes calls too: then the lock is held, and they are let through.
        let Ok(mut state) = self.state.try_lock() else { return Ok(()) };
        match (state.left, &state.act) {
            (Some(0), Some(act)) => {
                act.send(()).unwrap();
                let acted = state.acted.recv_timeout(PATIENCE);
                assert!(acted.is_ok(), "a write waits for upkeep");
                state.left = None;
            }
            (Some(left), _) => state.left = left.checked_sub(1),
            (None, _) => {}
        }
        Ok(())
    }
}
