//! What stage 2 does that no other stage does: rolling, merging, hints, and what they leave in the directory. What all
//! stages do is tested in the harness.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]
#![expect(clippy::case_sensitive_file_extension_comparisons, reason = "the store's own names have one case")]

use contract::{Batch, Engine, Error, KeyRange, Options, RecoveryReport};
use stage1::frame::HEAD_BYTES;
use stage1::log::header::HEADER_BYTES;
use stage2::hint;
use stage2::keydir::Location;
use stage2::names::SegmentId;
use std::sync::Arc;
use vfs::{MemFs, Vfs};

fn options(set: &[(&str, &str)]) -> Options {
    set.iter()
        .fold(stage2::STAGE.default_options(), |options, (name, value)| options.with(name, value).unwrap())
}

fn open_with(fs: &MemFs, set: &[(&str, &str)]) -> (Arc<dyn Engine>, RecoveryReport) {
    (stage2::STAGE.open)(Arc::new(fs.clone()), &options(set)).unwrap()
}

fn open(fs: &MemFs, set: &[(&str, &str)]) -> Arc<dyn Engine> {
    open_with(fs, set).0
}

fn names(fs: &MemFs) -> Vec<String> {
    fs.list().unwrap()
}

fn figure(engine: &dyn Engine, name: &str) -> u64 {
    engine.stats().figures.iter().find(|figure| figure.name == name).unwrap().value
}

fn pairs(engine: &dyn Engine) -> Vec<(Vec<u8>, Vec<u8>)> {
    engine.scan(KeyRange::all()).unwrap().map(Result::unwrap).collect()
}

fn step_until_idle(engine: &dyn Engine) {
    while engine.step().unwrap() {}
}

const TINY: (&str, &str) = ("segment-bytes", "128");

#[test]
fn a_full_segment_is_followed_by_the_next_and_every_key_is_found_in_its_own() {
    let fs = MemFs::new();
    let engine = open(&fs, &[TINY]);
    for i in 0..20u8 {
        engine.put(&[i], &[i; 30]).unwrap();
    }
    assert_eq!(names(&fs).len(), 20);
    for i in 0..20u8 {
        assert_eq!(engine.get(&[i]).unwrap(), Some(vec![i; 30]));
    }
    assert_eq!(figure(&*engine, "segments"), 20);
}

#[test]
fn ten_keys_overwritten_for_ever_take_bounded_room() {
    let fs = MemFs::new();
    let engine = open(&fs, &[("segment-bytes", "1000")]);
    let mut most = 0;
    for round in 0..5000u32 {
        let key = [(round % 10) as u8];
        if round % 7 == 0 { engine.delete(&key) } else { engine.put(&key, &round.to_le_bytes()) }.unwrap();
        step_until_idle(&*engine);
        most = most.max(engine.stats().disk_bytes);
    }
    assert!(most < 4000, "{most} bytes for ten keys");
    assert!(figure(&*engine, "merges") > 50);
}

// ANCHOR: tombstone
#[test]
fn a_tombstone_outlives_every_merge_that_leaves_an_older_segment_out() {
    let fs = MemFs::new();
    let engine = open(&fs, &[TINY, ("merge-dead-percent", "1")]);
    engine.put(b"victim", &[1; 40]).unwrap(); // Segment 1, which stays whole: nothing else in it is dead.
    engine.put(b"other", &[2; 40]).unwrap(); // Segment 2.
    engine.delete(b"victim").unwrap(); // Segment 3, with what follows.
    for i in 0..4 {
        engine.put(b"x", &[i; 40]).unwrap();
    }
    drop(engine);
    // Whatever is merged, and however often the store is opened in between, the key stays deleted.
    for _ in 0..4 {
        let engine = open(&fs, &[TINY, ("merge-dead-percent", "1"), ("hints", "off")]);
        assert_eq!(engine.get(b"victim").unwrap(), None);
        engine.step().unwrap();
        assert_eq!(engine.get(b"victim").unwrap(), None);
        assert_eq!(engine.get(b"other").unwrap(), Some(vec![2; 40]));
    }
}
// ANCHOR_END: tombstone

