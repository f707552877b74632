//! What a scene is played on: a store in memory, small enough that everything happens, and what must be read from it.
//!
//! **Invariants**
//! 1. Each key has one writer, who writes the numbers 1, 2, 3 … there. So a read may show no number below the last one
//!    that was acknowledged before it began, and none above the last one that was begun before it ended.
//! 2. The counts of what was begun and acknowledged are real atomics: nobody gives way at them, so they lie exactly at the
//!    calls' edges, and the scheduler wastes no choice on them.

use contract::{Batch, Engine, Error, KeyRange, Options, RecoveryReport, Result, Scan, Stage};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use vfs::{MemFs, Vfs};

/// The keys of all scenes. The first two are always written together.
pub(crate) const KEYS: [&str; 5] = ["left", "right", "one", "two", "three"];
/// The first two.
pub(crate) const PAIR: [usize; 2] = [0, 1];

/// A scene's store, and what is known of it.
pub(crate) struct Lab {
    stage: &'static Stage,
    options: Options,
    world: MemFs,
    pub(crate) engine: Arc<dyn Engine>,
    begun: [AtomicU64; KEYS.len()],
    acknowledged: [AtomicU64; KEYS.len()],
}

/// What a read may show of each key: no number below the first, none above the second.
type Bounds = [(u64, u64); KEYS.len()];

/// Small enough that a few writes fill whatever can be full.
const SIZES: [(&str, &str); 8] = [
    ("segment-bytes", "256"),
    ("memtable-bytes", "256"),
    ("table-bytes", "256"),
    ("block-bytes", "64"),
    ("fan-out", "2"),
    ("max-runs", "2"),
    ("chunk-bytes", "64"),
    ("reserve-bytes", "0"),
];

impl Lab {
    /// An empty store.
    pub(crate) fn new(stage: &'static Stage, sync: &str) -> Arc<Self> {
        let mut options = stage.default_options();
        let known = |name: &str| stage.options.iter().any(|spec| spec.name == name);
        for (name, value) in SIZES.into_iter().chain([("sync", sync)]).filter(|(name, _)| known(name)) {
            done(options.set(name, value));
        }
        let world = MemFs::new();
        let engine = open(stage, &world, &options).0;
        let [begun, acknowledged] = Default::default();
        Arc::new(Self { stage, options, world, engine, begun, acknowledged })
    }

    /// Writes the next number to a key, alone.
    pub(crate) fn put(&self, key: usize) -> Result<()> {
        let number = self.begin(key);
        self.engine.put(KEYS[key].as_bytes(), &value(number))?;
        self.acknowledge(key, number);
        Ok(())
    }

    /// Writes the next number to both keys of the pair, in one batch.
    pub(crate) fn put_pair(&self) -> Result<()> {
        let numbers = PAIR.map(|key| self.begin(key));
        let mut batch = Batch::new();
        for (key, number) in PAIR.into_iter().zip(numbers) {
            batch.put(KEYS[key].as_bytes(), &value(number));
        }
        self.engine.write(&batch)?;
        for (key, number) in PAIR.into_iter().zip(numbers) {
            self.acknowledge(key, number);
        }
        Ok(())
    }

    fn begin(&self, key: usize) -> u64 {
        self.begun[key].fetch_add(1, Ordering::SeqCst) + 1
    }

    fn acknowledge(&self, key: usize, number: u64) {
        self.acknowledged[key].store(number, Ordering::SeqCst);
    }

    fn numbers(of: &[AtomicU64; KEYS.len()]) -> [u64; KEYS.len()] {
        std::array::from_fn(|key| of[key].load(Ordering::SeqCst))
    }

    /// What a read shows that `look` makes, if the store is open.
    fn between<T>(&self, look: impl FnOnce() -> Result<T>) -> Option<(T, Bounds)> {
        let least = Self::numbers(&self.acknowledged);
        let seen = open_or_closed(look())?;
        let most = Self::numbers(&self.begun);
        Some((seen, std::array::from_fn(|key| (least[key], most[key]))))
    }

