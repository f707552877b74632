//! What a crash or a failure leaves at every call, whichever names have landed by then; and which numbers are
//! taken from then on.
#![expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the store writes its names in lower case"
)]
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Call, Engine, KeyRange, Options, Run};
use stage3::STAGE;
use std::collections::BTreeSet;
use std::sync::Arc;
use vfs::sim::{Crash, CrashKind, Errno, Fault, Op, SimFs, Wound};

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// So small that a few writes freeze a memtable, and that each edit is worth a new manifest.
fn tiny() -> Options {
    let small = [("memtable-bytes", "8KiB"), ("table-bytes", "4KiB"), ("manifest-bytes", "64")];
    small.iter().fold(STAGE.default_options(), |options, (name, value)| options.with(name, value).unwrap())
}

fn open(fs: &SimFs) -> contract::Result<Arc<dyn Engine>> {
    (STAGE.open)(Arc::new(fs.clone()), &tiny()).map(|(engine, _)| engine)
}

fn flush(engine: &dyn Engine) {
    let command = STAGE.commands.iter().find(|command| command.name == "flush").unwrap();
    let Run::Engine(flush) = command.run else { panic!("a command of the engine") };
    flush(engine, &Call::default()).unwrap();
}

fn content(engine: &dyn Engine) -> Pairs {
    engine.scan(KeyRange::all()).unwrap().map(Result::unwrap).collect()
}

/// What the next process finds if this one dies now.
fn killed(fs: &SimFs) -> SimFs {
    fs.image(fs.calls(), &Crash::new(CrashKind::ProcessKill, 0))
}

/// Two logs with more than one memtable may hold.
fn two_logs() -> (SimFs, Pairs) {
    let fs = SimFs::new();
    let engine = open(&fs).unwrap();
    engine.put(b"twice", b"old").unwrap();
    let mut keys = 0..;
    while fs.contents().keys().filter(|name| name.ends_with(".log")).count() < 2 {
        engine.put(&u32::to_le_bytes(keys.next().unwrap()), &[7; 100]).unwrap();
    }
    engine.put(b"twice", b"new").unwrap();
    (killed(&fs), content(&*engine))
}

/// Each memtable has its own flush, and a crash may come between them.
#[test]
fn what_logs_hold_is_flushed_in_its_order_and_counts_until_then() {
    let (left, expected) = two_logs();
    let engine = open(&left).unwrap();
    let flushes = engine.stats().figures.into_iter().find(|figure| figure.name == "flushes").unwrap();
    assert_eq!((flushes.value, content(&*engine)), (2, expected.clone()));
    for at_call in 0..=left.calls() {
        let image = left.image(at_call, &Crash::new(CrashKind::ProcessKill, 0));
        assert_eq!(content(&*open(&image).unwrap()), expected, "killed at call {at_call} of the opening");
    }
}

#[test]
fn an_opening_that_fails_leaves_no_mark_and_may_be_tried_again() {
    let (left, expected) = two_logs();
    for end in [".sst.tmp", ".sst", ".manifest", ".log"] {
        for op in [Op::Create, Op::Rename, Op::Remove] {
            let fs = killed(&left);
            fs.inject(Fault::new(Errno::Enospc).on(op).suffix(end));
            assert!(open(&fs).is_err() || fs.faults_struck() == 0, "{op:?} {end}");
            assert!(fs.faults_struck() == 0 || !fs.contents().contains_key("CLEAN"), "{op:?} {end}");
            fs.clear_faults();
            assert_eq!(content(&*open(&fs).unwrap()), expected, "{op:?} {end}");
        }
    }
}

/// A life of a store, with the calls after which each of its contents counts for good.
fn life(fs: &SimFs) -> Vec<(u64, Pairs)> {
    let mut durable = vec![(0, Pairs::new())];
    let mut engine = open(fs).unwrap();
    for round in 0..3_u8 {
        engine.put(&[round], b"value").unwrap();
        flush(&*engine);
        durable.push((fs.calls(), content(&*engine)));
        if round == 1 {
            engine.compact().unwrap();
            engine.close().unwrap();
            engine = open(fs).unwrap();
        }
    }
    engine.close().unwrap();
    durable
}

/// Of names that are pending at a power failure any may have landed. What is left is opened, closed, and opened again; and
/// the same where the opening itself is killed, at each of its calls.
#[test]
fn whatever_names_have_landed_nothing_that_was_durable_is_lost() {
    let fs = SimFs::new();
    let durable = life(&fs);
    let check = |image: &SimFs, from: u64, what: &str| {
        for _ in 0..2 {
            let engine = open(image).unwrap_or_else(|e| panic!("{what}: {e}"));
            let found = content(&*engine);
            let known = durable.iter().rposition(|(calls, _)| *calls <= from).unwrap();
            let one_of = &durable[known..durable.len().min(known + 2)];
            assert!(one_of.iter().any(|(_, content)| *content == found), "{what}: {found:?}");
            engine.close().unwrap();
        }
    };
    for at_call in 0..=fs.calls() {
        for mask in 0..1 << fs.pending_names(at_call).min(6) {
            let crash = Crash::new(CrashKind::Names, at_call).names(mask);
            check(&fs.image(at_call, &crash), at_call, &format!("call {at_call}, names {mask:b}"));
        }
        let left = fs.image(at_call, &Crash::new(CrashKind::ProcessKill, 0));
        let opening = killed(&left);
        let engine = open(&opening).unwrap();
        for then in 0..=opening.calls() {
            for mask in 0..1 << opening.pending_names(then).min(6) {
                let crash = Crash::new(CrashKind::Names, then).names(mask);
                let what = format!("call {at_call}, then call {then} of the opening, names {mask:b}");
                check(&opening.image(then, &crash), at_call, &what);
            }
        }
        drop(engine);
    }
}

