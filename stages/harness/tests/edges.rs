//! What no random run reaches: the same bytes from the same seed, limits of a gibibyte, other engines' and newer
//! stores, and a store that is put into itself.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Batch, Engine, Error, Field, KeyRange, MAX_BATCH_BYTES, MAX_VALUE_BYTES, Stage, Verdict};
use harness::failure::Counterexample;
use harness::invariant::Invariant;
use harness::ops::{self, Op, Shape, generate};
use harness::registry::{judged, persistent};
use harness::seeds::seeds;
use harness::settings;
use harness::world::World;
use std::collections::BTreeMap;
use std::sync::Arc;

type Files = BTreeMap<String, Vec<u8>>;

fn open(stage: &Stage, world: &World, seed: u64) -> contract::Result<Arc<dyn Engine>> {
    (stage.open)(world.vfs(), &settings::draw(stage, seed)).map(|(engine, _)| engine)
}

/// Lives through `ops` and returns every file at each reopening and at the end.
fn live(stage: &Stage, mut world: World, seed: u64, ops: &[Op]) -> contract::Result<Vec<Files>> {
    let mut states = Vec::new();
    let mut engine = open(stage, &world, seed)?;
    for op in ops {
        ops::apply(&*engine, op)?;
        if op.reopens() {
            if *op == Op::Kill {
                world = world.after_kill(seed);
            }
            drop(engine);
            states.push(world.contents());
            engine = open(stage, &world, seed)?;
        }
    }
    states.push(world.contents());
    Ok(states)
}

#[test]
fn the_same_seed_gives_the_same_bytes_in_every_world() {
    for stage in persistent("determinism") {
        for seed in seeds("determinism", 100) {
            let ops = generate(seed, &Shape::default());
            let first = live(stage, World::mem(), seed, &ops).unwrap();
            for (world, what) in [(World::mem(), "a second run"), (World::sim(seed), "a simulated disk")] {
                let second = live(stage, world, seed, &ops).unwrap();
                let differs = first.iter().zip(&second).position(|(a, b)| a != b);
                assert_eq!(
                    differs,
                    None,
                    "{}: seed {seed}, {what} of {}",
                    Invariant::SameContent,
                    stage.name
                );
            }
        }
    }
}

#[test]
fn more_than_a_gibibyte_is_refused_before_it_has_any_effect() {
    // One value over the limit, zeros that the operating system need not even have; two halves of a batch over it.
    let value = vec![0; usize::try_from(MAX_VALUE_BYTES).unwrap() + 1];
    let half = &value[..=usize::try_from(MAX_BATCH_BYTES / 2).unwrap()];
    for stage in judged() {
        let world = World::mem();
        let engine = open(stage, &world, 0).unwrap();
        let before = (engine.stats(), world.contents());
        let refused = |what: &str, result: contract::Result<()>| match result {
            Err(Error::TooLarge { what: which, bytes, limit_bytes }) => {
                assert_eq!((which, limit_bytes), (what, bytes - 1), "{}", stage.name);
            }
            other => panic!("{}: {} gave {other:?} for a large {what}", Invariant::Limits, stage.name),
        };
        refused("value", engine.put(b"k", &value));
        refused("value", engine.put_if_absent(b"k", &value).map(drop));
        let mut batch = Batch::new();
        batch.put(b"k", half).put(b"", half);
        assert!(batch.bytes() > MAX_BATCH_BYTES);
        match engine.write(&batch) {
            Err(Error::TooLarge { what: "batch", bytes, .. }) => assert_eq!(bytes, batch.bytes()),
            other => panic!("{}: {} gave {other:?} for a large batch", Invariant::Limits, stage.name),
        }
        assert_eq!(engine.get(b"k").unwrap(), None);
        let after = engine.stats();
        assert_eq!((after.disk_bytes, after.user_bytes_written), (before.0.disk_bytes, 0), "{}", stage.name);
        assert_eq!(world.contents(), before.1, "{}: {}", Invariant::Limits, stage.name);
        engine.put(b"k", b"v").unwrap();
    }
}

/// Every field of a closed store.
fn fields(stage: &Stage, world: &World) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut keep = |field: &Field| {
        fields.push(field.clone());
        true
    };
    (stage.inspect)(&*world.vfs(), None, &mut keep).unwrap();
    fields
}

/// The store's files with `bytes` in place of each file's first field of this name, and a header that is whole again.
fn rewritten(files: &Files, fields: &[Field], name: &str, bytes: &[u8]) -> Files {
    let mut files = files.clone();
    for (file, content) in &mut files {
        let of_file = || fields.iter().filter(|field| field.file == *file);
        let Some(field) = of_file().find(|field| field.name == name) else { continue };
        let at = usize::try_from(field.offset).unwrap();
        content[at..at + bytes.len()].copy_from_slice(bytes);
        // Headers of all stages end in a checksum of the bytes before it.
        let sum = of_file().find(|field| field.name == "checksum" && field.verdict == Verdict::Good).unwrap();
        let end = usize::try_from(sum.offset).unwrap();
        let fresh = stage1::frame::checksum(&content[..end]);
        content[end..end + 4].copy_from_slice(&fresh.to_le_bytes());
    }
    files
}

