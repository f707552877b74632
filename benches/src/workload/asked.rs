//! What a run asks of its workloads in the place of what they say themselves.

use super::{Action, Workload};
use crate::entries::Order;
use contract::Durability;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How a run differs from the table. By default in nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// So many threads put, one by one, or get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u64>,
    /// When a write is acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "by_name")]
    pub durability: Option<Durability>,
    /// Zipf's constant of hot keys, in hundredths: 0 is all keys equally often, 99 what YCSB takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skew_hundredths: Option<u32>,
}

impl Asked {
    /// Nothing.
    pub const NOTHING: Self = Self { threads: None, durability: None, skew_hundredths: None };

    /// In words, one for each; none by default.
    pub fn words(&self) -> Vec<String> {
        let threads = self.threads.map(|threads| format!("{threads} threads"));
        let durability = self.durability.map(|d| format!("durability {}", super::durability_name(d)));
        let skew = self.skew_hundredths.map(|skew| format!("Zipf {}", f64::from(skew) / 100.0));
        threads.into_iter().chain(durability).chain(skew).collect()
    }
}

impl Workload {
    /// The same, as it is asked for: what it has no use for it does not take.
    #[must_use]
    pub fn asked(&self, asked: &Asked) -> Self {
        let timed = match (self.timed, asked) {
            (Action::Put { order, batch: 1, .. }, Asked { threads: Some(threads), .. }) => {
                Action::Put { order, batch: 1, threads: *threads }
            }
            (Action::Get(Order::Hot), Asked { skew_hundredths: Some(skew), .. }) => {
                Action::Get(Order::Skewed(*skew))
            }
            (timed, _) => timed,
        };
        let durability = asked.durability.filter(|_| self.writes()).unwrap_or(self.durability);
        Self { durability, timed, ..*self }
    }
}

/// A durability as its name.
mod by_name {
    use super::{Deserialize, Deserializer, Durability, Serialize, Serializer};
    use crate::workload::durability_name;

    #[expect(clippy::trivially_copy_pass_by_ref, clippy::ref_option, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(
        durability: &Option<Durability>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        durability.map(durability_name).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Durability>, D::Error> {
        let name = Option::<String>::deserialize(from)?;
        name.map(|name| crate::workload::durability_named(&name).map_err(serde::de::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::durability_name;

    #[test]
    fn a_workload_takes_what_it_has_a_use_for() -> anyhow::Result<()> {
        let asked =
            Asked { threads: Some(3), durability: Some(Durability::EveryWrite), skew_hundredths: Some(50) };
        let of = |name: &str| Ok::<_, anyhow::Error>(Workload::named(name)?.asked(&asked));
        let fill = of("fillrandom")?;
        assert!(matches!(fill.timed, Action::Put { threads: 3, batch: 1, .. }));
        assert_eq!(durability_name(fill.durability), "every-write");
        assert!(
            matches!(of("fillbatch100")?.timed, Action::Put { threads: 1, .. }),
            "a batch is one thread's"
        );
        let hot = of("readhot")?;
        assert!(hot.timed == Action::Get(Order::Skewed(50)) && hot.durability == Durability::OnRequest);
        assert!(of("readrandom")?.timed == Action::Get(Order::Drawn));
        assert_eq!(asked.words(), ["3 threads", "durability every-write", "Zipf 0.5"]);
        Ok(())
    }

    #[test]
    fn what_is_asked_travels_as_json() -> anyhow::Result<()> {
        for durability in [None, Some(Durability::OnRequest), Some(Durability::EveryWrite)] {
            let asked = Asked { threads: None, durability, skew_hundredths: Some(99) };
            assert_eq!(serde_json::from_str::<Asked>(&serde_json::to_string(&asked)?)?, asked);
        }
        assert_eq!(serde_json::to_string(&Asked::default())?, "{}");
        assert!(serde_json::from_str::<Asked>(r#"{"durability":"sometimes"}"#).is_err());
        Ok(())
    }
}
