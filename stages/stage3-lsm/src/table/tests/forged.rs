//! Bytes that nobody would write, with checksums that say they are good: an error, never a panic and never an endless
//! walk.

use super::model::{Model, NUMBER, built, opened, readings, walked};
use crate::table::footer::{FOOTER_BYTES, Footer};
use crate::table::{Table, TableOptions, describe, hash, read, salvage, verify};
use stage1::frame::{Place, checksum};
use std::ops::Bound;
use std::sync::Arc;
use vfs::{MemFs, Vfs};

fn model() -> Model {
    (0..12).map(|i| (format!("key/{i:03}").into_bytes(), Some(vec![i; 30]))).collect()
}

fn sum(bytes: &[u8], offset: usize) -> u32 {
    Place { file: NUMBER, offset: offset as u64 }.mix(checksum(bytes))
}

/// The same table with changed bytes, and checksums that fit them.
pub(super) struct Forger {
    pub(super) bytes: Vec<u8>,
    footer: Footer,
    pub(super) blocks: Vec<(usize, usize)>,
}

impl Forger {
    fn new(options: &TableOptions) -> Self {
        Self::of(&model(), options)
    }

    pub(super) fn of(model: &Model, options: &TableOptions) -> Self {
        let bytes = built(model, NUMBER, options);
        let table = opened(&bytes, &readings()[0]).unwrap();
        let small = |n: u64| usize::try_from(n).unwrap();
        let at = |i| table.index.block(i).unwrap();
        let blocks = (0..table.index.len()).map(|i| (small(at(i).offset), small(at(i).end()))).collect();
        Self { bytes, footer: table.footer, blocks }
    }

    /// Makes every checksum fit.
    pub(super) fn sealed(&mut self) -> Vec<u8> {
        for &(start, end) in &self.blocks {
            let sum = sum(&self.bytes[start + 4..end], start);
            self.bytes[start..start + 4].copy_from_slice(&sum.to_le_bytes());
        }
        let footer_at = self.bytes.len() - FOOTER_BYTES;
        let small = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(footer_at);
        let (filter_at, index_at) = (small(self.footer.filter_at()), small(self.footer.index_at()));
        self.footer.filter_checksum = sum(&self.bytes[filter_at..index_at], filter_at);
        self.footer.index_checksum = sum(&self.bytes[index_at..footer_at], index_at);
        let mut footer = self.footer.encode();
        let sum = sum(&footer[..76], footer_at);
        footer[76..].copy_from_slice(&sum.to_le_bytes());
        self.bytes[footer_at..].copy_from_slice(&footer);
        self.bytes.clone()
    }
}

/// Uses a table in every way. What it says cannot be right; that it comes to an end is what is asked.
fn use_it(table: &Arc<Table>) {
    for i in 0..14 {
        let key = format!("key/{i:03}").into_bytes();
        let _ = (table.get(&key, hash(&key)), table.explain(&key, hash(&key)));
        let _ = walked(table, Bound::Included(&key), true);
    }
    let _ = (walked(table, Bound::Unbounded, false), table.verify());
}

fn look_at_it(bytes: &[u8]) {
    for reading in readings() {
        if let Ok(table) = opened(bytes, &reading) {
            use_it(&table);
        }
    }
    let vfs = MemFs::new();
    vfs.plant("t", bytes.to_vec());
    let file = vfs.open("t").unwrap();
    let (mut end, mut entries) = (0, 0);
    let shown = describe(&*file, "t", NUMBER, &mut |field| {
        assert_eq!(field.offset, end, "{}", field.name);
        end += field.len;
        true
    });
    assert!(shown.unwrap() && end == bytes.len() as u64);
    verify(&*file, "t", NUMBER).unwrap();
    salvage(&*file, "t", NUMBER, &mut |_| {
        entries += 1;
        Ok(())
    })
    .unwrap();
    assert!(entries < bytes.len());
}

#[test]
fn any_byte_of_a_block_may_be_any_other() {
    for fingerprints in [true, false] {
        for compress in [false, true] {
            let options = TableOptions { block_bytes: 150, fingerprints, compress, filter_bits: 0 };
            let forger = Forger::new(&options);
            let (start, end) = forger.blocks[1];
            for at in start + 4..end {
                for byte in [0, 1, 0x7f, 0x80, 0xff] {
                    let mut bad =
                        Forger { bytes: forger.bytes.clone(), blocks: forger.blocks.clone(), ..forger };
                    bad.bytes[at] = byte;
                    look_at_it(&bad.sealed());
                }
            }
        }
    }
}

