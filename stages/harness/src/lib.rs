//! The judge of every engine: it knows them only through [`contract::Stage`], so that one suite holds for all.
//!
//! | module | what it gives |
//! |---|---|
//! | [`registry`] | the engines that are judged, one line each |
//! | [`invariant`] | what must hold, each with an id that a failure names |
//! | [`ops`] | operations from a seed, as text and back |
//! | [`model`] | what a store must answer, and what it held after each operation |
//!
//! The tests are in `tests/`, one file for each way of looking.
#![forbid(unsafe_code)]

pub mod invariant;
pub mod model;
pub mod ops;
pub mod registry;
