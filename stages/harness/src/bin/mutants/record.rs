//! What became of each, in a file: for scripts and for the book, and so that a run that was stopped goes on.
//!
//! **Layout** JSON: digests of the code and of the tests, how many places there are, and a row for each that was tried. It
//! is written anew after every one.
//!
//! **Invariants**
//! 1. Rows of other code count for nothing: a record of it is begun anew.
//! 2. Rows of other tests count only where one noticed, and only if somebody says that the tests have become stricter.

use crate::sites::Site;
use harness::workshop::copy::{files, workspace};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// What became of all.
#[derive(Serialize, Deserialize)]
pub(crate) struct Record {
    /// A digest of the code: the stages, what they stand on, and what judges them.
    code: String,
    /// A digest of the tests.
    tests: String,
    /// How many safeguards there are to take out.
    places: usize,
    /// How many of them a test noticed.
    noticed: usize,
    /// Those that were tried.
    rows: Vec<Row>,
}

/// What became of one.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Row {
    path: String,
    line: usize,
    /// Where in the file, in bytes: a line may have two of a kind.
    at: usize,
    what: String,
    /// The test program and the test that noticed; none if nothing did.
    by: Option<String>,
    /// What was wrong instead.
    problem: Option<String>,
    seconds: f64,
}

impl Row {
    /// What became of a site.
    pub(crate) fn new(site: &Site, by: Option<String>, problem: Option<String>, seconds: f64) -> Self {
        let (path, what) = (site.path.clone(), site.rule.what.into());
        Self {
            path,
            line: site.line,
            at: site.at,
            what,
            by,
            problem,
            seconds: (seconds * 10.0).round() / 10.0,
        }
    }

    /// Whether a test noticed.
    pub(crate) fn is_noticed(&self) -> bool {
        self.by.is_some()
    }

    fn is_of(&self, site: &Site) -> bool {
        (&*self.path, self.at, &*self.what) == (&*site.path, site.at, site.rule.what)
    }
}

impl Record {
    /// What a file says of this code, or an empty record if it says nothing of it. Tests that are `stricter` than they were
    /// notice no less.
    pub(crate) fn read(file: Option<&Path>, places: usize, stricter: bool) -> io::Result<Self> {
        let (code, tests) = digests()?;
        let text = match file.map(fs::read_to_string) {
            None => String::new(),
            Some(Err(e)) if e.kind() == io::ErrorKind::NotFound => String::new(),
            Some(text) => text?,
        };
        let mut rows = match serde_json::from_str::<Self>(&text) {
            Ok(old) if old.code == code && (old.tests == tests || stricter) => old.rows,
            _ => Vec::new(),
        };
        if stricter {
            rows.retain(Row::is_noticed);
        }
        let noticed = rows.iter().filter(|row| row.is_noticed()).count();
        Ok(Self { code, tests, places, noticed, rows })
    }

    /// What became of a site, if it was tried.
    pub(crate) fn of(&self, site: &Site) -> Option<&Row> {
        self.rows.iter().find(|row| row.is_of(site))
    }

    /// Adds a row, and writes all of them: whole or not at all.
    pub(crate) fn add(&mut self, row: Row, file: Option<&Path>) -> io::Result<()> {
        self.noticed += usize::from(row.is_noticed());
        self.rows.push(row);
        let Some(file) = file else { return Ok(()) };
        let mut unfinished = file.as_os_str().to_owned();
        unfinished.push(".part");
        let unfinished = PathBuf::from(unfinished);
        fs::write(&unfinished, serde_json::to_string_pretty(self)? + "\n")?;
        fs::rename(&unfinished, file)
    }
}

