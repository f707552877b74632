//! Closing: everything on the device, and the mark that says what is there.
//!
//! **Invariants**
//! 1. The mark lists what is there, and what is not listed does not come back: removals are durable first.
//! 2. One log is left, the active one. What it holds is small, or it is flushed first, so that the next opening need not
//!    replay much.
//!
//! **Cost** A flush, if much is in memory; a sync; two syncs for the mark.

use crate::ENGINE;
use crate::store::Store;
use contract::{IoContext, Result};
use stage1::clean::{self, Listed};

/// How long a log may be and how much memory its memtable may take for both to be left as they are, in bytes.
const LEFT_TO_THE_LOG_BYTES: u64 = 1 << 20;

impl Store {
    pub(crate) fn close_once(&self) -> Result<()> {
        let first = self.closed.set(()).is_ok();
        self.upkeep.ring();
        if !first {
            // Returns once the first close is over.
            drop(self.hold_upkeep());
            return Ok(());
        }
        let _upkeep = self.end_upkeep();
        let result = self.close_cleanly();
        self.any_turn().lock = None;
        result
    }

    // ANCHOR: close_cleanly
    /// Makes everything durable and leaves the mark of a clean close.
    fn close_cleanly(&self) -> Result<()> {
        self.refuse_if_poisoned()?;
        // Who has the turn has seen an open store, and may begin another memtable. Nobody gets it after him.
        drop(self.any_turn());
        while self.flush()? {}
        let mut turn = self.any_turn();
        if turn.clean {
            return Ok(());
        }
        if self.state.load().active.bytes().max(turn.writer.log.appended()) > LEFT_TO_THE_LOG_BYTES {
            self.freeze(&mut turn)?;
            drop(turn);
            self.flush()?;
            turn = self.any_turn();
        }
        turn.writer.give_room_back()?;
        self.sync_everything()?;
        self.apply_pending(&mut turn);
        self.remove_leftovers()?;
        self.vfs.sync_dir().during("sync", &self.vfs.location())?;
        let log = turn.writer.tail();
        drop(turn);
        let manifest = self.manifest();
        let listed =
            |name: &str, bytes, last_checksum| Listed { name: name.to_owned(), bytes, last_checksum };
        let mut files = vec![
            listed(manifest.name(), manifest.tail().bytes, manifest.tail().last_checksum),
            listed(&crate::names::log_name(log.number), log.bytes, log.last_checksum),
        ];
        let state = self.state.load_full();
        files.extend(state.tree.tables().map(|t| listed(t.name(), t.bytes(), t.last_checksum())));
        clean::write(&*self.vfs, ENGINE, &files)
    }
    // ANCHOR_END: close_cleanly
}
