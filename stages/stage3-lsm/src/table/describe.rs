//! Showing a table field by field.
//!
//! **Invariants** Every byte of the file is in exactly one field, also of a damaged one.

use super::block::{Block, Spot};
use super::footer::{FOOTER_BYTES, Footer, VERSION};
use super::read::section;
use super::stored::{self, HEAD_BYTES};
use super::varint;
use super::walk::{Parts, Piece, reason};
use crate::bloom::LINE_BYTES;
use contract::{FieldSink, Result, Verdict};
use stage1::inspect::{Show, text};
use vfs::File;

/// Shows table `number` in `file`, called `name`; false if the receiver wants no more.
pub fn describe(file: &dyn File, name: &str, number: u64, sink: &mut FieldSink<'_>) -> Result<bool> {
    let parts = Parts::read(file, name, number)?;
    let mut show = Show { name, offset: 0, sink };
    let (go_on, _) = parts.pieces(&mut |piece| Ok(block(&mut show, &piece)))?;
    if !go_on {
        return Ok(false);
    }
    let rest = section(file, name, show.offset, parts.size - show.offset)?;
    let Ok(footer) = &parts.footer else {
        let why = parts.footer.as_ref().err().map_or_else(String::new, reason);
        // Also where no byte is left: that there is no footer is what is wrong.
        return Ok(show.field(&rest, "unreadable", "no footer at the end".into(), Verdict::Bad(why)));
    };
    let (filter, rest) = rest.split_at(length(footer.filter_bytes, &rest));
    let (index, footer_bytes) = rest.split_at(length(footer.index_bytes, rest));
    Ok(filter_lines(&mut show, filter, &parts)
        && index_entries(&mut show, index, &parts)
        && footer_fields(&mut show, footer_bytes, footer))
}

fn length(bytes: u64, of: &[u8]) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX).min(of.len())
}

fn block(show: &mut Show<'_, '_>, piece: &Piece<'_>) -> bool {
    let (payload, head) = match (&piece.payload, piece.bytes.first_chunk().map(stored::Head::parse)) {
        (Ok(payload), Some(Ok(head))) => (payload, head),
        (Err(why), _) => return unreadable(show, piece.bytes, why),
        _ => return unreadable(show, piece.bytes, "no head of a block"),
    };
    let (head_bytes, stored_bytes) = piece.bytes.split_at(HEAD_BYTES);
    let codec = if head.compressed { "compressed by LZ4" } else { "as it is" };
    let go_on = show.field(&head_bytes[..4], "checksum", "of the block in this place".into(), Verdict::Good)
        && show.field(
            &head_bytes[4..8],
            "block length",
            format!("{} bytes follow the head", head.payload_bytes),
            Verdict::None,
        )
        && show.field(&head_bytes[8..11], "mark", "a block".into(), Verdict::None)
        && show.field(&head_bytes[11..], "codec", codec.into(), Verdict::None);
    if !go_on || !head.compressed {
        return go_on && entries(show, payload);
    }
    let (length, compressed) = stored_bytes.split_at(4.min(stored_bytes.len()));
    let holds = Block::parse(payload).map_or_else(str::to_owned, |block| format!("{} entries", block.len()));
    show.field(length, "length", format!("{} bytes when decompressed", payload.len()), Verdict::None)
        && show.field(compressed, "compressed", holds, Verdict::None)
}

/// Shows the payload of a block that is not compressed.
fn entries(show: &mut Show<'_, '_>, payload: &[u8]) -> bool {
    let block = match Block::parse(payload) {
        Ok(block) => block,
        Err(why) => return unreadable(show, payload, why),
    };
    let (bytes, behind) = payload.split_at(block.entry_bytes());
    let mut at = 0;
    for i in 0..block.len() {
        match Spot::parse_at(&block, at) {
            Ok(spot) if block.spot(i) == Ok(spot) => {
                if !entry(show, &bytes[at..spot.key_at], &block, spot) {
                    return false;
                }
                at = spot.end;
            }
            _ => return unreadable(show, &payload[at..], "entries that do not follow each other"),
        }
    }
    let (starts, rest) = behind.split_at(2 * block.len());
    let (prints, count) = rest.split_at(rest.len() - 2);
    unreadable(show, &bytes[at..], "no entry")
        && show.field(starts, "starts", "where each entry starts in the block".into(), Verdict::None)
        && (prints.is_empty()
            || show.field(prints, "fingerprints", "eight bits of each key's hash".into(), Verdict::None))
        && show.field(count, "count", format!("{} entries", block.len()), Verdict::None)
}

