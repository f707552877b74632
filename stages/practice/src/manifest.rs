//! The `Cargo.toml` of a reader's crate: the stage's, with the workspace's versions in it, and with the programs that take
//! the engine to judge, crash lab and benchmark.
//!
//! **Invariants** The crate is a workspace of its own, so that ours neither builds nor tests it. Its library bears the
//! stage's name, so that sources and tests are the same, letter for letter.

use crate::{Result, place};
use std::path::Path;
use toml::{Table, Value};

/// What is above the crate's own name in its manifest.
const HEAD: &str = "\
# Yours. Git does not see this folder, and the workspace around it neither builds nor tests it.
";

/// What an engine needs to be one, and what may be asked about it: the latter is built when it is.
const JUDGES: [(&str, bool); 5] =
    [("contract", false), ("vfs", false), ("shell", true), ("harness", true), ("benches", true)];

/// What a reader's crate is made like.
pub struct Like<'a> {
    /// The name of its library.
    pub library: &'a str,
    /// The package on whose dependencies it depends.
    pub package: &'a str,
    /// Whether it is an engine, which judge, crash lab and benchmark may be asked about.
    pub joins: bool,
}

/// The manifest of the crate in `folder`, of package `name`.
pub fn of(folder: &Path, name: &str, like: &Like<'_>) -> Result<String> {
    let root: Table = toml::from_str(&place::read(&place::root().join("Cargo.toml"))?)?;
    let stage: Table = toml::from_str(&place::read(&place::folder_of(like.package)?.join("Cargo.toml"))?)?;
    let up = if *folder == place::root().join("stages/mine").join(folder.file_name().unwrap_or_default()) {
        "../../..".to_owned()
    } else {
        place::root().display().to_string()
    };
    let workspace = Workspace { table: &root["workspace"], up };
    let mut manifest = Table::new();
    manifest.insert("package".into(), workspace.package(name).into());
    manifest.insert("workspace".into(), Table::new().into());
    manifest.insert("lib".into(), table(&[("name", like.library.into())]).into());
    manifest.insert("features".into(), features(&stage, like.joins).into());
    let mut dependencies = workspace.dependencies(stage.get("dependencies"))?;
    if like.joins {
        manifest.insert("bin".into(), programs(name).into());
        manifest.insert("test".into(), vec![program("judged", "judge")].into());
    }
    for (package, optional) in JUDGES.into_iter().filter(|_| like.joins) {
        if !dependencies.contains_key(package) {
            let mut dependency = workspace.dependency(package, &Table::new())?;
            if optional {
                dependency.insert("optional".into(), true.into());
            }
            dependencies.insert(package.into(), dependency.into());
        }
    }
    manifest.insert("dependencies".into(), dependencies.into());
    manifest.insert("dev-dependencies".into(), workspace.dependencies(stage.get("dev-dependencies"))?.into());
    if let Some(targets) = stage.get("target").and_then(Value::as_table) {
        manifest.insert("target".into(), workspace.targets(targets)?.into());
    }
    manifest.insert("profile".into(), profiles(&root, name).into());
    // In the order in which a person would write it.
    let order = [
        "package",
        "lib",
        "features",
        "dependencies",
        "dev-dependencies",
        "target",
        "bin",
        "test",
        "profile",
        "workspace",
    ];
    let there = order.iter().filter(|key| manifest.contains_key(**key));
    let sections = there.map(|key| Ok(toml::to_string(&table(&[(key, manifest[*key].clone())]))?));
    Ok(format!("{HEAD}{}", sections.collect::<Result<Vec<_>>>()?.join("\n")))
}

/// The workspace as a manifest inherits from it.
struct Workspace<'a> {
    table: &'a Value,
    /// The way to its root.
    up: String,
}

