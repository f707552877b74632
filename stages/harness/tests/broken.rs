//! The suite itself is tested: every engine that is wrong on purpose is caught, by the right lab, for the right reason.

use harness::broken::{BROKEN, find};

#[test]
fn every_broken_engine_is_caught() {
    let mut wrong = Vec::new();
    for broken in &BROKEN {
        let name = broken.stage.name;
        match broken.lab.first_failure(broken.stage) {
            None => wrong.push(format!("{name} got through the {:?} lab", broken.lab)),
            Some((invariant, told)) if !broken.breaks.contains(&invariant) => {
                wrong.push(format!("{name} should break one of {:?}, but:\n{told}", broken.breaks));
            }
            Some((invariant, _)) => eprintln!("{name}: {invariant}"),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What passes on a filesystem like ext4 and fails on a strict one is a missing sync of the directory, and the story says
/// so.
#[test]
fn a_missing_sync_of_the_directory_is_told_from_other_faults() {
    let hint = "what is missing is a sync of the directory";
    let told = |name| {
        let broken = find(name).expect("it is in the list");
        broken.lab.first_failure(broken.stage).expect("it is broken").1
    };
    assert!(told("sync-dir-does-nothing").contains(hint));
    assert!(!told("sync-does-nothing").contains(hint));
    assert!(!told("batches-are-split").contains(hint));
}
