//! Who owns a store: a second handle, a second process, a killed holder; and those who only look.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Engine, Error, KeyRange, Stage};
use harness::invariant::Invariant;
use harness::registry::persistent;
use harness::world::World;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;
use vfs::sim::{Errno, Fault, Op};
use vfs::{OsFs, Vfs};

fn real(path: &Path) -> Arc<dyn Vfs> {
    Arc::new(OsFs::create(path).unwrap())
}

fn open(stage: &Stage, vfs: Arc<dyn Vfs>) -> contract::Result<Arc<dyn Engine>> {
    (stage.open)(vfs, &stage.default_options()).map(|(engine, _)| engine)
}

fn is_locked<T>(result: contract::Result<T>, stage: &Stage) {
    match result.map(drop) {
        Err(Error::Locked { location }) => assert!(!location.is_empty()),
        other => panic!("{}: {} gave {other:?} to a second owner", Invariant::OneOwner, stage.name),
    }
}

/// Everything that wants the directory for itself.
fn nobody_else_gets_in(stage: &Stage, vfs: &Arc<dyn Vfs>) {
    is_locked(open(stage, Arc::clone(vfs)), stage);
    is_locked((stage.verify)(&**vfs), stage);
    is_locked((stage.inspect)(&**vfs, None, &mut |_| true), stage);
    is_locked((stage.salvage)(&**vfs, &contract::oracle::Oracle::default()), stage);
}

#[test]
fn a_second_handle_is_refused_until_the_first_is_closed_or_dropped() {
    for stage in persistent("second handle") {
        let dir = TempDir::new().unwrap();
        let first = open(stage, real(dir.path())).unwrap();
        first.put(b"k", b"1").unwrap();
        nobody_else_gets_in(stage, &real(dir.path()));
        first.put(b"k", b"2").unwrap();
        first.close().unwrap();
        // The closed handle is still there and owns nothing.
        let second = open(stage, real(dir.path())).unwrap();
        assert!(matches!(first.put(b"k", b"3"), Err(Error::Closed)), "{}", Invariant::OneOwner);
        drop(first);
        nobody_else_gets_in(stage, &real(dir.path()));
        assert_eq!(second.get(b"k").unwrap().as_deref(), Some(&b"2"[..]));
        // A scan that outlives its handle keeps no lock.
        let scan = second.scan(KeyRange::all()).unwrap();
        drop(second);
        let third = open(stage, real(dir.path())).unwrap();
        drop(scan);
        nobody_else_gets_in(stage, &real(dir.path()));
        third.close().unwrap();
    }
}

