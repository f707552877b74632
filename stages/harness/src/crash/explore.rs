//! Crashes one workload at every call, opens what is left, judges it, goes on, and crashes again.

use super::ledger::{Ledger, Window};
use super::run::{Run, tiny_options};
use super::{Plan, Script, mix, untouched};
use crate::failure::Failure;
use crate::invariant::Invariant;
use crate::settings::has_blocks;
use contract::{Error, Stage};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use vfs::sim::{Crash, CrashKind, Profile, SimFs};

/// One crash of a story: before which call it comes, and of what sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The number of the call before which it comes.
    pub at_call: u64,
    /// What crash.
    pub crash: Crash,
}

/// How many images were judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By the kind of the last crash, K0 to K6.
    pub by_kind: [u64; 7],
    /// How many of them were crashes inside a recovery from an earlier crash: K7.
    pub in_recovery: u64,
    /// How many of them were crashes inside a merge or a compaction.
    pub in_merge: u64,
    /// Images that refused to open, under the hard profile only.
    pub refused: u64,
    /// Images that were not judged, since they are equal to others.
    pub equal: u64,
}

impl Tally {
    /// All images.
    pub fn images(&self) -> u64 {
        self.by_kind.iter().sum()
    }

    /// Adds another tally.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.by_kind.iter_mut().zip(other.by_kind) {
            *mine += theirs;
        }
        self.in_recovery += other.in_recovery;
        self.in_merge += other.in_merge;
        self.refused += other.refused;
        self.equal += other.equal;
    }
}

/// A broken promise: the crashes that lead there, and what is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The crashes, one after the other. Empty if it broke without one.
    pub path: Vec<Moment>,
    /// What is broken.
    pub failure: Failure,
}

/// Tries every crash of `plan` on a script. `see` is told how many images were judged since it was last asked, and
/// answers whether to go on; `None` if it did not want to.
pub fn explore(
    stage: &Stage,
    script: &Script,
    seed: u64,
    plan: &Plan,
    tally: &mut Tally,
    see: &mut dyn FnMut(u64) -> bool,
) -> Option<Result<(), Box<Broken>>> {
    let mut explorer = Explorer::new(stage, script, seed, plan, tally, see);
    let result = explorer.first().and_then(|run| explorer.every_crash(&run));
    (!explorer.over).then_some(result)
}

/// Follows one path again. `Ok` if nothing is broken on it; `visit` sees each life before its crash.
pub fn follow(
    stage: &Stage,
    script: &Script,
    seed: u64,
    path: &[Moment],
    visit: &mut dyn FnMut(&Run<'_>, Option<&SimFs>),
) -> Result<(), Box<Broken>> {
    let (plan, mut tally) = (Plan::default(), Tally::default());
    let mut see = |_| true;
    let mut explorer = Explorer::new(stage, script, seed, &plan, &mut tally, &mut see);
    let mut run = explorer.first()?;
    for moment in path {
        let image = run.fs.image(moment.at_call, &moment.crash);
        visit(&run, Some(&image));
        explorer.path.push(*moment);
        let next = explorer.life_after(&run, *moment, image)?;
        let Some(next) = next else { return Ok(()) };
        run = next;
        if let Err(broken) = explorer.go_on(&mut run) {
            visit(&run, None);
            return Err(broken);
        }
    }
    visit(&run, None);
    Ok(())
}

struct Explorer<'a> {
    stage: &'a Stage,
    script: &'a Script,
    seed: u64,
    plan: &'a Plan,
    tally: &'a mut Tally,
    path: Vec<Moment>,
    see: &'a mut dyn FnMut(u64) -> bool,
    /// How many images `see` has been told of.
    seen: u64,
    over: bool,
    /// The first call of a first life before which crashes are tried.
    from: u64,
    /// What was judged, where all states are tried: of equal ones under equal obligations only the first.
    judged: HashSet<u64>,
}

