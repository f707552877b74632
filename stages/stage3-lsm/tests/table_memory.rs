//! What lengths in a table claim is not allocated before it is known to be true: counted by the allocator.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use peak_alloc::PeakAlloc;
use stage1::frame::{Place, checksum};
use stage3::table::{Table, TableBuilder, TableOptions, TableReading, describe, hash, salvage, verify};
use std::ops::Bound;
use std::sync::Arc;
use vfs::{MemFs, Vfs};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const NUMBER: u64 = 7;
const FOOTER_BYTES: usize = 80;
/// What may be allocated besides the file's own bytes.
const MOST: usize = 64 << 20;

fn built(compress: bool) -> Vec<u8> {
    let vfs = MemFs::new();
    let options = TableOptions { compress, filter_bits: 0, block_bytes: 150, ..TableOptions::default() };
    let mut builder = TableBuilder::new(vfs.create("t").unwrap(), "t".into(), NUMBER, &options);
    for i in 0..30 {
        builder.push(format!("key/{i:03}").as_bytes(), Some(&[7; 40])).unwrap();
    }
    builder.finish().unwrap();
    vfs.contents().remove("t").unwrap()
}

/// Makes the checksum at `to` fit the bytes of a part.
fn seal(bytes: &mut [u8], part: std::ops::Range<usize>, to: usize) {
    let place = Place { file: NUMBER, offset: part.start as u64 };
    let part_at = if part.start == to { part.start + 4 } else { part.start };
    let sum = place.mix(checksum(&bytes[part_at..part.end]));
    bytes[to..to + 4].copy_from_slice(&sum.to_le_bytes());
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    usize::try_from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())).unwrap()
}

/// Sets a number in the footer, which keeps its checksum true.
fn footer(mut bytes: Vec<u8>, at: usize, number: &[u8]) -> Vec<u8> {
    let footer_at = bytes.len() - FOOTER_BYTES;
    bytes[footer_at + at..footer_at + at + number.len()].copy_from_slice(number);
    let place = Place { file: NUMBER, offset: footer_at as u64 };
    let sum = place.mix(checksum(&bytes[footer_at..footer_at + 76]));
    bytes[footer_at + 76..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Sets bytes in the payload of the first block, which keeps its checksum true.
fn block(mut bytes: Vec<u8>, at: usize, new: &[u8]) -> Vec<u8> {
    let end = 12 + u32_at(&bytes, 4);
    bytes[12 + at..12 + at + new.len()].copy_from_slice(new);
    seal(&mut bytes, 0..end, 0);
    bytes
}

/// Sets bytes at the start of the index, which keeps its checksum true.
fn index(mut bytes: Vec<u8>, new: &[u8]) -> Vec<u8> {
    let footer_at = bytes.len() - FOOTER_BYTES;
    let index_at = u32_at(&bytes, footer_at + 40);
    bytes[index_at..index_at + new.len()].copy_from_slice(new);
    seal(&mut bytes, index_at..footer_at, footer_at + 68);
    footer(bytes, 8, &[1])
}

fn use_it(bytes: Vec<u8>, mapped: bool) {
    let vfs = MemFs::new();
    vfs.plant("t", bytes);
    let file = vfs.open("t").unwrap();
    let reading = Arc::new(TableReading { mapped, ..TableReading::default() });
    if let Ok(table) = Table::open(Arc::clone(&file), "t".into(), NUMBER, &reading).map(Arc::new) {
        let _ = (table.get(b"key/000", hash(b"key/000")), table.source(Bound::Unbounded, true).is_ok());
    }
    verify(&*file, "t", NUMBER).unwrap();
    assert!(describe(&*file, "t", NUMBER, &mut |_| true).unwrap());
    salvage(&*file, "t", NUMBER, &mut |_| Ok(())).unwrap();
}

/// One test, since nobody else may allocate while it counts.
#[test]
fn no_claimed_length_is_allocated() {
    const HUGE: [u8; 8] = (1_u64 << 40).to_le_bytes();
    let varint = [0xff, 0xff, 0xff, 0xff, 0x3f];
    for compress in [false, true] {
        let good = built(compress);
        let forged = [
            footer(good.clone(), 20, &HUGE),
            footer(good.clone(), 36, &[0xff; 4]),
            footer(good.clone(), 40, &HUGE),
            footer(good.clone(), 48, &HUGE),
            footer(good.clone(), 56, &HUGE),
            index(good.clone(), &varint),
            index(good.clone(), &[&good[u32_at(&good, good.len() - 40)..][..8], &varint].concat()),
            block(good.clone(), 0, &[0xff; 4]),
            block(good.clone(), 0, &varint),
            block(good.clone(), 1, &varint),
            good,
        ];
        for (i, bytes) in forged.into_iter().enumerate() {
            for mapped in [false, true] {
                let (len, before) = (bytes.len(), HEAP.current_usage());
                HEAP.reset_peak_usage();
                use_it(bytes.clone(), mapped);
                let taken = HEAP.peak_usage() - before;
                assert!(taken <= len + MOST, "number {i}: {taken} bytes for a file of {len}");
            }
        }
    }
}
