//! Where the rules apply, and what no rule knows.

use crate::rules::{AREAS, Area, EXEMPT, Exempt, Rule, WATCHED};
use harness::workshop::copy::{files, workspace};
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A source file: its path from the workspace's root, and its text.
pub(crate) struct Source {
    /// The path.
    pub(crate) path: String,
    /// The text.
    pub(crate) text: String,
}

/// A place in the code where a rule applies.
pub(crate) struct Site {
    /// The rule.
    pub(crate) rule: &'static Rule,
    /// The file's path.
    pub(crate) path: String,
    /// The line, counted from one.
    pub(crate) line: usize,
    /// Where in the file, in bytes.
    pub(crate) at: usize,
    /// The file with the safeguard taken out.
    pub(crate) mutated: String,
}

impl Site {
    /// What is taken out, as a range of the file's bytes.
    pub(crate) fn range(&self) -> Range<usize> {
        self.at..self.at + self.rule.find.len()
    }
}

/// A line that says a watched word and decides nothing.
pub(crate) struct Passed {
    /// Where, and what it says.
    pub(crate) line: String,
    /// Why there is nothing to take out.
    pub(crate) exempt: &'static Exempt,
}

/// The sources that are watched.
pub(crate) fn sources() -> io::Result<Vec<Source>> {
    let root = workspace();
    let mut paths: Vec<PathBuf> = Vec::new();
    for source in AREAS.iter().flat_map(|area| area.sources) {
        paths.extend(files(&root.join(source))?);
    }
    paths.sort();
    paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs") && !is_test(path))
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            Ok(Source { path: name, text: fs::read_to_string(&path)? })
        })
        .collect()
}

/// A file that is a module of tests, or in a folder of them.
fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|name| name == "tests")
        || path.components().any(|part| part.as_os_str() == "tests")
}

/// Every site, and every line that decides nothing; or every reason why the tables do not fit the code.
pub(crate) fn find(sources: &[Source]) -> Result<(Vec<Site>, Vec<Passed>), Vec<String>> {
    let mut problems = Vec::new();
    let (mut sites, mut passed) = (Vec::new(), Vec::new());
    for area in AREAS {
        let sources: Vec<_> = sources.iter().filter(|source| is_in(area, source)).collect();
        for rule in area.rules.iter().copied().flatten() {
            let found: Vec<Site> = sources.iter().flat_map(|source| apply(rule, source)).collect();
            if found.is_empty() {
                problems
                    .push(format!("no code says `{}` any more ({}): mend the rule", rule.find, rule.what));
            }
            sites.extend(found);
        }
        for source in &sources {
            problems.extend(decide(area, source, &sites, &mut passed));
        }
    }
    let tables = AREAS.iter().flat_map(|area| area.exempt).chain(&EXEMPT);
    for exempt in tables.filter(|exempt| !passed.iter().any(|p| std::ptr::eq(p.exempt, *exempt))) {
        problems.push(format!("the exemption `{}` is of no use any more: remove it", exempt.find));
    }
    sites.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    if problems.is_empty() { Ok((sites, passed)) } else { Err(problems) }
}

fn is_in(area: &Area, source: &Source) -> bool {
    Area::of(&source.path).is_some_and(|of| std::ptr::eq(of, area))
}

pub(crate) fn apply(rule: &'static Rule, source: &Source) -> Vec<Site> {
    if !source.path.ends_with(rule.file) {
        return Vec::new();
    }
    let code = code(&source.text);
    let places = code.match_indices(rule.find).map(|(at, _)| at);
    let whole = places.filter(|&at| !starts_inside_a_name(&code[..at], rule.find));
    whole
        .map(|at| Site {
            rule,
            path: source.path.clone(),
            line: source.text[..at].lines().count().max(1),
            at,
            mutated: [&source.text[..at], rule.put, &source.text[at + rule.find.len()..]].concat(),
        })
        .collect()
}

/// `vfs.sync_dir()` is not found in `self.vfs.sync_dir()`.
fn starts_inside_a_name(before: &str, find: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    find.starts_with(|c: char| c.is_alphanumeric()) && before.ends_with(part)
}

/// The text with everything that is not code blanked, byte for byte: comments, and the tests at the end.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let mut code = String::with_capacity(text.len());
    for line in text[..end].split_inclusive('\n') {
        if line.trim_start().starts_with("//") {
            code.extend(line.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        } else {
            code.push_str(line);
        }
    }
    code
}

/// Looks at every line of a file that says a watched word: a rule takes it out, or an exemption lets it pass, or nobody
/// knows it, which is a problem.
fn decide(area: &Area, source: &Source, sites: &[Site], passed: &mut Vec<Passed>) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in code(&source.text).lines().enumerate() {
        let number = number + 1;
        if !WATCHED.iter().chain(area.watched).any(|word| says(line, word)) {
            continue;
        }
        let is_site = sites.iter().any(|site| {
            let lines = site.rule.find.lines().count();
            site.path == source.path && (site.line..site.line + lines).contains(&number)
        });
        let line_in_words = format!("{}:{number}: {}", source.path, line.trim());
        let exempt = area
            .exempt
            .iter()
            .chain(&EXEMPT)
            .find(|e| source.path.ends_with(e.file) && line.contains(e.find));
        match exempt {
            _ if is_site => {}
            Some(exempt) => passed.push(Passed { line: line_in_words, exempt }),
            None => problems.push(format!("no rule knows {line_in_words}")),
        }
    }
    problems
}

/// Whether `word` stands in `line` as the start of a name.
fn says(line: &str, word: &str) -> bool {
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') || word == "checksum")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source { path: "stages/stage1-log/src/x.rs".into(), text: text.into() }
    }

    #[test]
    fn a_rule_is_applied_to_code_only_and_to_whole_names() {
        static RULE: Rule = Rule { what: "", file: "", find: "vfs.sync_dir()", put: "Ok(())" };
        let text = "// vfs.sync_dir()\nself.vfs.sync_dir();\nlet x = vfs.sync_dir();\n\
                    #[cfg(test)]\nmod tests { vfs.sync_dir(); }\n";
        let sites = apply(&RULE, &source(text));
        assert_eq!(sites.len(), 1);
        assert_eq!((sites[0].line, sites[0].mutated.contains("let x = Ok(());")), (3, true));
        assert!(sites[0].mutated.starts_with("// vfs.sync_dir()\nself.vfs.sync_dir();\n"));
    }

    #[test]
    fn tests_that_lie_in_another_file_end_nothing() {
        assert_eq!(code("a\n#[cfg(test)]\nmod tests;\nb\n"), "a\n#[cfg(test)]\nmod tests;\nb\n");
        assert_eq!(code("a\n#[cfg(test)]\nmod tests {\n}\n"), "a\n");
    }

    #[test]
    fn a_watched_word_that_nobody_knows_is_told_of() {
        let text = "fn lock() {}\nlet a = unknown.sync();\nlet b = resync(1);\n// c.sync()\n";
        let problems = decide(AREAS[0], &source(text), &[], &mut Vec::new());
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains(":2:"));
    }

    #[test]
    fn every_sync_lock_and_checksum_in_the_code_is_in_the_tables() {
        let problems = find(&sources().unwrap()).err().unwrap_or_default();
        assert!(problems.is_empty(), "the rules do not fit the code:\n{}", problems.join("\n"));
    }
}