#[test]
fn compaction_leaves_one_run_and_goes_on_doing_so() {
    let fs = MemFs::new();
    let engine = open(&fs, &[TINY]);
    for i in 0..30u8 {
        engine.put(&[i % 3], &[i; 30]).unwrap();
    }
    engine.delete(&[1]).unwrap();
    for _ in 0..3 {
        engine.compact().unwrap();
        let logs: Vec<_> = names(&fs).into_iter().filter(|name| name.ends_with(".log")).collect();
        assert_eq!(logs.len(), 2, "a run and the active segment: {logs:?}");
        assert_eq!(pairs(&*engine), [(vec![0], vec![27; 30]), (vec![2], vec![29; 30])]);
        // The same again, with something dead in the run: it needs a neighbour to get a new name.
        engine.put(&[0], &[27; 30]).unwrap();
    }
    let before = names(&fs);
    engine.compact().unwrap();
    engine.compact().unwrap();
    assert_ne!(before, names(&fs));
    let settled = names(&fs);
    engine.compact().unwrap();
    assert_eq!(settled, names(&fs), "nothing was dead");
}

#[test]
fn opening_reads_hints_and_an_unbelievable_one_is_reported_and_replaced() {
    let fs = MemFs::new();
    let engine = open(&fs, &[("segment-bytes", "300")]);
    for i in 0..40u8 {
        engine.put(&[i], &[i; 20]).unwrap();
    }
    let expected = pairs(&*engine);
    engine.close().unwrap();
    let (engine, report) = open_with(&fs, &[]);
    assert_eq!((figure(&*engine, "opening-segments"), report.replaced.len()), (0, 0));
    assert_eq!(pairs(&*engine), expected);
    engine.close().unwrap();

    let mut hint = fs.contents()["000002.hint"].clone();
    *hint.last_mut().unwrap() ^= 1;
    fs.plant("000002.hint", hint);
    fs.plant("000003.hint", fs.contents()["000004.hint"].clone());
    let (engine, report) = open_with(&fs, &[]);
    let replaced: Vec<_> = report.replaced.iter().map(|damage| damage.file.as_str()).collect();
    assert_eq!(replaced, ["000002.hint", "000003.hint"]);
    assert_eq!(figure(&*engine, "opening-segments"), 2);
    assert_eq!(pairs(&*engine), expected);
    step_until_idle(&*engine);
    drop(engine);
    assert!(open_with(&fs, &[]).1.replaced.is_empty(), "upkeep has written them anew");
}

/// A hint that is not written any more goes on speaking for the beginning of its segment. If an older copy of the segment
/// is put back, the two agree; only the mark of the clean close knows of more.
#[test]
fn an_older_copy_of_a_segment_is_refused_though_an_older_hint_agrees_with_it() {
    let fs = MemFs::new();
    let engine = open(&fs, &[]);
    engine.put(b"old", b"1").unwrap();
    engine.close().unwrap();
    let older = fs.contents()["000001.log"].clone();
    let engine = open(&fs, &[("hints", "off")]);
    engine.put(b"new", b"2").unwrap();
    engine.close().unwrap();
    assert!(names(&fs).contains(&"000001.hint".to_owned()));
    fs.plant("000001.log", older);
    match (stage2::STAGE.open)(Arc::new(fs), &options(&[])).map(drop) {
        Err(Error::Corrupt { file, .. }) => assert_eq!(file, "000001.log"),
        other => panic!("{other:?}"),
    }
}

/// A segment and its hint of another store with the same past but for a value: each fits the other, and their lengths are
/// right. Only the mark of the clean close knows how the segment ended.
#[test]
fn a_segment_of_another_store_is_refused_though_its_hint_came_with_it() {
    let [ours, others] = [b"1", b"2"].map(|value| {
        let fs = MemFs::new();
        let engine = open(&fs, &[]);
        engine.put(b"key", value).unwrap();
        engine.close().unwrap();
        fs
    });
    for name in ["000001.log", "000001.hint"] {
        ours.plant(name, others.contents()[name].clone());
    }
    match (stage2::STAGE.open)(Arc::new(ours), &options(&[])).map(drop) {
        Err(Error::Corrupt { file, .. }) => assert_eq!(file, "000001.log"),
        other => panic!("{other:?}"),
    }
}

/// Recovery sets a log aside only once another one is there. Alone, it is what is left of a store, and not an empty folder.
#[test]
fn a_log_set_aside_without_the_one_that_replaced_it_is_refused() {
    let fs = MemFs::new();
    let engine = open(&fs, &[]);
    engine.put(b"key", b"value").unwrap();
    engine.close().unwrap();
    let left = MemFs::new();
    left.plant("000001.log.aside", fs.contents()["000001.log"].clone());
    match (stage2::STAGE.open)(Arc::new(left), &options(&[])).map(drop) {
        Err(Error::Corrupt { file, .. }) => assert_eq!(file, "000001.log.aside"),
        other => panic!("{other:?}"),
    }
}