impl<'a> Explorer<'a> {
    fn new(
        stage: &'a Stage,
        script: &'a Script,
        seed: u64,
        plan: &'a Plan,
        tally: &'a mut Tally,
        see: &'a mut dyn FnMut(u64) -> bool,
    ) -> Self {
        let (path, judged) = (Vec::new(), HashSet::new());
        Self { stage, script, seed, plan, tally, path, see, seen: 0, over: false, from: 0, judged }
    }

    fn first(&mut self) -> Result<Run<'a>, Box<Broken>> {
        let mut run = self.guard(|| Run::first(self.stage, self.seed))?;
        let ops = self.script.part(0);
        let last = if self.plan.last_only { ops.len().saturating_sub(1) } else { 0 };
        self.guard(|| run.perform(&ops[..last]))?;
        // What leads to the first operation belongs to it.
        self.from = if last == 0 { 0 } else { run.fs.calls() };
        self.guard(|| run.perform(&ops[last..]))?;
        Ok(run)
    }

    /// Whether a state is equal to one that was judged under equal obligations.
    fn is_known(&mut self, image: &SimFs, window: Window) -> bool {
        let mut hasher = DefaultHasher::new();
        (image.contents(), window).hash(&mut hasher);
        !self.judged.insert(hasher.finish())
    }

    /// Crashes `run` at every call of its life.
    fn every_crash(&mut self, run: &Run<'a>) -> Result<(), Box<Broken>> {
        let depth = self.path.len();
        let last = self.path.last().map_or(0, |moment| mix(&[moment.at_call, moment.crash.seed]));
        let moments = match depth {
            0 => (self.from..=run.fs.calls()).collect(),
            _ if !has_blocks(self.stage) => (0..=run.fs.calls()).collect(),
            _ => self.plan.later_moments(run.fs.calls(), mix(&[self.seed, depth as u64, last])),
        };
        for at_call in moments {
            let images = self.tally.images();
            self.over = self.over || !(self.see)(images - self.seen);
            self.seen = images;
            if self.over {
                return Ok(());
            }
            let seed = mix(&[self.seed, depth as u64, self.path.last().map_or(0, |m| m.at_call), 0xc4a5]);
            let crashes = match depth {
                0 => self.plan.at(&run.fs, at_call, seed),
                _ => self.plan.later(&run.fs, at_call, mix(&[seed, self.path[depth - 1].crash.seed])),
            };
            for (i, crash) in crashes.into_iter().enumerate() {
                let moment = Moment { at_call, crash };
                self.path.push(moment);
                let ticket = mix(&[seed, at_call, i as u64]);
                self.one_crash(run, moment, ticket.is_multiple_of(self.plan.branch))?;
                self.path.pop();
            }
        }
        Ok(())
    }

    fn one_crash(&mut self, run: &Run<'a>, moment: Moment, branch: bool) -> Result<(), Box<Broken>> {
        let image = run.fs.image(moment.at_call, &moment.crash);
        if moment.crash.outcome.is_some() && self.is_known(&image, run.ledger.window(moment.at_call)) {
            self.tally.equal += 1;
            return Ok(());
        }
        self.tally.by_kind[moment.crash.kind as usize] += 1;
        if self.path.len() > 1 && moment.at_call < run.ledger.opened_at() {
            self.tally.in_recovery += 1;
        }
        self.tally.in_merge += u64::from(run.ledger.is_merging(moment.at_call));
        let next = self.life_after(run, moment, image)?;
        let Some(mut next) = next.filter(|_| branch && self.path.len() < self.plan.depth) else {
            return Ok(());
        };
        self.go_on(&mut next)?;
        self.every_crash(&next)
    }

    /// Uses a store that has recovered. What was done before the last crash must have left it usable.
    fn go_on(&self, run: &mut Run<'a>) -> Result<(), Box<Broken>> {
        self.guard(|| run.perform(self.script.part(self.path.len())))
    }

    /// Opens what a crash has left, and judges it. `None` if it refuses to open and may.
    fn life_after(
        &mut self,
        run: &Run<'a>,
        moment: Moment,
        image: SimFs,
    ) -> Result<Option<Run<'a>>, Box<Broken>> {
        let window = run.ledger.window(moment.at_call);
        let kill = moment.crash.kind == CrashKind::ProcessKill;
        let seed = mix(&[self.seed, self.path.len() as u64, 0x11fe]);
        if moment.crash.profile == Profile::Hard {
            let merged = run.ledger.has_merged(moment.at_call);
            return self.guard(|| hard(self.stage, seed, &image, &run.ledger, window, merged)).map(
                |refused| {
                    self.tally.refused += u64::from(refused);
                    None
                },
            );
        }
        let life = self.guard(|| {
            // Looked at before it is opened, but what opening finds tells more.
            let looked_at = undamaged(self.stage, &image);
            Run::after(self.stage, seed, image, &run.ledger, window, kill)
                .and_then(|life| looked_at.map(|()| life))
                .map_err(|failure| self.named(failure, run, moment))
        });
        life.map(|(next, _)| Some(next))
    }

    /// What is broken by a crash that came into an opening has a name of its own.
    fn named(&self, failure: Failure, run: &Run<'_>, moment: Moment) -> Failure {
        let opening = run.ledger.is_opening(moment.at_call);
        let invariant = match failure.invariant {
            Invariant::TornTail | Invariant::Durability | Invariant::Prefix
                if opening && self.path.len() > 1 =>
            {
                Invariant::RecoveryRepeats
            }
            Invariant::TornTail if opening => Invariant::FirstOpen,
            other => other,
        };
        Failure { invariant, ..failure }
    }

    /// Runs a part of the test; a panic of the engine is a failure like any other.
    fn guard<T>(&self, test: impl FnOnce() -> Result<T, Failure>) -> Result<T, Box<Broken>> {
        super::guard(test).map_err(|failure| Box::new(Broken { path: self.path.clone(), failure }))
    }
}

