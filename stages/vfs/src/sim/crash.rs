//! What a crash leaves: which kinds there are, and how the image of one is made from the state of the disk.
//!
//! **Cost** One image is one copy of the directory's map and of each file that has pending operations.

use super::call::{Act, Call};
use super::disk::{Disk, Inode, NameOp, Names};
use super::fault::{Effect, Errno, Failure};
use super::names;
use super::outcome;
use super::rng::Rng;
use super::tear;
use std::fmt;
use std::sync::Arc;

/// A crash: what sort, under which rules, with which luck. Two equal crashes of one history leave equal images.
///
/// ```
/// use vfs::sim::{Crash, CrashKind};
/// let torn = Crash::new(CrashKind::GlobalPrefix, 0).tear(17);
/// let lucky = Crash::new(CrashKind::Pages, 42).lenient();
/// # let _ = (torn, lucky);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// What sort of crash.
    pub kind: CrashKind,
    /// What every draw comes from.
    pub seed: u64,
    /// The rules of the filesystem.
    pub profile: Profile,
    /// `ProcessKill` and `GlobalPrefix`: how many bytes of the append in flight landed. `None`: drawn for
    /// `GlobalPrefix`, none for `ProcessKill`. See [`SimFs::tears`](super::SimFs::tears).
    pub tear: Option<u64>,
    /// `FilePrefix` to `Names`: which pending name operations landed, bit *i* for the *i*-th, instead of a draw.
    /// Operations that could not have landed without a missing one are left out too.
    /// See [`SimFs::pending_names`](super::SimFs::pending_names).
    pub names: Option<u64>,
    /// `Sizes`: this of all states that the crash can leave, instead of a draw.
    /// See [`SimFs::outcomes`](super::SimFs::outcomes).
    pub outcome: Option<u64>,
}

/// The sorts of crash. «Pending» is what no successful sync has covered; «the call in flight» is the one with the
/// number at which the crash comes. From `FilePrefix` on, a call in flight that is no sync counts as pending, so it
/// may be done, undone or partly done; a sync in flight has no effect of its own, since whatever it may have pushed
/// out is pending anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashKind {
    /// K0. The process dies, the machine lives: all calls before are visible, in the page cache. The image keeps what
    /// was pending *as pending*, so a crash of the image can still lose it. After a failed sync, clean pages that
    /// were never written may have been evicted: a coin for each such file.
    ProcessKill,
    /// K1. Power loss on a device that keeps everything in order: all calls before have landed, names too, and of an
    /// append in flight any number of bytes.
    GlobalPrefix,
    /// K2. Each file keeps its own prefix of its pending operations, the last torn at any byte; the directory
    /// keeps a prefix of its pending name operations.
    FilePrefix,
    /// K3. Each file's size is that of some moment since its last sync; each of its 4 KiB pages landed, is missing, is
    /// of an earlier moment, or is torn: then each 512-byte sector landed, is missing, or is cut at any byte. What
    /// is missing reads as what was there before, and as zeros where nothing was. Names as in `Names`.
    Pages,
    /// K4. As `Pages`, but what is missing may also read as noise or as older bytes of the same file, the latter
    /// copied from where an earlier append began, so that they may be whole valid records.
    Junk,
    /// K5. As `FilePrefix`, but a file's size and its bytes are each of a moment of their own: a size without data
    /// reads as zeros, data beyond the size are not seen. Names as in `Names`.
    Sizes,
    /// K6. Any subset of the pending name operations, provided that operations on one name land in order and a rename
    /// is atomic. These are all states that any order of landing can show: operations on different names
    /// commute. Each file's pending data landed whole or not at all.
    Names,
}

/// How kind the filesystem is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// POSIX to the letter. An engine must pass this one.
    #[default]
    Strict,
    /// Like ext4: a file's sync also commits all name operations up to the last one on that file, and name
    /// operations land in the order they were asked for. What passes here and fails under `Strict` is a
    /// missing `sync_dir`. Data are treated as under `Strict`: neither ordered mode nor flush-on-rename is modelled.
    Lenient,
    /// `Strict` without powersafe overwrite: an append that did not land whole may damage bytes before it in the
    /// same 512-byte sector, durable ones too (not in `ProcessKill` and `GlobalPrefix`).
    Hard,
}

/// Something that a crash took or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The append in flight was torn.
    Torn {
        /// The file.
        file: Arc<str>,
        /// How many bytes landed.
        kept: u64,
        /// How many were written.
        of: u64,
    },
    /// A name operation did not land; in words.
    Name(String),
    /// A file differs from what was visible.
    Bytes {
        /// The file, by its name before the crash.
        file: Arc<str>,
        /// Its visible size before the crash.
        size_before: u64,
        /// Its size now.
        size: u64,
        /// How many bytes of pending appends did not land.
        missing: u64,
        /// How many of these read as noise or as older bytes.
        junk: u64,
        /// How many bytes before the pending appends were damaged ([`Profile::Hard`] only).
        damaged: u64,
    },
}

impl Crash {
    /// A crash of this kind under [`Profile::Strict`].
    pub fn new(kind: CrashKind, seed: u64) -> Self {
        Self { kind, seed, profile: Profile::Strict, tear: None, names: None, outcome: None }
    }

    /// Leaves the state with this number of all that a power loss can leave.
    pub fn outcome(number: u64) -> Self {
        Self { outcome: Some(number), ..Self::new(CrashKind::Sizes, 0) }
    }

    /// Tears the append in flight after so many bytes.
    #[must_use]
    pub fn tear(self, bytes: u64) -> Self {
        Self { tear: Some(bytes), ..self }
    }

