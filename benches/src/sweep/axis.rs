//! What a sweep changes: how many entries, how long a value, how uneven the keys.

use crate::entries::KEY_BYTES;
use crate::table::grouped;
use crate::workload::Effort;
use serde::{Deserialize, Serialize};

/// What changes from point to point; everything else stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Axis {
    /// How many entries a store has.
    N,
    /// How long a value is; so many entries that keys and values are 128 MiB, and at most as many as are asked for.
    ValueBytes,
    /// Zipf's constant of hot keys, in hundredths.
    Skew,
}

/// Keys and values of a store in which values have different lengths.
const VALUES_BYTES: u64 = 128 << 20;

impl Axis {
    /// The points where none are given.
    pub fn points(self) -> &'static [u64] {
        match self {
            Self::N => &[10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000],
            Self::ValueBytes => &[16, 64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10],
            Self::Skew => &[0, 50, 80, 90, 99],
        }
    }

    /// What is measured at a point.
    #[must_use]
    pub fn effort(self, mut effort: Effort, at: u64) -> Effort {
        match self {
            Self::N => effort.sizes.n = at,
            Self::ValueBytes => {
                effort.sizes.value_bytes = crate::entries::small(at);
                let fit = VALUES_BYTES / (at + KEY_BYTES as u64);
                effort.sizes.n = effort.sizes.n.min(fit);
            }
            Self::Skew => effort.asked.skew_hundredths = u32::try_from(at).ok(),
        }
        effort
    }

    /// A point, as a sentence names it.
    pub fn say(self, at: u64) -> String {
        match self {
            Self::N => format!("{} entries", grouped(at)),
            Self::ValueBytes => format!("values of {} bytes", grouped(at)),
            Self::Skew => format!("Zipf {}", self.short(at)),
        }
    }

    /// A point, as a table's head names it.
    #[expect(clippy::cast_precision_loss, reason = "hundredths")]
    pub fn short(self, at: u64) -> String {
        match self {
            Self::Skew => (at as f64 / 100.0).to_string(),
            _ => grouped(at),
        }
    }

    /// What the axis is called under a chart.
    pub fn title(self) -> &'static str {
        match self {
            Self::N => "entries",
            Self::ValueBytes => "bytes of a value",
            Self::Skew => "Zipf's constant of the keys",
        }
    }

    /// What a power of it is called.
    pub fn letter(self) -> &'static str {
        match self {
            Self::N => "n",
            Self::ValueBytes => "bytes",
            Self::Skew => "skew",
        }
    }
}
