//! Writing a reader's crate.
//!
//! **Layout** `src` and `tests`: the package's, with functions left open. `runner`, for engines: three programs, each a line
//! that lets the engine join and a line that starts ours. `Cargo.toml`, `Cargo.lock`, `.cargo/config.toml`: how it is built.
//! `practice.toml`: see [`crate::progress`].

use crate::exercises::{Exercise, Part};
use crate::progress::{Mine, Progress, check_name, is_taken, package};
use crate::{Result, function, manifest, place};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is still open leaves names that nobody uses yet, and that is no reason for a warning.
const QUIET: &str = "#![allow(unused, unfulfilled_lint_expectations)] // While something is open, nobody uses what it needs.\n";

/// How cargo builds the crate when it is called in its folder: into the workspace's folder, like everything else.
const CONFIG: &str = "[build]\ntarget-dir = \"../../../target/mine\"\nbuild-dir = \"../../../target\"\n";

/// Makes a crate from a part, with `exercises` left open.
pub fn practice(name: &str, part: &Part, exercises: &[Exercise]) -> Result<Mine> {
    check_name(name)?;
    let mine = Mine {
        folder: free(name)?,
        progress: Progress {
            part: Some(part.name.clone()),
            exercises: exercises.iter().map(Exercise::id).collect(),
            ..Progress::default()
        },
    };
    write(&mine.folder, name, part, exercises)?;
    mine.save()?;
    Ok(mine)
}

/// Writes the crate of a part into `folder`, without what it remembers.
pub fn write(folder: &Path, name: &str, part: &Part, open: &[Exercise]) -> Result<()> {
    for (path, text) in sources(&part.package, &package(name), open)? {
        place::write(&folder.join(path), &text)?;
    }
    let joins = place::is_engine(&part.package)?;
    frame(folder, name, &manifest::Like { library: &part.package, package: &part.package, joins })
}

/// Makes a crate that begins as the book's first engine.
pub fn engine(name: &str) -> Result<Mine> {
    check_name(name)?;
    let mine = Mine { folder: free(name)?, progress: Progress::default() };
    let library = name.replace('-', "_");
    place::write(&mine.folder.join("src/lib.rs"), &first_engine(&package(name))?)?;
    let main = place::read(&place::folder_of("stage1")?.join("src/main.rs"))?;
    let main = main.replace("stage1::", &format!("{library}::")).replace("stage 1", name);
    place::write(&mine.folder.join("src/main.rs"), &main)?;
    frame(&mine.folder, name, &manifest::Like { library: &library, package: "contract", joins: true })?;
    mine.save()?;
    Ok(mine)
}

fn free(name: &str) -> Result<PathBuf> {
    let folder = place::mine().join(name);
    if is_taken(&folder) {
        let shown = place::shown(&folder);
        return Err(format!(
            "{shown} is there already, and what you wrote stays: give another --name, or remove it"
        )
        .into());
    }
    Ok(folder)
}

/// The oracle, under another name and with its imports from outside.
fn first_engine(name: &str) -> Result<String> {
    let text = function::without_anchors(&place::read(&place::folder_of("contract")?.join("src/oracle.rs"))?);
    let code = text.lines().skip_while(|line| line.is_empty() || line.starts_with("//!"));
    let code: String = code.flat_map(|line| [line, "\n"]).collect();
    let code = code.replace("crate::", "contract::").replace("Oracle", "MyEngine");
    let code = named(&code, "oracle", name)?;
    Ok(format!(
        "//! An engine of your own. It begins as the book's first one: a sorted map in memory, which keeps nothing.\n\
         //!\n\
         //! Once it keeps files, say `persistent: true` in its `STAGE`: then it is crashed, killed and reopened as well.\n\
         #![forbid(unsafe_code)]\n\n{code}"
    ))
}

