//! Stage 1 by its own contract, where the space is small enough to try everything: every length that a crash can
//! leave, every bit that can flip. The harness judges it together with the other engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use contract::{Batch, Engine, Error, RecoveryReport, Result};
use std::collections::BTreeMap;
use std::sync::Arc;
use vfs::{MemFs, Vfs};

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn open_with(fs: &MemFs, settings: &[(&str, &str)]) -> Result<(Arc<dyn Engine>, RecoveryReport)> {
    let mut options = stage1::STAGE.default_options();
    options.set("chunk-bytes", "64")?;
    for (name, value) in settings {
        options.set(name, value)?;
    }
    (stage1::STAGE.open)(Arc::new(fs.clone()) as Arc<dyn Vfs>, &options)
}

fn open(fs: &MemFs) -> Result<(Arc<dyn Engine>, RecoveryReport)> {
    open_with(fs, &[])
}

fn pairs(engine: &dyn Engine) -> Pairs {
    engine.scan(contract::KeyRange::all()).unwrap().map(Result::unwrap).collect()
}

/// The files as a power failure leaves them that cuts the only log to `len` bytes.
fn cut(files: &BTreeMap<String, Vec<u8>>, len: usize) -> MemFs {
    let fs = MemFs::new();
    for (name, bytes) in files {
        fs.plant(name, bytes[..len.min(bytes.len())].to_vec());
    }
    fs
}

#[test]
fn what_was_put_is_there_after_reopening() -> Result<()> {
    let fs = MemFs::new();
    let (store, report) = open(&fs)?;
    assert!(report.created);
    store.put(b"a", b"1")?;
    store.put(b"b", b"2")?;
    store.put(b"a", b"3")?;
    store.delete(b"b")?;
    store.put(b"", b"")?;
    for oldest_first in [false, true] {
        store.set_option("direction", if oldest_first { "oldest-first" } else { "newest-first" })?;
        assert_eq!(store.get(b"a")?, Some(b"3".to_vec()));
        assert_eq!(store.get(b"b")?, None);
        assert_eq!(store.get(b"")?, Some(Vec::new()));
        assert_eq!(store.get(b"c")?, None);
    }
    store.close()?;
    assert!(matches!(store.get(b"a"), Err(Error::Closed)));
    let (store, report) = open(&fs)?;
    assert!(report.clean && report.entries == 5, "{report:?}");
    assert_eq!(pairs(&*store), [(vec![], vec![]), (b"a".to_vec(), b"3".to_vec())]);
    Ok(())
}

#[test]
fn every_length_that_a_crash_leaves_opens_with_a_prefix_of_batches() -> Result<()> {
    let fs = MemFs::new();
    let (store, _) = open(&fs)?;
    let mut states = vec![(64, pairs(&*store))];
    let len = |fs: &MemFs| fs.contents()["000001.log"].len();
    for i in 0..6_u8 {
        match i % 3 {
            0 => store.put(&[i], &[i; 40])?,
            1 => store.write(Batch::new().put(&[i], b"x").put(&[i + 1], b"y").delete(&[i - 1]))?,
            _ => store.delete(&[i])?,
        }
        states.push((len(&fs), pairs(&*store)));
    }
    let files = fs.contents();
    for at in 64..=len(&fs) {
        let image = cut(&files, at);
        let (store, report) = open(&image).unwrap();
        let (end, expected) = states.iter().rev().find(|(end, _)| *end <= at).unwrap();
        assert_eq!(pairs(&*store), *expected, "cut at {at}");
        let dropped = report.cut.map_or(0, |cut| usize::try_from(cut.bytes).unwrap());
        let trailing_zeros = files["000001.log"][*end..at].iter().rev().take_while(|&&b| b == 0).count();
        assert_eq!(dropped, at - end - trailing_zeros, "cut at {at}");
        assert!(image.contents().keys().all(|name| name == "000002.log"), "{:?}", image.contents().keys());
        // What was cut off must not stand in the way of what comes next.
        store.put(b"next", b"1")?;
        drop(store);
        assert_eq!(open(&image)?.0.get(b"next")?, Some(b"1".to_vec()));
    }
    Ok(())
}

#[test]
fn every_bit_that_flips_after_a_clean_close_is_reported_and_nothing_is_changed() -> Result<()> {
    let fs = MemFs::new();
    let (store, _) = open(&fs)?;
    store.put(b"first", b"1")?;
    store.sync()?;
    store.write(Batch::new().put(b"second", b"2").delete(b"first"))?;
    store.close()?;
    let files = fs.contents();
    for (name, good) in &files {
        for bit in 0..good.len() * 8 {
            let image = cut(&files, usize::MAX);
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            image.plant(name, bad);
            let before = image.contents();
            match open(&image) {
                Err(Error::Corrupt { file, .. }) => assert_eq!(file, *name, "bit {bit}"),
                Err(Error::WrongStore { .. }) => {}
                Err(other) => panic!("{name} bit {bit}: {other}"),
                Ok(_) => panic!("{name} bit {bit}: opened"),
            }
            assert_eq!(image.contents(), before);
            assert!(!(stage1::STAGE.verify)(&image)?.damage.is_empty(), "{name} bit {bit}");
        }
    }
    Ok(())
}

