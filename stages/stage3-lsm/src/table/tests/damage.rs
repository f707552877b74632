//! Every flipped bit, every missing byte, and good bytes in the wrong place: an error or the right answer, never another.

use super::model::{Model, NUMBER, built, opened, readings, walked, writings};
use crate::table::{describe, hash, salvage, verify};
use contract::{Error, Verdict};
use std::ops::Bound;
use vfs::{File, MemFs, Vfs};

fn model() -> Model {
    let value =
        |i: usize| (!i.is_multiple_of(4)).then(|| format!("value {}", i / 6).into_bytes().repeat(i % 5));
    (0..24).map(|i| (format!("key/{i:03}").into_bytes(), value(i))).collect()
}

fn file(bytes: &[u8]) -> std::sync::Arc<dyn File> {
    let vfs = MemFs::new();
    vfs.plant("t", bytes.to_vec());
    vfs.open("t").unwrap()
}

/// Damage, said with the file's name.
fn is_damage(error: &Error) -> bool {
    error.is_corrupt() && error.to_string().starts_with("t is damaged")
}

/// Whatever became of `bytes`: every answer is the right one or an error, gets and scans agree, and everybody who looks
/// at all of the file sees that it is damaged.
fn judge(bytes: &[u8], model: &Model, turn: usize) {
    let report = verify(&*file(bytes), "t", NUMBER).unwrap();
    assert!(!report.damage.is_empty(), "verify sees nothing");
    let (mut end, mut bad) = (0, 0);
    let go_on = describe(&*file(bytes), "t", NUMBER, &mut |field| {
        assert_eq!(field.offset, end, "{}", field.name);
        end += field.len;
        bad += usize::from(matches!(field.verdict, Verdict::Bad(_)));
        true
    });
    assert!(go_on.unwrap() && end == bytes.len() as u64, "{end} of {} bytes shown", bytes.len());
    assert!(bad > 0, "no field is bad");
    let mut saved = 0;
    let lost = salvage(&*file(bytes), "t", NUMBER, &mut |entry| {
        assert_eq!(model.get(entry.key).map(Option::as_deref), Some(entry.value));
        saved += 1;
        Ok(())
    });
    assert!(saved == model.len() || !lost.unwrap().is_empty());
    let table = match opened(bytes, &readings()[turn % 4]) {
        Ok(table) => table,
        Err(error) => return assert!(is_damage(&error), "{error}"),
    };
    let mut failed = 0;
    for (key, value) in model {
        match table.get(key, hash(key)) {
            Ok(found) => assert_eq!(found.as_ref(), Some(value)),
            Err(error) => {
                assert!(is_damage(&error) && table.contains(key, hash(key)).is_err(), "{error}");
                failed += 1;
            }
        }
    }
    match walked(&table, Bound::Unbounded, true) {
        Ok(found) => assert!(failed == 0 && found.into_iter().eq(model.clone())),
        Err(error) => assert!(failed > 0 && is_damage(&error), "{error}"),
    }
    assert_eq!(saved + failed, model.len(), "what gets find and what is saved");
}

// ANCHOR: flipped
#[test]
fn no_flipped_bit_is_believed() {
    for options in writings() {
        let (model, good) = (model(), built(&model(), NUMBER, &options));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            judge(&bad, &model, bit);
        }
    }
}
// ANCHOR_END: flipped

#[test]
fn no_missing_and_no_added_byte_is_believed() {
    for options in writings() {
        let (model, good) = (model(), built(&model(), NUMBER, &options));
        for len in 0..good.len() {
            assert!(opened(&good[..len], &readings()[len % 4]).is_err_and(|error| is_damage(&error)));
            judge(&good[..len], &model, len);
            // The end of the file is there, but something is missing or added before it.
            assert!(opened(&good[len + 1..], &readings()[len % 4]).is_err_and(|error| is_damage(&error)));
        }
        for more in [vec![0], vec![0; 4096], good.clone()] {
            judge(&[&good[..], &more].concat(), &model, 0);
            judge(&[&more[..], &good].concat(), &model, 0);
        }
    }
}

