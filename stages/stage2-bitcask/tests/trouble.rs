//! What a store says where the world fails it in the middle of its work: maps that cannot be made, segments that get shorter
//! under an open store, room that cannot be given back, commands that come too late.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Call, Engine, Error, Run};
use stage2::STAGE;
use std::sync::Arc;
use vfs::SimFs;
use vfs::sim::{Errno, Fault, Op, Wound};

fn open(fs: &SimFs, set: &[(&str, &str)]) -> Arc<dyn Engine> {
    let options =
        set.iter().fold(STAGE.default_options(), |all, (name, value)| all.with(name, value).unwrap());
    (STAGE.open)(Arc::new(fs.clone()), &options).unwrap().0
}

/// A command of this engine's own.
fn command(engine: &dyn Engine, name: &str) -> contract::Result<Vec<String>> {
    match STAGE.commands.iter().find(|command| command.name == name).unwrap().run {
        // Of two commands one has a flag, and the other does not ask for any.
        Run::Engine(run) => {
            Ok(run(engine, &Call { flags: vec![("hints", Vec::new())], ..Call::default() })?.lines)
        }
        Run::Line(line) => panic!("{name} is another name for {line}"),
    }
}

/// A store whose first segment is sealed and holds two keys, and whose sealed segments are mapped.
fn mapped() -> (SimFs, Arc<dyn Engine>) {
    let fs = SimFs::new();
    let engine = open(&fs, &[("segment-bytes", "200"), ("reads", "mapped")]);
    for key in [b"a", b"b", b"c"] {
        engine.put(key, &[7; 40]).unwrap();
    }
    (fs, engine)
}

#[test]
fn a_map_that_cannot_be_made_is_told_and_tried_again() {
    let (fs, engine) = mapped();
    fs.inject(Fault::new(Errno::Eio).on(Op::View).for_ever());
    assert!(matches!(engine.get(b"a"), Err(Error::Io { action: "map", .. })));
    fs.clear_faults();
    for key in [b"a", b"b", b"a"] {
        assert_eq!(engine.get(key).unwrap(), Some(vec![7; 40]));
    }
}

#[test]
fn a_mapped_segment_that_has_become_shorter_is_damage_where_its_entries_were() {
    let (fs, engine) = mapped();
    fs.damage("000001.log", &Wound::Truncate(100)).unwrap();
    let error = engine.get(b"b").unwrap_err();
    assert!(error.is_corrupt() && error.to_string().contains("000001.log"), "{error}");
    assert!(error.to_string().contains("the file ends before this entry"), "{error}");
    // The one before it is cut in two.
    let error = engine.get(b"a").unwrap_err();
    assert!(error.is_corrupt() && error.to_string().contains("000001.log"), "{error}");
}

#[test]
fn room_that_cannot_be_given_back_ends_the_writing_and_the_close() {
    for closes in [false, true] {
        let fs = SimFs::new();
        let settings = [("segment-bytes", "200"), ("sync", "every-write"), ("reserve-bytes", "700")];
        let engine = open(&fs, &settings);
        engine.put(b"a", &[7; 40]).unwrap();
        fs.inject(Fault::new(Errno::Eio).on(Op::Truncate));
        let failed =
            if closes { engine.close() } else { (0..9).try_for_each(|_| engine.put(b"b", &[7; 40])) };
        assert!(matches!(failed, Err(Error::Io { .. })), "{failed:?}");
        if !closes {
            assert!(matches!(engine.put(b"c", b""), Err(Error::Poisoned { .. })));
            assert!(engine.close().is_err());
        }
        drop(engine);
        assert_eq!(open(&fs, &settings).get(b"a").unwrap(), Some(vec![7; 40]));
    }
}

#[test]
fn the_index_of_a_store_that_is_closed_or_doubtful_is_neither_saved_nor_built_anew() {
    let names = ["hint", "reindex"];
    let fs = SimFs::new();
    let engine = open(&fs, &[]);
    engine.put(b"a", b"1").unwrap();
    fs.inject(Fault::new(Errno::Eio).on(Op::Sync));
    assert!(engine.sync().is_err());
    for name in names {
        assert!(matches!(command(&*engine, name), Err(Error::Poisoned { .. })), "{name}");
    }
    assert!(engine.close().is_err());
    for name in names {
        assert!(matches!(command(&*engine, name), Err(Error::Closed)), "{name}");
    }
}

