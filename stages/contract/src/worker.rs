//! A thread that does an engine's background work.
//!
//! Engines do not start threads: whoever opens a store decides whether its upkeep runs beside it, as in the shell and
//! in the benchmark, or is called step by step, as in every test that must repeat itself exactly.
//!
//! **Invariants** The thread ends when the store is closed; dropping the worker closes it.
#![expect(clippy::disallowed_methods, reason = "this file owns the background thread")]

use crate::Engine;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// A thread that [attends](Engine::attend) to a store until it is closed.
pub struct Worker {
    engine: Arc<dyn Engine>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread.
    pub fn start(engine: &Arc<dyn Engine>) -> Self {
        let attended = Arc::clone(engine);
        let thread = thread::spawn(move || attended.attend());
        Self { engine: Arc::clone(engine), thread: Some(thread) }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Who wants to hear how the close went has closed before: then this one does nothing.
        let _ = self.engine.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed by then, and is not repeated in a drop.
            let _ = thread.join();
        }
    }
}