/// The numbers of all files that were begun here.
fn begun(fs: &SimFs) -> Vec<u64> {
    let number = |line: String| line.split_once(" create ")?.1.split_once('.')?.0.parse().ok();
    fs.story().into_iter().filter_map(number).collect()
}

#[test]
fn no_number_is_used_twice_whatever_was_removed() {
    // Where each edit is worth a new manifest, those take numbers as well.
    let growing = tiny().with("manifest-bytes", "1MiB").unwrap();
    for (closes, options) in [(true, tiny()), (false, tiny()), (true, growing.clone()), (false, growing)] {
        let (mut fs, mut all) = (SimFs::new(), Vec::new());
        for _ in 0..4 {
            let (engine, _) = (STAGE.open)(Arc::new(fs.clone()), &options).unwrap();
            for key in 0..5 {
                engine.put(&[key], b"value").unwrap();
            }
            engine.compact().unwrap();
            for key in 0..5 {
                engine.delete(&[key]).unwrap();
            }
            // Every table goes, also the one with the largest number of all.
            engine.compact().unwrap();
            if closes {
                engine.close().unwrap();
            }
            all.extend(begun(&fs));
            fs = killed(&fs);
        }
        let distinct: BTreeSet<u64> = all.iter().copied().collect();
        assert_eq!(distinct.len(), all.len(), "{all:?}");
    }
}

#[test]
fn no_number_of_a_file_that_lies_there_is_used_and_what_has_no_name_goes() {
    let unclean = ["000009.log.aside", "000009.manifest.tmp", "000009.sst.tmp", "000009.sst"];
    for (name, closes) in unclean.map(|name| (name, false)).into_iter().chain([("000009.sst.tmp", true)]) {
        let fs = SimFs::new();
        let engine = open(&fs).unwrap();
        engine.put(b"key", b"value").unwrap();
        if closes {
            engine.close().unwrap();
        }
        let left = killed(&fs);
        left.plant(name, b"anything".to_vec());
        let engine = open(&left).unwrap();
        engine.compact().unwrap();
        let numbers = begun(&left);
        assert!(numbers.len() > 1 && numbers.iter().all(|number| *number > 9), "{name}: {numbers:?}");
        assert!(!left.contents().keys().any(|name| name.ends_with(".tmp")), "{name}");
    }
}

#[test]
fn files_count_in_the_order_of_their_numbers_not_of_their_names() {
    let fs = SimFs::new();
    fs.plant("999998.sst.tmp", Vec::new());
    let engine = open(&fs).unwrap();
    while !fs.contents().contains_key("1000001.log") {
        let number = u32::try_from(fs.calls()).unwrap();
        engine.put(&number.to_le_bytes(), &[7; 100]).unwrap();
    }
    assert!(fs.contents().contains_key("999999.log"), "two logs count");
    let left = killed(&fs);
    assert_eq!(content(&*open(&left).unwrap()), content(&*engine));
}

/// The edit that dropped a file was on the device before the file went. If nothing behind that edit proves it, damage to it
/// looks like a tear, and the file is missed: then who says so names the manifest too, for that is where the damage is.
#[test]
fn who_misses_a_file_behind_a_torn_manifest_names_the_manifest() {
    for (flushes, gone) in [(1, ".log"), (2, ".sst")] {
        let fs = SimFs::new();
        let options = tiny().with("manifest-bytes", "1MiB").unwrap().with("max-runs", "64").unwrap();
        let (engine, _) = (STAGE.open)(Arc::new(fs.clone()), &options).unwrap();
        for key in 0..flushes {
            engine.put(&[key], b"value").unwrap();
            flush(&*engine);
        }
        let named = |fs: &SimFs| {
            let manifest = fs.contents().into_iter().find(|(name, _)| name.ends_with(".manifest")).unwrap();
            (manifest.0, manifest.1.len() as u64)
        };
        let before = named(&fs).1;
        if gone == ".sst" {
            engine.compact().unwrap();
        } else {
            engine.put(b"key", b"value").unwrap();
            flush(&*engine);
        }
        let (manifest, end) = named(&fs);
        assert!(end > before, "the last edit is in the same manifest");
        for bit in before * 8..end * 8 {
            let left = killed(&fs);
            left.damage(&manifest, &Wound::FlipBit { offset: bit / 8, bit: (bit % 8) as u8 }).unwrap();
            let error = open(&left).map(drop).unwrap_err().to_string();
            assert!(error.contains(gone) && error.contains(&manifest), "bit {bit}: {error}");
            let seen = (STAGE.verify)(&left).unwrap().damage;
            assert!(seen.iter().any(|damage| damage.what.contains(&manifest)), "bit {bit}: {seen:?}");
        }
    }
}
