//! Showing a hint file field by field.
//!
//! **Invariants** Every byte of the file is in exactly one field, also of a damaged one.

use super::header::{HEADER_BYTES, Header};
use super::{CHECKSUM_BYTES, Order, checksum};
use crate::keydir::record::{LOCATION_BYTES, Record};
use contract::{Error, FieldSink, IoContext, Result, Verdict};
use stage1::inspect::{Show, text};
use stage1::log::header::engine_name;
use vfs::{File, read_full};

/// Shows the hint in `file`, called `name`, of the segment with the number `segment`; false if the receiver wants no
/// more.
pub fn describe(file: &dyn File, name: &str, segment: u64, sink: &mut FieldSink<'_>) -> Result<bool> {
    let size = file.size().during("stat", name)?;
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
    let n = read_full(file, &mut bytes, 0).during("read", name)?;
    bytes.truncate(n);
    let (head, rest) = bytes.split_at(n.min(HEADER_BYTES));
    let mut show = Show { name, offset: 0, sink };
    Ok(match Header::parse(head, name) {
        Ok(header) => fields(&mut show, head, &header, (segment, size)) && body(&mut show, rest, &header),
        Err(error) => {
            let verdict = Verdict::Bad(reason(error));
            show.field(head, "header", "a header that cannot be read".into(), verdict)
                && unreadable(&mut show, rest, "nothing says what it is")
        }
    })
}

fn fields(show: &mut Show<'_, '_>, bytes: &[u8], header: &Header, (segment, size): (u64, u64)) -> bool {
    let own = verdict(header.segment == segment, || "the file's name says another".into());
    let length = verdict(header.file_bytes() == Some(size), || format!("the file has {size} bytes"));
    let covered = format!("speaks for the first {} bytes of it", header.covered_bytes);
    let last = format!("the last frame of them has {} bytes, at {}", header.last_bytes, header.last_offset());
    let ends = format!("and the checksum {:08x}", header.last_checksum);
    show.field(&bytes[..8], "magic", "a hint".into(), Verdict::None)
        && show.field(
            &bytes[8..12],
            "version",
            format!("format {}", stage1::log::header::VERSION),
            Verdict::None,
        )
        && show.field(&bytes[12..24], "engine", engine_name(crate::ENGINE), Verdict::None)
        && show.field(&bytes[24..32], "segment", header.segment_id().to_string(), own)
        && show.field(&bytes[32..40], "covered", covered, Verdict::None)
        && show.field(&bytes[40..44], "last bytes", last, Verdict::None)
        && show.field(&bytes[44..48], "last checksum", ends, Verdict::None)
        && show.field(&bytes[48..52], "count", format!("records: {}", header.count), Verdict::None)
        && show.field(&bytes[52..60], "record bytes", header.record_bytes.to_string(), length)
        && show.field(&bytes[60..], "checksum", "of the header".into(), Verdict::Good)
}

/// Shows the records and their checksum.
fn body(show: &mut Show<'_, '_>, bytes: &[u8], header: &Header) -> bool {
    let len = usize::try_from(header.record_bytes).unwrap_or(usize::MAX);
    let (records, rest) = bytes.split_at(len.min(bytes.len()));
    let (stored, behind) = rest.split_at(rest.len().min(CHECKSUM_BYTES));
    let sum = stored.first_chunk().map(|stored| u32::from_le_bytes(*stored));
    let verdict = verdict(sum == Some(checksum(records, header)), || "checksum mismatch".into());
    let (mut left, mut order) = (records, Order::default());
    while let Some(next) = Record::first(left) {
        let fault = order.fault(&next, header);
        if !record(show, &next, fault) {
            return false;
        }
        left = &left[next.bytes.len()..];
    }
    unreadable(show, left, "a record that is not whole")
        && (stored.is_empty() || show.field(stored, "checksum", "of the records".into(), verdict))
        && unreadable(show, behind, "the header says that the file ends before")
}

fn record(show: &mut Show<'_, '_>, record: &Record<'_>, fault: Option<&str>) -> bool {
    let at = record.location();
    let kind = if at.tombstone { "tombstone" } else { "put" };
    let meaning = format!("a {kind} of {} bytes at {}", at.bytes, at.offset);
    let verdict = fault.map_or(Verdict::None, |fault| Verdict::Bad(fault.into()));
    let (location, rest) = record.bytes.split_at(LOCATION_BYTES);
    let (length, key) = rest.split_at(rest.len() - record.key.len());
    show.field(location, "location", meaning, verdict)
        && show.field(length, "key length", key.len().to_string(), Verdict::None)
        && (key.is_empty() || show.field(key, "key", text(key), Verdict::None))
}

/// Shows what nobody can read, if there is any.
fn unreadable(show: &mut Show<'_, '_>, bytes: &[u8], why: &str) -> bool {
    bytes.is_empty() || show.field(bytes, "unreadable", "no record".into(), Verdict::Bad(why.into()))
}

fn verdict(good: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if good { Verdict::Good } else { Verdict::Bad(otherwise()) }
}

/// What an error says, without the file that everybody knows here.
fn reason(error: Error) -> String {
    match error {
        Error::Corrupt { what, .. } => what,
        other => other.to_string(),
    }
}
