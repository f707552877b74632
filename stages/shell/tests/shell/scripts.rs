//! Whole scripts: where they stop, what a batch becomes, and that nothing is lost on the way out and back in.

use crate::{quoted, results, run_on, script_of};
use contract::oracle;
use proptest::prelude::*;
use std::fmt::Write;

#[test]
fn an_absent_key_is_an_answer_and_the_script_goes_on() {
    let ran = script_of(&[], "get k\nexists k\ndelete k\nput k v\nget k");
    assert_eq!((ran.status, ran.out.as_slice()), (0, &b"false\nv\n"[..]));
    assert_eq!(ran.err, "(absent)\n");
    for absent in ["get k", "exists k", "explain k", "put k v\nrm k\nget k"] {
        assert_eq!(script_of(&[], absent).status, 1, "{absent}");
    }
    for argv in [["get", "k"], ["exists", "k"], ["explain", "k"]] {
        assert_eq!(script_of(&argv, "").status, 1, "{argv:?}");
    }
}

#[test]
fn a_batch_is_written_by_commit_and_by_nothing_else() {
    assert_eq!(results("put old 1\nbatch\nput a 1\ndel old\nscan\ncommit\nscan"), "old\t1\na\t1\n");
    let aborted = script_of(&[], "batch\nput a 1\nabort\ncount");
    assert_eq!((aborted.status, aborted.out.as_slice()), (0, &b"0\n"[..]));
    assert!(aborted.err.contains("discarded"), "{}", aborted.err);
    let ended = script_of(&[], "batch\nput a 1\n");
    assert_eq!(ended.status, 2);
    assert!(ended.err.contains("discarded; 1 entry not written"), "{}", ended.err);
    for refused in ["create k v", "import -", "batch", "compact"] {
        let ran = script_of(&["--keep-going"], &format!("batch\n{refused}\n"));
        assert_eq!(ran.status, 2, "{refused}");
        assert!(ran.err.contains("cannot be part of a batch"), "{}", ran.err);
    }
    for orphan in ["commit", "abort"] {
        assert_eq!(script_of(&[], orphan).status, 2);
    }
}

#[test]
fn after_an_error_in_a_batch_its_other_lines_are_not_single_puts() {
    let ran = script_of(&["--keep-going"], "batch\nput a 1\nnonsense\nput b 2\ncommit\nput c 3\nscan");
    assert_eq!((ran.status, ran.out.as_slice()), (2, &b"c\t3\n"[..]));
    assert_eq!(ran.err.matches("error").count(), 2, "{}", ran.err);
}

#[test]
fn a_script_stops_at_the_first_error_unless_told_otherwise() {
    let script = "put a 1\n# a remark\n\nnonsense\nput b 2\ncount";
    let stopped = script_of(&[], script);
    assert_eq!((stopped.status, stopped.out.as_slice()), (2, &b""[..]));
    assert!(stopped.err.starts_with("error: line 4: "), "{}", stopped.err);
    let kept = script_of(&["--keep-going"], script);
    assert_eq!((kept.status, kept.out.as_slice()), (2, &b"2\n"[..]));
    assert_eq!(script_of(&[], "put a 1\nquit\nnonsense").status, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn export_then_import_is_the_identity(pairs: Vec<(Vec<u8>, Vec<u8>)>) {
        let mut script = String::new();
        for (key, value) in &pairs {
            writeln!(script, "put {} {}", quoted(key), quoted(value)).unwrap();
        }
        let exported = script_of(&[], &format!("{script}export")).out;
        let model: std::collections::BTreeMap<_, _> = pairs.into_iter().collect();
        prop_assert_eq!(exported.split(|&b| b == b'\n').count(), model.len() + 1);

        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &exported).unwrap();
        let again = script_of(&[], &format!("import {}\nexport", file.path().display())).out;
        let first = again.iter().position(|&b| b == b'\n').unwrap();
        prop_assert_eq!(&again[first + 1..], exported.as_slice());
        for (key, value) in &model {
            let raw = script_of(&[], &format!("import {}\nget --raw {}", file.path().display(), quoted(key)));
            prop_assert_eq!(&raw.out[first + 1..], value.as_slice());
        }
    }

    #[test]
    fn no_script_is_too_strange_to_be_answered(script: Vec<u8>) {
        let ran = run_on(&oracle::STAGE, &["--keep-going"], script);
        prop_assert!([0, 1, 2].contains(&ran.status));
    }
}

/// A writer whose reader has gone after some bytes.
struct Gone(usize);

impl std::io::Write for Gone {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0 == 0 {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        let n = bytes.len().min(self.0);
        self.0 -= n;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_who_leaves_ends_it_quietly() {
    for bytes in [0, 1, 100] {
        let mut err = Vec::new();
        let script = format!("put k {}\nget k\nget k\nbatch", "v".repeat(200_000));
        let status = shell::run(&oracle::STAGE, ["x"], script.as_bytes(), Gone(bytes), &mut err);
        assert_eq!((status, err.as_slice()), (0, &b""[..]));
    }
}