/// A store of two entries, `a` and `b`, of equal length, with a hint whose checksums are right and which says that
/// these keys lie at these offsets behind the header, with so many bytes. A bug could write it.
fn misled(places: &[(&[u8], usize, usize)]) -> MemFs {
    let fs = MemFs::new();
    let engine = open(&fs, &[]);
    engine.put(b"a", b"1").unwrap();
    engine.put(b"b", b"2").unwrap();
    engine.close().unwrap();
    let log = fs.contents()["000001.log"].clone();
    let last = HEADER_BYTES + (log.len() - HEADER_BYTES) / 2;
    let mut hint = hint::Builder::new(SegmentId::plain(1));
    for &(key, offset, bytes) in places {
        let offset = (HEADER_BYTES + offset) as u64;
        let bytes = u32::try_from(bytes).unwrap();
        hint.push(key, Location { segment: 0, offset, bytes, tombstone: false });
    }
    hint.pass(last as u64, u32::from_le_bytes(*log[last..].first_chunk().unwrap()));
    fs.remove("000001.hint").unwrap();
    hint.install(&fs, log.len() as u64).unwrap();
    fs
}

/// Bytes of a frame with a key and a value of one byte.
const FRAME: usize = HEAD_BYTES + 2;

#[test]
fn a_get_believes_the_entry_and_not_what_led_to_it() {
    for reads in ["pread", "mapped"] {
        let fs = misled(&[(b"b", 0, FRAME), (b"a", FRAME, FRAME)]);
        // Another segment becomes the active one, so that this one may be mapped.
        let engine = open(&fs, &[TINY, ("reads", reads)]);
        engine.put(b"c", &[3; 80]).unwrap();
        let error = engine.get(b"a").unwrap_err();
        assert!(error.is_corrupt() && error.to_string().contains("000001.log"), "{error}");
    }
}

/// Opening believes a hint whose checksums are right; verify asks the segment about every record.
#[test]
fn verify_sees_what_a_hint_says_wrongly_or_leaves_out() {
    let wrong: [&[(&[u8], usize, usize)]; 5] = [
        &[(b"b", 0, FRAME), (b"a", FRAME, FRAME)],
        &[(b"a", 1, FRAME - 1), (b"b", FRAME, FRAME)],
        &[(b"a", 0, FRAME), (b"b", FRAME, FRAME - 1)],
        &[(b"b", FRAME, FRAME)],
        &[(b"a", 0, FRAME)],
    ];
    for places in wrong {
        let fs = misled(places);
        for damage in [(stage2::STAGE.verify)(&fs).unwrap().damage, open(&fs, &[]).verify().unwrap().damage] {
            let files: Vec<_> = damage.iter().map(|damage| damage.file.as_str()).collect();
            assert_eq!(files, ["000001.hint"], "{places:?}");
        }
    }
    assert_eq!(
        (stage2::STAGE.verify)(&misled(&[(b"a", 0, FRAME), (b"b", FRAME, FRAME)])).unwrap().damage,
        []
    );
}

/// What a merge does not find it must not leave out.
#[test]
fn a_merge_that_misses_an_entry_is_an_error_and_changes_nothing() {
    let fs = misled(&[(b"a", 1, FRAME - 1), (b"b", FRAME, FRAME)]);
    let engine = open(&fs, &[]);
    engine.put(b"b", b"3").unwrap();
    let error = engine.compact().unwrap_err();
    assert!(error.is_corrupt() && error.to_string().contains("000001.log"), "{error}");
    assert!(names(&fs).contains(&"000001.log".to_owned()));
}

