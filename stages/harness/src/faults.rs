//! The fault lab: makes every call to the world fail, in every way in which a disk fails it, and judges what the
//! engine says then and what it holds afterwards.
//!
//! A workload is run once for each call and each way; the calls of a kind are counted up until the workload ends
//! without having been struck. In the end the fault goes away, the store is opened again, read and used.
//!
//! **Layout** [`trial`]: one workload under one trouble. This file: which troubles. [`hooked`]: a world that does
//! something else on the way.
//!
//! **Invariants**
//! 1. An error that was injected and that nobody reported is a failure. The exceptions are two: a read that was
//!    interrupted may be asked for again, and dropping a handle has nobody to tell.
//! 2. After a failed write the store may have it or not, as long as nobody has been promised a later one.
//!
//! **Source** The loop over the n-th call is `SQLite`'s and Pebble's.

pub mod hooked;
pub mod trial;

use crate::crash::run::tiny_options;
use crate::failure::Failure;
use crate::ops::{self, Op};
use contract::{Options, Stage};
use std::fmt;
use std::sync::Arc;
use vfs::sim::{Effect, Errno, Fault, Lasts, Op as Call, SimFs};

/// What is wrong with the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A call fails.
    Fails(Fault),
    /// The disk has room for so many bytes.
    Full {
        /// How many.
        bytes: u64,
        /// Whether that is noticed only when a file is synced.
        late: bool,
    },
    /// So many files may be open at once.
    FewHandles(u64),
    /// Reads come short and are interrupted, and lists are in any order. None of it is an error.
    Restless(u64),
}

impl Trouble {
    /// Brings the trouble upon a world.
    pub fn begin(&self, fs: &SimFs) {
        match self {
            Self::Fails(fault) => fs.inject(fault.clone()),
            Self::Full { bytes, late } => {
                fs.capacity(Some(*bytes));
                fs.delayed_allocation(*late);
            }
            Self::FewHandles(count) => fs.max_open_files(Some(*count)),
            Self::Restless(seed) => {
                fs.short_reads(Some(*seed));
                fs.interrupt_reads(Some(*seed));
                fs.shuffle_lists(Some(*seed));
            }
        }
    }

    /// Takes every trouble away.
    pub fn end(fs: &SimFs) {
        fs.clear_faults();
        fs.capacity(None);
        fs.delayed_allocation(false);
        fs.max_open_files(None);
        fs.short_reads(None);
        fs.interrupt_reads(None);
        fs.shuffle_lists(None);
    }

    /// Whether a file may lose bytes that were written to it, without a crash.
    fn takes_bytes_back(&self) -> bool {
        matches!(self, Self::Fails(fault) if matches!(fault.effect, Effect::Reverted | Effect::Partial(_)))
    }

    /// Whether an engine may help itself without telling anybody.
    fn may_be_silent(&self) -> bool {
        matches!(self, Self::Restless(_)) || matches!(self, Self::Fails(fault) if fault.error == Errno::Eintr)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fails(fault) => {
                let times = match fault.lasts {
                    Lasts::Once => "once".to_owned(),
                    Lasts::Times(n) => format!("{n} times"),
                    Lasts::ForEver => "for ever".to_owned(),
                };
                write!(
                    f,
                    "call {} of the kind {:?} fails {times} with {}, effect {:?}",
                    fault.nth, fault.on, fault.error, fault.effect
                )
            }
            Self::Full { bytes, late: false } => write!(f, "the disk is full after {bytes} bytes"),
            Self::Full { bytes, late: true } => {
                write!(f, "the disk is full after {bytes} bytes, which is noticed at a sync")
            }
            Self::FewHandles(count) => write!(f, "only {count} files may be open"),
            Self::Restless(seed) => write!(f, "reads come short and are interrupted (seed {seed})"),
        }
    }
}

/// A broken promise under a trouble.
#[derive(Debug)]
pub struct Counterexample {
    /// The engine.
    pub stage: &'static str,
    /// What was wrong with the world.
    pub trouble: Trouble,
    /// The operations.
    pub ops: Vec<Op>,
    /// What is broken.
    pub failure: Failure,
    /// The calls that changed something.
    pub story: Vec<String>,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} breaks {}", self.stage, self.failure)?;
        writeln!(f, "  trouble: {}", self.trouble)?;
        writeln!(f, "  the operations:")?;
        for line in ops::text::to_text(&self.ops).lines() {
            writeln!(f, "    {line}")?;
        }
        writeln!(f, "  the calls:")?;
        self.story.iter().try_for_each(|line| writeln!(f, "    {line}"))
    }
}

/// How much was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Workloads run.
    pub trials: u64,
    /// Calls that failed.
    pub struck: u64,
    /// Crash images judged after a failure.
    pub images: u64,
}

/// The workloads that every call of is made to fail. They use everything that writes, and read in between; the last
/// keeps the store up all the time.
pub const WORKLOADS: [&str; 4] = [
    "put a 1\nput b 22\nsync\ndelete a\nbatch put c 3 ; put b 4 ; delete a\nsync\nget b\nclose\nput d 5\nscan\nput e 6\n",
    "put a 1\nput-if-absent a 2\nput-if-absent f 7\nput a 3\nput b 8\nsync\ncompact\nput c 4\nverify\ncontains c\n\
     delete a\ncompact\nstep\nsync\nput g 9\nscan-prefix g\n",
    "batch put k 1 ; put l 2\ndrop\nput m 3\nsync\nput n 4\nkill\nget m\nput o 5\nexplain n\nclose\nget o\n",
    "put a \"1\"*60\nput b 2\nstep\nstep\nput a \"3\"*50\nbatch put c 4 ; delete b\nstep\nstep\nstep\nget a\nput a 5\nstep\nstep\nscan\n\
     close\nget c\n",
];

