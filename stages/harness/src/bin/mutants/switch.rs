//! Every safeguard out in one and the same program, each behind a question, so that the code is built once and not once
//! for each.
//!
//! **Layout** A function in which something can be taken out gets a body for each: the one without this, the one without
//! that, and the one that stands in the code. A variable of the process says which of them runs.
//!
//! **Invariants** With nothing out, every function runs what stands in the code. What cannot be asked for while the
//! program runs, because it is no part of a body, or the answer would change the function's type, is left alone.
//!
//! **Source** Untch, Offutt and Harrold, *Mutation Analysis Using Mutant Schemata*, ISSTA 1993.

use crate::sites::{Site, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Range;

/// The variable that says which site is out, by its number.
pub(crate) const VARIABLE: &str = "STRATA_OUT";

/// Where the question stands: in the crate that all others are built on.
const ASKED_OF: &str = "stages/vfs/src/lib.rs";

const QUESTION: &str = r#"
extern crate self as vfs;

/// Whether this safeguard is out.
pub fn is_out(number: usize) -> bool {
    static OUT: std::sync::LazyLock<Option<usize>> =
        std::sync::LazyLock::new(|| std::env::var("STRATA_OUT").ok()?.parse().ok());
    *OUT == Some(number)
}
"#;

/// The sources with their questions.
pub(crate) struct Switched {
    /// The texts that are not those of the code, by path.
    pub(crate) texts: BTreeMap<String, String>,
    /// The numbers of the sites that can be asked for.
    pub(crate) sites: BTreeSet<usize>,
}

/// Puts a question before each of these sites that can have one; a site's number is its place in the list. `question`
/// is the crate in which the question itself is to stand.
pub(crate) fn all(sources: &[Source], sites: &[&Site], question: String) -> Switched {
    let mut switched = Switched { texts: BTreeMap::new(), sites: BTreeSet::new() };
    for source in sources {
        let here = sites.iter().enumerate().filter(|(_, site)| site.path == source.path);
        let bodies = bodies(&source.text, here.map(|(number, site)| (number, *site)));
        let mut text = source.text.clone();
        // From the end to the beginning, so that places keep their numbers.
        for (body, sites) in bodies.iter().rev() {
            text.replace_range(body.clone(), &asking(&source.text, body, sites));
            switched.sites.extend(sites.iter().map(|(number, _)| number));
        }
        if text != source.text {
            switched.texts.insert(source.path.clone(), text);
        }
    }
    switched.texts.insert(ASKED_OF.into(), question + QUESTION);
    switched
}

/// Where the question is to stand, so that its text can be read.
pub(crate) fn asked_of() -> &'static str {
    ASKED_OF
}

/// The body of a function, and what can be taken out of it.
type Body<'a> = (Range<usize>, Vec<(usize, &'a Site)>);

/// The bodies that hold a site, in order. A function within another belongs to the other's body if both hold one.
fn bodies<'a>(text: &str, sites: impl Iterator<Item = (usize, &'a Site)>) -> Vec<Body<'a>> {
    let mut bodies: Vec<Body<'a>> = Vec::new();
    for (number, site) in sites {
        let Some(mut body) = body(text, &site.range()) else { continue };
        let mut held = vec![(number, site)];
        bodies.retain_mut(|(other, sites)| {
            let apart = other.end <= body.start || body.end <= other.start;
            if !apart {
                body = body.start.min(other.start)..body.end.max(other.end);
                held.append(sites);
            }
            apart
        });
        bodies.push((body, held));
    }
    bodies.sort_by_key(|(body, _)| body.start);
    bodies
}

/// What stands between the braces of the innermost function around a place, if its body can ask.
///
/// Rustfmt has laid the code out: a function ends at the first `}` that stands as far in as its first line.
fn body(text: &str, place: &Range<usize>) -> Option<Range<usize>> {
    let mut innermost = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if start > place.start {
            break;
        }
        let code = line.trim_start();
        if is_function(code) {
            let indent = &line[..line.len() - code.len()];
            if let Some(body) = braces(text, start, indent).filter(|body| encloses(body, place)) {
                innermost = can_ask(&text[start..body.start]).then_some(body);
            }
        }
        start += line.len();
    }
    innermost
}

