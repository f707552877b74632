//! Practice: a crate of the reader's own, made from a stage's sources with some functions left open.
//!
//! **Layout**
//!
//! | module | what it does |
//! |---|---|
//! | [`exercises`] | reads which functions a chapter leaves open: `exercises.toml` beside the chapter |
//! | [`function`] | finds a function in a source file, opens it, and puts a body into it |
//! | [`place`] | where the workspace and the reader's crates lie, and how cargo is called on them |
//! | [`manifest`] | the `Cargo.toml` of a reader's crate, from the workspace's and the stage's |
//! | [`make`] | writes the crate |
//! | [`progress`] | what the crate remembers: exercises, which are done, which hints were shown |
//! | [`trial`] | builds its tests and runs them, each in a process of its own |
//! | [`check`] | says what is green, what is red, and what to do next; hints and solutions |
//! | [`prove`] | for the project's own checks: every exercise is red while it is open and green once it is solved |
//! | [`command`] | what a person may type |
//!
//! **Invariants**
//! 1. Nothing is kept twice: a reader's crate is the stage's sources of the moment, and a solution is what the stage
//!    says. A list of exercises that names what is not there is an error.
//! 2. What a reader has written is never overwritten.
//!
//! **Cost** A check builds one crate, without optimisation, and runs a few tests: seconds.
#![forbid(unsafe_code)]

pub mod check;
pub mod command;
pub mod exercises;
pub mod function;
pub mod make;
pub mod manifest;
pub mod place;
pub mod progress;
pub mod prove;
pub mod trial;

/// What went wrong, for a person to read.
pub type Error = Box<dyn std::error::Error>;

/// The result of what may go wrong.
pub type Result<T> = std::result::Result<T, Error>;
