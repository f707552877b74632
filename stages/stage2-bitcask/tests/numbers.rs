//! A store that has used up its numbers: it reads, and says why it takes no more.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use contract::{Entry, Error};
use stage1::install;
use stage1::log::header::{HEADER_BYTES, Header, Previous};
use stage1::log::{Builder, Frames, Marks};
use stage2::names::SegmentId;
use stage2::{ENGINE, STAGE};
use std::sync::Arc;
use vfs::MemFs;

/// A store that has written so many segments that its recovery gets the last number but one.
fn worn_out() -> MemFs {
    let fs = MemFs::new();
    let id = SegmentId::run(1, u32::MAX - 2);
    let mut frames = Frames::default();
    frames.set_entry(Entry { key: b"old", value: Some(b"value") });
    let header = Header {
        engine: ENGINE,
        number: id.number(),
        previous: Previous::default(),
        base_bytes: (HEADER_BYTES + frames.bytes().len()) as u64,
    };
    let file = install::begin(&fs, &id.log_name()).unwrap();
    let mut builder = Builder::new(file, id.log_name(), &header, Marks::new(64));
    builder.push_new(&frames);
    install::commit(&fs, &*builder.finish().unwrap().file, &id.log_name()).unwrap();
    fs
}

#[test]
fn where_no_number_is_left_writes_are_refused_and_nothing_is_lost() {
    let fs = worn_out();
    let options = STAGE.default_options().with("segment-bytes", "256").unwrap();
    let (engine, _) = (STAGE.open)(Arc::new(fs.clone()), &options).unwrap();
    let mut written = 0_u8;
    let refused = loop {
        match engine.put(&[written], &[written; 40]) {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 10, "a segment of 256 bytes takes them all");
    };
    assert!(matches!(refused, Error::Io { .. }), "{refused}");
    assert!(refused.to_string().contains("no number is left"), "{refused}");
    // Nothing has failed that would make anybody doubt what is there.
    assert!(engine.put(b"again", &[0; 40]).unwrap_err().to_string().contains("no number is left"));
    engine.close().unwrap();
    drop(engine);
    let (engine, report) = (STAGE.open)(Arc::new(fs), &options).unwrap();
    assert!(report.clean);
    assert_eq!(engine.get(b"old").unwrap().as_deref(), Some(&b"value"[..]));
    for key in 0..written {
        assert_eq!(engine.get(&[key]).unwrap(), Some(vec![key; 40]));
    }
}
