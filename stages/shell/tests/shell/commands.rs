//! What each command answers.

use crate::{results, script_of};

#[test]
fn a_value_is_the_rest_of_the_line_byte_for_byte() {
    assert_eq!(
        results("PUT user:1 {\"name\":\"Alice\",\"age\":30}\nGET user:1"),
        "{\"name\":\"Alice\",\"age\":30}\n"
    );
    assert_eq!(results("set k  a  b \nget k"), " a  b \n");
    assert_eq!(results("put k \nget k"), "\n");
    assert_eq!(
        results(
            r#"store "a key" "tab\there"
get "a key""#
        ),
        "\"tab\\there\"\n"
    );
}

#[test]
fn text_prints_as_itself_and_all_else_escaped() {
    assert_eq!(results("put k Tōkyō \\n\nget k"), "Tōkyō \\n\n");
    assert_eq!(
        results(
            r#"put "\x00\xff" "a\nb"
scan"#
        ),
        "\"\\x00\\xff\"\t\"a\\nb\"\n"
    );
    let raw = script_of(
        &[],
        r#"put k "\x00\n\xff"
get --raw k"#,
    );
    assert_eq!(raw.out, b"\0\n\xff");
}

#[test]
fn json_is_a_string_or_hexadecimal() {
    let script = r#"put k "a\nb"
put l "\xff"
get --json k
get k --json
scan --json
count --json
get --json absent
put k x"#;
    assert_eq!(
        results(script),
        r#""a\nb"
"a\nb"
{"key":"k","value":"a\nb"}
{"key":"l","value":{"hex":"ff"}}
{"count":2}
null
"#
    );
    assert_eq!(script_of(&["--json"], "put k 1\nget k\nexists k").out, b"\"1\"\ntrue\n");
}

#[test]
fn ranges_prefixes_and_limits() {
    let fill = "put a 1\nput b 2\nput ba 3\nput c 4\n";
    for (command, expected) in [
        ("scan", "a\t1\nb\t2\nba\t3\nc\t4\n"),
        ("scan b", "b\t2\nba\t3\nc\t4\n"),
        ("scan b c", "b\t2\nba\t3\n"),
        ("scan c b", ""),
        ("scan --prefix b", "b\t2\nba\t3\n"),
        ("scan --prefix b --limit 1", "b\t2\n"),
        ("scan --limit=0", ""),
        ("count b", "3\n"),
        ("count --prefix=b", "2\n"),
        ("COUNT", "4\n"),
    ] {
        assert_eq!(results(&format!("{fill}{command}")), expected, "{command}");
    }
    for wrong in ["scan a --prefix b", "scan --limit x", "scan --limit -1", "count --limit 3"] {
        assert_eq!(script_of(&[], wrong).status, 2, "{wrong}");
    }
}

#[test]
fn create_puts_only_what_is_absent() {
    let ran = script_of(&[], "create k 1\ncreate k 2\nget k\ncreate k 3");
    assert_eq!((ran.status, ran.out.as_slice()), (1, &b"1\n"[..]));
    assert!(ran.err.contains("nothing was changed"), "{}", ran.err);
}

#[test]
fn wrong_usage_is_status_2_and_says_what_would_be_right() {
    for (script, hint) in [
        ("get", "get KEY"),
        ("get a b", "quotes"),
        ("put k", "VALUE is missing"),
        ("put \"k v", "closing quote"),
        ("get --loud k", "usage: get KEY"),
        ("option nothing", "sync"),
        ("option sync never", "every-write"),
        ("option sync every-write", "--sync every-write"),
        ("tour", "no tour"),
        ("help nothing", "nothing"),
    ] {
        let ran = script_of(&[], script);
        assert_eq!(ran.status, 2, "{script}: {}", ran.err);
        assert!(ran.err.contains(hint), "{script}: {}", ran.err);
        assert!(ran.out.is_empty());
    }
    for argv in
        [&["get"][..], &["nothing"], &["put", "k"], &["--sync", "never"], &["get", "a", "b"], &["batch"]]
    {
        assert_eq!(script_of(argv, "").status, 2, "{argv:?}");
    }
}

#[test]
fn too_large_a_key_is_refused_before_it_is_written() {
    let key = "k".repeat((64 << 10) + 1);
    let ran = script_of(&["--keep-going"], &format!("put {key} v\ncount"));
    assert_eq!((ran.status, ran.out.as_slice()), (2, &b"0\n"[..]));
}

#[test]
fn help_names_every_command_and_every_option_with_its_default() {
    let help = String::from_utf8(script_of(&["--help"], "").out).unwrap();
    let listed = results("help");
    let names = "put get delete exists create scan count import export batch commit abort sync compact step stats option \
                 explain inspect verify salvage tour help quit";
    for name in names.split_whitespace() {
        assert!(help.contains(&format!("\n  {name} ")) && listed.contains(&format!("  {name} ")), "{name}");
        assert!(results(&format!("help {name}")).starts_with(name));
    }
    for text in
        ["--sync", "[default: on-request]", "every-write", "--dir", "--json", "--keep-going", "\\xNN", "hex"]
    {
        assert!(help.contains(text), "{text}");
    }
}

#[test]
fn arguments_are_taken_as_they_are() {
    for argv in [&["put", "-5", "--value"][..], &["SET", "k", "\"quoted\\n\""], &["put", "k", "--", "--json"]]
    {
        assert_eq!(script_of(argv, "").status, 0, "{argv:?}");
    }
}

#[test]
fn a_bad_line_of_an_import_is_named_and_what_came_before_stays() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for (bad, why) in [("no tab", "no tab"), ("k\ta\\qb", "no escape \\q"), ("k\t\\", "lone backslash")] {
        std::fs::write(file.path(), format!("a\t1\nb\t2\n{bad}\nc\t3\n")).unwrap();
        let ran = script_of(&["--keep-going"], &format!("import {}\ncount", file.path().display()));
        assert_eq!((ran.status, ran.out.as_slice()), (2, &b"2\n"[..]), "{}", ran.err);
        for text in ["line 3 of the import", why, "the store has 2 entries"] {
            assert!(ran.err.contains(text), "{text}: {}", ran.err);
        }
    }
    let ran = script_of(&["--json"], "import -\na\t1\nb\t2");
    assert!(ran.out.starts_with(b"{\"bytes\":4,\"entries\":2,"), "{ran:?}");
    assert_eq!(script_of(&["import", "/nonexistent"], "").status, 2);
}
