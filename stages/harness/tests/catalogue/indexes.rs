//! What went wrong with what files say about other files: saved indexes, names, numbers and places.

use crate::store::{Files, Store};
use contract::{Error, Stage};
use harness::crash::verdict::same;
use harness::registry::persistent;
use harness::seeds::not_applicable;
use harness::settings::has_blocks;
use std::collections::BTreeSet;
use vfs::sim::SimFs;

/// A closed store with a past: merged, overwritten, with several files if the engine makes several.
const PAST: &str = "put a \"1\"*50\nput b \"2\"*50\ndelete b\ncompact\nput c \"3\"*50\nput a 4\nput d \"5\"*50\nput b \"6\"*20\nclose\n";

/// The store after [`PAST`], not open.
fn closed(stage: &'static Stage) -> Store {
    let mut store = Store::new(stage);
    store.run(PAST);
    let mut store = store.on(store.files());
    store.open().unwrap();
    store.engine().close().unwrap();
    store
}

/// The files of a closed store that say only what others say too: without them it opens with every answer, and says
/// that they are missing.
fn saved_indexes(store: &Store) -> BTreeSet<String> {
    let named = |name: &&String| {
        let mut files = store.files();
        files.remove(*name);
        let mut without = store.on(files);
        without.open().is_ok() && without.report.replaced.iter().any(|damage| damage.file == **name)
    };
    store.files().keys().filter(named).cloned().collect()
}

/// Engines with saved indexes, each with a closed store and the names of its indexes.
fn saving(test: &str) -> Vec<(Store, BTreeSet<String>)> {
    let all = persistent(test).map(closed).map(|store| (saved_indexes(&store), store));
    all.filter_map(|(names, store)| {
        if names.is_empty() {
            not_applicable(test, [format!("{} saves no index", store.stage.name)]);
            return None;
        }
        Some((store, names))
    })
    .collect()
}

/// Opens the store with another content of one file: every answer is right, and the report names the file.
fn is_told_of(store: &Store, name: &str, bytes: Vec<u8>, what: &str) {
    let mut files = store.files();
    files.insert(name.to_owned(), bytes);
    let mut again = store.on(files);
    again.open().unwrap_or_else(|e| panic!("{}: {name}, {what}: {e}", store.stage.name));
    again.check(format_args!("{name}, {what}"));
    let told = again.report.replaced.iter().any(|damage| damage.file == name);
    assert!(told, "{}: {name}, {what}: {:?}", store.stage.name, again.report);
    again.run("put z 1\nclose\n");
    assert!(again.report.replaced.is_empty(), "{}: {name}, {what}: it is not written anew", store.stage.name);
}

/// basho/bitcask, issue 171 and pull request 35: hint files that were cut short, had no checksum, or pointed past the end
/// of the data were believed.
#[test]
fn a_saved_index_that_is_torn_flipped_or_foreign_is_not_believed() {
    for (store, names) in saving("saved indexes") {
        for name in &names {
            let bytes = &store.files()[name];
            for at in 0..bytes.len() {
                is_told_of(&store, name, bytes[..at].to_vec(), "cut");
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << (at % 8);
                is_told_of(&store, name, flipped, "with a flipped bit");
            }
            is_told_of(&store, name, [&bytes[..], b"\0"].concat(), "with a byte more");
            for other in names.iter().filter(|other| *other != name) {
                is_told_of(&store, name, store.files()[other].clone(), "with the content of another");
            }
        }
    }
}

/// syncable-dev/memtrace-public, issue 80: an index that was saved earlier spoke for a length that no longer fell between
/// two records.
#[test]
fn an_older_saved_index_is_not_believed_for_what_it_does_not_know() {
    for (store, names) in saving("older indexes") {
        let mut now = store.on(store.files());
        now.open().unwrap();
        now.run("put a 7\nput e 8\ndelete c\nclose\nput e 9\nclose\n");
        now.engine().close().unwrap();
        let mut replaced = 0;
        for name in names.iter().filter(|name| now.files().contains_key(*name)) {
            let older = store.files()[name].clone();
            if now.files()[name] != older {
                is_told_of(&now, name, older, "as it was two closes ago");
                replaced += 1;
            }
        }
        assert!(replaced > 0, "{}: no index has changed", store.stage.name);
    }
}

