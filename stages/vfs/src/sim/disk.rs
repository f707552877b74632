//! The state of a simulated disk: a visible and a durable layer of every file and of the directory, and the
//! operations between the two.
//!
//! **Invariants**
//! 1. A file's visible bytes are its durable bytes with its pending operations applied, unless a sync of it failed
//!    once (`diverged`): then the visible bytes may hold what will never be durable.
//! 2. The visible names are the durable names with the pending name operations applied.
//! 3. An inode keeps its number for the disk's life, so calls recorded against one disk can be replayed on its copy.

use super::call::{Act, Call};
use super::fault::Effect;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) type Names = BTreeMap<Arc<str>, usize>;

/// Both layers of everything. A copy shares all bytes until one side changes them.
#[derive(Clone, Default)]
pub(super) struct Disk {
    pub(super) names: Arc<Names>,
    pub(super) durable_names: Arc<Names>,
    pub(super) pending_names: Vec<NameOp>,
    pub(super) inodes: Vec<Inode>,
}

/// A name operation that no `sync_dir` has covered.
#[derive(Clone, Debug)]
pub(super) struct NameOp {
    pub(super) change: NameChange,
    /// A sync of a file has committed it, if the filesystem is as lenient as that.
    pub(super) committed: bool,
}

#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Link { name: Arc<str>, id: usize },
    Rename { from: Arc<str>, to: Arc<str>, id: usize },
    Unlink { name: Arc<str>, id: usize },
}

/// Both layers of a file.
#[derive(Clone, Default)]
pub(super) struct Inode {
    /// The name it has or had last, for messages and for aiming faults.
    pub(super) name: Arc<str>,
    pub(super) visible: Arc<Vec<u8>>,
    pub(super) durable: Arc<Vec<u8>>,
    /// What separates the two layers, in the order in which it was asked for.
    pub(super) pending: Vec<DataOp>,
    /// A sync failed, so `visible` may hold bytes that are in neither `durable` nor `pending`.
    pub(super) diverged: bool,
    /// Where appends began: a crash that leaves older bytes behind copies whole records from there.
    pub(super) starts: Vec<usize>,
}

/// A change of a file that no sync has covered.
#[derive(Clone)]
pub(super) enum DataOp {
    Write { offset: usize, data: Arc<[u8]>, len: usize },
    Truncate(usize),
    Reserve(usize),
}

