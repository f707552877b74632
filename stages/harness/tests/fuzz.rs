//! The inputs that are kept, tried again; and a few hundred new ones for each target, so that a mistake in a target itself
//! shows here and not in a long run.
#![expect(clippy::disallowed_methods, reason = "it reads the inputs that are kept")]

use harness::crash::mix;
use harness::fuzz::kept::{Kept, folders};
use harness::fuzz::{TARGETS, Verdict};
use harness::seeds::{seeds, side_by_side};
use std::collections::BTreeSet;
use std::path::PathBuf;

#[test]
fn what_is_kept_is_judged_as_it_was() {
    side_by_side(folders().collect::<Vec<_>>(), |(target, folder)| {
        let ready = target.ready();
        let files = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        paths.sort();
        assert!(!paths.is_empty(), "nothing is kept for {}", target.name);
        for path in paths {
            let text = std::fs::read_to_string(&path).unwrap();
            let kept = Kept::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let verdict =
                ready.check(&kept.input).unwrap_or_else(|e| panic!("{} breaks {e}", path.display()));
            assert_eq!(verdict, kept.expect, "{}", path.display());
        }
    });
}

#[test]
fn every_target_refuses_something_and_takes_something() {
    let seeds = seeds("every_target_refuses_something_and_takes_something", 300);
    side_by_side(TARGETS.iter(), |target| {
        let ready = target.ready();
        let mut seen = BTreeSet::new();
        for seed in seeds.clone() {
            let bytes: Vec<u8> = (0..3).flat_map(|i| mix(&[seed, i]).to_le_bytes()).collect();
            let input = &bytes[..2 + usize::try_from(seed % 20).unwrap()];
            let verdict =
                ready.check(input).unwrap_or_else(|e| panic!("{} breaks {e}\n{input:02x?}", target.name));
            seen.insert(verdict);
        }
        let both = BTreeSet::from([Verdict::Refused, Verdict::Taken]);
        assert!(seeds.end - seeds.start == 1 || seen.is_superset(&both), "{}: {seen:?}", target.name);
    });
}
