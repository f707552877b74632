//! What comes of the museum, for a person at a terminal and for the book.

use crate::Error;
use crate::exhibit::{Exhibit, read};
use crate::show::{Run, Searched, Shown, Verdict};
use std::fmt::Write as _;
use std::path::Path;

/// The exhibits, a line each.
pub(crate) fn list(exhibits: &[&Exhibit]) -> String {
    let width = |field: fn(&Exhibit) -> &str| {
        exhibits.iter().map(|exhibit| field(exhibit).chars().count()).max().unwrap_or_default()
    };
    let (titles, places) = (width(|e| &e.title), width(|e| &e.place));
    let mut list = String::new();
    for Exhibit { number, title, engine, place, test, .. } in exhibits {
        let _ = writeln!(list, "{number:>2}  {title:titles$}  {engine}  {place:places$}  {test}");
    }
    list
}

/// What came of one, in a line.
pub(crate) fn line(exhibit: &Exhibit, shown: &Shown) -> String {
    let verdict = match &shown.verdict {
        Verdict::Caught(by) => format!("caught by {by}"),
        Verdict::Survived => format!("SURVIVED: {} does not notice", shown.test),
        Verdict::Unfit(error) => format!("UNFIT: {error}"),
        Verdict::Unbuilt(error) => format!("DOES NOT COMPILE: {error}"),
    };
    let search = shown.search.as_ref().map(|searched| format!("; {}", search(searched))).unwrap_or_default();
    format!(
        "{:>2} {} ({}, built in {:.0} s, {:.1} s): {verdict}{search}",
        exhibit.number, exhibit.title, exhibit.engine, shown.build_seconds, shown.seconds
    )
}

fn search(searched: &Searched) -> String {
    match &searched.found {
        Some((seed, promise)) => format!("{} finds it with seed {seed} ({promise})", searched.suite),
        None => format!("{} does not find it with {} seeds", searched.suite, searched.seeds),
    }
}

/// What came of all of them, in a sentence.
pub(crate) fn summary(run: &Run) -> String {
    let caught = run.exhibits.iter().filter(|shown| shown.is_caught()).count();
    let bad: Vec<_> =
        run.exhibits.iter().filter(|shown| !shown.is_caught()).map(|shown| shown.name.as_str()).collect();
    let bad = if bad.is_empty() { String::new() } else { format!("; not caught: {}", bad.join(", ")) };
    format!("{} exhibits, {caught} caught, in {:.0} s{bad}", run.exhibits.len(), run.seconds)
}

/// The book's table, and the figures of its sentences, from what a run has said as JSON.
pub(crate) fn markdown(exhibits: &[Exhibit], record: &Path) -> Result<String, Error> {
    let run: Run = serde_json::from_str(&read(record)?)?;
    let same = run.exhibits.len() == exhibits.len()
        && run.exhibits.iter().zip(exhibits).all(|(shown, exhibit)| {
            (&shown.name, &shown.test, &shown.engine) == (&exhibit.name, &exhibit.test, &exhibit.engine)
        });
    if !same {
        return Err(format!("{} is of other exhibits: run the museum again", record.display()).into());
    }
    let mut rows = String::from(
        "| № | What went wrong | Engine | Where it happened | Caught by | Seconds | A general suite |\n\
         |--:|---|---|---|---|--:|---|\n",
    );
    for (exhibit, shown) in exhibits.iter().zip(&run.exhibits) {
        let Exhibit { number, name, title, engine, place, test, .. } = exhibit;
        let caught = if shown.is_caught() { format!("`{test}`") } else { "nothing".to_owned() };
        let found = shown.search.as_ref().map_or("–".to_owned(), |searched| match &searched.found {
            Some((seed, promise)) => format!("{}, seed {seed}, {promise}", searched.suite),
            None => format!("{}: not with {} seeds", searched.suite, searched.seeds),
        });
        let _ = writeln!(
            rows,
            "| {number} | [{title}](#{name}) | {engine} | {place} | {caught} | {:.1} | {found} |",
            shown.seconds
        );
    }
    Ok(section("exhibits", &rows) + &section("sentence", &sentence(&run)))
}

fn section(name: &str, text: &str) -> String {
    format!("<!-- ANCHOR: {name} -->\n\n{text}\n<!-- ANCHOR_END: {name} -->\n\n")
}

/// How many, how long, and how many seeds the general suites took.
fn sentence(run: &Run) -> String {
    let caught = run.exhibits.iter().filter(|shown| shown.is_caught()).count();
    let searched: Vec<&Searched> = run.exhibits.iter().filter_map(|shown| shown.search.as_ref()).collect();
    let mut seeds: Vec<u64> =
        searched.iter().filter_map(|searched| Some(searched.found.as_ref()?.0)).collect();
    seeds.sort_unstable();
    let median = seeds.get(seeds.len() / 2).copied().unwrap_or_default();
    let given = searched.iter().map(|searched| searched.seeds).max().unwrap_or_default();
    format!(
        "Of {} exhibits {caught} are caught by the test that is named for them. A suite that knows nothing of them was asked \
         for {} of them, with up to {given} seeds: it found {}, half of these with seed {median} or before.\n",
        run.exhibits.len(),
        searched.len(),
        seeds.len()
    )
}
