//! Cells: one subject in one sitting, and what it answered in every round.

use super::Plan;
use crate::bounds;
use crate::cell::Answer;
use crate::engines::{Kind, Subject};
use crate::report::{BOUND, Row, Sample};
use crate::workload::{self, Workload, durability_name};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::time::Duration;

/// The cells of one sitting: everyone who takes part.
pub(super) struct Group {
    cells: Vec<Cell>,
}

/// One subject, or one bound, in one sitting.
pub(super) struct Cell {
    /// The subject's name, or [`BOUND`].
    pub(super) subject: String,
    kind: Kind,
    tasks: Vec<Task>,
    /// How long its longest round took.
    took: Duration,
    /// Set where it took so long that it was not measured again.
    once: bool,
}

/// One workload, or one bound, of a cell.
struct Task {
    name: &'static str,
    /// `None` for a bound.
    workload: Option<&'static Workload>,
    /// What tells these rows from those of another cell, where their parts do not.
    part: String,
    durability: &'static str,
    rounds: Vec<Vec<Sample>>,
    not_applicable: Option<String>,
}

/// One group for each sitting, in the order of the tables: its subjects, and its bounds.
pub(super) fn groups(plan: &Plan) -> Result<Vec<Group>> {
    let chosen: Vec<&'static Workload> =
        workload::ALL.iter().filter(|w| plan.workloads.iter().any(|name| name == w.name)).collect();
    let mut sittings: Vec<&str> = chosen.iter().map(|workload| workload.sitting()).collect();
    let mut seen = std::collections::BTreeSet::new();
    sittings.retain(|sitting| seen.insert(*sitting));
    let of = |sitting: &&str| {
        let workloads: Vec<_> = chosen.iter().copied().filter(|w| w.sitting() == *sitting).collect();
        let mut cells = subject_cells(plan, &workloads);
        if plan.bounds {
            cells.extend(workloads.iter().flat_map(|workload| bound_cells(workload)));
        }
        Group { cells }
    };
    let groups: Vec<Group> = sittings.iter().map(of).collect();
    ensure!(groups.iter().any(|group| !group.cells.is_empty()), "there is nothing to measure");
    Ok(groups)
}

/// A cell for each subject that takes part in one of the workloads, and for each of its variants.
fn subject_cells(plan: &Plan, workloads: &[&'static Workload]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for subject in &plan.subjects {
        let own = workloads.iter().copied().filter(|workload| workload.takes(subject.kind));
        cells.push(Cell::of(plan, subject, own));
        if !plan.variants {
            continue;
        }
        let mut settings: Vec<&str> = workloads.iter().flat_map(|w| w.under).copied().collect();
        settings.sort_unstable();
        settings.dedup();
        for variant in settings.iter().filter_map(|setting| Some((setting, subject.under(setting)?))) {
            let (setting, subject) = variant;
            let under = workloads.iter().copied().filter(|workload| workload.under.contains(setting));
            cells.push(Cell::of(plan, &subject, under));
        }
    }
    cells.retain(|cell| !cell.tasks.is_empty());
    cells
}

fn bound_cells(workload: &'static Workload) -> impl Iterator<Item = Cell> {
    let beside = bounds::ALL.iter().filter(|bound| bound.beside.contains(&workload.name));
    beside.map(|bound| {
        let durability = bound.durability.map_or("", durability_name);
        let task = Task::new(bound.name, None, bound.part_beside(workload.name), durability);
        Cell::new(BOUND, Kind::Bound, vec![task])
    })
}

impl Group {
    /// What is measured in each cell.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.cells.iter().map(Cell::what)
    }

    /// The places of the cells in the order of this round: the one who begins changes.
    pub(super) fn order(&self, round: u64) -> Vec<usize> {
        let count = self.cells.len();
        let begin = usize::try_from(round % count.max(1) as u64).unwrap_or(0);
        (begin..count).chain(0..begin).collect()
    }

    /// The cell at a place.
    pub(super) fn cell(&mut self, at: usize) -> &mut Cell {
        &mut self.cells[at]
    }
}

impl Cell {
    fn of(plan: &Plan, subject: &Subject, workloads: impl Iterator<Item = &'static Workload>) -> Self {
        let task = |workload: &'static Workload| {
            let durability = workload.asked(&plan.effort.asked).durability;
            Task::new(workload.name, Some(workload), String::new(), durability_name(durability))
        };
        Self::new(&subject.name, subject.kind, workloads.map(task).collect())
    }

    fn new(subject: &str, kind: Kind, tasks: Vec<Task>) -> Self {
        Self { subject: subject.into(), kind, tasks, took: Duration::ZERO, once: false }
    }

    /// Whether it is measured in this round too. A rival that took longer than `patience` is not.
    pub(super) fn goes_on(&mut self, patience: Duration) -> bool {
        self.once = self.is_rival() && self.took > patience;
        !self.once
    }

    pub(super) fn is_rival(&self) -> bool {
        self.kind == Kind::Rival
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.tasks.iter().map(|task| task.name.to_owned()).collect()
    }

    pub(super) fn workloads(&self) -> impl Iterator<Item = &'static Workload> {
        self.tasks.iter().filter_map(|task| task.workload)
    }

    /// What is measured of whom, for a person who waits.
    pub(super) fn what(&self) -> String {
        format!("{} on {}", self.names().join(", "), self.subject)
    }

    /// Keeps what a round measured, and how long that took.
    pub(super) fn learn(&mut self, answers: Vec<Answer>, took: Duration) -> Result<()> {
        self.took = self.took.max(took);
        ensure!(answers.len() == self.tasks.len(), "{} answered {} times", self.what(), answers.len());
        for (task, answer) in self.tasks.iter_mut().zip(answers) {
            match answer {
                Answer::Measured(samples) => task.rounds.push(samples),
                Answer::NotApplicable(why) => task.not_applicable = Some(why),
            }
        }
        Ok(())
    }

    /// Keeps that a round failed.
    pub(super) fn fail(&mut self, why: &str) {
        let why: Vec<_> = why.split_whitespace().collect();
        for task in &mut self.tasks {
            task.not_applicable = Some(why.join(" "));
        }
    }
}

