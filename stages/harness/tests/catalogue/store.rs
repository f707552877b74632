//! A store beside its model, told what to do in lines of text.

use contract::{Engine, Error, KeyRange, Options, RecoveryReport, Stage};
use harness::crash::verdict::same;
use harness::model::Model;
use harness::ops::{self, Op, text};
use harness::settings;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use vfs::Vfs;
use vfs::sim::{Crash, CrashKind, Errno, Fault, SimFs};

pub(crate) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// A store on a simulated disk, and what it must hold.
pub(crate) struct Store {
    pub(crate) stage: &'static Stage,
    pub(crate) options: Options,
    pub(crate) fs: SimFs,
    pub(crate) model: Model,
    keys: BTreeSet<Vec<u8>>,
    engine: Option<Arc<dyn Engine>>,
    pub(crate) report: RecoveryReport,
}

impl Store {
    /// An empty store, every size as small as it may be.
    pub(crate) fn new(stage: &'static Stage) -> Self {
        Self::with(stage, settings::smallest(stage))
    }

    /// The same with every write synced before it is acknowledged.
    pub(crate) fn synced(stage: &'static Stage) -> Self {
        Self::with(stage, settings::smallest(stage).with("sync", "every-write").unwrap())
    }

    pub(crate) fn with(stage: &'static Stage, options: Options) -> Self {
        let fs = SimFs::new();
        let mut store = Self {
            stage,
            options,
            fs,
            model: Model::new(),
            keys: BTreeSet::new(),
            engine: None,
            report: RecoveryReport::default(),
        };
        store.open().unwrap();
        store
    }

    /// A store that is not open, on these files, which must hold what `self` holds.
    pub(crate) fn on(&self, files: Files) -> Self {
        self.moved_to(SimFs::holding(files))
    }

    /// What the next process finds if this one dies now; not opened yet.
    pub(crate) fn killed(&self) -> Self {
        self.crashed(&Crash::new(CrashKind::ProcessKill, 0))
    }

    /// What a crash leaves that comes now; not opened yet.
    pub(crate) fn crashed(&self, crash: &Crash) -> Self {
        self.moved_to(self.fs.image(self.fs.calls(), crash))
    }

    fn moved_to(&self, fs: SimFs) -> Self {
        Self {
            stage: self.stage,
            options: self.options.clone(),
            fs,
            model: self.model.clone(),
            keys: self.keys.clone(),
            engine: None,
            report: RecoveryReport::default(),
        }
    }

    pub(crate) fn open(&mut self) -> contract::Result<()> {
        self.open_in(Arc::new(self.fs.clone()))
    }

    /// Opens the store in a world in front of its own.
    pub(crate) fn open_in(&mut self, world: Arc<dyn Vfs>) -> contract::Result<()> {
        self.engine = None;
        let (engine, report) = (self.stage.open)(world, &self.options)?;
        (self.engine, self.report) = (Some(engine), report);
        Ok(())
    }

    pub(crate) fn engine(&self) -> &dyn Engine {
        &**self.engine.as_ref().expect("the store is open")
    }

    pub(crate) fn handle(&self) -> Arc<dyn Engine> {
        Arc::clone(self.engine.as_ref().expect("the store is open"))
    }

    /// Does what the lines say; each must succeed.
    pub(crate) fn run(&mut self, script: &str) {
        for line in script.lines() {
            self.line(line).unwrap_or_else(|e| panic!("{}: «{line}»: {e}", self.stage.name));
        }
    }

    /// Does what a line says: an operation, or `flush`, as the engine's own command does it, or `upkeep`, which is steps
    /// until there is none to do.
    pub(crate) fn line(&mut self, line: &str) -> contract::Result<()> {
        match line {
            "flush" => self.command("flush").map(drop),
            "upkeep" => {
                while self.engine().step()? {}
                Ok(())
            }
            line => text::parse(line).unwrap().iter().try_for_each(|op| self.op(op)),
        }
    }