fn entry(show: &mut Show<'_, '_>, head: &[u8], block: &Block<'_>, spot: Spot) -> bool {
    let (key, value) = (block.key(spot), block.value(spot));
    let key_head = varint::take(head).map_or(0, |(_, n)| n);
    let meaning = value.map_or("a tombstone".into(), |value| format!("a value of {} bytes", value.len()));
    show.field(&head[..key_head], "key length", key.len().to_string(), Verdict::None)
        && show.field(&head[key_head..], "value length", meaning, Verdict::None)
        && (key.is_empty() || show.field(key, "key", text(key), Verdict::None))
        && value
            .is_none_or(|value| value.is_empty() || show.field(value, "value", text(value), Verdict::None))
}

fn filter_lines(show: &mut Show<'_, '_>, bytes: &[u8], parts: &Parts<'_>) -> bool {
    let verdict = parts.filter.as_ref().map_or_else(|error| Verdict::Bad(reason(error)), |_| Verdict::Good);
    let probes = parts.filter.as_ref().map_or(0, crate::bloom::Filter::probes);
    let meaning = format!("{} lines; a key sets {probes} bits of one", bytes.len() / LINE_BYTES);
    bytes.is_empty() && verdict == Verdict::Good || show.field(bytes, "filter", meaning, verdict)
}

fn index_entries(show: &mut Show<'_, '_>, bytes: &[u8], parts: &Parts<'_>) -> bool {
    let index = match &parts.index {
        Ok(index) => index,
        Err(error) => {
            return show.field(
                bytes,
                "index",
                "an index that cannot be read".into(),
                Verdict::Bad(reason(error)),
            );
        }
    };
    let smallest = index.smallest();
    let (first, mut rest) = bytes.split_at(varint::bytes(smallest.len() as u64) + smallest.len());
    let mut go_on = show.field(first, "smallest key", text(smallest), Verdict::Good);
    for number in 0..index.len() {
        let Some(block) = index.block(number) else { break };
        let key = index.separator(number);
        let len = varint::bytes(u64::from(block.bytes)) + varint::bytes(key.len() as u64) + key.len();
        let (bytes, behind) = rest.split_at(len.min(rest.len()));
        rest = behind;
        let meaning =
            format!("block {number}, {} bytes at {}: keys up to {}", block.bytes, block.offset, text(key));
        go_on = go_on && show.field(bytes, "block", meaning, Verdict::Good);
    }
    go_on && unreadable(show, rest, "nothing in the index")
}

fn footer_fields(show: &mut Show<'_, '_>, bytes: &[u8], footer: &Footer) -> bool {
    if bytes.len() != FOOTER_BYTES {
        return unreadable(show, bytes, "not as long as a footer");
    }
    let mut rest = bytes;
    let mut field = |n: usize, name: &'static str, meaning: String, verdict: Verdict| {
        let (taken, left) = rest.split_at(n);
        rest = left;
        show.field(taken, name, meaning, verdict)
    };
    let none = Verdict::None;
    field(8, "magic", "the footer of a table".into(), none.clone())
        && field(4, "version", format!("format {VERSION}"), none.clone())
        && field(8, "number", footer.number.to_string(), none.clone())
        && field(8, "entries", footer.entries.to_string(), none.clone())
        && field(8, "tombstones", format!("{} of them", footer.tombstones), none.clone())
        && field(4, "blocks", footer.blocks.to_string(), none.clone())
        && field(8, "data bytes", format!("{} bytes of blocks", footer.data_bytes), none.clone())
        && field(8, "filter bytes", format!("{} bytes of filter", footer.filter_bytes), none.clone())
        && field(8, "index bytes", format!("{} bytes of index", footer.index_bytes), none.clone())
        && field(4, "filter checksum", "of the filter in its place".into(), none.clone())
        && field(4, "index checksum", "of the index in its place".into(), none.clone())
        && field(1, "probes", format!("a key sets {} bits of the filter", footer.probes), none.clone())
        && field(3, "zeros", "not used".into(), none)
        && field(4, "checksum", "of the footer in this place".into(), Verdict::Good)
}

/// Shows what nobody can read, if there is any.
fn unreadable(show: &mut Show<'_, '_>, bytes: &[u8], why: &str) -> bool {
    bytes.is_empty() || show.field(bytes, "unreadable", "no block".into(), Verdict::Bad(why.to_owned()))
}
