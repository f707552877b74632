//! The commands that the benchmark's programs give each other. A person has no use for them.

use crate::cell::{self, Heap, Spec};
use crate::conduct::CELL;
use crate::reopen::{self, FILLER};
use anyhow::{Context, Result, bail};
use std::io::Write;

/// Measures a cell and answers on standard output, or fills a store; `spec` says which, as JSON.
pub fn inner(what: &str, spec: &str, heap: Option<Heap>) -> Result<()> {
    let spec: Spec = serde_json::from_str(spec).context("this command is for the benchmark's own use")?;
    match what {
        CELL => {
            let answers = cell::run(&spec, heap)?;
            let mut out = std::io::stdout().lock();
            serde_json::to_writer(&mut out, &answers)?;
            Ok(out.flush()?)
        }
        FILLER => reopen::fill(&spec),
        _ => bail!("there is no command «{what}»"),
    }
}
