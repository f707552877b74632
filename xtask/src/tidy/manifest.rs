//! What a `Cargo.toml` must say, and the rule about `unsafe` that goes with it.
//!
//! **Layout** Manifests are read line by line: the project writes them with one key a line.

use super::modules::is_root;
use super::{Finding, Package};

/// The packages that may hold an unsafe block, and must hold exactly one: the world, and the opening of a rival that
/// only the benchmark knows, and only when it is asked to.
const UNSAFE_HOMES: [&str; 2] = ["stages/vfs", "benches/lmdb"];
/// The packages of calls into C++, in which nothing is safe: rivals whose bindings would be unfair to them.
const FOREIGN_CALLS: [&str; 1] = ["benches/leveldb"];

/// The folders of the workspace's packages.
pub fn members(root_manifest: &str) -> Vec<String> {
    let mut members = Vec::new();
    let mut inside = false;
    for line in root_manifest.lines().map(str::trim) {
        if line.starts_with("members = [") {
            inside = true;
        }
        if inside {
            members.extend(line.split('"').skip(1).step_by(2).map(str::to_owned));
            if line.ends_with(']') {
                break;
            }
        }
    }
    members
}

/// Checks the root manifest: every foreign dependency says why it is there.
pub fn root(manifest: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut above_is_comment = false;
    for (number, section, line) in lines(manifest) {
        if section == "workspace.dependencies" {
            let header = line.is_empty() || line.starts_with(['#', '[']);
            let reasoned = header || above_is_comment || line.contains('#') || line.contains("path = ");
            if !reasoned {
                let name = line.split('=').next().unwrap_or_default().trim();
                let what = format!("the dependency `{name}` has no reason: add one in a comment on its line");
                findings.push(Finding::new("Cargo.toml", number, what));
            }
        }
        above_is_comment = line.starts_with('#');
    }
    findings
}

/// Checks a member: it takes lints, versions and `publish` from the workspace, and holds to the rule about `unsafe`.
pub fn member(package: &Package) -> Vec<Finding> {
    let file = format!("{}/Cargo.toml", package.dir);
    let mut findings = Vec::new();
    for wanted in ["publish.workspace = true", "rust-version.workspace = true", "license.workspace = true"] {
        if !package.manifest.lines().any(|line| line.trim() == wanted) {
            findings.push(Finding::new(&file, 0, format!("lacks `{wanted}`")));
        }
    }
    if !lines(&package.manifest).any(|(_, section, line)| section == "lints" && line == "workspace = true") {
        findings.push(Finding::new(&file, 0, "lacks `[lints] workspace = true`"));
    }
    for (number, section, line) in lines(&package.manifest) {
        let names_one = section.ends_with("dependencies") && line.contains('=') && !line.starts_with('#');
        if names_one && !line.contains("workspace = true") {
            findings.push(Finding::new(
                &file,
                number,
                "state the version once, in the root's workspace.dependencies",
            ));
        }
    }
    findings.extend(unsafe_rule(package));
    findings
}

/// Every crate forbids unsafe code, but for the packages that have one block of it, and for calls into C++.
fn unsafe_rule(package: &Package) -> Vec<Finding> {
    let blocks: Vec<(&String, usize)> = package
        .sources
        .iter()
        .flat_map(|(path, text)| unsafe_lines(text).map(move |line| (path, line)))
        .collect();
    if FOREIGN_CALLS.contains(&package.dir.as_str()) {
        return Vec::new();
    }
    if UNSAFE_HOMES.contains(&package.dir.as_str()) {
        return match blocks.as_slice() {
            [_] => Vec::new(),
            _ => vec![Finding::new(
                &package.dir,
                0,
                format!("has {} unsafe blocks; it has exactly one", blocks.len()),
            )],
        };
    }
    let roots = package.sources.iter().filter(|(path, _)| {
        path.starts_with(&format!("{}/src/", package.dir)) && is_root(path, &package.dir, &package.manifest)
    });
    let mut findings: Vec<_> = roots
        .filter(|(_, text)| !text.lines().any(|line| line == "#![forbid(unsafe_code)]"))
        .map(|(path, _)| Finding::new(path, 0, "a crate's root says `#![forbid(unsafe_code)]`"))
        .collect();
    findings.extend(blocks.iter().map(|(path, line)| {
        Finding::new(path, *line, "unsafe code lives in vfs and in the calls of rivals alone")
    }));
    findings
}

