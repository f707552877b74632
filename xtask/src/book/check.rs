//! The pages against the source tree: nothing pasted, nothing missing, nothing promised.
//!
//! **Invariants**
//! 1. A block of Rust consists of includes of compiled code, unless it is marked `hypothetical`.
//! 2. An included file exists, and so does the anchor; line numbers drift and are refused.
//! 3. Every page is in the contents or is included by one that is, and the contents name no page that is not there.

use super::page;
use crate::tidy::Finding;
use crate::workspace;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// Checks every page of the book in the workspace at `root`.
pub fn book(root: &Path) -> Result<Vec<Finding>, String> {
    let src = root.join("book/src");
    let mut findings = Vec::new();
    let mut included = BTreeSet::new();
    let pages = workspace::files(&src, "md");
    for path in &pages {
        let text = workspace::read(path)?;
        let name = name(root, path);
        findings.extend(rust_blocks(&name, &text));
        for include in page::includes(&text) {
            let target = normal(&path.parent().unwrap_or(root).join(include.path));
            let source = std::fs::read_to_string(&target).ok();
            if let Some(what) = include_fault(&include, source.as_deref()) {
                findings.push(Finding::new(&name, include.line, what));
            }
            included.insert(target);
        }
    }
    let summary = src.join("SUMMARY.md");
    let listed = contents(&workspace::read(&summary)?);
    let summary_name = name(root, &summary);
    for (line, target) in &listed {
        if !src.join(target).is_file() {
            findings.push(Finding::new(
                &summary_name,
                *line,
                format!("promises {target}, which is not there"),
            ));
        }
    }
    let listed: BTreeSet<PathBuf> = listed.into_iter().map(|(_, target)| normal(&src.join(target))).collect();
    for path in pages.iter().filter(|path| **path != summary) {
        if !listed.contains(path) && !included.contains(path) {
            let what =
                "no contents line leads here and no page includes it: list it in SUMMARY.md, or remove it";
            findings.push(Finding::new(&name(root, path), 0, what));
        }
    }
    Ok(findings)
}

/// Rust that was typed into a page instead of being included from code that compiles.
fn rust_blocks(name: &str, text: &str) -> Vec<Finding> {
    let blocks = match page::blocks(text) {
        Ok(blocks) => blocks,
        Err(line) => return vec![Finding::new(name, line, "this block is never closed")],
    };
    blocks
        .iter()
        .filter(|block| block.is("rust") && !block.words().any(|word| word == "hypothetical"))
        .filter(|block| {
            block.body.iter().any(|line| !line.trim().is_empty() && !line.trim().starts_with("{{#include "))
        })
        .map(|block| {
            let what =
                "Rust is included from compiled code; what nobody compiles is marked `rust,hypothetical`";
            Finding::new(name, block.line, what)
        })
        .collect()
}

/// What is wrong with an include, given the text of its file if there is such a file.
fn include_fault(include: &page::Include<'_>, source: Option<&str>) -> Option<String> {
    let Some(source) = source else { return Some(format!("includes {}, which is not there", include.path)) };
    let anchor = include.anchor?;
    if anchor.is_empty() || anchor.bytes().any(|b| b == b':') || anchor.bytes().all(|b| b.is_ascii_digit()) {
        return Some(format!("includes {} by line number, which drifts: use an anchor", include.path));
    }
    if !anchor.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)) {
        return Some(format!("mdBook does not read the anchor «{anchor}»: use letters, digits, `-` and `_`"));
    }
    (!page::has_anchor(source, anchor)).then(|| format!("{} has no whole anchor «{anchor}»", include.path))
}

/// The pages that the contents lead to, each with its line.
fn contents(summary: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in summary.lines().enumerate() {
        for (at, opening) in line.match_indices("](") {
            let rest = &line[at + opening.len()..];
            if let Some(end) = rest.find(')').filter(|end| *end > 0) {
                found.push((number + 1, rest[..end].trim_start_matches("./").to_owned()));
            }
        }
    }
    found
}

/// A path without `.` and `..`, by its words alone.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

fn name(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn pasted_rust_is_found_and_included_or_hypothetical_rust_is_not() {
        let fine =
            "```rust\n{{#include a.rs:b}}\n```\n```rust,hypothetical\nlet x;\n```\n```text\nlet x;\n```\n";
        assert_eq!(rust_blocks("p", fine), []);
        assert_eq!(rust_blocks("p", "a\n```rust\nlet x;\n```\n")[0].line, 2);
        assert!(rust_blocks("p", "```rust\n")[0].what.contains("never closed"));
    }

    #[test]
    fn an_include_needs_its_file_and_its_whole_anchor_and_no_line_number() {
        let fault = |anchor, source| include_fault(&page::Include { line: 1, path: "a.rs", anchor }, source);
        let source = Some("// ANCHOR: b\n// ANCHOR_END: b\n");
        assert_eq!(fault(None, source), None);
        assert_eq!(fault(Some("b"), source), None);
        assert!(fault(Some("b"), None).unwrap().contains("not there"));
        assert!(fault(Some("c"), source).unwrap().contains("no whole anchor"));
        assert!(fault(Some("3:9"), source).unwrap().contains("line number"));
        assert!(fault(Some("3"), source).unwrap().contains("line number"));
        assert!(fault(Some("b/c"), source).unwrap().contains("does not read"));
    }

    #[test]
    fn a_page_is_listed_or_included_and_the_contents_promise_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let src = dir.path().join("book/src");
        fs::create_dir_all(src.join("part")).unwrap();
        let write = |name: &str, text: &str| fs::write(src.join(name), text).unwrap();
        write("SUMMARY.md", "- [A](a.md)\n  - [B](./part/b.md)\n- [Later]()\n");
        write("a.md", "{{#include table.md}}\n");
        write("table.md", "| a |\n");
        write("part/b.md", "{{#include ../a.md}}\n");
        assert_eq!(book(dir.path()).unwrap(), []);
        write("lost.md", "");
        write("SUMMARY.md", "- [A](a.md)\n- [B](part/b.md)\n- [C](c.md)\n");
        let found = book(dir.path()).unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].what.contains("promises c.md") && found[0].line == 3);
        assert_eq!(found[1].file, "book/src/lost.md");
    }
}
