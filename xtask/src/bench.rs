//! The benchmark: built for release with the rivals that are asked for, and the runs whose figures the book shows.
//!
//! **Layout** `--rivals NAMES` becomes features of the package and goes on to the program. The name of one of the book's
//! runs, such as `stage2`, stands for the arguments of a table (`runs`), any of which can be given otherwise.

mod runs;

use crate::{Failure, workspace};
use runs::RUNS;
use std::ffi::{OsStr, OsString};
use std::process::Command;

/// Who can be measured beside the engines: each a feature of `benches`.
const RIVALS: [&str; 7] = ["rocksdb", "leveldb", "fjall", "redb", "lmdb", "sled", "tinkv"];

/// Those that `--rivals` stands for where it names none, as the program has it too.
const PURE: &str = "fjall,redb,lmdb,sled";
/// Those that `--rivals-native` adds.
const NATIVE: &str = "rocksdb,leveldb";

/// The Criterion benchmarks whose figures the book shows.
const PIECES: [&str; 7] = ["checksum", "log", "keydir", "memtable", "table", "pieces", "bytes"];
/// What they are told to write when nothing else is asked for.
const PIECES_FILES: [&str; 6] = [
    "--json",
    "book/src/results/pieces.json",
    "--markdown",
    "book/src/results/pieces.md",
    "--figures",
    "book/src/results/pieces.txt",
];

/// Builds the benchmark's programs, and runs the one that conducts.
pub fn run(args: &[OsString]) -> Result<(), Failure> {
    match args.first().and_then(|first| first.to_str()) {
        Some("pieces") => return pieces(&args[1..]),
        Some("contract") => return contract(&args[1..]),
        _ => {}
    }
    let args = expanded(args);
    let features = features(&args)?;
    // The one that counts its heap is started by the other.
    workspace::pass_on(cargo("build", &features).args(["--quiet", "--bin", "bench-heap"]))?;
    workspace::pass_on(cargo("run", &features).args(["--bin", "bench", "--"]).args(args))
}

/// Asks the rivals what the contract asks of our engines.
fn contract(args: &[OsString]) -> Result<(), Failure> {
    let features = features(args)?;
    let stray =
        |arg: &OsString| arg.to_str().is_none_or(|arg| arg.starts_with('-') && !arg.starts_with("--rivals"));
    if features.is_empty() || args.iter().any(stray) {
        return Err(Failure::Usage(
            "contract takes --rivals [NAMES] or --rivals-native, and nothing else".into(),
        ));
    }
    workspace::pass_on(cargo("test", &features).args(["--test", "contract", "--", "--nocapture"]))
}

/// A command of cargo for the benchmark, built for release with these rivals.
fn cargo(verb: &str, features: &str) -> Command {
    let mut command = workspace::cargo(verb);
    command.args(["--release", "--package", "benches"]);
    if !features.is_empty() {
        command.arg("--features").arg(features);
    }
    // Rivals in C++ choose their checksums and filters when they are compiled, ours when they run: so they are
    // compiled for the machine that runs them.
    if std::env::var_os("CXXFLAGS").is_none() {
        command.env("CXXFLAGS", "-march=native");
    }
    if std::env::var_os("CMAKE_TOOLCHAIN_FILE").is_none() {
        command.env("CMAKE_TOOLCHAIN_FILE", workspace::root().join("benches/leveldb/toolchain.cmake"));
    }
    command
}

/// Runs Criterion's benchmarks in a folder of their own, so that nothing of an earlier run is among the figures, and has
/// these collected.
fn pieces(args: &[OsString]) -> Result<(), Failure> {
    let folder = workspace::target().join("pieces");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|e| format!("cannot empty {}: {e}", folder.display()))?;
    }
    let mut benches = workspace::cargo("bench");
    benches.args(["--package", "benches"]).env("CRITERION_HOME", &folder);
    workspace::pass_on(PIECES.iter().fold(&mut benches, |command, name| command.args(["--bench", name])))?;
    let mut collect = workspace::cargo("run");
    collect
        .args(["--quiet", "--release", "--package", "benches", "--bin", "bench", "--", "pieces"])
        .arg(folder);
    if args.is_empty() {
        collect.args(PIECES_FILES)
    } else {
        collect.args(args)
    };
    workspace::pass_on(&mut collect)
}