#[test]
fn any_byte_of_filter_and_index_may_be_any_other() {
    let forger = Forger::new(&TableOptions { block_bytes: 150, ..TableOptions::default() });
    for at in usize::try_from(forger.footer.filter_at()).unwrap()..forger.bytes.len() - FOOTER_BYTES {
        for byte in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bad = Forger { bytes: forger.bytes.clone(), blocks: forger.blocks.clone(), ..forger };
            bad.bytes[at] = byte;
            look_at_it(&bad.sealed());
        }
    }
}

#[test]
fn no_length_in_a_footer_is_taken_on_trust() {
    let changes: [fn(&mut Footer, u64); 5] = [
        |footer, n| footer.data_bytes = n,
        |footer, n| footer.filter_bytes = n,
        |footer, n| footer.index_bytes = n,
        |footer, n| footer.blocks = u32::try_from(n).unwrap_or(u32::MAX),
        |footer, n| (footer.data_bytes, footer.filter_bytes) = (n, 0_u64.wrapping_sub(n)),
    ];
    for change in changes {
        for n in
            [0, 1, 5, 63, 64, 65, 1_000, u64::from(u32::MAX), 1 << 40, u64::MAX / 2, u64::MAX - 79, u64::MAX]
        {
            let mut forger = Forger::new(&TableOptions { block_bytes: 150, ..TableOptions::default() });
            let before = forger.footer;
            change(&mut forger.footer, n);
            if forger.footer.data_bytes.checked_add(forger.footer.filter_bytes).is_none()
                || forger
                    .footer
                    .filter_at()
                    .checked_add(forger.footer.filter_bytes)
                    .and_then(|at| at.checked_add(forger.footer.index_bytes))
                    .is_none()
            {
                // The writer of the forged footer cannot add these up either: its bytes are set one by one.
                forger.footer = before;
                continue;
            }
            let same = forger.footer == before;
            let bytes = forger.sealed();
            let opening = readings().map(|reading| opened(&bytes, &reading).is_ok());
            assert_eq!(opening, [same; 4], "{n}");
            look_at_it(&bytes);
        }
    }
}

#[test]
fn a_number_of_probes_that_no_filter_has_is_refused() {
    for (probes, good) in [(0, false), (1, true), (16, true), (17, false), (255, false)] {
        let mut forger = Forger::new(&TableOptions::default());
        forger.footer.probes = probes;
        assert_eq!(opened(&forger.sealed(), &readings()[0]).is_ok(), good, "{probes}");
    }
}

#[test]
fn more_entries_than_there_are_is_noticed_by_verify() {
    let mut forger = Forger::new(&TableOptions::default());
    forger.footer.entries += 1;
    let table = opened(&forger.sealed(), &readings()[0]).unwrap();
    assert_eq!(table.verify().unwrap().damage.len(), 1);
    let vfs = MemFs::new();
    vfs.plant("t", forger.bytes);
    assert!(read::footer(&*vfs.open("t").unwrap(), "t", NUMBER).is_ok());
}

#[test]
fn a_block_of_nothing_is_damage() {
    let options = TableOptions { block_bytes: 150, ..TableOptions::default() };
    let mut forger = Forger::new(&options);
    let (_, end) = forger.blocks[1];
    forger.bytes[end - 2..end].copy_from_slice(&[0, 0x80]);
    let table = opened(&forger.sealed(), &readings()[0]).unwrap();
    assert!(walked(&table, Bound::Unbounded, true).unwrap_err().is_corrupt());
    assert_eq!(table.verify().unwrap().damage.len(), 1);
}

#[test]
fn a_footer_that_does_not_begin_as_one_is_none() {
    let mut bytes = Forger::new(&TableOptions::default()).sealed();
    let at = bytes.len() - FOOTER_BYTES;
    bytes[at] ^= 1;
    let sum = sum(&bytes[at..at + 76], at);
    bytes[at + 76..].copy_from_slice(&sum.to_le_bytes());
    let error = opened(&bytes, &readings()[0]).err().unwrap();
    assert!(error.is_corrupt() && error.to_string().contains("wrong magic"), "{error}");
}

#[test]
fn a_block_has_its_length_its_mark_and_a_codec() {
    let options = TableOptions { block_bytes: 150, ..TableOptions::default() };
    for (at, what) in [(4, "another length"), (8, "neither mark"), (10, "neither mark"), (11, "nor codec")] {
        let mut forger = Forger::new(&options);
        let start = forger.blocks[1].0;
        forger.bytes[start + at] ^= 4;
        let table = opened(&forger.sealed(), &readings()[0]).unwrap();
        let error = walked(&table, Bound::Unbounded, true).unwrap_err();
        assert!(error.is_corrupt() && error.to_string().contains(what), "byte {at}: {error}");
    }
}