/// The index is built from the segment where the hint is damaged; where it cannot be read at all, that is told.
#[test]
fn an_index_is_built_anew_without_a_damaged_hint_and_not_where_reads_fail() {
    let fs = SimFs::new();
    let engine = open(&fs, &[("segment-bytes", "200")]);
    for key in [b"a", b"b", b"c"] {
        engine.put(key, &[7; 40]).unwrap();
    }
    while engine.step().unwrap() {}
    command(&*engine, "reindex").unwrap();
    fs.inject(Fault::new(Errno::Eio).on(Op::Open).suffix(".hint").for_ever());
    let failed = command(&*engine, "reindex");
    assert!(matches!(failed, Err(Error::Io { .. })), "{failed:?}");
    fs.clear_faults();
    fs.damage("000001.hint", &Wound::FlipBit { offset: 70, bit: 0 }).unwrap();
    command(&*engine, "reindex").unwrap();
    for key in [b"a", b"b", b"c"] {
        assert_eq!(engine.get(key).unwrap(), Some(vec![7; 40]));
    }
}

/// So much that it is written in several pieces, and the first of them fails.
#[test]
fn a_merge_that_fails_in_its_middle_leaves_its_inputs_as_they_were() {
    let large = vec![7; 3 << 19];
    let fs = SimFs::new();
    let engine = open(&fs, &[]);
    engine.put(b"key", b"old").unwrap();
    engine.put(b"key", &large).unwrap();
    fs.inject(Fault::new(Errno::Enospc).on(Op::Append).suffix("-000001.log.tmp"));
    assert!(matches!(engine.compact(), Err(Error::Io { .. })));
    assert_eq!(fs.faults_struck(), 1);
    assert_eq!(engine.get(b"key").unwrap().as_ref(), Some(&large));
    engine.compact().unwrap();
    assert_eq!(engine.get(b"key").unwrap(), Some(large));
}

#[test]
fn a_mark_that_cannot_be_removed_ends_a_compaction_before_it_changes_anything() {
    let fs = SimFs::new();
    let engine = open(&fs, &[]);
    engine.put(b"key", b"old").unwrap();
    engine.put(b"key", b"new").unwrap();
    engine.close().unwrap();
    let engine = open(&fs, &[]);
    fs.inject(Fault::new(Errno::Eio).on(Op::Remove).file("CLEAN"));
    assert!(matches!(engine.compact(), Err(Error::Io { .. })));
    assert!(matches!(engine.compact(), Err(Error::Poisoned { .. })));
    drop(engine);
    assert_eq!(open(&fs, &[]).get(b"key").unwrap().as_deref(), Some(&b"new"[..]));
}

#[test]
fn a_number_after_which_none_comes_is_damage() {
    for closed in [false, true] {
        let fs = SimFs::new();
        let engine = open(&fs, &[]);
        engine.put(b"key", b"value").unwrap();
        if closed {
            engine.close().unwrap();
        }
        let fs = SimFs::holding(fs.contents());
        fs.plant("4294967295.log.aside", Vec::new());
        let files = fs.contents();
        let error = (STAGE.open)(Arc::new(fs.clone()), &STAGE.default_options()).err().unwrap().to_string();
        assert!(error.contains("no number comes after this one"), "{error}");
        assert_eq!(fs.contents(), files);
    }
}

#[test]
fn room_that_cannot_be_reserved_refuses_one_write_and_no_more() {
    let fs = SimFs::new();
    let engine = open(&fs, &[("sync", "every-write"), ("reserve-bytes", "700")]);
    fs.inject(Fault::new(Errno::Enospc).on(Op::Reserve));
    assert!(matches!(engine.put(b"a", b"1"), Err(Error::Io { .. })));
    engine.put(b"a", b"2").unwrap();
    assert_eq!(engine.get(b"a").unwrap().as_deref(), Some(&b"2"[..]));
}

