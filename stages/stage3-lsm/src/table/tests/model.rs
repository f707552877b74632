//! Tables against an ordered map.

use crate::cache::BlockCache;
use crate::source::Source;
use crate::table::{Table, TableBuilder, TableOptions, TableReading, hash};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use vfs::{MemFs, Vfs};

pub(super) type Model = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

pub(super) type Pair = (Vec<u8>, Option<Vec<u8>>);

pub(super) const NUMBER: u64 = 7;

/// The bytes of a table of these entries.
pub(super) fn built(model: &Model, options: &TableOptions) -> Vec<u8> {
    let vfs = MemFs::new();
    let file = vfs.create("t").unwrap();
    let mut builder = TableBuilder::new(file, "t".into(), NUMBER, options);
    for (key, value) in model {
        builder.push(key, value.as_deref()).unwrap();
    }
    let built = builder.finish().unwrap();
    assert_eq!(built.entries, model.len() as u64);
    let bytes = vfs.contents().remove("t").unwrap();
    assert_eq!(built.bytes, bytes.len() as u64);
    bytes
}

/// Every way to read a table.
pub(super) fn readings() -> [Arc<TableReading>; 3] {
    let cache = |bytes| Some(Arc::new(BlockCache::new(bytes)));
    [
        TableReading::default(),
        TableReading { cache: cache(1 << 20), ..TableReading::default() },
        TableReading { mapped: true, cache: cache(10_000), ..TableReading::default() },
    ]
    .map(Arc::new)
}

pub(super) fn opened(bytes: Vec<u8>, reading: &Arc<TableReading>) -> contract::Result<Arc<Table>> {
    let vfs = MemFs::new();
    vfs.plant("t", bytes);
    Table::open(vfs.open("t").unwrap(), "t".into(), NUMBER, reading).map(Arc::new)
}

pub(super) fn walked(table: &Arc<Table>, start: Bound<&[u8]>) -> contract::Result<Vec<Pair>> {
    let mut source = table.source(start, true)?;
    let mut found = Vec::new();
    while let Some(key) = source.key() {
        found.push((key.to_vec(), source.value().map(<[u8]>::to_vec)));
        source.advance()?;
    }
    Ok(found)
}

#[test]
fn a_thousand_entries_come_back() {
    let model: Model = (0..1_000)
        .map(|i| (format!("{:06}", i * 2).into_bytes(), (i % 5 > 0).then(|| vec![7; i % 300])))
        .collect();
    for compress in [false, true] {
        let bytes = built(&model, &TableOptions { compress, ..TableOptions::default() });
        for reading in readings() {
            let table = opened(bytes.clone(), &reading).unwrap();
            for i in 0..2_001 {
                let key = format!("{i:06}").into_bytes();
                let hash = hash(&key);
                assert_eq!(table.get(&key, hash).unwrap(), model.get(&key).cloned());
                assert_eq!(table.contains(&key, hash).unwrap(), model.get(&key).map(Option::is_some));
                assert_eq!(table.explain(&key, hash).unwrap().found, model.get(&key).cloned());
                let from = walked(&table, Bound::Included(&key)).unwrap();
                assert!(from.into_iter().eq(model.range(key.clone()..).map(|(k, v)| (k.clone(), v.clone()))));
            }
            assert_eq!(table.verify().unwrap().damage, []);
            assert_eq!(table.verify().unwrap().bytes_read, bytes.len() as u64);
        }
    }
}
