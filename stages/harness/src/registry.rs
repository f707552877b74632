//! The engines that every test judges: one line each.
//!
//! To have your own engine judged, add its package to this one's `Cargo.toml` and its [`Stage`] to the list below.
//! Nothing else needs to know its name. Which checks apply follows from the value itself: those about files, crashes
//! and reopening ask [`Stage::persistent`], and a check that meets [`contract::Error::Unsupported`] says «not
//! applicable» and never «passed».

use crate::seeds::not_applicable;
use contract::Stage;

// ANCHOR: registry
/// Every engine that is judged.
pub fn registry() -> &'static [&'static Stage] {
    static STAGES: [&Stage; 4] = [
        &contract::oracle::STAGE,
        &stage1::STAGE,
        &stage2::STAGE,
        &stage3::STAGE,
        // Your engine's line goes here.
    ];
    &STAGES
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
