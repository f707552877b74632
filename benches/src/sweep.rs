//! The same workloads at one size after another: cost as a curve, and where the engines cross.
//!
//! **Layout** A sweep changes one thing, its [`Axis`], and is a report for each point of it. The file is written after
//! every point, so that a sweep that was interrupted goes on with the points that are left.
//!
//! **Invariants**
//! 1. No point has more than 2 GiB of keys and values.
//! 2. Who took longer than the plan's patience at a point is not asked for larger ones, and the sweep says so: an
//!    engine whose cost grows with the store would not end.

mod axis;
mod text;

pub use axis::Axis;
pub use text::{figures, markdown, notes, origin, table, terminal};

use crate::conduct::{self, Built, Plan};
use crate::report::{Report, Unit, save_text};
use crate::table::grouped;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Changes when an older program could not read the file.
const SCHEMA: u32 = 1;
/// At most so many bytes of keys and values at a point.
const MOST_BYTES: u64 = 2 << 30;
/// Two engines cross where each is ahead on one side by more than this.
const AHEAD: f64 = 1.05;

/// What was measured at every point of an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// Changes when an older program could not read the file.
    schema: u32,
    /// What changes from point to point.
    pub axis: Axis,
    /// The points it has when it is done.
    planned: Vec<u64>,
    /// Which build measures.
    build: Built,
    /// In the order of the axis.
    pub points: Vec<Point>,
    /// Who was not asked for the larger points, and why.
    pub stopped: Vec<Stopped>,
}

/// A place on the axis, and what was measured there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Where.
    pub at: u64,
    /// What.
    pub report: Report,
}

/// Who was not asked for larger points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stopped {
    /// Who.
    pub subject: String,
    /// The last point.
    pub at: u64,
    /// What its longest measurement took there.
    pub seconds: f64,
}

/// Costs of one engine, from point to point.
pub struct Curve {
    /// Whose.
    pub subject: String,
    /// Where it was measured, and what it cost there: microseconds an operation, or the row's own unit.
    pub points: Vec<(u64, f64)>,
}

/// All curves of a figure.
pub struct Curves {
    /// The workload, and which figure of it.
    pub name: String,
    /// Of what the costs are.
    pub unit: Unit,
    /// One for each engine.
    pub curves: Vec<Curve>,
}

/// Measures every point. With a `file` each is kept there once it is done, and a run that says `resume` goes on with
/// the points that are not in it. `say` is told which point comes next.
pub fn run(
    plan: &Plan,
    (axis, planned): (Axis, &[u64]),
    (file, resume): (Option<&Path>, bool),
    say: &dyn Fn(&str),
    stop: &AtomicBool,
) -> Result<Sweep> {
    for &at in planned {
        let bytes = axis.effort(plan.effort, at).sizes.bytes();
        ensure!(
            bytes <= MOST_BYTES,
            "{} makes {} bytes of keys and values; a point has at most 2 GiB",
            axis.say(at),
            grouped(bytes)
        );
    }
    let build = Built::here()?;
    let mut sweep = Sweep {
        schema: SCHEMA,
        axis,
        planned: planned.into(),
        build,
        points: Vec::new(),
        stopped: Vec::new(),
    };
    if let Some(file) = file.filter(|file| file.exists()) {
        let old = Sweep::load(file)?;
        ensure!(
            old.is_done() || resume,
            "an earlier sweep was interrupted and left {}: add --resume to go on with it, or remove it",
            file.display()
        );
        if resume {
            let same = (&old.axis, &old.planned, &old.build) == (&sweep.axis, &sweep.planned, &sweep.build);
            ensure!(
                same,
                "{} has other points, or is of another build; remove it to begin anew",
                file.display()
            );
            sweep = old;
        }
    }
    let mut plan = plan.clone();
    for &at in &planned[sweep.points.len()..] {
        plan.subjects.retain(|subject| sweep.stopped.iter().all(|stopped| stopped.subject != subject.name));
        if plan.subjects.is_empty() {
            break;
        }
        say(&axis.say(at));
        let effort = axis.effort(plan.effort, at);
        let report = conduct::run(&Plan { effort, ..plan.clone() }, stop)?.swap_remove(0);
        let slow =
            report.longest_seconds.iter().filter(|(_, seconds)| **seconds > plan.patience.as_secs_f64());
        let stopped =
            slow.map(|(subject, seconds)| Stopped { subject: subject.clone(), at, seconds: *seconds });
        sweep.stopped.extend(stopped);
        sweep.points.push(Point { at, report });
        if let Some(file) = file {
            sweep.save(file)?;
        }
    }
    Ok(sweep)
}

impl Sweep {
    /// Whether nothing is left to measure.
    fn is_done(&self) -> bool {
        self.points.len() == self.planned.len()
    }

