//! The process that tests start and kill. It speaks in lines on stdout, and each line is flushed before it goes on.
//!
//! ```text
//! worker STAGE DIR [NAME=VALUE …] -- hold              opens, says «held», keeps the store until its stdin ends
//! worker STAGE DIR [NAME=VALUE …] -- run SEED FROM     opens, says «open», does the operations of SEED from number
//!                                                      FROM on, and says each number once it is acknowledged
//! worker STAGE DIR [NAME=VALUE …] -- descriptors N     opens and lets go N times; says how many descriptors it had
//!                                                      before and after
//! worker STAGE DIR [NAME=VALUE …] -- fill ROOM LIMIT   lets nothing grow by more than ROOM bytes, writes until that
//!                                                      fails, lifts the limit, writes on; says the number of each
//!                                                      write that is acknowledged. LIMIT is «file», where the kernel
//!                                                      limits each file, or «disk», where all files share the room;
//!                                                      says «never full» if there was always another file to go to
//! ```
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "its lines are what the test reads")]
#![expect(clippy::disallowed_methods, reason = "counting descriptors means listing /proc/self/fd")]

use contract::{Engine, Options, Stage};
use harness::faults::hooked::{Hooked, Hooks};
use harness::ops::{self, Shape, generate};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::error::Error;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use vfs::{File, OsFs, Vfs};

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
        ["fill", room, "file"] => fill(&store, room.parse()?, &FileLimit(getrlimit(Resource::Fsize))),
        ["fill", room, "disk"] => fill(&store, room.parse()?, &store.disk),
        _ => Err(usage()),
    }
}

fn usage() -> Box<dyn Error> {
    "worker STAGE DIR [NAME=VALUE …] -- hold | run SEED FROM | descriptors N | fill ROOM file|disk".into()
}

struct Store {
    stage: &'static Stage,
    options: Options,
    dir: String,
    disk: Disk,
}

impl Store {
    fn new(stage: &str, dir: &str, settings: &[String]) -> Result<Self> {
        let stage = harness::registry::find(stage).ok_or("there is no such stage")?;
        let mut options = stage.default_options();
        for setting in settings {
            let (name, value) = setting.split_once('=').ok_or_else(usage)?;
            options.set(name, value)?;
        }
        Ok(Self { stage, options, dir: dir.to_owned(), disk: Disk::default() })
    }

    fn vfs(&self) -> Result<Arc<dyn Vfs>> {
        Ok(Arc::new(Hooked::new(Arc::new(OsFs::create(&self.dir)?), self.disk.clone())))
    }

    fn open(&self) -> Result<Arc<dyn Engine>> {
        Ok((self.stage.open)(self.vfs()?, &self.options)?.0)
    }
}

/// Says a line, and returns once it is in the pipe.
fn say(line: impl std::fmt::Display) -> Result<()> {
    println!("{line}");
    Ok(io::stdout().flush()?)
}

fn hold(store: &Store) -> Result<()> {
    let _engine = store.open()?;
    say("held")?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
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
    let count = || Ok::<_, io::Error>(std::fs::read_dir("/proc/self/fd")?.count());
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

/// Something that can run out.
trait Limit {
    /// Nothing grows by more than this from now on; `largest` is the size of the largest file.
    fn set(&self, room: u64, largest: u64) -> Result<()>;
    /// There is room again.
    fn lift(&self) -> Result<()>;
}

/// The kernel's limit for each file, and what it was before.
struct FileLimit(Rlimit);

impl Limit for FileLimit {
    fn set(&self, room: u64, largest: u64) -> Result<()> {
        Ok(setrlimit(Resource::Fsize, Rlimit { current: Some(largest + room), ..self.0 })?)
    }

    fn lift(&self) -> Result<()> {
        Ok(setrlimit(Resource::Fsize, self.0)?)
    }
}

/// A disk that all files share. An append that finds too little room writes what fits, and that stays, as in a file that
/// the kernel appends to.
#[derive(Clone, Default)]
struct Disk {
    left: Arc<Mutex<Option<u64>>>,
}

impl Disk {
    /// Takes so many bytes, or as many as there are.
    fn take(&self, bytes: u64) -> u64 {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = left.map_or(bytes, |left| left.min(bytes));
        *left = left.map(|left| left - taken);
        taken
    }
}

impl Limit for Disk {
    fn set(&self, room: u64, _: u64) -> Result<()> {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(room);
        Ok(())
    }

    fn lift(&self) -> Result<()> {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }
}

impl Hooks for Disk {
    fn append(&self, file: &dyn File, data: &[u8]) -> io::Result<()> {
        let fits = usize::try_from(self.take(data.len() as u64)).unwrap_or(data.len());
        file.append(&data[..fits])?;
        if fits < data.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn reserve(&self, file: &dyn File, bytes: u64) -> io::Result<()> {
        if self.take(bytes) < bytes { Err(io::ErrorKind::StorageFull.into()) } else { file.reserve(bytes) }
    }
}

fn fill(store: &Store, room: u64, limit: &dyn Limit) -> Result<()> {
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
        vfs.list()?.into_iter().map(|name| vfs.open(&name)?.size()).collect::<io::Result<Vec<_>>>()?;
    limit.set(room, sizes.into_iter().max().unwrap_or(0))?;
    let mut full = false;
    for _ in 0..120 {
        if !put(&value)? {
            full = true;
            break;
        }
    }
    limit.lift()?;
    if !full {
        say("never full")?;
    }
    for _ in 0..5 {
        put(b"after")?;
    }
    std::process::exit(0)
}
