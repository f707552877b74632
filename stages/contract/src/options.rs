//! Options: named in text, checked once, the same in a flag, at the prompt and in a test.
//!
//! An engine declares its options as a table of [`OptionSpec`]; a person sets them by name. Once set they are valid,
//! so an engine reads them without a second check.

use crate::{Error, Result};

/// When a write is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Once the operating system has it: it survives the death of the process. Power loss may cut off the newest
    /// writes; what is left is a prefix of what was written.
    OnRequest,
    /// Once it is on the device. Concurrent writers share one sync.
    EveryWrite,
}

/// An option of an engine.
#[derive(Debug)]
pub struct OptionSpec {
    /// Its name, in words joined by `-`.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Its value when nothing is said.
    pub default: &'static str,
    /// One line of help.
    pub help: &'static str,
    /// Whether a running store accepts a change.
    pub live: bool,
}

/// What an option may be.
#[derive(Debug)]
pub enum Kind {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A number of bytes, such as `4MiB`, between these bounds.
    Bytes {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// A plain number between these bounds.
    Count {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
}

/// The option that all stages have: when a write is acknowledged.
pub const SYNC: OptionSpec = OptionSpec {
    name: "sync",
    kind: Kind::Choice(&["on-request", "every-write"]),
    default: "on-request",
    help: "acknowledge a write once the operating system has it, or once the device has it",
    live: true,
};

/// A checked setting for each option of an engine.
#[derive(Clone, Debug)]
pub struct Options {
    specs: &'static [OptionSpec],
    values: Vec<String>,
}

impl Options {
    /// Every option at its default.
    pub fn new(specs: &'static [OptionSpec]) -> Self {
        Self { specs, values: specs.iter().map(|spec| spec.default.to_owned()).collect() }
    }

    /// Sets an option. Refuses a name or value that makes no sense, and says what would.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let at = self.position(name)?;
        self.specs[at].check(value)?;
        value.clone_into(&mut self.values[at]);
        Ok(())
    }

    /// The same, for building options in one expression.
    pub fn with(mut self, name: &str, value: &str) -> Result<Self> {
        self.set(name, value)?;
        Ok(self)
    }

    /// The options with their values as text.
    pub fn iter(&self) -> impl Iterator<Item = (&'static OptionSpec, &str)> {
        self.specs.iter().zip(self.values.iter().map(String::as_str))
    }

    /// An option's value as text.
    pub fn text(&self, name: &str) -> Result<&str> {
        Ok(&self.values[self.position(name)?])
    }

    /// The value of an option of kind [`Kind::Bytes`].
    pub fn bytes(&self, name: &str) -> Result<u64> {
        parse_bytes(self.text(name)?)
    }

    /// The value of an option of kind [`Kind::Count`].
    pub fn count(&self, name: &str) -> Result<u64> {
        parse_count(self.text(name)?)
    }

    /// The value of [`SYNC`].
    pub fn durability(&self) -> Result<Durability> {
        Ok(match self.text(SYNC.name)? {
            "every-write" => Durability::EveryWrite,
            _ => Durability::OnRequest,
        })
    }

    fn position(&self, name: &str) -> Result<usize> {
        self.specs.iter().position(|spec| spec.name == name).ok_or_else(|| {
            let names: Vec<_> = self.specs.iter().map(|spec| spec.name).collect();
            bad(format!("there is no option «{name}»; there are: {}", names.join(", ")))
        })
    }
}

impl OptionSpec {
    /// Refuses a value that is not of this option's kind.
    pub fn check(&self, value: &str) -> Result<()> {
        match &self.kind {
            Kind::Choice(choices) if choices.contains(&value) => Ok(()),
            Kind::Choice(choices) => {
                Err(bad(format!("{} is one of {}, not «{value}»", self.name, choices.join(", "))))
            }
            Kind::Bytes { min, max } => match parse_bytes(value)? {
                n if (*min..=*max).contains(&n) => Ok(()),
                n => Err(bad(format!("{} is between {min} and {max} bytes, not {n}", self.name))),
            },
            Kind::Count { min, max } => match parse_count(value)? {
                n if (*min..=*max).contains(&n) => Ok(()),
                n => Err(bad(format!("{} is between {min} and {max}, not {n}", self.name))),
            },
        }
    }
}

/// Reads a number of bytes: digits, then nothing, `B`, `KiB`, `MiB` or `GiB`.
pub fn parse_bytes(text: &str) -> Result<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "kib" | "k" => 10,
        "mib" | "m" => 20,
        "gib" | "g" => 30,
        _ => return Err(not_bytes(text)),
    };
    let number: u64 = number.parse().map_err(|_| not_bytes(text))?;
    number.checked_mul(1 << shift).ok_or_else(|| not_bytes(text))
}

/// Reads a plain number.
fn parse_count(text: &str) -> Result<u64> {
    text.parse().map_err(|_| bad(format!("«{text}» is not a number")))
}

fn not_bytes(text: &str) -> Error {
    bad(format!("«{text}» is not a number of bytes; write it as 4096, 64KiB or 1MiB"))
}

fn bad(what: String) -> Error {
    Error::BadOption { what }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SPECS: [OptionSpec; 3] = [
        SYNC,
        OptionSpec {
            name: "segment-bytes",
            kind: Kind::Bytes { min: 64, max: 1 << 40 },
            default: "64MiB",
            help: "",
            live: false,
        },
        OptionSpec {
            name: "open-files",
            kind: Kind::Count { min: 2, max: 100 },
            default: "64",
            help: "",
            live: false,
        },
    ];

    #[test]
    fn defaults_are_valid_and_nonsense_is_refused_with_a_way_out() -> Result<()> {
        let mut options = Options::new(&SPECS);
        assert_eq!(options.bytes("segment-bytes")?, 64 << 20);
        assert_eq!(options.durability()?, Durability::OnRequest);
        assert_eq!(options.count("open-files")?, 64);
        options.set("sync", "every-write")?;
        assert_eq!(options.durability()?, Durability::EveryWrite);
        let nonsense = [
            ("sync", "never", "on-request"),
            ("segment-bytes", "x", "1MiB"),
            ("segment-bytes", "1", "between 64"),
            ("open-files", "many", "number"),
            ("open-files", "1", "between 2 and 100"),
            ("size", "1", "there are: sync"),
        ];
        for (name, value, way_out) in nonsense {
            let error = options.set(name, value).unwrap_err().to_string();
            assert!(error.contains(way_out), "{error}");
        }
        assert!(parse_bytes("99999999999999GiB").is_err());
        Ok(())
    }
}
