//! The moments that scans hold on to.
//!
//! **Invariants** A pin is taken in the turn, at the number of the last write that was applied; so no pin is ever taken
//! in the past, and the newest one alone decides whether the memtable must keep what a write replaces.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The numbers of the writes that scans stand behind, and how many scans stand behind each.
#[derive(Debug, Default)]
pub(crate) struct Pins(Mutex<BTreeMap<u64, usize>>);

/// Holds on to a moment until it is dropped.
#[derive(Debug)]
pub(crate) struct Pin {
    pins: Arc<Pins>,
    seq: u64,
}

// ANCHOR: pins
impl Pins {
    /// Holds on to what the store is after the write `seq`, the last one so far.
    pub(crate) fn take(self: &Arc<Self>, seq: u64) -> Pin {
        *self.held().entry(seq).or_default() += 1;
        Pin { pins: Arc::clone(self), seq }
    }

    /// The newest moment that anybody holds on to.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.held().last_key_value().map(|(seq, _)| *seq)
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<u64, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
// ANCHOR_END: pins

impl Pin {
    /// The number of the last write that counts.
    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }
}

// ANCHOR: unpin
impl Drop for Pin {
    fn drop(&mut self) {
        let mut held = self.pins.held();
        if let Some(count) = held.get_mut(&self.seq) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.seq);
            }
        }
    }
}
// ANCHOR_END: unpin

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{SPECS, Settings};
    use crate::recover;
    use contract::{Engine, KeyRange, Options};
    use std::thread;
    use vfs::MemFs;

    #[test]
    fn the_newest_moment_is_held_until_all_have_let_go_of_it() {
        let pins = Arc::new(Pins::default());
        let [first, newest, second] = [3, 7, 3].map(|seq| pins.take(seq));
        assert_eq!(pins.newest(), Some(7));
        drop(newest);
        assert_eq!(pins.newest(), Some(3));
        drop(first);
        assert_eq!(pins.newest(), Some(second.seq()));
        drop(second);
        assert_eq!(pins.newest(), None);
    }

    /// Nobody applies anything between the look at the last write and the pin.
    #[test]
    fn a_moment_is_taken_in_the_turn() {
        let settings = Settings::new(&Options::new(&SPECS)).unwrap();
        let store = recover::open(Arc::new(MemFs::new()), settings).unwrap().0;
        thread::scope(|scope| {
            let held = store.pins.held();
            let state = store.state.load_full();
            let owners = Arc::strong_count(&state);
            let scan = scope.spawn(|| store.scan(KeyRange::all()).map(drop));
            while Arc::strong_count(&state) == owners {
                thread::yield_now();
            }
            // It has seen the state, and waits for the pins.
            let has_the_turn = store.turn.try_lock().is_err();
            drop(held);
            scan.join().unwrap().unwrap();
            assert!(has_the_turn);
        });
    }
}
