//! What is green, what is red, and what to do next.

use crate::exercises::{Exercise, Part};
use crate::progress::{Mine, package};
use crate::trial::{Outcome, Programs};
use crate::{Result, function, place};
use std::fmt::Write as _;

/// A line of text is at most this long, in characters.
const WIDTH: usize = 100;

/// What a check says, and whether everything is green.
pub struct Report {
    /// For a person at a terminal.
    pub text: String,
    /// Whether nothing is left to do.
    pub good: bool,
}

/// Builds the crate and runs the tests of its exercises.
pub fn run(mine: &mut Mine, part: &Part, exercises: &[Exercise]) -> Result<Report> {
    let tests: Vec<&str> = exercises.iter().flat_map(|e| &e.tests).map(String::as_str).collect();
    let Some(programs) = Programs::build(&mine.folder, &tests)? else {
        let text =
            format!("{} does not compile: the compiler says above why. No test was run.\n", mine.name());
        return Ok(Report { text, good: false });
    };
    let mut outcomes = programs.run(&mine.folder, &tests)?.into_iter();
    let results: Vec<Vec<Outcome>> =
        exercises.iter().map(|exercise| outcomes.by_ref().take(exercise.tests.len()).collect()).collect();
    let all_green = |results: &Vec<Outcome>| results.iter().all(|outcome| *outcome == Outcome::Green);
    mine.progress.done =
        exercises.iter().zip(&results).filter(|(_, r)| all_green(r)).map(|(e, _)| e.id()).collect();
    mine.save()?;
    let text = table(mine, part, exercises, &results);
    let red = exercises.iter().zip(&results).find(|(_, results)| !all_green(results));
    let (more, good) = match red {
        Some((exercise, results)) => (next(mine, exercise, results), false),
        None => (finished(mine, part)?, true),
    };
    Ok(Report { text: text + &more, good })
}

/// A line for each exercise.
fn table(mine: &Mine, part: &Part, exercises: &[Exercise], results: &[Vec<Outcome>]) -> String {
    let width = exercises.iter().map(|exercise| exercise.id().len()).max().unwrap_or_default();
    let titles = exercises.iter().map(|exercise| exercise.title.chars().count()).max().unwrap_or_default();
    let (done, all) = (mine.progress.done.len(), exercises.len());
    let mut text =
        format!("{}, made from {}: {done} of {all} exercises done\n\n", package(&mine.name()), part.package);
    for (exercise, results) in exercises.iter().zip(results) {
        let green = results.iter().filter(|outcome| **outcome == Outcome::Green).count();
        let colour = if green == results.len() { "green" } else { "red" };
        let (id, title, tests) = (exercise.id(), &exercise.title, results.len());
        let _ = writeln!(text, "  {colour:5}  {id:width$}  {title:titles$}  {green} of {tests}");
    }
    text
}

/// The first exercise that is red: what is to be done, and what its tests say.
fn next(mine: &Mine, exercise: &Exercise, results: &[Outcome]) -> String {
    let mut text = format!("\nNext: {}, {}\n", exercise.id(), exercise.title);
    let file = place::shown(&mine.folder.join(&exercise.file));
    let _ = writeln!(text, "In {file}: {}\n", exercise.functions.join(", "));
    text.push_str(&wrapped(&exercise.task, "  "));
    text.push('\n');
    for (test, outcome) in exercise.tests.iter().zip(results) {
        let said = match outcome {
            Outcome::Green => None,
            Outcome::Red(said) => Some(said.as_str()),
            Outcome::Absent => Some("there is no such test any more"),
        };
        let name = test.rsplit("::").next().unwrap_or(test).replace('_', " ");
        let _ = writeln!(text, "  {:5}  {name}", if said.is_some() { "red" } else { "green" });
        for line in said.unwrap_or_default().lines() {
            text.push_str(&wrapped(line, "         "));
        }
    }
    let name = mine.name();
    let _ = writeln!(
        text,
        "\nStuck? cargo xtask check {name} --hint    To compare: cargo xtask check {name} --solution"
    );
    text
}

fn finished(mine: &Mine, part: &Part) -> Result<String> {
    let name = mine.name();
    if !place::is_engine(&part.package)? {
        return Ok("\nAll of it is green. It is no engine, so nobody else will judge it.\n".to_owned());
    }
    Ok(format!(
        "\nAll of it is green. Now it may meet those who judge the engines of the book:\n\n\
         \x20 cargo xtask mine {name} shell     at its own prompt\n\
         \x20 cargo xtask mine {name} judge     contract scripts, and the model\n\
         \x20 cargo xtask mine {name} crash     the crash lab\n\
         \x20 cargo xtask mine {name} bench     the benchmark\n"
    ))
}

/// The exercise that is next, as far as is known without running a test.
fn current<'e>(mine: &Mine, exercises: &'e [Exercise]) -> Option<&'e Exercise> {
    exercises.iter().find(|exercise| !mine.progress.done.contains(&exercise.id()))
}

/// The hints of the next exercise so far, and one more.
pub fn hint(mine: &mut Mine, exercises: &[Exercise]) -> Result<String> {
    let Some(exercise) = current(mine, exercises) else {
        return Ok("Nothing is left to hint at.\n".to_owned());
    };
    let shown = mine.progress.hints.entry(exercise.id()).or_default();
    *shown = exercise.hints.len().min(*shown + 1);
    let mut text = format!("{}, {}\n", exercise.id(), exercise.title);
    for (i, hint) in exercise.hints.iter().take(*shown).enumerate() {
        let _ = write!(text, "\nHint {} of {}\n{}", i + 1, exercise.hints.len(), wrapped(hint, "  "));
    }
    if *shown == exercise.hints.len() {
        let _ = writeln!(
            text,
            "\nThat was the last. The whole of it: cargo xtask check {} --solution",
            mine.name()
        );
    }
    mine.save()?;
    Ok(text)
}

/// What changes the reader's functions of the next exercise into the stage's.
pub fn solution(mine: &Mine, part: &Part, exercises: &[Exercise]) -> Result<String> {
    let Some(exercise) = current(mine, exercises) else {
        return Ok("Nothing is left to solve.\n".to_owned());
    };
    let yours = place::read(&mine.folder.join(&exercise.file))?;
    let solved = solved(part, exercise, &yours)?;
    let patch = diffy::create_patch(&yours, &solved).to_string();
    let hunks = patch.lines().skip(2).flat_map(|line| [line, "\n"]).collect::<String>();
    let file = place::shown(&mine.folder.join(&exercise.file));
    Ok(format!("--- {file}, yours\n+++ {file}, with {} solved\n{hunks}", exercise.id()))
}

/// A file of the reader's with an exercise solved in it.
pub fn solved(part: &Part, exercise: &Exercise, yours: &str) -> Result<String> {
    let ours = place::folder_of(&part.package)?.join(&exercise.file);
    let ours = function::without_anchors(&place::read(&ours)?);
    exercise.functions.iter().try_fold(yours.to_owned(), |text, path| {
        function::solve(&text, path, &ours).map_err(|e| format!("{}: {e}", exercise.file).into())
    })
}

/// A paragraph in lines, each with `indent` before it.
pub fn wrapped(text: &str, indent: &str) -> String {
    let mut out = String::new();
    for paragraph in text.trim().split("\n\n") {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && indent.len() + line.chars().count() + 1 + word.chars().count() > WIDTH {
                let _ = writeln!(out, "{indent}{line}");
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        let _ = writeln!(out, "{indent}{line}");
    }
    out
}
