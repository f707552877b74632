//! One target under libFuzzer: the one that `STRATA_FUZZ_TARGET` names, or the tables.
//!
//! ```text
//! cargo xtask fuzz --guided table -- -max_total_time=60
//! ```
#![no_main]

use harness::fuzz::{self, Ready};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static READY: LazyLock<Ready> = LazyLock::new(|| {
    let name = std::env::var("STRATA_FUZZ_TARGET").unwrap_or_else(|_| "table".to_owned());
    let target = fuzz::find(&name).unwrap_or_else(|| panic!("there is no target «{name}»"));
    target.ready()
});

fuzz_target!(|input: &[u8]| {
    if let Err(failure) = READY.check(input) {
        panic!("{} breaks {failure}", READY.target.name);
    }
});
