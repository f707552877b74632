//! What every Strata engine promises: one trait, and the values that cross it.
//!
//! An engine keeps *entries*: a key with a value, or a key with a *tombstone* that says it was deleted. Keys and
//! values are bytes; an empty key and an empty value are as good as any. Three engines implement the trait
//! [`Engine`], each because the last one hit a wall; everything that judges, measures or drives an engine knows it
//! only through that trait and through its [`Stage`], the value with which it joins the registry.
//!
//! This crate does no input or output and depends on nothing but the trait of the world, [`vfs::Vfs`], which a
//! [`Stage`] is opened on.
//!
//! **Durability** The same words for all stages: [`Durability::OnRequest`] and [`Durability::EveryWrite`].
#![forbid(unsafe_code)]

mod batch;
mod command;
mod engine;
mod error;
mod options;
pub mod oracle;
mod report;
mod scan;
mod stage;
mod worker;

pub use batch::{Batch, Entry, MAX_BATCH_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES, check_entry};
pub use command::{Call, Command, CommandReport, Flag, Run};
pub use engine::Engine;
pub use error::{Error, IoContext, Result};
pub use options::{Durability, Kind, OptionSpec, Options, SYNC, parse_bytes};
pub use report::{
    Cut, Damage, Explanation, Field, Figure, Look, RecoveryReport, SalvageReport, Stats, Verdict,
    VerifyReport,
};
pub use scan::{Cursor, KeyRange, PairCursor, Scan, prefix_end};
pub use stage::{FieldSink, Opened, Stage, TourStep};
pub use worker::Worker;
