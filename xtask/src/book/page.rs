//! A page's fenced blocks and its includes, as far as the checks need to see them.
//!
//! **Layout** A page is Markdown; a fence is a line of three backquotes, with the block's language and marks after
//! the first. An include is `{{#include PATH}}` or `{{#include PATH:ANCHOR}}`, where the anchor is a pair of comment
//! lines `ANCHOR: name` and `ANCHOR_END: name` in the included file.

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// The language, then marks, as they stand after the opening fence.
    pub info: &'a str,
    /// The line of the opening fence, counted from one.
    pub line: usize,
    /// The lines between the fences.
    pub body: Vec<&'a str>,
}

impl Block<'_> {
    /// The words of the opening fence: the language comes first.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.info.split([',', ' ']).filter(|word| !word.is_empty())
    }

    /// Whether the block is in this language.
    pub fn is(&self, language: &str) -> bool {
        self.words().next() == Some(language)
    }
}

/// The fenced blocks of a page; an error names the line of a fence that is never closed.
pub fn blocks(text: &str) -> Result<Vec<Block<'_>>, usize> {
    let mut found: Vec<Block<'_>> = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (number, line) in text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), open.take()) {
            (Some(info), None) => {
                open = Some(Block { info: info.trim(), line: number + 1, body: Vec::new() });
            }
            (Some(_), Some(block)) => found.push(block),
            (None, Some(mut block)) => {
                block.body.push(line);
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    open.map_or(Ok(found), |block| Err(block.line))
}

/// An include directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include<'a> {
    /// The line that it stands on, counted from one.
    pub line: usize,
    /// The included file, relative to the page.
    pub path: &'a str,
    /// The part of the file; none for the whole.
    pub anchor: Option<&'a str>,
}

/// The includes of a page. One that is escaped by a backslash is text.
pub fn includes(text: &str) -> Vec<Include<'_>> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (at, opening) in line.match_indices("{{#include ") {
            let rest = &line[at + opening.len()..];
            if let (false, Some(end)) = (line[..at].ends_with('\\'), rest.find("}}")) {
                let target = rest[..end].trim();
                let (path, anchor) = target.split_once(':').map_or((target, None), |(p, a)| (p, Some(a)));
                found.push(Include { line: number + 1, path, anchor });
            }
        }
    }
    found
}

/// Whether `text` has the anchor `name`, opened and closed.
pub fn has_anchor(text: &str, name: &str) -> bool {
    let marked = |mark: &str| {
        text.lines().any(|line| {
            line.split_once(mark).is_some_and(|(_, rest)| rest.split_whitespace().next() == Some(name))
        })
    };
    marked("ANCHOR:") && marked("ANCHOR_END:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_carry_their_words_and_lines() {
        let text = "a\n```rust,hypothetical\nlet x;\n```\n\n  ```console\n$ x\n  ```\n";
        let found = blocks(text).unwrap();
        assert_eq!(found.len(), 2);
        assert!(found[0].is("rust") && found[0].words().any(|word| word == "hypothetical"));
        assert_eq!((found[1].line, found[1].body.as_slice()), (6, &["$ x"][..]));
        assert_eq!(blocks("a\n```\nb\n"), Err(2));
    }

    #[test]
    fn includes_are_found_and_escaped_ones_are_text() {
        let text = "{{#include ../a.rs}}\n\\{{#include b}} {{#include c.rs:part}}\n";
        let found = includes(text);
        assert_eq!(found[0], Include { line: 1, path: "../a.rs", anchor: None });
        assert_eq!(found[1], Include { line: 2, path: "c.rs", anchor: Some("part") });
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn an_anchor_is_whole_or_it_is_none() {
        let text = "// ANCHOR: use\nx\n// ANCHOR_END: use\n// ANCHOR: used\n";
        assert!(has_anchor(text, "use"));
        assert!(!has_anchor(text, "used"));
        assert!(!has_anchor(text, "us"));
    }
}
