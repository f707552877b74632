//! What only the real filesystem can show.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "the tests look at the real filesystem from outside")]
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use vfs::{OsFs, Vfs, read_full};

#[test]
fn the_lock_excludes_another_handle_on_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (OsFs::create(dir.path()).unwrap(), OsFs::existing(dir.path()).unwrap());
    let lock = one.lock().unwrap();
    assert_eq!(two.lock().err().unwrap().kind(), ErrorKind::WouldBlock);
    drop(one);
    assert_eq!(two.lock().err().unwrap().kind(), ErrorKind::WouldBlock, "the lock outlives its filesystem");
    drop(lock);
    drop(two.lock().unwrap());
}

#[test]
fn deleting_every_file_does_not_break_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let os = OsFs::create(dir.path()).unwrap();
    os.create("a").unwrap();
    let lock = os.lock().unwrap();
    for entry in fs::read_dir(dir.path()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let other = OsFs::create(dir.path()).unwrap();
    assert_eq!(other.lock().err().unwrap().kind(), ErrorKind::WouldBlock);
    drop(lock);
}

#[test]
fn the_lock_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let os = OsFs::create(dir.path()).unwrap();
    let _lock = os.lock().unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn create_makes_missing_ancestors_and_existing_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("one/two/three");
    assert_eq!(OsFs::existing(&deep).err().unwrap().kind(), ErrorKind::NotFound);
    assert!(!dir.path().join("one").exists());
    OsFs::create(&deep).unwrap();
    OsFs::create(&deep).unwrap();
    assert!(deep.is_dir());
    fs::write(dir.path().join("file"), b"").unwrap();
    assert_eq!(OsFs::existing(dir.path().join("file")).err().unwrap().kind(), ErrorKind::NotADirectory);
    assert!(OsFs::create(dir.path().join("file")).is_err());
}

/// Whoever may write anything, as root may, sees a writable file, and there is nothing to fall back to.
#[test]
fn a_file_that_may_only_be_read_opens_for_reading() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    fs::write(&path, b"read me").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let file = OsFs::existing(dir.path()).unwrap().open("a").unwrap();
    let mut buf = [0; 16];
    assert_eq!(read_full(&*file, &mut buf, 0).unwrap(), 7);
    assert_eq!(&*file.view().unwrap(), b"read me");
    if fs::OpenOptions::new().write(true).open(&path).is_err() {
        assert!(file.append(b"no").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"read me");
    }
}

#[test]
fn what_is_appended_is_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let os = OsFs::create(dir.path()).unwrap();
    os.create("a").unwrap().append(b"here").unwrap();
    assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"here");
    assert!(os.location().contains(&*dir.path().to_string_lossy()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_reservation_extends_the_file_where_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let file = OsFs::create(dir.path()).unwrap().create("a").unwrap();
    file.append(b"one").unwrap();
    file.reserve(4096).unwrap();
    let size = file.size().unwrap();
    assert!(size == 3 || size == 4099, "{size}");
}