fn encloses(body: &Range<usize>, place: &Range<usize>) -> bool {
    body.start <= place.start && place.end <= body.end
}

fn is_function(line: &str) -> bool {
    let visible = line.strip_prefix("pub").map_or(line, |rest| {
        rest.strip_prefix('(')
            .and_then(|rest| rest.split_once(')'))
            .map_or(rest, |(_, rest)| rest)
            .trim_start()
    });
    visible.starts_with("fn ") || visible.starts_with("const fn ")
}

/// What stands between the braces of the function that begins at `start`; nothing if it has none.
fn braces(text: &str, start: usize, indent: &str) -> Option<Range<usize>> {
    let open = start + text[start..].find("{\n")? + 2;
    let declared_only = text[start..open].contains(";\n");
    let end = open + text[open - 1..].find(&format!("\n{indent}}}\n"))?;
    (!declared_only).then_some(open..end)
}

/// A constant function is run by the compiler, which has no variables; and what returns «some» type returns one and the
/// same from all its bodies.
fn can_ask(signature: &str) -> bool {
    let returned = signature.rsplit_once("->").map_or("", |(_, returned)| returned);
    !signature.contains("const fn ") && !returned.contains("impl ")
}

// ANCHOR: asking
/// A body that asks which of its forms is to run.
fn asking(text: &str, body: &Range<usize>, sites: &[(usize, &Site)]) -> String {
    let mut asking = String::new();
    for (number, site) in sites {
        let place = site.range();
        let (before, after) = (&text[body.start..place.start], &text[place.end..body.end]);
        let _ = write!(asking, "if ::vfs::is_out({number}) {{\n{before}{}{after}}} else ", site.rule.put);
    }
    asking + "{\n" + &text[body.clone()] + "}\n"
}
// ANCHOR_END: asking

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    static RULE: Rule = Rule { what: "", file: "", find: "sync()?;", put: "" };

    fn source(text: &str) -> Source {
        Source { path: "stages/stage1-log/src/x.rs".into(), text: text.into() }
    }

    fn switched(text: &str) -> (String, BTreeSet<usize>) {
        let source = source(text);
        let sites = crate::sites::apply(&RULE, &source);
        let all = all(&[source], &sites.iter().collect::<Vec<_>>(), "lib\n".into());
        assert!(all.texts[ASKED_OF].starts_with("lib\n") && all.texts[ASKED_OF].contains(VARIABLE));
        (all.texts.get("stages/stage1-log/src/x.rs").cloned().unwrap_or_default(), all.sites)
    }

    #[test]
    fn a_function_asks_which_of_its_bodies_to_run() {
        let (text, sites) =
            switched("impl X {\n    pub(crate) fn f(\n        &self,\n    ) {\n        sync()?;\n    }\n}\n");
        let expected = "impl X {\n    pub(crate) fn f(\n        &self,\n    ) {\n\
                        if ::vfs::is_out(0) {\n        \n} else {\n        sync()?;\n}\n    }\n}\n";
        assert_eq!((text.as_str(), sites.len()), (expected, 1));
    }

    #[test]
    fn each_site_of_a_body_is_out_alone() {
        let (text, sites) = switched("fn f() {\n    sync()?;\n    sync()?;\n}\n");
        assert_eq!(sites.len(), 2);
        assert_eq!(text.matches("sync()?;").count(), 1 + 1 + 2);
    }

    #[test]
    fn what_cannot_ask_is_left_alone() {
        for text in [
            "const fn f() {\n    sync()?;\n}\n",
            "fn f() -> impl Fn() {\n    sync()?;\n}\n",
            "trait X {\n    fn f();\n}\nstatic S: T = {\n    sync()?;\n}\n",
        ] {
            assert_eq!(switched(text), (String::new(), BTreeSet::new()), "{text}");
        }
    }

    #[test]
    fn most_of_the_code_can_ask() {
        let sources = crate::sites::sources().unwrap();
        let (sites, _) = crate::sites::find(&sources).unwrap();
        let all = all(&sources, &sites.iter().collect::<Vec<_>>(), String::new());
        assert!(all.sites.len() * 20 > sites.len() * 19, "{} of {}", all.sites.len(), sites.len());
    }
}
