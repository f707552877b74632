//! The process that tests start and kill. It speaks in lines on stdout, and each line is flushed before it goes on.
//!
//! ```text
//! worker STAGE DIR [NAME=VALUE …] -- hold              opens, says «held», keeps the store until its stdin ends
//! worker STAGE DIR [NAME=VALUE …] -- run SEED FROM     opens, says «open», does the operations of SEED from number
//!                                                      FROM on, and says each number once it is acknowledged
//! worker STAGE DIR [NAME=VALUE …] -- descriptors N     opens and lets go N times; says how many descriptors it had
//!                                                      before and after
//! worker STAGE DIR [NAME=VALUE …] -- fill ROOM         limits file sizes to ROOM bytes past the largest file, writes
//!                                                      until that fails, lifts the limit, writes on; says the
//!                                                      number of each write that is acknowledged
//! ```
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "its lines are what the test reads")]
#![expect(clippy::disallowed_methods, reason = "counting descriptors means listing /proc/self/fd")]

use contract::{Engine, Options, Stage};
use harness::ops::{self, Shape, generate};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;
use vfs::{OsFs, Vfs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut halves = args.splitn(2, |arg| arg == "--");
    let [stage, dir, settings @ ..] = halves.next().unwrap_or_default() else { return Err(usage()) };
    let store = Store::new(stage, dir, settings)?;
    let command: Vec<&str> = halves.next().unwrap_or_default().iter().map(String::as_str).collect();
    match command[..] {
        ["hold"] => hold(&store),
        ["run", seed, from] => run(&store, seed.parse()?, from.parse()?),
        ["descriptors", times] => descriptors(&store, times.parse()?),
        ["fill", room] => fill(&store, room.parse()?),
        _ => Err(usage()),
    }
}

fn usage() -> Box<dyn Error> {
    "worker STAGE DIR [NAME=VALUE …] -- hold | run SEED FROM | descriptors N | fill ROOM".into()
}

struct Store {
    stage: &'static Stage,
    options: Options,
    dir: String,
}

impl Store {
    fn new(stage: &str, dir: &str, settings: &[String]) -> Result<Self> {
        let stage = harness::registry::find(stage).ok_or("there is no such stage")?;
        let mut options = stage.default_options();
        for setting in settings {
            let (name, value) = setting.split_once('=').ok_or_else(usage)?;
            options.set(name, value)?;
        }
        Ok(Self { stage, options, dir: dir.to_owned() })
    }

    fn vfs(&self) -> Result<Arc<dyn Vfs>> {
        Ok(Arc::new(OsFs::create(&self.dir)?))
    }

    fn open(&self) -> Result<Arc<dyn Engine>> {
        Ok((self.stage.open)(self.vfs()?, &self.options)?.0)
    }
}

/// Says a line, and returns once it is in the pipe.
fn say(line: impl std::fmt::Display) -> Result<()> {
    println!("{line}");
    Ok(std::io::stdout().flush()?)
}

fn hold(store: &Store) -> Result<()> {
    let _engine = store.open()?;
    say("held")?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

fn run(store: &Store, seed: u64, from: usize) -> Result<()> {
    let engine = store.open()?;
    say("open")?;
    for (i, op) in generate(seed, &Shape::long_life()).iter().enumerate().skip(from) {
        ops::apply(&*engine, op)?;
        say(i)?;
    }
    // Not closed: the death of a process that has done everything is a death like any other.
    std::process::exit(0)
}

fn descriptors(store: &Store, times: u64) -> Result<()> {
    let count = || Ok::<_, std::io::Error>(std::fs::read_dir("/proc/self/fd")?.count());
    store.open()?.close()?;
    let before = count()?;
    for i in 0..times {
        let engine = store.open()?;
        engine.put(b"k", i.to_string().as_bytes())?;
        let scan = engine.scan(contract::KeyRange::all())?;
        if store.open().is_ok() {
            return Err("a second handle was given".into());
        }
        engine.compact()?;
        drop(scan);
        if i % 2 == 0 {
            engine.close()?;
        }
    }
    say(format_args!("{before} {}", count()?))
}

fn fill(store: &Store, room: u64) -> Result<()> {
    let engine = store.open()?;
    let mut numbers = 0..;
    // Long enough to use up the room that is reserved where every write is synced.
    let value = vec![b'v'; 40_000];
    let mut put = |value: &[u8]| -> Result<bool> {
        let i: u32 = numbers.next().ok_or("numbers ran out")?;
        let done = engine.put(format!("{i:06}").as_bytes(), value);
        if done.is_ok() {
            say(i)?;
        }
        Ok(done.is_ok())
    };
    for _ in 0..5 {
        put(b"before")?;
    }
    let vfs = store.vfs()?;
    let sizes =
        vfs.list()?.into_iter().map(|name| vfs.open(&name)?.size()).collect::<std::io::Result<Vec<_>>>()?;
    let before = getrlimit(Resource::Fsize);
    let largest = sizes.into_iter().max().unwrap_or(0);
    setrlimit(Resource::Fsize, Rlimit { current: Some(largest + room), ..before })?;
    let mut all_done = true;
    for _ in 0..300 {
        all_done &= put(&value)?;
        if !all_done {
            break;
        }
    }
    setrlimit(Resource::Fsize, before)?;
    if all_done {
        return Err("the disk never filled up".into());
    }
    for _ in 0..5 {
        put(b"after")?;
    }
    std::process::exit(0)
}
