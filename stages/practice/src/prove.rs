//! Every exercise is red while it is open, and green once it is solved.
//!
//! **Invariants**
//! 1. The open crate builds, and every test of every exercise fails, in an open function and not for another reason.
//! 2. The solved crate builds, and the same tests pass.
//! 3. Step by step, as a reader goes: before an exercise is solved its tests fail in its own functions, and afterwards
//!    they pass though all later exercises are open.
//!
//! **Cost** Two builds of each stage without optimisation for 1 and 2, and one more for each exercise for 3.

use crate::check::solved;
use crate::exercises::{Exercise, Part, parts};
use crate::trial::{Outcome, Programs};
use crate::{Result, make, place};
use std::path::Path;

/// Proves all exercises, or those of one stage; `steps`: step by step. Tells how far it is.
pub fn all(only: Option<&str>, steps: bool, tell: &mut dyn FnMut(&str)) -> Result<()> {
    for part in parts()?.into_iter().filter(|part| only.is_none_or(|only| part.package == only)) {
        let folder = place::target().join("practice").join(&part.package);
        make::write(&folder, &part.package, &part, &part.exercise)?;
        let opened = outcomes(&folder, &part.exercise)?;
        for (exercise, test, outcome) in &opened {
            let of_any = part.exercise.iter().any(|other| is_open(other, outcome));
            expect(of_any, exercise, test, "does not say what is open", outcome)?;
        }
        tell(&format!(
            "{}: open, all {} tests of {} exercises are red",
            part.package,
            opened.len(),
            part.exercise.len()
        ));
        if steps {
            walk(&folder, &part, tell)?;
        } else {
            make::write(&folder, &part.package, &part, &[])?;
            for (exercise, test, outcome) in outcomes(&folder, &part.exercise)? {
                expect(outcome == Outcome::Green, exercise, test, "is not green", &outcome)?;
            }
            tell(&format!("{}: solved, all {} are green", part.package, opened.len()));
        }
    }
    Ok(())
}

/// As a reader goes: one exercise after the other.
fn walk(folder: &Path, part: &Part, tell: &mut dyn FnMut(&str)) -> Result<()> {
    for (i, exercise) in part.exercise.iter().enumerate() {
        for (exercise, test, outcome) in outcomes(folder, std::slice::from_ref(exercise))? {
            expect(is_open(exercise, &outcome), exercise, test, "does not say that it is open", &outcome)?;
        }
        let path = folder.join(&exercise.file);
        place::write(&path, &solved(part, exercise, &place::read(&path)?)?)?;
        for (exercise, test, outcome) in outcomes(folder, &part.exercise[..=i])? {
            expect(outcome == Outcome::Green, exercise, test, "is not green once it is solved", &outcome)?;
        }
        tell(&format!("{}: {} turned green", part.package, exercise.id()));
    }
    Ok(())
}

/// Every test of some exercises, and what it came to.
fn outcomes<'e>(folder: &Path, exercises: &'e [Exercise]) -> Result<Vec<(&'e Exercise, &'e str, Outcome)>> {
    let tests: Vec<(&Exercise, &str)> =
        exercises.iter().flat_map(|e| e.tests.iter().map(move |test| (e, test.as_str()))).collect();
    let names: Vec<&str> = tests.iter().map(|test| test.1).collect();
    let programs = Programs::build(folder, &names)?.ok_or("it does not compile")?;
    let outcomes = programs.run(folder, &names)?;
    Ok(tests.into_iter().zip(outcomes).map(|((exercise, test), outcome)| (exercise, test, outcome)).collect())
}

/// Whether a test failed in an open function of this exercise.
fn is_open(exercise: &Exercise, outcome: &Outcome) -> bool {
    let Outcome::Red(said) = outcome else { return false };
    exercise
        .functions
        .iter()
        .any(|path| said.contains(&exercise.says(path.rsplit("::").next().unwrap_or(path))))
}

fn expect(good: bool, exercise: &Exercise, test: &str, what: &str, outcome: &Outcome) -> Result<()> {
    if good { Ok(()) } else { Err(format!("{}: {test} {what}: {outcome:?}", exercise.id()).into()) }
}
