//! Silent damage to files at rest.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::io::ErrorKind;
use vfs::sim::{Crash, CrashKind, Wound};
use vfs::{SimFs, Vfs};

fn kind<T>(result: std::io::Result<T>) -> ErrorKind {
    result.err().unwrap().kind()
}

fn prepared() -> SimFs {
    let fs = SimFs::new();
    for name in ["kept", "other", "gone"] {
        fs.plant(name, b"content".to_vec());
    }
    fs
}

#[test]
fn wounds_do_what_they_say() {
    let whole: Vec<u8> = (0..1300u32).map(|i| u8::try_from(i % 251).unwrap() | 1).collect();
    let wounded = |wound: &Wound| {
        let fs = SimFs::new();
        fs.plant("a", whole.clone());
        fs.plant("b", b"other".to_vec());
        fs.damage("a", wound).unwrap();
        assert_eq!(fs.calls(), 0);
        let after = fs.image(0, &Crash::new(CrashKind::Names, 0)).contents();
        assert_eq!(after, fs.contents(), "the damage is on the device");
        after
    };
    let changed = |wound: Wound| -> Vec<usize> {
        let after = &wounded(&wound)["a"];
        assert_eq!(after.len(), whole.len());
        (0..whole.len()).filter(|i| after[*i] != whole[*i]).collect()
    };
    assert_eq!(changed(Wound::FlipBit { offset: 7, bit: 3 }), [7]);
    assert_eq!(changed(Wound::SetByte { offset: 8, value: 0 }), [8]);
    assert_eq!(changed(Wound::ZeroSector(2)), (1024..1300).collect::<Vec<_>>());
    let junk = changed(Wound::JunkSector { sector: 1, seed: 1 });
    assert!(junk.len() > 400 && junk.iter().all(|i| (512..1024).contains(i)));
    let swapped = &wounded(&Wound::SwapBlocks { a: 0, b: 1, bytes: 512 })["a"];
    assert_eq!((&swapped[..512], &swapped[512..1024]), (&whole[512..1024], &whole[..512]));
    assert_eq!(wounded(&Wound::Truncate(5))["a"], whole[..5]);
    assert!(wounded(&Wound::ExtendZeros(9))["a"].ends_with(&[0; 9]));
    assert_eq!(wounded(&Wound::ExtendJunk { bytes: 9, seed: 2 })["a"].len(), 1309);
    assert_eq!(wounded(&Wound::SwapWith("b".into()))["b"], whole);
    assert_eq!(wounded(&Wound::CopyOf("b".into()))["a"], b"other");
    assert_eq!(wounded(&Wound::Remove).len(), 1);
}

#[test]
fn damage_and_planted_files_are_on_the_device_and_start_a_new_history() {
    let fs = SimFs::new();
    fs.create("a").unwrap().append(b"pending").unwrap();
    drop(fs.create("b").unwrap());
    fs.plant("a", b"planted".to_vec());
    fs.sync_dir().unwrap();
    fs.damage("a", &Wound::SetByte { offset: 0, value: b'P' }).unwrap();
    assert_eq!(fs.calls(), 0);
    fs.open("a").unwrap().append(b"!").unwrap();
    fs.rename("a", "c").unwrap();
    fs.plant("a", b"again".to_vec());
    assert_eq!(fs.calls(), 0);
    for seed in 0..100 {
        let files = fs.image(0, &Crash::new(CrashKind::Names, seed)).contents();
        assert_eq!(files["a"], b"again", "{seed}");
    }
}

#[test]
fn a_wound_outside_the_file_is_refused() {
    let fs = prepared();
    let before = fs.contents();
    for wound in [
        Wound::FlipBit { offset: 7, bit: 0 },
        Wound::FlipBit { offset: 0, bit: 8 },
        Wound::SetByte { offset: u64::MAX, value: 0 },
        Wound::ZeroSector(1),
        Wound::JunkSector { sector: u64::MAX, seed: 0 },
        Wound::Truncate(8),
        Wound::SwapBlocks { a: 0, b: 1, bytes: 4 },
    ] {
        assert_eq!(kind(fs.damage("kept", &wound)), ErrorKind::InvalidInput, "{wound}");
    }
    assert_eq!(kind(fs.damage("missing", &Wound::Remove)), ErrorKind::NotFound);
    assert_eq!(kind(fs.damage("kept", &Wound::CopyOf("missing".into()))), ErrorKind::NotFound);
    assert_eq!(fs.contents(), before);
}

#[test]
fn a_file_can_be_put_back_to_an_earlier_generation() {
    let fs = SimFs::new();
    let file = fs.create("a").unwrap();
    file.append(b"one").unwrap();
    file.append(b"two").unwrap();
    assert_eq!(fs.file_at("a", 0), None);
    assert_eq!(fs.file_at("a", 2).unwrap(), b"one");
    assert_eq!(fs.file_at("a", 99).unwrap(), b"onetwo");
    fs.restore("a", 2).unwrap();
    assert_eq!(fs.contents()["a"], b"one");
    assert_eq!(kind(fs.restore("b", 0)), ErrorKind::NotFound);
}
