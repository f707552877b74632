//! Tables that no builder writes, though their checksums say that they are good: what each check by itself is for.

use super::forged::Forger;
use super::model::{Model, NUMBER, built, opened, readings, walked};
use crate::table::index::{Index, IndexBuilder};
use crate::table::{Table, TableOptions, hash, salvage, stored};
use bytes::Bytes;
use contract::MAX_KEY_BYTES;
use stage1::frame::{Place, checksum};
use std::ops::Bound;
use std::sync::Arc;
use vfs::{MemFs, Vfs};

/// Three entries a block; between the last key of one block and the first of the next there is room for a separator.
fn model() -> Model {
    let keys = (0..12_u8).map(|i| vec![b'a' + i / 3, b'0' + i % 3 * 3, 0]);
    keys.map(|key| (key, Some(vec![7; 40]))).collect()
}

/// Bytes of an entry here, and where its value's length, its key and its value stand in it.
const ENTRY: usize = 2 + 3 + 40;
const KEY: usize = 2;

/// Verifies the table with one change to its second block, whose payload is given to `change`.
fn verified(fingerprints: bool, filter_bits: u32, change: impl Fn(&mut [u8])) -> String {
    let options = TableOptions { block_bytes: 3 * ENTRY, fingerprints, filter_bits, compress: false };
    let mut forger = Forger::of(&model(), &options);
    let (start, end) = forger.blocks[1];
    change(&mut forger.bytes[start + stored::HEAD_BYTES..end]);
    let table = opened(&forger.sealed(), &readings()[0]).unwrap();
    let damage = table.verify().unwrap().damage;
    assert!(damage.iter().all(|damage| damage.offset == start as u64), "{damage:?}");
    damage.first().map_or_else(String::new, |damage| damage.what.clone())
}

#[test]
fn verify_says_of_each_block_what_is_wrong_with_it() {
    assert_eq!(verified(true, 10, |_| {}), "", "nothing is");
    // The second entry has the first one's key.
    let twice = |block: &mut [u8]| block.copy_within(KEY..KEY + 3, ENTRY + KEY);
    assert_eq!(verified(false, 0, twice), "keys that do not ascend");
    let other = |block: &mut [u8]| block[ENTRY + KEY + 2] = 1;
    assert_eq!(verified(false, 10, other), "a key that the filter denies");
    assert_eq!(verified(true, 0, other), "a fingerprint that is not the key's");
    assert_eq!(verified(false, 0, other), "", "any key that fits in between");
    // Behind the last key of the block before, and not behind its separator.
    let below = |block: &mut [u8]| block[KEY..KEY + 2].copy_from_slice(b"a9");
    assert_eq!(verified(false, 0, below), "a key that the index looks for elsewhere");
    // The second entry starts where the first does.
    let starts = |block: &mut [u8]| block[3 * ENTRY + 2..3 * ENTRY + 4].fill(0);
    assert_eq!(verified(false, 0, starts), "an entry that does not follow the one before it");
    // The last value is a byte shorter than its place.
    let short = |block: &mut [u8]| block[2 * ENTRY + 1] -= 1;
    assert_eq!(verified(false, 0, short), "a block with more in it than its entries");
}

#[test]
fn a_walk_does_not_end_where_an_entry_cannot_be_read() {
    for lengths in [[3, 0x80], [0xff, 0xff]] {
        let options =
            TableOptions { block_bytes: 3 * ENTRY, fingerprints: false, filter_bits: 0, compress: false };
        let mut forger = Forger::of(&model(), &options);
        let start = forger.blocks[1].0 + stored::HEAD_BYTES + ENTRY;
        forger.bytes[start..start + 2].copy_from_slice(&lengths);
        forger.bytes[start + 2..start + 12].fill(0xff);
        let table = opened(&forger.sealed(), &readings()[0]).unwrap();
        assert!(walked(&table, Bound::Unbounded, true).unwrap_err().is_corrupt());
    }
}

