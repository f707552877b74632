//! A seeded generator (`SplitMix64`), and the few distributions that are drawn from it.
//!
//! **Invariants** The same seed gives the same numbers on every machine: integers throughout, and powers from `libm`.
//!
//! **Source** Steele, Lea, Flood, *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014 (the generator);
//! Gray et al., *Quickly Generating Billion-Record Synthetic Databases*, SIGMOD 1994 (Zipf's law without a table), as
//! YCSB uses it: Cooper et al., *Benchmarking Cloud Serving Systems with YCSB*, `SoCC` 2010.

/// A counter, mixed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `n`, which is not 0. The bias is below one in 2^32 for the counts used here.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// A number from 0 to below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits, exactly")]
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The numbers below `n`, shuffled (Fisher and Yates).
    pub(crate) fn shuffled(&mut self, n: u64) -> Vec<u64> {
        let mut numbers: Vec<u64> = (0..n).collect();
        for last in (1..numbers.len()).rev() {
            numbers.swap(last, super::small(self.below(last as u64 + 1)));
        }
        numbers
    }
}

/// Spreads a number over 64 bits, so that neighbours have nothing in common.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Ranks by Zipf's law: rank k comes up in proportion to 1 / (k + 1)^theta, so that few of them make up most draws.
pub(crate) struct Zipf {
    items: f64,
    theta: f64,
    /// The sum of all weights.
    total: f64,
    eta: f64,
}

impl Zipf {
    /// YCSB's constant.
    pub(crate) const YCSB_THETA: f64 = 0.99;
    /// YCSB draws from ten thousand million ranks however many keys there are, and spreads them over the keys.
    const YCSB_ITEMS: f64 = 1e10;
    /// The sum of their weights, as YCSB states it.
    const YCSB_TOTAL: f64 = 26.469_028_201_783_02;

    /// Ranks below `items`, which takes the time of so many powers. `theta` is from 0, where all ranks come equally
    /// often, to below 1.
    #[expect(clippy::cast_precision_loss, reason = "a weight needs no 53 bits")]
    pub(crate) fn below(items: u64, theta: f64) -> Self {
        let total = (1..=items).map(|k| 1.0 / libm::pow(k as f64, theta)).sum();
        Self::new(items as f64, theta, total)
    }

    /// The ranks that YCSB spreads over the keys.
    pub(crate) fn spread() -> Self {
        Self::new(Self::YCSB_ITEMS, Self::YCSB_THETA, Self::YCSB_TOTAL)
    }

    fn new(items: f64, theta: f64, total: f64) -> Self {
        let first_two = 1.0 + 1.0 / libm::pow(2.0, theta);
        let eta = (1.0 - libm::pow(2.0 / items, 1.0 - theta)) / (1.0 - first_two / total);
        Self { items, theta, total, eta }
    }

    /// The next rank.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, below 2^53")]
    pub(crate) fn rank(&self, random: &mut Random) -> u64 {
        let share = random.share();
        let weight = share * self.total;
        if weight < 1.0 {
            return 0;
        }
        if weight < 1.0 + libm::pow(0.5, self.theta) {
            return 1;
        }
        let part = libm::pow(self.eta * share - self.eta + 1.0, 1.0 / (1.0 - self.theta));
        ((self.items * part) as u64).min(self.items as u64 - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_ranks_come_as_often_as_the_law_says() {
        let even = (Zipf::below(1000, 0.0), 1000, 0.0);
        let below = (Zipf::below(1000, 0.99), 1000, 0.99);
        for (zipf, items, theta) in [even, below, (Zipf::spread(), 10_000_000_000, 0.99)] {
            let mut random = Random::new(5);
            let ranks: Vec<u64> = (0..100_000).map(|_| zipf.rank(&mut random)).collect();
            assert!(ranks.iter().all(|&rank| rank < items));
            for (rank, weight) in [(0, 1.0), (1, 1.0 / libm::pow(2.0, theta))] {
                let seen = ranks.iter().filter(|&&r| r == rank).count();
                let share = f64::from(u32::try_from(seen).unwrap()) / 1e5;
                let expected = weight / zipf.total;
                // Of an even law there are about a hundred of each rank, give or take ten.
                let apart = if theta > 0.0 { 0.1 } else { 0.4 };
                assert!((share / expected - 1.0).abs() < apart, "rank {rank}: {share} instead of {expected}");
            }
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_ranks_on_every_machine() {
        let mut random = Random::new(42);
        let zipf = Zipf::spread();
        let sum = (0..1000).fold(0, |sum, _| mix(sum ^ zipf.rank(&mut random)));
        assert_eq!(sum, 16_882_192_510_605_292_685);
    }
}
