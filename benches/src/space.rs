//! What a store occupies and what it writes, for each byte that a caller wrote: seen from outside, by counting the
//! bytes that pass into its world and the blocks of its files.

use crate::cell::Spec;
use crate::engines::Subject;
use crate::entries::{Entries, Order};
use crate::report::{Sample, Unit};
use crate::store::{self, Store};
use anyhow::Result;
use contract::{Durability, Engine, Error};
use std::path::Path;
use std::sync::Arc;
use vfs::{Counting, OsFs};

/// Fills, overwrites everything once, compacts; looks after each step.
pub fn run(subject: &Subject, spec: &Spec) -> Result<Vec<Sample>> {
    let sizes = spec.effort.sizes;
    let world = Arc::new(Counting::new(Arc::new(OsFs::create(&spec.dir)?)));
    let store = Store::open(subject, world.clone(), Durability::OnRequest)?;
    let has_hints = subject.stage.options.iter().any(|option| option.name == "hints");
    let mut samples = Vec::new();
    let mut written_before = 0;
    let mut look = |step: &str, user_bytes: u64| -> Result<()> {
        let written = world.counts().appended_bytes;
        let times = |part: String, bytes: u64| Sample::new(&part, share(bytes, user_bytes), Unit::Times);
        samples.push(times(format!("written by {step}"), written - written_before));
        let (hints, others) = occupied_bytes(&spec.dir)?;
        samples.push(times(format!("on disk after {step}"), hints + others));
        if has_hints {
            samples.push(times(format!("on disk after {step}, without hints"), others));
        }
        written_before = written;
        Ok(())
    };
    let first = store::all(sizes);
    put_each(&*store, &first)?;
    look("fillrandom", first.bytes())?;
    let second = Entries::new(sizes, Order::Shuffled(1), sizes.n);
    put_each(&*store, &second)?;
    look("overwrite", second.bytes())?;
    match store.compact() {
        Ok(()) => look("compact", second.bytes())?,
        Err(Error::Unsupported { .. }) => {}
        Err(e) => return Err(e.into()),
    }
    crate::check::holds_exactly(&*store, &second, sizes.seed)?;
    store.close()?;
    Ok(samples)
}

pub(crate) fn put_each(engine: &dyn Engine, entries: &Entries) -> Result<()> {
    for i in 0..entries.len() {
        engine.put(entries.key(i), entries.value(i))?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of byte counts needs no 53 bits")]
pub(crate) fn share(bytes: u64, user_bytes: u64) -> f64 {
    bytes as f64 / user_bytes.max(1) as f64
}

/// Bytes that the files under a directory occupy on their device: hint files, and all others.
#[expect(clippy::disallowed_methods, reason = "looks at a store from outside")]
pub(crate) fn occupied_bytes(dir: &Path) -> Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let (mut hints, mut others) = (0, 0);
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let is_hint = entry.path().extension().is_some_and(|extension| extension == "hint");
        match entry.metadata() {
            Ok(found) if found.is_dir() => {
                let inside = occupied_bytes(&entry.path())?;
                (hints, others) = (hints + inside.0, others + inside.1);
            }
            Ok(found) if is_hint => hints += found.blocks() * 512,
            Ok(found) => others += found.blocks() * 512,
            // Background work removed it in between.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok((hints, others))
}