/// What a crash leaves is not damage, and looking at it changes nothing.
fn undamaged(stage: &Stage, image: &SimFs) -> Result<(), Failure> {
    let says = |what: String| Failure::new(Invariant::DamageReported, what);
    match (stage.verify)(image) {
        Ok(report) if report.damage.is_empty() => {}
        Ok(report) => {
            let damage = &report.damage[0];
            let (file, offset, what) = (&damage.file, damage.offset, &damage.what);
            return Err(says(format!("verify calls what a crash left damage: {file} at {offset}: {what}")));
        }
        Err(Error::Unsupported { .. }) => {}
        Err(e) => return Err(says(format!("verify fails on what a crash left: {e}"))),
    }
    untouched(image, "verify")
}

/// A crash that may damage what was durable. A store may refuse such an image as damaged, or tell what it cut, but it
/// never makes anything up and never goes back without a word. True if it refused.
fn hard(
    stage: &Stage,
    seed: u64,
    image: &SimFs,
    ledger: &Ledger,
    window: Window,
    merged: bool,
) -> Result<bool, Failure> {
    use Invariant::{AtomicBatch, Durability, NoResurrection, Prefix};
    let anything = Window { synced: 0, acknowledged: 0, ..window };
    let before = image.image(0, &Crash::new(CrashKind::ProcessKill, 0));
    let run = match Run::after(stage, seed, image.clone(), ledger, anything, false) {
        Err(failure) if failure.invariant == Invariant::TornTail => {
            return untouched(image, "an opening that failed").map(|()| true);
        }
        // A merge has dropped what was overwritten; if what overwrote it is damaged now, no earlier state is left. What
        // is left is told of as cut, and nobody made it up.
        Err(failure)
            if merged && matches!(failure.invariant, AtomicBatch | Durability | NoResurrection | Prefix) =>
        {
            let tells = (stage.open)(Arc::new(before), &tiny_options(stage, seed))
                .is_ok_and(|(_, report)| report.cut.is_some());
            return if tells { Ok(false) } else { Err(failure) };
        }
        other => other?,
    };
    let (_, found) = run;
    Failure::unless(
        found.point >= window.synced || found.report.cut.is_some(),
        Invariant::DamageReported,
        || format!("what was durable is gone, and the report says nothing of it: {:?}", found.report),
    )?;
    Ok(false)
}
