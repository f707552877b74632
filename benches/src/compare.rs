//! Two reports beside each other: what became better, what worse, and what cannot be told apart.
//!
//! **Invariants**
//! 1. A difference smaller than the spread is no difference. The rounds of a figure lie in a range; three of them do
//!    not show how far it really reaches, so it is widened by half its width on each side. What still does not touch
//!    is a difference.
//! 2. Times need a twentieth besides: between two runs a machine becomes that much faster or slower by itself. What
//!    two builds did in turns is compared round by round, and needs a fiftieth. With six rounds or more their order alone
//!    says where the median lies, so that a single bad round does not hide a difference that all rounds show.
//! 3. One round has no spread, so times that were taken once are not judged.
//!
//! **Source** The range of a median from the order of the values: Conover, *Practical Nonparametric Statistics*, 3.2. Why the
//! same build compared with itself must come out as «no difference»: Georges, Buytaert and Eeckhout,
//! *Statistically Rigorous Java Performance Evaluation*, OOPSLA 2007.

use crate::report::{Report, Row, Unit, median, spread};
use crate::table::{Grid, number};
use serde::Serialize;
use std::fmt::Write;

/// A time that differs by less than this between two runs does not differ.
const BETWEEN_RUNS: f64 = 0.05;
/// The same where two builds took turns in one run.
const IN_TURNS: f64 = 0.02;

/// What became of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// More of what there should be much of, or less of what there should be little of.
    Better,
    /// The other way round.
    Worse,
    /// No difference that the spread would not explain.
    Same,
    /// Taken once, so nobody knows the spread.
    NotJudged,
}

/// A figure that is in both reports.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The workload, and which figure of it.
    pub name: String,
    /// Whose.
    pub subject: String,
    /// Of what the values are.
    pub unit: Unit,
    /// The values of each round, before.
    pub before: Vec<f64>,
    /// And after.
    pub after: Vec<f64>,
    /// How many times better the median became.
    pub times: f64,
    /// Whether that is a difference.
    pub verdict: Verdict,
}

/// Every figure that is in both reports, in the order of the later one.
pub fn all(before: &Report, after: &Report) -> Vec<Change> {
    let in_turns = before.date == after.date;
    let both =
        after.rows.iter().filter_map(|row| Some((before.row(&row.workload, &row.part, &row.subject)?, row)));
    both.filter(|(old, new)| old.unit == new.unit).map(|(old, new)| change(old, new, in_turns)).collect()
}

/// What became of one figure; `in_turns` if both are of the same rounds.
pub(crate) fn change(old: &Row, new: &Row, in_turns: bool) -> Change {
    let paired = in_turns && old.values.len() == new.values.len();
    let (times, verdict) = if paired {
        let rounds: Vec<f64> =
            std::iter::zip(&new.values, &old.values).map(|(&n, &o)| better(new, n, o)).collect();
        let range = of_median(&rounds).unwrap_or_else(|| widened(&rounds));
        (median(&rounds), judged(new, median(&rounds), range, (1.0, 1.0), IN_TURNS))
    } else {
        let share = |values: &[f64]| values.iter().map(|&v| better(new, v, old.median())).collect::<Vec<_>>();
        let (news, olds) = (share(&new.values), share(&old.values));
        let times = median(&news) / median(&olds);
        (median(&news), judged(new, times, widened(&news), widened(&olds), BETWEEN_RUNS))
    };
    let once = new.unit.is_time() && old.values.len().min(new.values.len()) < 2;
    Change {
        name: new.name(),
        subject: new.subject.clone(),
        unit: new.unit,
        before: old.values.clone(),
        after: new.values.clone(),
        times,
        verdict: if once { Verdict::NotJudged } else { verdict },
    }
}

/// How many times better one value is than another.
fn better(row: &Row, new: f64, old: f64) -> f64 {
    if new.to_bits() == old.to_bits() {
        1.0
    } else if row.unit.more_is_better() {
        new / old
    } else {
        old / new
    }
}

/// Whether a range of values, as times better, is apart from another one, and its median by `least` where it is about time.
fn judged(row: &Row, times: f64, new: (f64, f64), old: (f64, f64), least: f64) -> Verdict {
    let least = if row.unit.is_time() { least } else { 0.0 };
    if new.0 > old.1 && times > 1.0 + least {
        Verdict::Better
    } else if new.1 < old.0 && times < 1.0 / (1.0 + least) {
        Verdict::Worse
    } else {
        Verdict::Same
    }
}

/// Where the median of what these are drawn from lies, with a confidence of 31 in 32 or more, however they are spread:
/// between the k-th smallest and the k-th largest. Fewer than six values do not say it.
fn of_median(values: &[f64]) -> Option<(f64, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    // The chance that as few as k of them lie on one side of the median: a coin for each.
    let (mut k, mut ways, mut few) = (0, 1.0, 0.5_f64.powi(i32::try_from(values.len()).ok()?));
    let one = few;
    while few <= 1.0 / 64.0 && 2 * k < values.len() {
        k += 1;
        #[expect(clippy::cast_precision_loss, reason = "rounds are few")]
        let next = (values.len() - k + 1) as f64 / k as f64;
        ways *= next;
        few += ways * one;
    }
    Some((*sorted.get(k.checked_sub(1)?)?, *sorted.get(sorted.len() - k)?))
}

/// The range of the values, and half as much again on each side.
fn widened(values: &[f64]) -> (f64, f64) {
    let (low, high) = spread(values);
    (low - (high - low) / 2.0, high + (high - low) / 2.0)
}

