//! What share of the machine's bound an engine reaches: taken within each round, then the median over rounds.

use crate::bounds;
use crate::report::{Report, Row, Unit, median, spread};

/// A figure derived from an engine's row and a bound's.
#[derive(Clone, Debug, PartialEq)]
pub struct Ratio {
    /// The engine.
    pub engine: String,
    /// What it is.
    pub name: &'static str,
    /// The value of each round.
    pub values: Vec<f64>,
    /// What a well-made log reaches.
    pub aim: Aim,
}

/// What a well-made log reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
    /// Nothing is asked.
    None,
}

impl Ratio {
    /// The middle of the rounds.
    pub fn median(&self) -> f64 {
        median(&self.values)
    }

    /// The smallest and the largest of the rounds.
    pub fn spread(&self) -> (f64, f64) {
        spread(&self.values)
    }

    /// Whether the median meets the aim; `None` where there is none.
    pub fn met(&self) -> Option<bool> {
        match self.aim {
            Aim::AtLeast(least) => Some(self.median() >= least),
            Aim::AtMost(most) => Some(self.median() <= most),
            Aim::None => None,
        }
    }
}

/// A workload's rate over the rate of the bound beside it.
struct Pair {
    name: &'static str,
    workload: &'static str,
    bound: &'static str,
    aim: Aim,
}

static PAIRS: &[Pair] = &[
    pair("fillseq ÷ log-write", "fillseq", "log-write", Aim::AtLeast(0.85)),
    pair("fillrandom ÷ log-write", "fillrandom", "log-write", Aim::AtLeast(0.85)),
    pair("fillbatch100 ÷ log-write-batch100", "fillbatch100", "log-write-batch100", Aim::AtLeast(0.8)),
    pair("fillsync ÷ fdatasync-reserved", "fillsync", "fdatasync-reserved", Aim::AtLeast(0.95)),
    pair("fillsync8t ÷ fdatasync-reserved-8", "fillsync8t", "fdatasync-reserved-8", Aim::None),
];

const fn pair(name: &'static str, workload: &'static str, bound: &'static str, aim: Aim) -> Pair {
    Pair { name, workload, bound, aim }
}

/// Every ratio whose two rows are in the report, for engines that keep what they are told.
pub fn all(report: &Report) -> Vec<Ratio> {
    let mut ratios = Vec::new();
    for engine in report.engines.iter().filter(|engine| engine.persistent) {
        let row = |workload| report.row(workload, "", &engine.name);
        let mut push = |name, values: Option<Vec<f64>>, aim| {
            ratios.extend(values.map(|values| Ratio { engine: engine.name.clone(), name, values, aim }));
        };
        for pair in PAIRS {
            push(
                pair.name,
                each(row(pair.workload), bound(report, pair.bound, pair.workload), |rate, bound| {
                    rate / bound
                }),
                pair.aim,
            );
        }
        let n = report.effort.sizes.n;
        let missing = row("readmissing");
        let millis =
            missing.map(|row| row.values.iter().map(|&rate| millis_for_a_million(rate, n)).collect());
        push("readmissing, ms for a million entries", millis, Aim::AtMost(30.0));
        for (name, walk) in
            [("walk ÷ readmissing", "walk"), ("walk-pread-crc ÷ readmissing", "walk-pread-crc")]
        {
            let share = each(missing, bound(report, walk, "readmissing"), |rate, walk| {
                walk / millis_for_a_million(rate, n)
            });
            push(name, share, Aim::None);
        }
    }
    ratios
}

/// The bound's row that was measured beside this workload.
fn bound<'a>(report: &'a Report, name: &str, workload: &str) -> Option<&'a Row> {
    let bound = bounds::named(name).ok()?;
    report.row(name, &bound.part_beside(workload), crate::report::BOUND)
}

/// Puts the rounds of two rows together, first with first.
fn each(a: Option<&Row>, b: Option<&Row>, ratio: impl Fn(f64, f64) -> f64) -> Option<Vec<f64>> {
    let (a, b) = (a?, b?);
    debug_assert!(a.unit == Unit::KiloPerSecond);
    Some(a.values.iter().zip(&b.values).map(|(&a, &b)| ratio(a, b)).collect())
}

/// The time of a get that passes every entry, from the rate in thousand gets a second over `n` entries.
#[expect(clippy::cast_precision_loss, reason = "a time needs no 53 bits")]
fn millis_for_a_million(rate: f64, n: u64) -> f64 {
    1.0 / rate / (n as f64 / 1e6)
}
