//! How long something took: for `stats` to tell, and for nothing else.
//!
//! **Invariants** No decision and no byte in a file depends on what is measured here. Where there is no clock, as in
//! WebAssembly, everything took no time.
#![expect(clippy::disallowed_methods, reason = "this file owns the clock, and only measures")]

use std::time::Duration;
#[cfg(not(target_family = "wasm"))]
use std::time::Instant;

/// A moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Since {
    #[cfg(not(target_family = "wasm"))]
    then: Instant,
}

impl Since {
    /// This moment.
    pub(crate) fn now() -> Self {
        Self {
            #[cfg(not(target_family = "wasm"))]
            then: Instant::now(),
        }
    }

    /// How long ago it was.
    pub(crate) fn elapsed(self) -> Duration {
        #[cfg(not(target_family = "wasm"))]
        return self.then.elapsed();
        #[cfg(target_family = "wasm")]
        Duration::ZERO
    }
}
