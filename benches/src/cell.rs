//! One subject, one process: what it is asked, and what it answers.
//!
//! A cell measures one workload, or a sitting of several that share a store.

mod sitting;

use crate::engines::Subject;
use crate::report::{self, Sample};
use crate::workload::{Effort, Workload};
use crate::{bounds, check};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sitting::Sitting;
use std::path::PathBuf;

/// What a process is asked to measure. It travels as JSON in an argument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The subject's name, or [`report::BOUND`].
    pub subject: String,
    /// The workloads' names, in order, or the bound's.
    pub workloads: Vec<String>,
    /// How much.
    pub effort: Effort,
    /// A directory for this cell alone; it is empty.
    pub dir: PathBuf,
}

/// What a process answers for each workload, as JSON on standard output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// The figures.
    Measured(Vec<Sample>),
    /// This subject has no such thing to measure, and why.
    NotApplicable(String),
}

/// Tells how many heap bytes are alive, in a program that counts them.
pub type Heap = fn() -> usize;

/// Measures what was asked for.
pub fn run(spec: &Spec, heap: Option<Heap>) -> Result<Vec<Answer>> {
    if spec.subject == report::BOUND {
        let measure =
            |name: &String| Ok(Answer::Measured((bounds::named(name)?.run)(&spec.effort, &spec.dir)?));
        return spec.workloads.iter().map(measure).collect();
    }
    let subject = Subject::named(&spec.subject)?;
    let mut sitting = Sitting::new(&subject, spec, heap);
    let answers = spec.workloads.iter().map(|name| {
        let workload = &Workload::named(name)?.asked(&spec.effort.asked);
        match sitting.measure(workload) {
            Ok(answer) => Ok(answer),
            Err(e) => match check::is_unsupported(&e) {
                Some(what) => Ok(Answer::NotApplicable(format!("{what} is not among what it can do"))),
                None => Err(e).with_context(|| format!("{} on {}", workload.name, subject.name)),
            },
        }
    });
    let answers = answers.collect::<Result<_>>()?;
    sitting.end()?;
    Ok(answers)
}