    /// Lands exactly these pending name operations, as far as possible.
    #[must_use]
    pub fn names(self, mask: u64) -> Self {
        Self { names: Some(mask), ..self }
    }

    /// Under this profile.
    #[must_use]
    pub fn profile(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }

    /// Under [`Profile::Lenient`].
    #[must_use]
    pub fn lenient(self) -> Self {
        self.profile(Profile::Lenient)
    }
}

impl CrashKind {
    /// K0 to K6, in order. K7, a crash inside recovery, is the image of an image.
    pub const ALL: [Self; 7] = [
        Self::ProcessKill,
        Self::GlobalPrefix,
        Self::FilePrefix,
        Self::Pages,
        Self::Junk,
        Self::Sizes,
        Self::Names,
    ];

    /// Whether a call in flight is in the pending set, instead of undone or torn at a named byte.
    pub(super) fn draws(self) -> bool {
        !matches!(self, Self::ProcessKill | Self::GlobalPrefix)
    }
}

/// The image of a crash. `disk` is the state before the call in flight, or, for the kinds that draw, with it.
pub(super) fn image(disk: &Disk, at: u64, in_flight: Option<&Call>, crash: &Crash) -> (Disk, Vec<Loss>) {
    // Not salted with the kind: it tells the kinds apart by what they draw, and a seed stays comparable.
    let mut rng = Rng::new(crash.seed, at);
    let mut losses = Vec::new();
    let image = match crash.kind {
        CrashKind::ProcessKill => {
            let tear = crash.tear.unwrap_or(0);
            kill(torn(disk, in_flight, tear, &mut losses), &mut rng, &mut losses)
        }
        CrashKind::GlobalPrefix => {
            let drawn = rng.below(tears(in_flight));
            let disk = torn(disk, in_flight, crash.tear.unwrap_or(drawn), &mut losses);
            at_rest(&disk, &disk.names, |_, inode| inode.all_landed())
        }
        _ => {
            let outcome = crash.outcome.map(|number| outcome::decode(disk, number));
            let named = Crash { names: outcome.as_ref().map_or(crash.names, |o| Some(o.names)), ..*crash };
            let landed = names::landed(&disk.pending_names, &named, &mut rng);
            let map = landed_names(disk, &landed, &mut losses);
            at_rest(disk, &map, |id, inode| {
                let exact = outcome.as_ref().map(|outcome| outcome.of(id));
                let (bytes, loss) = tear::content(inode, crash, exact, &mut rng);
                losses.extend(loss);
                bytes
            })
        }
    };
    (image, losses)
}

/// How many tears the call in flight has: one for each byte that may be the first missing, and one for none.
pub(super) fn tears(in_flight: Option<&Call>) -> u64 {
    in_flight.map_or(0, Call::appended) + 1
}

/// The disk with `tear` bytes of an append in flight done.
fn torn(disk: &Disk, in_flight: Option<&Call>, tear: u64, losses: &mut Vec<Loss>) -> Disk {
    let mut disk = disk.clone();
    if let Some(call @ Call { act: Act::Append { file, .. }, .. }) = in_flight {
        let of = call.appended();
        let kept = tear.min(of);
        let failure = Some(Failure { error: Errno::Eio, effect: Effect::Partial(kept) });
        disk.apply(&Call { act: call.act.clone(), failure });
        if kept < of {
            losses.push(Loss::Torn { file: Arc::clone(&file.name), kept, of });
        }
    }
    disk
}

/// What the death of the process leaves of the page cache.
fn kill(mut disk: Disk, rng: &mut Rng, losses: &mut Vec<Loss>) -> Disk {
    for inode in disk.inodes.iter_mut().filter(|inode| inode.diverged) {
        if rng.coin() {
            let landed = inode.all_landed();
            let before = std::mem::replace(&mut inode.visible, landed);
            inode.diverged = false;
            losses.push(Loss::Bytes {
                file: Arc::clone(&inode.name),
                size_before: before.len() as u64,
                size: inode.visible.len() as u64,
                missing: 0,
                junk: 0,
                damaged: 0,
            });
        }
    }
    disk
}

/// A disk of these names on which nothing is pending.
fn at_rest(disk: &Disk, names: &Names, mut content: impl FnMut(usize, &Inode) -> Arc<Vec<u8>>) -> Disk {
    let mut image = Disk::default();
    let mut map = Names::new();
    for (name, id) in names {
        map.insert(Arc::clone(name), image.inodes.len());
        image.inodes.push(Inode::at_rest(name, content(*id, &disk.inodes[*id])));
    }
    image.names = Arc::new(map);
    image.durable_names = Arc::clone(&image.names);
    image
}

/// The durable names with the name operations that landed applied.
fn landed_names(disk: &Disk, landed: &[bool], losses: &mut Vec<Loss>) -> Arc<Names> {
    let mut map = Arc::clone(&disk.durable_names);
    for (NameOp { change, .. }, landed) in disk.pending_names.iter().zip(landed) {
        if *landed {
            change.apply(Arc::make_mut(&mut map));
        } else {
            losses.push(Loss::Name(change.to_string()));
        }
    }
    map
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn { file, kept, of } => write!(f, "{file}: {kept} of {of} bytes in flight landed"),
            Self::Name(change) => write!(f, "not landed: {change}"),
            Self::Bytes { file, size_before, size, missing, junk, damaged } => {
                write!(f, "{file}: {size} bytes, were {size_before}")?;
                if *missing > 0 {
                    write!(f, "; {missing} appended bytes missing, {junk} of them filled with junk")?;
                }
                if *damaged > 0 {
                    write!(f, "; {damaged} bytes before the append damaged")?;
                }
                Ok(())
            }
        }
    }
}