/// A table of all changes, or of those that are some, and how many there are of each kind.
pub fn terminal(changes: &[Change], only_changed: bool) -> String {
    let shown =
        |change: &&Change| !only_changed || matches!(change.verdict, Verdict::Better | Verdict::Worse);
    let mut grid = Grid::new(&["workload", "engine"], &["before", "after"], &["", "verdict"]);
    for change in changes.iter().filter(shown) {
        let verdict = match change.verdict {
            Verdict::Better => format!("{} times better", number(change.times)),
            Verdict::Worse => format!("{} times worse", number(1.0 / change.times)),
            Verdict::Same => "no difference".into(),
            Verdict::NotJudged => "one round: not judged".into(),
        };
        grid.push(vec![
            change.name.clone(),
            change.subject.clone(),
            number(median(&change.before)),
            number(median(&change.after)),
            change.unit.name().into(),
            verdict,
        ]);
    }
    let mut text = if grid.is_empty() { String::new() } else { grid.terminal() + "\n\n" };
    let count = |verdict| changes.iter().filter(|change| change.verdict == verdict).count();
    let _ = writeln!(
        text,
        "{} figures in both: {} better, {} worse, {} no difference, {} taken once and not judged",
        changes.len(),
        count(Verdict::Better),
        count(Verdict::Worse),
        count(Verdict::Same),
        count(Verdict::NotJudged)
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(unit: Unit, values: &[f64]) -> Row {
        let rounds: Vec<_> =
            values.iter().map(|&value| crate::report::Sample::new("", value, unit)).collect();
        Row::of_rounds("fillseq", "stage1", "on-request", &rounds)
    }

    fn verdict(unit: Unit, old: &[f64], new: &[f64], in_turns: bool) -> Verdict {
        change(&row(unit, old), &row(unit, new), in_turns).verdict
    }

    #[test]
    fn a_difference_is_more_than_the_spread() {
        use Verdict::{Better, NotJudged, Same, Worse};
        let rate = |old: &[f64], new: &[f64]| verdict(Unit::KiloPerSecond, old, new, false);
        assert_eq!(rate(&[100.0, 101.0, 102.0], &[110.0, 111.0, 112.0]), Better);
        assert_eq!(rate(&[110.0, 111.0, 112.0], &[100.0, 101.0, 102.0]), Worse);
        assert_eq!(
            rate(&[100.0, 101.0, 108.0], &[110.0, 111.0, 112.0]),
            Same,
            "the ranges touch once widened"
        );
        assert_eq!(
            rate(&[100.0, 100.1, 100.2], &[104.0, 104.1, 104.2]),
            Same,
            "a machine does that by itself"
        );
        assert_eq!(rate(&[100.0], &[200.0]), NotJudged);
        let time = |old: &[f64], new: &[f64]| verdict(Unit::Millis, old, new, false);
        assert_eq!(time(&[10.0, 10.1, 10.2], &[5.0, 5.1, 5.2]), Better, "less is better there");
        let bytes = |old: &[f64], new: &[f64]| verdict(Unit::Mebibytes, old, new, false);
        assert_eq!(bytes(&[10.0], &[10.1]), Worse, "bytes need no rounds");
        assert_eq!(verdict(Unit::Puts, &[0.0, 0.0], &[0.0, 0.0], false), Same);
        assert_eq!(verdict(Unit::Puts, &[0.0, 0.0], &[7.0, 7.0], false), Worse);
    }

    #[test]
    fn builds_that_took_turns_are_compared_round_by_round() {
        // The machine was twice as fast in the second round: nobody could tell these apart otherwise.
        let (old, new) = ([100.0, 200.0, 150.0], [110.0, 221.0, 164.0]);
        assert_eq!(verdict(Unit::KiloPerSecond, &old, &new, true), Verdict::Better);
        assert_eq!(verdict(Unit::KiloPerSecond, &new, &old, true), Verdict::Worse);
        assert_eq!(verdict(Unit::KiloPerSecond, &old, &new, false), Verdict::Same);
        assert_eq!(verdict(Unit::KiloPerSecond, &old, &[101.0, 199.0, 151.0], true), Verdict::Same);
    }

    #[test]
    fn six_rounds_that_agree_are_a_difference_however_far_they_lie_apart() {
        let old = [100.0; 6];
        let turns = |new: &[f64]| verdict(Unit::KiloPerSecond, &old[..new.len()], new, true);
        assert_eq!(turns(&[60.0, 95.0, 70.0, 90.0, 85.0, 80.0]), Verdict::Worse);
        assert_eq!(turns(&[60.0, 101.0, 70.0, 90.0, 85.0, 80.0]), Verdict::Same, "one round says otherwise");
        assert_eq!(turns(&[60.0, 95.0, 70.0, 90.0, 85.0]), Verdict::Same, "five are too few for that");
        assert_eq!(turns(&[99.0, 99.5, 98.5, 99.0, 98.9, 98.8]), Verdict::Same, "less than a fiftieth");
        assert_eq!(of_median(&[5.0, 1.0, 4.0, 2.0, 3.0, 6.0]), Some((1.0, 6.0)));
        let ten: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!(of_median(&ten), Some((2.0, 9.0)), "then one on each side may say otherwise");
        assert_eq!(of_median(&ten[..5]), None);
    }

    #[test]
    fn the_last_line_counts() {
        let rows = [(Unit::Millis, [10.0, 10.1], [5.0, 5.1]), (Unit::Millis, [5.0, 5.0], [5.0, 5.0])];
        let changes: Vec<_> =
            rows.iter().map(|(unit, old, new)| change(&row(*unit, old), &row(*unit, new), false)).collect();
        let text = terminal(&changes, true);
        assert!(text.contains("1.99 times better") && !text.contains("no difference\n"), "{text}");
        assert!(
            text.contains("2 figures in both: 1 better, 0 worse, 1 no difference, 0 taken once"),
            "{text}"
        );
    }
}
