//! `cargo xtask simulate` from outside: what it prints, and how it ends.
#![expect(clippy::unwrap_used, reason = "a program that cannot be started fails the test")]

use std::process::{Command, Output};

fn simulate(args: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_simulate")).args(args.split_whitespace()).output().unwrap()
}

fn said(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_same_arguments_give_the_same_output() {
    let once = || said(simulate("--strategy leveled --workload hot --steps 20 --every 5 --seed 3").stdout);
    let first = once();
    assert_eq!(first, once());
    assert_eq!(first.matches("after flush ").count(), 4, "{first}");
    assert!(first.contains("textbook") && first.contains("written, for each byte put"), "{first}");
    assert!(!first.contains('\u{1b}'), "no colours");
}

#[test]
fn json_is_an_object_a_line() {
    let lines = said(simulate("--steps 5 --every 2 --json").stdout);
    let steps: Vec<&str> = lines.lines().filter(|line| line.starts_with(r#"{"step":"#)).collect();
    assert_eq!(steps.len(), 3, "after 2, 4 and 5: {lines}");
    let last = lines.lines().last().unwrap();
    assert!(
        last.starts_with(r#"{"write_amplification":"#) && last.contains(r#""user_bytes":620000,"#),
        "{last}"
    );
}

#[test]
fn wrong_usage_is_2_and_says_what_would_be_right() {
    let cases = [
        ("--strategy lazy", "there are: tiered, leveled, off"),
        ("--workload reads", "there are: fill, overwrite, hot, ascending"),
        ("--steps 0", "--steps takes a whole number from 1 on"),
        ("--fan-out 1", "--fan-out takes a whole number from 2 on"),
        ("--keys many", "not «many»"),
        ("--steps 9000000000", "make --steps or --flush-entries smaller"),
        ("--keys 9000000000", "make --keys smaller"),
        ("--entry-bytes 9000000000", "--entry-bytes is at most 1,048,576"),
        ("--disk", "--disk"),
        ("leveled", "leveled"),
    ];
    for (args, answer) in cases {
        let output = simulate(args);
        assert_eq!(output.status.code(), Some(2), "{args}");
        let error = said(output.stderr);
        assert!(error.starts_with("simulate: ") && error.contains(answer), "{args}: {error}");
        assert!(output.stdout.is_empty(), "{args}");
    }
    let help = simulate("--help");
    assert!(help.status.success() && said(help.stdout).contains("Usage: cargo xtask simulate"));
}
