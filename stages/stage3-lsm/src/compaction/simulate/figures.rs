//! What a simulation came to, and what the textbook expects of it.
//!
//! **Source** O'Neil, Cheng, Gawlick, O'Neil, *The Log-Structured Merge-Tree*, 1996, for what a merge of two sizes costs;
//! Dayan and Idreos, *Dostoevsky*, 2018, for tiering and leveling as functions of a ratio.

use crate::compaction::{Rules, Strategy};

/// What a simulation came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// Flushes.
    pub steps: u64,
    /// Runs at the end.
    pub runs: u64,
    /// Their tables.
    pub tables: u64,
    /// Bytes that were put.
    pub user_bytes: u64,
    /// Bytes that flushes wrote.
    pub flushed_bytes: u64,
    /// How many compactions there were.
    pub compactions: u64,
    /// Bytes that they read.
    pub compacted_from_bytes: u64,
    /// Bytes that they wrote.
    pub compacted_into_bytes: u64,
    /// Bytes in tables at the end.
    pub tree_bytes: u64,
    /// Bytes of the newest version of each key.
    pub live_bytes: u64,
    /// How many runs a get of an absent key has to ask without filters, at the end.
    pub asked: f64,
    /// The same, on average over the steps.
    pub asked_average: f64,
    /// Bytes in tables for each live one, on average over the steps.
    pub space_average: f64,
}

impl Figures {
    /// Bytes written into tables for each byte that was put. The log, which is written once, is not in it.
    pub fn write_amplification(&self) -> f64 {
        ratio(self.flushed_bytes + self.compacted_into_bytes, self.user_bytes)
    }

    /// Bytes in tables for each live one, at the end.
    pub fn space_amplification(&self) -> f64 {
        ratio(self.tree_bytes, self.live_bytes)
    }
}

/// What the textbook expects: estimates for a large tree, keys at random and a steady state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Textbook {
    /// Bytes written into tables for each byte that was put.
    pub write: f64,
    /// How many runs a get has to ask, at most.
    pub asked: f64,
    /// Bytes in tables for each live one, at most.
    pub space: f64,
}

// ANCHOR: textbook
impl Textbook {
    /// For a tree that holds `sizes` times as much live data as a flush, after `flushes` of them.
    pub fn new(rules: &Rules, sizes: f64, flushes: u64) -> Self {
        let (fan_out, level_ratio) = (float(rules.fan_out as u64), float(rules.level_ratio));
        match rules.strategy {
            Strategy::Off => Self { write: 1.0, asked: float(flushes), space: float(flushes) / sizes },
            Strategy::Tiered => {
                let levels = logarithm(fan_out, sizes);
                Self { write: 1.0 + levels, asked: (fan_out - 1.0) * levels.max(1.0), space: 2.0 }
            }
            Strategy::Leveled => {
                let levels = logarithm(level_ratio, sizes / fan_out);
                let write = 2.0 + level_ratio / 2.0 * levels;
                Self { write, asked: fan_out + levels, space: 1.0 + 1.0 / level_ratio }
            }
        }
    }
}
// ANCHOR_END: textbook

/// The textbook's formulas in words: for what is written, for the runs that are asked, for space.
pub fn formulas(strategy: Strategy) -> [&'static str; 3] {
    match strategy {
        Strategy::Off => ["1", "all flushes", "written ÷ live"],
        Strategy::Tiered => ["1 + log_T(D÷F)", "(T−1) × log_T(D÷F)", "2"],
        Strategy::Leveled => ["2 + R÷2 × log_R(D÷TF)", "T + log_R(D÷TF)", "1 + 1÷R"],
    }
}

/// How often something grows by `base` until it is `value` times as large; at least 0.
fn logarithm(base: f64, value: f64) -> f64 {
    (value.max(1.0).ln() / base.ln()).max(0.0)
}

/// `part` for each of `whole`; 0 of nothing.
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { float(part) / float(whole) }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people: 52 bits are plenty")]
fn float(number: u64) -> f64 {
    number as f64
}
