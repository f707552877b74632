//! What stage 2's shell can do besides what every stage's can: save the index now, and build it anew.

use crate::store::Store;
use contract::{Call, Command, CommandReport, Engine, Error, Figure, Flag, Result, Run};
use std::any::Any;

/// The commands.
pub(crate) static COMMANDS: [Command; 4] = [
    Command {
        name: "hint",
        aliases: &["save_index_snapshot"],
        takes: &[],
        flags: &[],
        help: "save the keydir now: write the hint file of every segment that lacks one",
        run: Run::Engine(hint),
    },
    Command {
        name: "reindex",
        aliases: &["load_index"],
        takes: &[],
        flags: &[Flag { name: "hints", value: None, help: "from hint files, where there are some" }],
        help: "drop the keydir, build it anew from the segments, and compare",
        run: Run::Engine(reindex),
    },
    Command::short_for("load_index_snapshot", "reindex --hints"),
    Command::short_for("set_threshold", "option segment-bytes"),
];

fn store(engine: &dyn Engine) -> Result<&Store> {
    let engine: &dyn Any = engine;
    engine.downcast_ref().ok_or(Error::Unsupported { what: "a command of another stage" })
}

fn hint(engine: &dyn Engine, _: &Call) -> Result<CommandReport> {
    let written = store(engine)?.write_all_hints()?;
    let figures = vec![
        Figure { name: "hints-written", value: written.files, unit: "count" },
        Figure { name: "hint-bytes", value: written.bytes, unit: "bytes" },
    ];
    Ok(CommandReport { figures, ..CommandReport::default() })
}

fn reindex(engine: &dyn Engine, call: &Call) -> Result<CommandReport> {
    let found = store(engine)?.reindex(call.has("hints"))?;
    let figures = vec![
        Figure { name: "keys", value: found.keys, unit: "count" },
        Figure { name: "from-hints", value: found.hints, unit: "count" },
        Figure { name: "from-segments", value: found.segments, unit: "count" },
        Figure { name: "differences", value: found.differences, unit: "count" },
    ];
    let mut report = CommandReport { figures, ..CommandReport::default() };
    if found.differences == 0 {
        report.lines.push("the new keydir says the same as the old one".into());
    } else {
        report.wrong.push(format!("{} keys lay elsewhere than the old keydir said", found.differences));
    }
    Ok(report)
}