    /// What a command of this engine's own says.
    pub(crate) fn command(&self, name: &str) -> contract::Result<Vec<String>> {
        let command = self.stage.commands.iter().find(|command| command.name == name);
        match command.unwrap_or_else(|| panic!("{} has no {name}", self.stage.name)).run {
            contract::Run::Engine(run) => Ok(run(self.engine(), &contract::Call::default())?.lines),
            contract::Run::Line(line) => panic!("{name} is another name for {line}"),
        }
    }

    /// A figure of this engine's own.
    pub(crate) fn figure(&self, name: &str) -> u64 {
        let figures = self.engine().stats().figures;
        figures.iter().find(|figure| figure.name == name).map(|figure| figure.value).unwrap()
    }

    /// Does one operation, also to the model if it succeeds.
    pub(crate) fn op(&mut self, op: &Op) -> contract::Result<()> {
        if op.reopens() {
            if *op == Op::Kill {
                let next = self.killed();
                self.leave();
                self.fs = next.fs.clone();
            } else {
                ops::apply(self.engine(), op)?;
            }
            return self.open();
        }
        ops::apply(self.engine(), op)?;
        self.note(op);
        Ok(())
    }

    /// Tells the model alone.
    pub(crate) fn note(&mut self, op: &Op) {
        self.model.apply(op);
        self.keys.extend(harness::crash::ledger::writes(op).into_iter().map(|(key, _)| key));
    }

    /// Does upkeep until there is none to do.
    pub(crate) fn upkeep(&self) {
        while self.engine().step().unwrap() {}
    }

    /// Lets the process die: nothing that the engine still tries reaches this disk any more.
    pub(crate) fn leave(&mut self) {
        self.fs.inject(Fault::new(Errno::Eio).for_ever());
        self.engine = None;
        self.fs.clear_faults();
    }

    /// Everything is as the model says, however it is asked for.
    pub(crate) fn check(&self, what: impl std::fmt::Display) {
        let pairs = self.pairs().unwrap_or_else(|e| panic!("{}, {what}: a scan fails: {e}", self.stage.name));
        assert!(
            same(&self.model, &pairs),
            "{}, {what}: {:?} instead of {:?}",
            self.stage.name,
            pairs,
            self.model
        );
        for key in &self.keys {
            let got = self.engine().get(key).unwrap_or_else(|e| panic!("{}, {what}: {e}", self.stage.name));
            assert_eq!(got.as_deref(), self.model.get(key), "{}, {what}: {key:?}", self.stage.name);
            let contains = self.engine().contains(key).unwrap();
            assert_eq!(contains, got.is_some(), "{}, {what}: {key:?}", self.stage.name);
        }
    }

    /// The same, and after the death of the process, and after a close.
    pub(crate) fn check_for_good(&self, what: &str) {
        self.check(what);
        let mut again = self.killed();
        again.open().unwrap_or_else(|e| panic!("{}, {what}, killed: {e}", self.stage.name));
        again.check(format_args!("{what}, killed"));
        again.run("close\n");
        again.check(format_args!("{what}, killed and closed"));
        assert_eq!(again.engine().verify().unwrap().damage, [], "{}, {what}", self.stage.name);
    }

    pub(crate) fn pairs(&self) -> contract::Result<Pairs> {
        self.engine().scan(KeyRange::all())?.collect()
    }

    /// Right where it answers: every key has its value, or an error.
    pub(crate) fn right_or_refused(&self, what: impl std::fmt::Display) -> Vec<Error> {
        let mut errors = Vec::new();
        for key in &self.keys {
            match self.engine().get(key) {
                Ok(got) => {
                    assert_eq!(got.as_deref(), self.model.get(key), "{}, {what}: {key:?}", self.stage.name);
                }
                Err(error) => errors.push(error),
            }
        }
        errors
    }

    pub(crate) fn files(&self) -> Files {
        self.fs.contents()
    }
}

impl Drop for Store {
    /// A test that is over, or fails, leaves no store to be closed on a world that it has broken.
    fn drop(&mut self) {
        self.leave();
    }
}