/// What a recovery leaves is a run, and a run gets a new name only together with an empty neighbour.
#[test]
fn a_neighbour_that_cannot_be_begun_ends_a_compaction_and_the_next_one_succeeds() {
    let fs = SimFs::new();
    let engine = open(&fs, &[]);
    engine.put(b"key", b"old").unwrap();
    engine.put(b"key", b"new").unwrap();
    let fs = SimFs::holding(fs.contents());
    let engine = open(&fs, &[]);
    fs.inject(Fault::new(Errno::Enospc).on(Op::Create).suffix(".log.tmp").nth(1));
    assert!(matches!(engine.compact(), Err(Error::Io { .. })));
    engine.compact().unwrap();
    assert_eq!(engine.get(b"key").unwrap().as_deref(), Some(&b"new"[..]));
}

#[test]
fn names_that_only_end_like_ours_are_foreign() {
    let fs = SimFs::new();
    for name in ["notes.tmp", "old-000001.log"] {
        fs.plant(name, Vec::new());
    }
    let (_, report) = (STAGE.open)(Arc::new(fs), &STAGE.default_options()).unwrap();
    assert_eq!(report.foreign, ["notes.tmp", "old-000001.log"]);
}

/// More bytes of keys than are gathered before they go into the keydir.
#[test]
fn an_index_of_many_bytes_is_built_from_a_segment_without_a_hint() {
    let fs = SimFs::new();
    let engine = open(&fs, &[("hints", "off")]);
    let mut batch = contract::Batch::new();
    for key in 0..100 {
        batch.put(&vec![key; 60 << 10], b"");
    }
    engine.write(&batch).unwrap();
    assert_eq!(command(&*engine, "reindex").unwrap(), ["the new keydir says the same as the old one"]);
    assert!(engine.contains(&vec![99; 60 << 10]).unwrap());
}

#[test]
fn an_index_that_cannot_be_saved_or_read_is_told_of() {
    for (op, file, name) in
        [(Op::Sync, ".log", "hint"), (Op::Create, ".hint.tmp", "hint"), (Op::Read, ".log", "reindex")]
    {
        let fs = SimFs::new();
        let engine = open(&fs, &[]);
        engine.put(b"a", b"1").unwrap();
        fs.inject(Fault::new(Errno::Eio).on(op).suffix(file));
        let failed = command(&*engine, name);
        assert!(matches!(failed, Err(Error::Io { .. })), "{name}: {failed:?}");
        assert_eq!(engine.get(b"a").unwrap().as_deref(), Some(&b"1"[..]));
    }
}

/// Segments whose hints nobody believes are read twice: to judge them, and for their keys.
#[test]
fn every_call_of_an_opening_without_believable_hints_may_fail() {
    let fs = SimFs::new();
    let engine = open(&fs, &[("segment-bytes", "200")]);
    for key in [b"a", b"b", b"c"] {
        engine.put(key, &[7; 40]).unwrap();
    }
    engine.close().unwrap();
    for name in fs.contents().into_keys().filter(|name| name.contains(".hint")) {
        fs.damage(&name, &Wound::FlipBit { offset: 70, bit: 0 }).unwrap();
    }
    for op in [Op::Open, Op::Size, Op::Read] {
        for nth in 0.. {
            let fs = SimFs::holding(fs.contents());
            fs.inject(Fault::new(Errno::Eio).on(op).nth(nth));
            let opened = (STAGE.open)(Arc::new(fs.clone()), &STAGE.default_options()).map(drop);
            if fs.faults_struck() == 0 {
                assert!(nth > 4, "{op:?}: {nth}");
                break;
            }
            assert!(matches!(opened, Err(Error::Io { .. })), "{op:?} {nth}: {opened:?}");
            assert_eq!(open(&fs, &[]).get(b"b").unwrap(), Some(vec![7; 40]), "{op:?} {nth}");
        }
    }
}
