//! A function in a source file: found by its name, opened, and given another body.
//!
//! **Source** The file is parsed by `syn`, which knows where each token stands; what is not a body stays as it was typed,
//! comments included.

use crate::Result;
use std::ops::Range;
use syn::{Block, ImplItem, Item, Type};

/// Where the body of `path` stands in `text`, braces included, in bytes; `path` is `name` or `Type::name`.
pub fn body(text: &str, path: &str) -> Result<Range<usize>> {
    let file = syn::parse_file(text).map_err(|e| format!("line {}: {e}", e.span().start().line))?;
    let found = bodies(&file.items, path);
    match found.as_slice() {
        [block] => {
            let braces = block.brace_token.span;
            Ok(braces.open().byte_range().start..braces.close().byte_range().end)
        }
        [] => Err(format!("there is no function {path}").into()),
        _ => Err(format!("there are {} functions {path}", found.len()).into()),
    }
}

fn bodies<'a>(items: &'a [Item], path: &str) -> Vec<&'a Block> {
    let mut found = Vec::new();
    for item in items {
        match item {
            Item::Fn(function) if function.sig.ident == path => found.push(&*function.block),
            Item::Impl(block) => {
                let Some(name) = path.strip_prefix(&format!("{}::", type_name(&block.self_ty))) else {
                    continue;
                };
                found.extend(block.items.iter().filter_map(|item| match item {
                    ImplItem::Fn(function) if function.sig.ident == name => Some(&function.block),
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    found
}

fn type_name(of: &Type) -> String {
    match of {
        Type::Path(path) => path.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default(),
        _ => String::new(),
    }
}

// ANCHOR: open
/// The text with the body of `path` replaced by one line that says what is missing.
pub fn open(text: &str, path: &str, says: &str) -> Result<String> {
    let body = body(text, path)?;
    let line = text[..body.start].rfind('\n').map_or(0, |at| at + 1);
    // Where the signature takes several lines, the brace stands on the last of them, as deep as the first.
    let indent: String = text[line..].chars().take_while(|c| *c == ' ').collect();
    let says = format!("{says:?}").replace('{', "{{").replace('}', "}}");
    Ok([&text[..body.start], &format!("{{\n{indent}    panic!({says})\n{indent}}}"), &text[body.end..]]
        .concat())
}
// ANCHOR_END: open

/// The text with the body that `path` has in `solution`.
pub fn solve(text: &str, path: &str, solution: &str) -> Result<String> {
    let (to, from) = (body(text, path)?, body(solution, path)?);
    Ok([&text[..to.start], &solution[from], &text[to.end..]].concat())
}

/// The text without the marks by which the book includes pieces of it.
pub fn without_anchors(text: &str) -> String {
    let anchor = |line: &&str| !line.trim_start().starts_with("// ANCHOR");
    text.lines().filter(anchor).flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
//! A file — with more than ASCII.

/// Doubles.
fn twice(n: u8) -> u8 {
    // Why.
    n * 2
}

struct Pair<T>(T, T);

impl<T> Pair<T> {
    // ANCHOR: first
    /// The first.
    #[must_use]
    fn first(
        &self,
    ) -> &T {
        &self.0
    }
    // ANCHOR_END: first
}

impl std::fmt::Debug for Pair<u8> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, \"{{}}\")
    }
}
";

    #[test]
    fn a_function_is_found_by_its_name_and_its_type() {
        let text = |path| SOURCE[body(SOURCE, path).unwrap()].to_owned();
        assert_eq!(text("twice"), "{\n    // Why.\n    n * 2\n}");
        assert_eq!(text("Pair::first"), "{\n        &self.0\n    }");
        assert_eq!(text("Pair::fmt"), "{\n        write!(f, \"{{}}\")\n    }");
        assert_eq!(body(SOURCE, "first").unwrap_err().to_string(), "there is no function first");
        assert!(body("fn a( {}", "a").unwrap_err().to_string().starts_with("line 1: "));
    }

    #[test]
    fn what_is_opened_and_solved_is_as_it_was() {
        for path in ["twice", "Pair::first"] {
            let opened = open(SOURCE, path, "a \"b\" {c}").unwrap();
            assert!(opened.contains("    panic!(\"a \\\"b\\\" {{c}}\")\n"), "{opened}");
            assert!(opened.contains("/// The first.") && syn::parse_file(&opened).is_ok());
            assert_eq!(solve(&opened, path, SOURCE).unwrap(), SOURCE);
        }
        assert!(!without_anchors(SOURCE).contains("ANCHOR"));
    }
}