/// The source with the engine's name changed in the value by which it joins.
fn named(text: &str, from: &str, to: &str) -> Result<String> {
    let line = format!("name: {from:?},");
    if text.matches(&line).count() == 1 {
        return Ok(text.replace(&line, &format!("name: {to:?},")));
    }
    Err(format!("the value of {from} does not say «{line}» once").into())
}

/// Source files by their path in the package, and what is compiled in besides, with `open` left open. What a stage's program
/// is asked from outside is not among them.
fn sources(stage: &str, name: &str, open: &[Exercise]) -> Result<BTreeMap<PathBuf, String>> {
    let from = place::folder_of(stage)?;
    let mut files = BTreeMap::new();
    for folder in ["src", "tests"] {
        for path in place::sources(&from.join(folder))? {
            let text = function::without_anchors(&place::read(&path)?);
            if !text.contains("CARGO_BIN_EXE") {
                files.insert(path.strip_prefix(&from)?.to_owned(), text);
            }
        }
    }
    let data = place::list(&from.join("data")).unwrap_or_default().into_iter();
    for path in data.chain([from.join("build.rs")]).filter(|path| path.exists()) {
        files.insert(path.strip_prefix(&from)?.to_owned(), place::read(&path)?);
    }
    for exercise in open {
        let file = files.get_mut(Path::new(&exercise.file));
        let text = file.ok_or_else(|| format!("{}: {stage} has no {}", exercise.id(), exercise.file))?;
        for path in &exercise.functions {
            let plain = path.rsplit("::").next().unwrap_or(path);
            *text = function::open(text, path, &exercise.says(plain))
                .map_err(|e| format!("{}: {}: {e}", exercise.id(), exercise.file))?;
        }
    }
    if let Some(head) = files.get_mut(Path::new("src/lib.rs")) {
        if place::is_engine(stage)? {
            *head = named(head, stage, name)?;
        }
        *head = head.replacen("\n#![", &format!("\n{QUIET}#!["), 1);
    }
    Ok(files)
}

/// What is around the sources.
fn frame(folder: &Path, name: &str, like: &manifest::Like<'_>) -> Result<()> {
    place::write(&folder.join("Cargo.toml"), &manifest::of(folder, &package(name), like)?)?;
    if !folder.join("Cargo.lock").exists() {
        place::write(&folder.join("Cargo.lock"), &place::read(&place::root().join("Cargo.lock"))?)?;
    }
    place::write(&folder.join(".cargo/config.toml"), CONFIG)?;
    for (program, text) in RUNNER.iter().filter(|_| like.joins) {
        let text = text.replace("LIBRARY", like.library).replace("NAME", name);
        place::write(&folder.join("runner").join(program), &text)?;
    }
    Ok(())
}

/// The programs that take the engine to ours.
const RUNNER: [(&str, &str); 3] = [
    (
        "crash.rs",
        "\
//! Your engine in the crash lab.

fn main() -> std::process::ExitCode {
    harness::registry::join(&LIBRARY::STAGE);
    harness::crash::command::main()
}
",
    ),
    (
        "bench.rs",
        "\
//! Your engine in the benchmark.

fn main() -> std::process::ExitCode {
    harness::registry::join(&LIBRARY::STAGE);
    benches::cli::main()
}
",
    ),
    (
        "judged.rs",
        "\
//! Your engine before the judge of all engines.

use LIBRARY::STAGE;
use harness::ops::Shape;
use harness::seeds::{not_applicable, seeds};
use harness::suite;
use harness::world::World;

#[test]
fn every_script_of_the_contract() {
    suite::every_script(&STAGE);
}

#[test]
fn random_operations_beside_the_model() {
    let again = \"cargo xtask mine NAME judge\";
    match suite::model(&STAGE, seeds(\"the model\", 200), &Shape::default(), World::sim, again) {
        Ok(notes) => not_applicable(\"the model\", notes),
        Err(counterexample) => panic!(\"{counterexample}\"),
    }
}
",
    ),
];
