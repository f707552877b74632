//! Of what a figure is, and which way it is better.

use serde::{Deserialize, Serialize};

/// Of what a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Thousand operations a second.
    #[serde(rename = "k/s")]
    KiloPerSecond,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Millis,
    /// Microseconds an operation.
    #[serde(rename = "us")]
    Micros,
    /// Thousand million bytes a second.
    #[serde(rename = "GB/s")]
    GigabytesPerSecond,
    /// Bytes for each byte of keys and values, or one rate for each of another.
    #[serde(rename = "x")]
    Times,
    /// Bytes for each key.
    #[serde(rename = "B/key")]
    BytesPerKey,
    /// Memory, in 1024² bytes.
    #[serde(rename = "MiB")]
    Mebibytes,
    /// Puts.
    #[serde(rename = "puts")]
    Puts,
    /// Files.
    #[serde(rename = "files")]
    Files,
}

impl Unit {
    /// As it is shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::KiloPerSecond => "k/s",
            Self::Millis => "ms",
            Self::Micros => "µs",
            Self::GigabytesPerSecond => "GB/s",
            Self::Times => "×",
            Self::BytesPerKey => "B/key",
            Self::Mebibytes => "MiB",
            Self::Puts => "puts",
            Self::Files => "files",
        }
    }

    /// Whether it says how fast something is.
    pub fn is_time(self) -> bool {
        matches!(self, Self::KiloPerSecond | Self::Millis | Self::Micros)
    }

    /// Whether a larger value is a better one.
    pub fn more_is_better(self) -> bool {
        matches!(self, Self::KiloPerSecond | Self::GigabytesPerSecond)
    }
}
