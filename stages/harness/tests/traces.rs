//! The system calls of real processes, and every image that they can leave.
//!
//! A process works on a real folder, and `strace` writes down what it asks the kernel for. The calls are done once more on a
//! simulated disk, which leaves an image at each of them: for the death of the process, and for power loss under which what
//! was not synced is gone, or the names are that were not. What the process said in between says what must be there.
//!
//! So nothing is taken on trust of what lies between an engine and the kernel: what the real filesystem's adapter does not ask
//! for is missing in the images. Where there is no `strace`, or it may not look, that is said.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

#[path = "traces/strace.rs"]
mod strace;

use contract::{KeyRange, Options, Stage};
use harness::model::Model;
use harness::ops::{Shape, generate, text};
use harness::registry::persistent;
use harness::seeds::{not_applicable, seeds};
use harness::settings;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use strace::{ASKED, Call, name_in};
use tempfile::TempDir;
use vfs::sim::{Crash, CrashKind, SimFs};
use vfs::{File, Vfs};

/// A process's life, done once more on a simulated disk.
struct Life {
    fs: SimFs,
    /// For each call to the disk, and for the end, how many operations were acknowledged before it.
    acknowledged: Vec<usize>,
}

#[test]
fn every_image_of_a_traced_process_holds_what_it_acknowledged() {
    for stage in persistent("traced process") {
        for seed in seeds("traced process", 1) {
            for sync in ["every-write", "on-request"] {
                let options = settings::draw(stage, seed).with("sync", sync).unwrap();
                if let Err(why) = check(stage, seed, &options) {
                    return not_applicable("traced process", [why]);
                }
            }
        }
    }
}

/// Traces the operations of `seed`, and judges every image. An error says why nothing could be traced.
fn check(stage: &'static Stage, seed: u64, options: &Options) -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let dir = folder.path().canonicalize().unwrap();
    let life = relive(&trace(stage, &dir, options, seed)?, &dir.join("store"));
    let ops = generate(seed, &Shape::long_life());
    let states = Model::history(&ops);
    let always = settings::show(options).contains("every-write");
    let mut images = 0;
    for at in 0..=life.fs.calls() {
        let done = life.acknowledged[usize::try_from(at).unwrap()];
        let durable = (0..=done).rev().find(|n| always || *n == 0 || ops[n - 1].makes_durable()).unwrap_or(0);
        let kill = Crash::new(CrashKind::ProcessKill, 0);
        let all_names = (1 << life.fs.pending_names(at).min(63)) - 1;
        let lost_unsynced = Crash::outcome(all_names);
        let nothing_but_synced = Crash::outcome(0);
        let names_lost = Crash::new(CrashKind::Names, at).names(0);
        let rules = [
            ("after a kill", kill, done),
            ("without what was not synced", lost_unsynced, durable),
            ("without names that were not synced", names_lost, durable),
            ("without both", nothing_but_synced, durable),
        ];
        for (rule, crash, least) in rules {
            images += 1;
            let found = content(stage, &life.fs.image(at, &crash), options);
            let reached = (least..=(done + 1).min(ops.len()))
                .find(|n| found.as_ref().is_ok_and(|f| is(f, &states[*n])));
            assert!(
                reached.is_some(),
                "{}, seed {seed}, {}: call {at}, {rule}: {done} operations were acknowledged, {least} of them for good; \
                 the store says {found:?}. The last:\n{}\n{}",
                stage.name,
                settings::show(options),
                text::to_text(&ops[least.saturating_sub(3)..(done + 1).min(ops.len())]),
                life.fs
                    .story()
                    .into_iter()
                    .take(usize::try_from(at).unwrap() + 1)
                    .collect::<Vec<_>>()
                    .join("\n"),
            );
        }
    }
    assert!(
        life.acknowledged.last() == Some(&ops.len()),
        "{}: the process did not come to its end",
        stage.name
    );
    tell(stage, images);
    Ok(())
}

#[expect(clippy::print_stderr, reason = "a test says what it did")]
fn tell(stage: &Stage, images: u64) {
    eprintln!("{}: {images} images of a traced process", stage.name);
}