/// The options among those that are worth a test under which the workloads make the most calls: where an engine can
/// have several files, it has them.
pub fn busiest_options(stage: &'static Stage, sync: &str) -> contract::Result<Options> {
    let mut busiest: Option<(u64, Options)> = None;
    for seed in 0..16 {
        let options = tiny_options(stage, seed).with("sync", sync)?;
        let calls = calls(stage, &options)?;
        if busiest.as_ref().is_none_or(|(most, _)| calls > *most) {
            busiest = Some((calls, options));
        }
    }
    busiest.map(|(_, options)| options).ok_or(contract::Error::Unsupported { what: "no options" })
}

/// How many calls the workloads make.
fn calls(stage: &'static Stage, options: &Options) -> contract::Result<u64> {
    let mut calls = 0;
    for workload in WORKLOADS {
        let fs = SimFs::new();
        let open = || (stage.open)(Arc::new(fs.clone()), options).map(|(engine, _)| engine);
        let mut engine = Some(open()?);
        for op in ops::text::parse(workload).unwrap_or_default() {
            if let Some(open) = &engine {
                ops::apply(&**open, &op)?;
            }
            if op.reopens() {
                drop(engine.take());
                engine = Some(open()?);
            }
        }
        calls += fs.all_calls();
    }
    Ok(calls)
}

/// Makes every call of every workload fail in every way. `one_in` leaves all but one in so many trials out; which ones
/// stay is drawn from `seed`.
pub fn every_call(
    stage: &'static Stage,
    options: &Options,
    seed: u64,
    one_in: u64,
) -> Result<Tally, Box<Counterexample>> {
    let mut tally = Tally::default();
    for workload in WORKLOADS {
        let ops = ops::text::parse(workload).unwrap_or_default();
        let mut ticket = 0;
        let mut lottery = || {
            ticket += 1;
            crate::crash::mix(&[seed, ticket, 0xfa17]).is_multiple_of(one_in)
        };
        for fault in all_faults() {
            let mut nth = 0;
            // The last trial of each loop strikes nothing, which is how the loop knows that it has seen every call.
            loop {
                let trouble = Trouble::Fails(fault.clone().nth(nth));
                let wanted = lottery();
                if wanted || nth % 64 == 63 {
                    let struck = tally.struck;
                    trial::run(stage, options, &ops, &trouble, &mut tally)?;
                    if tally.struck == struck {
                        break;
                    }
                }
                nth += 1;
            }
        }
        for trouble in scarcity() {
            if lottery() {
                trial::run(stage, options, &ops, &trouble, &mut tally)?;
            }
        }
    }
    Ok(tally)
}

/// Every way in which a call of each kind can fail.
pub fn all_faults() -> Vec<Fault> {
    use Effect::{Done, Nothing, Partial, Reverted};
    use Errno::{Eacces, Edquot, Eintr, Einval, Eio, Emfile, Enospc, Erofs};
    let ways: [(Call, &[Errno], &[Effect]); 14] = [
        (Call::Create, &[Eio, Enospc, Emfile, Eacces, Erofs], &[Nothing, Done]),
        (Call::Open, &[Eio, Emfile, Eacces], &[Nothing]),
        (Call::Rename, &[Eio, Enospc], &[Nothing, Done]),
        (Call::Remove, &[Eio, Erofs], &[Nothing, Done]),
        (Call::List, &[Eio], &[Nothing]),
        (Call::SyncDir, &[Eio, Einval], &[Nothing, Done]),
        (Call::Lock, &[Eio], &[Nothing]),
        (Call::Size, &[Eio], &[Nothing]),
        (Call::Read, &[Eio, Eintr], &[Nothing]),
        (Call::View, &[Eio], &[Nothing]),
        (Call::Append, &[Eio, Enospc, Edquot], &[Nothing, Partial(1), Partial(13), Partial(25), Done]),
        (Call::Truncate, &[Eio], &[Nothing, Done]),
        (Call::Reserve, &[Eio, Enospc], &[Nothing, Done]),
        (Call::Sync, &[Eio, Enospc], &[Nothing, Partial(1), Reverted, Done]),
    ];
    let mut faults = Vec::new();
    for (call, errors, effects) in ways {
        for (error, effect) in
            errors.iter().flat_map(|error| effects.iter().map(move |effect| (*error, *effect)))
        {
            for lasts in [Lasts::Once, Lasts::Times(2), Lasts::ForEver] {
                // A read that is interrupted for ever is no disk but a hang; nobody promises to survive it.
                if error != Eintr || lasts != Lasts::ForEver {
                    faults.push(Fault::new(error).on(call).effect(effect).lasts(lasts));
                }
            }
        }
    }
    faults
}

/// Too little of something, from nearly nothing to nearly enough.
fn scarcity() -> impl Iterator<Item = Trouble> {
    let full = (0..900).flat_map(|bytes| [false, true].map(|late| Trouble::Full { bytes, late }));
    let handles = (0..4).map(Trouble::FewHandles);
    full.chain(handles).chain((0..40).map(Trouble::Restless))
}
