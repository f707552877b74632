//! Tables and charts against the figures that they are made from.
//!
//! **Layout** The benchmark's figures lie in `book/src/results/NAME.json`. From them alone the benchmark writes
//! `NAME.md` (tables), `NAME.txt` (single figures, for sentences) and `NAME/*.svg` (charts); pages include these.
//!
//! `museum.json` is what the museum of bugs has said of a run, `damage.json` what the judge has said of every injury,
//! `mutants.json` what became of every safeguard that was taken out, `coverage.json` which branches the tests take; from
//! these they write `museum.md`, `damage.md`, `mutants.md` and `coverage.md`.
//!
//! The README shows one of the tables, between two comments.
//!
//! **Invariants** What is committed is, byte for byte, what the benchmark writes now, and nothing else lies there.

use crate::tidy::Finding;
use crate::workspace;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The folder of the figures and of all that is made from them.
fn folder(root: &Path) -> PathBuf {
    root.join("book/src/results")
}

/// Writes tables and charts anew.
pub fn update() -> Result<(), String> {
    let folder = folder(&workspace::root());
    workspace::files(&folder, "json").iter().try_for_each(|json| report(json, &folder))?;
    let path = workspace::root().join("README.md");
    let text = workspace::read(&path)?;
    let shown = with_tables(&text, &|name| workspace::read(&folder.join(name)).ok());
    fs::write(&path, shown).map_err(|e| format!("cannot write {}: {e}", path.display()))
}

/// A text with the tables that its comments name, as in `<!-- table: stage1.md:ratios -->` … `<!-- end -->`.
fn with_tables(text: &str, read: &dyn Fn(&str) -> Option<String>) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!-- table: ") {
        let Some((name, body)) = after.split_once(" -->") else { break };
        let Some((_, behind)) = body.split_once("<!-- end -->") else { break };
        let table = name.split_once(':').and_then(|(file, anchor)| section(&read(file)?, anchor));
        let table = table.unwrap_or_default();
        for part in [before, "<!-- table: ", name, " -->\n\n", &table, "\n\n<!-- end -->"] {
            shown.push_str(part);
        }
        rest = behind;
    }
    shown + rest
}

/// What stands between the two comments of an anchor.
fn section(text: &str, anchor: &str) -> Option<String> {
    let (_, from) = text.split_once(&format!("<!-- ANCHOR: {anchor} -->"))?;
    let (section, _) = from.split_once(&format!("<!-- ANCHOR_END: {anchor} -->"))?;
    Some(section.trim().to_owned())
}

/// Writes them elsewhere, and compares.
pub fn check() -> Result<Vec<Finding>, String> {
    let root = workspace::root();
    let figures = workspace::files(&folder(&root), "json");
    if figures.is_empty() {
        return Ok(Vec::new());
    }
    let scratch = std::env::temp_dir().join(format!("strata-results-{}", std::process::id()));
    let written = figures.iter().try_for_each(|json| report(json, &scratch)).and_then(|()| made(&scratch));
    let _ = fs::remove_dir_all(&scratch);
    let mut findings = compare(&made(&folder(&root))?, &written?);
    let readme = workspace::read(&root.join("README.md"))?;
    if with_tables(&readme, &|name| workspace::read(&folder(&root).join(name)).ok()) != readme {
        findings.push(Finding::new(
            "README.md",
            0,
            "its table is not the book's: run `cargo xtask book --update`",
        ));
    }
    Ok(findings)
}

/// Has whoever made one file of figures write what belongs to it.
fn report(json: &Path, into: &Path) -> Result<(), String> {
    let name = json.file_stem().unwrap_or_default();
    match name.to_str() {
        Some("museum") => return table(&["museum", "--"], json, &into.join("museum.md")),
        Some("mutants") => return table(&["mutants", "--"], json, &into.join("mutants.md")),
        Some("coverage") => return table(&["coverage", "--"], json, &into.join("coverage.md")),
        Some("damage") => return table(&["judge", "--", "damage"], json, &into.join("damage.md")),
        _ => {}
    }
    let (base, charts) = (into.join(name), into.join(name));
    fs::create_dir_all(&charts).map_err(|e| format!("cannot make {}: {e}", charts.display()))?;
    let mut command = workspace::cargo("run");
    command.args(["--quiet", "--package", "benches", "--bin", "bench", "--", "report"]).arg(json);
    command.arg("--markdown").arg(base.with_extension("md")).arg("--figures").arg(base.with_extension("txt"));
    command.arg("--svg").arg(charts).stdout(Stdio::null());
    let status = command.status().map_err(|e| format!("cannot run the benchmark: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("the benchmark cannot report {}", json.display())) }
}

/// Has a program of the harness write its tables.
fn table(program: &[&str], json: &Path, into: &Path) -> Result<(), String> {
    let mut command = workspace::cargo("run");
    command.args(["--quiet", "--package", "harness", "--bin"]).args(program).arg("--markdown").arg(json);
    let output = command.output().map_err(|e| format!("cannot write {}: {e}", into.display()))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let write = || {
        fs::create_dir_all(into.parent().unwrap_or(into))?;
        fs::write(into, &output.stdout)
    };
    write().map_err(|e| format!("cannot write {}: {e}", into.display()))
}

/// Everything in a folder but the figures themselves, by its path inside.
fn made(folder: &Path) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    for path in ["md", "txt", "svg"].iter().flat_map(|kind| workspace::files(folder, kind)) {
        let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
        found.insert(name, workspace::read(&path)?);
    }
    Ok(found)
}

fn compare(committed: &BTreeMap<String, String>, written: &BTreeMap<String, String>) -> Vec<Finding> {
    let names = written.keys().chain(committed.keys().filter(|name| !written.contains_key(*name)));
    names
        .filter(|name| committed.get(*name) != written.get(*name))
        .map(|name| {
            let what = match (committed.get(name), written.get(name)) {
                (None, _) => "is missing: run `cargo xtask book --update`",
                (_, None) => "is made from no figures: remove it",
                _ => "is not what the benchmark writes from its figures: run `cargo xtask book --update`",
            };
            Finding::new(&format!("book/src/results/{name}"), 0, what)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_put_between_its_comments_and_nothing_else_changes() {
        let read = |name: &str| {
            (name == "a.md").then(|| "x <!-- ANCHOR: t -->\n\n| 1 |\n\n<!-- ANCHOR_END: t --> y".to_owned())
        };
        let shown = with_tables("A <!-- table: a.md:t --> old <!-- end --> B", &read);
        assert_eq!(shown, "A <!-- table: a.md:t -->\n\n| 1 |\n\n<!-- end --> B");
        assert_eq!(with_tables(&shown, &read), shown);
        assert_eq!(with_tables("no table", &read), "no table");
    }

    #[test]
    fn every_difference_is_found() {
        let map = |items: &[(&str, &str)]| {
            items.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
        };
        let written = map(&[("a.md", "1"), ("b.md", "2"), ("c.svg", "3")]);
        assert_eq!(compare(&written, &written), []);
        let found = compare(&map(&[("a.md", "1"), ("b.md", "x"), ("d.txt", "4")]), &written);
        let what: Vec<_> = found.iter().map(|f| (f.file.rsplit('/').next().unwrap(), &f.what[..9])).collect();
        assert_eq!(what, [("b.md", "is not wh"), ("c.svg", "is missin"), ("d.txt", "is made f")]);
    }
}
