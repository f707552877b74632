//! Which crashes are tried: at every call, of every kind, with which luck.

use super::mix;
use vfs::sim::{Crash, CrashKind, Profile, SimFs};

/// How much is tried.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The kinds of crash.
    pub kinds: Vec<CrashKind>,
    /// The kinds of crash in a life that came after a crash.
    pub later_kinds: Vec<CrashKind>,
    /// The rules under which they come.
    pub profiles: Vec<Profile>,
    /// How often each kind that draws is tried at each call.
    pub draws: u64,
    /// An append is torn at every byte up to this many bytes, and at this many bytes if it is longer.
    pub tears: u64,
    /// How often a crash is followed by another: 1 never.
    pub depth: usize,
    /// One crash in so many is followed by another.
    pub branch: u64,
    /// At how many calls of a life that came after a crash crashes are tried.
    pub later_calls: u64,
    /// How many crashes are tried at each of them.
    pub later_draws: u64,
    /// How many operations are done after a crash.
    pub later_ops: usize,
    /// Instead of draws all states that a crash can leave, or so many of them where there are more.
    pub outcomes: Option<u64>,
    /// Whether only the calls of a script's last operation are tried.
    pub last_only: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            kinds: CrashKind::ALL.to_vec(),
            later_kinds: CrashKind::ALL.to_vec(),
            profiles: vec![Profile::Strict, Profile::Lenient, Profile::Hard],
            draws: 3,
            tears: 64,
            depth: 4,
            branch: 40,
            later_calls: 16,
            later_draws: 3,
            later_ops: 3,
            outcomes: None,
            last_only: false,
        }
    }
}

impl Plan {
    /// Every crash to try at the call `at` of a first life, in an order that replays each call once.
    pub fn at(&self, fs: &SimFs, at: u64, seed: u64) -> Vec<Crash> {
        let mut crashes = Vec::new();
        let tears = fs.tears(at);
        for &kind in &self.kinds {
            match kind {
                CrashKind::ProcessKill => {
                    crashes.push(Crash::new(kind, 0));
                    if tears > 1 {
                        crashes.push(Crash::new(kind, 0).tear(mix(&[seed, at]) % tears));
                    }
                }
                CrashKind::GlobalPrefix => {
                    crashes.extend(self.torn(tears).map(|bytes| Crash::new(kind, 0).tear(bytes)));
                }
                _ => {}
            }
        }
        if let Some(most) = self.outcomes {
            crashes.extend(numbers(fs.outcomes(at), most, mix(&[seed, at])).map(Crash::outcome));
            return crashes;
        }
        for &kind in self.kinds.iter().filter(|kind| draws(**kind)) {
            let pending = if kind == CrashKind::Names { fs.pending_names(at) } else { u64::MAX };
            for &profile in &self.profiles {
                // All subsets where they are few, each with one draw of what the files hold.
                let subsets =
                    if profile == Profile::Lenient || pending > 4 { None } else { Some(1u64 << pending) };
                for draw in 0..subsets.unwrap_or(self.draws) {
                    let seed = mix(&[seed, at, draw, kind as u64, profile as u64]);
                    let crash = Crash::new(kind, seed).profile(profile);
                    crashes.push(if subsets.is_some() { crash.names(draw) } else { crash });
                }
            }
        }
        crashes
    }

    /// The calls of a later life, of which there are `calls`, before which crashes are tried: one drawn from each of
    /// equal stretches. Some engines make a hundred calls where others make ten; if all of them counted, a search would
    /// spend itself on what comes after its first few crashes.
    pub fn later_moments(&self, calls: u64, seed: u64) -> Vec<u64> {
        let (all, tried) = (calls + 1, self.later_calls.clamp(1, calls + 1));
        let from = |stretch| stretch * all / tried;
        (0..tried).map(|i| from(i) + mix(&[seed, i]) % (from(i + 1) - from(i))).collect()
    }

    /// Some crashes to try at the call `at` of a later life.
    pub fn later(&self, fs: &SimFs, at: u64, seed: u64) -> Vec<Crash> {
        let tears = fs.tears(at);
        let mut crashes: Vec<Crash> = (0..self.later_draws)
            .map(|draw| {
                let seed = mix(&[seed, at, draw]);
                let kind = pick(&self.later_kinds, seed).unwrap_or(CrashKind::ProcessKill);
                let profile = pick(&self.profiles, seed >> 8).unwrap_or_default();
                let crash = Crash::new(kind, seed);
                if draws(kind) { crash.profile(profile) } else { crash.tear((seed >> 16) % tears) }
            })
            .collect();
        crashes.sort_by_key(|crash| draws(crash.kind));
        crashes
    }

    fn torn(&self, tears: u64) -> impl Iterator<Item = u64> + use<> {
        let step = tears.div_ceil(self.tears.max(1)).max(1);
        (0..tears).filter(move |bytes| bytes % step == 0 || bytes + 1 == tears)
    }
}

/// All numbers below `count`, or `most` of them, one from each of equal stretches.
fn numbers(count: u64, most: u64, seed: u64) -> impl Iterator<Item = u64> {
    let tried = count.min(most);
    let from = move |stretch: u64| {
        u64::try_from(u128::from(stretch) * u128::from(count) / u128::from(tried)).unwrap_or(count)
    };
    (0..tried).map(move |i| from(i) + mix(&[seed, i]) % (from(i + 1) - from(i)))
}

fn pick<T: Copy>(from: &[T], ticket: u64) -> Option<T> {
    from.get(usize::try_from(ticket % from.len().max(1) as u64).ok()?).copied()
}

/// Whether a kind is a matter of luck, and of the rules of the filesystem.
fn draws(kind: CrashKind) -> bool {
    !matches!(kind, CrashKind::ProcessKill | CrashKind::GlobalPrefix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn few_states_are_all_tried_and_many_from_end_to_end() {
        assert_eq!(numbers(5, 9, 1).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        for count in [1000, u64::MAX] {
            let tried: Vec<_> = numbers(count, 10, 1).collect();
            assert!(tried.len() == 10 && tried.is_sorted() && tried[0] < count / 10 + 1, "{tried:?}");
            assert!(tried[9] >= count / 10 * 9, "{tried:?}");
        }
    }

    #[test]
    fn short_lives_are_crashed_everywhere_and_long_ones_in_the_end_as_well() {
        let plan = Plan { later_calls: 16, ..Plan::default() };
        assert_eq!(plan.later_moments(0, 7), [0]);
        assert_eq!(plan.later_moments(15, 7), (0..=15).collect::<Vec<_>>());
        let drawn = |seed| plan.later_moments(99, seed);
        assert!(drawn(1).is_sorted() && drawn(1).len() == 16);
        let all: BTreeSet<_> = (0..200).flat_map(drawn).collect();
        assert_eq!(all.len(), 100);
    }
}
