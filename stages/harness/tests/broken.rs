//! The suite itself is tested: every engine that is wrong on purpose is caught, by the right lab, for the right reason.

use harness::broken::BROKEN;

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
