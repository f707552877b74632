//! What each stage is to reach: shares of the bounds, times the best rival, and figures of its own.
//!
//! A goal is a line of a table here. It is shown where its rows were measured, and passed over where they were not.

use crate::bounds;
use crate::ratio::{self, Aim, Ratio};
use crate::report::{BOUND, Report, Row, Unit};

/// Something that an engine is to reach.
struct Goal {
    engine: &'static str,
    workload: &'static str,
    part: &'static str,
    over: Over,
    aim: Aim,
}

/// What an engine's row is divided by.
#[derive(Clone, Copy)]
enum Over {
    /// Nothing: the figure itself.
    Itself,
    /// The rate of a bound beside it.
    Bound(&'static str),
    /// The same row of somebody else.
    Subject(&'static str),
    /// The same row of the best rival.
    BestRival,
    /// The same row of the best of these rivals.
    BestOf(&'static [&'static str]),
    /// Nothing: the time of a get that passes every entry, for a million of them.
    Million,
    /// That time, which divides the time of a bound.
    WalkOf(&'static str),
}

const fn goal(engine: &'static str, workload: &'static str, over: Over, aim: Aim) -> Goal {
    Goal { engine, workload, part: "", over, aim }
}

const fn part(
    engine: &'static str,
    workload: &'static str,
    part: &'static str,
    over: Over,
    aim: Aim,
) -> Goal {
    Goal { engine, workload, part, over, aim }
}

// ANCHOR: goals
static GOALS: &[Goal] = {
    use Aim::{AtLeast, AtMost};
    use Over::{BestOf, BestRival, Bound, Itself, Million, Subject, WalkOf};
    const LOG: &str = "stage1";
    const HASH: &str = "stage2";
    const MAPPED: &str = "stage2:reads=mapped";
    const TREE: &str = "stage3";
    const MAPPED_TREE: &str = "stage3:reads=mapped";
    const LSM: Over = BestOf(&["rocksdb", "leveldb", "fjall"]);
    &[
        goal(LOG, "fillseq", Bound("log-write"), AtLeast(0.85)),
        goal(LOG, "fillrandom", Bound("log-write"), AtLeast(0.85)),
        goal(LOG, "fillbatch100", Bound("log-write-batch100"), AtLeast(0.8)),
        goal(LOG, "fillsync", Bound("fdatasync-reserved"), AtLeast(0.95)),
        goal(LOG, "fillsync8t", Bound("fdatasync-reserved-8"), Aim::None),
        goal(LOG, "readmissing", Million, AtMost(30.0)),
        goal(LOG, "readmissing", WalkOf("walk"), Aim::None),
        goal(LOG, "readmissing", WalkOf("walk-pread-crc"), Aim::None),
        // By default reads: near the least that a hash index over a log must do, and twice another Bitcask.
        goal(HASH, "fillseq", Subject("hash-log"), AtLeast(0.8)),
        goal(HASH, "fillrandom", Subject("hash-log"), AtLeast(0.8)),
        goal(HASH, "overwrite", Subject("hash-log"), AtLeast(0.8)),
        goal(HASH, "deleterandom", Subject("hash-log"), AtLeast(0.8)),
        goal(HASH, "readrandom", Subject("hash-log"), AtLeast(0.8)),
        goal(HASH, "fillrandom", Subject("tinkv"), AtLeast(2.0)),
        goal(HASH, "overwrite", Subject("tinkv"), AtLeast(2.0)),
        goal(HASH, "readrandom", Subject("tinkv"), AtLeast(2.0)),
        goal(HASH, "readmissing", Bound("hash-probe"), Aim::None),
        goal(HASH, "fillbatch100", Bound("hash-insert"), Aim::None),
        goal(HASH, "fillsync", Bound("fdatasync-reserved"), Aim::None),
        goal(HASH, "fillsync8t", Bound("fdatasync-reserved-8"), Aim::None),
        // Ahead of the best rival in the same run.
        goal(HASH, "fillseq", BestRival, AtLeast(0.65)),
        goal(HASH, "fillrandom", BestRival, AtLeast(1.8)),
        goal(HASH, "overwrite", BestRival, AtLeast(2.3)),
        goal(HASH, "fillbatch100", BestRival, AtLeast(2.5)),
        goal(HASH, "readmissing", BestRival, AtLeast(4.0)),
        goal(HASH, "fillsync", BestRival, AtLeast(1.0)),
        goal(HASH, "fillsync8t", BestRival, Aim::None),
        goal(HASH, "deleterandom", BestRival, Aim::None),
        part(HASH, "rww", "reads", BestRival, AtLeast(1.3)),
        part(HASH, "rww", "writes", BestRival, Aim::None),
        // By reads from mappings, against those who read from mappings.
        goal(MAPPED, "readrandom", Subject("hash-log-mmap"), AtLeast(0.85)),
        goal(MAPPED, "readrandom", BestRival, AtLeast(1.5)),
        goal(MAPPED, "readhot", BestRival, AtLeast(1.8)),
        goal(MAPPED, "ycsb-a", BestRival, AtLeast(2.0)),
        goal(MAPPED, "ycsb-b", BestRival, AtLeast(1.8)),
        goal(MAPPED, "ycsb-c", BestRival, AtLeast(1.8)),
        goal(MAPPED, "ycsb-d", BestRival, AtLeast(1.3)),
        goal(MAPPED, "ycsb-f", BestRival, AtLeast(1.7)),
        part(MAPPED, "rww", "reads", BestRival, AtLeast(1.3)),
        // By itself.
        part(HASH, "readrandom2t", "÷ one thread", Itself, AtLeast(1.8)),
        part(HASH, "rww-merge", "reads ÷ alone", Itself, AtLeast(0.5)),
        part(HASH, "readbatched", "÷ singles", Itself, AtLeast(0.9)),
        goal(HASH, "open-clean", Itself, AtMost(120.0)),
        goal(HASH, "open-clean", Subject("stage2:hints=off"), AtLeast(4.0)),
        goal(HASH, "memory", Itself, AtMost(70.0)),
        part(HASH, "space", "on disk after compact, without hints", Itself, AtMost(1.15)),
        // By default reads: ahead of every other LSM tree.
        goal(TREE, "fillseq", LSM, AtLeast(1.2)),
        goal(TREE, "fillrandom", LSM, AtLeast(1.5)),
        goal(TREE, "overwrite", LSM, AtLeast(1.5)),
        goal(TREE, "fillbatch100", LSM, AtLeast(1.0)),
        goal(TREE, "readrandom", LSM, AtLeast(1.5)),
        goal(TREE, "readmissing", LSM, AtLeast(1.3)),
        goal(TREE, "readhot", LSM, AtLeast(1.5)),
        goal(TREE, "readseq", LSM, AtLeast(1.5)),
        goal(TREE, "seekrandom50", LSM, AtLeast(1.5)),
        part(TREE, "rww", "reads", LSM, AtLeast(2.0)),
        part(TREE, "rww", "writes", LSM, AtLeast(1.0)),
        goal(TREE, "deleterandom", LSM, AtLeast(1.0)),
        goal(TREE, "ycsb-a", LSM, AtLeast(1.5)),
        goal(TREE, "ycsb-b", LSM, AtLeast(1.5)),
        goal(TREE, "ycsb-c", LSM, AtLeast(1.5)),
        goal(TREE, "ycsb-d", LSM, AtLeast(1.5)),
        goal(TREE, "ycsb-e", LSM, AtLeast(1.5)),
        goal(TREE, "ycsb-f", LSM, AtLeast(1.5)),
        // Ahead of the best rival in the same run, whatever it is.
        goal(TREE, "fillrandom", BestRival, Aim::None),
        goal(TREE, "fillbatch100", BestRival, AtLeast(1.5)),
        goal(TREE, "fillsync", BestRival, AtLeast(1.0)),
        goal(TREE, "fillsync8t", BestRival, AtLeast(1.2)),
        // By reads from mappings, against those who read from mappings.
        goal(MAPPED_TREE, "readrandom", BestRival, AtLeast(1.1)),
        goal(MAPPED_TREE, "readrandom", LSM, AtLeast(4.0)),
        goal(MAPPED_TREE, "readhot", BestRival, AtLeast(1.1)),
        goal(MAPPED_TREE, "readseq", LSM, AtLeast(3.0)),
        goal(MAPPED_TREE, "readseq", BestRival, Aim::None),
        goal(MAPPED_TREE, "seekrandom50", LSM, AtLeast(3.0)),
        goal(MAPPED_TREE, "seekrandom50", BestRival, Aim::None),
        goal(MAPPED_TREE, "ycsb-a", BestRival, AtLeast(1.5)),
        goal(MAPPED_TREE, "ycsb-b", BestRival, AtLeast(1.1)),
        goal(MAPPED_TREE, "ycsb-c", BestRival, AtLeast(1.1)),
        goal(MAPPED_TREE, "ycsb-d", BestRival, AtLeast(1.0)),
        goal(MAPPED_TREE, "ycsb-e", LSM, AtLeast(5.0)),
        goal(MAPPED_TREE, "ycsb-f", BestRival, AtLeast(1.5)),
        // By itself.
        goal(TREE, "open-clean", Itself, AtMost(20.0)),
        goal(TREE, "open-killed", Itself, AtMost(159.0)),
        part(TREE, "space", "written by overwrite", Itself, AtMost(3.2)),
        part(TREE, "space", "on disk after overwrite", Itself, AtMost(2.0)),
    ]
};
// ANCHOR_END: goals

/// Every goal whose rows are in the report, with how it was met.
pub fn all(report: &Report) -> Vec<Ratio> {
    GOALS.iter().filter_map(|goal| goal.ratio(report)).collect()
}

impl Goal {
    fn ratio(&self, report: &Report) -> Option<Ratio> {
        let row = report.row(self.workload, self.part, self.engine)?;
        let n = report.effort.sizes.n;
        let millis: Vec<f64> = row.values.iter().map(|&rate| millis_for_a_million(rate, n)).collect();
        let times = |name: &str, values| (format!("{} ÷ {name}", row.name()), values);
        let (name, values) = match self.over {
            Over::Itself if row.unit == Unit::Times => (row.name(), row.values.clone()),
            Over::Itself => (format!("{}, {}", row.name(), row.unit.name()), row.values.clone()),
            Over::Bound(name) => times(name, ratio::better(row, bound(report, name, self.workload)?)),
            Over::Subject(name) => {
                times(name, ratio::better(row, report.row(self.workload, self.part, name)?))
            }
            Over::BestRival => {
                let best = ratio::best_rival(report, self.workload, self.part)?;
                times(&format!("best rival ({})", best.subject), ratio::better(row, best))
            }
            Over::BestOf(names) => {
                let wanted = |subject: &str| names.contains(&subject);
                let best = ratio::best_among(report, self.workload, self.part, wanted)?;
                times(&format!("best LSM tree ({})", best.subject), ratio::better(row, best))
            }
            Over::Million => (format!("{}, ms for a million entries", row.name()), millis),
            Over::WalkOf(name) => {
                let walks = &bound(report, name, self.workload)?.values;
                let shares = walks.iter().zip(millis).map(|(walk, millis)| walk / millis);
                (format!("{name} ÷ {}", row.name()), shares.collect())
            }
        };
        Some(Ratio { engine: self.engine.into(), name, values, aim: self.aim })
    }
}

/// The bound's row that was measured beside this workload.
fn bound<'a>(report: &'a Report, name: &str, workload: &str) -> Option<&'a Row> {
    let bound = bounds::named(name).ok()?;
    report.row(name, &bound.part_beside(workload), BOUND)
}

/// The time of a get that passes every entry, from the rate in thousand gets a second over `n` entries.
#[expect(clippy::cast_precision_loss, reason = "a time needs no 53 bits")]
fn millis_for_a_million(rate: f64, n: u64) -> f64 {
    1.0 / rate / (n as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Workload;

    #[test]
    fn every_goal_is_about_a_workload_and_a_bound_beside_it() {
        for goal in GOALS {
            assert!(Workload::named(goal.workload).is_ok(), "{}", goal.workload);
            if let Over::Bound(name) | Over::WalkOf(name) = goal.over {
                let bound = bounds::named(name).expect("a bound");
                assert!(bound.beside.contains(&goal.workload), "{name} is not beside {}", goal.workload);
            }
        }
    }
}
