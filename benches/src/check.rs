//! A fast wrong answer is no result: what a store holds is compared with what was written.

use crate::entries::{Entries, Random};
use crate::timing;
use anyhow::{Context, Result, bail, ensure};
use contract::{Engine, Error, KeyRange};
use std::ops::Bound;
use std::time::Duration;

const SAMPLED_GETS: u64 = 1000;
/// Where there are no scans to compare everything by.
const SAMPLED_GETS_ALONE: u64 = 100_000;
/// Where a get reads the whole log, fewer gets have to do.
const SAMPLING_LIMIT: Duration = Duration::from_millis(500);

/// Fails unless the store holds exactly these entries, of which no key comes twice: by a full scan that compares
/// every pair, and by gets of a sample. A store without scans is compared by more gets.
pub fn holds_exactly(engine: &dyn Engine, entries: &Entries, seed: u64) -> Result<()> {
    let sampled = match scan_holds_exactly(engine, entries) {
        Err(e) if is_unsupported(&e).is_some() => SAMPLED_GETS_ALONE,
        whole => whole.context("a full scan after the load is wrong").map(|()| SAMPLED_GETS)?,
    };
    if entries.is_empty() {
        return Ok(());
    }
    let mut random = Random::new(seed);
    timing::repeat(SAMPLING_LIMIT, sampled.min(entries.len()), |_| {
        let i = random.below(entries.len());
        got(entries, i, engine.get(entries.key(i))?.as_deref())
    })
    .context("a get after the load is wrong")?;
    Ok(())
}

/// What an engine says that it cannot do, if that is why this failed.
pub fn is_unsupported(error: &anyhow::Error) -> Option<&'static str> {
    error.chain().find_map(|cause| match cause.downcast_ref() {
        Some(Error::Unsupported { what }) => Some(*what),
        _ => None,
    })
}

/// Fails unless a get of entry `i` answered with its value.
pub fn got(entries: &Entries, i: u64, answer: Option<&[u8]>) -> Result<()> {
    if answer == Some(entries.value(i)) {
        return Ok(());
    }
    let what = if answer.is_some() { "another value" } else { "no value" };
    bail!("get «{}» gave {what}", String::from_utf8_lossy(entries.key(i)));
}

/// Fails unless a get of this key found nothing.
pub fn absent(engine: &dyn Engine, key: &[u8]) -> Result<()> {
    ensure!(engine.get(key)?.is_none(), "«{}» has a value", shown(key));
    Ok(())
}

/// Walks up to `pairs` pairs from entry `i` on, of which at least `present` are there. Fails unless the first is that
/// entry and keys ascend.
pub fn walked(engine: &dyn Engine, entries: &Entries, i: u64, pairs: u64, present: u64) -> Result<()> {
    let from = entries.key(i);
    let mut cursor = engine.scan(KeyRange::new(Bound::Included(from), Bound::Unbounded))?.into_cursor();
    ensure!(cursor.key() == Some(from), "a walk does not begin with «{}»", shown(from));
    got(entries, i, Some(cursor.value()?))?;
    let mut last = [0; 16];
    let mut walked = 0;
    while walked < pairs {
        let Some(key) = cursor.key().map(beginning) else { break };
        ensure!(walked == 0 || key > last, "«{}» comes behind «{}»", shown(&key), shown(&last));
        last = key;
        std::hint::black_box(cursor.value()?);
        cursor.advance()?;
        walked += 1;
    }
    ensure!(walked >= pairs.min(present), "a walk from «{}» ends after {walked} pairs", shown(from));
    Ok(())
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
    use crate::engines::Subject;
    use crate::entries::Sizes;
    use crate::store::{self, Store};
    use contract::{Batch, Durability, Scan};
    use std::sync::Arc;
    use vfs::MemFs;

    fn hundred() -> Entries {
        store::all(Sizes { n: 100, value_bytes: 8, seed: 1 })
    }

    fn empty() -> Result<Store> {
        Ok(Store::open(&Subject::named("oracle")?, Arc::new(MemFs::new()), Durability::OnRequest)?)
    }

    fn loaded(entries: &Entries) -> Result<Store> {
        let store = empty()?;
        store.load(entries, 0)?;
        Ok(store)
    }

    type Wrong = fn(&dyn Engine, &[u8]) -> contract::Result<()>;

    #[test]
    fn each_kind_of_wrong_content_is_found() -> Result<()> {
        let entries = hundred();
        let wrongs: [(Wrong, &str); 3] = [
            (|engine, key| engine.delete(key), "it ends before"),
            (|engine, key| engine.put(key, b"stale"), "another value at"),
            (|engine, _| engine.put(b"9", b""), "it goes on after the last key"),
        ];
        for (make_wrong, expected) in wrongs {
            let engine = loaded(&entries)?;
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
        let entries = hundred();
        assert!(got(&entries, 3, Some(entries.value(3))).is_ok());
        assert!(got(&entries, 3, Some(entries.value(4))).is_err());
        assert!(got(&entries, 3, None).is_err());
    }

    /// An engine that puts and gets, and nothing else.
    struct Bare(Store);

    impl Engine for Bare {
        fn get(&self, key: &[u8]) -> contract::Result<Option<Vec<u8>>> {
            self.0.get(key)
        }
        fn write(&self, batch: &Batch) -> contract::Result<()> {
            if batch.len() > 1 { Err(Error::Unsupported { what: "batches" }) } else { self.0.write(batch) }
        }
        fn scan(&self, _: KeyRange<'_>) -> contract::Result<Scan> {
            Err(Error::Unsupported { what: "scans" })
        }
        fn sync(&self) -> contract::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn without_batches_and_scans_gets_find_what_is_wrong() -> Result<()> {
        let entries = hundred();
        let engine = Bare(empty()?);
        store::load(&engine, &entries, 0, 30)?;
        holds_exactly(&engine, &entries, 1)?;
        // Every key, since each is drawn only with some luck.
        for i in 0..entries.len() {
            engine.put(entries.key(i), b"stale")?;
        }
        let refused = holds_exactly(&engine, &entries, 1).expect_err("the content is wrong");
        assert!(format!("{refused:#}").contains("another value"), "{refused:#}");
        assert_eq!(is_unsupported(&engine.scan(KeyRange::all()).err().unwrap().into()), Some("scans"));
        Ok(())
    }

    #[test]
    fn a_walk_that_begins_elsewhere_or_ends_early_is_found() -> Result<()> {
        let entries = hundred();
        let engine = loaded(&entries)?;
        let at = |number: &[u8]| (0..100).find(|&i| entries.key(i) == number).context("a key");
        let near_end = at(b"0000000000000190")?;
        walked(&*engine, &entries, near_end, 50, 5)?;
        let early = walked(&*engine, &entries, near_end, 50, 6).expect_err("five are there");
        assert!(early.to_string().contains("ends after 5 pairs"), "{early}");
        engine.delete(b"0000000000000190")?;
        let elsewhere = walked(&*engine, &entries, near_end, 50, 4).expect_err("it is gone");
        assert!(elsewhere.to_string().contains("does not begin"), "{elsewhere}");
        Ok(())
    }
}