/// The book's table, from a record.
pub(crate) fn markdown(file: &Path) -> io::Result<String> {
    let record: Record = serde_json::from_str(&fs::read_to_string(file)?)?;
    let mut parts: BTreeMap<&str, (usize, usize, f64)> = BTreeMap::new();
    for row in &record.rows {
        let part = row.path.split('/').nth(1).unwrap_or_default();
        let (tried, noticed, seconds) = parts.entry(part).or_default();
        *tried += 1;
        *noticed += usize::from(row.is_noticed());
        *seconds += row.seconds;
    }
    let mut table = String::from("| Part | Safeguards taken out | Noticed | Minutes |\n|---|--:|--:|--:|\n");
    for (part, (tried, noticed, seconds)) in &parts {
        let _ = writeln!(table, "| `{part}` | {tried} | {noticed} | {:.0} |", seconds / 60.0);
    }
    let untried = record.places - record.rows.len();
    let untried = if untried == 0 { String::new() } else { format!(", and {untried} were not tried") };
    let sentence = format!(
        "Of {} safeguards that were taken out one at a time, a test noticed {}{untried}.\n",
        record.rows.len(),
        record.noticed
    );
    let section =
        |name, text: &str| format!("<!-- ANCHOR: {name} -->\n\n{text}\n<!-- ANCHOR_END: {name} -->\n\n");
    Ok(section("table", &table) + &section("sentence", &sentence))
}

/// Two numbers, one that changes with the code and one with the tests, but neither with this tool.
fn digests() -> io::Result<(String, String)> {
    let root = workspace();
    let mut paths = files(&root.join("stages"))?;
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "rs") && !is_tool(path));
    paths.sort();
    let (mut code, mut tests) = (DefaultHasher::new(), DefaultHasher::new());
    for path in paths {
        let hasher = if is_test(&path) { &mut tests } else { &mut code };
        path.strip_prefix(&root).unwrap_or(&path).hash(hasher);
        fs::read(&path)?.hash(hasher);
    }
    Ok((format!("{:016x}", code.finish()), format!("{:016x}", tests.finish())))
}

fn is_tool(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "bin")
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    static RULE: Rule = Rule { what: "it is synced", file: "", find: "", put: "" };

    /// All of them are on one line, and of one kind.
    fn site(at: usize) -> Site {
        Site { rule: &RULE, path: "stages/stage1-log/src/log.rs".into(), line: 1, at, mutated: String::new() }
    }

    #[test]
    fn a_run_that_was_stopped_goes_on_and_one_of_other_sources_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("record");
        let read = |stricter| Record::read(Some(&file), 3, stricter).unwrap();
        let mut record = read(false);
        record.add(Row::new(&site(1), Some("crash: a (I1)".into()), None, 60.0), Some(&file)).unwrap();
        record.add(Row::new(&site(2), None, Some("SURVIVED".into()), 0.0), Some(&file)).unwrap();
        let again = read(false);
        assert!(again.of(&site(1)).is_some_and(Row::is_noticed));
        assert!(again.of(&site(2)).is_some_and(|row| !row.is_noticed()) && again.of(&site(3)).is_none());
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace(&again.tests, "older")).unwrap();
        assert_eq!(read(false).rows.len(), 0);
        let kept = read(true);
        assert!(kept.of(&site(1)).is_some() && kept.of(&site(2)).is_none() && kept.noticed == 1);
        fs::write(&file, text.replace(&again.code, "older")).unwrap();
        assert_eq!(read(true).rows.len(), 0);
    }

    #[test]
    fn the_book_is_told_what_was_noticed_and_what_was_not_tried() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("record");
        let mut record = Record::read(None, 3, false).unwrap();
        record.add(Row::new(&site(1), Some("crash: a (I1)".into()), None, 60.0), Some(&file)).unwrap();
        record.add(Row::new(&site(2), None, Some("SURVIVED".into()), 0.0), Some(&file)).unwrap();
        let told = markdown(&file).unwrap();
        assert!(told.contains("| `stage1-log` | 2 | 1 | 1 |"), "{told}");
        assert!(
            told.contains("Of 2 safeguards") && told.contains("noticed 1, and 1 were not tried"),
            "{told}"
        );
    }
}
