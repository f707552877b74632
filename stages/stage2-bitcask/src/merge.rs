//! Merging: what is live in neighbouring segments moves into one new file, while reads and writes go on.
//!
//! **Layout** Three steps. *Plan*: the keydir says which frames of the inputs it points at. *Build*: these are copied
//! into a file that has no name yet. *Commit*: the file gets its name, the keydir follows, the inputs go.
//!
//! **Invariants**
//! 1. Until the output has its name nothing has changed; a failure or a crash before that leaves the store as it was.
//!    From then on the inputs are never read again by an opening, whatever happens to their removal.
//! 2. What is not copied was dead because something newer was written. So before the output gets its name, everything
//!    written so far is put on the device: power loss must not take the newer entry and leave neither.
//! 3. The keydir is changed only where it still points at the frame that was copied: a put or delete that came
//!    meanwhile stays the newest.
//! 4. A tombstone is dropped only by a merge that starts at the oldest segment: then no older one is left that could
//!    hold its key.
//! 5. As many frames come out as the plan says; a read that ends early is an error, never a short output.
//!
//! **Cost** Reads the inputs once and the output once, writes what is live, 24 bytes of memory for each live entry
//! while it lasts. Nobody waits for it but closing and other upkeep.
//!
//! **Source** Sheehy and Smith, 2010, section «merge». What they leave open, a delete that races with a merge and a
//! tombstone that must outlive it, is where basho/bitcask had its bugs #82, #148 and #156.

use crate::ENGINE;
use crate::apply::locate;
use crate::keydir::Location;
use crate::names::SegmentId;
use crate::segment::Segment;
use crate::store::Store;
use crate::upkeep::Upkeep;
use contract::{Error, Result};
use stage1::install;
use stage1::log::header::{HEADER_BYTES, Header, Previous};
use stage1::log::{Builder, Built, Marks, Reader};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What a merge will copy, and what it will leave.
struct Plan<'a> {
    inputs: &'a [Arc<Segment>],
    id: SegmentId,
    /// Whether tombstones go.
    from_oldest: bool,
    /// The frames that the keydir pointed at, of each input, in the order of its log.
    live: Vec<Vec<Location>>,
}

/// An output that has no name yet.
struct Merged {
    built: Built,
    /// Where each of its frames came from, in the same order.
    came_from: Vec<Location>,
    /// The tombstones that were left, with their keys.
    dropped: Vec<(Vec<u8>, Location)>,
}

impl Store {
    // ANCHOR: merge
    /// Merges neighbouring sealed segments, the oldest first.
    pub(crate) fn merge(&self, upkeep: &mut Upkeep, inputs: &[Arc<Segment>]) -> Result<()> {
        let Some(plan) = self.plan(inputs) else { return Ok(()) };
        let built = self.build(&plan).and_then(|merged| self.prepare().map(|()| merged));
        if built.is_err() {
            self.counts.merge_failures.fetch_add(1, Ordering::Relaxed);
            // Best effort: what cannot be removed now goes at the next opening, and the error that counts is the first.
            let _ = self.vfs.remove(&install::unfinished_name(&plan.id.log_name()));
        }
        self.commit(&plan, built?, upkeep)?;
        self.counts.merges.fetch_add(1, Ordering::Relaxed);
        self.remove_leftovers(upkeep)
    }
    // ANCHOR_END: merge

