//! Tables against an ordered map, in every way in which they can be written and read.

use crate::cache::BlockCache;
use crate::source::Source;
use crate::table::{Table, TableBuilder, TableOptions, TableReading, hash};
use contract::Result;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use vfs::{MemFs, Vfs};

pub(super) type Model = BTreeMap<Vec<u8>, Option<Vec<u8>>>;
pub(super) type Pair = (Vec<u8>, Option<Vec<u8>>);

pub(super) const NUMBER: u64 = 7;

/// Every way to write a table, with blocks so small that a few entries fill several.
pub(super) fn writings() -> [TableOptions; 4] {
    let small = TableOptions { block_bytes: 100, ..TableOptions::default() };
    [
        small,
        TableOptions { compress: true, ..small },
        TableOptions { filter_bits: 0, fingerprints: false, ..small },
        TableOptions { compress: true, fingerprints: false, block_bytes: 1, filter_bits: 12 },
    ]
}

/// Every way to read one.
pub(super) fn readings() -> [Arc<TableReading>; 4] {
    let cache = |bytes| Some(Arc::new(BlockCache::new(bytes)));
    let reading = |mapped, cache| Arc::new(TableReading { cache, mapped, ..TableReading::default() });
    [reading(false, None), reading(false, cache(1 << 20)), reading(true, cache(1_000)), reading(true, None)]
}

/// The bytes of table `number` of these entries.
pub(super) fn built(model: &Model, number: u64, options: &TableOptions) -> Vec<u8> {
    let vfs = MemFs::new();
    let mut builder = TableBuilder::new(vfs.create("t").unwrap(), "t".into(), number, options);
    for (key, value) in model {
        builder.push(key, value.as_deref()).unwrap();
    }
    let built = builder.finish().unwrap();
    let bytes = vfs.contents().remove("t").unwrap();
    let tombstones = model.values().filter(|value| value.is_none()).count();
    assert_eq!((built.entries, built.tombstones), (model.len() as u64, tombstones as u64));
    assert_eq!(built.bytes, bytes.len() as u64);
    assert_eq!(built.last_checksum.to_le_bytes(), bytes[bytes.len() - 4..]);
    bytes
}

pub(super) fn opened(bytes: &[u8], reading: &Arc<TableReading>) -> Result<Arc<Table>> {
    let vfs = MemFs::new();
    vfs.plant("t", bytes.to_vec());
    Table::open(vfs.open("t").unwrap(), "t".into(), NUMBER, reading).map(Arc::new)
}

/// Everything from `start` on.
pub(super) fn walked(table: &Arc<Table>, start: Bound<&[u8]>, fill_cache: bool) -> Result<Vec<Pair>> {
    let mut source = table.source(start, fill_cache)?;
    let mut found = Vec::new();
    while let Some(key) = source.key() {
        found.push((key.to_vec(), source.value().map(<[u8]>::to_vec)));
        source.advance()?;
    }
    Ok(found)
}

/// Compares a table with what was put in, for these keys.
pub(super) fn compare<'k>(table: &Arc<Table>, model: &Model, keys: impl Iterator<Item = &'k [u8]>) {
    for key in keys {
        let (hash, expected) = (hash(key), model.get(key));
        assert_eq!(table.get(key, hash).unwrap(), expected.cloned());
        assert_eq!(table.contains(key, hash).unwrap(), expected.map(Option::is_some));
        assert_eq!(table.explain(key, hash).unwrap().found, expected.cloned());
        for start in [Bound::Included(key), Bound::Excluded(key)] {
            let found = walked(table, start, key.len().is_multiple_of(2)).unwrap();
            let range = model.range::<[u8], _>((start, Bound::Unbounded));
            assert!(
                found.into_iter().eq(range.map(|(key, value)| (key.clone(), value.clone()))),
                "{start:?}"
            );
        }
    }
    let all = walked(table, Bound::Unbounded, true).unwrap();
    assert!(all.into_iter().eq(model.clone()));
    let ends = [table.smallest(), table.largest()].map(<[u8]>::to_vec);
    let expected =
        [model.keys().next(), model.keys().next_back()].map(|key| key.cloned().unwrap_or_default());
    assert_eq!(ends, expected);
    let tombstones = model.values().filter(|value| value.is_none()).count() as u64;
    assert_eq!((table.entries(), table.tombstones()), (model.len() as u64, tombstones));
    let report = table.verify().unwrap();
    assert_eq!((report.damage, report.entries, report.bytes_read), (vec![], table.entries(), table.bytes()));
}

/// Keys with much in common, and some with nothing: few bytes, and long stretches of one byte.
fn keys() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(0), Just(1), Just(b'a'), Just(0xff)];
    let short = vec(byte, 0..6);
    (0..4_usize, short).prop_map(|(prefix, rest)| [vec![b'p'; prefix * 9], rest].concat())
}

proptest! {
    #[test]
    fn a_table_is_an_ordered_map(
        model in btree_map(keys(), proptest::option::weighted(0.8, vec(any::<u8>(), 0..50)), 0..60),
        absent in vec(keys(), 0..20),
    ) {
        for options in writings() {
            let bytes = built(&model, NUMBER, &options);
            for reading in readings() {
                let table = opened(&bytes, &reading).unwrap();
                compare(&table, &model, model.keys().chain(&absent).map(Vec::as_slice));
            }
        }
    }
}

#[test]
fn entries_that_do_not_ascend_are_refused() {
    for (first, second) in [("b", "a"), ("a", "a"), ("a", ""), ("", "")] {
        let file = MemFs::new().create("t").unwrap();
        let mut builder = TableBuilder::new(file, "t".into(), NUMBER, &TableOptions::default());
        builder.push(first.as_bytes(), None).unwrap();
        assert!(builder.push(second.as_bytes(), Some(b"v")).unwrap_err().is_corrupt());
    }
}

#[test]
fn what_was_read_is_counted() {
    let model: Model = (0..1_000).map(|i| (format!("{i:06}0").into_bytes(), Some(vec![1; 50]))).collect();
    let bytes = built(&model, NUMBER, &TableOptions::default());
    let [_, cached, ..] = readings();
    let table = opened(&bytes, &cached).unwrap();
    let counts = &cached.counts;
    let opening = counts.bytes_read.sum();
    assert_eq!(opening, table.footer.filter_bytes + table.footer.index_bytes + 80);
    let explained = |key: &[u8]| table.explain(key, hash(key)).unwrap();
    let first = explained(b"0000010");
    assert!(first.looks[1].what.contains("from the file: the value"), "{:?}", first.looks);
    assert_eq!(counts.bytes_read.sum() - opening, first.bytes_read);
    let second = explained(b"0000010");
    assert!(second.looks[1].what.contains("from the cache") && second.bytes_read == 0, "{:?}", second.looks);
    // The second time it was asked where it would come from, and then for it.
    assert_eq!((counts.cache_hits.sum(), counts.cache_misses.sum(), counts.blocks_read.sum()), (1, 1, 1));
    let denied = (0..1_000).filter(|i| {
        let key = format!("{i:06}1").into_bytes();
        table.get(&key, hash(&key)).unwrap();
        explained(&key).looks.len() == 1
    });
    let denied = denied.count() as u64;
    assert_eq!((counts.filter_negatives.sum(), denied > 970), (denied, true));
    // Those that the filter let pass were asked twice, but for the last, which is beyond the range.
    let passed = 2 * (1_000 - denied);
    assert!((passed.saturating_sub(2)..=passed).contains(&counts.filter_false_positives.sum()));
}