/// basho/bitcask, issue 212: where the hint was missing, keys were taken from records whose checksum did not fit.
#[test]
fn a_key_of_a_damaged_record_is_not_indexed() {
    for stage in persistent("damaged keys") {
        let store = closed(stage);
        let indexes = saved_indexes(&store);
        let files: Files = store
            .files()
            .into_iter()
            .filter(|(name, _)| !indexes.contains(name) && name != "CLEAN")
            .collect();
        let mut hit = 0;
        for (name, bytes) in &files {
            for at in (0..bytes.len()).filter(|at| b"abcd".contains(&bytes[*at])) {
                let mut bytes = bytes.clone();
                bytes[at] ^= 0x04;
                let mut damaged = store.on(files.iter().map(|(n, b)| (n.clone(), b.clone())).collect());
                damaged.fs.plant(name, bytes);
                hit += 1;
                if let Err(e) = damaged.open() {
                    assert!(e.is_corrupt(), "{}: {e}", stage.name);
                    continue;
                }
                // What opening did not read is damage to whoever reads it.
                let pairs = damaged.pairs().unwrap_or_else(|e| {
                    assert!(has_blocks(stage) && e.is_corrupt(), "{}: {e}", stage.name);
                    Vec::new()
                });
                let keys: Vec<_> = pairs.into_iter().map(|(key, _)| key).collect();
                let known = keys.iter().all(|key| [&b"a"[..], b"b", b"c", b"d"].contains(&key.as_slice()));
                assert!(known, "{}: {name} at {at}: {keys:?}", stage.name);
            }
        }
        assert!(hit > 4, "{}", stage.name);
    }
}

/// google/leveldb, issue 222: what a get refused as damaged, a scan gave or passed over.
#[test]
fn a_get_and_a_scan_agree_about_damage() {
    for stage in persistent("gets and scans") {
        let store = closed(stage);
        for (name, bytes) in store.files() {
            for at in 0..bytes.len() {
                let mut bytes = bytes.clone();
                bytes[at] ^= 0x10;
                let mut damaged = store.on(store.files());
                damaged.fs.plant(&name, bytes);
                if damaged.open().is_err() {
                    continue;
                }
                let refused = damaged.right_or_refused(format_args!("{name} at {at}"));
                let scan = damaged.pairs();
                match scan {
                    Ok(pairs) => {
                        assert!(refused.is_empty(), "{}: {name} at {at}: {refused:?}", stage.name);
                        assert!(same(&store.model, &pairs), "{}: {name} at {at}: {pairs:?}", stage.name);
                    }
                    // A scan also reads what is overwritten elsewhere and no get asks for. Then the damage is there.
                    Err(Error::Corrupt { file, .. }) if has_blocks(stage) => {
                        assert_eq!(file, name, "{} at {at}", stage.name);
                    }
                    Err(_) if !has_blocks(stage) && !refused.is_empty() => {}
                    Err(error) => panic!("{}: {name} at {at}: {error}", stage.name),
                }
            }
        }
    }
}

/// RocksDB before 8.6.0 (format 6): a block that was whole but lay in the place of another passed its checksum.
#[test]
fn a_record_in_the_place_of_another_is_noticed() {
    for stage in persistent("swapped records") {
        let mut store = Store::new(stage);
        for key in ["a", "b", "c", "d", "e", "f"] {
            store.run(&format!("put {key} \"{key}\"*30\n"));
        }
        store.run("close\n");
        let store = store.on(store.files());

        let all = store.files();
        let places: Vec<(&String, usize)> = all
            .iter()
            .flat_map(|(name, bytes)| {
                let record = |at: &usize| {
                    bytes[*at..*at + 30].windows(2).all(|two| two[0] == two[1] && two[0].is_ascii_lowercase())
                };
                (13..bytes.len().saturating_sub(30)).filter(record).map(move |at| (name, at - 13))
            })
            .collect();
        let places: Vec<_> = places.into_iter().filter(|(name, at)| all[*name].len() >= at + 43).collect();
        assert!(places.len() >= 6, "{}: {places:?}", stage.name);
        for ((one, at), (other, to)) in
            places.iter().flat_map(|one| places.iter().map(move |other| (*one, *other)))
        {
            if (one, at) >= (other, to) {
                continue;
            }
            let (mine, theirs) = (all[one][at..at + 43].to_vec(), all[other][to..to + 43].to_vec());
            let mut files = all.clone();
            files.get_mut(one).unwrap()[at..at + 43].copy_from_slice(&theirs);
            files.get_mut(other).unwrap()[to..to + 43].copy_from_slice(&mine);
            let mut swapped = store.on(files);
            if swapped.open().is_ok() {
                let refused =
                    swapped.right_or_refused(format_args!("{one} at {at} and {other} at {to} swapped"));
                assert!(!refused.is_empty(), "{}: {one} at {at} and {other} at {to}", stage.name);
            }
            let seen = (stage.verify)(&SimFs::holding(swapped.files())).unwrap();
            assert!(!seen.damage.is_empty(), "{}: {one} at {at} and {other} at {to}", stage.name);
        }
    }
}

