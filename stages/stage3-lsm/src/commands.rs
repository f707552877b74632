//! What stage 3's shell can do besides what every stage's can: flush, and draw the tree.

use crate::state::Run;
use crate::store::Store;
use contract::{Call, Command, CommandReport, Engine, Error, Figure, Result, Run as How};
use std::any::Any;

/// The commands.
pub(crate) static COMMANDS: [Command; 2] = [
    Command {
        name: "flush",
        aliases: &[],
        takes: &[],
        flags: &[],
        help: "write what is in memtables into tables now",
        run: How::Engine(flush),
    },
    Command {
        name: "tree",
        aliases: &["runs"],
        takes: &[],
        flags: &[],
        help: "draw the tree: memtables, runs, tables and the keys that they span",
        run: How::Engine(tree),
    },
];

fn store(engine: &dyn Engine) -> Result<&Store> {
    let engine: &dyn Any = engine;
    engine.downcast_ref().ok_or(Error::Unsupported { what: "a command of another stage" })
}

fn flush(engine: &dyn Engine, _: &Call) -> Result<CommandReport> {
    let store = store(engine)?;
    store.flush_all()?;
    let tree = &store.state.load().tree;
    let count = |name, value| Figure { name, value, unit: "count" };
    let figures = vec![count("runs", tree.runs.len() as u64), count("tables", tree.tables().count() as u64)];
    Ok(CommandReport { figures, ..CommandReport::default() })
}

fn tree(engine: &dyn Engine, _: &Call) -> Result<CommandReport> {
    let store = store(engine)?;
    let state = store.state.load_full();
    let mut lines: Vec<String> = state
        .memtables()
        .enumerate()
        .map(|(i, memtable)| {
            let name = if i == 0 { "active" } else { "frozen" };
            format!("memtable  {name:<8} {:>10} keys  {:>12} bytes", memtable.entries(), memtable.bytes())
        })
        .collect();
    let largest = state.tree.runs.iter().map(|run| run.bytes()).max().unwrap_or(1).max(1);
    for run in &state.tree.runs {
        lines.extend(draw(run, largest));
    }
    Ok(CommandReport { lines, ..CommandReport::default() })
}

/// A run as a bar, and its tables.
fn draw(run: &Run, largest: u64) -> Vec<String> {
    const WIDTH: u64 = 30;
    let width = usize::try_from((run.bytes() * WIDTH).div_ceil(largest)).unwrap_or(1);
    let mut lines = vec![format!("run {:<6} {:<30} {} bytes", run.number, "█".repeat(width), run.bytes())];
    for (i, table) in run.tables.iter().enumerate() {
        let branch = if i + 1 == run.tables.len() { "└" } else { "├" };
        lines.push(format!(
            "  {branch} {}  {} entries, {} tombstones, {} bytes: {} … {}",
            table.name(),
            table.entries(),
            table.tombstones(),
            table.bytes(),
            stage1::inspect::text(table.smallest()),
            stage1::inspect::text(table.largest())
        ));
    }
    lines
}