#[test]
fn a_flipped_bit_behind_a_floor_is_damage_and_the_rest_can_be_salvaged() -> Result<()> {
    let fs = MemFs::new();
    let (store, _) = open_with(&fs, &[("sync", "every-write"), ("reserve-bytes", "256")])?;
    for i in 0..4_u8 {
        store.put(&[i], b"value")?;
    }
    let files = fs.contents(); // As the death of the process leaves them.
    let image = cut(&files, usize::MAX);
    let mut bad = files["000001.log"].clone();
    bad[70] ^= 1;
    image.plant("000001.log", bad);
    let error = open(&image).err().unwrap();
    assert!(matches!(&error, Error::Corrupt { offset: 64, .. }), "{error}");
    let target = MemFs::new();
    let (store, _) = open(&target)?;
    let report = (stage1::STAGE.salvage)(&image, &*store)?;
    assert_eq!((report.entries, report.lost.len()), (3, 1), "{report:?}");
    assert_eq!(pairs(&*store).len(), 3);
    Ok(())
}

#[test]
fn compaction_keeps_what_is_live_and_a_scan_keeps_what_it_saw() -> Result<()> {
    let fs = MemFs::new();
    let (store, _) = open(&fs)?;
    for round in 0..10_u8 {
        store.write(Batch::new().put(b"a", &[round]).put(&[round], b"x").delete(&[round.wrapping_sub(1)]))?;
    }
    let before = pairs(&*store);
    let scan = store.scan(contract::KeyRange::all())?;
    let large = store.stats().disk_bytes;
    store.compact()?;
    assert!(store.stats().disk_bytes < large / 3);
    assert_eq!(pairs(&*store), before);
    store.put(b"later", b"1")?;
    store.delete(b"a")?;
    assert_eq!(scan.map(Result::unwrap).collect::<Pairs>(), before);
    store.close()?;
    let (store, report) = open(&fs)?;
    assert!(report.clean);
    assert_eq!(store.get(b"a")?, None);
    assert_eq!(fs.contents().keys().collect::<Vec<_>>(), ["000002.log", "CLEAN"]);
    Ok(())
}

#[test]
fn a_large_value_is_skipped_unread_and_found_again() -> Result<()> {
    let fs = MemFs::new();
    let (store, _) = open(&fs)?;
    store.put(b"small", b"1")?;
    store.put(b"large", &vec![7; 100_000])?;
    store.put(b"last", b"2")?;
    // Values of every length around a chunk: the walk must skip each, wherever its buffer happens to end.
    for bytes in 30..300 {
        store.put(b"middle", &vec![8; bytes])?;
    }
    let explanation = store.explain(b"small")?;
    assert_eq!(explanation.value, Some(b"1".to_vec()));
    assert!(explanation.bytes_read < 90_000, "{explanation:?}");
    assert_eq!(store.get(b"large")?, Some(vec![7; 100_000]));
    Ok(())
}

#[test]
fn an_old_log_that_nothing_explains_is_refused_and_left_alone() -> Result<()> {
    let fs = MemFs::new();
    let (store, _) = open(&fs)?;
    store.put(b"deleted", b"later")?;
    let old = fs.contents()["000001.log"].clone();
    store.delete(b"deleted")?;
    store.compact()?;
    store.put(b"a", b"1")?;
    store.delete(b"a")?;
    store.compact()?; // 000003.log replaces 000002.log: it says nothing about 000001.log.
    let image = cut(&fs.contents(), usize::MAX);
    image.plant("000001.log", old);
    let before = image.contents();
    assert_eq!(before.keys().collect::<Vec<_>>(), ["000001.log", "000003.log"]);
    let error = open(&image).err().unwrap();
    assert!(matches!(&error, Error::Corrupt { file, .. } if file == "000001.log"), "{error}");
    assert_eq!(image.contents(), before);
    Ok(())
}

#[test]
fn a_floor_states_only_what_was_synced() -> Result<()> {
    let fs = MemFs::new();
    let (store, _) = open(&fs)?;
    store.put(b"a", b"1")?;
    store.sync()?;
    let synced = fs.contents()["000001.log"].len();
    store.put(b"b", b"2")?; // Begins with a floor that states `synced`.
    store.put(b"c", b"3")?; // No sync since: no floor.
    let log = fs.contents()["000001.log"].clone();
    let frame = 12 + 1 + 1;
    assert_eq!(log.len(), synced + 20 + 2 * frame);
    assert_eq!(log[synced + 12..synced + 20], (synced as u64).to_le_bytes());
    Ok(())
}