    /// Reads a key, and judges what it shows.
    pub(crate) fn get(&self, key: usize) {
        let Some((seen, bounds)) = self.between(|| self.engine.get(KEYS[key].as_bytes())) else { return };
        judge("a get", key, seen.map_or(0, |value| number(&value)), bounds[key]);
    }

    /// Takes a scan of everything: from now on it must show this moment.
    pub(crate) fn scan(&self) -> Option<Moment> {
        let (scan, bounds) = self.between(|| self.engine.scan(KeyRange::all()))?;
        Some(Moment { scan, bounds })
    }

    /// Closes the store, opens it again, and judges everything that is there: all of it is acknowledged or was begun. What
    /// nothing needs any more must be gone.
    pub(crate) fn end(self: Arc<Self>) {
        done(self.engine.close());
        let lab =
            Arc::into_inner(self).unwrap_or_else(|| unreachable!("every thread of the scene has ended"));
        drop(lab.engine);
        let files = done(lab.world.list());
        let (engine, report) = open(lab.stage, &lab.world, &lab.options);
        assert!(report.clean, "it was closed, and says of {files:?}: {report:?}");
        assert!(report.leftovers_removed.is_empty(), "files stayed behind: {report:?}");
        let found = done(engine.verify());
        assert!(found.damage.is_empty(), "verify finds {found:?}");
        let least = Self::numbers(&lab.acknowledged);
        let most = Self::numbers(&lab.begun);
        let bounds = std::array::from_fn(|key| (least[key], most[key]));
        Moment { scan: done(engine.scan(KeyRange::all())), bounds }.judge();
        done(engine.close());
    }
}

/// A scan, and what it must show.
pub(crate) struct Moment {
    scan: Scan,
    bounds: Bounds,
}

impl Moment {
    /// Reads all of it, and judges it.
    pub(crate) fn judge(self) {
        let mut seen = [0; KEYS.len()];
        let mut last = Vec::new();
        for pair in self.scan {
            let (key, value) = done(pair);
            assert!(last < key, "a scan shows {key:?} after {last:?}");
            let at = KEYS.iter().position(|known| known.as_bytes() == key);
            seen[at.unwrap_or_else(|| panic!("a scan shows the key {key:?}"))] = number(&value);
            last = key;
        }
        for (key, seen) in seen.into_iter().enumerate() {
            judge("a scan", key, seen, self.bounds[key]);
        }
        assert_eq!(seen[PAIR[0]], seen[PAIR[1]], "a scan shows a part of a batch");
    }
}

fn judge(who: &str, key: usize, seen: u64, (least, most): (u64, u64)) {
    let key = KEYS[key];
    assert!(seen >= least, "{who} of `{key}` shows {seen}, and {least} was acknowledged before");
    assert!(seen <= most, "{who} of `{key}` shows {seen}, and only {most} was begun");
}

fn open(stage: &Stage, world: &MemFs, options: &Options) -> (Arc<dyn Engine>, RecoveryReport) {
    done((stage.open)(Arc::new(world.clone()), options))
}

/// A number as a value, long enough that a few fill a memtable.
fn value(number: u64) -> Vec<u8> {
    format!("{number:040}").into_bytes()
}

fn number(value: &[u8]) -> u64 {
    let text = std::str::from_utf8(value).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("nobody has written {value:?}"))
}

/// What must not fail.
pub(crate) fn done<T, E: std::fmt::Display>(result: std::result::Result<T, E>) -> T {
    result.unwrap_or_else(|e| panic!("a call that must not fail: {e}"))
}

/// What may be refused by a store that is closed, and must not fail else.
pub(crate) fn open_or_closed<T>(result: Result<T>) -> Option<T> {
    match result {
        Err(Error::Closed) => None,
        other => Some(done(other)),
    }
}