/// The lines on which the keyword stands, outside comments and text.
fn unsafe_lines(text: &str) -> impl Iterator<Item = usize> {
    text.lines().enumerate().filter_map(|(number, line)| {
        let code = line.split("//").next().unwrap_or_default();
        // What stands between two quotes is text: keep every other piece.
        let outside: String = code.split('"').step_by(2).collect::<Vec<_>>().join(" ");
        outside
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .any(|word| word == "unsafe")
            .then_some(number + 1)
    })
}

/// The lines of a manifest, each with its number and the section that it stands in.
fn lines(manifest: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    let mut section = "";
    manifest.lines().enumerate().map(move |(number, line)| {
        let line = line.trim();
        if line.starts_with('[') && line.ends_with(']') && !line.contains('=') {
            section = line.trim_matches(|c| c == '[' || c == ']');
        }
        (number + 1, section, line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\npublish.workspace = true\nrust-version.workspace = true\n\
                        license.workspace = true\n\n[lints]\nworkspace = true\n\n[dependencies]\nvfs.workspace = true\n";

    fn package(dir: &str, manifest: &str, sources: &[(&str, &str)]) -> Package {
        Package {
            dir: dir.to_owned(),
            manifest: manifest.to_owned(),
            sources: sources.iter().map(|(p, t)| (format!("{dir}/{p}"), (*t).to_owned())).collect(),
        }
    }

    #[test]
    fn members_are_read_from_one_line_or_many() {
        assert_eq!(
            members("members = [\n    \"stages/a\",\n    \"xtask\",\n]\ndefault-members = [\"b\"]"),
            ["stages/a", "xtask"]
        );
        assert_eq!(members("members = [\"a\", \"b\"]"), ["a", "b"]);
    }

    #[test]
    fn a_dependency_without_a_reason_is_found() {
        let manifest = "[workspace.dependencies]\na = { path = \"a\" }\nb = \"1\" # why\n# why\nc = \"1\"\nd = \"1\"\n\n[x]\ne = 1\n";
        let found = root(manifest);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].what.contains("`d`") && found[0].line == 6);
    }

    #[test]
    fn a_member_takes_everything_from_the_workspace() {
        let good = [("src/lib.rs", "//! .\n#![forbid(unsafe_code)]\n")];
        assert_eq!(member(&package("a", GOOD, &good)), []);
        assert_eq!(member(&package("a", "", &good)).len(), 4);
        let versioned = format!("{GOOD}serde = \"1\"\n");
        assert!(member(&package("a", &versioned, &good))[0].what.contains("version once"));
    }

    #[test]
    fn unsafe_code_is_forbidden_everywhere_and_counted_in_its_home() {
        let block = "fn f() { unsafe { g() } }\n";
        let talk = "// unsafe\nconst A: &str = \"unsafe\";\n#![deny(unsafe_code)]\n";
        assert!(member(&package("a", GOOD, &[("src/main.rs", "//! .\n")]))[0].what.contains("forbid"));
        assert_eq!(member(&package("a", GOOD, &[("src/b.rs", talk)])), []);
        assert!(member(&package("a", GOOD, &[("src/b.rs", block)]))[0].what.contains("lives in vfs"));
        assert_eq!(member(&package(UNSAFE_HOMES[0], GOOD, &[("src/b.rs", block)])), []);
        assert!(member(&package(UNSAFE_HOMES[0], GOOD, &[("src/b.rs", talk)]))[0].what.contains("0 unsafe"));
        let twice = [("src/b.rs", block), ("src/c.rs", block)];
        assert!(member(&package(UNSAFE_HOMES[0], GOOD, &twice))[0].what.contains("2 unsafe"));
    }
}