/// Offsets are `u64` in the traits. Where memory is smaller than that, the largest address stands for «too large».
pub(super) fn to_usize(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

impl Disk {
    /// Does a call again, or for the first time. A name that is not there makes it do nothing.
    pub(super) fn apply(&mut self, call: &Call) {
        let effect = call.effect();
        match &call.act {
            Act::Append { file, offset, data } => {
                let len = to_usize(call.appended());
                if len > 0 {
                    let op = DataOp::Write { offset: to_usize(*offset), data: Arc::clone(data), len };
                    self.inodes[file.id].change(op);
                }
            }
            Act::Sync { file } => self.sync(file.id, effect),
            _ if effect != Effect::Done => {}
            Act::Truncate { file, len } => self.inodes[file.id].change(DataOp::Truncate(to_usize(*len))),
            Act::Reserve { file, offset, bytes } => {
                let inode = &mut self.inodes[file.id];
                let size = to_usize(offset.saturating_add(*bytes));
                if size > inode.visible.len() {
                    inode.change(DataOp::Reserve(size));
                }
            }
            Act::Create { name } => self.create(name),
            Act::Rename { from, to } => self.rename(from, to),
            Act::Remove { name } => {
                if let Some(id) = Arc::make_mut(&mut self.names).remove(name) {
                    self.name_op(NameChange::Unlink { name: Arc::clone(name), id });
                }
            }
            Act::SyncDir => {
                self.durable_names = Arc::clone(&self.names);
                self.pending_names.clear();
            }
        }
    }

    fn create(&mut self, name: &Arc<str>) {
        let id = self.inodes.len();
        if self.names.contains_key(name) {
            return;
        }
        self.inodes.push(Inode { name: Arc::clone(name), ..Inode::default() });
        Arc::make_mut(&mut self.names).insert(Arc::clone(name), id);
        self.name_op(NameChange::Link { name: Arc::clone(name), id });
    }

    fn rename(&mut self, from: &Arc<str>, to: &Arc<str>) {
        if from == to {
            return;
        }
        let names = Arc::make_mut(&mut self.names);
        let Some(id) = names.remove(from) else { return };
        names.insert(Arc::clone(to), id);
        self.inodes[id].name = Arc::clone(to);
        self.name_op(NameChange::Rename { from: Arc::clone(from), to: Arc::clone(to), id });
    }

    fn name_op(&mut self, change: NameChange) {
        self.pending_names.push(NameOp { change, committed: false });
    }

    fn sync(&mut self, id: usize, effect: Effect) {
        let inode = &mut self.inodes[id];
        let landed = match effect {
            Effect::Done => inode.pending.len(),
            Effect::Partial(n) => to_usize(n).min(inode.pending.len()),
            Effect::Nothing | Effect::Reverted => 0,
        };
        inode.make_durable(landed);
        if effect == Effect::Reverted {
            inode.visible = Arc::clone(&inode.durable);
            inode.diverged = false;
        }
        if effect == Effect::Done {
            let last = self.pending_names.iter().rposition(|op| op.change.id() == id);
            for op in &mut self.pending_names[..last.map_or(0, |i| i + 1)] {
                op.committed = true;
            }
        }
    }
}

impl NameChange {
    pub(super) fn id(&self) -> usize {
        let (Self::Link { id, .. } | Self::Rename { id, .. } | Self::Unlink { id, .. }) = self;
        *id
    }

    /// The directory entries that it writes.
    pub(super) fn touches(&self) -> [&Arc<str>; 2] {
        match self {
            Self::Link { name, .. } | Self::Unlink { name, .. } => [name, name],
            Self::Rename { from, to, .. } => [from, to],
        }
    }

    pub(super) fn apply(&self, names: &mut Names) {
        match self {
            Self::Link { name, id } => drop(names.insert(Arc::clone(name), *id)),
            Self::Unlink { name, .. } => drop(names.remove(name)),
            Self::Rename { from, to, id } => {
                names.remove(from);
                names.insert(Arc::clone(to), *id);
            }
        }
    }
}

impl Inode {
    /// A file all of whose bytes are on the device.
    pub(super) fn at_rest(name: &Arc<str>, bytes: Arc<Vec<u8>>) -> Self {
        Self { name: Arc::clone(name), visible: Arc::clone(&bytes), durable: bytes, ..Self::default() }
    }

    fn change(&mut self, op: DataOp) {
        op.apply(Arc::make_mut(&mut self.visible));
        match op {
            DataOp::Write { offset, .. } => self.starts.push(offset),
            DataOp::Truncate(len) => self.starts.retain(|start| *start < len),
            DataOp::Reserve(_) => {}
        }
        self.pending.push(op);
    }

    /// Makes the first `landed` pending operations durable. The others are lost for good.
    fn make_durable(&mut self, landed: usize) {
        if self.pending.is_empty() {
            return;
        }
        self.diverged |= landed < self.pending.len();
        let durable = Arc::make_mut(&mut self.durable);
        for op in self.pending.drain(..).take(landed) {
            op.apply(durable);
        }
    }

    /// The bytes if all that is pending lands.
    pub(super) fn all_landed(&self) -> Arc<Vec<u8>> {
        if !self.diverged {
            return Arc::clone(&self.visible);
        }
        let mut bytes = self.durable.to_vec();
        for op in &self.pending {
            op.apply(&mut bytes);
        }
        Arc::new(bytes)
    }
}

impl DataOp {
    /// The size of a file of `size` bytes after this.
    pub(super) fn size_after(&self, size: usize) -> usize {
        match *self {
            Self::Write { offset, len, .. } => size.max(offset + len),
            Self::Truncate(len) => len,
            Self::Reserve(len) => size.max(len),
        }
    }

    fn apply(&self, bytes: &mut Vec<u8>) {
        let size = self.size_after(bytes.len());
        bytes.resize(size, 0);
        if let Self::Write { offset, data, len } = self {
            bytes[*offset..offset + len].copy_from_slice(&data[..*len]);
        }
    }
}