/// All of the entry lies in its block, so the limit alone is in the way.
#[test]
fn a_key_over_its_limit_is_damage_though_it_is_there() {
    let options = TableOptions { fingerprints: false, filter_bits: 0, ..TableOptions::default() };
    let model = Model::from([(b"k".to_vec(), Some(vec![7; 70_000]))]);
    let mut forger = Forger::of(&model, &options);
    let start = forger.blocks[0].0 + stored::HEAD_BYTES;
    // A key of one byte and a value of 70,000 become a key of 69,901 and a value of 100: lengths of four bytes both times.
    assert_eq!(forger.bytes[start..start + 4], [1, 0xf1, 0xa2, 0x04]);
    forger.bytes[start..start + 4].copy_from_slice(&[0x8d, 0xa2, 0x04, 101]);
    let table = opened(&forger.sealed(), &readings()[0]).unwrap();
    let error = walked(&table, Bound::Unbounded, true).unwrap_err();
    assert!(error.is_corrupt() && error.to_string().contains("over their limits"), "{error}");
}

/// Parses an index of blocks with these lengths and separators.
fn index(smallest: &[u8], blocks: &[(u64, &[u8])], data_bytes: u64, more: &[u8]) -> bool {
    let mut builder = IndexBuilder::default();
    builder.begin(smallest);
    for (bytes, key) in blocks {
        builder.push(*bytes, key);
    }
    Index::parse([builder.bytes(), more].concat(), builder.blocks(), data_bytes, "t", 0).is_ok()
}

#[test]
fn an_index_that_cannot_be_is_refused() {
    assert!(index(b"a", &[(20, b"b"), (30, b"c")], 50, b""));
    assert!(index(b"b", &[(20, b"b")], 20, b""), "one key");
    assert!(!index(b"b", &[(20, b"a")], 20, b""), "the first separator is below the smallest key");
    assert!(!index(b"a", &[(20, b"c"), (30, b"b")], 50, b""), "separators descend");
    assert!(!index(b"a", &[(20, b"b"), (30, b"b")], 50, b""), "separators repeat");
    assert!(!index(b"a", &[(20, b"b"), (30, b"c")], 51, b""), "bytes that no block has");
    assert!(!index(b"a", &[(20, b"b"), (30, b"c")], 49, b""), "fewer bytes than the blocks have");
    assert!(!index(b"a", &[(20, b"b"), (30, b"c")], 50, b"\0"), "a byte behind the last separator");
    assert!(!index(b"a", &[(5, b"b"), (45, b"c")], 50, b""), "a block without room for its head");
    let long = vec![b'k'; usize::try_from(MAX_KEY_BYTES).unwrap() + 1];
    assert!(index(b"a", &[(20, &long[1..])], 20, b"") && !index(b"a", &[(20, &long)], 20, b""));
    assert!(!index(&long, &[(20, b"z")], 20, b""), "a key that is longer than keys may be");
}

#[test]
fn a_block_that_would_be_too_large_is_neither_compressed_nor_decompressed() {
    let most = 16 << 20;
    for raw_bytes in [most, most + 1] {
        let payload = lz4_flex::block::compress(&vec![0; raw_bytes]);
        let length = u32::try_from(raw_bytes).unwrap().to_le_bytes();
        let stored_bytes = u32::try_from(4 + payload.len()).unwrap().to_le_bytes();
        let body = [&stored_bytes[..], b"blk\x01", &length, &payload].concat();
        let place = Place { file: NUMBER, offset: 0 };
        let block = [&place.mix(checksum(&body)).to_le_bytes()[..], &body].concat();
        let opened = stored::open(&Bytes::from(block), place);
        let expected =
            if raw_bytes > most { Err("a compressed block that is too large") } else { Ok(raw_bytes) };
        assert_eq!(opened.map(|payload| payload.len()), expected);
    }
    let model = Model::from([(b"key".to_vec(), Some(vec![0; most]))]);
    let table = opened(
        &built(&model, NUMBER, &TableOptions { compress: true, ..TableOptions::default() }),
        &readings()[0],
    );
    assert!(table.unwrap().get(b"key", hash(b"key")).unwrap() == model[&b"key"[..]].clone().map(Some));
}