/// The arguments as the program takes them.
fn expanded(args: &[OsString]) -> Vec<OsString> {
    let named = args.first().and_then(|name| RUNS.iter().find(|(run, _)| name == OsStr::new(run)));
    let Some((_, defaults)) = named else { return args.to_vec() };
    let given = &args[1..];
    let is_given = |flag: &str| {
        given.iter().any(|arg| {
            let arg = arg.to_string_lossy();
            arg == flag || arg.strip_prefix(flag).is_some_and(|rest| rest.starts_with('='))
        })
    };
    let left = defaults.iter().filter(|(flag, _)| !is_given(flag));
    // A flag without a value has an empty one in the table.
    let left = left.flat_map(|pair| [pair.0, pair.1]).filter(|word| !word.is_empty()).map(OsString::from);
    left.chain(given.iter().cloned()).collect()
}

/// The rivals among the arguments, as cargo takes features.
fn features(args: &[OsString]) -> Result<String, Failure> {
    let mut names = Vec::new();
    let mut args = args.iter().map(|arg| arg.to_string_lossy()).peekable();
    while let Some(arg) = args.next() {
        if let Some(list) = arg.strip_prefix("--rivals=") {
            names.push(list.to_owned());
        } else if arg == "--rivals" {
            // Without names it stands for some.
            let given = args.next_if(|next| !next.starts_with("--"));
            names.push(given.map_or_else(|| PURE.to_owned(), Into::into));
        } else if arg == "--rivals-native" {
            names.push(NATIVE.to_owned());
        }
    }
    let names = names.join(",");
    if let Some(unknown) = names.split(',').find(|name| !name.is_empty() && !RIVALS.contains(name)) {
        let there = RIVALS.join(", ");
        return Err(Failure::Usage(format!("there is no rival «{unknown}»; there are: {there}")));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn rivals_become_features_and_nobody_else_does() {
        assert_eq!(features(&words("--n 5 --rivals lmdb,sled --quick")).unwrap(), "lmdb,sled");
        assert_eq!(features(&words("--rivals=tinkv")).unwrap(), "tinkv");
        assert_eq!(features(&words("--quick")).unwrap(), "");
        assert_eq!(features(&words("--rivals --quick")).unwrap(), "fjall,redb,lmdb,sled");
        assert_eq!(features(&words("--rivals lmdb --rivals-native")).unwrap(), "lmdb,rocksdb,leveldb");
        let Err(Failure::Usage(said)) = features(&words("--rivals rocks")) else { panic!("rocks is none") };
        assert!(said.contains("«rocks»") && said.contains("fjall"), "{said}");
    }

    #[test]
    fn a_run_of_the_book_can_be_changed() {
        let plain = expanded(&words("stage2"));
        assert!(plain.windows(2).any(|pair| pair == words("--limit 1")), "{plain:?}");
        let changed = expanded(&words("stage2 --limit=2 --engine stage2"));
        let engines: Vec<_> = changed.windows(2).filter(|pair| pair[0] == "--engine").collect();
        assert_eq!(engines, [words("--engine stage2")]);
        assert!(!changed.contains(&"1".into()) && changed.contains(&"--limit=2".into()), "{changed:?}");
        assert_eq!(expanded(&words("--quick")), words("--quick"));
    }

    #[test]
    fn every_rival_is_a_feature_that_is_off() {
        let manifest = workspace::read(&workspace::root().join("benches/Cargo.toml")).unwrap();
        let (_, features) = manifest.split_once("[features]\n").expect("features");
        let (features, _) = features.split_once("\n\n").expect("another section");
        let names = features.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name);
        // Which is on where any of them is.
        let names: Vec<_> = names.filter(|name| *name != "rival").collect();
        let mut rivals = RIVALS;
        rivals.sort_unstable();
        assert_eq!(names, rivals, "a default feature, or a rival that nobody can ask for");
    }
}
