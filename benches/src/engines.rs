//! Who takes part in a benchmark: every engine of the registry, in its order.

use contract::Stage;

/// The engines, in the order of the tables.
pub fn all() -> &'static [&'static Stage] {
    harness::registry::registry()
}

/// The engine of this name.
pub fn named(name: &str) -> anyhow::Result<&'static Stage> {
    harness::registry::find(name)
        .ok_or_else(|| anyhow::anyhow!("there is no engine «{name}»; there are: {}", names().join(", ")))
}

/// The names of all engines.
pub fn names() -> Vec<&'static str> {
    all().iter().map(|stage| stage.name).collect()
}
