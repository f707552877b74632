//! The museum as it lies there: complete, and fitting the code of today.

use crate::catalogue::has_test;
use crate::exhibit::{all, folder, read};
use harness::workshop::copy::{files, workspace};
use std::collections::BTreeSet;

#[test]
fn every_patch_fits_the_code_of_today() {
    let unfit: Vec<String> =
        all().unwrap().iter().filter_map(|exhibit| Some(exhibit.broken().err()?.to_string())).collect();
    assert!(unfit.is_empty(), "{}", unfit.join("\n"));
}

#[test]
fn there_are_at_least_forty_classes_of_bugs_and_no_name_is_there_twice() {
    let exhibits = all().unwrap();
    let classes: BTreeSet<_> = exhibits.iter().map(|exhibit| &exhibit.class).collect();
    let names: BTreeSet<_> = exhibits.iter().map(|exhibit| &exhibit.name).collect();
    assert!(classes.len() >= 40, "{}", classes.len());
    assert_eq!(names.len(), exhibits.len());
}

#[test]
fn every_exhibit_has_its_test_and_every_engine_a_room() {
    let exhibits = all().unwrap();
    for exhibit in &exhibits {
        assert!(has_test(&exhibit.test).unwrap(), "{}: there is no test {}", exhibit.name, exhibit.test);
        assert!(harness::registry::find(&exhibit.engine).is_some(), "{}", exhibit.name);
    }
    for stage in harness::registry::registry().iter().filter(|stage| stage.persistent) {
        let own = exhibits.iter().filter(|exhibit| exhibit.engine == stage.name).count();
        assert!(own >= 5, "{}: {own}", stage.name);
    }
    assert!(!has_test("merging::what_nobody_has_written").unwrap());
    assert!(!has_test("model::a_partial_merge_drops_no_tombstone_that_hides_something").unwrap());
}

/// The placard says what the list says, shows the patch, and is in the book.
#[test]
fn every_exhibit_has_a_placard_and_every_placard_an_exhibit() {
    let exhibits = all().unwrap();
    let page = read(&workspace().join("book/src/part4/museum.md")).unwrap();
    for exhibit in &exhibits {
        let name = &exhibit.name;
        let placard = read(&folder().join(format!("{name}.md"))).unwrap();
        let head = format!(
            "### {} {{#{name}}}\n\n*{} · {} · `{}`*\n\n",
            exhibit.title, exhibit.place, exhibit.engine, exhibit.test
        );
        assert!(placard.starts_with(&head), "{name}.md must begin with:\n{head}");
        let wrong_line = format!("```diff\n{{{{#include {name}.patch}}}}\n```");
        assert!(placard.contains(&wrong_line), "{name}.md does not show its patch");
        let included = format!("{{{{#include ../../../stages/harness/museum/{name}.md}}}}");
        assert!(page.contains(&included), "the book's page does not show {name}");
    }
    for path in files(&folder()).unwrap() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let known = name == "exhibits" || exhibits.iter().any(|exhibit| exhibit.name == name);
        assert!(known, "{} belongs to no exhibit", path.display());
    }
}
