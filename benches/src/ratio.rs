//! Figures that are made of two rows: taken within each round, then the median over rounds.
//!
//! **Invariants** Both figures of a ratio come from the same round, so that what else the machine did then is in both.

use crate::engines::Kind;
use crate::report::{Report, Row, median, spread};

/// A figure derived from an engine's row, and mostly from another row.
#[derive(Clone, Debug, PartialEq)]
pub struct Ratio {
    /// The engine.
    pub engine: String,
    /// What it is.
    pub name: String,
    /// The value of each round.
    pub values: Vec<f64>,
    /// What is asked of it.
    pub aim: Aim,
}

/// What is asked of a figure.
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

/// How many times better one row is than another: the rate of the first over that of the second, and the other way
/// round where less is better.
pub fn better(row: &Row, than: &Row) -> Vec<f64> {
    let pairs = row.values.iter().zip(&than.values);
    let more = row.unit.more_is_better();
    pairs.map(|(&a, &b)| if more { a / b } else { b / a }).collect()
}

/// Everybody's rows against those of one subject, in the order of the tables.
pub fn against(report: &Report, name: &str) -> Vec<Ratio> {
    let others = report.rows.iter().filter(|row| row.subject != name);
    let pairs = others.filter_map(|row| Some((row, report.row(&row.workload, &row.part, name)?)));
    // A share or a loss is not what one engine does faster than another.
    let timed = pairs.filter(|(row, _)| row.unit.is_time());
    timed
        .map(|(row, of)| Ratio {
            engine: row.subject.clone(),
            name: row.name(),
            values: better(row, of),
            aim: Aim::None,
        })
        .collect()
}

/// The best rival's row of this workload and part. One that lost what it acknowledged is no rival at writing.
pub fn best_rival<'a>(report: &'a Report, workload: &str, part: &str) -> Option<&'a Row> {
    best_among(report, workload, part, |_| true)
}

/// The same among those whose names are `wanted`.
pub fn best_among<'a>(
    report: &'a Report,
    workload: &str,
    part: &str,
    wanted: impl Fn(&str) -> bool,
) -> Option<&'a Row> {
    let writes = crate::workload::Workload::named(workload).is_ok_and(crate::workload::Workload::writes);
    let of_rivals = report.rows.iter().filter(|row| {
        let rival = report.engine(&row.subject).is_some_and(|engine| engine.kind == Kind::Rival);
        let counts = !(writes && report.lost(&row.subject));
        row.workload == workload && row.part == part && rival && counts && wanted(&row.subject)
    });
    let score = |row: &Row| if row.unit.more_is_better() { row.median() } else { -row.median() };
    of_rivals.max_by(|a, b| score(a).total_cmp(&score(b)))
}