#[test]
fn a_good_block_in_another_place_is_no_block() {
    // All blocks are equally long, so that everything but their places fits.
    let model: Model = (0..40).map(|i| (format!("{i:04}").into_bytes(), Some(vec![i; 20]))).collect();
    for options in [writings()[0], writings()[2]] {
        let good = built(&model, NUMBER, &options);
        let table = opened(&good, &readings()[0]).unwrap();
        let len = usize::try_from(table.index.block(0).unwrap().bytes).unwrap();
        for (a, b) in (0..5).flat_map(|a| (a + 1..6).map(move |b| (a * len, b * len))) {
            let mut bad = good.clone();
            bad.copy_within(b..b + len, a);
            bad[b..b + len].copy_from_slice(&good[a..a + len]);
            judge(&bad, &model, a);
            bad[b..b + len].copy_from_slice(&good[b..b + len]);
            judge(&bad, &model, b);
        }
    }
}

#[test]
fn a_table_under_another_name_is_not_believed() {
    for options in writings() {
        let (ours, other) = (built(&model(), NUMBER, &options), built(&model(), NUMBER + 1, &options));
        assert!(ours != other && ours.len() == other.len());
        let error = opened(&other, &readings()[0]).err().unwrap();
        assert!(is_damage(&error) && error.to_string().contains("table 8"), "{error}");
        assert!(!verify(&*file(&other), "t", NUMBER).unwrap().damage.is_empty());
        // Part of one file, part of the other: as if a sector had gone astray.
        for cut in (1..ours.len()).step_by(7) {
            judge(&[&ours[..cut], &other[cut..]].concat(), &model(), cut);
            if other[..cut] != ours[..cut] {
                judge(&[&other[..cut], &ours[cut..]].concat(), &model(), cut);
            }
        }
    }
}

#[test]
fn without_footer_and_index_every_block_can_still_be_saved() {
    for options in writings() {
        let (model, good) = (model(), built(&model(), NUMBER, &options));
        let footer = opened(&good, &readings()[0]).unwrap().footer;
        let data_end = usize::try_from(footer.data_bytes).unwrap();
        for bytes in [&good[..data_end], &[&good[..data_end], &[0; 500][..]].concat()] {
            let mut saved = Model::new();
            let lost = salvage(&*file(bytes), "t", NUMBER, &mut |entry| {
                saved.insert(entry.key.to_vec(), entry.value.map(<[u8]>::to_vec));
                Ok(())
            });
            assert_eq!(saved, model);
            assert_eq!(lost.unwrap().len(), 1, "that the footer is missing, and nothing else");
        }
    }
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let mut bytes = built(&model(), NUMBER, &writings()[0]);
    let at = bytes.len() - 80;
    bytes[at + 8] = 2;
    let place = stage1::frame::Place { file: NUMBER, offset: at as u64 };
    let sum = place.mix(stage1::frame::checksum(&bytes[at..at + 76]));
    bytes[at + 76..].copy_from_slice(&sum.to_le_bytes());
    let error = opened(&bytes, &readings()[0]).err().unwrap();
    assert!(matches!(&error, Error::WrongStore { what, .. } if what.contains("format 2")), "{error}");
}

#[test]
fn a_scan_that_failed_goes_on_failing() {
    use crate::source::Source;
    let (model, mut bytes) = (model(), built(&model(), NUMBER, &writings()[0]));
    let table = opened(&bytes, &readings()[0]).unwrap();
    let third = table.index.block(2).unwrap();
    bytes[usize::try_from(third.offset).unwrap() + 20] ^= 1;
    for reading in readings() {
        let table = opened(&bytes, &reading).unwrap();
        let mut source = table.source(Bound::Unbounded, true).unwrap();
        let error = std::iter::repeat_with(|| source.advance()).find_map(Result::err).unwrap();
        let Error::Corrupt { offset, .. } = error else { panic!("{error}") };
        assert_eq!(offset, third.offset);
        for _ in 0..3 {
            assert!(source.key().is_none() && is_damage(&source.advance().unwrap_err()));
        }
        assert!(table.source(Bound::Included(table.index.separator(2)), true).is_err());
        let behind = walked(&table, Bound::Included(table.largest()), true).unwrap();
        assert!(behind.into_iter().eq(model.clone().split_off(table.largest())));
    }
}
