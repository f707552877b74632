//! What a stage adds to the shell: its own commands, options and tour.

use crate::run_on;
use contract::{
    Call, Command, CommandReport, Engine, Error, Figure, Flag, Kind, OptionSpec, RecoveryReport, Result, Run,
    SYNC, Stage, oracle,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The oracle with an option of its own.
struct Loud {
    oracle: oracle::Oracle,
    loudness: AtomicU64,
}

impl Engine for Loud {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.oracle.get(key)
    }
    fn write(&self, batch: &contract::Batch) -> Result<()> {
        self.oracle.write(batch)
    }
    fn scan(&self, range: contract::KeyRange<'_>) -> Result<contract::Scan> {
        self.oracle.scan(range)
    }
    fn sync(&self) -> Result<()> {
        Ok(())
    }
    fn set_option(&self, _: &str, value: &str) -> Result<()> {
        self.loudness.store(value.parse().unwrap(), Ordering::SeqCst);
        Ok(())
    }
}

/// It, with commands of its own.
static SPECIAL: Stage = Stage {
    name: "special",
    title: "the oracle with commands of its own",
    options: &[
        SYNC,
        OptionSpec {
            name: "loud",
            kind: Kind::Count { min: 1, max: 9 },
            default: "3",
            help: "how loud an echo is",
            live: true,
        },
        OptionSpec {
            name: "room-bytes",
            kind: Kind::Bytes { min: 64, max: 1 << 40 },
            default: "64MiB",
            help: "how much an echo fills",
            live: false,
        },
    ],
    open: |_, options| {
        let engine = Loud { oracle: oracle::Oracle::default(), loudness: options.count("loud")?.into() };
        Ok((Arc::new(engine), RecoveryReport { created: true, ..RecoveryReport::default() }))
    },
    commands: &[
        Command {
            name: "echo",
            aliases: &["say"],
            takes: &["KEY", "[TIMES]"],
            flags: &[Flag { name: "loud", value: None, help: "With a mark at the end" }],
            help: "Say a key again",
            run: Run::Engine(echo),
        },
        Command::short_for("shout", "echo --loud"),
        Command::short_for("set_loudness", "option loud"),
        Command::short_for("greet", "put greeting"),
        Command::short_for("lost", "nothing there"),
    ],
    tour: &[contract::TourStep {
        say: "One step.",
        run: &["put a 1", "batch", "put b 2", "crash 5", "files", "scan", "get a"],
    }],
    ..plain()
};

fn echo(engine: &dyn Engine, call: &Call) -> Result<CommandReport> {
    let any: &dyn std::any::Any = engine;
    let engine: &Loud = any.downcast_ref().expect("a command can tell its own engine");
    let mark = if call.has("loud") { "!" } else { "" };
    let times = call.text(1)?.unwrap_or("1");
    let times = times.parse().map_err(|_| Error::BadOption { what: "TIMES is a number".into() })?;
    Ok(CommandReport {
        lines: vec![format!("{:?}{mark}", call.args[0])],
        figures: vec![
            Figure { name: "said-count", value: times, unit: "count" },
            Figure { name: "loudness", value: engine.loudness.load(Ordering::SeqCst), unit: "phon" },
            Figure { name: "breath", value: 2500, unit: "us" },
        ],
        wrong: if times == 0 { vec!["nothing was said".into()] } else { Vec::new() },
    })
}

pub(crate) const fn plain() -> Stage {
    Stage {
        name: "",
        title: "",
        persistent: false,
        options: oracle::STAGE.options,
        open: oracle::STAGE.open,
        inspect: oracle::STAGE.inspect,
        verify: |_| Ok(contract::VerifyReport::default()),
        salvage: oracle::STAGE.salvage,
        commands: &[],
        tour: &[],
    }
}

fn special(args: &[&str], script: &str) -> crate::Ran {
    run_on(&SPECIAL, args, script)
}

/// The results without what differs each time.
fn untimed(ran: &crate::Ran) -> Vec<String> {
    let text = String::from_utf8_lossy(&ran.out);
    text.lines().filter(|line| !line.starts_with("time ")).map(str::to_owned).collect()
}

#[test]
fn a_stage_brings_its_own_commands() {
    let expected = ["[97, 32, 98]", "said count  2", "loudness    3 phon", "breath      2.50 ms"];
    let ran = special(&["echo", "a b", "2"], "");
    assert_eq!((ran.status, untimed(&ran)), (0, expected.map(str::to_owned).to_vec()), "{}", ran.err);
    assert!(ran.out.ends_with(b"s\n") && ran.out.split(|&b| b == b'\n').any(|l| l.starts_with(b"time  ")));
    assert_eq!(untimed(&special(&["SAY", "a b", "2"], "")), expected);
    assert_eq!(untimed(&special(&[], "Echo \"a b\" 2")), expected);
    for wrong in ["echo", "echo a b c", "echo a x", "echo --quiet a", "lost"] {
        let ran = special(&[], wrong);
        assert_eq!((ran.status, ran.out.as_slice()), (2, &b""[..]), "{wrong}");
        assert_eq!(special(&wrong.split(' ').collect::<Vec<_>>(), "").status, 2, "{wrong}");
    }
}