fn holder(stage: &Stage, dir: &Path) -> Child {
    let mut holder = Command::new(env!("CARGO_BIN_EXE_worker"))
        .args([stage.name.as_ref(), dir.as_os_str(), "--".as_ref(), "hold".as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    holder
}

#[test]
fn another_process_is_refused_and_a_killed_holder_frees_the_store() {
    for stage in persistent("second process") {
        let dir = TempDir::new().unwrap();
        for killed in [true, false, true] {
            let mut holder = holder(stage, dir.path());
            nobody_else_gets_in(stage, &real(dir.path()));
            if killed {
                holder.kill().unwrap();
            } else {
                drop(holder.stdin.take());
            }
            holder.wait().unwrap();
            let engine = open(stage, real(dir.path())).unwrap();
            let refused = Command::new(env!("CARGO_BIN_EXE_worker"))
                .args([stage.name.as_ref(), dir.path().as_os_str(), "--".as_ref(), "hold".as_ref()])
                .stdin(Stdio::null())
                .output()
                .unwrap();
            assert!(!refused.status.success(), "{}: another process got in", Invariant::OneOwner);
            assert!(String::from_utf8_lossy(&refused.stderr).contains("Locked"));
            engine.put(b"k", b"v").unwrap();
        }
    }
}

/// A store with every kind of entry that was closed, and the same one after the death of its process with a torn tail.
fn stores(stage: &Stage) -> [World; 2] {
    let world = World::sim(0);
    let engine = open(stage, world.vfs()).unwrap();
    for i in 0..20_u8 {
        engine.put(&[i % 7], &[i; 30]).unwrap();
        engine.delete(&[i % 3]).unwrap();
    }
    let dead = world.after_kill(0);
    let World::Sim(fs) = &world else { unreachable!("the world is simulated") };
    let history = fs.history();
    let last = history.iter().rfind(|call| call.op() == Op::Append).expect("something was written");
    let name = last.file().expect("an append is to a file");
    let mut bytes = dead.contents().remove(name).expect("which is there");
    bytes.pop();
    dead.plant(name, bytes);
    engine.close().unwrap();
    [world, dead]
}

/// Looks in every way, and returns what was seen of the entries.
fn look(stage: &Stage, vfs: &dyn Vfs) -> Vec<(Vec<u8>, Vec<u8>)> {
    let report = (stage.verify)(vfs).unwrap();
    assert!(report.damage.is_empty(), "{}: {:?}", Invariant::TornTail, report.damage);
    let mut fields = 0;
    (stage.inspect)(vfs, None, &mut |_| {
        fields += 1;
        true
    })
    .unwrap();
    assert!(fields > 0, "inspect shows nothing");
    let rescued = contract::oracle::Oracle::default();
    (stage.salvage)(vfs, &rescued).unwrap();
    rescued.scan(KeyRange::all()).unwrap().map(Result::unwrap).collect()
}

#[test]
fn looking_writes_nothing_and_works_where_nothing_can_be_written() {
    for stage in persistent("only looking") {
        for world in stores(stage) {
            let World::Sim(fs) = &world else { unreachable!("the stores are simulated") };
            let (before, calls) = (world.contents(), fs.calls());
            fs.inject(Fault::new(Errno::Erofs).on_mutating().for_ever());
            let seen = look(stage, fs);
            assert_eq!(fs.calls(), calls, "{}: looking tried to write", Invariant::KeepsUnexplained);
            assert_eq!(world.contents(), before);
            fs.clear_faults();
            let engine = open(stage, world.vfs()).unwrap();
            let held: Vec<_> = engine.scan(KeyRange::all()).unwrap().map(Result::unwrap).collect();
            assert_eq!(seen, held, "{}: salvage against open", Invariant::SameContent);
        }
    }
}

/// Makes a folder read-only, and writable again when dropped, so that it can be removed.
struct ReadOnly(PathBuf);

impl ReadOnly {
    fn new(path: &Path) -> Self {
        let this = Self(path.to_owned());
        this.set(0o444, 0o555);
        this
    }

    fn set(&self, file: u32, folder: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::Permissions::from_mode;
        let names = OsFs::existing(&self.0).and_then(|fs| fs.list()).unwrap_or_default();
        for name in names {
            let _ = std::fs::set_permissions(self.0.join(name), mode(file));
        }
        let _ = std::fs::set_permissions(&self.0, mode(folder));
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        self.set(0o644, 0o755);
    }
}

#[test]
fn a_read_only_folder_can_be_looked_at() {
    for stage in persistent("read-only folder") {
        for world in stores(stage) {
            let dir = TempDir::new().unwrap();
            let path = dir.path().join("store");
            let fs = OsFs::create(&path).unwrap();
            for (name, bytes) in world.contents() {
                fs.create(&name).unwrap().append(&bytes).unwrap();
            }
            let read_only = ReadOnly::new(&path);
            let seen = look(stage, &OsFs::existing(&path).unwrap());
            assert_eq!(seen, look(stage, &*world.vfs()), "{}", Invariant::SameAnswers);
            drop(read_only);
            for (name, bytes) in world.contents() {
                let mut now = vec![0; bytes.len() + 1];
                let len = vfs::read_full(&*fs.open(&name).unwrap(), &mut now, 0).unwrap();
                assert_eq!(now[..len], bytes, "{}: {name}", Invariant::KeepsUnexplained);
            }
        }
    }
}