    /// Reads a file that [`save`](Self::save) wrote. Refuses one of another schema.
    pub fn load(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let sweep: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} is not a sweep of this benchmark", path.display()))?;
        ensure!(sweep.schema == SCHEMA, "{} has another schema: measure again", path.display());
        Ok(sweep)
    }

    /// Whether a file holds a sweep, and not a report.
    pub fn is_in(path: &Path) -> bool {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|value| value.get("axis").is_some())
    }

    /// Writes it as JSON: whole or not at all.
    pub fn save(&self, path: &Path) -> Result<()> {
        save_text(path, &(serde_json::to_string_pretty(self)? + "\n"))
    }

    /// Every figure's curves, in the order of the tables. A rate is turned into what an operation costs.
    pub fn curves(&self) -> Vec<Curves> {
        let mut all: Vec<Curves> = Vec::new();
        for (at, row) in
            self.points.iter().flat_map(|point| point.report.rows.iter().map(|row| (point.at, row)))
        {
            let (unit, cost) = match row.unit {
                Unit::KiloPerSecond => (Unit::Micros, 1e3 / row.median()),
                unit => (unit, row.median()),
            };
            let name = row.name();
            let known = all.iter().position(|curves| curves.name == name);
            let of_name = known.unwrap_or_else(|| {
                all.push(Curves { name, unit, curves: Vec::new() });
                all.len() - 1
            });
            let curves = &mut all[of_name].curves;
            let known = curves.iter().position(|curve| curve.subject == row.subject);
            let of_subject = known.unwrap_or_else(|| {
                curves.push(Curve { subject: row.subject.clone(), points: Vec::new() });
                curves.len() - 1
            });
            curves[of_subject].points.push((at, cost));
        }
        all
    }
}

impl Curve {
    /// How the cost grows: the power of what changes that leads from the first point to the last. 0 is a constant, 1
    /// a cost that grows with it. Nothing where there is only one point, or one lies at zero.
    #[expect(clippy::cast_precision_loss, reason = "sizes far below 2^53")]
    pub fn power(&self) -> Option<f64> {
        let (first, last) = (self.points.first()?, self.points.last()?);
        (first.0 > 0 && last.0 > first.0 && first.1 > 0.0)
            .then(|| (last.1 / first.1).ln() / (last.0 as f64 / first.0 as f64).ln())
    }

    fn at(&self, at: u64) -> Option<f64> {
        self.points.iter().find(|point| point.0 == at).map(|point| point.1)
    }
}

impl Curves {
    /// Where one engine falls behind another: after which point, before which, who was ahead, and who is then.
    pub fn crossings(&self) -> Vec<(u64, u64, &str, &str)> {
        let mut found = Vec::new();
        for (i, a) in self.curves.iter().enumerate() {
            for b in &self.curves[i + 1..] {
                let both = a.points.iter().filter_map(|&(at, cost)| Some((at, b.at(at)? / cost)));
                // Where nobody is clearly ahead is neither side.
                let clear: Vec<_> =
                    both.filter(|(_, times)| *times > AHEAD || *times < 1.0 / AHEAD).collect();
                for pair in clear.windows(2) {
                    let ((before, was), (after, is)) = (pair[0], pair[1]);
                    if (was > 1.0) != (is > 1.0) {
                        let (first, then) = if was > 1.0 { (a, b) } else { (b, a) };
                        found.push((before, after, first.subject.as_str(), then.subject.as_str()));
                    }
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curves(of: &[(&str, &[f64])]) -> Curves {
        let curve = |(subject, costs): &(&str, &[f64])| Curve {
            subject: (*subject).into(),
            points: std::iter::zip([10, 100, 1000], costs.iter().copied()).collect(),
        };
        Curves { name: "readrandom".into(), unit: Unit::Micros, curves: of.iter().map(curve).collect() }
    }

    #[test]
    fn the_power_of_a_cost_is_how_it_grows() {
        let all =
            curves(&[("constant", &[2.0, 2.0, 2.0]), ("linear", &[1.0, 10.0, 100.0]), ("once", &[1.0])]);
        let powers: Vec<_> = all.curves.iter().map(Curve::power).collect();
        assert_eq!(powers[0], Some(0.0));
        assert!((powers[1].expect("two points") - 1.0).abs() < 1e-9);
        assert_eq!(powers[2], None);
    }

    #[test]
    fn who_passes_whom_is_seen_where_both_are_clearly_ahead_once() {
        let crossed = curves(&[("a", &[1.0, 3.0, 9.0]), ("b", &[2.0, 3.01, 4.0])]);
        assert_eq!(crossed.crossings(), [(10, 1000, "a", "b")]);
        let apart = curves(&[("a", &[1.0, 2.0, 3.0]), ("b", &[2.0, 1.99, 4.0])]);
        assert_eq!(apart.crossings(), []);
    }
}
