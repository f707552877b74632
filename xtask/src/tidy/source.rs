//! What one source file must be like: headed, short, finished.

use super::Finding;

/// Over this many lines a file is mentioned.
const LONG_LINES: usize = 300;
/// Over this many lines a file is refused.
const LIMIT_LINES: usize = 400;

/// What says that something is unfinished. Taken apart here, so that this file does not find itself.
const UNFINISHED: [&str; 5] = [
    concat!("to", "do!("),
    concat!("unimpl", "emented!("),
    concat!("#[ig", "nore"),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
];

/// Checks one file.
pub fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !text.lines().find(|line| !line.trim().is_empty()).is_some_and(|line| line.starts_with("//! ")) {
        findings.push(Finding::new(
            path,
            1,
            "has no head: start the file with a `//!` sentence that says what it is",
        ));
    }
    let lines = text.lines().count();
    if lines > LIMIT_LINES {
        findings.push(Finding::new(path, lines, format!("has {lines} lines, over {LIMIT_LINES}: divide it")));
    } else if lines > LONG_LINES {
        let what = format!("has {lines} lines, over {LONG_LINES}");
        findings.push(Finding { warning: true, ..Finding::new(path, lines, what) });
    }
    for (number, line) in text.lines().enumerate() {
        for word in UNFINISHED.iter().filter(|word| occurs(line, word)) {
            let what = format!("says `{word}`: finish it, or write down elsewhere what is left");
            findings.push(Finding::new(path, number + 1, what));
        }
    }
    findings
}

/// Whether `word` stands in `line` and is not a part of a longer word.
fn occurs(line: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        let open_end = word.ends_with(|c: char| !c.is_alphanumeric()) || word.starts_with('#');
        !part(before.chars().next_back()) && (open_end || !part(after.chars().next()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whats(text: &str) -> Vec<String> {
        check("a.rs", text).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_short_finished_file_with_a_head_is_fine() {
        assert_eq!(whats("//! A head.\n\nfn f() {}\n"), Vec::<String>::new());
    }

    #[test]
    fn a_head_comes_first() {
        assert!(whats("fn f() {}\n//! Late.\n")[0].contains("no head"));
        assert!(whats("")[0].contains("no head"));
        assert!(whats("//!\nfn f() {}\n")[0].contains("no head"));
    }

    #[test]
    fn length_warns_before_it_refuses() {
        let text = |lines: usize| format!("//! A head.\n{}", "\n".repeat(lines - 1));
        assert!(check("a.rs", &text(300)).is_empty());
        assert!(check("a.rs", &text(301))[0].warning);
        assert!(check("a.rs", &text(400))[0].warning);
        assert!(!check("a.rs", &text(401))[0].warning);
    }

    #[test]
    fn unfinished_work_is_found_where_it_stands_and_longer_words_are_not() {
        for word in UNFINISHED {
            let findings = check("a.rs", &format!("//! A head.\n\n    {word} x\n"));
            assert_eq!((findings.len(), findings[0].line), (1, 3), "{word}");
        }
        assert!(check("a.rs", &format!("//! A head.\nconst MA{}NT: u8 = 1;\n", UNFINISHED[3])).is_empty());
    }
}
