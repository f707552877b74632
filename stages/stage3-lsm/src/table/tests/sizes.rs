//! Keys and values at their limits, and at every width of a length.

use super::model::{Model, NUMBER, built, compare, opened, readings, writings};
use crate::table::{TableBuilder, TableOptions};
use contract::{Error, MAX_KEY_BYTES, MAX_VALUE_BYTES};
use vfs::{MemFs, Vfs};

#[test]
fn every_width_of_a_length_comes_back() {
    let sizes = [0, 1, 126, 127, 128, 129, 255, 256, 4_000, 4_096, 16_383, 16_384, 65_535, 65_536];
    let keys = sizes.map(|size| vec![b'k'; size]);
    let values = sizes.into_iter().chain([65_537, 1 << 20]);
    let model: Model = keys.into_iter().zip(values.map(|size| Some(vec![b'v'; size]))).collect();
    let odd: Model =
        model.iter().map(|(key, value)| (key.clone(), value.clone().filter(|v| v.len() % 2 > 0))).collect();
    for model in [model, odd] {
        for options in writings().into_iter().chain([TableOptions::default()]) {
            for block_bytes in [options.block_bytes, 4096, 64 << 10] {
                let bytes = built(&model, NUMBER, &TableOptions { block_bytes, ..options });
                for reading in readings() {
                    let table = opened(&bytes, &reading).unwrap();
                    compare(&table, &model, model.keys().map(Vec::as_slice));
                }
            }
        }
    }
}

#[test]
fn a_block_of_many_tiny_entries_is_whole() {
    let model: Model = (0..30_000_u32).map(|i| (i.to_string().into_bytes(), None)).collect();
    // No block is larger than 64 KiB, whatever is asked for.
    for block_bytes in [64 << 10, 1 << 20] {
        let options = TableOptions { block_bytes, ..TableOptions::default() };
        let table = opened(&built(&model, NUMBER, &options), &readings()[3]).unwrap();
        assert!((2..10).contains(&table.index.len()));
        let some = ["", "0", "10", "15000", "29999", "3", "99999"].map(str::as_bytes);
        compare(&table, &model, some.into_iter());
    }
}

#[test]
fn what_is_over_a_limit_is_refused_before_it_is_written() {
    let file = MemFs::new().create("t").unwrap();
    let mut builder = TableBuilder::new(file, "t".into(), NUMBER, &TableOptions::default());
    let long = vec![0; usize::try_from(MAX_KEY_BYTES).unwrap() + 1];
    assert!(matches!(builder.push(&long, None), Err(Error::TooLarge { what: "key", .. })));
    let large = vec![0; usize::try_from(MAX_VALUE_BYTES).unwrap() + 1];
    assert!(matches!(builder.push(b"k", Some(&large)), Err(Error::TooLarge { what: "value", .. })));
    builder.push(b"k", None).unwrap();
    assert_eq!(builder.finish().unwrap().entries, 1);
}

#[test]
fn what_a_builder_says_of_its_size_is_near_the_truth() {
    let vfs = MemFs::new();
    let file = vfs.create("t").unwrap();
    let mut builder = TableBuilder::new(file, "t".into(), NUMBER, &TableOptions::default());
    for i in 0..20_000 {
        builder.push(format!("{i:08}").as_bytes(), Some(&[7; 40])).unwrap();
    }
    let (said, entries) = (builder.bytes(), builder.entries());
    let built = builder.finish().unwrap();
    assert!(entries == 20_000 && said.abs_diff(built.bytes) < 1_000, "{said} and {}", built.bytes);
}
