//! Saving what can be read of a table.

use super::block::Block;
use super::walk::{Parts, reason};
use contract::{Damage, Entry, Result};
use vfs::File;

/// Gives every entry of table `number` in `file`, called `name`, that can be read to `take`, in order, and returns the
/// stretches of it that could not be read. Footer, filter and index are not needed for it; but without the footer nobody
/// can say that this was all.
pub fn salvage(
    file: &dyn File,
    name: &str,
    number: u64,
    take: &mut dyn FnMut(Entry<'_>) -> Result<()>,
) -> Result<Vec<Damage>> {
    let parts = Parts::read(file, name, number)?;
    let mut lost = Vec::new();
    let mut report =
        |offset, what: &str| lost.push(Damage { file: name.to_owned(), offset, what: what.to_owned() });
    let (_, end) = parts.pieces(&mut |piece| {
        let block = match &piece.payload {
            Ok(payload) => Block::parse(payload),
            Err(what) => Err(*what),
        };
        let block = match block {
            Ok(block) => block,
            Err(what) => {
                report(piece.offset, what);
                return Ok(true);
            }
        };
        for i in 0..block.len() {
            match block.spot(i) {
                Ok(spot) => take(Entry { key: block.key(spot), value: block.value(spot) })?,
                Err(what) => report(piece.offset, what),
            }
        }
        Ok(true)
    })?;
    if let Err(error) = &parts.footer {
        let what = format!(
            "{}: nothing says what was in the last {} bytes, or behind them",
            reason(error),
            parts.size - end
        );
        report(end, &what);
    }
    Ok(lost)
}
