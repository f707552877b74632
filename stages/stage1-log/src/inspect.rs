//! Showing files field by field: offset, bytes, meaning, and what the checksum says.
//!
//! **Invariants** Looking changes no byte. Every byte of a file is in exactly one field, also of a damaged one.

use crate::clean::{self, Listed};
use crate::files::{CLEAN, Name};
use crate::frame::{FLOOR_BYTES, Frame, HEAD_BYTES, Head, Kind, Place};
use crate::log::header::{HEADER_BYTES, Header, Previous, engine_name};
use crate::log::{Stretch, find_frame, last_non_zero};
use crate::survey::lock;
use contract::{Error, Field, FieldSink, IoContext, Result, Verdict};
use vfs::{File, Vfs, read_full};

/// How many bytes of a field are shown.
const SHOWN_BYTES: usize = 32;

/// Shows one file of a store, or every file of it that is ours.
pub(crate) fn inspect(vfs: &dyn Vfs, only: Option<&str>, sink: &mut FieldSink<'_>) -> Result<()> {
    let _lock = lock(vfs)?;
    let names = match only {
        Some(name) => vec![name.to_owned()],
        None => vfs.list().during("list", &vfs.location())?,
    };
    for name in names {
        let go_on = match Name::parse(&name) {
            Name::Clean => mark(vfs, sink)?,
            Name::Log(number) | Name::Aside(number) | Name::Unfinished(Some(number)) => {
                log(vfs, &name, number, sink)?
            }
            _ if only.is_some() => return Err(unknown(vfs, &name)),
            _ => true,
        };
        if !go_on {
            return Ok(());
        }
    }
    Ok(())
}

fn unknown(vfs: &dyn Vfs, name: &str) -> Error {
    match vfs.open(name).during("open", name) {
        Err(error) => error,
        Ok(_) => Error::WrongStore {
            file: name.to_owned(),
            what: "not a file of this stage by its name; logs are called 000001.log, 000002.log, …".into(),
        },
    }
}

/// A cursor over a file that hands out its fields.
pub struct Show<'a, 'b> {
    /// The file's name.
    pub name: &'a str,
    /// Where the next field starts, in bytes.
    pub offset: u64,
    /// Who receives the fields.
    pub sink: &'a mut FieldSink<'b>,
}

impl Show<'_, '_> {
    /// Gives out the next `bytes`, and returns whether to go on.
    pub fn field(&mut self, bytes: &[u8], name: &'static str, meaning: String, verdict: Verdict) -> bool {
        self.long_field(bytes, bytes.len() as u64, name, meaning, verdict)
    }

    /// The same for a field of which `bytes` is only the beginning.
    fn long_field(
        &mut self,
        bytes: &[u8],
        len: u64,
        name: &'static str,
        meaning: String,
        verdict: Verdict,
    ) -> bool {
        let shown = bytes[..bytes.len().min(SHOWN_BYTES)].to_vec();
        let field = Field {
            file: self.name.to_owned(),
            offset: self.offset,
            len,
            bytes: shown,
            name,
            meaning,
            verdict,
        };
        self.offset += len;
        (self.sink)(&field)
    }
}