impl Task {
    fn new(
        name: &'static str,
        workload: Option<&'static Workload>,
        part: String,
        durability: &'static str,
    ) -> Self {
        Self { name, workload, part, durability, rounds: Vec::new(), not_applicable: None }
    }
}

/// Everybody who took part, variants behind what they vary.
pub(super) fn subjects(groups: &[Group], plan: &Plan) -> Vec<Subject> {
    let measured: Vec<&str> =
        groups.iter().flat_map(|g| &g.cells).map(|cell| cell.subject.as_str()).collect();
    let mut subjects = Vec::new();
    for subject in &plan.subjects {
        subjects.push(subject.clone());
        let mut settings: Vec<&str> = workload::ALL.iter().flat_map(|w| w.under).copied().collect();
        settings.sort_unstable();
        settings.dedup();
        let variants = settings.iter().filter_map(|setting| subject.under(setting));
        // Who was asked for by name comes in his own turn.
        let unasked = |variant: &Subject| plan.subjects.iter().all(|asked| asked.name != variant.name);
        subjects
            .extend(variants.filter(|variant| measured.contains(&variant.name.as_str()) && unasked(variant)));
    }
    subjects
}

/// Rows in the order of the tables: workloads with their subjects, then bounds.
pub(super) fn rows(groups: &[Group], subjects: &[&str]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for cell in groups.iter().flat_map(|group| &group.cells) {
        for task in cell.tasks.iter().filter(|task| task.not_applicable.is_none() && !task.rounds.is_empty())
        {
            let at = workload::ALL.iter().position(|workload| workload.name == task.name);
            let who = subjects.iter().position(|name| *name == cell.subject);
            for part in 0..task.rounds[0].len() {
                let of_round = |round: &Vec<Sample>| round.get(part).cloned();
                let samples: Option<Vec<Sample>> = task.rounds.iter().map(of_round).collect();
                let samples =
                    samples.with_context(|| format!("rounds of {} differ in their parts", task.name))?;
                let mut row = Row::of_rounds(task.name, &cell.subject, task.durability, &samples);
                row.part.push_str(&task.part);
                rows.push(((cell.subject == BOUND, at, who), row));
            }
        }
    }
    rows.sort_by_key(|(order, _)| *order);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// What was left out, and why: a line for each subject and reason.
pub(super) fn not_applicable(groups: &[Group]) -> Vec<String> {
    let mut reasons: Vec<(&str, &str, Vec<&str>)> = Vec::new();
    for cell in groups.iter().flat_map(|group| &group.cells) {
        for task in &cell.tasks {
            let Some(why) = &task.not_applicable else { continue };
            match reasons.iter_mut().find(|(who, known, _)| *who == cell.subject && known == why) {
                Some((_, _, names)) => names.push(task.name),
                None => reasons.push((&cell.subject, why, vec![task.name])),
            }
        }
    }
    let line = |(who, why, names): &(&str, &str, Vec<&str>)| format!("{} on {who}: {why}", names.join(", "));
    reasons.iter().map(line).collect()
}

/// Who was measured in one round only, and why.
pub(super) fn measured_once(groups: &[Group]) -> Vec<String> {
    let once = groups.iter().flat_map(|group| &group.cells).filter(|cell| cell.once);
    once.map(|cell| format!("{}: one round only, which took {} s", cell.what(), cell.took.as_secs()))
        .collect()
}

/// What the longest measurement of each subject took, in seconds.
pub(super) fn longest_seconds(groups: &[Group]) -> BTreeMap<String, f64> {
    let mut longest = BTreeMap::new();
    for cell in groups.iter().flat_map(|group| &group.cells).filter(|cell| cell.subject != BOUND) {
        let seconds: &mut f64 = longest.entry(cell.subject.clone()).or_default();
        *seconds = seconds.max(cell.took.as_secs_f64());
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_rival_that_is_very_slow_is_not_measured_again() -> Result<()> {
        for (kind, seconds, again) in [
            (Kind::Rival, 9, true),
            (Kind::Rival, 11, false),
            (Kind::Engine, 99, true),
            (Kind::Bound, 99, true),
        ] {
            let mut cell = Cell::new("somebody", kind, Vec::new());
            assert!(cell.goes_on(Duration::ZERO), "before it was measured");
            cell.learn(Vec::new(), Duration::from_secs(seconds))?;
            assert_eq!(cell.goes_on(Duration::from_secs(10)), again, "{kind:?}, {seconds} s");
            let said = measured_once(&[Group { cells: vec![cell] }]);
            assert_eq!(said.is_empty(), again, "{said:?}");
        }
        Ok(())
    }

    #[test]
    fn the_one_who_begins_changes_and_everybody_has_a_turn() {
        let names = ["a", "b", "c"];
        let cells = names.iter().map(|name| Cell::new(name, Kind::Engine, Vec::new())).collect();
        let mut group = Group { cells };
        let mut order = |round| {
            let places = group.order(round).into_iter();
            places.map(|at| group.cell(at).subject.clone()).collect::<String>()
        };
        assert_eq!([0, 1, 2, 3].map(&mut order), ["abc", "bca", "cab", "abc"]);
    }
}
