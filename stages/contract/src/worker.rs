//! The threads that do an engine's background work.
//!
//! Engines do not start threads: whoever opens a store decides whether its upkeep runs beside it, as in the shell and
//! in the benchmark, or is called step by step, as in every test that must repeat itself exactly.
//!
//! **Invariants** The threads end when the store is closed; dropping the worker closes it.
#![expect(clippy::disallowed_methods, reason = "this file owns the background threads")]

use crate::Engine;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// As many threads as an engine [asks for](Engine::attendants), which [attend](Engine::attend) to a store until it is
/// closed.
pub struct Worker {
    engine: Arc<dyn Engine>,
    threads: Vec<JoinHandle<()>>,
}

impl Worker {
    /// Starts the threads.
    pub fn start(engine: &Arc<dyn Engine>) -> Self {
        let attend = |_| {
            let attended = Arc::clone(engine);
            thread::spawn(move || attended.attend())
        };
        Self { engine: Arc::clone(engine), threads: (0..engine.attendants()).map(attend).collect() }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Who wants to hear how the close went has closed before: then this one does nothing.
        let _ = self.engine.close();
        for thread in self.threads.drain(..) {
            // A panic of the thread has been printed by then, and is not repeated in a drop.
            let _ = thread.join();
        }
    }
}
