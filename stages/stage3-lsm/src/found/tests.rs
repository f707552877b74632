//! Manifests that nobody writes.

use super::*;
use crate::manifest::Manifest;
use stage1::log::header::Previous;
use vfs::MemFs;

#[test]
fn a_manifest_that_names_no_log_is_damage() {
    for log in [0, 3] {
        let fs = MemFs::new();
        Manifest::install(&fs, Whole { log, next: 5, ..Whole::default() }, Previous::default()).unwrap();
        let found = newest_manifest(&fs, &Survey::look(&fs).unwrap());
        match found {
            Ok((_, whole)) => assert_eq!((whole.log, whole.next), (3, 6)),
            Err(error) => assert!(log == 0 && error.to_string().contains("names no log"), "{error}"),
        }
    }
}
