//! The `stage2` program as a person and a script meet it: what stage 1's program does is tested there; here are the
//! index, the segments and the hints.
#![cfg(all(unix, feature = "shell"))]
#![expect(clippy::disallowed_methods, reason = "the tests damage real files and feed real pipes")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A folder for one test, with a store in `data/stage2` once something is put.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stage2"));
        command.args(args).current_dir(self.0.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Exit status, results and remarks.
    fn run(&self, args: &[&str], input: &str) -> (i32, String, String) {
        let mut child = self.command(args).spawn().unwrap();
        // A program that stops at an error leaves the rest unread.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let remarks = text(output.stderr);
        assert!(!remarks.contains("panicked"), "{remarks}");
        (output.status.code().unwrap_or(-1), text(output.stdout), remarks)
    }

    fn ok(&self, args: &[&str], input: &str) -> String {
        let (status, results, remarks) = self.run(args, input);
        assert_eq!(status, 0, "{args:?}: {remarks}");
        results
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join("data/stage2").join(name)
    }

    /// The store's files of a kind, sorted.
    fn names(&self, ending: &str) -> Vec<String> {
        let entries = fs::read_dir(self.file("")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| name.ends_with(ending));
        names.sort();
        names
    }
}

/// Many lines, in the order of their keys.
fn lines(count: usize) -> String {
    let lines: Vec<_> = (0..count).map(|n| format!("key{n:06}\tvalue {n}\n")).collect();
    lines.concat()
}

#[test]
fn the_threshold_is_changed_in_the_running_store_under_both_names() {
    let folder = Folder::new();
    folder.ok(
        &["--by-hand"],
        &format!(
            "set_threshold 200
{}",
            "put key value
"
            .repeat(20)
        ),
    );
    assert!(folder.names(".log").len() > 1);
    let shown = folder.ok(&[], "option segment-bytes 1MiB\noption segment-bytes\n");
    assert!(shown.contains("1MiB"), "{shown}");
    let (status, _, why) = folder.run(&[], "set_threshold 5\n");
    assert!(status == 2 && why.contains("between 128"), "{status} {why}");
}

#[test]
fn the_index_is_saved_and_built_anew_on_request() {
    let folder = Folder::new();
    folder.ok(&["--segment-bytes", "4KiB", "import", "-"], &lines(1000));
    folder.ok(&["put", "key000001", "another"], "");
    for command in
        ["reindex", "load_index", "reindex --hints", "load_index_snapshot", "hint", "save_index_snapshot"]
    {
        let words: Vec<_> = command.split(' ').chain(["--json"]).collect();
        let report = folder.ok(&words, "");
        assert!(report.contains("\"seconds\""), "{command}: {report}");
        assert!(
            command == "save_index_snapshot"
                || command == "hint"
                || report.contains(r#""differences":{"unit":"count","value":0}"#)
        );
    }
    assert_eq!(folder.names(".hint").len(), folder.names(".log").len());
    assert_eq!(folder.ok(&["get", "key000001"], ""), "another\n");
    // A hint speaks for what is on the device. What was written just now must be there first, or it is not saved.
    let report = folder.ok(&[], "put key000002 another\nhint\nreindex --hints --json\n");
    assert!(report.contains(r#""from-segments":{"unit":"count","value":0}"#), "{report}");
}

#[test]
fn a_damaged_hint_is_told_and_a_damaged_segment_is_an_error_with_its_place() {
    let folder = Folder::new();
    folder.ok(&["--segment-bytes", "4KiB", "import", "-"], &lines(500));
    let flip = |name: &str, at: usize| {
        let mut bytes = fs::read(folder.file(name)).unwrap();
        bytes[at] ^= 1;
        fs::write(folder.file(name), bytes).unwrap();
    };
    flip("000002.hint", 100);
    let (status, _, _) = folder.run(&["verify"], "");
    assert_eq!(status, 3);
    let (status, count, told) = folder.run(&["count"], "");
    assert!(status == 0 && count == "500\n" && told.contains("000002.hint"), "{status} {count} {told}");
    folder.ok(&["hint"], "");
    assert_eq!(folder.run(&["verify"], "").0, 0, "the hint was written anew");

    flip("000002.log", 100);
    let (status, found, _) = folder.run(&["verify"], "");
    assert!(status == 3 && found.contains("000002.log"), "{status} {found}");
    let (status, _, told) = folder.run(&["export"], "");
    assert!(status == 3 && told.contains("000002.log is damaged at offset"), "{status} {told}");
    assert_eq!(folder.ok(&["get", "key000000"], ""), "value 0\n", "what lies elsewhere can be read");
    folder.run(&["salvage", "saved"], "");
    assert_eq!(folder.ok(&["--dir", "saved", "count"], ""), "499\n");
}

#[test]
fn a_killed_import_leaves_a_prefix() {
    let folder = Folder::new();
    let input = lines(2_000_000);
    let mut child = folder.command(&["--segment-bytes", "256KiB", "import", "-"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let fed = std::thread::scope(|scope| {
        let feeder = scope.spawn(move || stdin.write_all(input.as_bytes()));
        // Some segments are full by then, and some have been synced, hinted, or neither.
        while !folder.file("000012.log").exists() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        feeder.join().unwrap()
    });
    assert!(fed.is_err(), "it was killed before it had read everything");
    let (status, exported, told) = folder.run(&["export"], "");
    assert!(status == 0 && told.contains("had not been closed"), "{status} {told}");
    let left = exported.lines().count();
    assert!(left > 1000 && lines(2_000_000).starts_with(&exported), "{left} entries, not a prefix");
}

#[test]
fn the_tour_is_the_same_each_time() {
    let folder = Folder::new();
    let first = folder.ok(&["tour"], "");
    assert_eq!(first, folder.ok(&["tour"], ""));
    assert!(first.contains("000001-000003.log") && first.contains("differences    0"));
    assert!(!folder.0.path().join("data").exists());
}

#[test]
fn a_second_process_is_refused_while_the_first_has_the_store() {
    let folder = Folder::new();
    let mut first = folder.command(&[]).spawn().unwrap();
    let mut input = first.stdin.take().unwrap();
    input.write_all(b"put k v\nget k\n").unwrap();
    let mut line = String::new();
    BufReader::new(first.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "v\n");
    let (status, _, why) = folder.run(&["get", "k"], "");
    assert!(status == 3 && why.contains("open in another process"), "{status} {why}");
    drop(input);
    assert!(first.wait().unwrap().success());
    assert_eq!(folder.ok(&["get", "k"], ""), "v\n");
}
