//! Reading and checking every byte of a table, of an open store or of one that refuses to open.
//!
//! **Invariants** More is checked than a reader relies on: also that each block's entries fill it in order, that its
//! fingerprints, its separator and the filter fit its keys, and that there are as many entries as the footer says.

use super::block::{Block, Spot, fingerprint};
use super::footer::FOOTER_BYTES;
use super::hash;
use super::walk::{Parts, Piece, reason};
use contract::{Damage, Error, Result, VerifyReport};
use vfs::File;

/// Reads and checks table `number` in `file`, called `name`. What is wrong with it stands in the report; the error is
/// that of reading.
pub fn verify(file: &dyn File, name: &str, number: u64) -> Result<VerifyReport> {
    let parts = Parts::read(file, name, number)?;
    let mut check =
        Check { parts: &parts, report: VerifyReport::default(), tombstones: 0, blocks: 0, last: None };
    let footer = parts.footer.as_ref();
    // Without a footer nothing says where filter and index lie, and one complaint is enough.
    let errors = match footer {
        Ok(_) => [parts.filter.as_ref().err(), parts.index.as_ref().err()],
        Err(error) => [Some(error), None],
    };
    let (_, end) = parts.pieces(&mut |piece| {
        check.piece(&piece);
        Ok(true)
    })?;
    if let Ok(footer) = footer {
        check.report.bytes_read += footer.filter_bytes + footer.index_bytes + FOOTER_BYTES as u64;
    } else {
        check.report.bytes_read += parts.size - end;
    }
    check.report.damage.extend(errors.into_iter().flatten().map(|error| noticed(error, name)));
    check.totals();
    Ok(check.report)
}

/// Damage as a report lists it.
fn noticed(error: &Error, name: &str) -> Damage {
    let offset = if let Error::Corrupt { offset, .. } = error { *offset } else { 0 };
    Damage { file: name.to_owned(), offset, what: reason(error) }
}

struct Check<'a> {
    parts: &'a Parts<'a>,
    report: VerifyReport,
    tombstones: u64,
    blocks: usize,
    /// The last key that was seen.
    last: Option<Vec<u8>>,
}

impl Check<'_> {
    fn piece(&mut self, piece: &Piece<'_>) {
        self.report.bytes_read += piece.len;
        let checked = match &piece.payload {
            Ok(payload) => Block::parse(payload).and_then(|block| self.block(&block)),
            Err(what) => Err(*what),
        };
        self.blocks += 1;
        if let Err(what) = checked {
            self.damage(piece.offset, what);
        }
    }

    fn block(&mut self, block: &Block<'_>) -> std::result::Result<(), &'static str> {
        let mut end = 0;
        for i in 0..block.len() {
            let spot = block.spot(i)?;
            if Spot::parse_at(block, end) != Ok(spot) {
                return Err("an entry that does not follow the one before it");
            }
            end = spot.end;
            let key = block.key(spot);
            if self.last.as_ref().is_some_and(|last| **last >= *key) {
                return Err("keys that do not ascend");
            }
            self.key(key, block.fingerprint(i))?;
            self.last = Some(key.to_vec());
            self.report.entries += 1;
            self.tombstones += u64::from(spot.tombstone);
        }
        if end == block.entry_bytes() { Ok(()) } else { Err("a block with more in it than its entries") }
    }

    /// What filter, fingerprint and index say of a key of the block that is being checked.
    fn key(&self, key: &[u8], print: Option<u8>) -> std::result::Result<(), &'static str> {
        let hash = hash(key);
        if self.parts.filter.as_ref().is_ok_and(|filter| !filter.may_contain(hash)) {
            return Err("a key that the filter denies");
        }
        if print.is_some_and(|print| print != fingerprint(hash)) {
            return Err("a fingerprint that is not the key's");
        }
        if self
            .parts
            .index
            .as_ref()
            .is_ok_and(|index| index.find(key) != self.blocks || key < index.smallest())
        {
            return Err("a key that the index looks for elsewhere");
        }
        Ok(())
    }

    /// Compares what was counted with what the footer says.
    fn totals(&mut self) {
        let Ok(footer) = &self.parts.footer else { return };
        let counted = (self.report.entries, self.tombstones);
        if self.report.damage.is_empty() && counted != (footer.entries, footer.tombstones) {
            let what = format!(
                "{} entries and {} tombstones, where the footer says {} and {}",
                counted.0, counted.1, footer.entries, footer.tombstones
            );
            self.damage(footer.footer_at(), &what);
        }
    }

    fn damage(&mut self, offset: u64, what: &str) {
        self.report.damage.push(Damage { file: self.parts.name.to_owned(), offset, what: what.to_owned() });
    }
}
