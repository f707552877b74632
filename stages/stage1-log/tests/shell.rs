//! The `stage1` program as a person and a script meet it: real processes, pipes, signals, damage and exit statuses.
#![cfg(all(unix, feature = "shell"))]
#![expect(clippy::disallowed_methods, reason = "the tests damage real files and feed real pipes")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// A folder for one test, with a store in `data/stage1` once something is put.
struct Folder(TempDir);

struct Ran {
    status: i32,
    out: Vec<u8>,
    err: String,
}

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stage1"));
        command.args(args).current_dir(self.0.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str], input: &[u8]) -> Ran {
        let mut child = self.command(args).spawn().unwrap();
        // A program that stops at an error leaves the rest unread.
        let _ = child.stdin.take().unwrap().write_all(input);
        ended(child.wait_with_output().unwrap())
    }

    /// Runs what must succeed and returns its results.
    fn ok(&self, args: &[&str], input: &[u8]) -> String {
        let ran = self.run(args, input);
        assert_eq!(ran.status, 0, "{args:?}: {}", ran.err);
        String::from_utf8(ran.out).unwrap()
    }

    /// Every file of the store with its bytes.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.path("data/stage1")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.map(|path| (name(&path), fs::read(&path).unwrap())).collect()
    }

    /// The store's only log.
    fn log(&self) -> std::path::PathBuf {
        let files = self.files();
        let logs: Vec<_> = files.keys().filter(|name| name.contains(".log")).collect();
        assert_eq!(logs.len(), 1, "{logs:?}");
        self.path("data/stage1").join(logs[0])
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn ended(output: Output) -> Ran {
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(!err.contains("panicked"), "{err}");
    Ran { status: output.status.code().unwrap_or(-1), out: output.stdout, err }
}

/// Many lines, in the order of their keys.
fn lines(count: usize) -> String {
    let lines: Vec<_> = (0..count).map(|n| format!("key{n:06}\tvalue {n}\n")).collect();
    lines.concat()
}

#[test]
fn what_is_put_is_there_for_the_next_process() {
    let folder = Folder::new();
    assert_eq!(folder.ok(&["put", "user:1", r#"{"name":"Alice","age":30}"#], b""), "");
    assert_eq!(folder.ok(&["get", "user:1"], b""), "{\"name\":\"Alice\",\"age\":30}\n");
    folder.ok(&[], b"PUT user:2 {\"name\":\"Bob\"}\nput \"a key\" \"\\x00\\xff\"\n");
    assert_eq!(folder.ok(&["get", "user:2"], b""), "{\"name\":\"Bob\"}\n");
    assert_eq!(folder.run(&["get", "--raw", "a key"], b"").out, b"\0\xff");
    assert_eq!(
        folder.ok(&["scan", "--json", "--limit", "1"], b""),
        "{\"key\":\"a key\",\"value\":{\"hex\":\"00ff\"}}\n"
    );
    assert!(folder.path("data/stage1").is_dir());
    assert_eq!(folder.ok(&["--dir", "elsewhere", "count"], b""), "0\n");
}

#[test]
fn every_exit_status() {
    let folder = Folder::new();
    folder.ok(&["put", "k", "v"], b"");
    for (args, status) in [
        (&["get", "k"][..], 0),
        (&["delete", "absent"], 0),
        (&["get", "absent"], 1),
        (&["exists", "absent"], 1),
        (&["create", "k", "w"], 1),
        (&["get"], 2),
        (&["scan", "--limt", "5"], 2),
        (&["scan", "-5"], 0),
        (&["scan", "--", "--limt"], 0),
        (&["nonsense"], 2),
        (&["get", "k", "--sync", "never"], 2),
        (&["get", "k", "--chunk-bytes", "1"], 2),
        (&["option", "chunk-bytes", "64KiB"], 2),
        (&["import", "absent.tsv"], 2),
        (&["inspect", "000009.log"], 3),
        (&["--dir", "absent", "verify"], 3),
        (&["--dir", "absent", "inspect"], 3),
        (&["--dir", "absent", "salvage", "new"], 3),
    ] {
        let ran = folder.run(args, b"");
        assert_eq!(ran.status, status, "{args:?}: {}", ran.err);
        assert!(status == 1 || ran.err.is_empty() == (status == 0), "{args:?}: {}", ran.err);
    }
    assert_eq!(folder.ok(&["get", "k"], b""), "v\n");
    assert!(!folder.path("absent").exists() && !folder.path("new").exists(), "looking makes nothing");
}

#[test]
fn export_and_import_are_the_identity() {
    let folder = Folder::new();
    let all: Vec<u8> = (0..=255).collect();
    let hex: Vec<_> = all.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    let hex = hex.concat();
    folder.ok(
        &[],
        format!("put \"{hex}\" \"{hex}{hex}\"\nput \"\" \"\"\nput \"\\\\t\" \"\\n\\t\\\\\"\n").as_bytes(),
    );
    let exported = folder.run(&["export"], b"").out;
    assert!(folder.ok(&["--dir", "other", "import", "-"], &exported).contains("3 entries"));
    assert_eq!(folder.run(&["--dir", "other", "export"], b"").out, exported);
}

#[test]
fn reports_are_json_on_request() {
    let folder = Folder::new();
    folder.ok(&["put", "k", "v"], b"");
    for args in [
        &["stats"][..],
        &["explain", "k"],
        &["verify"],
        &["inspect"],
        &["option"],
        &["step"],
        &["compact"],
        &["count"],
    ] {
        let text = folder.ok(&[args, &["--json"]].concat(), b"");
        assert!(!text.is_empty());
        for line in text.lines() {
            assert!(line.starts_with('{') && line.ends_with('}'), "{args:?}: {line}");
        }
    }
}

#[test]
fn a_second_process_is_refused_while_the_first_has_the_store() {
    let folder = Folder::new();
    let mut first = folder.command(&[]).spawn().unwrap();
    let mut input = first.stdin.take().unwrap();
    input.write_all(b"put a 1\nget a\n").unwrap();
    let mut answer = String::new();
    BufReader::new(first.stdout.as_mut().unwrap()).read_line(&mut answer).unwrap();
    assert_eq!(answer, "1\n", "answers come before the input ends");
    for args in [&["get", "a"][..], &["verify"], &["inspect"], &["salvage", "new"]] {
        let second = folder.run(args, b"");
        assert_eq!(second.status, 3, "{args:?}");
        assert!(second.err.contains("open in another process"), "{}", second.err);
    }
    assert!(!folder.path("new").exists());
    drop(input);
    assert!(first.wait().unwrap().success());
    assert_eq!(folder.ok(&["get", "a"], b""), "1\n");
}

#[test]
fn the_running_store_can_be_looked_into() {
    let folder = Folder::new();
    let out = folder.ok(&[], b"put k v\ninspect\nverify\nsalvage new\n");
    for text in ["000001.log", "key length", "no damage", "saved into new; nothing was lost"] {
        assert!(out.contains(text), "{text}: {out}");
    }
    assert_eq!(folder.ok(&["--dir", "new", "get", "k"], b""), "v\n");
}

#[test]
fn a_reader_who_leaves_ends_a_scan_quietly() {
    let folder = Folder::new();
    folder.ok(&["import", "-"], lines(50_000).as_bytes());
    for command in ["scan", "export", "inspect"] {
        let mut child = folder.command(&[command]).spawn().unwrap();
        let mut line = String::new();
        BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ran = ended(child.wait_with_output().unwrap());
        assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{command}");
    }
    assert_eq!(folder.ok(&["verify", "--json"], b"").matches("\"damage\":[]").count(), 1);
}

/// Starts an import that is fed and never ended.
fn endless_import(folder: &Folder, input: &str) -> Child {
    let mut child = folder.command(&["import", "-"]).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(input.as_bytes()).unwrap();
    child
}

#[test]
fn a_killed_import_leaves_a_prefix() {
    let folder = Folder::new();
    let input = lines(100_000);
    let mut child = endless_import(&folder, &input);
    child.kill().unwrap();
    child.wait().unwrap();
    let exported = folder.run(&["export"], b"");
    assert!(exported.err.contains("had not been closed"), "{}", exported.err);
    assert!(exported.out.len() > 1 << 20, "most of it had been read");
    assert!(input.as_bytes().starts_with(&exported.out), "what is there is not a prefix");
    assert_eq!(folder.run(&["verify"], b"").status, 0);
}

#[test]
fn ctrl_c_ends_an_import_politely_while_it_waits_for_input() {
    let folder = Folder::new();
    let input = lines(100_000);
    let mut child = endless_import(&folder, &input);
    let signal = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &signal]).status().unwrap().success());
    // The input stays open: it must not be what ends it.
    let _open = child.stdin.take().unwrap();
    let ran = ended(child.wait_with_output().unwrap());
    assert_eq!(ran.status, 130, "{}", ran.err);
    let exported = folder.run(&["export"], b"");
    assert_eq!(exported.err, "", "it was closed");
    assert!(input.as_bytes().starts_with(&exported.out), "what is there is not a prefix");
    let count = exported.out.split_inclusive(|&byte| byte == b'\n').count();
    let said: String = ran.err.chars().filter(char::is_ascii_digit).collect();
    assert_eq!(said, count.to_string(), "{}", ran.err);
}

/// What somebody did to a closed store, and what its opening says then.
type Misdeed = (fn(&Folder), &'static str);

const DAMAGES: [Misdeed; 3] = [
    (
        |folder| {
            let mut bytes = fs::read(folder.log()).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(folder.log(), bytes).unwrap();
        },
        "damaged at offset",
    ),
    (
        |folder| {
            let bytes = fs::read(folder.log()).unwrap();
            fs::write(folder.log(), &bytes[..bytes.len() - 1]).unwrap();
        },
        "damaged at offset",
    ),
    (|folder| fs::remove_file(folder.log()).unwrap(), "000001.log"),
];

#[test]
fn damage_after_a_clean_close_is_reported_with_file_and_offset_and_nothing_is_changed() {
    for (damage, says) in DAMAGES {
        let folder = Folder::new();
        folder.ok(&["import", "-"], lines(100).as_bytes());
        damage(&folder);
        let before = folder.files();
        for args in [&["get", "key000001"][..], &["verify"], &["inspect"], &["scan"]] {
            let ran = folder.run(args, b"");
            // Without the log there is nothing to inspect but an intact mark of the close.
            if args != ["inspect"] || before.len() > 1 {
                assert_eq!(ran.status, 3, "{args:?}: {}", ran.err);
            }
            if args == ["get", "key000001"] {
                assert!(ran.err.contains(says) && ran.err.contains("salvage NEW"), "{}", ran.err);
            }
        }
        assert!(folder.files() == before, "looking changed something");
    }
}

#[test]
fn salvage_saves_the_rest() {
    let folder = Folder::new();
    folder.ok(&["import", "-"], lines(100).as_bytes());
    let mut bytes = fs::read(folder.log()).unwrap();
    let at = bytes.windows(8).position(|window| window == b"value 50").unwrap();
    bytes[at] ^= 1;
    fs::write(folder.log(), bytes).unwrap();
    let before = folder.files();
    let ran = folder.run(&["salvage", "new"], b"");
    assert_eq!(ran.status, 3, "{}", ran.err);
    let out = String::from_utf8(ran.out).unwrap();
    assert!(out.contains("lost: 000001.log at offset") && out.contains("99 entries"), "{out}");
    assert!(folder.files() == before, "salvage changed something");
    assert_eq!(folder.ok(&["--dir", "new", "count"], b""), "99\n");
    assert_eq!(folder.run(&["--dir", "new", "get", "key000050"], b"").status, 1);
    assert_eq!(folder.run(&["salvage", "new"], b"").status, 2, "a store is not salvaged into another");
}

#[test]
fn a_torn_tail_is_told_and_cut() {
    let folder = Folder::new();
    let mut child = endless_import(&folder, &lines(100_000));
    child.kill().unwrap();
    child.wait().unwrap();
    let bytes = fs::read(folder.log()).unwrap();
    fs::write(folder.log(), &bytes[..bytes.len() - 5]).unwrap();
    let ran = folder.run(&["stats", "--json"], b"");
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.err.contains("cut from 000001.log at offset"), "{}", ran.err);
    assert!(ran.out.starts_with(b"{"), "results stay what they are");
    assert_eq!(folder.run(&["stats"], b"").err, "", "it is told once");
}

#[test]
fn the_tour_is_the_same_each_time() {
    let folder = Folder::new();
    let tour = folder.ok(&["tour"], b"");
    assert_eq!(folder.ok(&["tour", "--no-pause"], b""), tour);
    let temporary = std::env::temp_dir();
    assert!(!tour.contains(&*temporary.to_string_lossy()) && tour.contains("> crash"), "{tour}");
    assert!(!folder.path("data").exists(), "it has a store of its own");
}

#[test]
fn a_full_device_is_an_error_of_the_output() {
    let folder = Folder::new();
    folder.ok(&["put", "k", "v"], b"");
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let output = folder.command(&["get", "k"]).stdout(full).output().unwrap();
    let ran = ended(output);
    assert_eq!(ran.status, 3);
    assert!(ran.err.contains("cannot write the output"), "{}", ran.err);
}

#[test]
fn input_that_is_closed_is_empty() {
    let folder = Folder::new();
    let program = env!("CARGO_BIN_EXE_stage1");
    let mut child = Command::new("sh");
    child.args(["-c", &format!("'{program}' <&-")]).current_dir(folder.0.path());
    let ran = ended(child.output().unwrap());
    assert_eq!((ran.status, ran.out.as_slice(), ran.err.as_str()), (0, &b""[..], ""));
}
