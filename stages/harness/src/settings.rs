//! Options drawn from a stage's own table: the harness knows no option by name.

use crate::ops::generate::rng;
use contract::{Kind, OptionSpec, Options, Stage};
use rand::RngExt;

/// The values of an option that are worth a test: every choice; the smallest number of bytes, where everything
/// rotates at once, four times that, and the default.
pub fn candidates(spec: &OptionSpec) -> Vec<String> {
    match &spec.kind {
        Kind::Choice(choices) => choices.iter().map(|&choice| choice.to_owned()).collect(),
        Kind::Bytes { min, max } | Kind::Count { min, max } => {
            vec![spec.default.to_owned(), min.to_string(), min.saturating_mul(4).min(*max).to_string()]
        }
    }
}

/// Options from a seed: of each one of its candidates, and of sizes mostly small ones. What rotates, merges or is
/// saved at some size does so in most runs; in some it does not.
///
/// # Panics
/// If an option refuses a value of its own table.
pub fn draw(stage: &Stage, seed: u64) -> Options {
    let mut rng = rng(seed ^ 0x0971_0715);
    let mut options = stage.default_options();
    for spec in stage.options {
        let mut values = candidates(spec);
        if let Kind::Bytes { min, max } = spec.kind {
            let small = [1, 4, 16, 64].map(|times: u64| min.saturating_mul(times).min(max).to_string());
            values.extend(small);
        }
        let value = values.swap_remove(rng.random_range(0..values.len()));
        options
            .set(spec.name, &value)
            .unwrap_or_else(|e| panic!("{}: its own value is refused: {e}", stage.name));
    }
    options
}

/// Whether an engine keeps entries in blocks, many under one checksum, which are looked at when somebody asks for them.
/// What only such an engine needs, no other one is allowed.
pub fn has_blocks(stage: &Stage) -> bool {
    stage.options.iter().any(|spec| spec.name == "block-bytes")
}

/// Every size as small as it may be and every count small, all choices at their defaults: whatever can be begun anew,
/// merged or given back is, at once. A count of what may be open or wait is not so small that everybody waits.
///
/// # Panics
/// If an option refuses a value of its own table.
pub fn smallest(stage: &Stage) -> Options {
    let mut options = stage.default_options();
    for spec in stage.options {
        let value = match spec.kind {
            Kind::Bytes { min, .. } => min,
            Kind::Count { min, max } => min.saturating_mul(16).min(max),
            Kind::Choice(_) => continue,
        };
        let done = options.set(spec.name, &value.to_string());
        done.unwrap_or_else(|e| panic!("{}: its own value is refused: {e}", stage.name));
    }
    options
}

/// The defaults, and everything that differs from them in one option.
///
/// # Panics
/// If an option refuses a value of its own table.
pub fn variants(stage: &Stage) -> Vec<Options> {
    let mut variants = vec![stage.default_options()];
    for spec in stage.options {
        for value in candidates(spec).iter().filter(|value| *value != spec.default) {
            let varied = stage.default_options().with(spec.name, value);
            variants.push(varied.unwrap_or_else(|e| panic!("{}: its own value is refused: {e}", stage.name)));
        }
    }
    variants
}

/// Options as text: only those that are not at their defaults.
pub fn show(options: &Options) -> String {
    let set: Vec<_> = options
        .iter()
        .filter(|(spec, value)| spec.default != *value)
        .map(|(spec, value)| format!("{}={value}", spec.name))
        .collect();
    if set.is_empty() { "defaults".into() } else { set.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_differ_in_one_option_and_a_draw_reaches_them_all() {
        let stage = &contract::oracle::STAGE;
        let shown: Vec<_> = variants(stage).iter().map(show).collect();
        assert_eq!(shown, ["defaults", "sync=every-write"]);
        let drawn: std::collections::BTreeSet<_> = (0..20).map(|seed| show(&draw(stage, seed))).collect();
        assert_eq!(drawn.len(), 2);
    }
}