#[test]
fn a_block_that_says_less_than_it_holds_is_damage() {
    let payload = lz4_flex::block::compress(&[7; 1000]);
    for raw_bytes in [999_u32, 1000, 1001] {
        let stored_bytes = u32::try_from(4 + payload.len()).unwrap().to_le_bytes();
        let body = [&stored_bytes[..], b"blk\x01", &raw_bytes.to_le_bytes(), &payload].concat();
        let place = Place { file: NUMBER, offset: 0 };
        let block = [&place.mix(checksum(&body)).to_le_bytes()[..], &body].concat();
        assert_eq!(stored::open(&Bytes::from(block), place).is_ok(), raw_bytes == 1000);
    }
}

#[test]
fn a_good_block_is_found_wherever_it_begins_behind_a_bad_one() {
    const WINDOW: usize = 64 << 10;
    for start in WINDOW - 2 * stored::HEAD_BYTES..=WINDOW + 1 {
        // The first block ends where the second is to start: its entry has 4 bytes of lengths, its payload 4 behind that.
        let value = start - stored::HEAD_BYTES - 1 - 4 - 4;
        let model =
            Model::from([(b"a".to_vec(), Some(vec![7; value])), (b"b".to_vec(), Some(b"saved".to_vec()))]);
        let options = TableOptions { block_bytes: 1, fingerprints: false, filter_bits: 0, compress: false };
        let mut bytes = built(&model, NUMBER, &options);
        let second = opened(&bytes, &readings()[0]).unwrap().index.block(1).unwrap();
        assert_eq!(second.offset, start as u64);
        // Without footer and index, and with the first block's length gone, nothing says where the second one starts.
        bytes.truncate(usize::try_from(second.end()).unwrap());
        bytes[4..8].fill(0xff);
        let (vfs, mut saved) = (MemFs::new(), Vec::new());
        vfs.plant("t", bytes);
        let take = &mut |entry: contract::Entry<'_>| {
            saved.push(entry.value.unwrap_or_default().to_vec());
            Ok(())
        };
        salvage(&*vfs.open("t").unwrap(), "t", NUMBER, take).unwrap();
        assert_eq!(saved, [b"saved"], "{start}");
    }
}

#[test]
fn a_key_outside_of_a_table_costs_no_block() {
    let options = TableOptions { block_bytes: 150, filter_bits: 0, ..TableOptions::default() };
    let reading = &readings()[0];
    let table = opened(&built(&model(), NUMBER, &options), reading).unwrap();
    for key in [&b""[..], b"a", b"a0", b"d6\0\0", b"e"] {
        assert_eq!(table.get(key, hash(key)).unwrap(), None);
    }
    assert_eq!(reading.counts.blocks_read.sum(), 0);
}

#[test]
fn a_table_whose_file_has_become_shorter_says_so() {
    let vfs = MemFs::new();
    vfs.plant("t", built(&model(), NUMBER, &TableOptions::default()));
    let file = vfs.open("t").unwrap();
    let table = Table::open(Arc::clone(&file), "t".into(), NUMBER, &readings()[0]).map(Arc::new).unwrap();
    file.truncate(100).unwrap();
    let error = walked(&table, Bound::Unbounded, true).unwrap_err();
    assert!(error.is_corrupt() && error.to_string().contains("the file ends"), "{error}");
}

/// Without footer and index, heads lead from block to block; one that is damaged leads nowhere.
#[test]
fn salvage_does_not_believe_the_length_of_a_block_that_is_damaged() {
    let options =
        TableOptions { block_bytes: 3 * ENTRY, fingerprints: false, filter_bits: 0, compress: false };
    let forger = Forger::of(&model(), &options);
    let (blocks, mut bytes) = (forger.blocks, forger.bytes);
    bytes.truncate(blocks[3].1);
    // The first block claims the second one's bytes as well.
    let payload = u32::try_from(blocks[1].1 - blocks[0].0 - stored::HEAD_BYTES).unwrap();
    bytes[4..8].copy_from_slice(&payload.to_le_bytes());
    let vfs = MemFs::new();
    vfs.plant("t", bytes);
    let mut found = Vec::new();
    let file = vfs.open("t").unwrap();
    salvage(&*file, "t", NUMBER, &mut |entry| {
        found.push(entry.key.to_vec());
        Ok(())
    })
    .unwrap();
    assert_eq!(found, model().into_keys().skip(3).collect::<Vec<_>>());
}