/// weaviate, issue 12138: with ten files and more, those were read in the order of their text, and an older value won.
#[test]
fn more_than_a_hundred_files_count_in_the_order_of_their_numbers() {
    for stage in persistent("many files") {
        // A name that was set aside long ago makes the next number one digit longer on the way.
        for first in ["", "000007.log.aside", "000097.log.aside", "999997.log.aside"] {
            let mut store = Store::new(stage);
            if !first.is_empty() {
                store.run("put a 0\n");
                store.fs.plant(first, b"set aside".to_vec());
                store.run("kill\n");
            }
            for i in 0..130 {
                store.run(&format!("put a \"{i}\"*9\nput b{} \"{i}\"*20\n", i % 3));
            }
            store.run("delete b1\nput a last\n");
            for seed in 0..4 {
                let mut again = store.killed();
                again.fs.shuffle_lists(Some(seed));
                again.open().unwrap_or_else(|e| panic!("{}, {first}: {e}", stage.name));
                again.check(format_args!("after {first}, killed"));
                again.run("close\nput a later\nclose\n");
                again.check(format_args!("after {first}, closed"));
            }
        }
    }
}

/// pebble, issue 788; rocksdb, issue 7621: a file that was left over had the number that came next, and was overwritten or
/// stood in the way.
#[test]
fn the_number_of_a_leftover_is_neither_taken_again_nor_in_the_way() {
    for stage in persistent("leftover numbers") {
        for leftover in
            ["000002.log.tmp", "000001-000002.log.tmp", "000002.hint.tmp", "000005.log.aside", "CLEAN.tmp"]
        {
            let mut store = Store::new(stage);
            store.run("put a \"1\"*50\nput b \"2\"*50\n");
            let mut store = store.killed();
            store.fs.plant(leftover, b"left over".to_vec());
            store.open().unwrap_or_else(|e| panic!("{}, {leftover}: {e}", stage.name));
            store.run("put c \"3\"*50\nput a 4\nput d \"5\"*50\ncompact\nput e \"6\"*50\n");
            store.check_for_good(leftover);
            store.run("kill\n");
            if leftover.contains("aside") {
                assert_eq!(
                    store.files().get(leftover).map(Vec::as_slice),
                    Some(&b"left over"[..]),
                    "{}",
                    stage.name
                );
            }
        }
    }
}

/// fjall, issue 317: recovery began a file under a number that the opening after it passed over.
#[test]
fn what_recovery_begins_the_next_opening_finds() {
    for stage in persistent("files of recovery") {
        let mut store = Store::new(stage);
        store.run("put a \"1\"*50\nput b \"2\"*50\nput c \"3\"*50\n");
        let files = store.files();
        for lost in files.keys() {
            let mut again = store.on(files
                .iter()
                .filter(|(name, _)| *name != lost)
                .map(|(n, b)| (n.clone(), b.clone()))
                .collect());
            if again.open().is_err() {
                continue;
            }
            // Whatever is left now is what must stay, with what is written next.
            let left = again.pairs().unwrap();
            let keys: Vec<_> = left.iter().map(|(key, _)| key.as_slice()).collect();
            assert!(
                [&b"a"[..], b"b", b"c"].starts_with(&keys),
                "{}: {lost} lost leaves {keys:?}",
                stage.name
            );
            again.engine().put(b"d", b"4").unwrap();
            for _ in 0..2 {
                let next = again.killed();
                again = next;
                again.open().unwrap();
                let mut expected = left.clone();
                expected.push((b"d".to_vec(), b"4".to_vec()));
                assert_eq!(again.pairs().unwrap(), expected, "{}: {lost} lost", stage.name);
            }
        }
    }
}
