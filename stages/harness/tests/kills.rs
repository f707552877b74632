//! Real processes on real files: killed in the middle of their work, out of room, and open two hundred times.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Engine, KeyRange, Stage};
use harness::invariant::Invariant;
use harness::model::Model;
use harness::ops::generate::rng;
use harness::ops::{Shape, generate, text};
use harness::registry::persistent;
use harness::seeds::{not_applicable, seeds};
use harness::settings;
use rand::RngExt as _;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;
use vfs::OsFs;

const WORKER: &str = env!("CARGO_BIN_EXE_worker");

fn arguments(stage: &Stage, dir: &Path, options: &contract::Options, command: &[&str]) -> Vec<String> {
    let mut args = vec![stage.name.to_owned(), dir.display().to_string()];
    args.extend(options.iter().map(|(spec, value)| format!("{}={value}", spec.name)));
    args.push("--".into());
    args.extend(command.iter().map(|word| (*word).to_owned()));
    args
}

fn start(stage: &Stage, dir: &Path, options: &contract::Options, command: &[&str]) -> Child {
    let mut worker = Command::new(WORKER);
    worker.args(arguments(stage, dir, options, command));
    worker.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

fn open(
    stage: &Stage,
    dir: &Path,
    options: &contract::Options,
) -> (Arc<dyn Engine>, contract::RecoveryReport) {
    let opened = (stage.open)(Arc::new(OsFs::create(dir).unwrap()), options);
    opened.unwrap_or_else(|e| panic!("{}: {} does not open: {e}", Invariant::TornTail, stage.name))
}

fn holds(engine: &dyn Engine, model: &Model) -> bool {
    let mut pairs = model.pairs();
    let mut scan = engine.scan(KeyRange::all()).unwrap().map(Result::unwrap);
    scan.by_ref().all(|(key, value)| pairs.next() == Some((&key, &value))) && pairs.next().is_none()
}

#[test]
fn a_killed_process_loses_nothing_that_it_acknowledged() {
    for stage in persistent("killed process") {
        for seed in seeds("killed process", 4) {
            kill_again_and_again(stage, seed);
        }
    }
}

/// Runs the operations of `seed` to their end, with a kill every few acknowledgements. After each, the store must
/// hold what was acknowledged, or that and the one operation that was under way.
fn kill_again_and_again(stage: &Stage, seed: u64) {
    let dir = TempDir::new().unwrap();
    let store = dir.path().join("store");
    let shape = Shape::long_life();
    let ops = generate(seed, &shape);
    let states = Model::history(&ops);
    let mut rng = rng(seed);
    let (mut done, mut kills) = (0, 0_u64);
    while done < ops.len() {
        let options = settings::draw(stage, seed.wrapping_add(kills));
        let mut worker = start(stage, &store, &options, &["run", &seed.to_string(), &done.to_string()]);
        let patience: usize = rng.random_range(0..30);
        let mut lines = BufReader::new(worker.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut acknowledged = done;
        let mut hear = |line: String| acknowledged = line.parse().map_or(acknowledged, |i: usize| i + 1);
        lines.by_ref().take(patience).for_each(&mut hear);
        worker.kill().unwrap();
        lines.for_each(&mut hear);
        worker.wait().unwrap();
        kills += 1;

        let (engine, _) = open(stage, &store, &settings::draw(stage, !seed));
        let possible = acknowledged..=(acknowledged + 1).min(ops.len());
        let Some(reached) = possible.clone().find(|n| holds(&*engine, &states[*n])) else {
            let earlier = (0..acknowledged).rev().find(|n| holds(&*engine, &states[*n]));
            panic!(
                "{} breaks {}\n  seed {seed}, kill {kills}: {acknowledged} operations were acknowledged since the \
                 first opening; the store holds what it held after {earlier:?}. The last few:\n{}",
                stage.name,
                if earlier.is_some() { Invariant::Durability } else { Invariant::Prefix },
                text::to_text(&ops[acknowledged.saturating_sub(5)..*possible.end()])
            );
        };
        // Every other time the store is closed well in between.
        if kills % 2 == 0 {
            engine.close().unwrap();
        }
        done = reached;
    }
    eprintln_kills(stage, seed, kills);
}

#[expect(clippy::print_stderr, reason = "a test says what it did")]
fn eprintln_kills(stage: &Stage, seed: u64, kills: u64) {
    eprintln!("{}: seed {seed}, {kills} kills", stage.name);
}

#[test]
fn a_write_after_a_full_disk_is_kept_or_refused() {
    for stage in persistent("full disk") {
        for options in settings::variants(stage) {
            let shown = settings::show(&options);
            let mut filled = 0;
            for room in [0, 1, 4, 11, 12, 13, 29, 500, 39_999, 40_000, 40_015] {
                assert!(fills_up(stage, &options, room, "disk"), "{} with {shown}, room {room}", stage.name);
                filled += u32::from(fills_up(stage, &options, room, "file"));
            }
            if filled == 0 {
                let what = format!("a limit for each file never fills {} with {shown}", stage.name);
                not_applicable("full disk", [what]);
            }
        }
    }
}

/// Fills the disk, and looks whether every write is there that was acknowledged. False if it never was full.
fn fills_up(stage: &Stage, options: &contract::Options, room: u64, limit: &str) -> bool {
    let dir = TempDir::new().unwrap();
    let store = dir.path().join("store");
    // The signal that comes with the error would kill the worker; ignoring it is inherited.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", WORKER]);
    shell.args(arguments(stage, &store, options, &["fill", &room.to_string(), limit]));
    let output = shell.output().unwrap();
    let shown = format!("{} with {}, {limit} with room for {room}", stage.name, settings::show(options));
    let what = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown}: {what}");
    let said = String::from_utf8(output.stdout).unwrap();
    let (engine, _) = open(stage, &store, options);
    for number in said.lines().filter_map(|line| line.parse::<u32>().ok()) {
        let found = engine.contains(format!("{number:06}").as_bytes()).unwrap();
        let failed = Invariant::FailedWrite;
        assert!(found, "{failed}: {shown}: write {number} was acknowledged and is gone");
    }
    !said.contains("never full")
}

/// A store of one key has no more files than this, however often it was opened.
const FEW_FILES: usize = 8;

#[test]
#[cfg(target_os = "linux")]
fn descriptors_do_not_leak() {
    for stage in persistent("descriptors") {
        let dir = TempDir::new().unwrap();
        let options = stage.default_options();
        let worker = start(stage, &dir.path().join("store"), &options, &["descriptors", "200"]);
        let output = worker.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (before, after) = text.trim().split_once(' ').unwrap_or_else(|| panic!("{}: {text}", stage.name));
        assert_eq!(before, after, "{}: descriptors of {}", Invariant::Bounded, stage.name);
        let files = std::fs::metadata(dir.path()).map(|_| OsFs::existing(dir.path().join("store")).unwrap());
        let left = vfs::Vfs::list(&files.unwrap()).unwrap();
        assert!(left.len() <= FEW_FILES, "{}: {left:?} after 200 lives", Invariant::Bounded);
    }
}
