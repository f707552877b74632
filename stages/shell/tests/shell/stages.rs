//! What a stage adds to the shell: its own commands, its tour, and what its store does at the end.

use crate::run_on;
use contract::{Engine, Error, RecoveryReport, Stage, oracle};

/// The oracle with a command of its own.
static SPECIAL: Stage = Stage {
    name: "special",
    title: "the oracle with a command of its own",
    commands: &[contract::Command {
        name: "echo",
        aliases: &["say"],
        usage: "WORD…",
        help: "Say the words again",
        run: |engine, words| {
            let any: &dyn std::any::Any = engine;
            assert!(any.is::<oracle::Oracle>(), "a command can tell its own engine");
            if words.is_empty() {
                return Err(Error::Unsupported { what: "silence" });
            }
            Ok(words.join("-"))
        },
    }],
    tour: &[contract::TourStep {
        say: "One step.",
        run: &["put a 1", "batch", "put b 2", "crash 5", "files", "scan", "get a"],
    }],
    ..plain()
};

const fn plain() -> Stage {
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

#[test]
fn a_stage_brings_its_own_commands() {
    assert_eq!(run_on(&SPECIAL, &["echo", "a b", "c"], "").out, b"a b-c\n");
    assert_eq!(run_on(&SPECIAL, &["SAY", "a"], "").out, b"a\n");
    assert_eq!(run_on(&SPECIAL, &[], "Echo \"a b\" c").out, b"a b-c\n");
    assert_eq!(run_on(&SPECIAL, &["echo"], "").status, 2);
    let help = String::from_utf8(run_on(&SPECIAL, &["help"], "").out).unwrap();
    assert!(help.contains("echo WORD…"), "{help}");
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

#[test]
fn what_is_open_is_closed() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    static CLOSED: AtomicU64 = AtomicU64::new(0);
    struct Closing(oracle::Oracle);
    impl Engine for Closing {
        fn get(&self, key: &[u8]) -> contract::Result<Option<Vec<u8>>> {
            self.0.get(key)
        }
        fn write(&self, batch: &contract::Batch) -> contract::Result<()> {
            self.0.write(batch)
        }
        fn scan(&self, range: contract::KeyRange<'_>) -> contract::Result<contract::Scan> {
            self.0.scan(range)
        }
        fn sync(&self) -> contract::Result<()> {
            Ok(())
        }
        fn close(&self) -> contract::Result<()> {
            CLOSED.fetch_add(1, Ordering::SeqCst);
            Err(Error::corrupt("a.log", 7, "as a test"))
        }
    }
    static STAGE: Stage = Stage {
        open: |_, _| Ok((Arc::new(Closing(oracle::Oracle::default())), RecoveryReport::default())),
        ..plain()
    };
    for (at, script) in ["put a 1", "nonsense after\nput", "get a\nquit"].into_iter().enumerate() {
        let ran = run_on(&STAGE, &["--keep-going"], format!("put a 1\n{script}"));
        assert_eq!(ran.status, 3);
        assert!(ran.err.contains("a.log is damaged at offset 7"), "{}", ran.err);
        assert_eq!(CLOSED.load(Ordering::SeqCst), at as u64 + 1);
    }
}