/// Shows the mark of a clean close; false if the receiver wants no more.
pub fn mark(vfs: &dyn Vfs, sink: &mut FieldSink<'_>) -> Result<bool> {
    let bytes = clean::read_bytes(vfs)?;
    let mut show = Show { name: CLEAN, offset: 0, sink };
    let (engine, version, files) = match clean::parse(&bytes) {
        Ok(parsed) => parsed,
        Err(Error::Corrupt { what, .. }) => {
            let meaning = "a mark of a clean close that cannot be read".to_owned();
            return Ok(show.field(&bytes, "mark", meaning, Verdict::Bad(what)));
        }
        Err(error) => return Err(error),
    };
    let mut rest = bytes.as_slice();
    let mut take = |n: usize| {
        let (taken, left) = rest.split_at(n);
        rest = left;
        taken
    };
    let mut go_on = show.field(take(8), "magic", "the mark of a clean close".into(), Verdict::None)
        && show.field(take(4), "version", format!("format {version}"), Verdict::None)
        && show.field(take(12), "engine", engine_name(engine), Verdict::None)
        && show.field(take(4), "count", format!("files listed: {}", files.len()), Verdict::None);
    for file in &files {
        let meaning =
            format!("{}: {} bytes, last checksum {:08x}", file.name, file.bytes, file.last_checksum);
        let bytes = take(1 + file.name.len() + 12);
        go_on = go_on && show.field(bytes, "file", meaning, as_listed(vfs, file));
    }
    Ok(go_on && show.field(take(4), "checksum", "of all before".into(), Verdict::Good))
}

/// Whether a file is as long as the mark says.
fn as_listed(vfs: &dyn Vfs, file: &Listed) -> Verdict {
    match vfs.open(&file.name).and_then(|file| file.size()) {
        Ok(bytes) if bytes == file.bytes => Verdict::Good,
        Ok(bytes) => Verdict::Bad(format!("it has {bytes} bytes")),
        Err(error) => Verdict::Bad(error.to_string()),
    }
}

