//! A copy of the workspace whose sources may be broken, and its test programs, built and run there.
//!
//! **Layout** [`copy`]: the copy, in the target folder; the sources themselves are never touched. [`program`]: a test
//! program of the copy, how it is built and how it ends.

pub mod copy;
pub mod program;
