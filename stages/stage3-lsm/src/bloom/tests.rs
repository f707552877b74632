//! What was put in is found, what was not is mostly denied, and the format stands still.
#![expect(clippy::cast_precision_loss, reason = "what tests count is small")]

use super::*;

fn filled(keys: u64, bits: u32) -> Filter {
    let mut filter = Filter::new(keys, bits);
    (0..keys).for_each(|i| filter.insert(hash(&i.to_le_bytes())));
    filter
}

/// Of absent keys, the share that passes.
fn passing(filter: &Filter, keys: u64) -> f64 {
    let asked = 200_000;
    let passed = (keys..keys + asked).filter(|i| filter.may_contain(hash(&i.to_le_bytes()))).count();
    passed as f64 / asked as f64
}

#[test]
fn no_key_is_denied() {
    for keys in [1, 2, 51, 52, 1_000, 20_000] {
        for bits in [1, 2, 5, 8, 10, 12, 20, 64] {
            let filter = filled(keys, bits);
            let again = Filter::decode(&filter.encode(), filter.probes()).unwrap();
            assert_eq!(again.encode().len() as u64, filter_bytes(keys, bits));
            for i in 0..keys {
                let hash = hash(&i.to_le_bytes());
                assert!(filter.may_contain(hash) && again.may_contain(hash), "{i} of {keys}, {bits} bits");
            }
        }
    }
}

// ANCHOR: few_pass
#[test]
fn of_absent_keys_few_pass() {
    for keys in [1_000, 50_000, 500_000] {
        for (bits, most) in [(5, 0.12), (8, 0.035), (10, 0.02), (12, 0.01), (16, 0.003)] {
            let share = passing(&filled(keys, bits), keys);
            assert!(share <= most, "{share} of absent keys pass with {bits} bits, {keys} keys");
        }
    }
}
// ANCHOR_END: few_pass

#[test]
fn without_bits_there_is_no_filter_and_every_key_may_be_there() {
    let mut filter = Filter::new(1_000, 0);
    filter.insert(7);
    assert!(filter.may_contain(7) && filter.may_contain(8));
    assert_eq!((filter.encode().len(), filter.probes(), filter.bytes()), (0, 0, 0));
    assert!(Filter::decode(&[], 0).unwrap().may_contain(9));
    assert!(Filter::new(0, 10).may_contain(7), "a table of nothing has no line to ask");
}

#[test]
fn what_no_filter_can_be_is_refused() {
    assert!(Filter::decode(&[0; 63], 6).is_err());
    assert!(Filter::decode(&[0; 65], 6).is_err());
    assert!(Filter::decode(&[0; 64], 0).is_err());
    assert!(Filter::decode(&[0; 64], 17).is_err());
    assert!(Filter::decode(&[], 6).is_err());
}

// ANCHOR: for_ever
/// Files outlive this code: the hash, the choice of lines and of bits are never changed without a new format.
#[test]
fn the_bits_are_the_same_for_ever() {
    assert_eq!(hash(b""), 0x2d06_8005_38d3_94c2, "XXH3 of nothing, as its specification says");
    let mut filter = Filter::new(100, 10);
    for key in ["", "a", "key", "a longer key, of more than sixteen bytes"] {
        filter.insert(hash(key.as_bytes()));
    }
    let bytes = filter.encode();
    assert_eq!((bytes.len(), stage1::frame::checksum(&bytes)), (128, 467_934_580));
}
// ANCHOR_END: for_ever
