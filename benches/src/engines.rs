//! Who takes part in a benchmark.

use contract::Stage;

/// The engines, in the order of the tables.
static ALL: &[&Stage] = &[&stage1::STAGE, &contract::oracle::STAGE];

/// The engines, in the order of the tables.
pub fn all() -> &'static [&'static Stage] {
    ALL
}

/// The engine of this name.
pub fn named(name: &str) -> anyhow::Result<&'static Stage> {
    let found = all().iter().find(|stage| stage.name == name);
    found
        .copied()
        .ok_or_else(|| anyhow::anyhow!("there is no engine «{name}»; there are: {}", names().join(", ")))
}

/// The names of all engines.
pub fn names() -> Vec<&'static str> {
    all().iter().map(|stage| stage.name).collect()
}