#[test]
fn a_command_may_find_something_wrong() {
    let ran = special(&["--keep-going"], "echo \"\\xff\" 0\nget absent");
    assert_eq!((ran.status, ran.err.as_str()), (3, "(absent)\n"));
    assert_eq!(untimed(&ran)[..2], ["[255]", "wrong: nothing was said"]);
    assert_eq!(special(&["echo", "a", "0"], "").status, 3);
}

#[test]
fn a_command_of_a_stage_reports_as_json_too() {
    for (args, script) in
        [(&["--json", "echo", "a"][..], ""), (&["echo", "a", "--json"], ""), (&[], "echo --json a")]
    {
        let text = String::from_utf8(special(args, script).out).unwrap();
        let (before, seconds) = text.split_once(r#""seconds":"#).unwrap();
        assert_eq!(
            before,
            r#"{"figures":{"breath":{"unit":"us","value":2500},"loudness":{"unit":"phon","value":3},"said-count":{"unit":"count","value":1}},"lines":["[97]"],"#
        );
        let (seconds, after) = seconds.split_once(',').unwrap();
        assert!(seconds.parse::<f64>().unwrap() >= 0.0, "{text}");
        assert_eq!(after, "\"wrong\":[]}\n");
    }
}

#[test]
fn a_name_may_stand_for_the_beginning_of_a_line() {
    assert_eq!(untimed(&special(&[], "shout a"))[0], "[97]!");
    assert_eq!(untimed(&special(&["SHOUT", "a", "2"], ""))[..2], ["[97]!", "said count  2"]);
    assert_eq!(untimed(&special(&[], "set_loudness 5\necho a"))[2], "loudness    5 phon");
    assert_eq!(untimed(&special(&["set_loudness"], ""))[0].split_whitespace().nth(1), Some("3"));
    assert!(special(&["set_loudness", "10"], "").err.contains("between 1 and 9"));
    assert_eq!(special(&[], "greet  you \nget greeting").out, b" you \n");
    assert!(special(&[], "greet").err.contains("VALUE is missing: greet VALUE"));
    let help = String::from_utf8(special(&["help"], "").out).unwrap();
    for line in ["echo KEY [TIMES]", "Say a key again", "set_loudness [VALUE]", "Short for «option loud»"] {
        assert!(help.contains(line), "{line}: {help}");
    }
    let help = String::from_utf8(special(&["help", "say"], "").out).unwrap();
    assert_eq!(
        help,
        "echo KEY [TIMES] [--loud] [--json]\n    Say a key again\n    --loud             With a mark at the end\n    Also: say\n"
    );
    assert!(!special(&["--help"], "").out.is_empty());
}

#[test]
fn a_flag_may_have_the_name_of_an_option() {
    for argv in [&["--loud", "4", "echo", "--loud", "a"][..], &["shout", "a"], &["echo", "a", "--loud"]] {
        let ran = special(argv, "");
        assert_eq!((ran.status, untimed(&ran)[0].as_str()), (0, "[97]!"), "{}", ran.err);
        assert_eq!(untimed(&ran)[2].ends_with("4 phon"), argv.len() == 5);
    }
    assert_eq!(untimed(&special(&["put", "a", "b", "--loud", "4"], "")), [""; 0]);
    assert_eq!(special(&["get", "a", "--loud", "10"], "").status, 2);
}

#[test]
fn options_say_what_they_may_be() {
    let listed = String::from_utf8(special(&["option"], "").out).unwrap();
    for text in [
        "[on-request, every-write; default: on-request]",
        "[1 to 9; default: 3]",
        "[64 to 1024GiB; default: 64MiB; only",
    ] {
        assert!(listed.contains(text), "{text}: {listed}");
    }
    let json = String::from_utf8(special(&["option", "loud", "--json"], "").out).unwrap();
    assert!(json.contains(r#""values":{"max":9,"min":1}"#), "{json}");
    let help = String::from_utf8(special(&["--help"], "").out).unwrap();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("--loud <NUMBER> How loud an echo is [default: 3] [1 to 9]"), "{help}");
    for (argv, way_out) in
        [(["--loud", "10", "count"], "between 1 and 9"), (["--loud", "x", "count"], "number")]
    {
        let ran = special(&argv, "");
        assert!(ran.status == 2 && ran.err.contains(way_out), "{}", ran.err);
    }
}

#[test]
fn a_tour_shows_its_lines_and_what_they_answer() {
    let ran = run_on(&SPECIAL, &["tour"], "");
    let text = String::from_utf8(ran.out).unwrap();
    assert_eq!(ran.status, 0, "{text} {}", ran.err);
    let expected = "(1 of 1)\nOne step.\n\nspecial> put a 1\n\nspecial> batch\n\nspecial> put b 2\n\nspecial> crash 5\n\
                    The process died; the store is open again.\n\nspecial> files\n\nspecial> scan\n\n\
                    special> get a\n(absent)\n";
    assert_eq!(text, expected);
    assert_eq!(ran.err, "");
}
