//! Judges one engine before the reader's eyes: `cargo xtask judge model --engine stage1`.
//!
//! **Layout** [`model`]: random operations beside the model, and the shortest script of what fails. [`damage`]: every injury
//! to small stores, counted by what was done and what was said of it. [`record`]: that as a table. The tests run the same over
//! more seeds.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "it talks to a person at a terminal")]
#![expect(clippy::disallowed_methods, reason = "it reads the script that it is given")]

/// Prints a line. Who reads may have gone, as `head` does: then there is nobody to tell.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

mod damage;
mod model;
mod record;

use contract::Stage;
use harness::broken::{self, BROKEN};
use harness::registry;
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
Judges an engine, and tells what was seen.

Usage: cargo xtask judge model  [OPTIONS]    random operations, each answer compared with that of a sorted map
       cargo xtask judge damage [OPTIONS]    every injury to the files of small stores, and what was said of it

  --engine NAME    which engine (default stage1), also one that is broken on purpose; or «all»
  --seed N         model: this one list of operations, whether it fails or not; damage: the options of the stores
  --seeds N        model: the lists 0 to N-1, until one fails (default 200)
  --operations N   model: lists of 400 small operations, so many that there are N in all
  --steps          model: tell every step by which a list that fails gets shorter
  --script FILE    model: these operations instead
  --store NAME     damage: only the store of this name, and a map of its files: what every byte is worth
  --json           damage: say it as JSON
  --markdown FILE  damage: no run, but the book's table from what a run has said as JSON
  --list           name the engines
  -h, --help       this text

Exit status: 0 every promise was kept, 1 one was broken, 2 wrong usage.
";

#[derive(Default)]
struct Args {
    suite: String,
    engine: Option<String>,
    seed: Option<u64>,
    seeds: Option<u64>,
    operations: Option<u64>,
    steps: bool,
    script: Option<PathBuf>,
    store: Option<String>,
    json: bool,
    markdown: Option<PathBuf>,
}

fn main() -> ExitCode {
    let done = parse().and_then(|args| args.map_or(Ok(ExitCode::SUCCESS), |args| run(&args)));
    done.unwrap_or_else(|e| {
        eprintln!("judge: {e}\n\n{HELP}");
        ExitCode::from(2)
    })
}

fn parse() -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut args = Args::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Value(suite) if args.suite.is_empty() => args.suite = suite.string()?,
            Long("engine") => args.engine = Some(parser.value()?.string()?),
            Long("seed") => args.seed = Some(parser.value()?.parse()?),
            Long("seeds") => args.seeds = Some(parser.value()?.parse()?),
            Long("operations") => args.operations = Some(parser.value()?.parse()?),
            Long("steps") => args.steps = true,
            Long("script") => args.script = Some(parser.value()?.into()),
            Long("store") => args.store = Some(parser.value()?.string()?),
            Long("json") => args.json = true,
            Long("markdown") => args.markdown = Some(parser.value()?.into()),
            Long("list") => {
                list();
                return Ok(None);
            }
            Long("help") | Short('h') => {
                say!("{}", HELP.trim_end());
                return Ok(None);
            }
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(args))
}

fn list() {
    for stage in registry::registry() {
        say!("{:<36} {}", stage.name, stage.title);
    }
    for broken in &BROKEN {
        say!("{:<36} broken on purpose: {}", broken.stage.name, broken.stage.title);
    }
}

fn run(args: &Args) -> Result<ExitCode, lexopt::Error> {
    let engine = args.engine.as_deref().unwrap_or("stage1");
    let kept = match (args.suite.as_str(), &args.markdown) {
        ("model", None) if engine == "all" => {
            let kept = registry::registry().iter().map(|stage| model::run(stage, args));
            kept.collect::<Result<Vec<_>, _>>()?.into_iter().all(|kept| kept)
        }
        ("model", None) => model::run(find(engine)?, args)?,
        ("damage", Some(json)) => {
            say!("{}", record::markdown(json).map_err(|e| e.to_string())?.trim_end());
            true
        }
        ("damage", None) if engine == "all" => {
            let stages: Vec<_> =
                registry::registry().iter().filter(|stage| stage.persistent).copied().collect();
            damage::run(&stages, args)?
        }
        ("damage", None) => damage::run(&[find(engine)?], args)?,
        (other, _) => return Err(format!("there is no suite «{other}»: model or damage").into()),
    };
    Ok(ExitCode::from(u8::from(!kept)))
}

fn find(name: &str) -> Result<&'static Stage, lexopt::Error> {
    let found = registry::find(name).or_else(|| Some(broken::find(name)?.stage));
    found.ok_or_else(|| format!("there is no engine «{name}»; --list names them").into())
}