/// What `strace` says of a process that does the operations of `seed` on a new store.
fn trace(stage: &Stage, dir: &Path, options: &Options, seed: u64) -> Result<Vec<Call>, String> {
    let to = dir.join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-xx", "-s", "2097152", "-e", "signal=none", "-e", ASKED, "-o"]).arg(&to);
    command.arg(env!("CARGO_BIN_EXE_worker")).arg(stage.name).arg(dir.join("store"));
    command.args(options.iter().map(|(spec, value)| format!("{}={value}", spec.name)));
    command.args(["--", "run", &seed.to_string(), "0"]);
    let done = command.stdin(Stdio::null()).output().map_err(|e| format!("strace does not start: {e}"))?;
    let said = String::from_utf8_lossy(&done.stderr);
    if said.contains("ptrace") || said.contains("PTRACE") {
        return Err(format!("strace may not look: {}", said.trim()));
    }
    assert!(done.status.success(), "{}: {said}", stage.name);
    let text = std::fs::read_to_string(to).unwrap();
    Ok(text.lines().map(strace::read).collect())
}

/// Does the calls once more, on a simulated disk.
fn relive(trace: &[Call], store: &Path) -> Life {
    let fs = SimFs::new();
    let mut open: BTreeMap<String, (Arc<dyn File>, u64)> = BTreeMap::new();
    let (mut acknowledged, mut done) = (Vec::new(), 0);
    for call in trace {
        let name = |path: &Path| name_in(store, path);
        match call {
            Call::Nothing => {}
            Call::Said(line) => done = line.trim().parse().map_or(done, |i: usize| i + 1),
            Call::Create(path) => {
                if let Some(name) = name(path) {
                    open.insert(name.clone(), (fs.create(&name).unwrap(), 0));
                }
            }
            Call::Append { file, offset, data } => {
                let (file, end) = open.get_mut(&name(file).unwrap()).unwrap();
                assert_eq!(*offset, *end, "every write appends");
                file.append(data).unwrap();
                *end += data.len() as u64;
            }
            Call::Truncate { file, size } => {
                let (file, end) = open.get_mut(&name(file).unwrap()).unwrap();
                file.truncate(*size).unwrap();
                *end = *size;
            }
            Call::Reserve { file, offset, bytes } => {
                let (file, end) = &open[&name(file).unwrap()];
                assert_eq!(offset, end, "room is reserved behind the end");
                file.reserve(*bytes).unwrap();
            }
            Call::Sync(path) if path == store => fs.sync_dir().unwrap(),
            Call::Sync(path) => {
                if let Some(name) = name(path) {
                    open[&name].0.sync().unwrap();
                }
            }
            Call::Rename { from, to } => {
                let (from, to) = (name(from).unwrap(), name(to).unwrap());
                fs.rename(&from, &to).unwrap();
                let file = open.remove(&from).unwrap();
                open.insert(to, file);
            }
            Call::Remove(path) => {
                let name = name(path).unwrap();
                fs.remove(&name).unwrap();
                open.remove(&name);
            }
        }
        acknowledged.resize(usize::try_from(fs.calls()).unwrap().max(acknowledged.len()), done);
    }
    acknowledged.push(done);
    Life { fs, acknowledged }
}

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn content(stage: &Stage, image: &SimFs, options: &Options) -> contract::Result<Pairs> {
    let (engine, _) = (stage.open)(Arc::new(image.clone()), options)?;
    engine.scan(KeyRange::all())?.collect()
}

fn is(found: &Pairs, state: &Model) -> bool {
    found.iter().map(|(key, value)| (key.as_slice(), value.as_slice())).eq(state.pairs())
}

/// Operations as they are in a trace, and what would be misread.
#[test]
fn lines_of_a_trace_are_read() {
    let create = r#"17802 openat(AT_FDCWD</tmp>, "\x2f\x73\x2f\x61", O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0666) = 5<\x2f\x73\x2f\x61>"#;
    assert_eq!(strace::read(create), Call::Create("/s/a".into()));
    let append = r#"pwrite64(5<\x2f\x73\x2f\x61>, "\x00\x2c\x20", 3, 96) = 2"#;
    assert_eq!(
        strace::read(append),
        Call::Append { file: "/s/a".into(), offset: 96, data: vec![0, 0x2c] },
        "what was not written is not there"
    );
    assert_eq!(strace::read(r#"write(1<\x2f\x6f>, "\x37\x0a", 2) = 2"#), Call::Said("7\n".into()));
    assert_eq!(strace::read(r#"unlink("\x2f\x73") = -1 ENOENT (No such file or directory)"#), Call::Nothing);
    assert_eq!(strace::read("17802 +++ exited with 0 +++"), Call::Nothing);
    assert_eq!(name_in(Path::new("/s"), Path::new("/s/a")).as_deref(), Some("a"));
    assert!(std::panic::catch_unwind(|| strace::read("mystery(1) = 0")).is_err());
}
