//! Dead files: a source file that no target of its package reaches compiles to nothing and rots.
//!
//! **Layout** Reachability is walked from the files that cargo takes for crate roots, over `mod name;` lines.
//! Modules are files of their own or inline without further files: the only shapes that this project uses.

use super::{Finding, Package};
use std::collections::BTreeSet;

/// The files of `package` that no crate root reaches.
pub fn unreachable(package: &Package) -> Vec<Finding> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&String> =
        package.sources.keys().filter(|path| is_root(path, &package.dir, &package.manifest)).collect();
    while let Some(path) = open.pop() {
        if reached.insert(path) {
            let children =
                children(path, &package.sources[path], is_root(path, &package.dir, &package.manifest));
            open.extend(
                children.iter().filter_map(|child| package.sources.get_key_value(child)).map(|(k, _)| k),
            );
        }
    }
    package
        .sources
        .keys()
        .filter(|path| !reached.contains(path))
        .map(|path| Finding::new(path, 0, "no crate reaches this file: declare it with `mod`, or remove it"))
        .collect()
}

/// Whether cargo compiles `path` as a crate of its own.
pub fn is_root(path: &str, dir: &str, manifest: &str) -> bool {
    let Some(inside) = path.strip_prefix(dir).and_then(|rest| rest.strip_prefix('/')) else { return false };
    let named = manifest.lines().any(|line| {
        line.strip_prefix("path = ").is_some_and(|value| value.trim().trim_matches('"') == inside)
    });
    if named || matches!(inside, "src/lib.rs" | "src/main.rs" | "build.rs") {
        return true;
    }
    ["src/bin/", "tests/", "benches/", "examples/"].iter().any(|folder| {
        inside.strip_prefix(folder).is_some_and(|rest| !rest.contains('/') || rest.ends_with("/main.rs"))
    })
}

/// Where the modules that `text` declares may lie.
fn children(path: &str, text: &str, root: bool) -> Vec<String> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let own = if root || file == "mod.rs" {
        folder.to_owned()
    } else {
        format!("{folder}/{}", file.trim_end_matches(".rs"))
    };
    let mut found = Vec::new();
    let mut explicit = None;
    for line in text.lines().map(str::trim) {
        if let Some(value) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            explicit = Some(format!("{folder}/{value}"));
        } else if let Some(name) = declared(line) {
            match explicit.take() {
                Some(path) => found.push(path),
                None => found.extend([format!("{own}/{name}.rs"), format!("{own}/{name}/mod.rs")]),
            }
        }
    }
    found
}

/// The name in a line `mod name;`, with any visibility.
fn declared(line: &str) -> Option<&str> {
    let line = line.split("//").next()?.trim();
    let (before, name) = line.strip_suffix(';')?.rsplit_once("mod ")?;
    (before.is_empty() || before.starts_with("pub")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(files: &[(&str, &str)]) -> Package {
        Package {
            dir: "stages/a".to_owned(),
            manifest: "[[bin]]\nname = \"x\"\npath = \"odd/x.rs\"\n".to_owned(),
            sources: files.iter().map(|(p, t)| (format!("stages/a/{p}"), (*t).to_owned())).collect(),
        }
    }

    #[test]
    fn a_file_is_alive_through_every_way_that_cargo_knows() {
        let alive = package(&[
            ("src/lib.rs", "pub mod table;\nmod old; // a comment\n#[path = \"elsewhere.rs\"]\nmod e;\n"),
            ("src/table.rs", "pub(crate) mod block;\n"),
            ("src/table/block.rs", ""),
            ("src/old/mod.rs", "mod inner;"),
            ("src/old/inner.rs", ""),
            ("src/elsewhere.rs", ""),
            ("src/bin/tool.rs", ""),
            ("src/bin/more/main.rs", ""),
            ("tests/all.rs", "mod common;"),
            ("tests/common/mod.rs", ""),
            ("odd/x.rs", ""),
        ]);
        assert_eq!(unreachable(&alive), []);
    }

    #[test]
    fn a_file_that_nobody_declares_is_dead_and_so_is_what_only_it_declares() {
        let dead = package(&[
            ("src/lib.rs", "// mod gone;\n"),
            ("src/gone.rs", "mod child;"),
            ("src/gone/child.rs", ""),
        ]);
        let files: Vec<_> = unreachable(&dead).into_iter().map(|finding| finding.file).collect();
        assert_eq!(files, ["stages/a/src/gone.rs", "stages/a/src/gone/child.rs"]);
    }
}
