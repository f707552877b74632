//! The options: listed with what they may be, and changed where the running store accepts it.

use crate::failure::{Answer, Failure, Outcome};
use crate::output::Tone;
use crate::session::Session;
use contract::{Call, Error, Kind, OptionSpec};
use serde_json::{Value, json};
use std::io::Write;

pub(crate) fn option(s: &mut Session<'_>, call: &Call) -> Answer {
    match (call.text(0)?, call.text(1)?) {
        (None, _) => list(s, call, None),
        (Some(name), None) => {
            // Refuses an unknown name.
            s.options.text(name)?;
            list(s, call, Some(name))
        }
        (Some(name), Some(value)) => set(s, name, value),
    }
}

fn list(s: &mut Session<'_>, call: &Call, only: Option<&str>) -> Answer {
    let json = s.wants_json(call);
    for (spec, value) in s.options.iter().filter(|(spec, _)| only.is_none_or(|name| name == spec.name)) {
        if json {
            writeln!(s.output, "{}", about_json(spec, value))?;
        } else {
            let when = if spec.live { "" } else { "; only at opening" };
            let (name, values, default) = (spec.name, values(spec), spec.default);
            writeln!(s.output, "{name:<20} {value:<14} [{values}; default: {default}{when}]")?;
            writeln!(s.output, "    {}", s.output.paint(spec.help, Tone::Quiet))?;
        }
    }
    Ok(Outcome::Done)
}

fn about_json(spec: &OptionSpec, value: &str) -> Value {
    let values = match spec.kind {
        Kind::Choice(choices) => json!({ "one_of": choices }),
        Kind::Bytes { min, max } => json!({ "min_bytes": min, "max_bytes": max }),
        Kind::Count { min, max } => json!({ "min": min, "max": max }),
    };
    json!({
        "name": spec.name,
        "value": value,
        "default": spec.default,
        "values": values,
        "changes_while_open": spec.live,
        "help": spec.help,
    })
}

fn set(s: &mut Session<'_>, name: &str, value: &str) -> Answer {
    let changed = s.options.clone().with(name, value)?;
    let live = s.options.iter().any(|(spec, _)| spec.name == name && spec.live);
    let result = if live { s.store()?.set_option(name, value) } else { Err(Error::Unsupported { what: "" }) };
    match result {
        Ok(()) => s.options = changed,
        Err(Error::Unsupported { .. }) => {
            let stage = s.stage.name;
            return Err(Failure::usage(format!(
                "{name} can only be set at opening: leave, and start «{stage} --{name} {value}»"
            )));
        }
        Err(e) => return Err(e.into()),
    }
    s.acknowledge("ok");
    Ok(Outcome::Done)
}

/// What an option may be, in a few words.
pub(crate) fn values(spec: &OptionSpec) -> String {
    match spec.kind {
        Kind::Choice(choices) => choices.join(", "),
        Kind::Bytes { min, max } => format!("{} to {}", bytes(min), bytes(max)),
        Kind::Count { min, max } => format!("{min} to {max}"),
    }
}

/// What a person may want to set an option to: every choice, or the bounds of a number and its default.
pub(crate) fn examples(spec: &OptionSpec) -> Vec<String> {
    let default = spec.default.to_owned();
    match spec.kind {
        Kind::Choice(choices) => choices.iter().map(|&choice| choice.to_owned()).collect(),
        Kind::Bytes { min, max } => vec![bytes(min), default, bytes(max)],
        Kind::Count { min, max } => vec![min.to_string(), default, max.to_string()],
    }
}

/// A number of bytes as an option takes it, in the largest unit that says it exactly.
fn bytes(number: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units.iter().find(|(shift, _)| number > 0 && number.trailing_zeros() >= *shift);
    unit.map_or(number.to_string(), |(shift, unit)| format!("{}{unit}", number >> shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_they_are_read() -> contract::Result<()> {
        let texts = [(0, "0"), (1000, "1000"), (1 << 10, "1KiB"), (3 << 29, "1536MiB"), (1 << 40, "1024GiB")];
        for (number, text) in texts {
            assert_eq!(bytes(number), text);
            assert_eq!(contract::parse_bytes(text)?, number);
        }
        Ok(())
    }

    #[test]
    fn whatever_is_offered_for_an_option_is_accepted() -> contract::Result<()> {
        let spec = |kind, default| OptionSpec { name: "x", kind, default, help: "", live: true };
        for spec in [
            spec(Kind::Choice(&["a", "b"]), "b"),
            spec(Kind::Bytes { min: 0, max: 1 << 40 }, "64MiB"),
            spec(Kind::Count { min: 2, max: 100 }, "64"),
        ] {
            let offered = examples(&spec);
            assert!(offered.iter().any(|value| value == spec.default));
            offered.iter().try_for_each(|value| spec.check(value))?;
        }
        Ok(())
    }
}