#[test]
fn another_engines_store_and_a_newer_one_are_refused_untouched() {
    for stage in persistent("other stores") {
        let world = World::mem();
        open(stage, &world, 0).unwrap().close().unwrap();
        let (files, fields) = (world.contents(), fields(stage, &world));
        for (name, bytes, says) in
            [("version", &b"\xff\0\0\0"[..], "newer"), ("engine", b"elsewhere\0\0\0", "elsewhere")]
        {
            let other = rewritten(&files, &fields, name, bytes);
            assert_ne!(other, files, "{} names no {name}", stage.name);
            let world = World::mem();
            for (name, bytes) in &other {
                world.plant(name, bytes.clone());
            }
            match open(stage, &world, 0).map(drop) {
                Err(Error::WrongStore { what, .. }) => assert!(what.contains(says), "{what}"),
                result => panic!("{} opened {name} {bytes:?}: {result:?}", stage.name),
            }
            assert_eq!(world.contents(), other, "{}: {}", Invariant::KeepsUnexplained, stage.name);
        }
    }
}

#[test]
fn every_stage_refuses_every_other_stages_store() {
    for stage in persistent("each other's stores") {
        for other in persistent("each other's stores").filter(|other| other.name != stage.name) {
            let world = World::mem();
            open(other, &world, 0).unwrap().put(b"k", b"v").unwrap();
            let files = world.contents();
            let result = open(stage, &world, 0).map(drop);
            let refused = matches!(&result, Err(Error::WrongStore { what, .. }) if what.contains(other.name));
            assert!(refused, "{} on a store of {}: {result:?}", stage.name, other.name);
            assert_eq!(world.contents(), files, "{}", Invariant::KeepsUnexplained);
        }
    }
}

#[test]
fn a_store_holds_its_own_files_as_values_also_torn() {
    for stage in persistent("a store in itself") {
        let world = World::mem();
        let engine = open(stage, &world, 0).unwrap();
        let mut expected = Files::new();
        // The files that the last write has made longer.
        let (mut grown, mut last) = (Vec::new(), String::new());
        for round in 0..4 {
            engine.put(b"k", b"v").unwrap();
            engine.sync().unwrap();
            for (name, bytes) in world.contents() {
                let (key, before) = (format!("{name}/{round}"), world.contents());
                engine.put(key.as_bytes(), &bytes).unwrap();
                let longer = |name: &String, now: &[u8]| {
                    before.get(name).is_none_or(|old| written(old) < written(now))
                };
                grown =
                    world.contents().into_iter().filter(|(n, now)| longer(n, now)).map(|(n, _)| n).collect();
                expected.insert(key.clone(), bytes);
                last = key;
            }
        }
        let held = |engine: &dyn Engine| -> Files {
            let scan = engine.scan(KeyRange::all()).unwrap().map(Result::unwrap);
            let text = |key| String::from_utf8(key).unwrap();
            scan.filter(|(key, _)| key != b"k").map(|(key, value)| (text(key), value)).collect()
        };
        assert_eq!(held(&*engine), expected);
        // The last value is cut within: nothing of what lies inside it may be taken for the store's own.
        // Where a write makes several longer, its own bytes come last, in the log with the largest number.
        let cut_file = grown.last().unwrap_or_else(|| panic!("{}: the last write is nowhere", stage.name));
        let mut left = expected.clone();
        let value = left.remove(&last).unwrap();
        for cut in (1..value.len()).step_by(7) {
            let dead = world.after_kill(0);
            let mut bytes = dead.contents().remove(cut_file).unwrap();
            bytes.truncate(written(&bytes) - cut);
            dead.plant(cut_file, bytes);
            let engine = open(stage, &dead, 1).unwrap();
            assert_eq!(held(&*engine), left, "{}: {} cut by {cut}", Invariant::NoPhantom, stage.name);
        }
    }
}

/// How much of a file was written: room that is reserved behind is zeros.
fn written(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1)
}

#[test]
fn a_counterexample_shows_what_is_needed_to_see_it_again() {
    let shown = Counterexample {
        stage: "engine",
        seed: 7,
        ops: ops::text::parse("put a 1\nkill\n").unwrap(),
        failure: harness::failure::Failure::new(Invariant::Prefix, "a hole").at("here"),
        replay: "STRATA_SEED=7 cargo test".into(),
    }
    .to_string();
    for part in
        ["engine breaks I2 prefix: ", "here: a hole", "seed 7", "    put a 1\n    kill\n", "STRATA_SEED=7"]
    {
        assert!(shown.contains(part), "{part:?} is missing in:\n{shown}");
    }
}
