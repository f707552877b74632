//! The book says what is true: every transcript is typed again, and the appendix states what the harness checks.
//!
//! Each page gets a fresh folder, in which its commands run one after another, as a reader would type them; only
//! `benches/data` is there already. Crates that they make lie there too, and are built into the workspace's target
//! folder. `cargo` on their path is a small script that calls the built program, so that no
//! line waits for a build. `SNAPSHOTS=overwrite`, which `cargo xtask book --update` sets, rewrites the pages.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "it reads the book and makes folders to run it in")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use snapbox::{Assert, Data, IntoData};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use xtask::book::transcript::{self, Exchange};
use xtask::workspace;

/// Stands in for cargo: a transcript may call the workspace's programs and nothing else.
const CARGO: &str = r#"#!/bin/sh
case "$1 $2" in "xtask crash"|"xtask simulate"|"xtask judge"|"xtask fuzz"|"xtask mutants")
    program=$2
    shift 2
    exec "$STRATA_PROGRAMS/$program" "$@"
    ;;
"xtask practice"|"xtask check"|"xtask new")
    shift
    exec "$STRATA_PROGRAMS/practice" "$@"
    ;;
esac
if [ "$1 $2 $3" = "run -q -p" ] && { [ $# -eq 4 ] || [ "$5" = "--" ]; }; then
    program=$4
    shift 4
    [ $# -eq 0 ] || shift
    exec "$STRATA_PROGRAMS/$program" "$@"
fi
echo "a transcript calls: cargo run -q -p PACKAGE -- ..., or cargo xtask crash, simulate, judge, fuzz, mutants, practice, check or new ..." >&2
exit 101
"#;

#[test]
fn every_transcript_is_what_the_programs_say() {
    let root = workspace::root();
    let mut pages = workspace::files(&root.join("book/src"), "md");
    pages.push(root.join("README.md"));
    let pages: Vec<(PathBuf, String)> = pages
        .into_iter()
        .map(|path| (path.clone(), workspace::read(&path).unwrap()))
        .filter(|(_, text)| text.contains("```console"))
        .collect();
    let programs = build(&pages);
    let compare = compare().action_env("SNAPSHOTS");
    let mut failures = Vec::new();
    for (path, _) in &pages {
        let name = workspace::name(path);
        // Read again: building took its time, and somebody who writes on the page meanwhile must not lose a word.
        let text = workspace::read(path).unwrap();
        match replay(&text, &programs) {
            Err(what) => failures.push(format!("{name}: {what}")),
            Ok(now) => {
                let page = Data::read_from(path, None).raw();
                if page.to_string() != text {
                    failures.push(format!("{name} was edited while its commands ran: try again"));
                } else if let Err(difference) = compare.try_eq(Some(&name), now.into(), page) {
                    failures.push(format!("{name} differs from what the programs say:\n{difference}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Compares byte for byte: a page about escapes cannot have its backslashes taken for a path's.
fn compare() -> Assert {
    Assert::new().normalize_paths(false)
}

/// Builds the programs that the pages call, and says where they lie.
fn build(pages: &[(PathBuf, String)]) -> PathBuf {
    let exchanges = pages.iter().flat_map(|(_, text)| transcript::exchanges(text).unwrap_or_default());
    let programs: BTreeSet<_> =
        exchanges.flat_map(|exchange| transcript::programs(&exchange.command)).collect();
    // Package by package, as a reader's `cargo run -p` builds them: then it is built once for both.
    for (package, bin) in &programs {
        let mut command = workspace::cargo("build");
        command.args(["--quiet", "--package", package, "--bin", bin]).env_remove("CARGO_MANIFEST_DIR");
        assert!(command.status().unwrap().success(), "cannot build {bin}");
    }
    // This test lies in `deps`, beside the programs.
    std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned()
}

/// The page with what its commands print now.
fn replay(text: &str, programs: &Path) -> Result<String, String> {
    let place = tempfile::tempdir().map_err(|e| e.to_string())?;
    let (home, bin) = (place.path().join("home"), place.path().join("bin"));
    fs::create_dir_all(home.join("benches")).map_err(|e| e.to_string())?;
    fs::create_dir(&bin).map_err(|e| e.to_string())?;
    symlink(workspace::root().join("benches/data"), home.join("benches/data")).map_err(|e| e.to_string())?;
    fs::write(bin.join("cargo"), CARGO).map_err(|e| e.to_string())?;
    fs::set_permissions(bin.join("cargo"), fs::Permissions::from_mode(0o755)).map_err(|e| e.to_string())?;
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let mut last = 0;
    transcript::rewrite(text, |exchange| {
        let (printed, code) = type_in(exchange, &home, &path, programs, last)?;
        last = code;
        Ok(with_wildcards(&printed, &exchange.printed))
    })
}

/// What was printed, with the page's own wildcards put back wherever they match: a page whose other lines changed
/// keeps them when it is rewritten.
fn with_wildcards(printed: &str, page: &[String]) -> Vec<String> {
    let matches = |actual: &str, expected: &str| {
        let (actual, expected) = compare().normalize(actual.into_data(), expected.into_data());
        actual == expected
    };
    let printed: Vec<String> = printed.lines().map(str::to_owned).collect();
    if !page.is_empty() && matches(&printed.join("\n"), &page.join("\n")) {
        return page.to_owned();
    }
    let line = |line: String| {
        page.iter().find(|wild| wild.contains("[..]") && matches(&line, wild)).cloned().unwrap_or(line)
    };
    printed.into_iter().map(line).collect()
}

#[test]
fn wildcards_stay_where_they_match() {
    let page = ["[..] entries/s".to_owned(), "same".to_owned()];
    assert_eq!(with_wildcards("9 entries/s\nsame\n", &page), page);
    assert_eq!(with_wildcards("8 entries/s\nother\n", &page), ["[..] entries/s", "other"]);
    assert_eq!(with_wildcards("a\nb\nc\n", &["a".into(), "...".into(), "c".into()]), ["a", "...", "c"]);
    assert_eq!(with_wildcards("\n", &[]), [""]);
    assert!(with_wildcards("", &[]).is_empty());
}

/// Runs one command, after one that ended with `last`, and returns what it prints and how it ends.
fn type_in(
    exchange: &Exchange,
    home: &Path,
    path: &str,
    programs: &Path,
    last: i32,
) -> Result<(String, i32), String> {
    let mut command = Command::new("sh");
    command.env_clear();
    // A reader's crate is built by the real cargo.
    for name in ["CARGO", "CARGO_HOME", "CARGO_TARGET_DIR", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let output = command
        .arg("-c")
        .arg(format!("exec 2>&1\n(exit {last})\n{}", exchange.command))
        .current_dir(home)
        .env("STRATA_MINE", home.join("stages/mine"))
        .env("PATH", path)
        .env("HOME", home)
        .env("STRATA_PROGRAMS", programs)
        .env("LC_ALL", "C.UTF-8")
        .env("TERM", "dumb")
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("cannot run sh: {e}"))?;
    let printed = String::from_utf8(output.stdout).map_err(|e| format!("«{}»: {e}", exchange.command))?;
    Ok((printed, output.status.code().unwrap_or(128)))
}

#[test]
fn commands_of_a_page_share_a_folder_and_see_how_the_last_one_ended() {
    let page = "```console\n$ echo a > x; false\n$ echo $? $(cat x)\n$ cargo build\n$ ls benches/data/cities.tsv\n```\n";
    let said = replay(page, Path::new("/")).unwrap();
    let expected = "```console\n$ echo a > x; false\n$ echo $? $(cat x)\n1 a\n$ cargo build\n\
                    a transcript calls: cargo run -q -p PACKAGE -- ..., or cargo xtask crash, simulate, judge, fuzz, mutants, \
                    practice, check or new ...\n\
                    $ ls benches/data/cities.tsv\nbenches/data/cities.tsv\n```\n";
    assert_eq!(said, expected);
}
#[test]
fn the_appendix_states_every_invariant_in_the_words_of_the_harness() {
    let page = workspace::read(&workspace::root().join("book/src/appendix/invariants.md")).unwrap();
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for invariant in harness::invariant::Invariant::ALL {
        let heading = format!("### {} {} ", invariant.id(), invariant.name());
        assert!(page.contains(&heading), "the appendix has no heading «{heading}»");
        let statement = sentence(invariant.statement());
        assert!(page.contains(&statement), "{} is stated in other words than «{statement}»", invariant.id());
    }
}

/// A statement as a sentence of its own.
fn sentence(statement: &str) -> String {
    let (first, rest) = statement.split_at(1);
    format!("{}{rest}.", first.to_uppercase())
}
