//! What a page says one can type, and what it says comes out.
//!
//! **Layout** A transcript is a `console` block. A line `$ command` is typed; lines `> more` after it continue the
//! command; everything up to the next `$` is what it prints, standard output and errors as they come. In what is
//! printed, `[..]` stands for anything within a line, and a line `...` for any number of lines.
//!
//! **Invariants** [`rewrite`] changes nothing but what is printed: with the answers that the page already gives, it
//! returns the page, byte for byte.

use super::page;

/// A command and what the page says that it prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What is typed, in the language of `sh`; more than one line if the page continues it.
    pub command: String,
    /// What is printed, line by line.
    pub printed: Vec<String>,
}

/// The transcripts of a page, in order. A page that cannot be read as such is an error with its line.
pub fn exchanges(text: &str) -> Result<Vec<Exchange>, String> {
    let mut found = Vec::new();
    rewrite(text, |exchange| {
        found.push(exchange.clone());
        Ok(exchange.printed.clone())
    })?;
    Ok(found)
}

/// The page with every answer replaced by the lines that `run` says for its exchange.
pub fn rewrite(
    text: &str,
    mut run: impl FnMut(&Exchange) -> Result<Vec<String>, String>,
) -> Result<String, String> {
    let blocks = page::blocks(text).map_err(|line| format!("line {line}: this block is never closed"))?;
    let mut out: Vec<String> = text.lines().map(str::to_owned).collect();
    // From the end, so that lines which come or go leave the earlier blocks where they are; but run in order.
    let mut replaced = Vec::new();
    for block in blocks.iter().filter(|block| block.is("console")) {
        let mut lines = Vec::new();
        for (exchange, typed) in
            of_block(&block.body).map_err(|what| format!("line {}: {what}", block.line))?
        {
            lines.extend(typed);
            lines.extend(run(&exchange)?);
        }
        replaced.push((block.line..block.line + block.body.len(), lines));
    }
    for (range, lines) in replaced.into_iter().rev() {
        out.splice(range, lines);
    }
    let mut page = out.join("\n");
    if text.ends_with('\n') {
        page.push('\n');
    }
    Ok(page)
}

/// The exchanges of one block, each with the lines that are typed as they stand.
fn of_block(body: &[&str]) -> Result<Vec<(Exchange, Vec<String>)>, String> {
    let mut found: Vec<(Exchange, Vec<String>)> = Vec::new();
    for line in body {
        if let Some(command) = line.strip_prefix("$ ") {
            let exchange = Exchange { command: command.to_owned(), printed: Vec::new() };
            found.push((exchange, vec![(*line).to_owned()]));
            continue;
        }
        let Some((exchange, typed)) = found.last_mut() else {
            return Err(format!("a transcript begins with `$ `, not with «{line}»"));
        };
        match line.strip_prefix("> ") {
            Some(more) if exchange.printed.is_empty() => {
                exchange.command.push('\n');
                exchange.command.push_str(more);
                typed.push((*line).to_owned());
            }
            _ => exchange.printed.push((*line).to_owned()),
        }
    }
    Ok(found)
}

/// Commands of `cargo xtask` that a page may call, and the package and program of each.
const OWN: [(&str, &str, &str); 8] = [
    ("crash", "harness", "crash"),
    ("simulate", "harness", "simulate"),
    ("fuzz", "harness", "fuzz"),
    ("judge", "harness", "judge"),
    ("mutants", "harness", "mutants"),
    ("practice", "practice", "practice"),
    ("check", "practice", "practice"),
    ("new", "practice", "practice"),
];

/// The packages whose programs a command calls, by `cargo run -q -p PACKAGE` or by a command of `cargo xtask`.
pub fn programs(command: &str) -> Vec<(String, String)> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let runs = words.windows(5).filter(|w| w[..4] == ["cargo", "run", "-q", "-p"]).map(|w| w[4]);
    let own = words.windows(3).filter(|w| w[..2] == ["cargo", "xtask"]);
    let own = own.filter_map(|w| OWN.iter().find(|own| own.0 == w[2]));
    runs.map(|package| (package.to_owned(), package.to_owned()))
        .chain(own.map(|own| (own.1.to_owned(), own.2.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# A\n\n```console\n$ one |\n> two\nout\n\nmore\n$ three\n```\ntext\n```console\n$ four\nx [..]\n```\n";

    #[test]
    fn exchanges_are_read_in_order() {
        let found = exchanges(PAGE).unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].command, "one |\ntwo");
        assert_eq!(found[0].printed, ["out", "", "more"]);
        assert_eq!(found[1], Exchange { command: "three".to_owned(), printed: Vec::new() });
        assert_eq!(found[2].printed, ["x [..]"]);
    }

    #[test]
    fn the_same_answers_give_the_same_page() {
        let same = rewrite(PAGE, |exchange| Ok(exchange.printed.clone())).unwrap();
        assert_eq!(same, PAGE);
    }

    #[test]
    fn other_answers_change_only_what_is_printed() {
        let changed = rewrite(PAGE, |exchange| Ok(vec![format!("ran {}", exchange.command.len())])).unwrap();
        assert_eq!(
            changed,
            "# A\n\n```console\n$ one |\n> two\nran 9\n$ three\nran 5\n```\ntext\n```console\n$ four\nran 4\n```\n"
        );
    }

    #[test]
    fn a_block_that_is_no_transcript_is_refused() {
        assert!(exchanges("```console\nout\n```\n").unwrap_err().contains("line 1"));
        assert!(exchanges("```console\n$ x\n").unwrap_err().contains("never closed"));
    }

    #[test]
    fn programs_are_those_that_cargo_is_asked_for() {
        let found = programs("printf x | cargo run -q -p stage1 -- put && cargo xtask crash --seed 1");
        let pair = |package: &str, bin: &str| (package.to_owned(), bin.to_owned());
        assert_eq!(found, [pair("stage1", "stage1"), pair("harness", "crash")]);
        assert_eq!(programs("cargo xtask simulate | tail"), [pair("harness", "simulate")]);
        assert_eq!(programs("cargo xtask check --hint"), [pair("practice", "practice")]);
        assert_eq!(programs("cargo xtask tidy"), []);
    }
}
