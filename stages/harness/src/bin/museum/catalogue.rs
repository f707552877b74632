//! What is known elsewhere of an exhibit: its class, in the head of the catalogue's tests, and its test.

use crate::Error;
use crate::exhibit::read;
use harness::workshop::copy::{files, workspace};

/// A class of bugs.
pub(crate) struct Class {
    /// As the catalogue calls it.
    pub(crate) name: String,
    /// Where it happened.
    pub(crate) place: String,
}

/// The classes of the catalogue, from the table in the head of its tests.
pub(crate) fn classes() -> Result<Vec<Class>, Error> {
    let text = read(&workspace().join("stages/harness/tests/catalogue/main.rs"))?;
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! | ")).skip(1);
    let classes = rows.filter_map(|row| {
        let mut cells = row.split(" | ");
        Some(Class { name: cells.next()?.to_owned(), place: cells.next()?.to_owned() })
    });
    Ok(classes.collect())
}

/// The test program in which a test is, and what it is called there.
pub(crate) fn program(test: &str) -> (&str, &str) {
    match test.split_once("::") {
        Some((program, rest)) if PROGRAMS.contains(&program) => (program, rest),
        _ => ("catalogue", test),
    }
}

/// The test programs that a test's path begins with. The others are modules of the catalogue.
const PROGRAMS: [&str; 8] = ["crash", "damage", "edges", "faults", "kills", "model", "owners", "threads"];

/// Whether there is such a test.
pub(crate) fn has_test(test: &str) -> Result<bool, Error> {
    let (program, path) = program(test);
    let tests = workspace().join("stages/harness/tests");
    let module = path.split_once("::").map_or("main", |(module, _)| module);
    let name = path.rsplit("::").next().unwrap_or(path);
    let (alone, folder) = (tests.join(format!("{program}.rs")), tests.join(program));
    for file in files(&tests)? {
        let is_module = file.starts_with(&folder) && file.file_stem().is_some_and(|stem| stem == module);
        if (file == alone || is_module) && read(&file)?.contains(&format!("fn {name}(")) {
            return Ok(true);
        }
    }
    Ok(false)
}
