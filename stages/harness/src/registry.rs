//! The engines that every test judges: one line each.
//!
//! An engine of your own joins from its own package: its programs call [`join`] before anything else, and nothing here
//! needs to know its name. Which checks apply follows from the value itself: those about files, crashes
//! and reopening ask [`Stage::persistent`], and a check that meets [`contract::Error::Unsupported`] says «not
//! applicable» and never «passed».

use crate::seeds::not_applicable;
use contract::Stage;
use std::sync::OnceLock;

// ANCHOR: registry
/// The engines of this workspace.
static STAGES: [&Stage; 4] = [&contract::oracle::STAGE, &stage1::STAGE, &stage2::STAGE, &stage3::STAGE];

/// The same, and one that has joined.
static JOINED: OnceLock<Vec<&'static Stage>> = OnceLock::new();

/// Every engine that is judged.
pub fn registry() -> &'static [&'static Stage] {
    JOINED.get_or_init(|| STAGES.to_vec())
}

/// An engine of another package joins this program.
///
/// # Panics
/// If somebody has asked before who is judged, or if an engine of that name is here already.
pub fn join(stage: &'static Stage) {
    assert!(STAGES.iter().all(|ours| ours.name != stage.name), "there is an engine «{}» already", stage.name);
    let all = STAGES.iter().copied().chain([stage]).collect();
    assert!(JOINED.set(all).is_ok(), "{} joins after somebody has asked who is judged", stage.name);
}
// ANCHOR_END: registry

/// The engine of this name.
pub fn find(name: &str) -> Option<&'static Stage> {
    registry().iter().copied().find(|stage| stage.name == name)
}

/// The engines that a test judges: all, or the one that `STRATA_ENGINE` names.
///
/// # Panics
/// If no engine has that name: a test of nothing would pass.
pub fn judged() -> impl Iterator<Item = &'static Stage> {
    let only = std::env::var("STRATA_ENGINE").ok();
    let unknown = only.as_deref().filter(|name| find(name).is_none());
    assert!(unknown.is_none(), "STRATA_ENGINE names {unknown:?}, which is not in the registry");
    registry().iter().copied().filter(move |stage| only.as_deref().is_none_or(|name| stage.name == name))
}

/// The judged engines whose stores outlive the process. The others are named on stderr, with `check`, as not applicable:
/// a reader of the output sees what was not tested.
pub fn persistent(check: &str) -> impl Iterator<Item = &'static Stage> {
    judged().filter(move |stage| {
        if !stage.persistent {
            not_applicable(check, [format!("{} keeps nothing", stage.name)]);
        }
        stage.persistent
    })
}
