//! The judge of every engine: it knows them only through [`contract::Stage`], so that one suite holds for all.
//!
//! | module | what it gives |
//! |---|---|
//! | [`registry`] | the engines that are judged, one line each |
//! | [`invariant`], [`failure`] | what must hold, each with an id that a failure names |
//! | [`ops`], [`seeds`] | operations from a seed, as text and back; which seeds a test runs, and many checks at once |
//! | [`settings`], [`world`], [`gate`] | options drawn from a stage's own table; worlds without a disk; syncs on command |
//! | [`model`] | what a store must answer, and what it held after each operation |
//! | [`judge`], [`shrink`] | an engine beside the model; the shortest script that still fails |
//! | [`broken`] | engines with one thing wrong each: the tests of the tests |
//! | [`crash`] | every crash at every call, and again in the recovery |
//! | [`damage`] | everything that happens to files at rest |
//! | [`faults`] | every call that fails, in every way |
//! | [`fuzz`] | bytes that nobody would write, for everything that reads bytes |
//! | [`workshop`] | a copy of the workspace whose sources may be broken, and its tests |
//! | [`suite`] | the contract's suite for one engine, ours or somebody's own |
//! | [`say`] | the programs' standard output |
//! | [`script`] | contract scripts, and the transcript of an engine's answers and bytes |
//!
//! The tests are in `tests/`, one file for each way of looking.
#![forbid(unsafe_code)]

pub mod broken;
pub mod crash;
pub mod damage;
pub mod failure;
pub mod faults;
pub mod fuzz;
pub mod gate;
pub mod invariant;
pub mod judge;
pub mod model;
pub mod ops;
pub mod registry;
pub mod say;
pub mod script;
pub mod seeds;
pub mod settings;
pub mod shrink;
pub mod suite;
pub mod workshop;
pub mod world;
