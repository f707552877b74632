//! What every world must do alike: one suite, run on each of them and on a counter over each of them.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::io::ErrorKind;
use std::sync::Arc;
use vfs::{Counting, File, MemFs, SimFs, Vfs, read_full};

/// A world, and what must live as long as it does.
struct World {
    fs: Arc<dyn Vfs>,
    _keep: Option<tempfile::TempDir>,
}

fn mem() -> World {
    World { fs: Arc::new(MemFs::new()), _keep: None }
}

fn sim() -> World {
    World { fs: Arc::new(SimFs::new()), _keep: None }
}

/// What a crash left is a world like any other.
fn image() -> World {
    let crash = vfs::sim::Crash::new(vfs::sim::CrashKind::Junk, 1);
    World { fs: Arc::new(SimFs::new().image(0, &crash)), _keep: None }
}

#[cfg(unix)]
fn os() -> World {
    let dir = tempfile::tempdir().unwrap();
    World { fs: Arc::new(vfs::OsFs::create(dir.path().join("store")).unwrap()), _keep: Some(dir) }
}

fn counted(world: World) -> World {
    World { fs: Arc::new(Counting::new(world.fs)), ..world }
}

/// Every function below, for every world, each a test of its own.
macro_rules! conform {
    ($($(#[$attr:meta])* $world:ident = $make:expr;)*) => {
        $($(#[$attr])* mod $world { conform!(@suite $make); })*
    };
    (@suite $make:expr) => {
        conform!(@tests $make, created_files_are_empty, create_refuses_a_taken_name, open_refuses_a_missing_name,
            appends_follow_each_other, reads_stop_at_the_end, a_reopened_file_continues_at_its_end,
            rename_moves_and_replaces, rename_refuses_a_missing_name, remove_frees_the_name,
            open_handles_outlive_their_name, list_is_sorted, truncate_moves_the_written_end,
            truncate_extends_with_zeros, reserved_room_reads_as_zeros_and_is_written_into,
            open_takes_reserved_room_for_written, reserve_never_shrinks, a_view_is_the_whole_file,
            the_lock_has_one_owner, syncs_succeed, large_appends_come_back, bytes_of_every_value_come_back);
    };
    (@tests $make:expr, $($test:ident),*) => {
        $(#[test] fn $test() { let world = $make; super::$test(&*world.fs); })*
    };
}

conform! {
    mem_fs = super::mem();
    sim_fs = super::sim();
    sim_image = super::image();
    #[cfg(unix)]
    os_fs = super::os();
    counting_mem = super::counted(super::mem());
    counting_sim = super::counted(super::sim());
    #[cfg(unix)]
    counting_os = super::counted(super::os());
}

fn all(file: &dyn File) -> Vec<u8> {
    let mut bytes = vec![0xEE; usize::try_from(file.size().unwrap()).unwrap() + 1];
    let n = read_full(file, &mut bytes, 0).unwrap();
    bytes.truncate(n);
    bytes
}

fn put(fs: &dyn Vfs, name: &str, bytes: &[u8]) -> Arc<dyn File> {
    let file = fs.create(name).unwrap();
    file.append(bytes).unwrap();
    file
}

fn kind<T>(result: std::io::Result<T>) -> ErrorKind {
    result.err().unwrap().kind()
}

fn created_files_are_empty(fs: &dyn Vfs) {
    let file = fs.create("a").unwrap();
    assert_eq!(file.size().unwrap(), 0);
    assert_eq!(all(&*file), b"");
    assert_eq!(fs.list().unwrap(), ["a"]);
    assert!(!fs.location().is_empty());
}

fn create_refuses_a_taken_name(fs: &dyn Vfs) {
    put(fs, "a", b"first");
    assert_eq!(kind(fs.create("a")), ErrorKind::AlreadyExists);
    assert_eq!(all(&*fs.open("a").unwrap()), b"first");
}

fn open_refuses_a_missing_name(fs: &dyn Vfs) {
    assert_eq!(kind(fs.open("a")), ErrorKind::NotFound);
    assert_eq!(fs.list().unwrap(), [""; 0]);
}

fn appends_follow_each_other(fs: &dyn Vfs) {
    let file = put(fs, "a", b"one");
    file.append(b"").unwrap();
    file.append(b"two").unwrap();
    assert_eq!(all(&*file), b"onetwo");
    assert_eq!(all(&*fs.open("a").unwrap()), b"onetwo");
}

fn reads_stop_at_the_end(fs: &dyn Vfs) {
    let file = put(fs, "a", b"0123456789");
    let mut buf = [0; 4];
    assert_eq!(read_full(&*file, &mut buf, 3).unwrap(), 4);
    assert_eq!(&buf, b"3456");
    assert_eq!(read_full(&*file, &mut buf, 8).unwrap(), 2);
    assert_eq!(&buf[..2], b"89");
    assert_eq!(file.read_at(&mut buf, 10).unwrap(), 0);
    assert_eq!(file.read_at(&mut buf, 1 << 40).unwrap(), 0);
    assert_eq!(file.read_at(&mut [], 0).unwrap(), 0);
}

fn a_reopened_file_continues_at_its_end(fs: &dyn Vfs) {
    drop(put(fs, "a", b"one"));
    let file = fs.open("a").unwrap();
    file.append(b"two").unwrap();
    assert_eq!(all(&*file), b"onetwo");
}

fn rename_moves_and_replaces(fs: &dyn Vfs) {
    let file = put(fs, "new.tmp", b"new");
    put(fs, "current", b"old");
    fs.rename("new.tmp", "current").unwrap();
    assert_eq!(fs.list().unwrap(), ["current"]);
    assert_eq!(all(&*fs.open("current").unwrap()), b"new");
    file.append(b"er").unwrap();
    assert_eq!(all(&*fs.open("current").unwrap()), b"newer");
    fs.rename("current", "current").unwrap();
    assert_eq!(fs.list().unwrap(), ["current"]);
}

fn rename_refuses_a_missing_name(fs: &dyn Vfs) {
    put(fs, "b", b"kept");
    assert_eq!(kind(fs.rename("a", "b")), ErrorKind::NotFound);
    assert_eq!(all(&*fs.open("b").unwrap()), b"kept");
}

fn remove_frees_the_name(fs: &dyn Vfs) {
    put(fs, "a", b"one");
    fs.remove("a").unwrap();
    assert_eq!(kind(fs.open("a")), ErrorKind::NotFound);
    assert_eq!(kind(fs.remove("a")), ErrorKind::NotFound);
    assert_eq!(all(&*put(fs, "a", b"another")), b"another");
}

fn open_handles_outlive_their_name(fs: &dyn Vfs) {
    let removed = put(fs, "a", b"removed");
    fs.remove("a").unwrap();
    assert_eq!(all(&*removed), b"removed");
    removed.append(b", not gone").unwrap();
    removed.sync().unwrap();
    assert_eq!(all(&*removed), b"removed, not gone");

    let replaced = put(fs, "b", b"replaced");
    put(fs, "c", b"by this");
    fs.rename("c", "b").unwrap();
    assert_eq!(all(&*replaced), b"replaced");
    assert_eq!(fs.list().unwrap(), ["b"]);
}

fn list_is_sorted(fs: &dyn Vfs) {
    for name in ["b", "a", "000010.log", "000009.log", "Z", "a.tmp"] {
        fs.create(name).unwrap();
    }
    assert_eq!(fs.list().unwrap(), ["000009.log", "000010.log", "Z", "a", "a.tmp", "b"]);
}

fn truncate_moves_the_written_end(fs: &dyn Vfs) {
    let file = put(fs, "a", b"one two");
    file.truncate(3).unwrap();
    assert_eq!(all(&*file), b"one");
    file.append(b" three").unwrap();
    assert_eq!(all(&*file), b"one three");
    file.truncate(0).unwrap();
    file.append(b"x").unwrap();
    assert_eq!(all(&*file), b"x");
}

fn truncate_extends_with_zeros(fs: &dyn Vfs) {
    let file = put(fs, "a", b"one");
    file.truncate(5).unwrap();
    file.append(b"!").unwrap();
    assert_eq!(all(&*file), b"one\0\0!");
}

/// A world may ignore a reservation, so the size is only bounded.
fn reserved_room_reads_as_zeros_and_is_written_into(fs: &dyn Vfs) {
    let file = put(fs, "a", b"one");
    file.reserve(1000).unwrap();
    let size = file.size().unwrap();
    assert!((3..=1003).contains(&size), "{size}");
    assert_eq!(&all(&*file)[..3], b"one");
    assert!(all(&*file)[3..].iter().all(|b| *b == 0));
    file.append(b"two").unwrap();
    assert_eq!(file.size().unwrap(), size.max(6));
    assert_eq!(&all(&*file)[..6], b"onetwo");
    assert!(all(&*file)[6..].iter().all(|b| *b == 0));
    file.truncate(6).unwrap();
    file.append(b"!").unwrap();
    assert_eq!(all(&*file), b"onetwo!");
}

fn open_takes_reserved_room_for_written(fs: &dyn Vfs) {
    let file = put(fs, "a", b"one");
    file.reserve(100).unwrap();
    let size = file.size().unwrap();
    drop(file);
    let file = fs.open("a").unwrap();
    assert_eq!(file.size().unwrap(), size);
    file.append(b"two").unwrap();
    assert_eq!(file.size().unwrap(), size + 3);
    assert!(all(&*file).ends_with(b"two"));
}

fn reserve_never_shrinks(fs: &dyn Vfs) {
    let file = put(fs, "a", b"one");
    file.reserve(1000).unwrap();
    let size = file.size().unwrap();
    file.reserve(10).unwrap();
    assert_eq!(file.size().unwrap(), size);
}

fn a_view_is_the_whole_file(fs: &dyn Vfs) {
    let file = put(fs, "a", b"sealed");
    let view = file.view().unwrap();
    drop(file);
    fs.remove("a").unwrap();
    assert_eq!(&*view, b"sealed");
}

fn the_lock_has_one_owner(fs: &dyn Vfs) {
    let lock = fs.lock().unwrap();
    assert_eq!(kind(fs.lock()), ErrorKind::WouldBlock);
    assert_eq!(kind(fs.lock()), ErrorKind::WouldBlock);
    drop(lock);
    drop(fs.lock().unwrap());
    assert_eq!(fs.list().unwrap(), [""; 0]);
}

fn syncs_succeed(fs: &dyn Vfs) {
    fs.sync_dir().unwrap();
    let file = put(fs, "a", b"one");
    file.sync().unwrap();
    file.sync().unwrap();
    fs.sync_dir().unwrap();
    assert_eq!(all(&*file), b"one");
}

fn large_appends_come_back(fs: &dyn Vfs) {
    let bytes: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    let file = put(fs, "a", &bytes);
    file.append(&bytes).unwrap();
    let back = all(&*file);
    assert!(back[..bytes.len()] == bytes && back[bytes.len()..] == bytes);
}

fn bytes_of_every_value_come_back(fs: &dyn Vfs) {
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(all(&*put(fs, "a", &bytes)), bytes);
}
