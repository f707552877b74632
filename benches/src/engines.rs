//! Who takes part in a benchmark: the engines of the registry, the rivals that were compiled in, and the bounds that
//! answer as an engine does.
//!
//! A *subject* is one of them under certain options. Its name says which: `stage1`, or `stage1:chunk-bytes=4KiB`.

use crate::bounds::hash_log;
use crate::rivals;
use crate::workload::{Workload, durability_name};
use anyhow::{Context, Result, bail};
use contract::{Durability, Options, Stage};
use serde::{Deserialize, Serialize};

/// What a subject is to this project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An engine of the registry.
    #[default]
    Engine,
    /// Somebody else's.
    Rival,
    /// Not one at all, but what one cannot be faster than.
    Bound,
}

/// The engines, in the order of the tables.
pub fn all() -> &'static [&'static Stage] {
    harness::registry::registry()
}

/// The names of all engines.
pub fn names() -> Vec<&'static str> {
    all().iter().map(|stage| stage.name).collect()
}

/// An engine, a rival or a bound, under options.
#[derive(Clone)]
pub struct Subject {
    /// Its name, with the options that are not at their defaults.
    pub name: String,
    /// What opens it.
    pub stage: &'static Stage,
    /// What it is.
    pub kind: Kind,
    settings: Vec<(String, String)>,
}

impl Subject {
    /// The subject of this name. Fails, and says what there is, where there is none.
    pub fn named(name: &str) -> Result<Self> {
        let (stage_name, settings) = name.split_once(':').unwrap_or((name, ""));
        let (stage, kind) = find(stage_name)?;
        let mut subject = Self { name: stage.name.into(), stage, kind, settings: Vec::new() };
        for setting in settings.split(',').filter(|setting| !setting.is_empty()) {
            subject.set(setting)?;
        }
        Ok(subject)
    }

    /// The same with one more option, if it has such an option and nobody set it.
    pub fn under(&self, setting: &str) -> Option<Self> {
        let mut other = self.clone();
        let taken = self.settings.iter().any(|(name, _)| setting.split('=').next() == Some(name));
        (!taken && other.set(setting).is_ok()).then_some(other)
    }

    /// The same for a workload that has options of its own: where it has them, and nobody set them.
    #[must_use]
    pub fn for_workload(&self, workload: &Workload) -> Self {
        workload.with.iter().fold(self.clone(), |subject, setting| subject.under(setting).unwrap_or(subject))
    }

    /// What it is, in a few words.
    pub fn title(&self) -> String {
        let settings: Vec<_> = self.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        match settings.as_slice() {
            [] => self.stage.title.into(),
            settings => format!("{} under {}", self.stage.name, settings.join(", ")),
        }
    }

    /// Its options, with this durability.
    pub fn options(&self, durability: Durability) -> contract::Result<Options> {
        let mut options =
            self.stage.default_options().with(contract::SYNC.name, durability_name(durability))?;
        for (name, value) in &self.settings {
            options.set(name, value)?;
        }
        Ok(options)
    }

    fn set(&mut self, setting: &str) -> Result<()> {
        let (name, value) =
            setting.split_once('=').with_context(|| format!("«{setting}» is not OPTION=VALUE"))?;
        self.stage.default_options().set(name, value)?;
        self.name.push(if self.settings.is_empty() { ':' } else { ',' });
        self.name.push_str(setting);
        self.settings.push((name.into(), value.into()));
        Ok(())
    }
}

/// Whoever has this name.
fn find(name: &str) -> Result<(&'static Stage, Kind)> {
    let lists: [(&[&'static Stage], Kind); 3] =
        [(all(), Kind::Engine), (rivals::ALL, Kind::Rival), (hash_log::ALL, Kind::Bound)];
    for (stages, kind) in lists {
        if let Some(stage) = stages.iter().find(|stage| stage.name == name) {
            return Ok((stage, kind));
        }
    }
    if let Some(rival) = rivals::NAMES.iter().find(|rival| **rival == name) {
        bail!("«{rival}» is not compiled in: ask for it by `cargo xtask bench --rivals {rival}`");
    }
    bail!("there is no engine «{name}»; there are: {}", names().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_has_the_options_that_its_name_says() -> Result<()> {
        let plain = Subject::named("stage1")?;
        let small = Subject::named("stage1:chunk-bytes=4KiB,reserve-bytes=0")?;
        let options = small.options(Durability::EveryWrite)?;
        assert_eq!((options.bytes("chunk-bytes")?, options.bytes("reserve-bytes")?), (4096, 0));
        assert_eq!(options.durability()?, Durability::EveryWrite);
        assert_eq!(small.title(), "stage1 under chunk-bytes=4KiB, reserve-bytes=0");
        assert_eq!(plain.under("chunk-bytes=4KiB").context("an option")?.name, "stage1:chunk-bytes=4KiB");
        assert!(small.under("chunk-bytes=8KiB").is_none(), "it is set");
        assert!(plain.under("hints=off").is_none(), "stage 1 has no hints");
        for (wrong, says) in
            [("stage9", "there are: oracle"), ("stage1:x=1", "no option"), ("stage1:x", "OPTION=VALUE")]
        {
            let said = Subject::named(wrong).err().context("it is wrong")?.to_string();
            assert!(said.contains(says), "{said}");
        }
        Ok(())
    }
}
