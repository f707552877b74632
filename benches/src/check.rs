//! A fast wrong answer is no result: what a store holds is compared with what was written.

use crate::entries::{Entries, Random};
use crate::timing;
use anyhow::{Context, Result, bail, ensure};
use contract::{Engine, KeyRange};
use std::time::Duration;

const SAMPLED_GETS: u64 = 1000;
/// Where a get reads the whole log, fewer gets have to do.
const SAMPLING_LIMIT: Duration = Duration::from_millis(500);

/// Fails unless the store holds exactly these entries, of which no key comes twice: by a full scan that compares
/// every pair, and by gets of a sample.
pub fn holds_exactly(engine: &dyn Engine, entries: &Entries, seed: u64) -> Result<()> {
    scan_holds_exactly(engine, entries).context("a full scan after the load is wrong")?;
    let mut random = Random::new(seed);
    timing::repeat(SAMPLING_LIMIT, SAMPLED_GETS.min(entries.len()), |_| {
        let i = random.below(entries.len());
        got(entries, i, engine.get(entries.key(i))?.as_deref())
    })
    .context("a get after the load is wrong")?;
    Ok(())
}

/// Fails unless a get of entry `i` answered with its value.
pub fn got(entries: &Entries, i: u64, answer: Option<&[u8]>) -> Result<()> {
    if answer == Some(entries.value(i)) {
        return Ok(());
    }
    let what = if answer.is_some() { "another value" } else { "no value" };
    bail!("get «{}» gave {what}", String::from_utf8_lossy(entries.key(i)));
}

fn scan_holds_exactly(engine: &dyn Engine, entries: &Entries) -> Result<()> {
    // The first bytes of the key beside its number, so that sorting a million keys need not fetch each of them often.
    let mut order: Vec<([u8; 16], u64)> =
        (0..entries.len()).map(|i| (beginning(entries.key(i)), i)).collect();
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| entries.key(a.1).cmp(entries.key(b.1))));
    let mut cursor = engine.scan(KeyRange::all())?.into_cursor();
    for (_, i) in order {
        let Some(key) = cursor.key() else { bail!("it ends before «{}»", shown(entries.key(i))) };
        ensure!(key == entries.key(i), "it has «{}» where «{}» comes", shown(key), shown(entries.key(i)));
        ensure!(cursor.value()? == entries.value(i), "another value at «{}»", shown(entries.key(i)));
        cursor.advance()?;
    }
    match cursor.key() {
        Some(key) => bail!("it goes on after the last key with «{}»", shown(key)),
        None => Ok(()),
    }
}

/// The first bytes of a key, zeros after a shorter one: never out of order, though two keys may begin alike.
fn beginning(key: &[u8]) -> [u8; 16] {
    let mut first = [0; 16];
    let len = key.len().min(16);
    first[..len].copy_from_slice(&key[..len]);
    first
}

fn shown(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell;
    use crate::entries::Sizes;
    use contract::Durability;
    use std::sync::Arc;
    use vfs::MemFs;

    type Wrong = fn(&dyn Engine, &[u8]) -> contract::Result<()>;

    #[test]
    fn each_kind_of_wrong_content_is_found() -> Result<()> {
        let entries = cell::all(Sizes { n: 100, value_bytes: 8, seed: 1 });
        let wrongs: [(Wrong, &str); 3] = [
            (|engine, key| engine.delete(key), "it ends before"),
            (|engine, key| engine.put(key, b"stale"), "another value at"),
            (|engine, _| engine.put(b"9", b""), "it goes on after the last key"),
        ];
        for (make_wrong, expected) in wrongs {
            let engine = cell::open(&contract::oracle::STAGE, Arc::new(MemFs::new()), Durability::OnRequest)?;
            cell::load(&*engine, &entries, 0)?;
            holds_exactly(&*engine, &entries, 1)?;
            let last = (0..entries.len()).max_by_key(|&i| entries.key(i)).context("there are entries")?;
            make_wrong(&*engine, entries.key(last))?;
            let refused = holds_exactly(&*engine, &entries, 1).expect_err("the content is wrong");
            assert!(format!("{refused:#}").contains(expected), "{refused:#}");
        }
        Ok(())
    }

    #[test]
    fn a_get_is_compared_with_what_was_written() {
        let entries = cell::all(Sizes { n: 10, value_bytes: 8, seed: 1 });
        assert!(got(&entries, 3, Some(entries.value(3))).is_ok());
        assert!(got(&entries, 3, Some(entries.value(4))).is_err());
        assert!(got(&entries, 3, None).is_err());
    }
}