/// Shows a log, by whatever name it goes; false if the receiver wants no more.
pub fn log(vfs: &dyn Vfs, name: &str, number: u64, sink: &mut FieldSink<'_>) -> Result<bool> {
    let file = vfs.open(name).during("open", name)?;
    let size = file.size().during("stat", name)?;
    let mut show = Show { name, offset: 0, sink };
    let mut head = [0; HEADER_BYTES];
    let n = read_full(&*file, &mut head, 0).during("read", name)?;
    if !header(&mut show, &head[..n], number) {
        return Ok(false);
    }
    let mut body = Vec::new();
    while show.offset < size {
        if !next_frame(&mut show, &*file, number, size, &mut body)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn header(show: &mut Show<'_, '_>, bytes: &[u8], number: u64) -> bool {
    let (header, version) = match Header::parse(bytes, show.name) {
        Ok(parsed) => parsed,
        Err(error) => {
            return show.field(
                bytes,
                "header",
                "a header that cannot be read".into(),
                Verdict::Bad(error.to_string()),
            );
        }
    };
    let own =
        if header.number == number { Verdict::None } else { Verdict::Bad(format!("the name says {number}")) };
    let [before, its_bytes, its_last] = predecessor(header.previous);
    show.field(&bytes[..8], "magic", "a log".into(), Verdict::None)
        && show.field(&bytes[8..12], "version", format!("format {version}"), Verdict::None)
        && show.field(&bytes[12..24], "engine", engine_name(header.engine), Verdict::None)
        && show.field(&bytes[24..32], "number", header.number.to_string(), own)
        && show.field(&bytes[32..40], "prev number", before, Verdict::None)
        && show.field(&bytes[40..48], "prev bytes", its_bytes, Verdict::None)
        && show.field(&bytes[48..52], "prev last", its_last, Verdict::None)
        && show.field(&bytes[52..60], "base", durable_when_named(header.base_bytes), Verdict::None)
        && show.field(&bytes[60..64], "checksum", "of the header".into(), Verdict::Good)
}

/// What the header says about the log before this one: which, how long, and its last checksum.
fn predecessor(previous: Previous) -> [String; 3] {
    if previous.number == 0 {
        return ["no log before this one", "none", "none"].map(str::to_owned);
    }
    if previous.bytes == 0 {
        // A file that took the place of several: what comes before it may itself have been replaced since.
        return [format!("comes after log {}", previous.number), "not stated".into(), "not stated".into()];
    }
    [
        format!("comes after log {}", previous.number),
        format!("which had {} bytes", previous.bytes),
        format!("and ended with {:08x}", previous.last_checksum),
    ]
}

fn durable_when_named(base_bytes: u64) -> String {
    format!("the first {base_bytes} bytes were on the device when the log got its name")
}

/// Shows the frame at the cursor, or all up to the next one if there is none here.
fn next_frame(
    show: &mut Show<'_, '_>,
    file: &dyn File,
    number: u64,
    size: u64,
    body: &mut Vec<u8>,
) -> Result<bool> {
    let place = Place { file: number, offset: show.offset };
    let mut head = [0; HEAD_BYTES];
    let n = read_full(file, &mut head, show.offset).during("read", show.name)?;
    let len = match Head::parse(&head) {
        Ok(head) if n == HEAD_BYTES && head.len() as u64 <= size - show.offset => head.len(),
        _ => n,
    };
    body.resize(len, 0);
    let n = read_full(file, body, show.offset).during("read", show.name)?;
    match Frame::verify(&body[..n], place) {
        Ok(frame) if frame.head.kind == Kind::Floor => Ok(floor(show, &frame)),
        Ok(frame) => Ok(entry(show, &frame)),
        Err(what) => no_frame(show, file, number, size, what),
    }
}

fn entry(show: &mut Show<'_, '_>, frame: &Frame<'_>) -> bool {
    let (bytes, head) = (frame.bytes, frame.head);
    let kind = if head.kind == Kind::Put { "put" } else { "tombstone" };
    let more = if head.more { ", and the batch goes on" } else { "" };
    let (key, value) = (frame.key(), frame.value());
    show.field(&bytes[..4], "checksum", "of the frame in this place".into(), Verdict::Good)
        && show.field(&bytes[4..5], "tag", format!("{kind}{more}"), Verdict::None)
        && show.field(&bytes[5..8], "key length", key.len().to_string(), Verdict::None)
        && show.field(&bytes[8..12], "value length", value.map_or(0, <[u8]>::len).to_string(), Verdict::None)
        && (key.is_empty() || show.field(key, "key", text(key), Verdict::None))
        && value.is_none_or(|v| v.is_empty() || show.field(v, "value", text(v), Verdict::None))
}

fn floor(show: &mut Show<'_, '_>, frame: &Frame<'_>) -> bool {
    let durable = frame.floor().unwrap_or_default();
    show.field(&frame.bytes[..4], "checksum", "of the floor in this place".into(), Verdict::Good)
        && show.field(
            &frame.bytes[4..12],
            "floor",
            "what was synced before this append:".into(),
            Verdict::None,
        )
        && show.field(
            &frame.bytes[12..FLOOR_BYTES],
            "durable",
            format!("everything before offset {durable}"),
            Verdict::None,
        )
}

/// Shows what is not a frame, up to the next one or to the end of the file.
fn no_frame(show: &mut Show<'_, '_>, file: &dyn File, number: u64, size: u64, what: &str) -> Result<bool> {
    let start = show.offset;
    let rest = Stretch { start, end: size };
    let next = find_frame(file, show.name, number, Stretch { start: start + 1, end: size })?;
    let reserved = next.is_none() && last_non_zero(file, show.name, rest)? == start;
    let len = next.unwrap_or(size) - start;
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX).min(SHOWN_BYTES)];
    read_full(file, &mut bytes, start).during("read", show.name)?;
    let go_on = if reserved {
        show.long_field(&bytes, len, "reserved", "zeros: room that no entry has used".into(), Verdict::None)
    } else {
        show.long_field(&bytes, len, "unreadable", "no frame".into(), Verdict::Bad(what.to_owned()))
    };
    Ok(go_on)
}

/// The beginning of a key or value as text.
pub fn text(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(2 * SHOWN_BYTES)];
    let dots = if shown.len() < bytes.len() { "…" } else { "" };
    match std::str::from_utf8(shown) {
        Ok(text) if !text.chars().any(char::is_control) => format!("{text}{dots}"),
        _ => format!("{}{dots}", shown.escape_ascii()),
    }
}
