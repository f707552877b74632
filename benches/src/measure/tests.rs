//! A wrong engine makes every measurement fail that could have noticed.

use super::*;
use crate::beside;
use crate::engines::Subject;
use crate::workload::{Asked, Workload};
use crate::ycsb::{self, Model};
use contract::{Cursor, Durability, PairCursor, Scan};
use std::sync::Arc;
use vfs::MemFs;

const EFFORT: Effort = Effort {
    sizes: Sizes { n: 500, value_bytes: 20, seed: 3 },
    limit_seconds: 0.05,
    rounds: 1,
    asked: Asked::NOTHING,
};

/// What an engine gets wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lie {
    /// Nothing.
    Honest,
    /// The value of every key in its upper half is another one.
    Stale,
    /// Keys in the upper half are gone for a get, and for a scan.
    Lost,
    /// A key that was never written has a value.
    Ghost,
    /// Deletes do nothing.
    Undead,
}

struct Liar {
    store: Store,
    lie: Lie,
}

impl Liar {
    /// A loaded store that lies from now on.
    fn loaded(lie: Lie) -> Self {
        let subject = Subject::named("oracle").expect("the oracle");
        let store = Store::open(&subject, Arc::new(MemFs::new()), Durability::OnRequest).expect("a store");
        store.load(&store::all(EFFORT.sizes), 0).expect("a load");
        Self { store, lie }
    }

    /// The value as this engine tells it.
    fn told(&self, key: &[u8], value: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let upper = key > b"0000000000000500".as_slice();
        match self.lie {
            Lie::Stale if upper => value.map(|_| b"stale".to_vec()),
            Lie::Lost if upper => None,
            Lie::Ghost => value.or_else(|| Some(b"boo".to_vec())),
            _ => value,
        }
    }
}

impl Engine for Liar {
    fn get(&self, key: &[u8]) -> contract::Result<Option<Vec<u8>>> {
        Ok(self.told(key, self.store.get(key)?))
    }

    fn write(&self, batch: &Batch) -> contract::Result<()> {
        self.store.write(batch)
    }

    fn delete(&self, key: &[u8]) -> contract::Result<()> {
        if self.lie == Lie::Undead { Ok(()) } else { self.store.delete(key) }
    }

    fn scan(&self, range: KeyRange<'_>) -> contract::Result<Scan> {
        let mut pairs = Vec::new();
        let mut cursor: Box<dyn Cursor> = self.store.scan(range)?.into_cursor();
        while let Some(key) = cursor.key().map(<[u8]>::to_vec) {
            let value = cursor.value()?.to_vec();
            pairs.extend(self.told(&key, Some(value)).map(|value| (key, value)));
            cursor.advance()?;
        }
        Ok(Scan::new(PairCursor::new(pairs)))
    }

    fn sync(&self) -> contract::Result<()> {
        Ok(())
    }
}

/// What a measurement makes of an engine: nothing, or why it failed.
type Measurement = fn(&Liar) -> Result<()>;

fn entries_of(name: &str) -> Result<Entries> {
    Workload::named(name)?.entries(EFFORT.sizes)
}

fn deleted(liar: &Liar) -> Result<()> {
    delete(liar, &entries_of("deleterandom")?, &EFFORT).map(drop)
}

fn beside_a_writer(liar: &Liar) -> Result<()> {
    beside::reader_beside(liar, Workload::named("rww")?, false, &EFFORT).map(drop)
}

fn ycsb_a(liar: &Liar) -> Result<()> {
    Model::loaded(EFFORT.sizes).plan(&ycsb::A, 2000).run(liar, EFFORT.sizes.n, EFFORT.limit()).map(drop)
}

fn ycsb_e(liar: &Liar) -> Result<()> {
    Model::loaded(EFFORT.sizes).plan(&ycsb::E, 200).run(liar, EFFORT.sizes.n, EFFORT.limit()).map(drop)
}

#[test]
fn every_lie_is_found_by_every_measurement_that_could() {
    use Lie::{Ghost, Lost, Stale, Undead};
    let measurements: [(&str, Measurement, &[Lie]); 9] = [
        (
            "readrandom",
            |liar| get_present(liar, &entries_of("readrandom")?, &EFFORT).map(drop),
            &[Stale, Lost],
        ),
        ("readmissing", |liar| get_absent(liar, &entries_of("readmissing")?, &EFFORT).map(drop), &[Ghost]),
        ("readrandom2t", |liar| beside::two_readers(liar, &EFFORT).map(drop), &[Stale, Lost]),
        ("readseq", |liar| scan(liar, &EFFORT).map(drop), &[Stale, Lost]),
        ("seekrandom50", |liar| seek(liar, &entries_of("seekrandom50")?, &EFFORT).map(drop), &[Stale, Lost]),
        ("deleterandom", deleted, &[Undead, Ghost]),
        ("rww", beside_a_writer, &[Stale, Lost]),
        ("ycsb-a", ycsb_a, &[Stale, Lost]),
        ("ycsb-e", ycsb_e, &[Stale, Lost]),
    ];
    for (name, measure, lies) in measurements {
        let honest = measure(&Liar::loaded(Lie::Honest));
        assert!(honest.is_ok(), "{name} finds fault with an honest engine: {honest:?}");
        for &lie in lies {
            assert!(measure(&Liar::loaded(lie)).is_err(), "{name} does not notice that an engine is {lie:?}");
        }
    }
}

#[test]
fn a_store_holds_what_was_written_of_a_phase_that_time_ended() -> Result<()> {
    let liar = Liar::loaded(Lie::Honest);
    let sizes = EFFORT.sizes;
    let entries = entries_of("overwrite")?;
    let (_, done) = put(&liar, &entries.part(0, 123), 1, &EFFORT)?;
    assert_eq!(done, 123);
    check::holds_exactly(&liar, &Entries::partly_rewritten(sizes, 123), 1)?;
    assert!(check::holds_exactly(&liar, &Entries::partly_rewritten(sizes, 122), 1).is_err());
    let (_, gone) = delete(&liar, &entries_of("deleterandom")?.part(0, 45), &EFFORT)?;
    let left = |from| Entries::partly_rewritten(sizes, 123).part(from, sizes.n);
    check::holds_exactly(&liar, &left(gone), 1)?;
    assert!(check::holds_exactly(&liar, &left(gone + 1), 1).is_err());
    Ok(())
}