    // ANCHOR: plan
    /// Asks the keydir what is live in the inputs.
    fn plan<'a>(&self, inputs: &'a [Arc<Segment>]) -> Option<Plan<'a>> {
        // The inputs are on the device, so whatever of them still waits for that is to be seen now.
        self.apply_pending(&mut self.any_turn());
        let id = SegmentId::run(inputs.first()?.id.first(), inputs.last()?.id.last());
        if inputs.iter().any(|input| input.id == id) {
            return None; // A run alone has no new name to go to.
        }
        let mut live = vec![Vec::new(); inputs.len()];
        for at in self.keydir.locations_in(|slot| inputs.iter().any(|input| input.slot == slot)) {
            if let Some(input) = inputs.iter().position(|input| input.slot == at.segment) {
                live[input].push(at);
            }
        }
        for frames in &mut live {
            frames.sort_unstable_by_key(|at| at.offset);
        }
        Some(Plan { inputs, id, from_oldest: id.first() == 1, live })
    }

    /// Whether a frame that the keydir points at goes all the same.
    fn is_dropped(plan: &Plan<'_>, at: Location) -> bool {
        at.tombstone && plan.from_oldest
    }
    // ANCHOR_END: plan

    // ANCHOR: build
    /// Copies what is live into a file that has no name yet.
    fn build(&self, plan: &Plan<'_>) -> Result<Merged> {
        let kept = plan.live.iter().flatten().filter(|at| !Self::is_dropped(plan, **at));
        let kept_bytes: u64 = kept.map(|at| u64::from(at.bytes)).sum();
        let header = Header {
            engine: ENGINE,
            number: plan.id.number(),
            previous: Previous { number: u64::from(plan.id.first() - 1), ..Previous::default() },
            base_bytes: HEADER_BYTES as u64 + kept_bytes,
        };
        let name = plan.id.log_name();
        let file = install::begin(&*self.vfs, &name)?;
        let mut builder = Builder::new(file, name, &header, Marks::new(self.settings.chunk_bytes));
        let (mut came_from, mut dropped) = (Vec::new(), Vec::new());
        for (input, live) in plan.inputs.iter().zip(&plan.live) {
            self.copy(plan, input, live, &mut builder, &mut came_from, &mut dropped)?;
        }
        Ok(Merged { built: builder.finish()?, came_from, dropped })
    }

    /// Copies the frames of one input that are live.
    fn copy(
        &self,
        plan: &Plan<'_>,
        input: &Segment,
        live: &[Location],
        builder: &mut Builder,
        came_from: &mut Vec<Location>,
        dropped: &mut Vec<(Vec<u8>, Location)>,
    ) -> Result<()> {
        let log = &input.log;
        let mut reader = Reader::new(log, log.stretch(input.bytes()), Vec::new());
        let mut wanted = live.iter().copied().peekable();
        while wanted.peek().is_some()
            && let Some(passed) = reader.next_frame().map_err(|stop| stop.into_error(&log.name))?
        {
            self.refuse_if_closed()?;
            let Some(at) = wanted.next_if(|at| *at == locate(&passed.head, input.slot, passed.offset)) else {
                continue;
            };
            if Self::is_dropped(plan, at) {
                dropped.push((passed.key().to_vec(), at));
            } else if let Some(frame) = passed.frame() {
                builder.push(&frame, log.place(passed.offset))?;
                came_from.push(at);
            }
        }
        self.counts.read_bytes.add(reader.bytes_read());
        wanted.next().map_or(Ok(()), |at| {
            Err(Error::corrupt(&log.name, at.offset, "the keydir points at an entry that is not here"))
        })
    }
    // ANCHOR_END: build

    // ANCHOR: commit
    /// What must be so before the output gets its name: what the plan relied on is on the device, and the mark of a
    /// clean close is gone.
    fn prepare(&self) -> Result<()> {
        self.make_durable(self.chain.end())?;
        self.begin_change(&mut *self.turn()?)
    }

    /// Gives the output its name and takes the inputs' away.
    fn commit(&self, plan: &Plan<'_>, merged: Merged, upkeep: &mut Upkeep) -> Result<()> {
        let Merged { built, came_from, dropped } = merged;
        let name = plan.id.log_name();
        install::commit(&*self.vfs, &*built.file, &name).map_err(|e| self.poisoned_by(e))?;
        self.counts.written_bytes.fetch_add(built.bytes, Ordering::Relaxed);
        let last_checksum = built.last_checksum;
        let handle = self.handles.pinned(&name, built.file);
        let output = {
            // In the turn, so that no other segment takes the same slot.
            let _turn = self.any_turn();
            let slot = self.segments.load().next_slot();
            let output = Arc::new(Segment::new(plan.id, slot, handle, built.bytes, built.marks));
            self.segments.rcu(|segments| segments.with(Arc::clone(&output)));
            output
        };
        output.seal(last_checksum);
        output.release();
        self.redirect(&output, &came_from).map_err(|e| self.poisoned_by(e))?;
        for (key, at) in &dropped {
            self.keydir.remove(key, *at);
        }
        self.retire(plan.inputs, upkeep)
    }
    // ANCHOR_END: commit

    // ANCHOR: redirect
    /// Lets the keydir point at the copies, wherever it still points at what was copied.
    fn redirect(&self, output: &Segment, came_from: &[Location]) -> Result<()> {
        let log = &output.log;
        let mut reader = Reader::new(log, log.stretch(output.bytes()), Vec::new());
        let mut came_from = came_from.iter();
        while let Some(passed) = reader.next_frame().map_err(|stop| stop.into_error(&log.name))? {
            let to = locate(&passed.head, output.slot, passed.offset);
            // Counted before it is true: whoever overwrites the entry next takes it off again.
            output.gain(to);
            let moved = came_from.next().is_some_and(|from| self.keydir.replace(passed.key(), *from, to));
            if !moved {
                output.lose(to);
            }
        }
        self.counts.read_bytes.add(reader.bytes_read());
        Ok(())
    }
    // ANCHOR_END: redirect

    // ANCHOR: retire
    /// Takes the inputs out of the store. Who still reads one, in a scan, goes on: it stays open, without a name.
    fn retire(&self, inputs: &[Arc<Segment>], upkeep: &mut Upkeep) -> Result<()> {
        let slots: Vec<u32> = inputs.iter().map(|input| input.slot).collect();
        {
            let _turn = self.any_turn();
            self.segments.rcu(|segments| segments.without(&slots));
        }
        for input in inputs {
            upkeep.leftovers.push(input.log.name.clone());
            if input.hint_file_bytes() > 0 {
                upkeep.leftovers.push(input.id.hint_name());
            }
        }
        inputs.iter().try_for_each(|input| input.keep_open())
    }
    // ANCHOR_END: retire
}