/// The last segments are missing, and nothing else tells: a hint does.
#[test]
fn a_hint_without_its_segment_tells_that_the_segment_is_missing() {
    let fs = MemFs::new();
    open(&fs, &[]).put(b"key", b"value").unwrap();
    let engine = open(&fs, &[]);
    engine.put(b"key", b"other").unwrap();
    // As a kill leaves it: without the mark of a clean close.
    let left = MemFs::new();
    left.plant("000001.hint", fs.contents()["000001.hint"].clone());
    match (stage2::STAGE.open)(Arc::new(left), &options(&[])).map(drop) {
        Err(Error::Corrupt { file, .. }) => assert_eq!(file, "000001.log"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_number_that_was_set_aside_is_not_used_again() {
    let fs = MemFs::new();
    open(&fs, &[]).put(b"key", b"value").unwrap();
    fs.plant("000007.log.aside", fs.contents()["000001.log"].clone());
    let engine = open(&fs, &[TINY]);
    for i in 0..9u8 {
        engine.put(&[i], &[i; 80]).unwrap();
    }
    let names = names(&fs);
    assert!(names.contains(&"000008.log".into()) && !names.contains(&"000007.log".into()), "{names:?}");
}

#[test]
fn a_lost_hint_costs_time_and_nothing_else() {
    let fs = MemFs::new();
    let engine = open(&fs, &[("segment-bytes", "300")]);
    for i in 0..40u8 {
        engine.put(&[i], &[i; 20]).unwrap();
    }
    let expected = pairs(&*engine);
    drop(engine);
    for name in names(&fs).into_iter().filter(|name| name.ends_with(".hint")) {
        fs.remove(&name).unwrap();
    }
    let (engine, report) = open_with(&fs, &[]);
    assert_eq!(figure(&*engine, "opening-hints"), 0);
    assert_eq!(pairs(&*engine), expected);
    assert!(report.clean && report.replaced.len() > 3, "{report:?}");
}

#[test]
fn the_threshold_changes_in_the_running_store_and_the_way_of_reading_does_not() {
    let fs = MemFs::new();
    let engine = open(&fs, &[]);
    engine.put(b"a", &[0; 100]).unwrap();
    engine.set_option("segment-bytes", "128").unwrap();
    engine.put(b"b", &[0; 100]).unwrap();
    assert_eq!(figure(&*engine, "segments"), 2);
    assert!(matches!(engine.set_option("reads", "mapped"), Err(Error::Unsupported { .. })));
    assert!(matches!(engine.set_option("segment-bytes", "1"), Err(Error::BadOption { .. })));
}

#[test]
fn any_number_of_segments_is_read_through_a_few_open_files() {
    for reads in ["pread", "mapped"] {
        let fs = MemFs::new();
        let engine = open(&fs, &[TINY, ("open-files", "3"), ("reads", reads)]);
        for i in 0..50u8 {
            engine.put(&[i], &[i; 40]).unwrap();
        }
        for i in (0..50u8).rev() {
            assert_eq!(engine.get(&[i]).unwrap(), Some(vec![i; 40]));
            assert!(figure(&*engine, "open-files") <= 3);
        }
    }
}

#[test]
fn a_scan_outlives_the_merge_of_all_that_it_reads() {
    let fs = MemFs::new();
    let engine = open(&fs, &[TINY, ("open-files", "1")]);
    for i in 0..20u8 {
        engine.put(&[i], &[i; 40]).unwrap();
    }
    let expected = pairs(&*engine);
    let scan = engine.scan(KeyRange::all()).unwrap();
    let mut batch = Batch::new();
    for i in 0..20u8 {
        batch.delete(&[i]);
    }
    engine.write(&batch).unwrap();
    engine.compact().unwrap();
    assert_eq!(pairs(&*engine), []);
    assert_eq!(scan.map(Result::unwrap).collect::<Vec<_>>(), expected);
}

#[test]
fn a_key_that_is_asked_for_costs_one_probe_and_one_read() {
    let fs = MemFs::new();
    let engine = open(&fs, &[]);
    engine.put(b"JP/Tokyo", b"9733276").unwrap();
    let before = engine.stats().bytes_read;
    assert!(engine.contains(b"JP/Tokyo").unwrap());
    assert_eq!(engine.get(b"JP/Kyoto").unwrap(), None);
    assert_eq!(engine.stats().bytes_read, before, "neither reads a file");
    let explanation = engine.explain(b"JP/Tokyo").unwrap();
    assert_eq!(explanation.bytes_read, 12 + 8 + 7);
    let places: Vec<_> = explanation.looks.iter().map(|look| look.place.as_str()).collect();
    assert_eq!(places, ["keydir", "000001.log"]);
    assert_eq!(engine.stats().bytes_read, before + 27);
}

#[test]
fn a_key_that_has_rotted_gets_into_no_hint() {
    let fs = MemFs::new();
    let engine = open(&fs, &[("segment-bytes", "1000"), ("chunk-bytes", "4096"), ("open-files", "1")]);
    for key in [b"first", b"other", b"third"] {
        engine.put(key, &vec![7; 100_000]).unwrap(); // Larger than a chunk: a walk that skips values would pass over it.
    }
    let mut bytes = fs.contents()["000001.log"].clone();
    bytes[64 + 12] ^= 1;
    fs.plant("000001.log", bytes);
    assert!(matches!(engine.close(), Err(Error::Corrupt { file, offset: 64, .. }) if file == "000001.log"));
    assert!(!names(&fs).contains(&"000001.hint".to_owned()));
}
