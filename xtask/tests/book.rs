//! The book says what is true: every transcript is typed again.
//!
//! Each page gets a fresh folder, in which its commands run one after another, as a reader would type them; only
//! `benches/data` is there already. `cargo` on their path is a small script that calls the built program, so that no
//! line waits for a build. `SNAPSHOTS=overwrite`, which `cargo xtask book --update` sets, rewrites the pages.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "it reads the book and makes folders to run it in")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use snapbox::{Assert, Data};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use xtask::book::transcript::{self, Exchange};
use xtask::workspace;

/// Stands in for cargo: a transcript may call the workspace's programs and nothing else.
const CARGO: &str = r#"#!/bin/sh
if [ "$1 $2" = "xtask crash" ]; then
    shift 2
    exec "$STRATA_PROGRAMS/crash" "$@"
elif [ "$1 $2 $3" = "run -q -p" ] && { [ $# -eq 4 ] || [ "$5" = "--" ]; }; then
    program=$4
    shift 4
    [ $# -eq 0 ] || shift
    exec "$STRATA_PROGRAMS/$program" "$@"
fi
echo "a transcript calls: cargo run -q -p PACKAGE -- ..., or cargo xtask crash ..." >&2
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
    let compare = Assert::new().action_env("SNAPSHOTS");
    let mut failures = Vec::new();
    for (path, text) in &pages {
        let name = workspace::name(path);
        match replay(text, &programs) {
            Err(what) => failures.push(format!("{name}: {what}")),
            Ok(now) => {
                if let Err(difference) = compare.try_eq(Some(&name), now.into(), Data::read_from(path, None))
                {
                    failures.push(format!("{name} differs from what the programs say:\n{difference}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
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
        Ok(printed)
    })
}

/// Runs one command, after one that ended with `last`, and returns what it prints and how it ends.
fn type_in(
    exchange: &Exchange,
    home: &Path,
    path: &str,
    programs: &Path,
    last: i32,
) -> Result<(String, i32), String> {
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("exec 2>&1\n(exit {last})\n{}", exchange.command))
        .current_dir(home)
        .env_clear()
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
                    a transcript calls: cargo run -q -p PACKAGE -- ..., or cargo xtask crash ...\n\
                    $ ls benches/data/cities.tsv\nbenches/data/cities.tsv\n```\n";
    assert_eq!(said, expected);
}
