//! How fast the engines are, and how fast this machine lets them be: one program, one run, one table.
//!
//! An engine's figure says little alone. So the same run measures the *physical bounds* beside it: what a `write`
//! for each entry, a walk over memory or an `fdatasync` costs without any engine. The distance between the two is
//! what the engine adds.
//!
//! **Layout** What is measured: [`entries`] (keys and values), [`workload`] (the definitions), [`ycsb`] (six of them),
//! [`engines`] (who takes part), [`rivals`] (other people's engines), [`bounds`]. How: [`timing`] (the loop that holds
//! the watch), [`cell`] (one subject, one process), [`store`] (an open one, and how it is filled), [`measure`],
//! [`beside`], [`reopen`], [`resident`], [`space`], [`mod@io`] and [`wrong`] (what is done to it), [`check`] (a fast wrong answer is no result);
//! [`mod@cli`] (what may be asked),
//! [`conduct`] (rounds, processes, progress) and [`command`] (what processes say to each other). What comes out:
//! [`report`] (the figures, as JSON), [`ratio`] and [`goals`] (what is made of them), [`mod@compare`] (two of them), [`ablation`] (one thing taken away), [`table`], [`markdown`],
//! [`chart`], [`sweep`] and [`lines`] (curves over sizes), [`mod@pieces`] (what Criterion measured), [`page`] (all of it as one file), and [`machine`] (what the figures were measured on).
//!
//! **Invariants**
//! 1. The same seed gives the same keys and values, in the same order, to every engine and every bound.
//! 2. Every engine does a workload, or several that share a store, in a process and a directory of its own; engines,
//!    rivals and bounds take turns, and the one who begins changes with the round.
//! 3. Every answer is checked in the run that is timed: each value that a get returns, and after each load every
//!    pair of a full scan.
//! 4. Engines are known only by their [`contract::Stage`].
//!
//! **Cost** A run of three rounds over a million entries takes some minutes, a quarter of an hour with rivals, and at
//! most the space of three copies of the data.
#![forbid(unsafe_code)]

pub mod ablation;
pub mod beside;
pub mod bounds;
pub mod cell;
pub mod chart;
pub mod check;
pub mod cli;
pub mod command;
pub mod compare;
pub mod conduct;
pub mod engines;
pub mod entries;
pub mod goals;
pub mod io;
pub mod lines;
pub mod machine;
pub mod markdown;
pub mod measure;
pub mod page;
pub mod pieces;
pub mod ratio;
pub mod reopen;
pub mod report;
pub mod resident;
pub mod rivals;
pub mod space;
pub mod store;
pub mod sweep;
pub mod table;
pub mod timing;
pub mod workload;
pub mod wrong;
pub mod ycsb;