impl Workspace<'_> {
    fn package(&self, name: &str) -> Table {
        let inherited = ["edition", "rust-version"].map(|key| (key, self.table["package"][key].clone()));
        let own = [("name", name.into()), ("version", "0.1.0".into()), ("publish", false.into())];
        table(&[&own[..], &inherited[..]].concat())
    }

    fn dependencies(&self, of: Option<&Value>) -> Result<Table> {
        let mut found = Table::new();
        for (package, said) in of.and_then(Value::as_table).into_iter().flatten() {
            let said = said.as_table().cloned().unwrap_or_default();
            found.insert(package.clone(), self.dependency(package, &said)?.into());
        }
        Ok(found)
    }

    /// What is needed on some systems only.
    fn targets(&self, said: &Table) -> Result<Table> {
        let mut targets = Table::new();
        for (system, needs) in said {
            let dependencies = self.dependencies(needs.get("dependencies"))?;
            targets.insert(system.clone(), table(&[("dependencies", dependencies.into())]).into());
        }
        Ok(targets)
    }

    /// What the workspace says of a dependency, and what the package `said` besides.
    fn dependency(&self, package: &str, said: &Table) -> Result<Table> {
        let ours = self.table["dependencies"].get(package);
        let mut dependency = match ours.ok_or_else(|| format!("the workspace does not know {package}"))? {
            Value::Table(table) => table.clone(),
            version => table(&[("version", version.clone())]),
        };
        if let Some(path) = dependency.get("path").and_then(Value::as_str) {
            let path = format!("{}/{path}", self.up);
            dependency.insert("path".into(), path.into());
        }
        for (key, value) in said {
            match (key.as_str(), dependency.get_mut(key), value) {
                ("workspace", ..) => {}
                ("features", Some(Value::Array(all)), Value::Array(more)) => all.extend(more.iter().cloned()),
                _ => drop(dependency.insert(key.clone(), value.clone())),
            }
        }
        Ok(dependency)
    }
}

/// The engine at the shell, in the crash lab and in the benchmark.
fn programs(name: &str) -> Vec<Value> {
    let mut shell = table(&[("name", name.into()), ("path", "src/main.rs".into())]);
    shell.insert("required-features".into(), vec![Value::from("shell")].into());
    vec![shell.into(), program("crash", "judge"), program("bench", "bench")]
}

/// A program of the runner, built when it is asked for.
fn program(name: &str, feature: &str) -> Value {
    let mut program = table(&[("name", name.into()), ("path", format!("runner/{name}.rs").into())]);
    program.insert("required-features".into(), vec![Value::from(feature)].into());
    program.into()
}

/// The stage's features, and those that bring judge and benchmark: whoever only checks an exercise builds neither.
fn features(stage: &Table, joins: bool) -> Table {
    let of_stage = stage.get("features").and_then(Value::as_table).cloned();
    if !joins {
        return of_stage.unwrap_or_default();
    }
    let list = |words: &[&str]| Value::from(words.iter().map(|word| Value::from(*word)).collect::<Vec<_>>());
    let mut features =
        of_stage.unwrap_or_else(|| table(&[("default", list(&["shell"])), ("shell", list(&["dep:shell"]))]));
    features.insert("judge".into(), list(&["dep:harness"]));
    features.insert("bench".into(), list(&["judge", "dep:benches"]));
    features
}

/// The workspace's profiles, so that what is built for it is built for the crate too. The crate itself is built anew after
/// every change and runs for a moment: without optimisation.
fn profiles(root: &Table, name: &str) -> Table {
    let mut profiles = Table::new();
    for profile in ["dev", "release"] {
        if let Some(Value::Table(ours)) = root.get("profile").and_then(|all| all.get(profile)) {
            let mut ours = ours.clone();
            ours.remove("package");
            if profile == "dev" {
                let own = table(&[("opt-level", 0.into()), ("debug", false.into())]);
                ours.insert("package".into(), table(&[(name, own.into())]).into());
            }
            profiles.insert(profile.into(), ours.into());
        }
    }
    profiles
}

fn table(entries: &[(&str, Value)]) -> Table {
    entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}
