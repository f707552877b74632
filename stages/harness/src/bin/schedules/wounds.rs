//! Mistakes that only some schedules show: made in the copy on purpose, to see that they are found.

use crate::Error;

/// A mistake.
pub(crate) struct Wound {
    pub(crate) name: &'static str,
    /// What is wrong then.
    pub(crate) what: &'static str,
    /// The engine that is played.
    pub(crate) engine: &'static str,
    /// The scene that shows it.
    pub(crate) scene: &'static str,
    /// Whether CI makes it.
    pub(crate) quick: bool,
    pub(crate) path: &'static str,
    /// The lines that are replaced, and by what.
    from: &'static str,
    to: &'static str,
}

const PRESENT: &str = "        let mut turn = self.turn()?;
        let log = Arc::clone(&turn.writer.log);
        // Not only what readers see: another writer's entry may be waiting for its sync.
        let present = self.lookup(&log, log.appended(), key)?.found.is_some_and(|found| found.live);
";
const PRESENT_TOO_EARLY: &str = "        let log = self.log()?;
        let present = self.lookup(&log, log.appended(), key)?.found.is_some_and(|found| found.live);
        let mut turn = self.turn()?;
";

/// All of them.
pub(crate) const WOUNDS: [Wound; 5] = [
    // ANCHOR: ring
    Wound {
        name: "ring",
        what: "a writer who gives back a claim rings nobody, and those whom it has refused sleep on",
        engine: "stage3",
        scene: "attend",
        quick: true,
        path: "stages/stage3-lsm/src/upkeep/claims.rs",
        from: "        claims.rings += u64::from(self.by == By::Caller);\n",
        to: "",
    },
    // ANCHOR_END: ring
    Wound {
        name: "change",
        what: "a claim that is given back wakes nobody who waits for it",
        engine: "stage3",
        scene: "compact",
        quick: false,
        path: "stages/stage3-lsm/src/upkeep/claims.rs",
        from: "        self.upkeep.changed.notify_all();\n    }\n}\n// ANCHOR_END: give_back",
        to: "    }\n}\n// ANCHOR_END: give_back",
    },
    Wound {
        name: "one",
        what: "after a sync one of those who wait is woken, and not all",
        engine: "stage2",
        scene: "group",
        quick: false,
        path: "stages/stage1-log/src/log/group.rs",
        from: "        self.0.done.notify_all();\n",
        to: "        self.0.done.notify_one();\n",
    },
    Wound {
        name: "bell",
        what: "a bell that was rung before somebody listens is not heard",
        engine: "stage2",
        scene: "close",
        quick: false,
        path: "stages/stage2-bitcask/src/upkeep.rs",
        from: "        while !*rung {\n",
        to: "        *rung = false;\n        while !*rung {\n",
    },
    Wound {
        name: "present",
        what: "who wants to be the first looks before it has the turn",
        engine: "stage1",
        scene: "absent",
        quick: false,
        path: "stages/stage1-log/src/store.rs",
        from: PRESENT,
        to: PRESENT_TOO_EARLY,
    },
];

impl Wound {
    /// A source with the mistake in it; an error where the lines are not there exactly once any more.
    pub(crate) fn made_in(&self, text: &str) -> Result<String, Error> {
        if text.matches(self.from).count() == 1 {
            Ok(text.replace(self.from, self.to))
        } else {
            Err(format!("{} is not as the wound «{}» needs it any more", self.path, self.name).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness::workshop::copy::workspace;

    #[test]
    fn every_mistake_fits_the_sources_of_today() {
        for wound in &WOUNDS {
            let text = std::fs::read_to_string(workspace().join(wound.path)).unwrap();
            assert_ne!(wound.made_in(&text).unwrap(), text, "{}", wound.name);
        }
        assert!(WOUNDS.iter().any(|wound| wound.quick));
    }
}
