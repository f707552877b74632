//! Stage 3's program, as a person runs it.
#![cfg(feature = "shell")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn stage3(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_stage3"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_tour_goes_to_its_end() {
    let out = stage3(&["tour"], "");
    assert!(out.status.success(), "{}\n{}", text(&out.stdout), text(&out.stderr));
    let said = text(&out.stdout);
    for part in ["(8 of 8)", "footer of a table", "a tombstone", "no damage"] {
        assert!(said.contains(part), "«{part}» is missing in\n{said}");
    }
}

#[test]
fn a_store_is_flushed_drawn_and_compacted_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("store").to_str().unwrap().to_owned();
    let lines = "put a 1\nflush\nput b 2\ndelete a\nflush\ntree\ncompact\ntree\nget b\nverify\n";
    let out = stage3(&["--dir", &dir, "--by-hand"], lines);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let said = text(&out.stdout);
    let runs = said.lines().filter(|line| line.starts_with("run ")).count();
    assert_eq!(runs, 3, "two runs, and then one, in\n{said}");
    assert!(said.contains("1 entries, 0 tombstones") && said.contains("no damage"), "{said}");
    let manifest = stage3(&["--dir", &dir, "inspect", "000002.manifest"], "");
    assert!(text(&manifest.stdout).contains("is not needed any more"), "{}", text(&manifest.stdout));
}
